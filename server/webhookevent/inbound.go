package webhookevent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/merge"
	"eventstream/server/provider"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// backlog is inbound messages that wait to be applied.
type backlog struct {
	find  func(ctx context.Context, idb bun.IDB, limit int) ([]queue, error)
	loops int           // contacts at once
	wake  chan struct{} // there are new ones
	one   sync.Mutex    // one pass at a time in a process
}

func newBacklog(find func(ctx context.Context, idb bun.IDB, limit int) ([]queue, error), loops int) *backlog {
	return &backlog{find: find, loops: loops, wake: make(chan struct{}, 1)}
}

// grown has the backlog looked at.
func (b *backlog) grown() {
	select {
	case b.wake <- struct{}{}:
	default: // it is going to be
	}
}

func (a *Applier) backlogOf(e *Event) *backlog {
	if e.Urgent {
		return a.optOuts
	}
	return a.inbound
}

// applyInbound applies all inbound messages that may be tried, opt-outs first, and
// tells how many it applied.
func (a *Applier) applyInbound(ctx context.Context) (int, error) {
	first, err := a.applyBacklog(ctx, a.optOuts)
	if err != nil {
		return first, err
	}
	then, err := a.applyBacklog(ctx, a.inbound)
	return first + then, err
}

// applyBacklog applies messages, those of one contact in the order in which they
// came, several contacts at once.
func (a *Applier) applyBacklog(ctx context.Context, b *backlog) (int, error) {
	b.one.Lock()
	defer b.one.Unlock()
	var applied atomic.Int64
	for ctx.Err() == nil {
		queues, err := b.find(ctx, a.DB, inboundLook)
		if err != nil || len(queues) == 0 {
			return int(applied.Load()), err
		}
		before := applied.Load()
		work := make(chan queue)
		errs := make(chan error, len(queues))
		var loops sync.WaitGroup
		for range min(b.loops, len(queues)) {
			loops.Go(func() {
				for q := range work {
					n, err := a.applyContact(ctx, q)
					applied.Add(int64(n))
					if err != nil {
						errs <- err
					}
				}
			})
		}
		for _, q := range queues {
			work <- q
		}
		close(work)
		loops.Wait()
		select {
		case err := <-errs:
			return int(applied.Load()), err
		default:
		}
		if applied.Load() == before { // another process has them
			break
		}
	}
	return int(applied.Load()), ctx.Err()
}

// queue is what waits of one contact.
type queue struct {
	ContactKey string
	IDs        []int64 `bun:"ids,array"`
}

// applyContact applies what waits of one contact, in one transaction if all of
// it can be applied, else one by one. What fails is parked; what comes behind it
// waits with it, but for an opt-out.
func (a *Applier) applyContact(ctx context.Context, q queue) (int, error) {
	applied := 0
	for len(q.IDs) > 0 {
		part := q.IDs[:min(contactBatch, len(q.IDs))]
		q.IDs = q.IDs[len(part):]
		n, tried, err := a.receive(ctx, q.ContactKey, part)
		if err == nil {
			applied += n
			if n > 0 && n < len(part) { // the next ones name other addresses
				rest := slices.DeleteFunc(slices.Clone(part), func(id int64) bool { return id <= tried[n-1].ID })
				q.IDs = append(rest, q.IDs...)
			}
			continue
		}
		if ctx.Err() != nil {
			return applied, ctx.Err()
		}
		for _, id := range part {
			n, tried, err := a.receive(ctx, q.ContactKey, []int64{id})
			applied += n
			if err == nil {
				continue
			}
			if len(tried) == 0 || ctx.Err() != nil {
				return applied, err
			}
			if err := a.park(ctx, tried[0], err); err != nil {
				return applied, err
			}
		}
	}
	return applied, nil
}

// receive applies these events in one transaction, as far as they may be tried.
func (a *Applier) receive(ctx context.Context, contactKey string, ids []int64) (applied int, tried []*Event, err error) {
	var news []conversation.News
	err = patiently(ctx, func() error {
		news, tried = nil, nil
		err := a.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			// As with receipts, the event is durable and its mark goes with its effect.
			if err := db.CommitLater(ctx, tx); err != nil {
				return err
			}
			if err := lockContactKey(ctx, tx, contactKey); err != nil {
				return err
			}
			now, err := provider.Hold(ctx, tx)
			if err != nil {
				return err
			}
			if tried, err = inboundToTry(ctx, tx, ids); err != nil || len(tried) == 0 {
				return err
			}
			tried = a.alike(tried)
			for _, e := range tried {
				n, err := a.receiveOne(ctx, tx, e, now)
				if err != nil {
					return err
				}
				news = append(news, n)
			}
			return markApplied(ctx, tx, tried)
		})
		if several, ok := errors.AsType[*merge.SeveralError](err); ok && a.Merges != nil {
			if err := a.Merges.Join(ctx, several.Named); err != nil {
				return err
			}
			return contact.ErrMoved // and now they are one
		}
		return err
	})
	if err != nil {
		return 0, tried, err
	}
	for _, n := range news {
		n.Publish(a.Hub)
	}
	return len(tried), tried, nil
}

// alike gives the first events, as far as they name the same addresses: contacts are
// locked in order of id, so that one transaction is about one person.
func (a *Applier) alike(events []*Event) []*Event {
	from, ids := a.Reader.From(events[0].Params)
	for i, e := range events {
		if f, named := a.Reader.From(e.Params); f != from || !slices.Equal(named, ids) {
			return events[:i]
		}
	}
	return events
}

// receiveOne has one message taken in. What its content forbids is kept with
// the reason and not tried again.
func (a *Applier) receiveOne(ctx context.Context, tx bun.Tx, e *Event, now provider.Name) (conversation.News, error) {
	in := a.Reader.Inbound(e.Params)
	in.SID, in.ReceivedAt, in.Late, in.Past = e.SID, e.Decided(), e.Late(), e.past(now)
	e.Error = ""
	if in.Past {
		e.Error = say.New("%s; an opt-out in it counts all the same", say.New(pastError, now)).String()
	}
	news, err := a.Receive(ctx, tx, in)
	if apperr.Is(err, apperr.CodeInvalid) {
		e.Error = err.Error()
		return conversation.News{}, nil
	}
	if news.StrangeNumber {
		to := in.To
		if len(to) > maxSID {
			to = strings.ToValidUTF8(to[:maxSID], "") + "…"
		}
		e.Notice = say.New("it was written to %q, which is none of the senders", to).String()
	}
	return news, err
}
