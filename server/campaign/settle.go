package campaign

import (
	"context"
	"errors"
	"fmt"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/sender"

	"github.com/uptrace/bun"
)

// endBatch is how many messages one statement ends or gives to another sender.
// Each batch commits: millions of messages never depend on one statement.
const endBatch = 10_000

func inBatches(batch func() (int, error)) error {
	for {
		if n, err := batch(); err != nil || n < endBatch {
			return err
		}
	}
}

// Settle ends what has to end: the messages of a campaign whose time is over
// expire, and a campaign with nothing left completes.
func (s *Service) Settle(ctx context.Context, c *Campaign) error {
	if c.EndsAt != nil {
		now, err := db.Now(ctx, s.db)
		if err != nil {
			return err
		}
		if !now.Before(*c.EndsAt) {
			if err := inBatches(func() (int, error) { return message.Expire(ctx, s.db, c.ID, endBatch) }); err != nil {
				return err
			}
		}
	}
	if c.Status != StatusSending {
		return nil
	}
	left, err := remaining(ctx, s.db, c.ID)
	if err != nil || left > 0 {
		return err
	}
	return s.complete(ctx, c.ID)
}

// complete ends the campaign if really nothing is left, looked at under its lock.
func (s *Service) complete(ctx context.Context, id int64) error {
	errLeft := errors.New("something is left after all")
	_, err := s.move(ctx, id, audit.CampaignComplete, StatusCompleted,
		func(ctx context.Context, tx bun.Tx, _ *Campaign) error {
			if left, err := remaining(ctx, tx, id); err != nil || left > 0 {
				return errors.Join(err, errLeft)
			}
			return nil
		})
	if errors.Is(err, errLeft) || apperr.Is(err, apperr.CodeConflict) {
		return nil
	}
	return err
}

// SettleDue ends what has to end and was not ended by those who sent. Maintenance
// runs it.
func (s *Service) SettleDue(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	done, err := finished(ctx, s.db)
	if err != nil {
		return err
	}
	failed := errors.Join(EachOf(done, idOf, func(c *Campaign) error { return s.Settle(ctx, c) }), s.settlePilots(ctx))
	half, err := halfCanceled(ctx, s.db)
	if err != nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, Each(half, func(id int64) error {
		return inBatches(func() (int, error) { return message.Cancel(ctx, s.db, id, endBatch) })
	}))
}

// Each does something for each of several campaigns. One that fails does not hold up the others: the error tells of all that did.
func Each(ids []int64, do func(id int64) error) error {
	return EachOf(ids, func(id int64) int64 { return id }, do)
}

// EachOf is Each where more is known of them than their ids.
func EachOf[T any](list []T, id func(T) int64, do func(T) error) error {
	var failed []error
	for _, c := range list {
		if err := do(c); err != nil {
			failed = append(failed, fmt.Errorf("campaign %d: %w", id(c), err))
		}
	}
	return errors.Join(failed...)
}

func idOf(c *Campaign) int64 { return c.ID }

// SenderStopped looks after campaigns with pending messages of a sender that sends
// no more: where a campaign has other senders, they take its messages over; else
// it pauses.
func (s *Service) SenderStopped(ctx context.Context, snd *sender.Sender, campaigns []int64) error {
	return Each(campaigns, func(id int64) error {
		moved, err := s.handOver(ctx, id, snd.ID)
		if err != nil || moved {
			return err
		}
		return s.PauseByEngine(ctx, id, fmt.Sprintf("the sender %s is %s: %s", snd.DisplayName, snd.Status, snd.PausedReason))
	})
}

// InFlight is how many messages of a campaign are being handed to Twilio.
func (s *Service) InFlight(ctx context.Context, id int64) (int64, error) {
	return inFlight(ctx, s.db, id)
}

// handOver gives the pending messages of a sender to those senders of the campaign
// that send, by weight. It reports whether there are any. What a test compares by its sender nobody takes over: then the campaign pauses. A crash between two
// batches loses nothing: the rest still stands under the stopped sender, and this
// begins again.
func (s *Service) handOver(ctx context.Context, id, from int64) (moved bool, err error) {
	active, err := activeShares(ctx, s.db, id)
	if err != nil || len(active) == 0 {
		return false, err
	}
	if tests, err := testsSender(ctx, s.db, id, from); err != nil || tests {
		return false, err
	}
	rotation := active.rotation()
	if err := inBatches(func() (int, error) { return message.Reassign(ctx, s.db, id, from, rotation, endBatch) }); err != nil {
		return true, err
	}
	return true, s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return WakeWorkers(ctx, tx, s.jobs,
			active.senders()...)
	})
}
