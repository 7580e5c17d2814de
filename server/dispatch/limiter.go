package dispatch

import (
	"context"
	"sync"
	"time"
)

// limiter bounds how many calls to the provider are under way at once. It
// learns the bound as TCP learns its window: one more for each full round of
// good answers, a third less when the provider says that it is too much, a
// tenth less when answers take far longer than they can.
type limiter struct {
	mu       sync.Mutex
	free     *sync.Cond
	limit    float64
	inFlight int
	recent   float64   // smoothed latency, seconds
	best     float64   // the lowest latency of late
	bestAt   time.Time // when it was seen
	cutAt    time.Time
}

const (
	firstLimit   = 32
	highestLimit = 256 // the transport keeps as many connections

	overloadCut = 0.7
	slownessCut = 0.9
	slowness    = 3.0                    // times the best latency…
	slowSlack   = 10 * time.Millisecond  // …and this much above it
	cutRest     = 250 * time.Millisecond // answers to calls begun before a cut must not cut again
	bestMemory  = time.Minute
)

func newLimiter() *limiter {
	l := &limiter{limit: firstLimit}
	l.free = sync.NewCond(&l.mu)
	return l
}

// acquire waits for a place until ctx ends, and reports whether it got one.
func (l *limiter) acquire(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Whoever was woken and leaves, with a place or without, wakes the next if
	// there is one more.
	defer l.wake()
	if !l.hasRoom() {
		stop := context.AfterFunc(ctx, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.free.Broadcast()
		})
		defer stop()
	}
	for !l.hasRoom() {
		if ctx.Err() != nil {
			return false
		}
		l.free.Wait()
	}
	l.inFlight++
	return true
}

func (l *limiter) hasRoom() bool { return l.inFlight < max(int(l.limit), 1) }

// wake wakes one who waits, if there is a place. Waking all for each place that
// comes free cost as much as the calls' own bookkeeping: batches wait side by side.
func (l *limiter) wake() {
	if l.hasRoom() {
		l.free.Signal()
	}
}

// push takes a place without waiting for one.
func (l *limiter) push() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight++
}

// leave gives a place back that was not used.
func (l *limiter) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	l.wake()
}

// release gives a place back and tells how the call went.
func (l *limiter) release(latency time.Duration, overloaded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.inFlight >= int(l.limit)
	l.inFlight--
	defer l.wake()
	now, took := time.Now(), latency.Seconds()
	if overloaded {
		l.cut(now, overloadCut)
		return
	}
	if l.recent == 0 {
		l.recent = took
	}
	l.recent += (took - l.recent) / 32
	if l.best == 0 || took < l.best || now.Sub(l.bestAt) > bestMemory {
		l.best, l.bestAt = took, now
	}
	switch {
	case l.recent > slowness*l.best+slowSlack.Seconds():
		l.cut(now, slownessCut)
	case full:
		l.limit = min(l.limit+1/l.limit, highestLimit)
	}
}

func (l *limiter) cut(now time.Time, factor float64) {
	if now.Sub(l.cutAt) < cutRest {
		return
	}
	l.limit, l.cutAt = max(l.limit*factor, 1), now
}

// load is the bound now and how much of it is in use.
func (l *limiter) load() (limit float64, inFlight int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit, l.inFlight
}
