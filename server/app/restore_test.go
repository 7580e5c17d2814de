package app_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/app"
	"eventstream/server/audit"
	"eventstream/server/backup"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/globalid"
	"eventstream/server/secret"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

// restored starts a copy of an original that is stopped: another database, which the
// engine's role does not own, another SECRET_KEY, and the same Twilio.
func restored(t *testing.T, e *env, made *backup.Made) *env {
	t.Helper()
	owner := dbtest.EmptyURL(t)
	log := slog.New(slog.DiscardHandler)
	other := "fedcba9876543210fedcba9876543210"
	copied := config.Config{DatabaseURL: config.Secret(roleFor(t, owner)), MigrateDatabaseURL: config.Secret(owner)}
	d, err := db.Open(t.Context(), string(copied.DatabaseURL), 5, log)
	require.NoError(t, err)
	_, err = app.Restore(t.Context(), copied, d, backup.RestoreOptions{Path: made.Path, Secret: secret.New(other), Log: log})
	d.Close()
	require.NoError(t, err)
	return startWith(t, func(c *config.Config) {
		c.DatabaseURL, c.MigrateDatabaseURL = copied.DatabaseURL, copied.MigrateDatabaseURL
		c.SecretKey, c.DataDir, c.MessageValidity = config.Secret(other), e.cfg.DataDir, e.cfg.MessageValidity
	})
}

func (e *env) backup() *backup.Made {
	e.t.Helper()
	made, err := backup.Write(context.Background(), e.DB(), backup.Options{
		Path: e.t.TempDir(), Secret: secret.New(string(e.cfg.SecretKey)), Engine: "test", Now: time.Now,
	})
	require.NoError(e.t, err)
	return made
}

type holding struct {
	BackupAt          time.Time
	OriginalStoppedAt *time.Time
	EndsAt            *time.Time
	Notice            string
}

func (e *env) held() *holding {
	e.t.Helper()
	var out struct{ SendingHold *holding }
	e.do(&out, "{ sendingHold { backupAt originalStoppedAt endsAt notice } }", nil)
	return out.SendingHold
}

func (e *env) release(at *time.Time) string {
	e.t.Helper()
	var out struct {
		SendingRelease struct {
			Hold       *holding
			UserErrors []struct{ Message string }
		}
	}
	e.do(&out, `mutation($at: DateTime) { sendingRelease(input: {originalStoppedAt: $at}) { hold { endsAt } userErrors { message } } }`,
		map[string]any{"at": at})
	for _, wrong := range out.SendingRelease.UserErrors {
		return wrong.Message
	}
	require.NotNil(e.t, out.SendingRelease.Hold.EndsAt)
	return ""
}

func outbound(s *sandbox.Sandbox) (texts map[string]int) {
	texts = map[string]int{}
	for _, m := range s.Messages() {
		if m.Direction == "outbound-api" {
			texts[m.To+" "+m.Body]++
		}
	}
	return texts
}

func sum(texts map[string]int) (n int) {
	for _, k := range texts {
		n += k
	}
	return n
}

func local(t *testing.T, id string) int64 {
	t.Helper()
	_, n, ok := globalid.Split(id)
	require.True(t, ok)
	return n
}

