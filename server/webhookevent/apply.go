package webhookevent

import (
	"context"
	"log/slog"
	"sort"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

const applyBatch = 500

// Reader translates the provider's words.
type Reader interface {
	// Status reads a status callback; ok is false for a word we do not know.
	Status(params map[string]string) (e message.Event, info message.CodeInfo, ok bool)
	// Inbound reads an inbound message.
	Inbound(params map[string]string) conversation.InboundMessage
}

// Breaker stops what something has to be fixed for first.
type Breaker interface {
	Trip(ctx context.Context, f message.Fault) error
}

// Applier applies events in batches.
type Applier struct {
	db            *db.DB
	hub           *pubsub.Hub
	jobs          *jobs.Enqueuer
	reader        Reader
	conversations *conversation.Service
	consents      *consent.Service
	breaker       Breaker
	log           *slog.Logger
}

// NewApplier makes an Applier.
func NewApplier(d *db.DB, hub *pubsub.Hub, j *jobs.Enqueuer, reader Reader, conversations *conversation.Service, consents *consent.Service, breaker Breaker, log *slog.Logger) *Applier {
	return &Applier{db: d, hub: hub, jobs: j, reader: reader, conversations: conversations, consents: consents, breaker: breaker, log: log}
}

// trip is why a campaign's breaker trips.
type trip struct {
	sender int64
	info   message.CodeInfo
}

// Apply applies all that waits. Inbound first: an opt-out must not wait behind
// receipts.
func (a *Applier) Apply(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	for ctx.Err() == nil {
		inbound, err := patiently(ctx, a.applyInbound)
		if err != nil {
			return err
		}
		status, err := patiently(ctx, a.applyStatus)
		if err != nil || inbound+status == 0 {
			return err
		}
	}
	return ctx.Err()
}

// patiently tries a batch again that lost to another transaction (a deadlock,
// say): River would let a second pass, and an opt-out must not wait for it.
func patiently(ctx context.Context, apply func(context.Context) (int, error)) (n int, err error) {
	const tries = 5
	for try := range tries {
		var done int
		done, err = apply(ctx)
		n += done
		if !apperr.Is(err, apperr.CodeUnavailable) || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Duration(try+1) * 10 * time.Millisecond)
	}
	return n, err
}

// Nudge enqueues an apply when events wait that no job looks after.
func (a *Applier) Nudge(ctx context.Context) error {
	return a.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		left, err := forgotten(ctx, tx)
		if err != nil || !left {
			return err
		}
		return a.jobs.Insert(ctx, tx, ApplyArgs{})
	})
}

// applyInbound takes inbound events one transaction each, in the order they
// came: START after STOP must not overtake it.
func (a *Applier) applyInbound(ctx context.Context) (int, error) {
	for n := 0; ; n++ {
		var news conversation.News
		found := false
		err := a.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if err := lockInbound(ctx, tx); err != nil {
				return err
			}
			events, err := waitingEvents(ctx, tx, KindInbound, 1)
			if err != nil || len(events) == 0 {
				return err
			}
			found = true
			e := events[0]
			in := a.reader.Inbound(e.Params)
			in.SID, in.ReceivedAt = e.SID, e.ReceivedAt
			if news, err = a.conversations.Receive(ctx, tx, in); err != nil {
				if !apperr.Is(err, apperr.CodeInvalid) {
					return err
				}
				e.Error = err.Error() // kept, told, and not tried for ever
			}
			return markApplied(ctx, tx, events)
		})
		if err != nil || !found {
			return n, err
		}
		news.Publish(a.hub)
	}
}

