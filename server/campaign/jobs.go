package campaign

import (
	"context"

	"eventstream/server/jobs"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// PrepareArgs is the job that takes the audience.
type PrepareArgs struct {
	CampaignID int64 `json:"campaign_id"`
}

// Kind names the job.
func (PrepareArgs) Kind() string { return "campaign_prepare" }

// InsertOpts names its queue.
func (PrepareArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueBulk} }

// DispatchArgs is the job that sends what is due from one sender. Each worker
// process has one for each busy sender, in its own queue.
type DispatchArgs struct {
	SenderID int64 `json:"sender_id"`
}

// Kind names the job.
func (DispatchArgs) Kind() string { return "campaign_dispatch" }

// WakeWorkers calls every living worker to these senders, as soon as tx commits. A
// worker that starts later, or a job that is lost, is left to maintenance.
func WakeWorkers(ctx context.Context, tx bun.Tx, j *jobs.Enqueuer, senders ...int64) error {
	workers, err := LiveWorkers(ctx, tx)
	if err != nil {
		return err
	}
	for _, w := range workers {
		for _, id := range senders {
			if err := j.InsertIn(ctx, tx, jobs.WorkerQueue(w), DispatchArgs{SenderID: id}); err != nil {
				return err
			}
		}
	}
	return nil
}
