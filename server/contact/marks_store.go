package contact

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// MarksBatch is how many contacts LiftMarks takes at once.
const MarksBatch = 1000

// formerMark is how long a mark lasts that a version made which knew no end.
const formerMark = 30 * 24 * time.Hour

// LiftMarks takes the marks back whose time is over, from up to n contacts each,
// and gives how many it changed. Marks without an end get one.
func LiftMarks(ctx context.Context, idb bun.IDB, n int) (int, error) {
	changed := 0
	for _, sql := range []string{
		`UPDATE contacts SET reachable = true, unreachable_reason = '', unreachable_until = NULL, updated_at = now() WHERE id IN (
			SELECT id FROM contacts WHERE NOT reachable AND erased_at IS NULL AND unreachable_until <= now() LIMIT ?0 FOR UPDATE SKIP LOCKED)`,
		`UPDATE contacts SET marketing_eligible = true, ineligible_reason = '', ineligible_until = NULL, updated_at = now() WHERE id IN (
			SELECT id FROM contacts WHERE NOT marketing_eligible AND erased_at IS NULL AND ineligible_until <= now() LIMIT ?0 FOR UPDATE SKIP LOCKED)`,
		`UPDATE contacts SET unreachable_until = now() + make_interval(secs => ?1) WHERE id IN (
			SELECT id FROM contacts WHERE NOT reachable AND erased_at IS NULL AND unreachable_until IS NULL LIMIT ?0 FOR UPDATE SKIP LOCKED)`,
		`UPDATE contacts SET ineligible_until = now() + make_interval(secs => ?1) WHERE id IN (
			SELECT id FROM contacts WHERE NOT marketing_eligible AND erased_at IS NULL AND ineligible_until IS NULL LIMIT ?0 FOR UPDATE SKIP LOCKED)`,
	} {
		res, err := idb.NewRaw(sql, n, formerMark.Seconds()).Exec(ctx)
		if err != nil {
			return changed, db.Err(err)
		}
		rows, err := res.RowsAffected()
		if err != nil {
			return changed, err
		}
		changed = max(changed, int(rows))
	}
	return changed, nil
}

// EndMarks lets every mark end now, and tells how many contacts have one: what the sandbox
// said of a number says nothing of its phone. LiftMarks takes them back.
func EndMarks(ctx context.Context, tx bun.Tx) (int64, error) {
	res, err := tx.NewRaw(`UPDATE contacts SET unreachable_until = CASE WHEN reachable THEN unreachable_until ELSE now() END,
			ineligible_until = CASE WHEN marketing_eligible THEN ineligible_until ELSE now() END
		WHERE id IN (SELECT id FROM contacts WHERE ` + marked + ` ORDER BY id FOR NO KEY UPDATE)`).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	return res.RowsAffected()
}

const marked = `erased_at IS NULL AND (NOT reachable OR NOT marketing_eligible)`

// MarkedPeople are the contacts with a mark.
func MarkedPeople(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw("SELECT id FROM contacts WHERE "+marked).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// Marked counts the contacts with a mark.
func Marked(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM contacts WHERE "+marked).Scan(ctx, &n)
	return n, db.Err(err)
}
