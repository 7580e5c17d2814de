package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"eventstream/server/db"
)

// lease is a named lease that this process tries to hold all the time.
type lease struct {
	db    *db.DB
	name  string
	owner string
	ttl   time.Duration // after which a lease that nobody renews is free
	log   *slog.Logger
}

// hold takes the lease whenever it is free and keeps it until ctx ends. begin
// hears of each term: a context that ends as soon as the lease is lost, or may be
// lost because Postgres did not answer in time.
func (l *lease) hold(ctx context.Context, begin func(term context.Context)) {
	for ctx.Err() == nil {
		held, err := db.HoldLease(ctx, l.db, l.name, l.owner, l.ttl, func(term context.Context) error {
			begin(term)
			<-term.Done()
			return term.Err()
		})
		if held && ctx.Err() == nil {
			l.log.WarnContext(ctx, "lease lost", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(l.ttl / db.LeaseRenewals):
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
