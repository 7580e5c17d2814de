package sandbox

import (
	"container/heap"
	"context"
	"errors"
	"io"
	mathrand "math/rand/v2"
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
	if m.Direction == "inbound" {
		return
	}
	unit := time.Duration(s.settings.DeliveryMS) * time.Millisecond
	spread := func(share float64) time.Duration {
		return time.Duration((0.3 + mathrand.ExpFloat64()*0.7) * share * float64(unit)) //nolint:gosec // moods
	}
	code := s.fate(m)
	var plan []step
	switch {
	case code == 63016 || code == 63040 || code == 63041 || code == 63027:
		plan = []step{{"failed", code, spread(0.3)}}
	case code != 0:
		plan = []step{{"sent", 0, spread(0.2)}, {"undelivered", code, spread(0.6)}}
	default:
		plan = []step{{"sent", 0, spread(0.2)}, {"delivered", 0, spread(0.6)}}
		if chance(s.settings.ReadRate) {
			plan = append(plan, step{"read", 0, spread(1.5)})
		}
	}
	for i, st := range plan { // after a restart: go on behind what was told already
		if st.status == m.Status || (m.Status == "delivered" && st.status == "undelivered") {
			plan = plan[i+1:]
			break
		}
	}
	if m.Status == "read" || m.Status == "failed" || m.Status == "undelivered" {
		return
	}
	m.plan = plan
	s.next(m)
}

// fate is the error that awaits the message, 0 for none.
func (s *Sandbox) fate(m *Message) int {
	open := time.Since(s.lastIn[m.To]) < window
	content := s.contents[m.Content]
	switch {
	case m.Content == "" && !open:
		return 63016
	case m.Content != "" && content == nil:
		return 63027
	case m.Content != "" && content.Status != "approved" && !open:
		return 63016
	case m.Content != "" && content.Category == "MARKETING" && isUS(m.To) && !open:
		return 63049
	case chance(s.settings.UndeliveredRate):
		return s.settings.UndeliveredCode
	}
	return 0
}

// next schedules the first step of the plan; the caller holds the lock.
func (s *Sandbox) next(m *Message) {
	if len(m.plan) == 0 {
		return
	}
	wait := m.plan[0].after
	if len(m.plan) > 1 && chance(s.settings.ReorderRate) { // the later callback overtakes
		m.plan[0], m.plan[1] = m.plan[1], m.plan[0]
	}
	s.after(wait, func() { s.take(m) })
}

// take moves the message one step on and tells whoever wants to know.
func (s *Sandbox) take(m *Message) {
	s.mu.Lock()
	st := m.plan[0]
	m.plan = m.plan[1:]
	params := statusParams(m, st)
	repeat := chance(s.settings.RepeatRate)
	reply := st.status == "delivered" && chance(s.settings.ReplyRate)
	s.mu.Unlock()
	if m.Callback != "" {
		times := 1
		if repeat {
			times = 2
		}
		for range times {
			s.callback(m.Callback, params)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Status, m.Code = st.status, st.code
	if now := time.Now(); st.status == "sent" {
		m.Sent = &now
	}
	s.store.status(m) // after the callback: a kill in between repeats it
	s.next(m)
	if reply {
		from, to := strings.TrimPrefix(m.To, channel), strings.TrimPrefix(m.From, channel)
		answer := answers[mathrand.IntN(len(answers))] //nolint:gosec // moods
		s.after(time.Duration(1+mathrand.IntN(4))*time.Second, func() {
			if _, err := s.SendInbound(context.Background(), from, to, answer, ""); err != nil {
				s.opts.Log.Debug("sandbox: reply not delivered", "error", err)
			}
		})
	}
}

var answers = []string{"Thank you!", "Great, I'll have a look.", "👍", "Is this still available?", "When do you open on Saturday?", "Perfect, thanks", "How long does the offer last?"}

// callback delivers as Twilio does: one retry, on failure to connect only,
// unless the URL's fragment overrides that (rc: how many, rp: after what). All
// tries together take at most fifteen seconds.
func (s *Sandbox) callback(to string, params url.Values) {
	_, fragment, _ := strings.Cut(to, "#")
	retries, after := overrides(fragment)
	wait := 100 * time.Millisecond
	for try, end := 0, time.Now().Add(callbackTotal); ; try++ {
		err := s.post(context.Background(), to, params)
		if err == nil {
			return
		}
		what := "ct"
		if answered, ok := errors.AsType[answeredError](err); ok {
			what = strconv.Itoa(int(answered)/100) + "xx"
		}
		if try >= retries || !after(what) || time.Now().Add(wait).After(end) {
			s.opts.Log.Debug("sandbox: callback failed", "error", err)
			return
		}
		time.Sleep(wait)
		wait *= 2
	}
}

const callbackTotal = 15 * time.Second

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

func (s *Sandbox) post(ctx context.Context, to string, params url.Values) error {
	target, _, _ := strings.Cut(to, "#") // the fragment holds overrides and is not signed
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(params.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	req.Header.Set("I-Twilio-Idempotency-Token", newSID(""))
	req.Header.Set("X-Home-Region", "us1")
	req.Header.Set("X-Twilio-Signature", twilio.Sign(AuthToken, target, params))
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
func statusParams(m *Message, st step) url.Values {
	p := url.Values{
		"ChannelPrefix": {"whatsapp"}, "ApiVersion": {"2010-04-01"}, "MessageStatus": {st.status}, "SmsSid": {m.SID}, "SmsStatus": {st.status},
		"ChannelInstallSid": {"XE" + AccountSID[2:]}, "To": {m.To}, "From": {m.From}, "MessageSid": {m.SID}, "AccountSid": {AccountSID},
	}
	if m.Service != "" {
		p.Set("MessagingServiceSid", m.Service)
	}
	if st.status == "sent" {
		p.Set("StructuredMessage", strconv.FormatBool(m.Content != ""))
	}
	if st.code != 0 {
		p.Set("ErrorCode", strconv.Itoa(st.code))
		p.Set("ChannelStatusMessage", "sandbox: "+twilio.Code(st.code).Title)
	}
	return p
}

func inboundParams(m *Message, profile string) url.Values {
	p := url.Values{
		"SmsMessageSid": {m.SID}, "NumMedia": {"0"}, "ProfileName": {profile}, "MessageType": {"text"}, "SmsSid": {m.SID}, "SmsStatus": {"received"},
		"Body": {m.Body}, "To": {m.To}, "NumSegments": {"1"}, "ReferralNumMedia": {"0"}, "MessageSid": {m.SID}, "AccountSid": {AccountSID},
		"From": {m.From}, "ApiVersion": {"2010-04-01"}, "ChannelMetadata": {`{"type":"whatsapp","data":{"context":{}}}`},
	}
	if digits, ok := strings.CutPrefix(m.From, channel+"+"); ok {
		p.Set("WaId", digits)
	} else {
		p.Set("ExternalUserId", m.From)
	}
	return p
}