// TestTheRestoreDrill backs up under load, lets the original go on for a while, restores elsewhere, and releases. The
// log of the sandbox, which plays Twilio to both, is the judge.
func TestTheRestoreDrill(t *testing.T) {
	t.Parallel()
	const people = 120
	e := startWith(t, func(c *config.Config) { c.MessageValidity = 5 * time.Second })
	e.small(people)
	erased := e.query("SELECT id FROM contacts WHERE address = '+4915100000005'")
	_, problems := e.act("contactErase", map[string]any{
		"contacts": map[string]any{"ids": []string{globalid.Encode("Contact", int64(erased))}}, "expected": 1,
	})
	require.Empty(t, problems)
	planned := e.draft("planned", nil)
	start := time.Now().Add(3 * time.Second)
	e.must("campaignSchedule", "campaign", map[string]any{"id": planned, "at": start})
	e.faults(func(s *sandbox.Settings) { s.CutRate, s.EmptyRate = 0.03, 0.03 }) // calls without an answer
	running := e.launch("running", 40)
	require.Eventually(t, func() bool { return sum(outbound(e.Sandbox)) > people/4 }, patience, 10*time.Millisecond)
	made := e.backup()

	// The original goes on: it sends, begins what was planned, hears a STOP, and dies half way.
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM messages WHERE campaign_id = ? AND sid IS NOT NULL", local(t, planned)) > 20
	},
		patience, 10*time.Millisecond)
	_, err := e.Sandbox.SendInbound(t.Context(), "+4915100000007", sandbox.PhoneNumber, "STOP", "Person 7")
	require.NoError(t, err)
	e.stop()
	stopped := time.Now()

	c := restored(t, e, made)
	require.Positive(t, c.query("SELECT count(*) FROM messages WHERE status IN ('pending', 'submitting')"),
		"it sent while it was backed up")
	before := outbound(c.Sandbox)
	h := c.held()
	require.NotNil(t, h)
	require.WithinDuration(t, made.Manifest.TakenAt, h.BackupAt, time.Millisecond)
	require.Nil(t, h.EndsAt)
	require.NotEmpty(t, c.release(new(stopped.Add(-time.Hour))), "it made the backup after that")
	require.NotEmpty(t, c.release(new(time.Now().Add(time.Hour))))
	// What was in flight at the backup is held against Twilio's log, and nothing is sent.
	require.Eventually(t, func() bool {
		return c.query("SELECT count(*) FROM messages WHERE status = 'submitting'") == 0
	}, patience, 50*time.Millisecond)
	require.Equal(t, before, outbound(c.Sandbox))
	require.Empty(t, c.release(&stopped))
	require.Eventually(t, func() bool { return c.held() == nil }, patience, 100*time.Millisecond)
	require.NotEmpty(t, c.release(nil), "nothing is held")

	c.await(running, "COMPLETED")
	c.await(planned, "COMPLETED")
	after := outbound(c.Sandbox)
	require.Greater(t, sum(after), sum(before), "the copy sends the rest")
	for text, n := range after {
		require.Equal(t, 1, n, "sent twice: %s", text)
	}
	var strange []string // what the original sent, and the copy knows nothing of
	for _, m := range c.Sandbox.Messages() {
		if m.Direction == "outbound-api" && c.query("SELECT count(*) FROM messages WHERE sid = ?", m.SID) == 0 {
			strange = append(strange, m.To+" "+m.Body)
		}
	}
	require.LessOrEqual(t, len(strange), 1, "at most the answer to the STOP: %v", strange)
	c.recount()
	require.Equal(t, people-1, c.query("SELECT count(*) FROM messages WHERE campaign_id = ?", local(t, running)))
	require.Equal(t, people-1, c.query("SELECT count(*) FROM messages WHERE campaign_id = ? AND (sid IS NOT NULL OR skip_reason = 'opted_out')", local(t, running)))
	require.Equal(t, people-1, c.query("SELECT count(*) FROM messages WHERE campaign_id = ? AND (sid IS NOT NULL OR skip_reason = 'opted_out')", local(t, planned)))
	require.Equal(t, 1, c.query("SELECT count(*) FROM contacts WHERE address = '+4915100000007' AND consent_status = 'opted_out'"), "the STOP was found in the log")
	require.Equal(t, 1, c.query("SELECT count(*) FROM suppressed_addresses WHERE reason = 'erased'"))

	trail := c.Services.Trail
	require.Eventually(t, func() bool {
		n, err := trail.Seal(t.Context())
		return err == nil && n == 0
	}, patience, 50*time.Millisecond)
	v, err := trail.Verify(t.Context(), audit.Against{})
	require.NoError(t, err)
	require.Nil(t, v.Break)
	require.Positive(t, c.query("SELECT count(*) FROM audit_entries WHERE action IN ('backup.restore', 'sending.confirm', 'sending.release')"))
}

// An original that was said to be stopped and sends on is found out.
func TestAnOriginalThatSendsOnKeepsTheHold(t *testing.T) {
	t.Parallel()
	e := startWith(t, func(c *config.Config) { c.MessageValidity = 5 * time.Second })
	e.small(60)
	camp := e.launch("running", 5)
	require.Eventually(t, func() bool { return sum(outbound(e.Sandbox)) > 3 }, patience, 10*time.Millisecond)
	made := e.backup()
	said := time.Now()
	require.Eventually(t, func() bool {
		for _, m := range e.Sandbox.Messages() {
			if m.Created.After(said.Add(4 * time.Second)) {
				return true
			}
		}
		return false
	}, patience, 50*time.Millisecond)
	e.stop()
	c := restored(t, e, made)
	require.Empty(t, c.release(&said))
	require.Eventually(t, func() bool {
		h := c.held()
		return h != nil && h.OriginalStoppedAt == nil && h.Notice != ""
	}, patience, 100*time.Millisecond)
	status, _ := c.campaign(camp)
	require.Equal(t, "SENDING", status)
	// Replies and tests wait as well.
	before := outbound(c.Sandbox)
	_, err := c.Sandbox.SendInbound(t.Context(), "+4915100000009", sandbox.PhoneNumber, "STOP", "Person 9")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return c.query("SELECT count(*) FROM messages WHERE purpose = 'confirmation' AND status = 'pending'") == 1
	}, patience, 50*time.Millisecond, "webhooks are taken")
	require.Equal(t, before, outbound(c.Sandbox))
}
