package campaign

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func saveShelf(ctx context.Context, tx bun.Tx, c *Campaign) error {
	_, err := tx.NewRaw("UPDATE campaigns SET archived_at = ?, labels = ? WHERE id = ?",
		c.ArchivedAt, pgdialect.Array(append([]string{}, c.Labels...)), c.ID).Exec(ctx)
	return db.Err(err)
}

func labelNames(ctx context.Context, idb bun.IDB) (rows []UsedLabel, err error) {
	err = idb.NewRaw(`SELECT l AS name, count(*) AS campaigns FROM campaigns c, unnest(c.labels) l
		GROUP BY 1 ORDER BY lower(l), 1 LIMIT ?`, MaxLabelNames).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// onShelf narrows to campaigns that are archived or not, and have labels.
func onShelf(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	switch {
	case f.Archived != nil && *f.Archived:
		q = q.Where("ca.archived_at IS NOT NULL")
	case f.Archived != nil || f.Search == "":
		q = q.Where("ca.archived_at IS NULL")
	}
	if len(f.Labels) > 0 {
		q = q.Where("ca.labels @> ?", pgdialect.Array(f.Labels))
	}
	return q
}
