package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/jobs"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

const soon, often = 60 * time.Second, 5 * time.Millisecond

// maintain runs m until the test ends.
func maintain(t *testing.T, m Maintenance) (stop func()) {
	t.Helper()
	m.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = m.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// value reads one metric; histograms count.
func value(t *testing.T, r *prometheus.Registry, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			fits := true
			for i, l := range m.GetLabel() {
				fits = fits && (i >= len(labels) || l.GetValue() == labels[i])
			}
			if fits {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func counting(n *atomic.Int64) Task {
	return Task{Name: "counting", Every: time.Millisecond, Deadline: time.Minute, Run: Whole(func(context.Context) error {
		n.Add(1)
		return nil
	})}
}

// A task that never comes back, not even at its deadline, with every connection
// of the pool taken as well: the others go on and the worker still counts as
// living, by the very question that decides whether others delete its jobs.
func TestATaskThatHangsStopsNobodyElse(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for range d.Pool.Config().MaxConns {
		c, err := d.Pool.Acquire(t.Context())
		require.NoError(t, err)
		t.Cleanup(c.Release)
	}
	look, err := d.Beside(t.Context(), 1, time.Minute, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(look.Close)
	var n, started atomic.Int64
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	reg := prometheus.NewRegistry()
	maintain(t, Maintenance{DB: d, Owner: "a", Registry: reg, Tasks: []Task{
		{Name: "hanging", Every: time.Millisecond, Deadline: time.Millisecond, Run: Whole(func(context.Context) error {
			started.Add(1)
			<-forever
			return nil
		})},
		counting(&n),
	}})
	renewed, last := 0, time.Time{}
	require.Eventually(t, func() bool {
		var rows []struct {
			Until time.Time
			Lives bool
		}
		err := look.NewRaw("SELECT expires_at AS until, expires_at >= clock_timestamp() AS lives FROM leases WHERE name LIKE ?",
			jobs.WorkerLease+"%").Scan(context.Background(), &rows)
		if err != nil || len(rows) == 0 {
			return false
		}
		if !rows[0].Lives {
			t.Error("the worker's lease ran out")
			return true
		}
		if rows[0].Until.After(last) {
			renewed, last = renewed+1, rows[0].Until
		}
		return renewed >= 4 && started.Load() > 0
	}, soon, often)
	before := n.Load()
	require.Eventually(t, func() bool { return n.Load() > before+20 }, soon, often, "the other task goes on")
	require.EqualValues(t, 1, started.Load(), "a run that is not over never begins again")
	require.EqualValues(t, 1, value(t, reg, "eventstream_maintenance_running", "hanging"))
	require.NotZero(t, value(t, reg, "eventstream_maintenance_last_success_timestamp_seconds", "counting"))
}

func TestARunIsCanceledAtItsDeadline(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var at, most atomic.Int64
	reg := prometheus.NewRegistry()
	maintain(t, Maintenance{DB: d, Owner: "a", Registry: reg, Tasks: []Task{
		{Name: "slow", Every: time.Millisecond, Deadline: 20 * time.Millisecond, Run: Whole(func(ctx context.Context) error {
			most.Store(max(most.Load(), at.Add(1)))
			defer at.Add(-1)
			<-ctx.Done()
			return ctx.Err()
		})},
	}})
	require.Eventually(t, func() bool {
		return value(t, reg, "eventstream_maintenance_failures_total", "deadline", "slow") >= 3
	}, soon, often)
	require.EqualValues(t, 1, most.Load(), "never twice at once")
}

func TestAPanicIsCountedAndTheTaskRunsAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var n, other atomic.Int64
	reg := prometheus.NewRegistry()
	maintain(t, Maintenance{DB: d, Owner: "a", Registry: reg, Tasks: []Task{
		{Name: "broken", Every: time.Millisecond, Deadline: time.Minute, Run: Whole(func(context.Context) error {
			if n.Add(1)%2 == 0 {
				return errors.New("it does not work")
			}
			panic("nor this")
		})},
		counting(&other),
	}})
	require.Eventually(t, func() bool {
		return value(t, reg, "eventstream_maintenance_failures_total", "panic", "broken") >= 2 &&
			value(t, reg, "eventstream_maintenance_failures_total", "error", "broken") >= 2 && other.Load() > 2
	}, soon, often)
}

func TestAFullBatchIsFollowedByTheNextAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var left atomic.Int64
	left.Store(95)
	maintain(t, Maintenance{DB: d, Owner: "a", Tasks: []Task{
		{Name: "batches", Every: 24 * time.Hour, Deadline: time.Minute, Batch: 10, Run: func(_ context.Context,
			batch int,
		) (int, error) {
			n := min(left.Load(), int64(batch))
			left.Add(-n)
			return int(n), nil
		}},
	}})
	require.Eventually(t, func() bool { return left.Load() == 0 }, soon, often)
}

func exec(t *testing.T, d *db.DB, sql string, args ...any) {
	t.Helper()
	_, err := d.NewRaw(sql, args...).Exec(context.Background())
	require.NoError(t, err)
}

// What runs ends when leadership is lost, and begins again when it comes back;
// both when another process took it and when Postgres cannot be asked.
func TestLostLeadershipStopsTheTasks(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string][2]string{
		"another process leads": {
			"UPDATE leases SET owner = 'b', expires_at = clock_timestamp() + interval '1 hour' WHERE name = 'maintenance'",
			"DELETE FROM leases WHERE name = 'maintenance'",
		},
		"Postgres does not answer": {"ALTER TABLE leases RENAME TO leases_away", "ALTER TABLE leases_away RENAME TO leases"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			var begun, ended atomic.Int64
			reg := prometheus.NewRegistry()
			maintain(t, Maintenance{DB: d, Owner: "a", Registry: reg, Leadership: 2 * time.Second, Tasks: []Task{
				{Name: "long", Every: time.Millisecond, Deadline: time.Hour, Run: Whole(func(ctx context.Context) error {
					begun.Add(1)
					<-ctx.Done()
					ended.Add(1)
					return ctx.Err()
				})},
			}})
			require.Eventually(t, func() bool { return begun.Load() == 1 }, soon, often)
			exec(t, d, sql[0])
			require.Eventually(t, func() bool { return ended.Load() == 1 }, soon, often)
			require.Zero(t, value(t, reg, "eventstream_maintenance_leader"))
			require.EqualValues(t, 1, begun.Load(), "nothing begins without leadership")
			require.Zero(t, value(t, reg, "eventstream_maintenance_failures_total"), "stopped is not failed")
			exec(t, d, sql[1])
			require.Eventually(t, func() bool { return begun.Load() == 2 }, soon, often)
		})
	}
}

// Of two processes one runs the tasks; when it ends, the other does, without
// waiting for the lease to run out.
func TestOneProcessLeads(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var a, b atomic.Int64
	stop := maintain(t, Maintenance{DB: d, Owner: "a", Leadership: time.Hour, Tasks: []Task{counting(&a)}})
	require.Eventually(t, func() bool { return a.Load() > 10 }, soon, often)
	maintain(t, Maintenance{DB: d, Owner: "b", Leadership: 8 * time.Second, Tasks: []Task{counting(&b)}})
	before := a.Load()
	require.Eventually(t, func() bool { return a.Load() > before+50 }, soon, often)
	require.Zero(t, b.Load())
	stop()
	after := a.Load()
	require.Eventually(t, func() bool { return b.Load() > 10 }, soon, often)
	require.Equal(t, after, a.Load())
}
