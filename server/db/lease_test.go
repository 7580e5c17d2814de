package db_test

import (
	"context"
	"testing"
	"time"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

// The import of a slow machine once held its lease, and took it again: the
// lease asked for the process, and both runs were of one process.
func TestALeaseHasOneHolderEvenWithinAProcess(t *testing.T) {
	d := dbtest.New(t)
	ctx := context.Background()
	held, err := db.WithLease(ctx, d, "work", "process", time.Minute, func(ctx context.Context) error {
		again, err := db.WithLease(ctx, d, "work", "process", time.Minute, func(context.Context) error {
			t.Error("worked twice at once")
			return nil
		})
		require.NoError(t, err)
		require.False(t, again)
		return nil
	})
	require.NoError(t, err)
	require.True(t, held)
	held, err = db.WithLease(ctx, d, "work", "process", time.Minute, func(context.Context) error { return nil })
	require.NoError(t, err)
	require.True(t, held, "given back at its end")
}

func TestALeaseIsRenewedThroughALongStep(t *testing.T) {
	d := dbtest.New(t)
	until := func() (until time.Time) {
		require.NoError(t, d.NewRaw("SELECT expires_at FROM leases WHERE name = 'work'").Scan(context.Background(), &until))
		return until
	}
	_, err := db.WithLease(context.Background(), d, "work", "process", 8*time.Second, func(ctx context.Context) error {
		first := until()
		require.Eventually(t, func() bool { return until().After(first) }, time.Minute, 50*time.Millisecond)
		return ctx.Err()
	})
	require.NoError(t, err)
}

func TestWorkEndsWithItsLease(t *testing.T) {
	d := dbtest.New(t)
	steal := func() {
		_, err := d.NewRaw("UPDATE leases SET owner = 'another', expires_at = clock_timestamp() + interval '1 hour'").
			Exec(context.Background())
		require.NoError(t, err)
	}
	held, err := db.WithLease(context.Background(), d, "work", "process", 4*time.Second, func(ctx context.Context) error {
		steal()
		<-ctx.Done()
		return ctx.Err()
	})
	require.True(t, held)
	require.ErrorIs(t, err, db.ErrLeaseLost)
	var owner string
	require.NoError(t, d.NewRaw("SELECT owner FROM leases WHERE name = 'work'").Scan(context.Background(), &owner))
	require.Equal(t, "another", owner, "what another holds is not given back")

	// Where Postgres does not answer, nobody can know who holds it.
	_, err = d.NewRaw("DELETE FROM leases").Exec(context.Background())
	require.NoError(t, err)
	_, err = db.WithLease(context.Background(), d, "work", "process", 2*time.Second, func(ctx context.Context) error {
		_, err := d.NewRaw("ALTER TABLE leases RENAME TO leases_away").Exec(ctx)
		require.NoError(t, err)
		<-ctx.Done()
		return ctx.Err()
	})
	require.ErrorIs(t, err, db.ErrLeaseLost)
}
