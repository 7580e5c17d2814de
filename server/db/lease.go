package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Lease takes or renews the named lease for owner. It reports whether owner
// holds it now. Postgres' clock decides, so that workers with wrong clocks
// agree; a dead owner's lease is free after ttl.
func Lease(ctx context.Context, idb bun.IDB, name, owner string, ttl time.Duration) (bool, error) {
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

// Release gives the lease back if owner still holds it.
func Release(ctx context.Context, idb bun.IDB, name, owner string) error {
	_, err := idb.NewRaw("DELETE FROM leases WHERE name = ? AND owner = ?", name, owner).Exec(ctx)
	return Err(err)
}

// LeaseHeld reports whether anybody holds the lease.
func LeaseHeld(ctx context.Context, idb bun.IDB, name string) (bool, error) {
	var held bool
	err := idb.NewRaw("SELECT EXISTS (SELECT 1 FROM leases WHERE name = ? AND expires_at >= clock_timestamp())", name).Scan(ctx, &held)
	return held, Err(err)
}
