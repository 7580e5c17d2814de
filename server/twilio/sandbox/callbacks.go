package sandbox

import (
	"container/heap"
	"context"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"eventstream/server/twilio"
)

const callbackWorkers = 64

// step is one status that a message will take.
type step struct {
	status string
	code   int
	after  time.Duration // since the step before
}

// timer is a step that is due.
type timer struct {
	at time.Time
	fn func()
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}

// after runs fn on a worker later; the caller holds the lock.
func (s *Sandbox) after(d time.Duration, fn func()) {
	heap.Push(&s.timers, timer{time.Now().Add(d), fn})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Sandbox) schedule(ctx context.Context) {
	defer close(s.work)
	for {
		s.mu.Lock()
		wait := time.Hour
		var due func()
		if len(s.timers) > 0 {
			if wait = time.Until(s.timers[0].at); wait <= 0 {
				due = heap.Pop(&s.timers).(timer).fn
			}
		}
		s.mu.Unlock()
		if due != nil {
			select {
			case s.work <- due:
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-time.After(wait):
		}
	}
}

// plan decides what will become of an outbound message and starts it; the
// caller holds the lock, or is the only one.
func (s *Sandbox) plan(m *Message) {
	if m.Direction == "inbound" || rank[m.Status] >= rank["failed"] && m.Status != "delivered" {
		return
	}
	cfg := s.settings.Load()
	unit := time.Duration(cfg.DeliveryMS) * time.Millisecond
	spread := func(share float64) time.Duration {
		return time.Duration((0.3 + mathrand.ExpFloat64()*0.7) * share * float64(unit)) //nolint:gosec // simulated behavior
	}
	// What is queued longer than it is valid fails unsent. After a restart it was
	// queued for a while already.
	queued, valid := time.Duration(cfg.QueueMS)*time.Millisecond, defaultValidity
	if m.Validity > 0 {
		valid = m.Validity
	}
	valid = min(valid, longestQueue)
	left := func(d time.Duration) time.Duration { return max(d-time.Since(m.Created), 0) }
	code := s.fate(m)
	var plan []step
	switch {
	case queued > valid:
		plan = []step{{"failed", 30036, left(valid)}}
	case slices.Contains(failsAtOnce, code):
		plan = []step{{"failed", code, left(queued) + spread(0.3)}}
	case code != 0:
		plan = []step{{"sent", 0, left(queued) + spread(0.2)}, {"undelivered", code, spread(0.6)}}
	default:
		plan = []step{{"sent", 0, left(queued) + spread(0.2)}, {"delivered", 0, spread(0.6)}}
		if chance(cfg.ReadRate) {
			plan = append(plan, step{"read", 0, spread(1.5)})
		}
	}
	if m.Status == "accepted" { // a service takes a sender first
		plan = append([]step{{status: "queued"}}, plan...)
	}
	for i, st := range plan { // after a restart: go on behind what was reported already
		if st.status == m.Status || (m.Status == "delivered" && st.status == "undelivered") {
			plan = plan[i+1:]
			break
		}
	}
	m.plan = plan
	s.next(m)
}

// failsAtOnce are the errors after which a message is failed: it was never sent to WhatsApp.
var failsAtOnce = []int{63013, 63016, 63018, 63019, 63021, 63027, 63028, 63034, 63040, 63041, 63042}

// fate is the error that awaits the message, 0 for none.
func (s *Sandbox) fate(m *Message) int {
	open := time.Since(s.wroteLast(m.To)) < window
	content := s.contents[m.Content]
	switch {
	case m.Content == "" && !open:
		return 63016
	case m.Content != "" && content.refusal(open) != 0:
		return content.refusal(open)
	case m.fault != 0:
		return m.fault
	case m.Content != "" && content.Category == "MARKETING" && isUS(m.To) && !open:
		return 63049
	case !open && !s.within(m):
		return 63018
	}
	if cfg := s.settings.Load(); chance(cfg.UndeliveredRate) {
		return cfg.UndeliveredCode
	}
	return 0
}

// within counts the person to whom a message goes outside their window, and reports whether WhatsApp's limit of people a day
// has room for them.
func (s *Sandbox) within(m *Message) bool {
	limit := s.settings.Load().PortfolioLimit
	if limit == 0 {
		return true
	}
	for to, at := range s.written {
		if m.Created.Sub(at) >= window {
			delete(s.written, to)
		}
	}
	if _, counts := s.written[m.To]; !counts && len(s.written) >= limit {
		return false
	}
	s.written[m.To] = m.Created
	return true
}

// next schedules the first step of the plan; the caller holds the lock.
func (s *Sandbox) next(m *Message) {
	if len(m.plan) == 0 {
		return
	}
	wait := m.plan[0].after
	if len(m.plan) > 1 && chance(s.settings.Load().ReorderRate) { // the later callback overtakes
		m.plan[0], m.plan[1] = m.plan[1], m.plan[0]
	}
	s.after(wait, func() { s.take(m) })
}

// take moves the message one step on and tells whoever wants to know. Each
// callback goes its own way, as Twilio's do: one that must be tried again holds
// back neither the log nor the next one.
func (s *Sandbox) take(m *Message) {
	now := time.Now()
	cfg := s.settings.Load()
	s.mu.Lock()
	st := m.plan[0]
	m.plan = m.plan[1:]
	m.reach(st.status, st.code, now)
	s.next(m)
	if st.status == "delivered" && chance(cfg.ReplyRate) {
		from, to := strings.TrimPrefix(m.To, channel), strings.TrimPrefix(m.From, channel)
		userID := s.userIDs[m.To]
		text, more := s.answer(m)
		wait := time.Duration(1+mathrand.IntN(4)) * time.Second //nolint:gosec // simulated behavior
		s.after(wait, func() {
			if _, err := s.SendInboundWith(context.Background(), from, userID, to, text, "", more); err != nil {
				s.opts.Log.Debug("sandbox: reply not delivered", "error", err)
			}
		})
	}
	s.open(m, st.status, cfg)
	userID := s.userIDOf(m.To)
	s.mu.Unlock()
	// Kept after the callback: a kill in between repeats it.
	kept := func() { s.store.status(change{SID: m.SID, Status: st.status, Code: st.code, At: now}) }
	if m.Callback == "" || chance(cfg.CallbackLossRate) {
		kept()
		return
	}
	params := statusParams(m, st, userID)
	if chance(cfg.RepeatRate) {
		s.callback(newHook(m.Callback, params), func() {})
	}
	s.callback(newHook(m.Callback, params), kept)
}

var answers = []string{
	"Thank you!", "Great, I'll have a look.", "👍", "Is this still available?",
	"When do you open on Saturday?", "Perfect, thanks", "How long does the offer last?",
}

// hook is one webhook that we call, until it is taken or given up.
type hook struct {
	to      string
	params  url.Values
	token   string // the same for each try
	tries   int
	retries int
	after   func(what string) bool
	wait    time.Duration
	end     time.Time
}

const callbackTotal = 15 * time.Second

// newHook tries as Twilio does: once more, on failure to connect only, unless
// the URL's fragment overrides that (rc: how many, rp: after what). All tries
// together take at most fifteen seconds (usage/webhooks/webhooks-connection-overrides).
func newHook(to string, params url.Values) *hook {
	to, fragment, _ := strings.Cut(to, "#") // the fragment is not signed
	h := &hook{
		to: to, params: params, token: newSID(""), wait: 100 * time.Millisecond,
		end: time.Now().Add(callbackTotal),
	}
	h.retries, h.after = overrides(fragment)
	return h
}

// again says whether a failed try is followed by another, and when.
func (h *hook) again(err error) (wait time.Duration, ok bool) {
	what := "ct"
	if answered, ok := errors.AsType[answeredError](err); ok {
		what = strconv.Itoa(int(answered)/100) + "xx"
	} else if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		what = "rt"
	}
	wait = h.wait
	h.tries++
	h.wait *= 2
	return wait, h.tries <= h.retries && h.after(what) && time.Now().Add(wait).Before(h.end)
}

