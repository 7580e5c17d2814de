package retention_test

import (
	"context"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/retention"

	"github.com/stretchr/testify/require"
)

type env struct {
	*testing.T
	d   *db.DB
	s   *retention.Service
	ctx context.Context //nolint:containedctx // the admin's
}

func start(t *testing.T) *env {
	t.Helper()
	d := dbtest.New(t)
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleAdmin})
	return &env{t, d, retention.NewService(d), ctx}
}

func (e *env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.d.NewRaw(sql, args...).Exec(e.ctx)
	require.NoError(e, err)
}

func (e *env) count(sql string, args ...any) (n int) {
	e.Helper()
	require.NoError(e, e.d.NewRaw(sql, args...).Scan(e.ctx, &n))
	return n
}

// all runs until no kind has a full batch.
func (e *env) all(batch int) {
	e.Helper()
	for n := batch; n >= batch; {
		var err error
		n, err = e.s.Run(e.ctx, batch)
		require.NoError(e, err)
	}
}

// fill makes ten of everything that is 100 days old and ten that are new, and history.
func (e *env) fill() {
	e.exec("INSERT INTO contacts (id, address, match_key, kind) OVERRIDING SYSTEM VALUE VALUES (1, '+4915111', '+4915111', 'phone')")
	e.exec("INSERT INTO imports (file_name, options, status, finished_at) VALUES ('old.csv', '{}', 'completed', now() - interval '100 days'), ('new.csv', '{}', 'completed', now())")
	for i, age := range []string{"100 days", "1 hour"} {
		e.exec(`INSERT INTO messages (direction, purpose, contact_id, status, body, media, content, sid, created_at)
			SELECT 'inbound', 'inbound', 1, 'received', 'text', '["https://x"]', '{"kind": "image"}', 'SM' || ?0 || g, now() - ?1::interval FROM generate_series(1, 10) g`, i, age)
		e.exec(`INSERT INTO webhook_events (kind, sid, dedupe_key, params, headers, signature_valid, applied_at, received_at)
			SELECT 'inbound', sid, 'in:' || sid, '{"Body": "text"}', '{"X": "y"}', true, now(), now() - ?::interval FROM messages WHERE sid LIKE 'SM' || ? || '%'`, age, i)
		e.exec(`INSERT INTO delivery_events (message_id, sid, status, occurred_at, received_at)
			SELECT id, sid, 'read', now(), now() - ?::interval FROM messages WHERE sid LIKE 'SM' || ? || '%'`, age, i)
		e.exec(`INSERT INTO clicks (key, link_id, message_id, clicked_at, received_at)
			SELECT gen_random_uuid(), 1, id, now() + again * interval '1 hour', now() - ?::interval
			FROM messages, generate_series(0, 1) again WHERE sid LIKE 'SM' || ? || '%'`, age, i)
		e.exec(`INSERT INTO import_rows_rejected (import_id, row, line, field, value, reason, record)
			SELECT ?, g, g, 'phone', 'x', 'y', '{}' FROM generate_series(1, 10) g`, i+1)
	}
	e.exec(`INSERT INTO messages (id, direction, purpose, contact_id, status, body, created_at) OVERRIDING SYSTEM VALUE
		VALUES (-5, 'inbound', 'history', 1, 'received', 'text', now() - interval '400 days'), (-4, 'inbound', 'history', 1, 'received', 'text', now())`)
}

func everything(days int) retention.Rules {
	r := retention.Rules{}
	for _, k := range retention.Kinds {
		r[k] = days
	}
	return r
}

// What the dry run counts is what goes, in batches of any size; the rest stays, and so do
// the rows by which messages are counted and repeats are known.
func TestWhatThePreviewCountsIsWhatGoes(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.fill()
	e.all(3)
	require.Equal(t, 22, e.count("SELECT count(*) FROM messages WHERE body <> ''"), "nothing goes by itself")
	preview, err := e.s.Preview(e.ctx, everything(90))
	require.NoError(t, err)
	want := map[retention.Kind]int64{
		retention.MessageTexts: 11, retention.WebhookBodies: 10, retention.DeliveryEvents: 10, retention.Clicks: 10, retention.RejectedRows: 10,
	}
	require.Len(t, preview, len(want))
	for _, p := range preview {
		require.Equal(t, want[p.Kind], p.Count, p.Kind)
		require.False(t, p.AtLeast)
	}
	require.Equal(t, 22, e.count("SELECT count(*) FROM messages WHERE body <> ''"), "a dry run takes nothing")

	require.NoError(t, e.s.Set(e.ctx, everything(90)))
	e.all(3)
	require.Equal(t, 11, e.count("SELECT count(*) FROM messages WHERE body <> ''"))
	require.Equal(t, 10, e.count("SELECT count(*) FROM messages WHERE media <> '[]' AND content IS NOT NULL"))
	require.Equal(t, 22, e.count("SELECT count(*) FROM messages"))
	require.Equal(t, 10, e.count("SELECT count(*) FROM webhook_events WHERE params ->> 'Body' = 'text' AND headers <> '{}'"))
	require.Equal(t, 20, e.count("SELECT count(*) FROM webhook_events WHERE dedupe_key LIKE 'in:%'"))
	require.Equal(t, 10, e.count("SELECT count(*) FROM delivery_events WHERE received_at > now() - interval '1 day'"))
	require.Equal(t, 10, e.count("SELECT count(*) FROM delivery_events"))
	require.Equal(t, 20, e.count("SELECT count(*) FROM clicks WHERE received_at > now() - interval '1 day'"))
	require.Equal(t, 30, e.count("SELECT count(*) FROM clicks"), "the first of each person stays")
	require.Equal(t, 10, e.count("SELECT count(*) FROM import_rows_rejected WHERE import_id = 2"))
	require.Equal(t, 10, e.count("SELECT count(*) FROM import_rows_rejected"))
	for _, k := range retention.Kinds {
		require.Equal(t, int(want[k]), e.count("SELECT (changes ->> 'removed')::int FROM audit_entries WHERE action = 'retention.remove' AND changes ->> 'kind' = ?", k))
	}
	rules, err := e.s.Rules(e.ctx)
	require.NoError(t, err)
	for _, r := range rules {
		require.Equal(t, want[r.Kind], r.Removed, r.Kind)
		require.NotNil(t, r.FinishedAt)
	}
	preview, err = e.s.Preview(e.ctx, everything(90))
	require.NoError(t, err)
	for _, p := range preview {
		require.Zero(t, p.Count)
	}

	// A day later what has become old goes too, and a kind that is kept again stays.
	e.exec("UPDATE messages SET created_at = now() - interval '200 days'")
	e.exec("UPDATE delivery_events SET received_at = now() - interval '200 days'")
	require.NoError(t, e.s.Set(e.ctx, retention.Rules{retention.MessageTexts: 90}))
	e.exec("UPDATE retention_passes SET next_at = now()")
	e.all(3)
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE body <> ''"))
	require.Equal(t, 10, e.count("SELECT count(*) FROM delivery_events"))
	e.exec("UPDATE messages SET body = 'young again', created_at = now()")
	e.all(3)
	require.Equal(t, 22, e.count("SELECT count(*) FROM messages WHERE body <> ''"), "the pass is over until tomorrow")
}

