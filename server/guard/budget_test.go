package guard

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABudgetIsSpentAndComesBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	b := NewBudget(100, time.Minute, func() time.Time { return now })
	s, ok := b.Take("ada", 70)
	require.True(t, ok)
	require.Equal(t, Standing{Limit: 100, Remaining: 30, Resets: now.Add(time.Minute)}, s)
	s, ok = b.Take("ada", 31)
	require.False(t, ok)
	require.Equal(t, 30, s.Remaining, "what is refused is not spent")
	_, ok = b.Take("grace", 100)
	require.True(t, ok, "everybody has their own")
	_, ok = b.Take("ada", 30)
	require.True(t, ok)
	now = now.Add(time.Minute)
	s, ok = b.Take("ada", 1)
	require.True(t, ok)
	require.Equal(t, 99, s.Remaining)
	_, ok = b.Take("ada", 101)
	require.False(t, ok, "more than there ever is")
}

func TestABudgetIsNotOverspentByManyAtOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewBudget(100, time.Hour, func() time.Time { return now })
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 50 {
				if _, ok := b.Take("ada", 3); ok {
					taken.Add(3)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 99, taken.Load())
}

// TestManyAddressesTakeNoMoreMemory: beyond what is told apart they share one budget,
// and those who are known keep theirs.
func TestManyAddressesTakeNoMoreMemory(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := NewBudget(10, time.Minute, func() time.Time { return now })
	b.most = 100
	for i := range 1000 {
		b.Take(fmt.Sprint("address ", i), 1)
	}
	require.LessOrEqual(t, len(b.callers), b.most+1)
	_, ok := b.Take("another", 1)
	require.False(t, ok, "the common budget is spent")
	s, ok := b.Take("address 0", 1)
	require.True(t, ok)
	require.Equal(t, 8, s.Remaining)
	now = now.Add(time.Minute)
	_, ok = b.Take("another", 1)
	require.True(t, ok)
	require.Len(t, b.callers, 1)
}
