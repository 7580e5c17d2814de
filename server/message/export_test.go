package message

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// WindowsThen is tested by itself: since 2026-10-01 no price depends on it.
func WindowsThen(ctx context.Context, tx bun.Tx, ids []int64) (map[int64]bool, error) {
	open, p := map[int64]bool{}, new(db.Pipeline)
	addWindows(p, ids, open)
	return open, p.Send(ctx, tx)
}
