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

func withLanes(t *testing.T) *db.DB {
	t.Helper()
	d, err := db.OpenWithLimit(t.Context(), dbtest.URL(t), time.Minute)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.NoError(t, d.OpenLanes(t.Context(), db.LaneInteractive, db.LaneDownloads, db.LaneEdge))
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

// TestNoLaneTakesTheConnectionsOfAnother: every connection of the jobs and of people is
// taken, and the others answer.
func TestNoLaneTakesTheConnectionsOfAnother(t *testing.T) {
	t.Parallel()
	d := withLanes(t)
	release := make(chan struct{})
	var all sync.WaitGroup
	t.Cleanup(func() { close(release); all.Wait() })
	people := db.WithLane(t.Context(), db.LaneInteractive)
	for range db.Connections(db.LaneInteractive) {
		hold(people, t, d, release, &all)
	}
	for range d.Pool.Config().MaxConns {
		hold(t.Context(), t, d, release, &all)
	}
	for _, lane := range []db.Lane{db.LaneEdge, db.LaneDownloads} {
		require.NoError(t, d.PingContext(db.WithLane(t.Context(), lane)))
	}
	for _, lane := range []db.Lane{db.LaneInteractive, db.LaneJobs} {
		ctx, cancel := context.WithTimeout(db.WithLane(t.Context(), lane), 50*time.Millisecond)
		require.ErrorIs(t, d.PingContext(ctx), context.DeadlineExceeded, "they are all taken")
		cancel()
	}
}

// TestNobodyTakesAllConnectionsOfPeople: who has their share in use waits, and is told
// so in the end; others go on.
func TestNobodyTakesAllConnectionsOfPeople(t *testing.T) {
	t.Parallel()
	d := withLanes(t)
	busy := actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer}
	as := func(who actor.Actor) context.Context {
		return actor.With(db.WithLane(t.Context(), db.LaneInteractive), who)
	}
	release := make(chan struct{})
	var all sync.WaitGroup
	for range db.Share(db.LaneInteractive) {
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
	d := withLanes(t)
	ctx, cancel := context.WithCancel(db.WithLane(t.Context(), db.LaneInteractive))
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
	d := withLanes(t)
	for lane, want := range map[db.Lane]string{db.LaneInteractive: "10s", db.LaneEdge: "5s"} {
		var limit string
		require.NoError(t, d.QueryRowContext(db.WithLane(t.Context(), lane), "SHOW statement_timeout").Scan(&limit))
		require.Equal(t, want, limit)
	}
	err := db.Err(errors.Join(errors.New("a statement"), context.DeadlineExceeded))
	require.True(t, apperr.Is(err, apperr.CodeUnavailable))
}
