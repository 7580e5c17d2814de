package optout_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/optout"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

const sentence = "Hola, no sé de dónde sacaron mi número pero no quiero recibir más publicidad de ustedes, gracias"

// TestASentenceWaitsForADecision: until then campaigns leave the contact out; a STOP of
// their own ends the wait, and nobody decides twice.
func TestASentenceWaitsForADecision(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	hub := pubsub.New(d.Pool, slog.New(slog.DiscardHandler))
	consents := consent.NewService(d, hub, keys.Fixed("test"), time.Now)
	conversations := conversation.NewService(conversation.Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{}, Consents: consents, Topics: topic.NewService(d, hub), Now: time.Now,
	})
	reviews := optout.NewService(d, hub, consents, time.Now)
	system := actor.With(t.Context(), actor.System)
	says := func(sid, from, body string) *contact.Contact {
		t.Helper()
		require.NoError(t, d.Tx(system, func(ctx context.Context, tx bun.Tx) error {
			_, err := conversations.Receive(ctx, tx, conversation.InboundMessage{SID: sid, From: from, Body: body, ReceivedAt: time.Now()})
			return err
		}))
		c := new(contact.Contact)
		require.NoError(t, d.NewSelect().Model(c).Where("c.address = ?", from).Scan(system))
		return c
	}
	open := func() []*optout.Review {
		t.Helper()
		first := 50
		page, err := reviews.Open(system, db.Page{First: &first})
		require.NoError(t, err)
		return page.Items
	}
	for i, from := range []string{"+4915112340001", "+4915112340002", "+4915112340003"} {
		c := says("SM"+from, from, sentence)
		require.NotNil(t, c.OptOutReviewAt)
		require.Equal(t, contact.ConsentUnknown, c.ConsentStatus)
		require.Len(t, open(), i+1)
	}
	says("SMagain", "+4915112340001", sentence)
	require.Len(t, open(), 3, "one question at a time")
	require.Equal(t, "es", open()[0].Language)
	_, err := d.NewRaw("INSERT INTO operators (email, name, role, password_hash) VALUES ('m@shop.example', 'M', 'marketer', '')").Exec(system)
	require.NoError(t, err)
	viewer := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer})
	_, err = reviews.Decide(viewer, open()[0].ID, true)
	require.True(t, apperr.Is(err, apperr.CodeForbidden))

	marketer := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleMarketer})
	first := open()[0].ID
	_, err = reviews.Decide(marketer, first, true)
	require.NoError(t, err)
	c := says("SMlater", "+4915112340001", "hello")
	require.Nil(t, c.OptOutReviewAt)
	require.Equal(t, contact.ConsentOptedOut, c.ConsentStatus)
	var evidence string
	require.NoError(t, d.NewRaw("SELECT evidence ->> 'text' FROM consent_events WHERE contact_id = ?", c.ID).Scan(system, &evidence))
	require.Equal(t, sentence, evidence)
	_, err = reviews.Decide(marketer, first, false)
	require.True(t, apperr.Is(err, apperr.CodeConflict))

	_, err = reviews.Decide(marketer, open()[0].ID, false)
	require.NoError(t, err)
	c = says("SMkept", "+4915112340002", "thanks")
	require.Nil(t, c.OptOutReviewAt)
	require.Equal(t, contact.ConsentUnknown, c.ConsentStatus)

	c = says("SMstop", "+4915112340003", "STOP")
	require.Nil(t, c.OptOutReviewAt, "their own word decides")
	require.Empty(t, open())
	_, err = reviews.Decide(marketer, 999, true)
	require.True(t, apperr.Is(err, apperr.CodeInvalid))
}
