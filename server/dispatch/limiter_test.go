package dispatch

import (
	"context"
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
