package message

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// OldTexts says which messages hold something that retention takes away: nothing more
// will become of them, and nobody has to decide about what they say.
var OldTexts = struct{ From, At, Full string }{
	From: "messages m",
	At:   "m.created_at",
	Full: `m.work IS NULL AND (m.body <> '' OR m.media <> '[]' OR m.content IS NOT NULL)
		AND NOT EXISTS (SELECT 1 FROM opt_out_reviews o WHERE o.message_id = m.id AND o.decided_at IS NULL)`,
}

// Cleared is what came of one batch.
type Cleared struct {
	Reached int64 // id of the last row looked at
	Looked  int
	Removed int64
	Young   bool // every row that was looked at is young enough to stay
}

// ClearOld takes what was said out of the next messages behind one that are older than
// so many days. The rows stay: caps, segments and counters are answered by them.
func ClearOld(ctx context.Context, tx bun.Tx, after int64, days, limit int) (did Cleared, err error) {
	err = tx.NewRaw(`
		WITH next AS MATERIALIZED (
			SELECT m.id, `+OldTexts.At+` < now() - make_interval(days => ?1) AS old, `+OldTexts.Full+` AS is_full
			FROM `+OldTexts.From+` WHERE m.id > ?0 ORDER BY m.id LIMIT ?2),
		old AS MATERIALIZED (
			SELECT m.id FROM messages m JOIN next USING (id) WHERE next.old AND next.is_full AND m.work IS NULL ORDER BY m.id FOR UPDATE OF m),
		gone AS (UPDATE messages m SET body = '', media = '[]', content = NULL FROM old WHERE m.id = old.id RETURNING 1)
		SELECT coalesce(max(id), 0) AS reached, count(*) AS looked, (SELECT count(*) FROM gone) AS removed,
			coalesce(bool_and(NOT old), true) AS young
		FROM next`, after, days, limit).Scan(ctx, &did)
	return did, db.Err(err)
}
