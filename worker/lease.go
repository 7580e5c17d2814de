package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"eventstream/server/db"
)

// lease is a named lease in Postgres that one goroutine takes and renews, and
// does nothing else: whatever hangs elsewhere, the lease is renewed in time.
type lease struct {
	db    *db.DB
	name  string
	owner string
	ttl   time.Duration // after which a lease that nobody renews is free
	log   *slog.Logger
}

// hold takes the lease whenever it is free and keeps it until ctx ends, then
// gives it back. begin hears of each term: a context that ends as soon as the
// lease is lost, or may be lost because Postgres did not answer in time. By the
// clock of this process a term never outlasts the lease, since that runs from
// before the statement that renewed it.
func (l *lease) hold(ctx context.Context, begin func(term context.Context)) {
	var end context.CancelFunc
	var until time.Time
	lose := func(why string, err error) {
		if end != nil {
			end()
			end = nil
			if ctx.Err() == nil {
				l.log.WarnContext(ctx, "lease lost", "lease", l.name, "why", why, "error", err)
			}
		}
	}
	defer func() {
		lose("", nil)
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = db.Release(stopping, l.db, l.name, l.owner) // it runs out by itself otherwise
	}()
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		started := time.Now()
		limit := l.ttl / 2
		if end != nil {
			limit = min(limit, until.Sub(started))
		}
		attempt, cancel := context.WithTimeout(ctx, limit)
		mine, err := db.Lease(attempt, l.db, l.name, l.owner, l.ttl)
		cancel()
		switch {
		case err == nil && mine:
			until = started.Add(l.ttl)
			if end == nil {
				var term context.Context
				term, end = context.WithCancel(ctx) // lose ends it
				begin(term)
			}
		case err == nil:
			lose("another process has it", nil)
		case end != nil && !time.Now().Before(until):
			lose("not renewed in time", err)
		}
		if wait = l.ttl / db.LeaseRenewals; end != nil {
			wait = max(0, min(wait, time.Until(until)))
		}
	}
}

// terms hands the present term of a lease to whoever waits for it.
type terms struct {
	mu      sync.Mutex
	present context.Context //nolint:containedctx // the term is what is handed over
	changed chan struct{}
}

func newTerms() *terms { return &terms{changed: make(chan struct{})} }

func (t *terms) begin(term context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.present = term
	close(t.changed)
	t.changed = make(chan struct{})
}

// now gives the present term; nil when there is none.
func (t *terms) now() context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.present == nil || t.present.Err() != nil {
		return nil
	}
	return t.present
}

// wait gives the present term, or waits for the next; nil when ctx ends.
func (t *terms) wait(ctx context.Context) context.Context {
	for ctx.Err() == nil {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		if term := t.now(); term != nil {
			return term
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}