// callback calls a webhook and does what is to be done when that is over. A
// worker is taken for each try, not for the time between them.
func (s *Sandbox) callback(h *hook, over func()) {
	err := s.post(context.Background(), h)
	if err != nil {
		if wait, again := h.again(err); again {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.after(wait, func() { s.callback(h, over) })
			return
		}
		s.opts.Log.Debug("sandbox: callback failed", "error", err)
	}
	over()
}

// overrides reads rc and rp of a URL's fragment.
func overrides(fragment string) (retries int, after func(what string) bool) {
	retries, reasons := 1, []string{"ct"}
	for pair := range strings.SplitSeq(fragment, "&") {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "rc":
			if n, err := strconv.Atoi(value); err == nil && n >= 0 && n <= 5 {
				retries = n
			}
		case "rp":
			reasons = strings.Split(value, ",")
		}
	}
	return retries, func(what string) bool { return slices.Contains(reasons, what) || slices.Contains(reasons, "all") }
}

// answeredError is an answer other than yes.
type answeredError int

func (e answeredError) Error() string { return "answered " + strconv.Itoa(int(e)) }

func (s *Sandbox) post(ctx context.Context, h *hook) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.to, strings.NewReader(h.params.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	req.Header.Set("I-Twilio-Idempotency-Token", h.token)
	req.Header.Set("X-Home-Region", "us1")
	req.Header.Set("X-Twilio-Signature", twilio.Sign(s.token, h.to, h.params))
	resp, err := s.hooks.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode >= 300 {
		return answeredError(resp.StatusCode)
	}
	return nil
}

