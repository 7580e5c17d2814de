// Package pause waits for a while, unless there is nothing left to wait for.
package pause

import (
	"context"
	"time"
)

// For waits for d, or until ctx ends, whose error it then gives.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
