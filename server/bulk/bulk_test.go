package bulk_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/bulk"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/erasure"
	"eventstream/server/export"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/topic"
	"eventstream/worker"

	"github.com/stretchr/testify/require"
)

type env struct {
	*testing.T
	d   *db.DB
	s   *bulk.Service
	ctx context.Context
}

func start(t *testing.T, people int) *env {
	t.Helper()
	d, log := dbtest.New(t), slog.New(slog.DiscardHandler)
	river, err := worker.NewClient(d, log, nil, "test")
	require.NoError(t, err)
	hub := pubsub.New(d.Pool, log)
	consents := consent.NewService(d, hub, keys.Fixed("0123456789abcdef"), time.Now)
	topics := topic.NewService(d, hub)
	e := &env{t, d, bulk.NewService(bulk.Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{Client: river}, Consents: consents, Segments: segment.NewService(d),
		Topics:   topics,
		Erasures: erasure.NewService(d, consents, topics),
		Exports:  export.NewService(d, topics, func(int) message.CodeInfo { return message.CodeInfo{} }),
		Now:      time.Now, Owner: "test",
	}), actor.With(t.Context(), actor.System)}
	e.exec(`INSERT INTO contacts (address, match_key, kind, name) SELECT '+4915' || g, '+4915' || g, 'phone', 'P' || g FROM generate_series(1, ?) g`, people)
	return e
}

func (e *env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.d.NewRaw(sql, args...).Exec(e.Context())
	require.NoError(e, err)
}

func (e *env) count(sql string, args ...any) (n int) {
	e.Helper()
	require.NoError(e, e.d.NewRaw(sql, args...).Scan(e.Context(), &n))
	return n
}

func (e *env) status(id int64) bulk.Status {
	e.Helper()
	a, err := e.s.ByID(e.ctx, id)
	require.NoError(e, err)
	return a.Status
}

// cancels is a download during which somebody cancels the export.
type cancels struct {
	bytes.Buffer
	then func()
}

func (c *cancels) Write(p []byte) (int, error) {
	if c.then != nil {
		c.then()
		c.then = nil
	}
	return c.Buffer.Write(p)
}

// A download never overwrites a cancel, whether it goes on, breaks off or ends.
func TestADownloadDoesNotUndoACancel(t *testing.T) {
	t.Parallel()
	e := start(t, 5000)
	a, err := e.s.Start(e.ctx, bulk.KindExport, contact.Filter{}, bulk.Options{}, nil)
	require.NoError(t, err)
	open, err := e.s.OpenExport(e.ctx, a.ID)
	require.NoError(t, err)
	out := &cancels{then: func() {
		_, err := e.s.Cancel(e.ctx, a.ID)
		require.NoError(t, err)
	}}
	require.ErrorContains(t, e.s.WriteExport(e.ctx, open, out), "over")
	require.Equal(t, bulk.StatusCanceled, e.status(a.ID))
	require.Less(t, bytes.Count(out.Bytes(), []byte("\n")), 5000, "the download ends with it")
	_, err = e.s.OpenExport(e.ctx, a.ID)
	require.ErrorContains(t, err, "over")
}

func TestAnExportIsDownloadedAgainAfterItBrokeOff(t *testing.T) {
	t.Parallel()
	e := start(t, 3000)
	a, err := e.s.Start(e.ctx, bulk.KindExport, contact.Filter{}, bulk.Options{Format: export.FormatNDJSON}, nil)
	require.NoError(t, err)
	gone, cancel := context.WithCancel(e.ctx)
	require.ErrorIs(t, e.s.WriteExport(gone, a, &cancels{then: cancel}), context.Canceled)
	require.Equal(t, bulk.StatusPending, e.status(a.ID))
	for range 2 { // and once more when it is complete
		var out bytes.Buffer
		require.NoError(t, e.s.WriteExport(e.ctx, a, &out))
		require.Equal(t, 3000, bytes.Count(out.Bytes(), []byte("\n")))
		require.Equal(t, bulk.StatusCompleted, e.status(a.ID))
	}
}

