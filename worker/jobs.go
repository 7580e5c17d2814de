package worker

import (
	"context"
	"time"

	"eventstream/server/auth"
	"eventstream/server/bulk"
	"eventstream/server/campaign"
	"eventstream/server/demo"
	"eventstream/server/importer"
	"eventstream/server/message"
	"eventstream/server/template"
	"eventstream/server/webhookevent"

	"github.com/riverqueue/river"
)

func workers(s *Services) *river.Workers {
	w := river.NewWorkers()
	add(w, time.Hour, func(ctx context.Context, args campaign.PrepareArgs) error {
		return s.Preparer.Prepare(ctx, args.CampaignID)
	})
	add(w, 12*time.Minute, func(ctx context.Context, args campaign.DispatchArgs) error {
		return s.Dispatcher.Dispatch(ctx, args.SenderID)
	})
	add(w, time.Minute, func(ctx context.Context, args template.SubmitArgs) error {
		return s.Templates.Bring(ctx, args.VersionID)
	})
	add(w, 6*time.Hour, func(ctx context.Context, args importer.RunArgs) error {
		return s.Imports.Run(ctx,
			args.ImportID)
	})
	add(w, 6*time.Hour, func(ctx context.Context, args bulk.RunArgs) error { return s.Bulk.Run(ctx, args.ActionID) })
	add(w, time.Hour, func(ctx context.Context, args demo.RunArgs) error { return s.Demo.Work(ctx, args.RunID) })
	add(w, 12*time.Minute, func(ctx context.Context, _ webhookevent.ApplyArgs) error { return s.Webhooks.Apply(ctx) })
	add(w, time.Minute, func(ctx context.Context, args webhookevent.JoinArgs) error { return s.Webhooks.Join(ctx, args.Events) })
	add(w, time.Minute, func(ctx context.Context, args message.SendArgs) error {
		wait, err := s.Dispatcher.SendSingle(ctx, args.MessageID)
		if err == nil && wait > 0 {
			return river.JobSnooze(wait)
		}
		return err
	})
	add(w, time.Minute, func(ctx context.Context, args auth.NoticeArgs) error { return s.Accounts.SendNotice(ctx, args) })
	return w
}

// adapter turns a function into a River worker.
type adapter[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	limit time.Duration
	fn    func(context.Context, T) error
}

func (a *adapter[T]) Work(ctx context.Context, job *river.Job[T]) error { return a.fn(ctx, job.Args) }

func (a *adapter[T]) Timeout(*river.Job[T]) time.Duration { return a.limit }

func add[T river.JobArgs](w *river.Workers, limit time.Duration, fn func(context.Context, T) error) {
	river.AddWorker(w, &adapter[T]{limit: limit, fn: fn})
}
