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

// slice is how many members of an audience are read at once, as prepare does.
const slice = 10_000

// members reads the ids of an audience as prepare does: in slices, in order.
func members(ctx context.Context, d *db.DB, where string, args []any) (n int64, err error) {
	for after := int64(0); ; {
		var ids []int64
		if err := d.NewRaw("SELECT c.id FROM contacts c WHERE c.id > ? AND c.erased_at IS NULL AND ("+where+") ORDER BY c.id LIMIT ?", append(append([]any{after}, args...), slice)...).Scan(ctx, &ids); err != nil {
			return n, err
		}
		if n += int64(len(ids)); len(ids) < slice {
			return n, nil
		}
		after = ids[len(ids)-1]
	}
}
