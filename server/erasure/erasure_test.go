package erasure_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/erasure"
	"eventstream/server/keys"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

type env struct {
	*testing.T
	d *db.DB
	s *erasure.Service
}

func start(t *testing.T) *env {
	t.Helper()
	d := dbtest.New(t)
	hub := pubsub.New(d.Pool, slog.New(slog.DiscardHandler))
	consents := consent.NewService(d, hub, keys.Fixed("0123456789abcdef"), time.Now)
	return &env{t, d, erasure.NewService(d, consents, topic.NewService(d, hub))}
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

// person makes a contact with messages of every status, n of each.
func (e *env) person(id int64, n int) {
	e.exec(`INSERT INTO contacts (id, address, match_key, kind, name) OVERRIDING SYSTEM VALUE VALUES (?0, '+4915' || ?0, '+4915' || ?0, 'phone', 'Ada')`, id)
	e.exec("INSERT INTO conversations (contact_id, unread, snoozed_until) VALUES (?, 2, now())", id)
	e.exec("INSERT INTO conversation_notes (conversation_id, body) SELECT id, 'a secret' FROM conversations WHERE contact_id = ?", id)
	e.exec("INSERT INTO labels (name, color) VALUES ('Debtor', 'red') ON CONFLICT DO NOTHING")
	e.exec("INSERT INTO conversation_labels SELECT co.id, l.id FROM conversations co, labels l WHERE co.contact_id = ?", id)
	e.exec(`INSERT INTO messages (direction, purpose, contact_id, status, body, sid, accepted_at, lease_until)
		SELECT 'outbound', 'reply', ?0, s, 'secret', CASE WHEN s NOT IN ('pending', 'submitting', 'unknown') THEN 'SM' || ?0 || s || g END,
			CASE WHEN s IN ('sent', 'delivered') THEN now() END, CASE WHEN s IN ('submitting', 'unknown') THEN now() END
		FROM unnest(ARRAY['pending', 'submitting', 'unknown', 'sent', 'delivered', 'failed']) s, generate_series(1, ?1) g`,
		id, n)
	e.exec(`INSERT INTO webhook_events (kind, sid, dedupe_key, params, signature_valid, applied_at)
		SELECT 'status', sid, sid, '{"To": "+4915"}', true, now() FROM messages WHERE contact_id = ? AND sid IS NOT NULL`, id)
}

func (e *env) erase(ids ...int64) {
	e.Helper()
	ctx := actor.With(e.Context(), actor.System)
	require.NoError(e, e.d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		family, err := contact.LockFamily(ctx, tx, ids)
		if err != nil {
			return err
		}
		return e.s.Erase(ctx, tx, family, 7)
	}))
}

func TestEachMessageOfAnErasedContactEndsAsItMust(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person(1, 3)
	e.person(2, 3)
	e.erase(1)
	for status, was := range map[string]string{
		"canceled": "pending", "submitting": "submitting", "sent": "sent",
		"delivered": "delivered",
	} {
		require.Equal(t, 3, e.count("SELECT count(*) FROM messages WHERE contact_id = 1 AND status = ?", status), was)
	}
	require.Equal(t, 3, e.count(`SELECT count(*) FROM messages WHERE contact_id = 1 AND status = 'failed'
		AND error_message LIKE '%erased before Twilio''s answer%' AND ended_at IS NOT NULL AND lease_until IS NULL`),
		"unknown is not for ever")
	require.Equal(t, 3, e.count("SELECT count(*) FROM messages WHERE contact_id = 2 AND status = 'unknown'"),
		"of others nothing changes")
	require.Equal(t, 1, e.count(`SELECT count(*) FROM conversations WHERE contact_id = 1 AND status = 'closed' AND unread = 0
		AND snoozed_until IS NULL`))
	require.Equal(t, 1, e.count("SELECT count(*) FROM conversation_notes WHERE body = ''"), "and of others nothing")
	require.Equal(t, 1, e.count("SELECT count(*) FROM conversation_labels"))

	// A worker's call that becomes unknown after the erasure ends as well.
	require.NoError(t, e.s.Clear(t.Context(), []int64{1}))
	require.Equal(t, 3, e.count("SELECT count(*) FROM messages WHERE contact_id = 1 AND status = 'submitting'"),
		"a claim is left to finish")
	e.exec("UPDATE messages SET status = 'unknown' WHERE contact_id = 1 AND status = 'submitting'")
	e.exec("UPDATE erasures SET next_look = now()")
	_, err := e.s.ClearDue(t.Context(), 10)
	require.NoError(t, err)
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE contact_id = 1 AND work IS NOT NULL"))
}

