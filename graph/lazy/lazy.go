// Package lazy holds what a generated type computes only when asked.
package lazy

import "context"

// Count counts a list.
type Count func(ctx context.Context) (int64, error)
