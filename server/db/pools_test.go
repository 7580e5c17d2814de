package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

// patience ends what hangs.
const patience = 2 * time.Minute

func withPools(t *testing.T) *db.DB {
	t.Helper()
	d, err := db.OpenWithLimit(t.Context(), dbtest.URL(t), time.Minute)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.NoError(t, d.OpenPools(t.Context(), db.PoolInteractive, db.PoolDownloads, db.PoolEdge))
	return d
}

// hold takes a connection until release.
func hold(ctx context.Context, t *testing.T, d *db.DB, release <-chan struct{}, all *sync.WaitGroup) {
	t.Helper()
	conn, err := d.Conn(ctx)
	require.NoError(t, err)
	all.Go(func() {
		<-release
		_ = conn.Close()
	})
}

// TestNoPoolTakesTheConnectionsOfAnother: every connection of the jobs and of people is
// taken, and the others answer.
func TestNoPoolTakesTheConnectionsOfAnother(t *testing.T) {
	t.Parallel()
	d := withPools(t)
	release := make(chan struct{})
	var all sync.WaitGroup
	t.Cleanup(func() { close(release); all.Wait() })
	people := db.WithPool(t.Context(), db.PoolInteractive)
	for range db.Connections(db.PoolInteractive) {
		hold(people, t, d, release, &all)
	}
	for range d.Pool.Config().MaxConns {
		hold(t.Context(), t, d, release, &all)
	}
	for _, name := range []db.Pool{db.PoolEdge, db.PoolDownloads} {
		require.NoError(t, d.PingContext(db.WithPool(t.Context(), name)))
	}
	for _, name := range []db.Pool{db.PoolInteractive, db.PoolJobs} {
		ctx, cancel := context.WithTimeout(db.WithPool(t.Context(), name), 50*time.Millisecond)
		require.ErrorIs(t, d.PingContext(ctx), context.DeadlineExceeded, "they are all taken")
		cancel()
	}
}

// TestNobodyTakesAllConnectionsOfPeople: who has their share in use waits, and is told
// so in the end; others go on.
func TestNobodyTakesAllConnectionsOfPeople(t *testing.T) {
	t.Parallel()
	d := withPools(t)
	busy := actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer}
	as := func(who actor.Actor) context.Context {
		return actor.With(db.WithPool(t.Context(), db.PoolInteractive), who)
	}
	release := make(chan struct{})
	var all sync.WaitGroup
	for range db.Share(db.PoolInteractive) {
		hold(as(busy), t, d, release, &all)
	}
	promoted := busy
	promoted.Role = actor.RoleAdmin
	for _, who := range []actor.Actor{busy, promoted} {
		err := d.PingContext(as(who))
		require.True(t, apperr.Is(err, apperr.CodeRateLimited), "%v", err)
	}
	require.NoError(t, d.PingContext(as(actor.Actor{Kind: actor.KindOperator, ID: 2})))
	require.NoError(t, d.PingContext(as(actor.Actor{Kind: actor.KindAPIToken, ID: 1})))
	waiting := make(chan error, 1)
	go func() { waiting <- d.PingContext(as(busy)) }()
	close(release)
	all.Wait()
	require.NoError(t, <-waiting, "a wait ends as soon as a connection is free")
}

// TestAQuestionEndsWithWhoAskedIt: Postgres must not go on working for nobody.
func TestAQuestionEndsWithWhoAskedIt(t *testing.T) {
	t.Parallel()
	d := withPools(t)
	ctx, cancel := context.WithCancel(db.WithPool(t.Context(), db.PoolInteractive))
	asked := make(chan error, 1)
	go func() {
		_, err := d.ExecContext(ctx, "SELECT pg_sleep(3600) /* nobody waits for this */")
		asked <- err
	}()
	running := func() int {
		var n int
		require.NoError(t, d.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND state = 'active' AND query LIKE '%nobody waits for this%'
			AND pid <> pg_backend_pid()`).Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return running() == 1 }, patience, 10*time.Millisecond)
	cancel()
	require.Error(t, <-asked)
	require.Eventually(t, func() bool { return running() == 0 }, patience, 10*time.Millisecond)
}

// TestAQuestionEndsInTime by Postgres' own clock, whatever becomes of the process.
func TestAQuestionEndsInTime(t *testing.T) {
	t.Parallel()
	d := withPools(t)
	for name, want := range map[db.Pool]string{db.PoolInteractive: "10s", db.PoolEdge: "5s"} {
		var limit string
		require.NoError(t, d.QueryRowContext(db.WithPool(t.Context(), name), "SHOW statement_timeout").Scan(&limit))
		require.Equal(t, want, limit)
	}
	err := db.Err(errors.Join(errors.New("a statement"), context.DeadlineExceeded))
	require.True(t, apperr.Is(err, apperr.CodeUnavailable))
}
