package team

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func list(ctx context.Context, idb bun.IDB) (rows []*Member, err error) {
	err = idb.NewSelect().Model(&rows).Order("added_at", "contact_id").Scan(ctx)
	return rows, db.Err(err)
}

// lockedList keeps two from going over the limit together.
func lockedList(ctx context.Context, tx bun.Tx) ([]*Member, error) {
	if _, err := tx.NewRaw("LOCK TABLE team_contacts IN SHARE ROW EXCLUSIVE MODE").Exec(ctx); err != nil {
		return nil, db.Err(err)
	}
	return list(ctx, tx)
}

func insert(ctx context.Context, tx bun.Tx, m *Member) error {
	_, err := tx.NewInsert().Model(m).Returning("added_at").Exec(ctx)
	return db.Err(err)
}

func remove(ctx context.Context, tx bun.Tx, contactIDs []int64) (int64, error) {
	res, err := tx.NewRaw("DELETE FROM team_contacts WHERE contact_id = ANY (?)", pgdialect.Array(contactIDs)).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	return res.RowsAffected()
}

func carry(ctx context.Context, tx bun.Tx, keep, gone int64) error {
	_, err := tx.NewRaw(`WITH g AS (DELETE FROM team_contacts WHERE contact_id = ?1 RETURNING added_by, added_at)
		INSERT INTO team_contacts (contact_id, added_by, added_at) SELECT ?0, added_by, added_at FROM g
		ON CONFLICT (contact_id) DO NOTHING`, keep, gone).Exec(ctx)
	return db.Err(err)
}