// What the engine or a person still needs stays, however old.
func TestWhatIsStillNeededStays(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.fill()
	e.exec("UPDATE messages SET status = 'pending', direction = 'outbound' WHERE id = (SELECT min(id) FROM messages WHERE id > 0)")
	e.exec("INSERT INTO opt_out_reviews (contact_id, message_id, language) SELECT 1, min(id) + 1, 'en' FROM messages WHERE id > 0")
	e.exec("UPDATE webhook_events SET applied_at = NULL WHERE id = (SELECT min(id) FROM webhook_events)")
	require.NoError(t, e.s.Set(e.ctx, everything(90)))
	preview, err := e.s.Preview(e.ctx, everything(90))
	require.NoError(t, err)
	require.Equal(t, []int64{9, 9}, []int64{preview[0].Count, preview[1].Count})
	e.all(retention.Batch)
	require.Equal(t, 2, e.count("SELECT count(*) FROM messages WHERE body <> '' AND created_at < now() - interval '90 days'"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM webhook_events WHERE params ->> 'Body' = 'text' AND received_at < now() - interval '90 days'"))
}

func TestRulesThatTakeWhatIsNeededAreRefused(t *testing.T) {
	t.Parallel()
	e := start(t)
	for _, k := range retention.Kinds {
		for _, days := range []int{-1, 0, retention.Minimum[k] - 1, retention.MostDays + 1} {
			for _, err := range []error{e.s.Set(e.ctx, retention.Rules{k: days}), second(e.s.Preview(e.ctx, retention.Rules{k: days}))} {
				require.True(t, apperr.Is(err, apperr.CodeInvalid), "%s for %d days: %v", k, days, err)
				require.Contains(t, apperr.Text(err).String(), "out of range")
			}
		}
		require.NoError(t, e.s.Set(e.ctx, retention.Rules{k: retention.Minimum[k]}))
	}
	require.True(t, apperr.Is(e.s.Set(e.ctx, retention.Rules{"consent": 30}), apperr.CodeInvalid))
	for range 10 { // in the order of the kinds, under the name of the input, as the API calls them
		require.EqualError(t, e.s.Set(e.ctx, everything(0)),
			"rules: invalid: 0 is out of range for MESSAGE_TEXTS: 30 to 3650 days, or no rule to keep it; "+
				"rules: invalid: 0 is out of range for WEBHOOK_BODIES: 8 to 3650 days, or no rule to keep it; "+
				"rules: invalid: 0 is out of range for DELIVERY_EVENTS: 30 to 3650 days, or no rule to keep it; "+
				"rules: invalid: 0 is out of range for CLICKS: 30 to 3650 days, or no rule to keep it; "+
				"rules: invalid: 0 is out of range for REJECTED_ROWS: 1 to 3650 days, or no rule to keep it")
	}
	marketer := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleMarketer})
	require.True(t, apperr.Is(e.s.Set(marketer, everything(90)), apperr.CodeForbidden))
	require.Equal(t, len(retention.Kinds), e.count("SELECT count(*) FROM audit_entries WHERE action = 'retention.update'"))
}

func second[T any](_ T, err error) error { return err }

// Two processes at once, while leadership passes on, count nothing twice.
func TestTwoAtOnceCountNothingTwice(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.fill()
	require.NoError(t, e.s.Set(e.ctx, everything(90)))
	done := make(chan error)
	for range 4 {
		go func() {
			var err error
			for range 30 {
				if _, err = e.s.Run(e.ctx, 2); err != nil {
					break
				}
			}
			done <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	deadline := time.Now().Add(time.Minute)
	for e.count("SELECT count(*) FROM retention_passes WHERE finished_at IS NULL") > 0 && time.Now().Before(deadline) {
		e.all(2)
	}
	require.Equal(t, 51, e.count("SELECT sum(total) FROM retention_passes"))
}
