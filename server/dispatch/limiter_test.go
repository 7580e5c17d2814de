package dispatch

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds plays full rounds of calls that all take so long.
func rounds(l *limiter, n int, latency time.Duration, overloaded bool) {
	for range n {
		limit, _ := l.load()
		for range int(limit) {
			l.acquire(context.Background())
		}
		for range int(limit) {
			l.release(latency, overloaded)
		}
	}
}

func TestTheLimiterFindsItsBound(t *testing.T) {
	t.Parallel()
	l := newLimiter()
	rounds(l, 5, 20*time.Millisecond, false)
	grown, busy := l.load()
	require.Greater(t, grown, float64(firstLimit), "good answers let it grow")
	require.Zero(t, busy)
	rounds(l, 1, 20*time.Millisecond, true)
	cut, _ := l.load()
	require.InDelta(t, grown*overloadCut, cut, 0.01, "a round of refusals cuts once")
	time.Sleep(cutRest)
	rounds(l, 1, 20*time.Millisecond, true)
	again, _ := l.load()
	require.InDelta(t, cut*overloadCut, again, 0.01)
	for range 20 {
		time.Sleep(cutRest / 10)
		rounds(l, 1, 20*time.Millisecond, true)
	}
	low, _ := l.load()
	require.GreaterOrEqual(t, low, 1.0, "one call is always allowed")

	slow := newLimiter()
	rounds(slow, 3, 10*time.Millisecond, false)
	before, _ := slow.load()
	rounds(slow, 8, 400*time.Millisecond, false)
	after, _ := slow.load()
	require.Less(t, after, before, "answers that take far longer than they can mean that it is too much")

	idle := newLimiter()
	for range 500 {
		idle.acquire(context.Background())
		idle.release(time.Millisecond, false)
	}
	same, _ := idle.load()
	require.InDelta(t, firstLimit, same, 0, "a bound that is not used does not grow")
}

func TestTheLimiterHoldsBack(t *testing.T) {
	t.Parallel()
	l := newLimiter()
	for range firstLimit {
		l.acquire(context.Background())
	}
	through := make(chan bool)
	go func() { l.acquire(context.Background()); close(through) }()
	select {
	case <-through:
		t.Fatal("one more than the bound")
	case <-time.After(30 * time.Millisecond):
	}
	l.leave()
	<-through
}

// TestTheLimiterGivesUpWithItsCaller: Twilio that hangs must not hold a batch past
// its claim.
func TestTheLimiterGivesUpWithItsCaller(t *testing.T) {
	t.Parallel()
	l := newLimiter()
	for range firstLimit {
		require.True(t, l.acquire(t.Context()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan bool)
	go func() { got <- l.acquire(ctx) }()
	cancel()
	require.False(t, <-got)
	_, busy := l.load()
	require.Equal(t, firstLimit, busy)
}

// TestTheLimiterForgetsNobody: whoever waits gets a place or the end of their
// context, in whatever order places come free, are not used, or grow in number.
func TestTheLimiterForgetsNobody(t *testing.T) {
	t.Parallel()
	l := newLimiter()
	l.limit = 3
	gone, leave := context.WithCancel(t.Context())
	var given, refused atomic.Int64
	var callers sync.WaitGroup
	for i := range 2000 {
		ctx := t.Context()
		if i%5 == 0 {
			ctx = gone
		}
		if i == 1000 {
			leave()
		}
		callers.Go(func() {
			if !l.acquire(ctx) {
				refused.Add(1)
				return
			}
			given.Add(1)
			switch i % 3 {
			case 0:
				l.leave()
			case 1:
				l.release(time.Millisecond, i%100 == 1)
			default:
				l.release(time.Millisecond, false)
			}
		})
	}
	callers.Wait() // hangs if a wake-up is lost
	leave()
	require.EqualValues(t, 2000, given.Load()+refused.Load())
	require.GreaterOrEqual(t, given.Load(), int64(1600))
	_, busy := l.load()
	require.Zero(t, busy)
}
