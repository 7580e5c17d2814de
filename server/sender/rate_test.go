package sender_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db/dbtest"
	"eventstream/server/sender"

	"github.com/stretchr/testify/require"
)

const ahead = 0.1

func newSender(t *testing.T, s *sender.Service, address string, rate float64) *sender.Sender {
	t.Helper()
	snd, err := s.Create(actor.With(context.Background(), actor.System),
		sender.Input{Address: &address, DisplayName: &address, RatePerSecond: &rate})
	require.NoError(t, err)
	return snd
}

// TestNoMoreSlotsThanTheRateAllows takes slots from several sides at once, as
// fast as it goes. The bound holds on any machine, however slow: time is taken
// around all of it.
func TestNoMoreSlotsThanTheRateAllows(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	snd := newSender(t, sender.NewService(d), "+14155550100", 500)
	var mu sync.Mutex
	taken, unused := 0, 0
	began := time.Now()
	var takers sync.WaitGroup
	for range 3 {
		takers.Go(func() {
			for i := 0; time.Since(began) < 1500*time.Millisecond; i++ {
				grants, wait, err := sender.Take(context.Background(), d, snd.ID, []int64{7}, 20, ahead)
				if err != nil {
					t.Error(err)
					return
				}
				if len(grants) == 0 {
					if wait <= 0 || wait > 1 {
						t.Errorf("wait %g s for a slot of 1/500 s", wait)
					}
					time.Sleep(time.Duration(wait * float64(time.Second)))
					continue
				}
				back := 0
				if i%3 == 0 { // some find no message for it
					back = grants[0].Granted / 2
					if err := sender.Refund(context.Background(), d, snd.ID, map[int64]int{7: back}); err != nil {
						t.Error(err)
					}
				}
				mu.Lock()
				taken, unused = taken+grants[0].Granted, unused+back
				mu.Unlock()
			}
		})
	}
	takers.Wait()
	seconds := time.Since(began).Seconds()
	used := taken - unused
	require.LessOrEqual(t, float64(used), 500*(seconds+1.5*ahead)+1,
		"slots that are due by now, half a slice caught up, and a slice ahead")
	require.Greater(t, used, 300, "and it goes on")
	t.Logf("%d slots in %.2f s, %d more given back", used, seconds, unused)
}

func TestSlotsAreDealtOutFairly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	snd := newSender(t, sender.NewService(d), "+14155550101", 1000)
	require.NoError(t, sender.SetRate(ctx, d, "campaign:3", 0.1))
	take := func(want int, campaigns ...int64) map[int64]sender.Grant {
		grants, wait, err := sender.Take(ctx, d, snd.ID, campaigns, want, ahead)
		require.NoError(t, err)
		require.Zero(t, wait)
		byID := map[int64]sender.Grant{}
		for _, g := range grants {
			byID[*g.CampaignID] = g
		}
		return byID
	}
	got := take(100, 1, 2, 3)
	require.Equal(t, 1, got[3].Granted, "its own rate: the slot that is due now")
	require.Equal(t, 99, got[1].Granted+got[2].Granted, "the others get what it leaves")
	require.InDelta(t, got[1].Granted, got[2].Granted, 1, "in halves")
	require.InDelta(t, 10, got[3].StepSeconds, 0.001, "its slots lie as its rate says")
	require.InDelta(t, 0.1/49.5, got[1].StepSeconds, 0.0005, "and theirs over the slice")
	require.Less(t, got[1].StartSeconds, 0.0, "after a rest the first are overdue")

	grants, wait, err := sender.Take(ctx, d, snd.ID, []int64{3}, 10, ahead)
	require.NoError(t, err)
	require.Empty(t, grants)
	require.Greater(t, wait, 5.0, "it has had its slot")
	require.LessOrEqual(t, wait, 10.0, "the next one of its rate")
	require.NoError(t, sender.ClearRate(ctx, d, "campaign:3"))
	require.Positive(t, take(10, 3)[3].Granted, "a rate that is lifted binds no more")
}

func TestARateThatChangesHoldsAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	s := sender.NewService(d)
	slow := newSender(t, s, "+14155550102", 0.01)
	grants, _, err := sender.Take(ctx, d, slow.ID, []int64{1}, 10, ahead)
	require.NoError(t, err)
	require.Equal(t, 1, grants[0].Granted, "however slow, the first goes at once")
	_, wait, err := sender.Take(ctx, d, slow.ID, []int64{1}, 10, ahead)
	require.NoError(t, err)
	require.Greater(t, wait, 50.0)
	fast := 100.0
	_, err = s.Update(actor.With(ctx, actor.System), slow.ID, sender.Input{RatePerSecond: &fast})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		grants, _, err := sender.Take(ctx, d, slow.ID, []int64{1}, 1, ahead)
		return err == nil && len(grants) == 1
	}, 5*time.Second, 5*time.Millisecond, "and not in a hundred seconds")

	// The account binds all senders; a reply takes its slot without waiting.
	other := newSender(t, s, "+14155550103", 1000)
	require.NoError(t, s.SetAccountRate(actor.With(ctx, actor.System), 1))
	for range 5 {
		require.NoError(t, sender.Spend(ctx, d, other.ID))
	}
	_, wait, err = sender.Take(ctx, d, other.ID, []int64{1}, 10, ahead)
	require.NoError(t, err)
	require.Greater(t, wait, 2.0, "bulk makes room for five replies")
}

// TestSlotsThatComeSinglyAreSharedToo takes them one by one, as a slow sender's
// outbox does, beside a campaign that its own rate holds back.
func TestSlotsThatComeSinglyAreSharedToo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	snd := newSender(t, sender.NewService(d), "+14155550103", 2000)
	require.NoError(t, sender.SetRate(ctx, d, sender.CampaignKey(2), 0.01))
	shares := map[int64]int{}
	for n := 0; n < 600; {
		grants, wait, err := sender.Take(ctx, d, snd.ID, []int64{1, 2, 3, 4}, 1, ahead)
		require.NoError(t, err)
		for _, g := range grants {
			shares[*g.CampaignID] += g.Granted
			n += g.Granted
		}
		time.Sleep(time.Duration(wait * float64(time.Second)))
	}
	require.Equal(t, 1, shares[2], "its own rate")
	for _, id := range []int64{1, 3, 4} {
		require.InDelta(t, 200, shares[id], 60, "five standard deviations of a fair draw: %v", shares)
	}
}
