package reconcile

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

// Resolution is what a person decides about a call without answer.
type Resolution string

// Resolutions.
const (
	SendAgain Resolution = "send_again" // the contact gets it twice if Twilio has it after all
	GiveUp    Resolution = "give_up"    // the contact gets none if Twilio has it not
)

const (
	maxResolved  = 200
	resolveBatch = 1000
)

// Service lets people decide about messages that stay unknown.
type Service struct {
	db   *db.DB
	hub  *pubsub.Hub
	jobs *jobs.Enqueuer
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub, j *jobs.Enqueuer) *Service {
	return &Service{db: d, hub: hub, jobs: j}
}

// Resolve decides about messages that need a decision: all of a campaign, or these.
// It reports how many there were.
func (s *Service) Resolve(ctx context.Context, campaignID *int64, ids []int64, r Resolution) (int, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return 0, err
	}
	switch {
	case (campaignID == nil) == (len(ids) == 0):
		return 0, apperr.Invalid("campaignId", "give a campaign, or messages")
	case len(ids) > maxResolved:
		return 0, apperr.Invalid("ids", "%d messages are too many: at most %d", len(ids), maxResolved)
	}
	resolved := 0
	for {
		n, err := s.resolveBatch(ctx, campaignID, ids, r)
		if resolved += n; err != nil || n < resolveBatch {
			return resolved, err
		}
	}
}

func (s *Service) resolveBatch(ctx context.Context, campaignID *int64, ids []int64, r Resolution) (n int, err error) {
	touched := map[int64]bool{}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		rows, err := message.LockUndecided(ctx, tx, campaignID, ids, resolveBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		found := make([]int64, len(rows))
		for i, row := range rows {
			found[i] = row.ID
			if row.CampaignID != nil {
				touched[*row.CampaignID] = true
			}
		}
		n = len(found)
		if r == GiveUp {
			err = message.Abandon(ctx, tx, found, "No answer from Twilio; given up by an operator")
		} else {
			err = requeue(ctx, tx, s.jobs, found, "operator")
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.MessageResolve, "message", found[0],
			map[string]any{"resolution": r, "messages": found})
	})
	for id := range touched {
		s.hub.Publish(pubsub.TopicCampaign, id)
	}
	return n, err
}

// requeue has messages sent again. A campaign's dispatch finds its own by itself.
func requeue(ctx context.Context, tx bun.Tx, j *jobs.Enqueuer, ids []int64, reason string) error {
	singles, err := message.Requeue(ctx, tx, ids, reason)
	if err != nil {
		return err
	}
	for _, id := range singles {
		if err := j.Insert(ctx, tx, message.SendArgs{MessageID: id}); err != nil {
			return err
		}
	}
	return nil
}