// statusParams are what Twilio was seen to send in 2026.
func statusParams(m *Message, st step, userID string) url.Values {
	p := url.Values{
		"ChannelPrefix": {"whatsapp"}, "ApiVersion": {"2010-04-01"}, "MessageStatus": {st.status}, "SmsSid": {m.SID},
		"SmsStatus":         {st.status},
		"ChannelInstallSid": {"XE" + AccountSID[2:]}, "To": {m.To}, "From": {m.From}, "MessageSid": {m.SID},
		"AccountSid": {AccountSID},
	}
	if m.Service != "" {
		p.Set("MessagingServiceSid", m.Service)
	}
	if st.status == "sent" {
		p.Set("StructuredMessage", strconv.FormatBool(m.Content != ""))
	}
	if userID != "" && (st.status == "delivered" || st.status == "read") {
		p.Set("ExternalUserId", userID)
	}
	if st.code != 0 {
		p.Set("ErrorCode", strconv.Itoa(st.code))
		p.Set("ChannelStatusMessage", "sandbox: "+string(twilio.Code(st.code).Title))
	}
	return p
}

func inboundParams(m *Message, profile string) url.Values {
	p := url.Values{
		"SmsMessageSid": {m.SID}, "NumMedia": {"0"}, "ProfileName": {profile}, "MessageType": {"text"},
		"SmsSid": {m.SID}, "SmsStatus": {"received"},
		"Body": {m.Body}, "To": {m.To}, "NumSegments": {"1"}, "ReferralNumMedia": {"0"}, "MessageSid": {m.SID},
		"AccountSid": {AccountSID},
		"From":       {m.From}, "ApiVersion": {"2010-04-01"},
		"ChannelMetadata": {`{"type":"whatsapp","data":{"context":{}}}`},
	}
	if digits, ok := strings.CutPrefix(m.From, channel+"+"); ok {
		p.Set("WaId", digits)
		if m.UserID != "" {
			p.Set("ExternalUserId", m.UserID)
		}
	} else {
		p.Set("ExternalUserId", m.From)
	}
	return p
}
