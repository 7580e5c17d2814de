package worker

import (
	"context"
	"log/slog"
	"time"

	"eventstream/server/db"
	"eventstream/server/jobs"
)

const (
	beat      = time.Second
	beatLease = 4 * time.Second
)

// Heartbeat looks every second for work that nobody does: after a kill, a lost
// job, or a wait that is over. One process does it, by lease, so that another
// takes over within seconds; River's own periodic jobs would take fifteen.
// Every process also shows that it lives.
func Heartbeat(ctx context.Context, d *db.DB, s *Services, owner string, log *slog.Logger) {
	for wait := time.Duration(0); ; wait = beat { // the first one at once: others must know this worker
		select {
		case <-ctx.Done():
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = db.Release(stopping, d, jobs.WorkerLease+owner, owner)
			_ = db.Release(stopping, d, "heartbeat", owner)
			return
		case <-time.After(wait):
		}
		if _, err := db.Lease(ctx, d, jobs.WorkerLease+owner, owner, 2*beatLease); err != nil {
			log.WarnContext(ctx, "heartbeat", "error", err)
			continue
		}
		mine, err := db.Lease(ctx, d, "heartbeat", owner, beatLease)
		if err != nil || !mine {
			continue
		}
		for name, fn := range map[string]func(context.Context) error{
			"lost":      s.Dispatcher.MarkLost,
			"jobs":      s.Dispatcher.EnqueueLost,
			"prepare":   s.Preparer.EnqueueLost,
			"launch":    s.Campaigns.LaunchDue,
			"settle":    s.Campaigns.SettleDue,
			"breaker":   s.Dispatcher.Breaker.CheckErrorRates,
			"reconcile": s.Reconciler.Run,
			"webhooks":  s.Webhooks.Nudge,
			"imports":   s.Imports.Forgotten,
			"audience":  s.Audience.Forgotten,
			"templates": s.Templates.PollDecisions,
			"audit":     func(ctx context.Context) error { _, err := s.Trail.Seal(ctx); return err },
		} {
			if err := fn(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "heartbeat", "task", name, "error", err)
			}
		}
	}
}
