package campaign

import (
	"context"
	"errors"

	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// maxPilot is the largest pilot.
const maxPilot = 10_000

// settlePilots looks after campaigns whose recipients beyond the pilot wait. Once the pilot is out the campaign pauses itself for
// somebody to look; whom the gate left out is made up for, so that as many are written to as the pilot has. When somebody has
// resumed it the others go.
func (s *Service) settlePilots(ctx context.Context) error {
	rows, err := piloting(ctx, s.db)
	if err != nil {
		return err
	}
	return EachOf(rows, idOf, func(c *Campaign) error { return s.settlePilot(ctx, c) })
}

func (s *Service) settlePilot(ctx context.Context, c *Campaign) error {
	if c.PilotEndedAt != nil {
		return s.releaseRest(ctx, c.ID)
	}
	errOpen := errors.New("the pilot is not over")
	var left int
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := moveTx(ctx, tx, c.ID, audit.CampaignPause, StatusPaused, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
			open, err := message.PilotOpen(ctx, tx, c.ID)
			if err != nil || open || c.Status != StatusSending {
				return errors.Join(err, errOpen)
			}
			written, err := writtenTo(ctx, tx, c.ID)
			if err != nil {
				return err
			}
			if left = c.Pilot - int(written); left > 0 {
				return errOpen
			}
			now, err := db.Now(ctx, tx)
			c.PausedBy, c.PilotEndedAt = PausedByEngine, &now
			c.PausedReason = say.New("The first %d <is|are> out: look at <it|them>, then go on.", c.Pilot).String()
			return err
		})
		return err
	})
	switch {
	case left > 0 && errors.Is(err, errOpen):
		if _, err := message.ReleasePilot(ctx, s.db, c.ID, left); err != nil {
			return err
		}
		return s.wake(ctx, c.ID)
	case errors.Is(err, errOpen) || apperr.Is(err, apperr.CodeConflict):
		return nil
	case err == nil:
		s.hub.Publish(pubsub.TopicCampaign, c.ID)
	}
	return err
}

// releaseRest lets those go who waited for the pilot.
func (s *Service) releaseRest(ctx context.Context, id int64) error {
	if err := inBatches(func() (int, error) { return message.ReleasePilot(ctx, s.db, id, endBatch) }); err != nil {
		return err
	}
	return s.wake(ctx, id)
}

// wake has the workers look at what a campaign's senders have to send.
func (s *Service) wake(ctx context.Context, id int64) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		shares, err := sharesOf(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		return WakeWorkers(ctx, tx, s.jobs, shares[id].senders()...)
	})
}
