package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/dispatch"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
)

// A worker that leads and whose task hangs keeps its jobs: another's sweep, which
// deletes the jobs of the dead, finds it living every time.
func TestATaskThatHangsCostsNoJobs(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	log := slog.New(slog.DiscardHandler)
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	var hanging atomic.Bool
	maintain(t, Maintenance{DB: d, Owner: "slow", Leadership: time.Second, Tasks: []Task{
		{Name: "hanging", Every: time.Millisecond, Deadline: time.Millisecond, Run: Whole(func(context.Context) error {
			hanging.Store(true)
			<-forever
			return nil
		})},
	}})
	require.Eventually(t, hanging.Load, soon, often)
	count := func(sql string, args ...any) (n int) {
		require.NoError(t, d.NewRaw(sql, args...).Scan(context.Background(), &n))
		return n
	}
	require.Eventually(t, func() bool { return count("SELECT count(*) FROM leases WHERE name = 'worker:slow'") == 1 }, soon, often)
	river, err := NewClient(d, log, nil, "slow")
	require.NoError(t, err)
	enqueuer := &jobs.Enqueuer{Client: river}
	exec(t, d, `INSERT INTO river_job (args, kind, max_attempts, queue, state) VALUES ('{"sender_id": 1}', 'campaign_dispatch', 8, ?, 'available')`,
		jobs.WorkerQueue("slow"))
	other := dispatch.New(dispatch.Options{DB: d, Hub: pubsub.New(d.Pool, log), Jobs: enqueuer, Log: log})
	// The lease, eight seconds long, is renewed a few times meanwhile.
	renewed, last := 0, ""
	require.Eventually(t, func() bool {
		require.NoError(t, other.EnqueueLost(context.Background()))
		require.Equal(t, 1, count("SELECT count(*) FROM river_job"), "its job is still there")
		var until string
		require.NoError(t, d.NewRaw("SELECT expires_at::text FROM leases WHERE name = 'worker:slow'").Scan(context.Background(), &until))
		if until != last {
			renewed, last = renewed+1, until
		}
		return renewed > 4
	}, soon, often)
	// Maintenance would delete it, were the worker dead.
	exec(t, d, "UPDATE leases SET owner = 'else', expires_at = clock_timestamp() - interval '1 second' WHERE name = 'worker:slow'")
	require.Eventually(t, func() bool {
		require.NoError(t, other.EnqueueLost(context.Background()))
		exec(t, d, "UPDATE leases SET expires_at = clock_timestamp() - interval '1 second' WHERE name = 'worker:slow'")
		return count("SELECT count(*) FROM river_job") == 0
	}, soon, often)
}
