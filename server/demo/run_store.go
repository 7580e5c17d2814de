package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

func leaseOf(id int64) string { return fmt.Sprintf("demo_run:%d", id) }

func insertRun(ctx context.Context, tx bun.Tx, r *Run) error {
	_, err := tx.NewInsert().Model(r).Returning("id, created_at").Exec(ctx)
	return db.Err(err)
}

// begin gives a run that is to be worked; nil: it has ended.
func begin(ctx context.Context, idb bun.IDB, id int64) (*Run, error) {
	var rows []*Run
	err := idb.NewRaw(`UPDATE demo_runs SET status = 'running', started_at = coalesce(started_at, clock_timestamp())
		WHERE id = ? AND status IN ('pending', 'running') RETURNING *`, id).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return rows[0], nil
}

func progress(ctx context.Context, idb bun.IDB, id int64, part float64) error {
	_, err := idb.NewRaw("UPDATE demo_runs SET progress = ? WHERE id = ? AND status = 'running'", part, id).Exec(ctx)
	return db.Err(err)
}

// advance counts contacts that were erased.
func advance(ctx context.Context, tx bun.Tx, id int64, n int) error {
	_, err := tx.NewRaw("UPDATE demo_runs SET progress = least(1, progress + ?::real / greatest(contacts, 1)) WHERE id = ?",
		n, id).Exec(ctx)
	return db.Err(err)
}

func complete(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw("UPDATE demo_runs SET status = 'completed', progress = 1, finished_at = clock_timestamp() WHERE id = ?",
		id).Exec(ctx)
	return db.Err(err)
}

func fail(ctx context.Context, idb bun.IDB, id int64, why string) error {
	_, err := idb.NewRaw("UPDATE demo_runs SET status = 'failed', failure = ?, finished_at = clock_timestamp() WHERE id = ?",
		why, id).Exec(ctx)
	return db.Err(err)
}

// written notes what a seed wrote; run 0 is one without a job, whose row is made here.
func written(ctx context.Context, tx bun.Tx, run int64, r Result, people map[int64]*contact.Contact) error {
	ids := slices.Sorted(maps.Keys(people))
	first, last := ids[0], ids[len(ids)-1]
	if run == 0 {
		_, err := tx.NewRaw(`INSERT INTO demo_runs (kind, status, contacts, campaigns, messages, progress, first_contact, last_contact,
			started_at, finished_at) VALUES ('seed', 'completed', ?, ?, ?, 1, ?, ?, now(), clock_timestamp())`,
			r.Contacts, r.Campaigns, r.Messages, first, last).Exec(ctx)
		return db.Err(err)
	}
	_, err := tx.NewRaw("UPDATE demo_runs SET campaigns = ?, messages = ?, first_contact = ?, last_contact = ? WHERE id = ?",
		r.Campaigns, r.Messages, first, last, run).Exec(ctx)
	return db.Err(err)
}

// spans are the ids between which a seed's contacts lie. A version that noted none wrote
// into an empty table: the first so many are its own.
const spans = `(SELECT first_contact AS low, last_contact AS high FROM demo_runs WHERE kind = 'seed' AND first_contact IS NOT NULL
	UNION ALL
	SELECT x.low, x.high FROM (SELECT max((changes ->> 'contacts')::int) AS n FROM audit_entries WHERE action = 'demo.seed') a,
		LATERAL (SELECT min(id) AS low, max(id) AS high FROM (SELECT id FROM contacts ORDER BY id LIMIT a.n) c) x
	WHERE NOT EXISTS (SELECT 1 FROM demo_runs WHERE kind = 'seed' AND first_contact IS NOT NULL)
		AND EXISTS (SELECT 1 FROM settings WHERE key = 'demo'))`

func demoContacts(ctx context.Context, tx bun.Tx, limit int) (ids []int64, err error) {
	err = tx.NewRaw("SELECT c.id FROM contacts c, "+spans+" s WHERE c.id BETWEEN s.low AND s.high AND c.erased_at IS NULL ORDER BY c.id LIMIT ?",
		limit).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// state reads the run first: what it says to have done is seen by what is read after it.
func state(ctx context.Context, idb bun.IDB) (s State, err error) {
	var newest []*Run
	if err = idb.NewSelect().Model(&newest).Order("dr.id DESC").Limit(1).Scan(ctx); err != nil {
		return s, db.Err(err)
	}
	if len(newest) > 0 {
		s.Run = newest[0]
	}
	if s.Present, err = marked(ctx, idb); err != nil || !s.Present {
		return s, err
	}
	err = idb.NewRaw("SELECT count(*) FROM contacts c, "+spans+" s WHERE c.id BETWEEN s.low AND s.high AND c.erased_at IS NULL").
		Scan(ctx, &s.Contacts)
	return s, db.Err(err)
}

func forgotten(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw(`
		SELECT r.id FROM demo_runs r WHERE r.status IN ('pending', 'running')
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'demo_run:' || r.id AND l.expires_at >= now())
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'demo_run' AND j.state IN ('available', 'pending')
				AND (j.args ->> 'run_id')::bigint = r.id)`).Scan(ctx, &ids)
	return ids, db.Err(err)
}
