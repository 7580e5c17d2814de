package message

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// leftOfSandbox are messages of the sandbox's senders that something could still become of:
// those outside campaigns that wait, and all of which nobody knows what became. Those of
// campaigns that wait are their campaigns'.
const leftOfSandbox = `sender_id = ANY (ARRAY(SELECT s.id FROM senders s WHERE s.provider = 'sandbox'))
	AND (work = 'send' AND campaign_id IS NULL OR work = 'watch' AND status = 'unknown')`

// LeftOfSandbox counts the messages outside campaigns that wait at the sandbox, and all
// whose fate is unknown there.
func LeftOfSandbox(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM messages WHERE work IS NOT NULL AND "+leftOfSandbox).Scan(ctx, &n)
	return n, db.Err(err)
}

// CancelLeftOfSandbox cancels up to n of them, once Twilio is live, and tells how many.
func CancelLeftOfSandbox(ctx context.Context, idb bun.IDB, n int) (int, error) {
	var ids []int64
	err := idb.NewRaw("SELECT id FROM messages WHERE provider_now() = 'twilio' AND work IS NOT NULL AND "+leftOfSandbox+
		" ORDER BY id LIMIT ?", n).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return 0, db.Err(err)
	}
	_, err = idb.NewRaw(`UPDATE messages SET status = 'canceled', error_message = 'It was made while trying out, under the sandbox.',
			lease_until = NULL, decision_since = NULL, ended_at = clock_timestamp()
		WHERE id IN (SELECT id FROM messages WHERE id = ANY (?) AND status IN ('pending', 'unknown') ORDER BY id FOR UPDATE SKIP LOCKED)`,
		pgdialect.Array(ids)).Exec(ctx)
	return len(ids), db.Err(err)
}
