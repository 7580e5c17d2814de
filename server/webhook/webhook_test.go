package webhook_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/consent"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/db/embedded"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/spool"
	"eventstream/server/topic"
	"eventstream/server/twilio"
	"eventstream/server/webhook"
	"eventstream/server/webhookevent"

	"github.com/stretchr/testify/require"
)

const (
	token   = "0123456789abcdef0123456789abcdef"
	account = "AC00000000000000000000000000000001"
)

// sid makes a message's id out of a few hexadecimal digits.
func sid(digits string) string { return "SM" + strings.Repeat("0", 32-len(digits)) + digits }

// named are the parameters that every request needs.
func named(digits string) string { return "AccountSid=" + account + "&MessageSid=" + sid(digits) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// site is a server that takes webhooks.
type site struct {
	*httptest.Server

	db *db.DB
}

func newSite(t *testing.T, d *db.DB, dir string) *site {
	t.Helper()
	hub := pubsub.New(d.Pool, quiet)
	consents := consent.NewService(d, hub, keys.Fixed("test"), time.Now)
	conversations := conversation.NewService(conversation.Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{}, Consents: consents, Topics: topic.NewService(d, hub), Now: time.Now,
	})
	applier := webhookevent.NewApplier(webhookevent.Options{
		DB: d, Hub: hub, Reader: twilio.Reader{}, Receive: conversations.Receive, Receipts: message.NewReceipts(consents, price.NewService(d)),
		Log: quiet,
	})
	o := webhookevent.WriterOptions{DB: d, Applier: applier, Reader: twilio.Reader{}, Log: quiet, Now: time.Now}
	if dir != "" {
		var err error
		o.Spool, err = webhookevent.OpenSpool(dir, spool.Limit, quiet)
		require.NoError(t, err)
	}
	w := webhookevent.NewWriter(o)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	running.Go(func() { applier.Run(ctx) })
	s := &site{db: d}
	mux := http.NewServeMux()
	hooks := webhook.New(webhook.Options{
		Writer: w, Accounts: []twilio.Account{{SID: account}, {SID: account, AuthToken: token}},
		PublicURL: func() string { return s.URL }, Log: quiet,
	})
	mux.HandleFunc("POST /webhooks/twilio/inbound", hooks.Inbound)
	mux.HandleFunc("POST /webhooks/twilio/status", hooks.Status)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		stop()
		running.Wait()
		if o.Spool != nil {
			o.Spool.Close()
		}
	})
	return s
}

// post sends a literal body with the signature of these parameters.
func (s *site) post(path, body, signature string) (int, string, error) {
	req, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", signature)
	resp, err := s.Client().Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

// deliver posts as Twilio does: what could not be kept in time, on a slow machine, is
// answered with 503 and comes again.
func (s *site) deliver(t *testing.T, path, body, signature string) (code int, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		code, text, err = s.post(path, body, signature)
		require.NoError(t, err)
		return code != http.StatusServiceUnavailable
	}, 5*time.Minute, 5*time.Millisecond)
	return code, text
}

func (s *site) signed(path, body string) string {
	form, _ := url.ParseQuery(body)
	return twilio.Sign(token, s.URL+path, form)
}

func (s *site) number(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, s.db.NewRaw(sql, args...).Scan(context.Background(), &n))
	return n
}

