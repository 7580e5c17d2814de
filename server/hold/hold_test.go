package hold_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/hold"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
)

// readings counts how often the provider's log is read from its beginning.
type readings struct {
	n   int
	err error
}

func (r *readings) Sent(context.Context, time.Time, func([]message.Logged) error) error {
	r.n++
	return r.err
}

func held(t *testing.T, log *readings) (*hold.Service, *db.DB) {
	t.Helper()
	d := dbtest.New(t)
	discard := slog.New(slog.DiscardHandler)
	_, err := d.NewRaw(`INSERT INTO sending_hold (backup_at, stopped_at, confirmed_at)
		SELECT now() - interval '1 day', now() - interval '1 hour', now() - interval '1 hour'`).Exec(t.Context())
	require.NoError(t, err)
	return hold.New(hold.Options{
		DB: d, Keys: keys.Fixed("hold"), Provider: log, Log: discard, Validity: time.Minute,
		Campaigns: campaign.NewService(campaign.Dependencies{
			DB: d, Hub: pubsub.New(d.Pool, discard), Jobs: &jobs.Enqueuer{}, Now: time.Now,
		}),
	}), d
}

// TestTheLogIsNotReadAgainAndAgain: it is long, and the task that reads it runs every second.
func TestTheLogIsNotReadAgainAndAgain(t *testing.T) {
	t.Parallel()
	log := &readings{}
	s, d := held(t, log)
	exec := func(sql string) {
		_, err := d.NewRaw(sql).Exec(t.Context())
		require.NoError(t, err)
	}
	current := func() *hold.Hold {
		h, err := s.Current(t.Context())
		require.NoError(t, err)
		return h
	}
	// While what people sent is still being read, nothing can end.
	exec("INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Ours', 1)")
	for range 3 {
		require.NoError(t, s.Run(t.Context()))
	}
	require.Zero(t, log.n)
	require.Contains(t, current().Notice, "being read from Twilio's log")

	// A log that cannot be read is left alone for a while.
	exec("INSERT INTO inbound_checks (sender_id, read_until, next_at) SELECT id, now(), now() FROM senders " +
		"ON CONFLICT (sender_id) DO UPDATE SET read_until = now()")
	log.err = errors.New("429")
	require.ErrorIs(t, s.Run(t.Context()), log.err)
	log.err = nil
	for range 3 {
		require.NoError(t, s.Run(t.Context()))
	}
	require.Equal(t, 1, log.n)
	require.Contains(t, current().Notice, "tried again")

	exec("UPDATE sending_hold SET checked_at = checked_at - interval '1 minute'")
	require.NoError(t, s.Run(t.Context()))
	require.Equal(t, 2, log.n)
	require.Nil(t, current(), "it has ended")
}
