package webhookevent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/pause"
	"eventstream/server/provider"
	"eventstream/server/spool"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	maxGroup     = 1000
	queueRoom    = 20_000 // of each kind
	receiptLoops = 3      // groups at once: one is inserted, one applied, and one waits or is answered

	maxSID = 64 // bytes of a message's id; Twilio's have 34

	storeLimit  = 5 * time.Second // for a group, without a spool
	spoolAfter  = time.Second     // a group that takes longer goes to the spool
	probeEvery  = 250 * time.Millisecond
	adoptEvery  = 10 * time.Second
	replayGroup = 500
	lastStretch = 64 << 10 // bytes in the spool that are stored while new events wait

	// A group of so many receipts is applied as it is stored; a smaller one is
	// answered sooner, and applied with others.
	together = 24
	lockWait = 50 * time.Millisecond // for others, while somebody waits for an answer
	keepOff  = time.Second           // from applying at once, after such a wait was too long
)

// Writer makes events durable in groups: many requests, one insert, one fsync.
// Nobody is answered before that. While Postgres does not answer, groups go to
// the spool, if there is one, and stay behind what lies there until all of it is
// stored: so a contact's events keep their order.
type Writer struct {
	WriterOptions

	every time.Duration // adoptEvery

	// Receipts come by the thousand, and their groups are applied as they are stored. Whoever wrote to us waits for none
	// of that: inbound messages are stored by themselves, one group after the other, in the order in which they arrived.
	receipts, inbound chan *waiting

	away  atomic.Bool   // events go to the spool
	gate  sync.RWMutex  // read: a group is being stored; write: the way back from the spool
	kick  chan struct{} // the spool has something
	ahead atomic.Int64  // nanoseconds that Postgres' clock is ahead of ours
	apart atomic.Int64  // until then nothing is applied as it is stored, in nanoseconds since the epoch

	// Groups of receipts pass two stages, each taken by one group at a time: two at once would only wait for each other, in
	// the second for the counters. While one is applied, the next one grows, and is inserted.
	inserting, applying sync.Mutex

	full   atomic.Bool // so that a full spool is logged once
	gauges struct{ bytes, oldest prometheus.GaugeFunc }
}

// WriterOptions are what a Writer needs.
type WriterOptions struct {
	DB      *db.DB
	Applier *Applier // applies what was stored; nil: somebody else will
	Reader  Reader
	// Provider is whom this process speaks with: it takes nobody else's requests.
	Provider provider.Name
	Spool    *Spool         // nil: while Postgres is away, events are refused
	Words    *consent.Words // nil: the built-in ones
	Log      *slog.Logger
	Now      func() time.Time
}

type waiting struct {
	event *Event
	done  chan error
}

// NewWriter makes a Writer; Run it.
func NewWriter(o WriterOptions) *Writer {
	return &Writer{
		WriterOptions: o, every: adoptEvery, kick: make(chan struct{}, 1),
		receipts: make(chan *waiting, queueRoom), inbound: make(chan *waiting, queueRoom),
	}
}

// Register adds the spool's gauges.
func (w *Writer) Register(to prometheus.Registerer) {
	if w.Spool == nil {
		return
	}
	w.gauges.bytes = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "webhook_spool_bytes", Help: "Webhooks that are kept on disk because Postgres did not take them.",
	}, func() float64 {
		bytes, _ := w.Spool.State()
		return float64(bytes)
	})
	w.gauges.oldest = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "webhook_spool_oldest_seconds", Help: "How long the oldest webhook in the spool has waited; 0 when it is empty.",
	}, func() float64 {
		if _, oldest := w.Spool.State(); !oldest.IsZero() {
			return time.Since(oldest).Seconds()
		}
		return 0
	})
	to.MustRegister(w.gauges.bytes, w.gauges.oldest)
}

// Write returns once the event is durable, or was so already. What can never be
// kept is invalid, and ErrSignatureUsed refuses what was made out of another
// request; anything else may be tried again. While Postgres is away nobody can
// tell such a request: it goes to the spool, and is refused when that is stored.
func (w *Writer) Write(ctx context.Context, e *Event) error {
	if len(e.SID) > maxSID {
		return apperr.Invalid("MessageSid", "it has %d characters: %d at most", len(e.SID), maxSID)
	}
	at := w.Now().Add(time.Duration(w.ahead.Load()))
	e.ArrivedAt = &at
	if e.Source == "" {
		e.Source = SourceLive
	}
	e.classify(ctx, w.Provider, w.Reader, w.Words)
	wait, queue := &waiting{event: e, done: make(chan error, 1)}, w.inbound
	if e.Kind == KindStatus {
		queue = w.receipts
	}
	select {
	case queue <- wait:
	default:
		return apperr.New(apperr.CodeUnavailable, "too many webhooks wait already")
	}
	select {
	case err := <-wait.done:
		return err
	case <-ctx.Done():
		return apperr.Wrap(ctx.Err(), apperr.CodeUnavailable, "the event was not written in time")
	}
}

