package app_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"eventstream/server/config"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

// line leads to a carrier. While fault is set, what changes a sender is answered with that
// status: 5xx once the carrier has made the change, others before it is asked.
type line struct {
	URL   string
	fault atomic.Int32
}

func lineTo(t *testing.T, tw *sandbox.Sandbox) *line {
	t.Helper()
	to, err := url.Parse(tw.URL())
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	l := new(line)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := int(l.fault.Load())
		if fault == 0 || r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/v2/Channels/Senders/") {
			proxy.ServeHTTP(w, r)
			return
		}
		if fault >= 500 {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(fault)
		_, _ = w.Write([]byte(`{"code": 63100, "message": "not like this", "status": 0}`))
	}))
	t.Cleanup(s.Close)
	l.URL = s.URL
	return l
}

// TestTheOldWebhookIsNeverLost changes the webhook of a sender with calls that fail before and after Twilio has acted.
func TestTheOldWebhookIsNeverLost(t *testing.T) {
	t.Parallel()
	tw := carrier(t)
	l := lineTo(t, tw)
	e := startWith(t, func(cfg *config.Config) {
		cfg.Twilio = config.Twilio{
			AccountSID: sandbox.AccountSID, AuthToken: config.Secret(tw.AuthToken()), APIBaseURL: l.URL,
		}
	})
	type hook struct {
		CallbackURL, FallbackURL, StatusCallbackURL *string
		Version                                     string
	}
	type channelSender struct {
		Sid     string
		Ours    bool
		Webhook hook
		Changed *struct {
			ID     string
			Before hook
		}
	}
	look := func() channelSender {
		var out struct{ ChannelSenders []channelSender }
		e.do(&out, `{ channelSenders { sid ours webhook { callbackUrl fallbackUrl statusCallbackUrl version } changed { id before { callbackUrl fallbackUrl statusCallbackUrl version } } } }`, nil)
		require.Len(t, out.ChannelSenders, 1)
		return out.ChannelSenders[0]
	}
	const set = `mutation($s: ID!, $v: String!) { channelSenderWebhookSet(input: {senderSid: $s, version: $v}) { userErrors { message } } }`
	const restore = `mutation($i: ID!, $v: String!) { channelSenderWebhookRestore(input: {id: $i, version: $v}) { userErrors { message } } }`
	sets := func(s channelSender) map[string]any { return map[string]any{"s": s.Sid, "v": s.Webhook.Version} }
	restores := func(s channelSender) map[string]any {
		return map[string]any{"i": s.Changed.ID, "v": s.Webhook.Version}
	}
	// elsewhere changes one field of the webhook in Twilio's console.
	elsewhere := func(field, address string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tw.URL()+"/v2/Channels/Senders/"+sandbox.SenderSID,
			strings.NewReader(`{"webhook": {"`+field+`": "`+address+`"}}`))
		require.NoError(t, err)
		req.SetBasicAuth(sandbox.AccountSID, tw.AuthToken())
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Less(t, resp.StatusCode, 300)
	}
	fault := func(mutation string, vars map[string]any) string {
		_, errs := e.raw(mutation, vars)
		require.Len(t, errs, 1)
		return errs[0].Extensions.Code + " " + errs[0].Message
	}
	changes := func() int { return e.query("SELECT count(*) FROM sender_webhooks") }

	// What Twilio refuses was never changed: nothing can be put back.
	s := look()
	l.fault.Store(http.StatusBadRequest)
	require.Contains(t, e.problems(set, sets(s)), "not like this")
	require.Nil(t, look().Changed)

	// Somebody changes another part of it meanwhile: not what was shown.
	l.fault.Store(0)
	elsewhere("fallback_url", "https://old.example/second")
	require.Contains(t, e.problems(set, sets(s)), "not what was shown")
	require.Empty(t, e.problems(set, sets(look())))

	// Setting what is set already changes nothing.
	s = look()
	require.True(t, s.Ours)
	before := changes()
	require.Empty(t, e.problems(set, sets(s)))
	require.Equal(t, before, changes())
	require.Equal(t, oldWebhook, *look().Changed.Before.CallbackURL)

	// The key that encrypted it is gone: the list is shown without a way back, which names the key.
	shown := restores(look())
	const otherKey = `UPDATE sender_webhooks SET webhooks_sealed =
		overlay(webhooks_sealed placing translate(substr(webhooks_sealed, 4, 8), '0123456789abcdef', 'fedcba9876543210') from 4 for 8)` // and back
	e.exec(otherKey)
	require.Nil(t, look().Changed)
	require.Contains(t, e.problems(restore, shown), "encrypted by the SECRET_KEY with the id")
	e.exec(otherKey)

	// Putting it back fails in each way: the old one can still be reached.
	for _, status := range []int{http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusRequestTimeout} {
		l.fault.Store(int32(status))
		require.Contains(t, fault(restore, restores(look())), "UNAVAILABLE", status)
		require.Equal(t, oldWebhook, *look().Changed.Before.CallbackURL, status)
		require.True(t, look().Ours)
	}

	// Where receipts go was changed since, which stays; the answer to it is lost, but it was made.
	l.fault.Store(0)
	elsewhere("status_callback_url", "https://new.example/receipts")
	l.fault.Store(http.StatusBadGateway)
	require.Contains(t, fault(restore, restores(look())), "may or may not")
	l.fault.Store(0)
	s = look()
	require.Equal(t, oldWebhook, *s.Webhook.CallbackURL)
	require.Equal(t, "https://old.example/second", *s.Webhook.FallbackURL)
	require.Equal(t, "https://new.example/receipts", *s.Webhook.StatusCallbackURL)

	// The answer to setting is lost, too: what was there can be put back.
	l.fault.Store(http.StatusBadGateway)
	require.Contains(t, fault(set, sets(s)), "may or may not")
	l.fault.Store(0)
	s = look()
	require.True(t, s.Ours)
	require.Empty(t, e.problems(restore, restores(s)))
	require.Equal(t, oldWebhook, *look().Webhook.CallbackURL)

	// Who signs in at the old address is not shown.
	elsewhere("callback_url", "https://somebody:hidden@old.example/hooks")
	require.Equal(t, "https://…@old.example/hooks", *look().Webhook.CallbackURL)
	require.Empty(t, e.problems(set, sets(look())))
	require.Equal(t, "https://…@old.example/hooks", *look().Changed.Before.CallbackURL)
	require.Empty(t, e.problems(restore, restores(look())))

	// What signs in there lies encrypted, also what an older version wrote.
	require.Positive(t, e.query("SELECT count(*) FROM sender_webhooks"))
	require.Zero(t, e.query("SELECT count(*) FROM sender_webhooks sw WHERE sw::text LIKE '%hidden%'"))
	require.Empty(t, e.problems(set, sets(look())))
	e.exec(`UPDATE sender_webhooks SET webhooks_sealed = '', after = '{}', before = '{"callbackUrl": "https://somebody:hidden@older.example/hooks"}'`)
	e.stop()
	e.cfg.ListenAddr = e.ListenAddr() // the port that Twilio knows
	e = run(t, slog.New(slog.DiscardHandler), e.cfg)
	require.Equal(t, "https://…@older.example/hooks", *look().Changed.Before.CallbackURL)
	require.Zero(t, e.query("SELECT count(*) FROM sender_webhooks sw WHERE sw::text LIKE '%hidden%'"))
}
