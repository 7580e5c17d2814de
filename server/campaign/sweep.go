package campaign

import (
	"context"
	"errors"

	"eventstream/server/actor"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

// Sweep finds work that nobody does: messages whose worker died, campaigns
// whose job was lost or whose time has come. One process runs it every second.
func (e *Engine) Sweep(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	orphans, err := markUnknown(ctx, e.db)
	if err != nil {
		return err
	}
	for _, id := range orphans {
		e.hub.Publish(pubsub.TopicCampaign, id)
	}
	return errors.Join(e.launchDue(ctx), e.checkErrorRates(ctx), e.finishUp(ctx), e.db.Tx(ctx, e.callWorkers))
}

// finishUp ends what has to end and was not ended by those who were at it.
func (e *Engine) finishUp(ctx context.Context) error {
	done, err := finished(ctx, e.db)
	if err != nil {
		return err
	}
	for _, c := range done {
		if err := e.settle(ctx, c); err != nil {
			return err
		}
	}
	half, err := halfCanceled(ctx, e.db)
	if err != nil {
		return err
	}
	for _, id := range half {
		if _, err := cancelSlice(ctx, e.db, id, cancelBatch); err != nil {
			return err
		}
	}
	return nil
}

// callWorkers enqueues the jobs that are missing.
func (e *Engine) callWorkers(ctx context.Context, tx bun.Tx) error {
	due, err := unknownDue(ctx, tx)
	if err != nil {
		return err
	}
	if due {
		if held, err := db.LeaseHeld(ctx, tx, "reconcile"); err != nil {
			return err
		} else if !held {
			if err := e.jobs.Insert(ctx, tx, ReconcileArgs{}); err != nil {
				return err
			}
		}
	}
	waiting, err := unprepared(ctx, tx)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		if err := e.jobs.Insert(ctx, tx, PrepareArgs{CampaignID: id}); err != nil {
			return err
		}
	}
	singles, err := forgottenSingles(ctx, tx)
	if err != nil {
		return err
	}
	for _, id := range singles {
		if err := e.jobs.Insert(ctx, tx, message.SendArgs{MessageID: id}); err != nil {
			return err
		}
	}
	workers, err := liveWorkers(ctx, tx)
	if err != nil {
		return err
	}
	queues := make([]string, len(workers))
	for i, w := range workers {
		queues[i] = jobs.WorkerQueue(w)
	}
	if err := forgetWorkers(ctx, tx, queues); err != nil {
		return err
	}
	calls, err := missing(ctx, tx, queues)
	if err != nil {
		return err
	}
	for _, c := range calls {
		if err := e.jobs.InsertIn(ctx, tx, c.Queue, DispatchArgs{SenderID: c.SenderID}); err != nil {
			return err
		}
	}
	return nil
}
