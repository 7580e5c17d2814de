package bench

import (
	"context"

	"eventstream/server/db"
)

// countByHand asks what a preview asks.
func countByHand(ctx context.Context, d *db.DB, where string) (n int64, err error) {
	var rows []struct {
		Status       string
		N, Reachable int64
	}
	err = d.NewRaw("SELECT consent_status AS status, count(*) AS n, count(*) FILTER (WHERE reachable AND consent_status = 'opted_in') AS reachable FROM contacts c WHERE c.erased_at IS NULL AND ("+where+") GROUP BY 1").Scan(ctx, &rows)
	for _, r := range rows {
		n += r.N
	}
	return n, err
}

// members reads the ids of an audience, in order.
func members(ctx context.Context, d *db.DB, where string, args []any) (int64, error) {
	var ids []int64
	err := d.NewRaw("SELECT c.id FROM contacts c WHERE c.erased_at IS NULL AND ("+where+") ORDER BY c.id", args...).Scan(ctx, &ids)
	return int64(len(ids)), err
}
