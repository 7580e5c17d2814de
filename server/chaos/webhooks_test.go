package chaos

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

const (
	writers = 100 // contacts that write at once, each one message after the other
	others  = 100 // callers that bring receipts
)

// offered is a load of signed webhooks from outside.
type offered struct {
	i       *install
	token   string // that signs
	end     context.CancelFunc
	done    sync.WaitGroup
	began   time.Time
	client  *http.Client
	all     atomic.Int64 // sent, whatever was answered
	inbound [writers]int // of each contact
	status  [others]int
	refused atomic.Int64

	mu      sync.Mutex
	slowest time.Duration
	reason  string
}

// offer sends so many webhooks a second, half of them inbound messages.
func (i *install) offer(perSecond int) *offered {
	ctx, cancel := context.WithCancel(i.ctx)
	token, err := i.SandboxToken()
	require.NoError(i.t, err)
	o := &offered{i: i, token: token, end: cancel, began: time.Now(), client: &http.Client{
		Timeout:   15 * time.Second, // as Twilio
		Transport: &http.Transport{MaxIdleConnsPerHost: writers + others},
	}}
	every := time.Second * (writers + others) / time.Duration(perSecond)
	for w := range writers {
		o.done.Go(func() {
			o.caller(ctx, every, func(n int) {
				o.inbound[w] = n + 1
				o.post("/webhooks/twilio/inbound", url.Values{
					"MessageSid": {fmt.Sprintf("SM%016d%016d", w, n)}, "From": {contactOf(w)},
					"To":   {"whatsapp:" + sandbox.PhoneNumber},
					"Body": {fmt.Sprint(n)}, "AccountSid": {sandbox.AccountSID}, "NumMedia": {"0"},
				})
			})
		})
	}
	for w := range others {
		o.done.Go(func() {
			o.caller(ctx, every, func(n int) {
				o.status[w] = n + 1
				o.post("/webhooks/twilio/status", url.Values{
					"MessageSid": {fmt.Sprintf("SM0ffe7ed%012d%013d", w, n)}, "MessageStatus": {"read"},
					"From": {"whatsapp:" + sandbox.PhoneNumber},
					"To":   {contactOf(w)}, "AccountSid": {sandbox.AccountSID},
				})
			})
		})
	}
	return o
}

func contactOf(w int) string { return fmt.Sprintf("whatsapp:+49171%08d", w) }

// caller calls again and again at its pace, one after the other.
func (o *offered) caller(ctx context.Context, every time.Duration, call func(n int)) {
	for n := 0; ctx.Err() == nil; n++ {
		call(n)
		pause(ctx, time.Until(o.began.Add(time.Duration(n+1)*every)))
	}
}

func (o *offered) post(path string, params url.Values) {
	target := o.i.URL + path
	began := time.Now()
	req, err := http.NewRequestWithContext(o.i.ctx, http.MethodPost, target, strings.NewReader(params.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Twilio-Signature", twilio.Sign(o.token, target, params))
		var resp *http.Response
		if resp, err = o.client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode >= 300 {
				err = fmt.Errorf("answered %s", resp.Status)
			}
		}
	}
	o.all.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.slowest = max(o.slowest, time.Since(began))
	if err != nil {
		o.refused.Add(1)
		o.reason = err.Error()
	}
}

func (o *offered) sent() int { return int(o.all.Load()) }

// reach waits until so many were sent.
func (o *offered) reach(n int) {
	o.i.t.Helper()
	o.i.eventually("webhooks are sent", func() bool { return o.sent() >= n })
}

// verify ends the load, waits until all of it is applied, and holds what was stored
// against what was sent.
func (o *offered) verify() string {
	t, i := o.i.t, o.i
	t.Helper()
	o.end()
	o.done.Wait()
	perSecond := float64(o.sent()) / time.Since(o.began).Seconds()
	inbound, status := 0, 0
	for _, n := range o.inbound {
		inbound += n
	}
	for _, n := range o.status {
		status += n
	}
	require.Zero(t, o.refused.Load(), "none is refused: %s", o.reason)
	const ours = "FROM webhook_events WHERE kind = 'inbound' AND contact_key LIKE '+49171%'"
	i.eventually("none is lost", func() bool {
		return i.count("SELECT count(*) "+ours) == inbound && i.count("SELECT count(*) FROM webhook_events WHERE "+
			"sid LIKE 'SM0ffe7ed%'") == status
	})
	i.eventually("all are applied", func() bool {
		return i.count("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL") == 0
	})
	require.Equal(t, inbound, i.count("SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id "+
		"WHERE m.direction = 'inbound' AND c.address LIKE '+49171%'"))
	require.Zero(t, i.count(`SELECT count(*) FROM (
		SELECT m.body::int - lag(m.body::int) OVER (PARTITION BY m.contact_id ORDER BY m.id) AS step
		FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.direction = 'inbound' AND c.address LIKE '+49171%') x WHERE step <> 1`), "each contact's messages are in their order")
	spooled := i.count("SELECT count(*) FROM webhook_events WHERE source = 'spool'")
	require.Positive(t, spooled)
	return fmt.Sprintf("%d webhooks beside it, %.0f a second, slowest answer %.1f s: none lost, refused or out of "+
		"order; %d events through the spool, the campaign's receipts among them",
		o.sent(), perSecond, o.slowest.Seconds(), spooled)
}
