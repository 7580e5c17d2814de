package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

// A log that cannot be asked, say for want of a permission, keeps no message from a
// person's decision, nor its campaign from its end.
func TestALogThatCannotBeAskedLeavesTheDecisionToAPerson(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	exec := func(query string) {
		t.Helper()
		_, err := d.NewRaw(query).Exec(t.Context())
		require.NoError(t, err)
	}
	exec(`INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 10)`)
	exec(`INSERT INTO contacts (address, match_key, kind) VALUES ('+4915112345678', '+4915112345678', 'phone'),
		('+4915112345679', '+4915112345679', 'phone')`)
	exec(`INSERT INTO messages (direction, purpose, contact_id, sender_id, status, body, submitted_at, lease_until)
		VALUES ('outbound', 'reply', 1, 1, 'unknown', 'Yes.', now() - interval '1 hour', now() - interval '1 second'),
			('outbound', 'reply', 2, 1, 'unknown', 'Yes.', now() - interval '1 minute', now() - interval '1 second')`)
	r := New(Options{
		DB: d, Provider: forbidden{}, Log: slog.New(slog.DiscardHandler), Owner: "test", Validity: 4 * time.Hour,
		LogLag: time.Minute, DecideAfter: 15 * time.Minute,
	})
	require.NoError(t, r.Run(t.Context()))
	var decidable []int64
	require.NoError(t, d.NewRaw("SELECT id FROM messages WHERE decision_since IS NOT NULL").Scan(t.Context(), &decidable))
	require.Equal(t, []int64{1}, decidable, "the younger one is looked for a while longer")
	var again int
	require.NoError(t, d.NewRaw(`SELECT count(*) FROM messages WHERE status = 'unknown' AND lease_until > now()
		AND lease_until <= now() + interval '11 minutes'`).Scan(t.Context(), &again))
	require.Equal(t, 2, again, "the engine goes on looking for both")
}

// forbidden is a provider whose key may send, but not read the log.
type forbidden struct{ *twilioLog }

func (forbidden) Log(context.Context, message.LogQuery) (message.LogAnswer, error) {
	return message.LogAnswer{}, errors.New("20003: no permission to read the log")
}
