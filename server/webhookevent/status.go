package webhookevent

import (
	"context"
	"slices"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// applyStatus applies a batch of the receipts that nobody has applied yet, and
// tells how many it was.
func (a *Applier) applyStatus(ctx context.Context) (int, error) {
	var events []*Event
	var done message.Applied
	err := patiently(ctx, func() error {
		events, done = nil, message.Applied{}
		return a.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			mine, err := lockStatuses(ctx, tx)
			if err != nil || !mine {
				return err
			}
			if events, err = statusesToTry(ctx, tx, statusBatch); err != nil || len(events) == 0 {
				return err
			}
			done, err = a.receipts(ctx, tx, events)
			return err
		})
	})
	if err == nil {
		a.announce(ctx, done)
		return len(events), nil
	}
	if len(events) == 0 || apperr.Is(err, apperr.CodeUnavailable) || ctx.Err() != nil {
		return 0, err
	}
	return len(events), a.isolate(ctx, events, err)
}

// applyReceipts applies receipts that were just stored.
func (a *Applier) applyReceipts(ctx context.Context, events []*Event) error {
	var done message.Applied
	err := patiently(ctx, func() error {
		return a.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			done, err = a.receipts(ctx, tx, events)
			return err
		})
	})
	if err == nil {
		a.announce(ctx, done)
		return nil
	}
	if apperr.Is(err, apperr.CodeUnavailable) || ctx.Err() != nil {
		return err
	}
	return a.isolate(ctx, events, err)
}

// isolate halves a batch that failed until the event that is at fault stands
// alone, parks that, and applies all others.
func (a *Applier) isolate(ctx context.Context, events []*Event, why error) error {
	if len(events) == 1 {
		return a.park(ctx, events[0], why)
	}
	half := len(events) / 2
	if err := a.applyReceipts(ctx, events[:half]); err != nil {
		return err
	}
	return a.applyReceipts(ctx, events[half:])
}

// receipts applies a batch of stored events in the caller's transaction. That
// need not wait for the disk: the events are durable, and if the commit is lost
// in a crash, the mark that they were applied is lost with it.
func (a *Applier) receipts(ctx context.Context, tx bun.Tx, events []*Event) (message.Applied, error) {
	if err := db.CommitLater(ctx, tx); err != nil {
		return message.Applied{}, err
	}
	now, err := provider.Hold(ctx, tx)
	if err != nil {
		return message.Applied{}, err
	}
	done, err := a.effects(ctx, tx, now, events)
	if err != nil {
		return message.Applied{}, err
	}
	return done, markApplied(ctx, tx, events)
}

// pastError is why an event of another provider than the one in use has no effect.
const pastError say.Format = "it was made under another provider than the one in use, %s: kept without effect"

// effects applies what a batch says, while a provider is in use, and notes on its events why some had no
// effect.
func (a *Applier) effects(ctx context.Context, tx bun.Tx, now provider.Name, events []*Event) (message.Applied, error) {
	batch, of := make([]message.Receipt, 0, len(events)), make([]*Event, 0, len(events))
	for _, e := range events {
		said, info, ok := a.Reader.Status(e.Params)
		e.Error = ""
		if e.past(now) {
			e.Error = say.New(pastError, now).String()
			continue
		}
		if !ok {
			e.Error = say.New("unknown status word, kept without effect").String()
			continue
		}
		said.SID, said.At = e.SID, e.Arrived()
		batch = append(batch, message.Receipt{WebhookEventID: e.ID, MessageID: e.MessageID, Event: said, Info: info, Late: e.Late()})
		of = append(of, e)
	}
	done, err := a.Receipts.Apply(ctx, tx, batch)
	if err != nil {
		return message.Applied{}, err
	}
	for i, why := range done.Problems {
		of[i].Error = why
	}
	return done, a.joinLater(ctx, tx, of)
}

// storeAndApply stores events and applies the receipts among them in one
// transaction: each event is written once, where storing first and applying
// later writes it again to note that. It calls inserted between the two. It
// gives up applying where it would have to wait for others, because who stores
// must answer soon: why tells the reason, and the events are stored all the
// same, with the ids that they got, which those that came after them follow.
func (a *Applier) storeAndApply(ctx context.Context, events []*Event, inserted func()) (fresh []*Event, why, err error) {
	ctx = actor.With(ctx, actor.System)
	var done message.Applied
	err = safely(func() error {
		return a.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			var now provider.Name
			within := around{before: func(p *db.Pipeline) {
				limitLocks(p, lockWait)
				provider.AddHold(p, &now)
				limitLocks(p, 0) // the same event in the group before: that is done soon
			}, after: func(p *db.Pipeline) {
				p.Exec("SAVEPOINT stored")
				limitLocks(p, lockWait)
			}}
			if fresh, err = insertWithin(ctx, tx, within, events, true); err != nil {
				return err
			}
			inserted()
			receipts := slices.DeleteFunc(slices.Clone(fresh), func(e *Event) bool { return e.Kind != KindStatus })
			if len(receipts) == 0 {
				return nil
			}
			done, why, err = a.applyOrLeave(ctx, tx, now, receipts)
			return err
		})
	})
	if err != nil {
		for _, e := range events {
			e.ID, e.Error = 0, ""
		}
		return nil, nil, err
	}
	if why != nil {
		return fresh, why, nil
	}
	if len(done.Faults) > 0 { // a transaction of its own, for which nobody's answer has to wait
		go a.announce(context.WithoutCancel(ctx), done)
	} else {
		a.announce(ctx, done)
	}
	return fresh, nil, nil
}

// applyOrLeave applies receipts that were marked as applied. Where that fails, which why tells, it goes back to the
// savepoint and takes the mark away: they wait for somebody else.
func (a *Applier) applyOrLeave(ctx context.Context, tx bun.Tx, now provider.Name, receipts []*Event) (
	done message.Applied, why, err error,
) {
	why = safely(func() (err error) {
		if done, err = a.effects(ctx, tx, now, receipts); err != nil {
			return err
		}
		return markProblems(ctx, tx, receipts)
	})
	if why == nil {
		return done, nil, nil
	}
	ids := make([]int64, len(receipts))
	for i, e := range receipts {
		ids[i], e.Error = e.ID, ""
	}
	p := new(db.Pipeline)
	p.Exec("ROLLBACK TO SAVEPOINT stored")
	p.Exec("UPDATE webhook_events SET applied_at = NULL WHERE id = ANY ($1)", ids)
	return message.Applied{}, why, p.Send(ctx, tx)
}

// announce publishes what a batch changed, after its commit.
func (a *Applier) announce(ctx context.Context, done message.Applied) {
	a.Hub.Publish(pubsub.TopicDelivery, done.Deliveries...)
	a.Hub.Publish(pubsub.TopicCampaign, done.Campaigns...)
	for _, f := range done.Faults {
		if err := a.Breaker.Trip(ctx, f); err != nil {
			a.Log.ErrorContext(ctx, "breaker not tripped", "campaign", f.CampaignID, "code", f.Info.Code, "error", err)
		}
	}
}
