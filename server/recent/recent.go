// Package recent answers an expensive question once for all who ask it at the same time or
// shortly after.
package recent

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// limit is how long a question may take: whoever asked first may have gone away meanwhile.
const limit = time.Minute

// Answer is the newest answer to a question. Its zero value keeps none.
type Answer[T any] struct {
	For time.Duration // how long it counts

	asking singleflight.Group

	mu   sync.Mutex
	key  string
	at   time.Time
	last T
}

// Get gives the answer for a key, and asks where there is none that counts. Errors are not kept.
func (a *Answer[T]) Get(ctx context.Context, key string, ask func(context.Context) (T, error)) (T, error) {
	a.mu.Lock()
	last, known := a.last, a.key == key && time.Since(a.at) < a.For
	a.mu.Unlock()
	if known {
		return last, nil
	}
	answers := a.asking.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		answer, err := ask(ctx)
		if err == nil {
			a.mu.Lock()
			a.key, a.at, a.last = key, time.Now(), answer
			a.mu.Unlock()
		}
		return answer, err
	})
	select {
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	case is := <-answers:
		answer, _ := is.Val.(T)
		return answer, is.Err
	}
}
