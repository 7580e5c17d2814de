package dispatch

import (
	"testing"

	"eventstream/server/campaign"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/sender"

	"github.com/stretchr/testify/require"
)

// A call may end after somebody has corrected what it met, and resumed the campaign.
func TestWhatACallMetBeforeACampaignWasResumedDoesNotPauseItAgain(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	id, sender := int64(1), int64(1)
	meets := func(f message.Fault) campaign.Status {
		t.Helper()
		f.CampaignID, f.SenderID, f.TemplateVersionID, f.Info = &id, sender, &id, message.CodeInfo{Code: 63041, Title: "Template paused by WhatsApp", Class: message.ClassFixFirst, Scope: message.ScopeTemplate}
		require.NoError(t, e.opts.Breaker.Trip(e.ctx, f))
		var status campaign.Status
		require.NoError(t, e.db.NewRaw("SELECT status FROM campaigns WHERE id = 1").Scan(e.ctx, &status))
		return status
	}
	began, err := db.Now(e.ctx, e.db)
	require.NoError(t, err)
	require.Equal(t, campaign.StatusPaused, meets(message.Fault{Began: &began}))
	_, err = e.opts.Campaigns.Resume(e.ctx, id)
	require.NoError(t, err)
	require.Equal(t, campaign.StatusSending, meets(message.Fault{Began: &began}), "the call began before")
	again, err := db.Now(e.ctx, e.db)
	require.NoError(t, err)
	require.Equal(t, campaign.StatusPaused, meets(message.Fault{Began: &again}), "one that began since")
	_, err = e.opts.Campaigns.Resume(e.ctx, id)
	require.NoError(t, err)
	require.Equal(t, campaign.StatusPaused, meets(message.Fault{}), "nobody knows when it began")
}

// The same of a sender: what is about it alone pauses it, not the campaign.
func TestWhatACallMetBeforeASenderWasResumedDoesNotPauseItAgain(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	meets := func(f message.Fault) sender.Status {
		t.Helper()
		f.SenderID, f.Info = 1, message.CodeInfo{Code: 63007, Title: "No sender", Class: message.ClassFixFirst, Scope: message.ScopeSender}
		require.NoError(t, e.opts.Breaker.Trip(e.ctx, f))
		s, err := e.opts.Senders.ByID(e.ctx, 1)
		require.NoError(t, err)
		return s.Status
	}
	began, err := db.Now(e.ctx, e.db)
	require.NoError(t, err)
	require.Equal(t, sender.StatusFailed, meets(message.Fault{Began: &began}))
	_, err = e.opts.Senders.Resume(e.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, sender.StatusActive, meets(message.Fault{Began: &began}), "the call began before")
	again, err := db.Now(e.ctx, e.db)
	require.NoError(t, err)
	require.Equal(t, sender.StatusFailed, meets(message.Fault{Began: &again}), "one that began since")
	_, err = e.opts.Senders.Resume(e.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, sender.StatusFailed, meets(message.Fault{}), "nobody knows when it began")
}