// Texts go in batches that commit: what a crash leaves, the next goes on with.
func TestTextsAreClearedInBatchesAndAfterACrash(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person(1, 1500) // 9,000 messages
	e.person(2, 1)
	e.erase(1, 2)
	const left = "SELECT count(*) FROM messages WHERE body <> ''"
	all := e.count(left)
	n, err := e.s.ClearDue(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	after := e.count(left)
	require.Less(t, after, all)
	require.Positive(t, after, "one batch is not all")
	for n > 0 {
		n, err = e.s.ClearDue(t.Context(), 1)
		require.NoError(t, err)
	}
	require.Zero(t, e.count(left))
	require.Zero(t, e.count("SELECT count(*) FROM webhook_events WHERE params::text LIKE '%4915%'"))
	require.Equal(t, 2, e.count("SELECT count(*) FROM erasures WHERE cleared"), "both are watched for what comes late")
}

func TestWhatComesLateIsClearedUntilNothingCanCome(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person(1, 1)
	e.exec("INSERT INTO message_attempts (sid, message_id, attempt, status) SELECT 'SMbefore', min(id), 1, 'failed' FROM messages WHERE status = 'sent'")
	e.erase(1)
	require.NoError(t, e.s.Clear(t.Context(), []int64{1}))
	const named = "SELECT count(*) FROM webhook_events WHERE params::text LIKE '%4915%'"
	require.Zero(t, e.count(named))
	look := func() {
		e.exec("UPDATE erasures SET next_look = now()")
		_, err := e.s.ClearDue(t.Context(), 10)
		require.NoError(t, err)
	}
	for _, sid := range []string{"SM1sent1", "SMbefore"} { // also of an earlier attempt
		e.exec(`INSERT INTO webhook_events (kind, sid, dedupe_key, params, signature_valid) VALUES ('status', ?0, ?0 || 'late', '{"To": "+4915"}', true)`, sid)
	}
	look()
	require.Equal(t, 2, e.count(named), "what waits to be applied is left")
	e.exec("UPDATE webhook_events SET applied_at = now() WHERE applied_at IS NULL")
	look()
	require.Zero(t, e.count(named))
	// The looks grow rarer…
	e.exec("UPDATE erasures SET erased_at = now() - interval '10 minutes'")
	look()
	require.Equal(t, 1, e.count("SELECT count(*) FROM erasures WHERE next_look BETWEEN now() + interval '9 minutes' AND now() + interval '11 minutes'"))
	// …and end.
	e.exec("UPDATE erasures SET watch_until = now() - interval '1 second'")
	look()
	require.Zero(t, e.count("SELECT count(*) FROM erasures"))
}

// Whoever has no message that Twilio may still speak of is not watched at all.
func TestWhoNothingCanComeForIsNotWatched(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person(1, 1)
	e.exec("UPDATE messages SET status = 'failed', accepted_at = now() - interval '8 days'")
	e.erase(1)
	require.NoError(t, e.s.Clear(t.Context(), []int64{1}))
	require.Zero(t, e.count("SELECT count(*) FROM erasures"))
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE body <> ''"))
}

// A contact that is merged while the erasure waits for the locks is erased too.
func TestALateMergeIsPartOfTheFamily(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person(1, 1)
	e.person(2, 1)
	ctx := e.Context()
	merge, err := e.d.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = merge.NewRaw("SELECT 1 FROM contacts WHERE id IN (1, 2) ORDER BY id FOR UPDATE").Exec(ctx)
	require.NoError(t, err)
	_, err = merge.NewRaw("UPDATE contacts SET merged_into = 2, erased_at = now() WHERE id = 1").Exec(ctx)
	require.NoError(t, err)
	done := make(chan []int64)
	go func() {
		var ids []int64
		_ = e.d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			family, err := contact.LockFamily(ctx, tx, []int64{2})
			ids = contact.IDs(family)
			return err
		})
		done <- ids
	}()
	require.Eventually(t, func() bool {
		return e.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
	}, time.Minute, time.Millisecond)
	require.NoError(t, merge.Commit())
	require.Equal(t, []int64{1, 2}, <-done)
}