func (a *Applier) applyStatus(ctx context.Context) (int, error) {
	var applied int
	var deliveries, campaigns []int64
	var trips map[int64]trip
	err := a.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		events, err := waitingEvents(ctx, tx, KindStatus, applyBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		applied = len(events)
		deliveries, campaigns, trips, err = a.statuses(ctx, tx, events)
		if err != nil {
			return err
		}
		return markApplied(ctx, tx, events)
	})
	if err != nil {
		return 0, err
	}
	a.hub.Publish(pubsub.TopicDelivery, deliveries...)
	a.hub.Publish(pubsub.TopicCampaign, campaigns...)
	for id, t := range trips {
		if err := a.breaker.Trip(ctx, message.Fault{CampaignID: &id, SenderID: t.sender, Info: t.info}); err != nil {
			a.log.ErrorContext(ctx, "breaker not tripped", "campaign", id, "code", t.info.Code, "error", err)
		}
	}
	return applied, nil
}

// statuses applies a batch: all messages locked in order of id, each advanced
// by its events, written back in one statement.
func (a *Applier) statuses(ctx context.Context, tx bun.Tx, events []*Event) (deliveries, campaigns []int64, trips map[int64]trip, err error) {
	ids, sids := make([]int64, 0, len(events)), make([]string, 0, len(events))
	for _, e := range events {
		ids, sids = append(ids, e.MessageID), append(sids, e.SID)
	}
	rows, err := message.Lock(ctx, tx, ids, sids)
	if err != nil {
		return nil, nil, nil, err
	}
	bySID, byID := map[string]*message.Message{}, map[int64]*message.Message{}
	for _, m := range rows {
		byID[m.ID] = m
		if m.SID != nil {
			bySID[*m.SID] = m
		}
	}
	changed := map[int64]*message.Message{}
	var history []*message.DeliveryEvent
	effects := map[int64]message.CodeInfo{}
	trips = map[int64]trip{}
	for _, e := range events {
		m := bySID[e.SID]
		if m == nil {
			if m = byID[e.MessageID]; m != nil && m.SID != nil { // belongs to a second sending, and says so
				e.Error = "the message with our id has another SID"
				continue
			}
		}
		told, info, ok := a.reader.Status(e.Params)
		switch {
		case m == nil:
			e.Error = "no message of ours has this SID"
			continue
		case !ok:
			e.Error = "unknown status word, kept without effect"
			continue
		}
		told.SID, told.At = e.SID, e.ReceivedAt
		history = append(history, &message.DeliveryEvent{MessageID: m.ID, SID: e.SID, Status: told.Status, ErrorCode: told.ErrorCode, WebhookEventID: &e.ID, OccurredAt: told.At})
		if !m.Advance(told) {
			continue
		}
		bySID[e.SID] = m
		changed[m.ID] = m
		if told.ErrorCode != 0 && info.Effect != message.EffectNone {
			effects[m.ContactID] = info
		}
		if told.ErrorCode != 0 && info.Class == message.ClassFixFirst && m.CampaignID != nil {
			trips[*m.CampaignID] = trip{*m.SenderID, info}
		}
	}
	save := make([]*message.Message, 0, len(changed))
	seen := map[int64]bool{}
	for _, m := range changed {
		save = append(save, m)
		if m.CampaignID != nil && !seen[*m.CampaignID] {
			seen[*m.CampaignID] = true
			campaigns = append(campaigns, *m.CampaignID)
		}
	}
	sort.Slice(save, func(i, j int) bool { return save[i].ID < save[j].ID })
	if err := message.SaveProgress(ctx, tx, save); err != nil {
		return nil, nil, nil, err
	}
	if deliveries, err = message.InsertEvents(ctx, tx, history); err != nil {
		return nil, nil, nil, err
	}
	return deliveries, campaigns, trips, message.ApplyEffects(ctx, tx, a.consents, effects, time.Now())
}

// Replay applies a stored event once more. Harmless: what it told already is
// a no-op.
func (a *Applier) Replay(ctx context.Context, id int64) (*Event, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var e *Event
	err := a.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if e, err = unmark(ctx, tx, id); err != nil {
			return err
		}
		return a.jobs.Insert(ctx, tx, ApplyArgs{})
	})
	return e, err
}
