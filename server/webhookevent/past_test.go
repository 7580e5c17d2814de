package webhookevent

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/provider"
	"eventstream/server/spool"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestWhatTheSandboxBroughtEndsWithTheSandbox: what waits, lies in a spool or is applied again once Twilio is live opens no
// window, gives no consent and is answered by nobody, but for an opt-out, which keeps its person from being written to.
func TestWhatTheSandboxBroughtEndsWithTheSandbox(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := newEngine(t, d)
	begin := func(n provider.Name, account string) {
		require.NoError(t, d.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error { return provider.Begin(ctx, tx, n, account) }))
	}
	from := func(n provider.Name, ev *Event) *Event { ev.Provider = n; return ev }
	begin(provider.Sandbox, provider.SandboxAccount)
	_, err := d.NewRaw(`INSERT INTO senders (address, display_name, rate_per_second, provider) VALUES ('+15005550006', 'S', 80, 'twilio')`).Exec(e.ctx)
	require.NoError(t, err)
	e.store(from(provider.Sandbox, says("SM1", "+4915100000001", "Hello")))
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, []string{"Hello"}, e.texts("+4915100000001"))

	older := says("SM2", "+4915100000002", "START") // of a version that did not keep whose an event is
	older.Params["AccountSid"] = provider.SandboxAccount
	e.store(
		older, from(provider.Sandbox, says("SM3", "+4915100000003", "START")),
		from(provider.Sandbox, says("SM4", "+4915100000001", "START")), from(provider.Sandbox, says("SM5", "+4915100000001", "STOP")),
		from(provider.Sandbox, status("SM6", "delivered")), from(provider.Twilio, says("SM7", "+4915100000007", "Hello")),
	)
	begin(provider.Twilio, "AC00000000000000000000000000000001")
	require.NoError(t, e.Apply(e.ctx))

	check := func() {
		require.Zero(t, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL"))
		require.Equal(t, 5, e.number("SELECT count(*) FROM webhook_events WHERE error LIKE '%another provider%'"))
		require.Zero(t, e.number("SELECT count(*) FROM contacts WHERE match_key IN ('+4915100000002', '+4915100000003')"))
		require.Equal(t, []string{"Hello"}, e.texts("+4915100000001"))
		require.Equal(t, 1, e.number("SELECT count(*) FROM contacts WHERE match_key = '+4915100000001' AND consent_status = 'opted_out'"))
		require.Zero(t, e.number("SELECT count(*) FROM consent_events WHERE status = 'opted_in'"))
		require.Zero(t, e.number("SELECT count(*) FROM messages WHERE direction = 'outbound'"))
		require.Equal(t, []string{"Hello"}, e.texts("+4915100000007"), "what came from Twilio counts")
	}
	check()
	_, err = d.NewRaw("UPDATE webhook_events SET applied_at = NULL WHERE sid = 'SM3'").Exec(e.ctx) // as Replay does
	require.NoError(t, err)
	require.NoError(t, e.Apply(e.ctx))
	check()
}

// TestASpoolKeepsWhoseAnEventIs: another process, with another provider, may store it.
func TestASpoolKeepsWhoseAnEventIs(t *testing.T) {
	t.Parallel()
	s, err := OpenSpool(t.TempDir(), spool.Limit, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ev := says("SM1", "+4915100000001", "START")
	at := time.Now()
	ev.Provider, ev.ArrivedAt = provider.Sandbox, &at
	require.NoError(t, s.Append([]*Event{ev}))
	s.Seal()
	events, _, err := read(s.Next())
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, provider.Sandbox, events[0].Provider)
}
