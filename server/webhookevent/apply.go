package webhookevent

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/merge"
	"eventstream/server/message"
	"eventstream/server/pause"
	"eventstream/server/provider"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

const (
	statusBatch  = 1000
	contactBatch = 4 // events of one contact in one transaction: it holds counters that others wait for
	inboundLook  = 500
	inboundLoops = 12 // contacts at once
	optOutLoops  = 4

	handRoom  = 20_000                // receipts in memory; what is beyond is read from Postgres later
	gather    = 10 * time.Millisecond // between two batches, so that they grow
	firstWait = 2 * time.Second       // before a parked event is tried again, doubled each time
	longWait  = time.Hour
)

// Reader translates the provider's words.
type Reader interface {
	// Status reads a status callback; ok is false for a word we do not know.
	Status(params map[string]string) (e message.Event, info message.CodeInfo, ok bool)
	// Inbound reads an inbound message.
	Inbound(params map[string]string) conversation.InboundMessage
	// From reads who wrote: the address, and the ids that are named beside it.
	From(params map[string]string) (from string, ids []string)
	// To reads whom a status callback is about: the address that was written to, and
	// the ids that it names beside it.
	To(params map[string]string) (to string, ids []string)
}

// Breaker stops what something has to be fixed for first.
type Breaker interface {
	Trip(ctx context.Context, f message.Fault) error
}

// Options are what an Applier needs.
type Options struct {
	DB       *db.DB
	Hub      *pubsub.Hub
	Jobs     *jobs.Enqueuer
	Reader   Reader
	Provider provider.Name // whose log events come from that are recorded
	Receive  func(ctx context.Context, tx bun.Tx, in conversation.InboundMessage) (conversation.News, error)
	Merges   *merge.Service // nil: receipts join no addresses
	Receipts *message.Receipts
	Breaker  Breaker
	Words    *consent.Words // nil: the built-in ones
	Log      *slog.Logger
}

// Applier applies events. A server applies what it has just stored itself, from
// memory; the job applies what nobody else did: after a kill, a failure, or when
// a parked event is due. Both may come upon the same event, which is harmless.
type Applier struct {
	Options

	hand    chan []*Event // receipts just stored
	held    atomic.Int64  // how many those are
	runs    atomic.Bool   // somebody takes what is handed over
	optOuts *backlog      // of contacts that opt out: a STOP waits for nobody's greeting
	inbound *backlog      // of all contacts
}

// NewApplier makes an Applier.
func NewApplier(o Options) *Applier {
	return &Applier{
		Options: o, hand: make(chan []*Event, handRoom),
		optOuts: newBacklog(optOutQueues, optOutLoops), inbound: newBacklog(inboundQueues, inboundLoops),
	}
}

// offer hands over events that were just stored.
func (a *Applier) offer(events []*Event) {
	var receipts []*Event
	for _, e := range events {
		if e.Kind == KindStatus {
			receipts = append(receipts, e)
			continue
		}
		a.backlogOf(e).grown()
	}
	if len(receipts) == 0 || a.held.Load() > handRoom || !a.runs.Load() {
		return
	}
	select {
	case a.hand <- receipts:
		a.held.Add(int64(len(receipts)))
	default:
	}
}

// Run applies what this process stores until ctx ends.
func (a *Applier) Run(ctx context.Context) {
	ctx = actor.With(ctx, actor.System)
	a.runs.Store(true)
	defer a.runs.Store(false)
	var loops sync.WaitGroup
	loops.Go(func() { a.receiptsAtHand(ctx) })
	for _, b := range []*backlog{a.optOuts, a.inbound} {
		loops.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-b.wake:
				}
				if _, err := a.applyBacklog(ctx, b); err != nil && ctx.Err() == nil {
					a.Log.WarnContext(ctx, "inbound messages not applied yet", "error", err)
				}
			}
		})
	}
	loops.Wait()
}

func (a *Applier) receiptsAtHand(ctx context.Context) {
	for {
		var batch []*Event
		select {
		case <-ctx.Done():
			return
		case batch = <-a.hand:
		}
	fill:
		for len(batch) < statusBatch {
			select {
			case more := <-a.hand:
				batch = append(batch, more...)
			default:
				break fill
			}
		}
		a.held.Add(-int64(len(batch)))
		if err := a.applyReceipts(ctx, batch); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "receipts not applied yet", "events", len(batch), "error", err)
		}
		if len(batch) < statusBatch/2 {
			_ = pause.For(ctx, gather)
		}
	}
}

// Apply applies all that waits and may be tried: opt-outs first, receipts last.
func (a *Applier) Apply(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	for ctx.Err() == nil {
		inbound, err := a.applyInbound(ctx)
		if err != nil {
			return err
		}
		status, err := a.applyStatus(ctx)
		if err != nil || inbound+status == 0 {
			return err
		}
	}
	return ctx.Err()
}

// patiently tries again what lost to another transaction (a deadlock, say):
// River would let a second pass, and an opt-out must not wait for it.
func patiently(ctx context.Context, apply func() error) error {
	const tries = 5
	return contact.Patiently(ctx, tries, func() error { return safely(apply) })
}

// safely makes an error of a panic: what one event brings must stop no other.
func safely(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn()
}

// Nudge enqueues an apply when events wait that nobody looks after.
func (a *Applier) Nudge(ctx context.Context) error {
	return a.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		left, err := forgotten(ctx, tx)
		if err != nil || !left {
			return err
		}
		return a.Jobs.Insert(ctx, tx, ApplyArgs{})
	})
}

// park keeps an event that cannot be applied for later, with its error. That
// Postgres takes this note tells that the failure was the event's.
func (a *Applier) park(ctx context.Context, e *Event, why error) error {
	wait := longWait
	if e.Attempts < 20 {
		wait = min(firstWait<<e.Attempts, longWait)
	}
	a.Log.ErrorContext(ctx, "a webhook event could not be applied: it is parked", "event", e.ID, "kind", e.Kind, "again", wait, "error", why)
	return park(ctx, a.DB, e.ID, why.Error(), wait)
}

// Replay has a stored event applied once more, at once. Harmless: what it
// changed already it does not change again.
func (a *Applier) Replay(ctx context.Context, id int64) (*Event, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var e *Event
	err := a.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if e, err = unmark(ctx, tx, id); err != nil {
			return err
		}
		return a.Jobs.Insert(ctx, tx, ApplyArgs{})
	})
	return e, err
}

// Record stores and applies events that came another way than by a webhook,
// out of the provider's log. Those that are known already are left out; it
// tells how many were news.
func (a *Applier) Record(ctx context.Context, events []*Event) (int, error) {
	for _, e := range events {
		e.classify(ctx, a.Provider, a.Reader, a.Words)
	}
	fresh, err := insert(ctx, a.DB, events)
	if err != nil {
		return 0, err
	}
	a.offer(fresh)
	return len(fresh), a.Nudge(ctx)
}

// RecordOne is Record for one event among many: whoever nudges finds them.
func (a *Applier) RecordOne(ctx context.Context, e *Event) error {
	e.classify(ctx, a.Provider, a.Reader, a.Words)
	fresh, err := insert(ctx, a.DB, []*Event{e})
	if err == nil {
		a.offer(fresh)
	}
	return err
}
