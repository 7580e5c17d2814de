package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"eventstream/server/pause"

	"github.com/uptrace/bun"
)

// takeLease takes or renews the named lease for owner. It reports whether owner
// holds it now. Postgres' clock decides, so that workers with wrong clocks
// agree; a dead owner's lease is free after ttl.
func takeLease(ctx context.Context, idb bun.IDB, name, owner string, ttl time.Duration) (bool, error) {
	res, err := idb.NewRaw(`
		INSERT INTO leases AS l (name, owner, expires_at) VALUES (?0, ?1, clock_timestamp() + make_interval(secs => ?2))
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
		WHERE l.owner = excluded.owner OR l.expires_at < clock_timestamp()`,
		name, owner, ttl.Seconds()).Exec(ctx)
	if err != nil {
		return false, Err(err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Now is the time by Postgres' clock, the one that all machines share.
func Now(ctx context.Context, idb bun.IDB) (t time.Time, err error) {
	err = idb.NewRaw("SELECT clock_timestamp()").Scan(ctx, &t)
	return t, Err(err)
}

// Fresh reports whether no more than so much time has passed since then, by both of
// this machine's clocks. The monotonic one stands still while some virtual machines
// are suspended, and the other may be set at any moment.
func Fresh(since time.Time, age time.Duration) bool {
	now := time.Now()
	running, wall := now.Sub(since), now.Round(0).Sub(since.Round(0))
	return !since.IsZero() && running <= age && wall <= age && wall >= -age
}

// releaseLease gives the lease back if owner still holds it.
func releaseLease(ctx context.Context, idb bun.IDB, name, owner string) error {
	_, err := idb.NewRaw("DELETE FROM leases WHERE name = ? AND owner = ?", name, owner).Exec(ctx)
	return Err(err)
}

// ErrLeaseLost is the cause with which the context of work under a lease ends
// when the lease was lost, or could not be renewed in time.
var ErrLeaseLost = errors.New("the lease was lost")

// LeaseRenewals is how often a lease is renewed within its time: several may
// fail before it is lost.
const LeaseRenewals = 8

// WithLease does work while it holds the named lease, and gives the lease back
// at its end. It reports false, and does nothing, when anybody holds the lease
// already: this process too, since owner only names the process for whoever
// reads the table, and each call is a holder of its own.
//
// The lease is renewed beside the work, however long one step of it takes. Work
// must obey its context, which ends when the lease is lost. The error is then
// ErrLeaseLost, unless the work was complete by then.
func WithLease(ctx context.Context, d *DB, name, owner string, ttl time.Duration,
	work func(ctx context.Context) error,
) (held bool, err error) {
	return HoldLease(ctx, d, name, owner+"#"+rand.Text(), ttl, work)
}

// HoldLease is WithLease for a holder that others know by its name. Whoever
// calls it with that name again, while it holds the lease, holds it too.
func HoldLease(ctx context.Context, d *DB, name, holder string, ttl time.Duration,
	work func(ctx context.Context) error,
) (held bool, err error) {
	until := time.Now().Add(ttl) // from before the statement: never longer than Postgres counts
	attempt, cancel := context.WithTimeout(ctx, ttl/2)
	held, err = takeLease(attempt, d, name, holder, ttl)
	cancel()
	if err != nil || !held {
		return false, err
	}
	term, end := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { end(renew(term, d, name, holder, ttl, until)) })
	defer func() {
		end(nil)
		renewing.Wait()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = releaseLease(stopping, d, name, holder) // it runs out by itself otherwise
	}()
	err = work(term)
	if err != nil && errors.Is(context.Cause(term), ErrLeaseLost) {
		err = fmt.Errorf("%s: %w", name, ErrLeaseLost)
	}
	return true, err
}

// renew keeps a lease until ctx ends or the lease is lost.
func renew(ctx context.Context, d *DB, name, holder string, ttl time.Duration, until time.Time) error {
	for {
		if err := pause.For(ctx, min(ttl/LeaseRenewals, time.Until(until))); err != nil {
			return err
		}
		started := time.Now()
		attempt, cancel := context.WithTimeout(ctx, min(ttl/2, until.Sub(started)))
		held, err := takeLease(attempt, d, name, holder, ttl)
		cancel()
		switch {
		case err == nil && held:
			until = started.Add(ttl)
		case err == nil, !time.Now().Before(until):
			return ErrLeaseLost
		}
	}
}