// Run writes until ctx ends, then what still waits.
func (w *Writer) Run(ctx context.Context) {
	w.synchronize(ctx)
	if w.Spool != nil && !w.Spool.Empty() {
		w.leave() // what a process before us left comes first
	}
	var loops sync.WaitGroup
	for range receiptLoops {
		loops.Go(func() { w.writeReceipts(ctx) })
	}
	loops.Go(func() { w.writeInbound(ctx) })
	loops.Go(func() { w.watchClock(ctx) })
	if w.Spool != nil {
		loops.Go(func() { w.watchSpool(ctx) })
	}
	loops.Wait()
}

func (w *Writer) writeReceipts(ctx context.Context) {
	for {
		w.inserting.Lock()
		group := next(ctx, w.receipts)
		if group == nil {
			w.inserting.Unlock()
			return
		}
		inserted := sync.OnceFunc(w.inserting.Unlock)
		if len(group) < together { // it is inserted alone, and soon: another one need not wait for that
			inserted()
		}
		w.answer(ctx, group, inserted)
		inserted()
	}
}

func (w *Writer) writeInbound(ctx context.Context) {
	for group := next(ctx, w.inbound); group != nil; group = next(ctx, w.inbound) {
		w.answer(ctx, group, func() {})
	}
}

// next waits for a group: what came while the last one was being inserted. It is nil once ctx has ended and nothing
// waits any more.
func next(ctx context.Context, queue <-chan *waiting) (group []*waiting) {
	select {
	case first := <-queue:
		group = append(group, first)
	case <-ctx.Done():
	}
	for len(group) < maxGroup {
		select {
		case another := <-queue:
			group = append(group, another)
		default:
			return group
		}
	}
	return group
}

// answer writes a group and answers each who waits for it.
func (w *Writer) answer(ctx context.Context, group []*waiting, inserted func()) {
	events := make([]*Event, len(group))
	for i, g := range group {
		events[i] = g.event
	}
	for i, err := range w.write(context.WithoutCancel(ctx), events, inserted) {
		group[i].done <- err
	}
}

// write makes a group durable and tells for each event how that went. It calls inserted when the next group may be
// inserted, unless that is when it returns.
func (w *Writer) write(ctx context.Context, events []*Event, inserted func()) []error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if w.away.Load() {
		return w.spool(events)
	}
	limit := storeLimit
	if w.Spool != nil {
		limit = spoolAfter
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := w.storeInTurn(limited, events, inserted)
	switch {
	case err == nil:
		return answers(events)
	case db.Refused(err):
		return w.oneByOne(ctx, events, err)
	case w.Spool == nil:
		w.Log.ErrorContext(ctx, "webhook events not stored", "events", len(events), "error", err)
		return all(events, apperr.Wrap(err, apperr.CodeUnavailable, "the database is away or slow"))
	}
	w.Log.WarnContext(ctx, "Postgres does not take webhooks: they go to the spool", "error", err)
	w.leave()
	return w.spool(events)
}

// answers tells of events that Postgres has which were refused all the same.
func answers(events []*Event) []error {
	errs := make([]error, len(events))
	for i, e := range events {
		if e.misused {
			errs[i] = ErrSignatureUsed
		}
	}
	return errs
}

