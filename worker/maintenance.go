package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"eventstream/server/db"
	"eventstream/server/jobs"

	"github.com/prometheus/client_golang/prometheus"
)

// Task is work that has to be looked for again and again: what a crash left
// behind, a wait that is over, a table that has to be folded.
type Task struct {
	Name     string        // in metrics and the log
	Every    time.Duration // pause between the end of a run and the next
	Deadline time.Duration // after which a run is canceled
	Batch    int           // the most that one run takes; 0: the task bounds itself
	// Run does one batch and says how much it did. A full batch is followed by
	// the next at once. Two processes may run it at the same time for a moment,
	// while leadership passes on: that must be harmless.
	Run func(ctx context.Context, batch int) (int, error)
}

// Whole makes the Run of a task that does all there is in one go.
func Whole(fn func(ctx context.Context) error) func(context.Context, int) (int, error) {
	return func(ctx context.Context, _ int) (int, error) { return 0, fn(ctx) }
}

// Maintenance says what to maintain.
type Maintenance struct {
	DB       *db.DB
	Owner    string // this process, as in all leases
	Tasks    []Task
	Registry prometheus.Registerer
	Log      *slog.Logger

	WorkerLease time.Duration // how long a dead process counts as living; 0: 8 s
	Leadership  time.Duration // how long the tasks rest when the leader died; 0: 4 s
}

// Run shows that this process lives, and runs the tasks while it leads. Both are
// leases, renewed by goroutines and connections of their own. One process leads
// for all tasks, rather than a lease for each: that is one row to renew and to
// look at, and the tasks are light. Every task has its own goroutine and
// deadline, so that one that hangs, fails or panics stops nobody else; a run
// that ignores its deadline holds only its own task up.
func (m Maintenance) Run(ctx context.Context) error {
	m.WorkerLease, m.Leadership = cmp.Or(m.WorkerLease, 8*time.Second), cmp.Or(m.Leadership, 4*time.Second)
	own, err := m.DB.Beside(ctx, 2, min(m.WorkerLease, m.Leadership), m.Log)
	if err != nil {
		return err
	}
	defer own.Close()
	leading := newTerms()
	metrics := newMetrics(m.Registry, m.Tasks, leading)
	var loops sync.WaitGroup
	loops.Go(func() {
		alive := &lease{db: own, name: jobs.WorkerLease + m.Owner, owner: m.Owner, ttl: m.WorkerLease, log: m.Log}
		alive.hold(ctx, func(context.Context) {})
	})
	loops.Go(func() {
		leader := &lease{db: own, name: "maintenance", owner: m.Owner, ttl: m.Leadership, log: m.Log}
		leader.hold(ctx, leading.begin)
	})
	for _, t := range m.Tasks {
		// Not waited for: a run that ignores the end of its context must not
		// keep the process from ending.
		go m.loop(ctx, t, leading, metrics)
	}
	loops.Wait()
	return nil
}

func (m Maintenance) loop(ctx context.Context, t Task, leading *terms, metrics *metrics) {
	for {
		term := leading.wait(ctx)
		if term == nil {
			return
		}
		if m.once(term, t, metrics) {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(t.Every):
		}
	}
}

// once runs a task and reports whether more of it waits.
func (m Maintenance) once(term context.Context, t Task, metrics *metrics) (more bool) {
	ctx, cancel := context.WithTimeout(term, t.Deadline)
	defer cancel()
	started := time.Now()
	metrics.running.WithLabelValues(t.Name).Set(1)
	n, err := guarded(ctx, t)
	metrics.running.WithLabelValues(t.Name).Set(0)
	metrics.runs.WithLabelValues(t.Name).Inc()
	metrics.duration.WithLabelValues(t.Name).Observe(time.Since(started).Seconds())
	var p *panicked
	reason := "error"
	switch {
	case err == nil:
		metrics.success.WithLabelValues(t.Name).SetToCurrentTime()
		return t.Batch > 0 && n >= t.Batch
	case errors.As(err, &p):
		reason = "panic"
	case term.Err() != nil:
		return false // stopped, which is no failure
	case ctx.Err() != nil:
		reason = "deadline"
	}
	metrics.failures.WithLabelValues(t.Name, reason).Inc()
	m.Log.WarnContext(term, "maintenance failed", "task", t.Name, "reason", reason, "error", err)
	return false
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

func guarded(ctx context.Context, t Task) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return t.Run(ctx, t.Batch)
}

type metrics struct {
	runs, failures   *prometheus.CounterVec
	running, success *prometheus.GaugeVec
	duration         *prometheus.HistogramVec
	leader           prometheus.GaugeFunc
}

func newMetrics(r prometheus.Registerer, tasks []Task, leading *terms) *metrics {
	task := []string{"task"}
	m := &metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventstream_maintenance_runs_total", Help: "Runs of a maintenance task that have ended.",
		}, task),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventstream_maintenance_failures_total",
			Help: "Runs that failed: by an error, at their deadline, by a panic.",
		}, []string{"task", "reason"}),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "eventstream_maintenance_running", Help: "Whether a run of the task is under way in this process.",
		}, task),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "eventstream_maintenance_last_success_timestamp_seconds",
			Help: "When the task last succeeded in this process.",
		}, task),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "eventstream_maintenance_duration_seconds", Help: "How long a run took.",
			Buckets: []float64{0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60},
		}, task),
		leader: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "eventstream_maintenance_leader", Help: "Whether this process runs the maintenance tasks.",
		}, func() float64 {
			if leading.now() != nil {
				return 1
			}
			return 0
		}),
	}
	for _, t := range tasks { // all are there from the start, at 0
		m.runs.WithLabelValues(t.Name)
		for _, reason := range []string{"error", "deadline", "panic"} {
			m.failures.WithLabelValues(t.Name, reason)
		}
	}
	if r != nil {
		r.MustRegister(m.runs, m.failures, m.running, m.success, m.duration, m.leader)
	}
	return m
}
