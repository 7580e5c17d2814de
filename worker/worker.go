// Package worker is what a process does that works: River's side of the engine,
// a thin adapter for each kind of job with its queue, and the maintenance that
// finds work that nobody does. River starts a lost job again only after a
// quarter of an hour and its own periodic jobs take fifteen seconds to move to
// another process; so leases in Postgres, which any process can read, say who
// lives and who leads, and tasks of our own look every second.
package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"eventstream/server/audit"
	"eventstream/server/auth"
	"eventstream/server/bulk"
	"eventstream/server/campaign"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/demo"
	"eventstream/server/dispatch"
	"eventstream/server/doubleoptin"
	"eventstream/server/erasure"
	"eventstream/server/hold"
	"eventstream/server/importer"
	"eventstream/server/jobs"
	"eventstream/server/media"
	"eventstream/server/portfolio"
	"eventstream/server/reconcile"
	"eventstream/server/retention"
	"eventstream/server/template"
	"eventstream/server/webhookevent"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivertype"
)

// Services are what the jobs call.
type Services struct {
	Campaigns     *campaign.Service
	Preparer      *campaign.Preparer
	Dispatcher    *dispatch.Dispatcher
	Reconciler    *reconcile.Reconciler
	CatchUp       *reconcile.CatchUp
	Hold          *hold.Service
	Contacts      *contact.Service
	Conversations *conversation.Service
	Imports       *importer.Service
	Bulk          *bulk.Service
	Demo          *demo.Service
	Erasures      *erasure.Service
	Redactor      *erasure.Redactor
	DoubleOptIns  *doubleoptin.Service
	Retention     *retention.Service
	Templates     *template.Service
	Webhooks      *webhookevent.Applier
	Trail         *audit.Trail
	Accounts      *auth.Service
	Portfolio     *portfolio.Service
	Media         *media.Service
	// ReadPortfolio reads from Twilio how many people may be written to within 24 hours.
	ReadPortfolio func(ctx context.Context) error
	// ClearSandbox cancels up to n messages that the sandbox left when Twilio went live.
	ClearSandbox func(ctx context.Context, n int) (int, error)
}

// NewClient makes the River client that only inserts; with services it also
// works the queues, one of them for the process called owner alone.
func NewClient(d *db.DB, log *slog.Logger, s *Services, owner string) (*river.Client[*sql.Tx], error) {
	cfg := &river.Config{Logger: warnings(log), MaxAttempts: 8}
	if s != nil {
		cfg.Workers = workers(s)
		cfg.Queues = map[string]river.QueueConfig{
			jobs.QueueBulk:          {MaxWorkers: 4, FetchPollInterval: time.Second},
			jobs.WorkerQueue(owner): {MaxWorkers: 64, FetchPollInterval: 500 * time.Millisecond}, // a sender each
			jobs.QueueReplies:       {MaxWorkers: 16, FetchPollInterval: 250 * time.Millisecond},
			// Two: more would only wait for each other's rows.
			jobs.QueueWebhooks: {
				MaxWorkers: 2, FetchPollInterval: 250 * time.Millisecond,
				FetchCooldown: 50 * time.Millisecond,
			},
			jobs.QueueImports:     {MaxWorkers: 2, FetchPollInterval: time.Second},
			jobs.QueueMaintenance: {MaxWorkers: 2, FetchPollInterval: time.Second},
		}
		cfg.RescueStuckJobsAfter = 15 * time.Minute // behind the longest job; our own leases are faster
		cfg.CompletedJobRetentionPeriod = time.Hour
		cfg.SoftStopTimeout = 20 * time.Second
		cfg.ErrorHandler = &errorHandler{log: log}
	}
	client, err := river.NewClient(riverdatabasesql.NewWithPgxListener(d.DB.DB, d.Pool), cfg)
	if err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	return client, nil
}

// warnings drops River's info lines: a job a millisecond would fill any log.
func warnings(log *slog.Logger) *slog.Logger {
	return slog.New(&atLeast{log.Handler(), slog.LevelWarn})
}

type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h *atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}

func (h *atLeast) WithAttrs(a []slog.Attr) slog.Handler {
	return &atLeast{h.Handler.WithAttrs(a), h.level}
}

func (h *atLeast) WithGroup(n string) slog.Handler { return &atLeast{h.Handler.WithGroup(n), h.level} }

type errorHandler struct{ log *slog.Logger }

func (h *errorHandler) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if !errors.Is(err, context.Canceled) {
		h.log.ErrorContext(ctx, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "error", err)
	}
	return nil
}

func (h *errorHandler) HandlePanic(ctx context.Context, job *rivertype.JobRow, panicked any,
	trace string,
) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "panic", panicked, "trace", trace)
	return nil
}
