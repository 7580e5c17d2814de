package dispatch

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/campaign"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/provider"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

// LostBatch is how many messages MarkLost takes at once.
const LostBatch = 5000

// MarkLost finds up to n messages whose worker died between claim and result; what
// became of them is unknown. Maintenance runs it.
func (d *Dispatcher) MarkLost(ctx context.Context, n int) (int, error) {
	found, campaigns, err := message.MarkLost(ctx, d.DB, n)
	d.Hub.Publish(pubsub.TopicCampaign, campaigns...)
	return found, err
}

// EnqueueLost enqueues dispatch jobs and single sends that are missing: a job was
// lost, a worker died or came, a wait is over. Maintenance runs it.
func (d *Dispatcher) EnqueueLost(ctx context.Context) error {
	return d.DB.Tx(actor.With(ctx, actor.System), func(ctx context.Context, tx bun.Tx) error {
		singles, err := lostSingles(ctx, tx, provider.Of(d.Live))
		if err != nil {
			return err
		}
		for _, id := range singles {
			if err := d.Jobs.Insert(ctx, tx, message.SendArgs{MessageID: id}); err != nil {
				return err
			}
		}
		workers, err := campaign.LiveWorkers(ctx, tx)
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
		missing, err := missingJobs(ctx, tx, queues, provider.Of(d.Live))
		if err != nil {
			return err
		}
		for _, m := range missing {
			if err := d.Jobs.InsertIn(ctx, tx, m.Queue, campaign.DispatchArgs{SenderID: m.SenderID}); err != nil {
				return err
			}
		}
		return nil
	})
}