func all(events []*Event, err error) []error {
	errs := make([]error, len(events))
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// store writes events to Postgres and has them applied.
func (w *Writer) store(ctx context.Context, events []*Event) error {
	return w.storeInTurn(ctx, events, func() {})
}

// storeInTurn is store. It calls inserted when others may insert, unless that is when it returns.
func (w *Writer) storeInTurn(ctx context.Context, events []*Event, inserted func()) error {
	receipts := slices.ContainsFunc(events, func(e *Event) bool { return e.Kind == KindStatus })
	if receipts && w.Applier != nil && len(events) >= together && time.Now().UnixNano() > w.apart.Load() {
		applied := func() {}
		fresh, why, err := w.Applier.storeAndApply(ctx, events, func() {
			w.applying.Lock()
			applied = w.applying.Unlock
			inserted()
		})
		applied()
		if err == nil && why == nil {
			w.Applier.offer(slices.DeleteFunc(fresh, func(e *Event) bool { return e.Kind == KindStatus }))
			return nil
		}
		// Whatever it was: they are stored first, and what cannot be applied is found then.
		w.Log.Debug("webhooks were not applied as they were stored", "events", len(events), "error", cmp.Or(err, why))
		w.apart.Store(time.Now().Add(keepOff).UnixNano())
		if err == nil {
			w.Applier.offer(fresh)
			return nil
		}
	}
	inserted()
	fresh, err := insert(ctx, w.DB, events)
	if err == nil && w.Applier != nil {
		w.Applier.offer(fresh)
	}
	return err
}

// oneByOne finds the event that Postgres cannot hold, so that it takes nobody
// with it.
func (w *Writer) oneByOne(ctx context.Context, events []*Event, err error) []error {
	if len(events) == 1 {
		w.Log.ErrorContext(ctx, "a webhook cannot be stored", "kind", events[0].Kind, "sid", events[0].SID, "error", err)
		return []error{err}
	}
	half := len(events) / 2
	var errs []error
	for _, part := range [][]*Event{events[:half], events[half:]} {
		limited, cancel := context.WithTimeout(ctx, spoolAfter)
		err := w.store(limited, part)
		cancel()
		switch {
		case err == nil:
			errs = append(errs, answers(part)...)
		case db.Refused(err):
			errs = append(errs, w.oneByOne(ctx, part, err)...)
		default:
			errs = append(errs, all(part, apperr.Wrap(err, apperr.CodeUnavailable, "the database is away or slow"))...)
		}
	}
	return errs
}

// leave sends what comes from now on to the spool.
func (w *Writer) leave() {
	w.away.Store(true)
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// spool keeps a group on disk and tells for each event how that went. One that
// is too large takes nobody with it.
func (w *Writer) spool(events []*Event) []error {
	err := w.Spool.Append(events)
	switch {
	case err == nil:
		w.full.Store(false)
		return make([]error, len(events))
	case errors.Is(err, spool.ErrTooLarge) && len(events) > 1:
		half := len(events) / 2
		return append(w.spool(events[:half]), w.spool(events[half:])...)
	case errors.Is(err, spool.ErrTooLarge):
		w.Log.Error("a webhook is refused", "kind", events[0].Kind, "sid", events[0].SID, "error", err)
		return []error{apperr.Wrap(err, apperr.CodeInvalid, "the event is too large")}
	}
	if !errors.Is(err, spool.ErrFull) || !w.full.Swap(true) {
		w.Log.Error("webhooks are refused: the spool does not take them", "error", err)
	}
	return all(events, apperr.Wrap(err, apperr.CodeUnavailable, "the event could not be kept"))
}

// watchSpool stores what the spool holds as soon as Postgres answers, and looks
// now and then for what another process left behind.
func (w *Writer) watchSpool(ctx context.Context) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.kick:
		case <-tick.C:
			if err := w.Spool.Adopt(); err != nil {
				w.Log.ErrorContext(ctx, "webhook spool not read", "error", err)
			}
		}
		for ctx.Err() == nil && (w.away.Load() || w.Spool.Next() != nil) {
			if err := w.drain(ctx); err != nil {
				w.Log.DebugContext(ctx, "webhook spool not stored yet", "error", err)
				_ = pause.For(ctx, probeEvery)
			}
		}
	}
}

// watchClock keeps the time of arrivals near Postgres' clock.
func (w *Writer) watchClock(ctx context.Context) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.synchronize(ctx)
		}
	}
}

// synchronize looks how far Postgres' clock is from ours, for the times of
// events that Postgres does not see arrive.
func (w *Writer) synchronize(ctx context.Context) {
	if w.DB == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, spoolAfter)
	defer cancel()
	asked := w.Now()
	if there, err := db.Now(ctx, w.DB); err == nil {
		w.ahead.Store(int64(aheadBy(time.Duration(w.ahead.Load()), asked, there, w.Now())))
	}
}

// aheadBy is how far another clock is ahead of ours, which showed there at some moment between when it was asked and when it
// answered. What is known already stays where that agrees with it: an answer that took its time would be off by as much, and
// a START would seem to have come before what it follows.
func aheadBy(known time.Duration, asked, there, answered time.Time) time.Duration {
	least, most := there.Sub(answered), there.Sub(asked)
	if known >= least && known <= most {
		return known
	}
	return (least + most) / 2
}

// drain stores what the spool holds, and goes back to Postgres when nothing is
// left. The last stretch is stored while new events wait: they come after it.
func (w *Writer) drain(ctx context.Context) error {
	probe, cancel := context.WithTimeout(ctx, spoolAfter)
	defer cancel()
	if _, err := db.Now(probe, w.DB); err != nil {
		return err
	}
	if !w.away.Load() { // only what others left
		return w.replay(ctx)
	}
	w.Spool.Seal()
	if err := w.replay(ctx); err != nil {
		return err
	}
	if w.Spool.Waiting() > lastStretch {
		return nil
	}
	w.gate.Lock()
	defer w.gate.Unlock()
	w.Spool.Seal()
	if err := w.replay(ctx); err != nil {
		return err
	}
	if w.Spool.Empty() {
		w.away.Store(false)
		w.Log.InfoContext(ctx, "Postgres takes webhooks again, and has all that the spool held")
	}
	return nil
}

// replay stores all sealed segments in order. Storing an event twice is harmless.
func (w *Writer) replay(ctx context.Context) error {
	return w.Spool.Replay(func(records [][]byte) (damaged bool, err error) {
		events, damaged := decode(records)
		store := func(part []*Event) error {
			limited, cancel := context.WithTimeout(ctx, 2*storeLimit)
			defer cancel()
			return w.store(limited, part)
		}
		for group := range slices.Chunk(events, replayGroup) {
			err := db.StoreApart(group, store, func(e *Event, err error) {
				w.Log.ErrorContext(ctx, "a webhook of the spool cannot be stored", "kind", e.Kind, "sid", e.SID, "error", err)
				damaged = true
			})
			if err != nil {
				return damaged, fmt.Errorf("store the spool: %w", err)
			}
		}
		return damaged, nil
	})
}
