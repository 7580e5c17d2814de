package sender_test

import (
	"context"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db/dbtest"
	"eventstream/server/sender"

	"github.com/stretchr/testify/require"
)

// The slots that were handed out are kept by whatever changes something else,
// and forgotten when the pace itself changes.
func TestOnlyANewRateResetsThePace(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := sender.NewService(d)
	ctx := actor.With(t.Context(), actor.System)
	address, name, other, rate, fast := "+4930901820", "one", "two", 1.0, 50.0
	snd, err := s.Create(ctx, sender.Input{Address: &address, DisplayName: &name, RatePerSecond: &rate})
	require.NoError(t, err)
	ahead := func() (seconds float64) {
		require.NoError(t, d.NewRaw("SELECT extract(epoch FROM tat - now())::float8 FROM rate_limits WHERE key = ?",
			snd.RateKey()).Scan(ctx, &seconds))
		return seconds
	}
	_, err = d.NewRaw("UPDATE rate_limits SET tat = now() + interval '1 hour' WHERE key IN (?, 'account')",
		snd.RateKey()).Exec(ctx)
	require.NoError(t, err)
	for what, change := range map[string]func() error{
		"a rename":      func() error { _, err := s.Update(ctx, snd.ID, sender.Input{DisplayName: &other}); return err },
		"the same rate": func() error { _, err := s.Update(ctx, snd.ID, sender.Input{RatePerSecond: &rate}); return err },
		"pause and resume": func() error {
			if _, err := s.Pause(ctx, snd.ID, ""); err != nil {
				return err
			}
			_, err := s.Resume(ctx, snd.ID)
			return err
		},
	} {
		require.NoError(t, change(), what)
		require.Greater(t, ahead(), 3500.0, what)
	}
	_, err = s.Update(ctx, snd.ID, sender.Input{RatePerSecond: &fast})
	require.NoError(t, err)
	require.Less(t, ahead(), 10.0)

	account := func() (seconds float64) {
		require.NoError(t, d.NewRaw("SELECT extract(epoch FROM tat - now())::float8 FROM rate_limits WHERE key = 'account'").Scan(ctx, &seconds))
		return seconds
	}
	require.NoError(t, s.SetAccountRate(ctx, sender.MaxRate))
	require.Greater(t, account(), 3500.0, "the account's rate did not change")
	require.NoError(t, s.SetAccountRate(ctx, 10))
	require.Less(t, account(), 10.0)
}

// Two processes that start together both ensure the first sender: there is one,
// and neither fails.
func TestTheFirstSenderIsEnsuredByTwoAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := sender.NewService(d)
	ctx := actor.With(t.Context(), actor.System)
	first, err := d.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = first.NewRaw("INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+4930901820', 'x', 80)").Exec(ctx)
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- s.Ensure(ctx, "+4930901820", "x", 80) }()
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, d.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").
			Scan(context.Background(), &n))
		return n == 1
	}, time.Minute, time.Millisecond)
	require.NoError(t, first.Commit())
	require.NoError(t, <-done)
	all, err := s.List(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
}
