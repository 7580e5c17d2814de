package contact

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Totals are how many contacts there are, erased ones left out.
type Totals struct{ All, OptedIn, OptedOut, Unreachable int64 }

// CountAll reads the totals from counters that triggers keep exactly, at the same
// cost for ten contacts and for ten million.
func CountAll(ctx context.Context, idb bun.IDB) (t Totals, err error) {
	err = idb.NewRaw(`
		SELECT coalesce(sum(n), 0)::bigint, coalesce(sum(n) FILTER (WHERE consent_status = 'opted_in'), 0)::bigint,
			coalesce(sum(n) FILTER (WHERE consent_status = 'opted_out'), 0)::bigint,
				coalesce(sum(n) FILTER (WHERE NOT reachable), 0)::bigint
		FROM contact_counts`).Scan(ctx, &t.All, &t.OptedIn, &t.OptedOut, &t.Unreachable)
	return t, db.Err(err)
}

// counted answers a filter that asks only for what is counted.
func counted(ctx context.Context, idb bun.IDB, f Filter) (n int64, err error) {
	q := idb.NewSelect().TableExpr("contact_counts AS c").ColumnExpr("coalesce(sum(c.n), 0)::bigint")
	if f.ConsentStatus != nil {
		q = q.Where("c.consent_status = ?", *f.ConsentStatus)
	}
	if f.Reachable != nil {
		q = q.Where("c.reachable = ?", *f.Reachable)
	}
	return n, db.Err(q.Scan(ctx, &n))
}

// FoldBatch is how many changes of the counters are folded at once.
const FoldBatch = 10_000

// unfolded is how many changes may lie about: summing them costs nothing.
const unfolded = 100

func fold(ctx context.Context, idb bun.IDB, limit int) (n int, err error) {
	var some int
	err = idb.NewRaw("SELECT count(*) FROM (SELECT 1 FROM contact_counts LIMIT ?) x", unfolded+1).Scan(ctx, &some)
	if err != nil || some <= unfolded {
		return 0, db.Err(err)
	}
	err = idb.NewRaw(`
		WITH gone AS (
			DELETE FROM contact_counts WHERE id IN (SELECT id FROM contact_counts ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED)
			RETURNING consent_status, reachable, n),
		sums AS (
			INSERT INTO contact_counts (consent_status, reachable, n)
			SELECT consent_status, reachable, sum(n) FROM gone GROUP BY 1, 2 HAVING sum(n) <> 0)
		SELECT count(*) FROM gone`, limit).Scan(ctx, &n)
	return n, db.Err(err)
}
