package retention

import (
	"context"
	"errors"
	"time"

	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
)

const setting = "retention"

func rules(ctx context.Context, idb bun.IDB) (Rules, error) {
	set, err := db.Setting[Rules](ctx, idb, setting)
	if err != nil || set == nil {
		return Rules{}, err
	}
	return *set, nil
}

// beginning is before all ids: those of imported history are below zero.
const beginning = -1 << 62

type pass struct {
	Kind       Kind
	Reached    int64
	Removed    int64
	Total      int64
	FinishedAt *time.Time
}

func passes(ctx context.Context, idb bun.IDB) (map[Kind]*pass, error) {
	var rows []*pass
	err := idb.NewRaw("SELECT kind, reached, removed, total, finished_at FROM retention_passes").Scan(ctx, &rows)
	out := make(map[Kind]*pass, len(rows))
	for _, p := range rows {
		out[p.Kind] = p
	}
	return out, db.Err(err)
}

// passesAtOnce begins a pass of each kind that is removed, from the oldest row on.
func passesAtOnce(ctx context.Context, tx bun.Tx, r Rules) error {
	for _, k := range Kinds {
		if r[k] == 0 {
			continue
		}
		if _, err := tx.NewRaw(`INSERT INTO retention_passes (kind, reached) VALUES (?0, ?1) ON CONFLICT (kind)
			DO UPDATE SET reached = excluded.reached, next_at = excluded.next_at`, k, int64(beginning)).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	return nil
}

// lockPass gives the pass of a kind if it is due; nil when it is not.
func lockPass(ctx context.Context, tx bun.Tx, k Kind) (*pass, error) {
	var rows []*pass
	err := tx.NewRaw(`SELECT kind, reached, removed, total, finished_at FROM retention_passes
		WHERE kind = ? AND next_at <= clock_timestamp() FOR UPDATE SKIP LOCKED`, k).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return rows[0], nil
}

func savePass(ctx context.Context, tx bun.Tx, p *pass) error {
	_, err := tx.NewRaw("UPDATE retention_passes SET reached = ?, removed = ? WHERE kind = ?", p.Reached, p.Removed, p.Kind).Exec(ctx)
	return db.Err(err)
}

func endPass(ctx context.Context, tx bun.Tx, p *pass) error {
	_, err := tx.NewRaw(`UPDATE retention_passes SET reached = ?, removed = 0, total = total + ?, finished_at = clock_timestamp(),
		next_at = clock_timestamp() + make_interval(secs => ?) WHERE kind = ?`,
		int64(beginning), p.Removed, everyPass.Seconds(), p.Kind).Exec(ctx)
	return db.Err(err)
}

// table says where a kind lies: what is looked at in order of id, when a row began to be
// old, and which rows hold something to take away.
type table struct{ from, at, full, change string }

var tables = map[Kind]table{
	WebhookBodies: {
		from: "webhook_events r", at: "r.received_at", full: "r.applied_at IS NOT NULL AND NOT jsonb_exists(r.params, 'erased')",
		// As erased events are: what makes a repeat known stays.
		change: `UPDATE webhook_events r SET params = '{"erased": "true"}', headers = '{}' FROM old WHERE r.id = old.id RETURNING 1`,
	},
	DeliveryEvents: {
		from: "delivery_events r", at: "r.received_at", full: "true",
		change: "DELETE FROM delivery_events r USING old WHERE r.id = old.id RETURNING 1",
	},
	Clicks: {
		from: "clicks r", at: "r.received_at",
		// By the first of each link somebody is known who opens it again: see link_counts.people.
		full: `EXISTS (SELECT 1 FROM clicks f WHERE f.message_id = r.message_id AND f.link_id = r.link_id
			AND (f.clicked_at, f.id) < (r.clicked_at, r.id))`,
		change: "DELETE FROM clicks r USING old WHERE r.id = old.id RETURNING 1",
	},
	RejectedRows: {
		from: "import_rows_rejected r JOIN imports i ON i.id = r.import_id", at: "i.finished_at", full: "true",
		change: "DELETE FROM import_rows_rejected r USING old WHERE r.id = old.id RETURNING 1",
	},
}

// remove goes through the next rows of a kind and takes away what is older than days.
func remove(ctx context.Context, tx bun.Tx, k Kind, after int64, days, limit int) (did message.Cleared, err error) {
	if k == MessageTexts {
		return message.ClearOld(ctx, tx, after, days, limit)
	}
	t := tables[k]
	err = tx.NewRaw(`
		WITH next AS MATERIALIZED (
			SELECT r.id, coalesce(`+t.at+` < now() - make_interval(days => ?1), false) AS old, `+t.full+` AS is_full
			FROM `+t.from+` WHERE r.id > ?0 ORDER BY r.id LIMIT ?2),
		old AS MATERIALIZED (SELECT id FROM next WHERE old AND is_full ORDER BY id),
		gone AS (`+t.change+`)
		SELECT coalesce(max(id), 0) AS reached, count(*) AS looked, (SELECT count(*) FROM gone) AS removed,
			coalesce(bool_and(NOT old), true) AS young
		FROM next`, after, days, limit).Scan(ctx, &did)
	return did, db.Err(err)
}

// count says how many rows a rule would change now, as far as can be counted within
// the time and the number that are given to it.
func count(ctx context.Context, d *db.DB, k Kind, days int) (n int64, atLeast bool, err error) {
	from, at, full := message.OldTexts.From, message.OldTexts.At, message.OldTexts.Full
	if t, ok := tables[k]; ok {
		from, at, full = t.from, t.at, t.full
	}
	err = d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("SELECT set_config('statement_timeout', ?, true)", counting.String()).Exec(ctx); err != nil {
			return db.Err(err)
		}
		return tx.NewRaw(`SELECT count(*) FROM (SELECT 1 FROM `+from+` WHERE `+at+` < now() - make_interval(days => ?) AND `+full+`
			LIMIT ?) l`, days, mostCount+1).Scan(ctx, &n)
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "57014" && ctx.Err() == nil { // it took too long
		return 0, true, nil
	}
	if n > mostCount {
		return mostCount, true, nil
	}
	return n, false, db.Err(err)
}
