package erasure

import (
	"context"
	"maps"
	"slices"
	"time"

	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// redaction is one message at the provider.
type redaction struct {
	SID       string `bun:"sid"`
	ContactID int64
	Outcome   string
	Reason    string
	Tries     int

	wait time.Duration // where it goes on waiting
}

// askFor puts messages on the list of what the provider shall forget. Those that are on
// it stay as they are.
func askFor(ctx context.Context, tx bun.Tx, traces []message.Trace, actions map[int64]int64) error {
	var sids []string
	var contacts, of []int64
	var at []time.Time
	for _, t := range traces {
		for _, sid := range t.SIDs {
			sids, contacts, of, at = append(sids, sid), append(contacts, t.ContactID), append(of, actions[t.ContactID]), append(at, t.At)
		}
	}
	if len(sids) == 0 {
		return nil
	}
	_, err := tx.NewRaw(`
		WITH added AS (
			INSERT INTO redactions (sid, contact_id, action_id, account)
			SELECT u.sid, u.contact_id, u.action_id, p.account
			FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::timestamptz[]) AS u (sid, contact_id, action_id, at),
				LATERAL (SELECT account FROM provider_periods WHERE began_at <= u.at ORDER BY began_at DESC LIMIT 1) p
			ORDER BY u.sid ON CONFLICT DO NOTHING RETURNING action_id)
		INSERT INTO redaction_counts AS c (action_id, outcome, reason, n)
		SELECT action_id, 'waiting', '', count(*) FROM added GROUP BY 1 ORDER BY 1
		ON CONFLICT (action_id, outcome, reason) DO UPDATE SET n = c.n + excluded.n`,
		pgdialect.Array(sids), pgdialect.Array(contacts), pgdialect.Array(of), pgdialect.Array(at)).Exec(ctx)
	return db.Err(err)
}

// claimRedactions takes what is due; who takes it has claimFor.
func claimRedactions(ctx context.Context, idb bun.IDB, account string, limit int) (rows []*redaction, err error) {
	err = idb.NewRaw(`
		UPDATE redactions r SET next_try = clock_timestamp() + make_interval(secs => ?)
		FROM (SELECT sid FROM redactions WHERE outcome = 'waiting' AND next_try <= now() AND account = ?
			ORDER BY next_try LIMIT ? FOR UPDATE SKIP LOCKED) l
		WHERE r.sid = l.sid RETURNING r.sid, r.contact_id, r.outcome, r.reason, r.tries`,
		claimFor.Seconds(), account, limit).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// saveRedactions writes what came of calls, and counts what does not wait any more. A
// row that another process settled meanwhile is left alone.
func saveRedactions(ctx context.Context, tx bun.Tx, rows []*redaction) error {
	n := len(rows)
	sids, outcomes, reasons := make([]string, n), make([]string, n), make([]string, n)
	tries, waits := make([]int64, n), make([]float64, n)
	for i, r := range rows {
		sids[i], outcomes[i], reasons[i], tries[i], waits[i] = r.SID, r.Outcome, r.Reason, int64(r.Tries), r.wait.Seconds()
	}
	_, err := tx.NewRaw(`
		WITH u AS (
			SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::int[], ?::float8[]) AS u (sid, outcome, reason, tries, wait)),
		saved AS (
			UPDATE redactions r SET outcome = u.outcome, reason = u.reason, tries = u.tries,
				next_try = clock_timestamp() + make_interval(secs => u.wait)
			FROM u WHERE r.sid = u.sid AND r.outcome = 'waiting'
			RETURNING r.action_id, r.outcome, CASE WHEN r.outcome = 'waiting' THEN '' ELSE r.reason END AS reason),
		deltas AS (
			SELECT action_id, outcome, reason, count(*) AS n FROM saved WHERE outcome <> 'waiting' GROUP BY 1, 2, 3
			UNION ALL SELECT action_id, 'waiting', '', -count(*) FROM saved WHERE outcome <> 'waiting' GROUP BY 1)
		INSERT INTO redaction_counts AS c (action_id, outcome, reason, n)
		SELECT action_id, outcome, reason, n FROM deltas ORDER BY 1, 2, 3
		ON CONFLICT (action_id, outcome, reason) DO UPDATE SET n = c.n + excluded.n`,
		pgdialect.Array(sids), pgdialect.Array(outcomes), pgdialect.Array(reasons), pgdialect.Array(tries),
		pgdialect.Array(waits)).Exec(ctx)
	return db.Err(err)
}

// refuseOld gives up what waited too long, with the reason for which it did, and tells
// whose that was.
func refuseOld(ctx context.Context, tx bun.Tx, account string, age time.Duration, limit int) (map[int64]bool, error) {
	var ids []int64
	err := tx.NewRaw(`
		WITH old AS (
			SELECT sid FROM redactions WHERE outcome = 'waiting' AND created_at < now() - make_interval(secs => ?1)
				AND next_try <= now() ORDER BY created_at LIMIT ?2 FOR UPDATE SKIP LOCKED),
		saved AS (
			UPDATE redactions r SET outcome = 'refused', reason = CASE
				WHEN r.account <> ?0 THEN 'it was made with another account, ' || r.account
				WHEN r.reason <> '' THEN r.reason ELSE 'Twilio could not be asked' END
			FROM old WHERE r.sid = old.sid RETURNING r.contact_id, r.action_id, r.reason),
		counted AS (
			INSERT INTO redaction_counts AS c (action_id, outcome, reason, n)
			SELECT * FROM (
				SELECT action_id, 'refused' AS outcome, reason, count(*) AS n FROM saved GROUP BY 1, 3
				UNION ALL SELECT action_id, 'waiting', '', -count(*) FROM saved GROUP BY 1) d ORDER BY 1, 2, 3
			ON CONFLICT (action_id, outcome, reason) DO UPDATE SET n = c.n + excluded.n)
		SELECT DISTINCT contact_id FROM saved`, account, age.Seconds(), limit).Scan(ctx, &ids)
	contacts := make(map[int64]bool, len(ids))
	for _, id := range ids {
		contacts[id] = true
	}
	return contacts, db.Err(err)
}

type result struct {
	ContactID  int64
	Done, Gone int64
	Refused    map[string]int64 `bun:"type:jsonb"` // by reason
}

// results counts what became of the messages of contacts of whom none waits.
func results(ctx context.Context, tx bun.Tx, contacts map[int64]bool) (rows []*result, err error) {
	err = tx.NewRaw(`
		SELECT contact_id, coalesce(sum(n) FILTER (WHERE outcome = 'done'), 0)::bigint AS done,
			coalesce(sum(n) FILTER (WHERE outcome = 'gone'), 0)::bigint AS gone,
			coalesce(jsonb_object_agg(reason, n) FILTER (WHERE outcome = 'refused'), '{}') AS refused
		FROM (
			SELECT contact_id, outcome, reason, count(*) AS n FROM redactions WHERE contact_id = ANY (?0::bigint[])
				AND NOT EXISTS (SELECT 1 FROM redactions w WHERE w.contact_id = redactions.contact_id AND w.outcome = 'waiting')
			GROUP BY 1, 2, 3) g
		GROUP BY 1 ORDER BY 1`, pgdialect.Array(slices.Sorted(maps.Keys(contacts)))).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// dropConcluded forgets the rows of contacts of whom none waits and nothing more is
// looked for.
func dropConcluded(ctx context.Context, tx bun.Tx, contacts map[int64]bool) error {
	_, err := tx.NewRaw(`
		DELETE FROM redactions r WHERE r.contact_id = ANY (?0::bigint[])
			AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.contact_id = r.contact_id)
			AND NOT EXISTS (SELECT 1 FROM redactions w WHERE w.contact_id = r.contact_id AND w.outcome = 'waiting')`,
		pgdialect.Array(slices.Sorted(maps.Keys(contacts)))).Exec(ctx)
	return db.Err(err)
}