// Erasing goes in batches that commit: what a canceled action has done is done,
// and what it has not is untouched.
func TestErasingGoesInBatchesThatCommit(t *testing.T) {
	t.Parallel()
	e := start(t, 1000)
	e.exec(`INSERT INTO messages (direction, purpose, contact_id, status, body) SELECT 'outbound', 'reply', id, 'pending', 'secret' FROM contacts`)
	// locked with its family, out of its turn
	e.exec("UPDATE contacts SET merged_into = 900, erased_at = now() WHERE id = 100")
	a, err := e.s.Start(e.ctx, bulk.KindErase, contact.Filter{}, bulk.Options{}, nil)
	require.NoError(t, err)
	require.EqualValues(t, 999, a.Total)
	// A batch fails on the way: those before it stay erased.
	e.exec("ALTER TABLE contacts ADD CONSTRAINT breaks CHECK (id <> 700 OR erased_at IS NULL)")
	require.Error(t, e.s.Run(e.ctx, a.ID))
	half := e.count("SELECT count(*) FROM contacts WHERE erased_at IS NOT NULL AND merged_into IS NULL")
	require.Positive(t, half)
	require.Less(t, half, 700)
	require.Equal(t, half, e.count("SELECT count(*) FROM messages WHERE body = '' AND status = 'canceled'"))
	e.exec("ALTER TABLE contacts DROP CONSTRAINT breaks")
	require.NoError(t, e.s.Run(e.ctx, a.ID))
	require.Equal(t, bulk.StatusCompleted, e.status(a.ID))
	require.Equal(t, 1000, e.count("SELECT count(*) FROM contacts WHERE address = 'erased:' || id"))
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE body <> '' OR status <> 'canceled'"))
	require.Equal(t, 999, e.count("SELECT done FROM bulk_actions"))
	require.Equal(t, 1000, e.count("SELECT count(*) FROM suppressed_addresses WHERE reason = 'erased'"))
}

// Contacts that stop being selected while the erasure waits for them stay.
func TestWhoIsNoLongerSelectedIsNotErased(t *testing.T) {
	t.Parallel()
	e := start(t, 3)
	unknown := contact.ConsentUnknown
	a, err := e.s.Start(e.ctx, bulk.KindErase, contact.Filter{ConsentStatus: &unknown}, bulk.Options{}, nil)
	require.NoError(t, err)
	tx, err := e.d.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.NewRaw("UPDATE contacts SET consent_status = 'opted_in' WHERE id = 2").Exec(t.Context())
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- e.s.Run(e.ctx, a.ID) }()
	require.Eventually(t, func() bool {
		return e.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
	}, time.Minute, time.Millisecond)
	require.NoError(t, tx.Commit())
	require.NoError(t, <-done)
	require.Equal(t, bulk.StatusCompleted, e.status(a.ID))
	require.Equal(t, 1, e.count("SELECT count(*) FROM contacts WHERE erased_at IS NULL"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM contacts WHERE erased_at IS NULL AND id = 2"))
}

// TestADecisionForManyInDoubt: an opt-out counts unless the opt-in came after it
// without doubt, and no opt-in is later than when it was said.
func TestADecisionForManyInDoubt(t *testing.T) {
	t.Parallel()
	e := start(t, 3)
	e.exec(`UPDATE contacts SET consent_status = 'opted_in', consent_at = now() - CASE id WHEN 1 THEN interval '1 hour' ELSE interval '30 seconds' END
		WHERE id < 3`)
	run := func(status contact.ConsentStatus, at time.Time) {
		a, err := e.s.Start(e.ctx, bulk.KindConsent, contact.Filter{}, bulk.Options{Consent: &consent.Change{
			Status: status, Source: consent.SourceOperator, OccurredAt: at, Evidence: consent.Evidence{Note: "a list"},
		}}, nil)
		require.NoError(t, err)
		require.NoError(t, e.s.Run(e.ctx, a.ID))
	}
	run(contact.ConsentOptedIn, time.Now().Add(50*time.Second))
	require.Zero(t, e.count("SELECT count(*) FROM contacts WHERE consent_at > clock_timestamp()"), "nothing is decided in the future")
	require.Equal(t, 1, e.count("SELECT count(*) FROM consent_events WHERE late"), "its time is another clock's")
	run(contact.ConsentOptedOut, time.Now().Add(-2*time.Hour))
	require.Equal(t, 3, e.count("SELECT count(*) FROM contacts WHERE consent_status = 'opted_in'"))
	run(contact.ConsentOptedOut, time.Now().Add(-time.Minute))
	require.Equal(t, 3, e.count("SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'"))
}