// TestRequests posts literal bodies, as they were seen from Twilio or made by
// somebody who means harm.
func TestRequests(t *testing.T) {
	t.Parallel()
	const (
		inbound = "/webhooks/twilio/inbound"
		status  = "/webhooks/twilio/status"
	)
	s := newSite(t, dbtest.New(t), "")
	for name, c := range map[string]struct {
		path, body string
		signature  func(path, body string) string
		want       int
		stored     string // SID of the event that is kept; "" for none
	}{
		"a text": {
			inbound,
			"SmsMessageSid=SMa&NumMedia=0&ProfileName=Ada&MessageType=text&SmsSid=SMa&WaId=4915112345678&SmsStatus=received&Body=Hi+there%21&To=whatsapp%3A%2B15005550006&NumSegments=1&" + named("1") + "&From=whatsapp%3A%2B4915112345678&ApiVersion=2010-04-01", s.signed, 200, sid("1"),
		},
		"nothing but a picture, an empty body": {
			inbound,
			named("2") + "&Body=&NumMedia=1&MediaUrl0=https%3A%2F%2Fapi.twilio.com%2Fx&From=whatsapp%3A%2B4915112345678",
			s.signed, 200, sid("2"),
		},
		"a name given twice": {
			inbound, named("3") + "&Body=b&Body=a&From=whatsapp%3A%2B4915112345678",
			s.signed, 200, sid("3"),
		},
		"NUL and bytes that are no UTF-8, in names too": {
			inbound,
			named("4") + "&Body=a%00b%FF&%00x%FE=y&From=whatsapp%3A%2B4915112345678", s.signed, 200, sid("4"),
		},
		"a status with our id": {
			status + "?m=42",
			named("5") + "&MessageStatus=delivered&SmsSid=SMe&SmsStatus=delivered", s.signed, 204, sid("5"),
		},
		"a status with a query that is no number": {
			status + "?m=%27x%27", named("6") + "&MessageStatus=sent",
			s.signed, 204, sid("6"),
		},
		"a status that knows when the carrier was done": {
			status,
			named("7") + "&MessageStatus=delivered&RawDlrDoneDate=2611251230", s.signed, 204, sid("7"),
		},
		"an SID longer than any of Twilio's": {
			status, "AccountSid=" + account + "&MessageStatus=sent&MessageSid=" + strings.Repeat("S", 65), s.signed, 400, "",
		},
		"no signature": {
			status, named("8") + "&MessageStatus=sent",
			func(string, string) string { return "" }, 403, "",
		},
		"a signature of another body": {
			status, named("9") + "&MessageStatus=sent",
			func(p, _ string) string { return s.signed(p, named("9")+"&MessageStatus=read") }, 403, "",
		},
		"a signature of another path": {
			status, named("a") + "&MessageStatus=sent",
			func(_, b string) string { return s.signed(inbound, b) }, 403, "",
		},
		"a signature of another query": {
			status + "?m=1", named("b") + "&MessageStatus=sent",
			func(_, b string) string { return s.signed(status+"?m=2", b) }, 403, "",
		},
		"a signature by another token": {status, named("c") + "&MessageStatus=sent", func(p, _ string) string {
			return twilio.Sign("", s.URL+p, url.Values{"AccountSid": {account}, "MessageSid": {sid("c")}, "MessageStatus": {"sent"}})
		}, 403, ""},
		"parameters in the query count for nothing": {status + "?" + named("d"), "MessageStatus=sent", s.signed, 400, ""},
		"a body that is no form":                    {status, "%zz=1", s.signed, 400, ""},
		"no account":                                {status, "MessageStatus=sent&MessageSid=" + sid("f"), s.signed, 403, ""},
		"somebody else's account": {
			status, "AccountSid=AC00000000000000000000000000000002&MessageStatus=sent&MessageSid=" + sid("f"), s.signed, 403, "",
		},
		"two accounts": {status, "AccountSid=AC00000000000000000000000000000002&MessageStatus=sent&" + named("f"), s.signed, 403, ""},
		"two SIDs":     {status, "MessageStatus=sent&MessageSid=" + sid("f1") + "&" + named("f"), s.signed, 400, ""},
		"one SID given twice": {
			status, "MessageStatus=sent&MessageSid=" + sid("f2") + "&" + named("f2"), s.signed, 204, sid("f2"),
		},
		"an SID with more digits": {status, "MessageStatus=sent&" + named("f") + "0", s.signed, 400, ""},
		"an SID that is a call's": {status, "AccountSid=" + account + "&MessageStatus=sent&MessageSid=CA" + sid("f")[2:], s.signed, 400, ""},
		"names that nobody has seen yet": {
			inbound, named("f3") + "&Mood=fair&Mood=foul&%F0%9F%91%8B=%F0%9F%91%8B&=&Body=hi&From=whatsapp%3A%2B4915112345678",
			s.signed, 200, sid("f3"),
		},
		"a number that we do not know": {
			inbound, named("f4") + "&To=whatsapp%3A%2B15005559999&Body=hi&From=whatsapp%3A%2B4915112345678", s.signed, 200, sid("f4"),
		},
		"NUL after a name does not take its place": {
			inbound, named("f5") + "&From%00=whatsapp%3A%2B491&From=whatsapp%3A%2B4915112345678", s.signed, 200, sid("f5"),
		},
		"more than 256 KiB": {
			inbound, named("e") + "&Body=" + strings.Repeat("x", 257<<10),
			s.signed, 400, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			code, body := s.deliver(t, c.path, c.body, c.signature(c.path, c.body))
			require.Equal(t, c.want, code)
			if c.want == 200 {
				require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?><Response/>`, body)
			}
			if c.stored != "" {
				require.Equal(t, 1, s.number(t,
					"SELECT count(*) FROM webhook_events WHERE sid = ? AND signature_valid AND source = 'live'", c.stored),
					"it is there when the answer is")
			}
		})
	}
	require.Equal(t, 11, s.number(t, "SELECT count(*) FROM webhook_events"), "what was refused leaves nothing")
	require.Equal(t, 1, s.number(t, "SELECT count(*) FROM webhook_events WHERE sid = ? AND message_id = 42", sid("5")))
	require.Equal(t, 1, s.number(t,
		"SELECT count(*) FROM webhook_events WHERE sid = ? AND happened_at = '2026-11-25 12:30Z'", sid("7")))
	require.Equal(t, 1, s.number(t,
		"SELECT count(*) FROM webhook_events WHERE sid = ? AND params ->> 'Body' = 'ab' AND params ->> 'x' = 'y'", sid("4")))
}

// fragile is a Postgres that may crash.
type fragile struct {
	*embedded.Server

	t    *testing.T
	opts embedded.Options
}

func ownPostgres(t *testing.T) (*fragile, *db.DB) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	dir, err := os.MkdirTemp("", "eventstream-webhook-pg-") // not t.TempDir: Postgres runs as somebody else
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	pg := &fragile{t: t, opts: embedded.Options{DataDir: dir, Port: port, Log: quiet}}
	pg.restart()
	t.Cleanup(func() { _ = pg.Stop() })
	d, err := db.Open(t.Context(), pg.URL, 20, quiet)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.NoError(t, d.MigrateUp(t.Context(), quiet))
	return pg, d
}

// restart starts it, again after a crash.
func (f *fragile) restart() {
	f.t.Helper()
	var err error
	f.Server, err = embedded.Start(f.t.Context(), f.opts)
	require.NoError(f.t, err)
}

// TestPostgresAwayUnderLoad: people write one message after the other, each once
// the last was answered, while Postgres crashes and comes back. Nothing is
// refused, lost, or out of order for any of them.
func TestPostgresAwayUnderLoad(t *testing.T) {
	t.Parallel()
	pg, d := ownPostgres(t)
	spool := filepath.Join(t.TempDir(), "spool")
	s := newSite(t, d, spool)
	s.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	const people, rate = 40, 1000
	const crash, back, end = 300, 1800, 2100 // answers, after which things happen
	var answers, refused atomic.Int64
	var slowest atomic.Int64
	var written [people][]string
	var running sync.WaitGroup
	began := time.Now()
	for p := range people {
		running.Go(func() {
			for n := 0; answers.Load() < end; n++ {
				time.Sleep(time.Until(began.Add(time.Duration(n*people+p) * time.Second / rate)))
				text := fmt.Sprintf("%d", n)
				body := url.Values{
					"AccountSid": {account}, "MessageSid": {sid(fmt.Sprintf("%x00%d", p, n))},
					"From": {fmt.Sprintf("whatsapp:+49151%08d", 20_000_000+p)}, "Body": {text},
				}.Encode()
				at := time.Now()
				code, _, err := s.post("/webhooks/twilio/inbound", body, s.signed("/webhooks/twilio/inbound", body))
				for took := int64(time.Since(at)); ; {
					if old := slowest.Load(); took <= old || slowest.CompareAndSwap(old, took) {
						break
					}
				}
				if err != nil || code != http.StatusOK {
					refused.Add(1)
				}
				written[p] = append(written[p], text)
				answers.Add(1)
			}
		})
	}
	reached := func(n int64) {
		require.Eventually(t, func() bool { return answers.Load() >= n }, 5*time.Minute, time.Millisecond)
	}
	reached(crash)
	pg.Crash()
	reached(back)
	pg.restart()
	reached(end)
	running.Wait()
	t.Logf("%d webhooks in %s, the slowest answer after %s", answers.Load(), time.Since(began).Round(time.Millisecond),
		time.Duration(slowest.Load()).Round(time.Millisecond))
	require.Zero(t, refused.Load())
	total := int(answers.Load())
	require.Eventually(t, func() bool {
		var n int
		err := d.NewRaw("SELECT count(*) FROM messages WHERE direction = 'inbound'").Scan(t.Context(), &n)
		return err == nil && n == total
	}, 5*time.Minute, 50*time.Millisecond, "nothing is lost")
	require.Positive(t, s.number(t, "SELECT count(*) FROM webhook_events WHERE source = 'spool'"))
	for p, want := range written {
		var got []string
		require.NoError(t, d.NewRaw("SELECT m.body FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE c.match_key = ? ORDER BY m.id", fmt.Sprintf("+49151%08d", 20_000_000+p)).Scan(t.Context(), &got))
		require.Equal(t, want, got)
	}
	require.Eventually(t, func() bool {
		left, err := filepath.Glob(filepath.Join(spool, "*.spool"))
		return err == nil && len(left) == 0
	}, time.Minute, 20*time.Millisecond, "the spool is empty again")
}
