package bulk

import (
	"context"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

func insert(ctx context.Context, tx bun.Tx, a *Action) error {
	_, err := tx.NewInsert().Model(a).Exec(ctx)
	return db.Err(err)
}

func save(ctx context.Context, tx bun.Tx, a *Action) error {
	_, err := tx.NewUpdate().Model(a).WherePK().
		Column("status", "failure", "reached", "done", "changed", "started_at", "finished_at").Exec(ctx)
	return db.Err(err)
}

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Action, error) {
	return found(ctx, tx.NewSelect().For("UPDATE"), id)
}

func byID(ctx context.Context, idb bun.IDB, id int64) (*Action, error) {
	return found(ctx, withRedactions(idb.NewSelect()), id)
}

func found(ctx context.Context, q *bun.SelectQuery, id int64) (*Action, error) {
	a := new(Action)
	err := db.Err(q.Model(a).Where("b.id = ?", id).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("bulk action %v does not exist", id)
	}
	return a, err
}

// withRedactions also reads what became of an erasure at the provider.
func withRedactions(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("b.*").ColumnExpr(`(
		SELECT jsonb_agg(jsonb_build_object('outcome', rc.outcome, 'reason', rc.reason, 'n', rc.n) ORDER BY rc.outcome, rc.n DESC)
		FROM redaction_counts rc WHERE rc.action_id = b.id AND b.kind = 'erase' AND rc.n > 0) AS redactions`)
}

func list(ctx context.Context, idb bun.IDB, p db.Page) (db.Slice[*Action], error) {
	var rows []*Action
	q, err := p.Apply(withRedactions(idb.NewSelect()).Model(&rows), "b", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Action]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Action]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

// forgotten are actions that no job works. Few run at any time, and each is asked
// for by its own key; jobs are found by the index over kind and state.
func forgotten(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw(`
		SELECT b.id FROM bulk_actions b
		WHERE b.status IN ('pending', 'running') AND b.kind <> 'export'
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'bulk_action:' || b.id AND l.expires_at >= now())
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'bulk_action' AND j.state IN ('available', 'pending')
				AND (j.args ->> 'action_id')::bigint = b.id)
		ORDER BY b.id LIMIT 100`).Scan(ctx, &ids)
	return ids, db.Err(err)
}
