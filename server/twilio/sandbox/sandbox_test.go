package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/message"
	"eventstream/server/template"
	"eventstream/server/twilio"
	"eventstream/server/twilio/contract"

	"github.com/stretchr/testify/require"
)

// peer is a sandbox, a client of it, and the webhooks that it called.
type peer struct {
	*Sandbox
	*twilio.Client
	t        *testing.T
	dir      string
	urls     *httptest.Server
	contract *contract.Contract // of the calls that come in

	mu      sync.Mutex
	answer  int // of the webhooks
	called  []url.Values
	headers []http.Header
}

func start(t *testing.T, change func(*Settings)) *peer {
	t.Helper()
	p := &peer{t: t, dir: t.TempDir(), answer: http.StatusNoContent}
	p.urls = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.called, p.headers = append(p.called, r.PostForm), append(p.headers, r.Header)
		w.WriteHeader(p.answer)
	}))
	t.Cleanup(p.urls.Close)
	p.open()
	t.Cleanup(func() { p.Sandbox.Close() })
	p.set(func(s *Settings) {
		*s = Settings{UndeliveredCode: 63024}
		if change != nil {
			change(s)
		}
	})
	return p
}

func (p *peer) open() {
	p.t.Helper()
	var err error
	p.Sandbox, err = Start(Options{
		DataDir: p.dir, InboundURL: p.urls.URL + "/inbound#rc=2&rp=5xx",
		Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(p.t, err)
	p.contract = contract.Watch(p.t, p.Watch)
	p.Client, err = twilio.New(twilio.Options{
		AccountSID: AccountSID, AuthToken: p.AuthToken(), BaseURL: p.URL(),
		PublicURL: p.urls.URL,
	})
	require.NoError(p.t, err)
}

func (p *peer) set(change func(*Settings)) {
	p.t.Helper()
	s := p.Settings()
	change(&s)
	require.NoError(p.t, p.SetSettings(s))
}

func (p *peer) answers(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = status
}

// calls counts the webhooks that had this value.
func (p *peer) calls(name, value string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, params := range p.called {
		if params.Get(name) == value {
			n++
		}
	}
	return n
}

const (
	sender = PhoneNumber
	person = "+4915112345678"
)

// wrote opens a contact's window, so that texts may go there.
func (p *peer) wrote(contacts ...string) {
	for _, c := range contacts {
		p.Recall(c, time.Now())
	}
}

func (p *peer) send(out message.Outgoing) string {
	p.t.Helper()
	if out.From == "" {
		out.From = sender
	}
	if out.Body == "" && out.ContentSID == "" {
		out.Body = "Hi"
	}
	ok, err := p.Send(context.Background(), out)
	require.NoError(p.t, err)
	return ok.SID
}

func (p *peer) fetch(sid string) message.Logged {
	p.t.Helper()
	l, err := p.Fetch(context.Background(), sid)
	require.NoError(p.t, err)
	require.NotNil(p.t, l)
	return *l
}

func (p *peer) reaches(sid string, status message.Status) message.Logged {
	p.t.Helper()
	var l message.Logged
	require.Eventually(p.t, func() bool {
		l = p.fetch(sid)
		return l.Status == status
	}, 30*time.Second, 10*time.Millisecond)
	return l
}

func (p *peer) log(q message.LogQuery) message.LogAnswer {
	p.t.Helper()
	answer, err := p.Log(context.Background(), q)
	require.NoError(p.t, err)
	return answer
}

func TestWhatIsQueuedHasNoDateSent(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *Settings) { s.QueueMS = 3_600_000 })
	_, err := p.SendInbound(context.Background(), person, sender, "Hello", "") // the window outlives the process
	require.NoError(t, err)
	sid := p.send(message.Outgoing{To: person})
	since := time.Now().Add(-time.Hour)
	pair := p.log(message.LogQuery{Direction: message.Outbound, From: sender, To: person, Since: since})
	require.True(t, pair.Complete)
	require.Len(t, pair.Entries, 1)
	require.Equal(t, sid, pair.Entries[0].SID)
	require.Equal(t, message.StatusQueued, pair.Entries[0].Status)
	require.Nil(t, pair.Entries[0].Sent)
	bySender := p.log(message.LogQuery{Direction: message.Outbound, From: sender, Since: since})
	require.Empty(t, bySender.Entries, "a filter by date_sent hides it")
	require.False(t, bySender.Complete)

	p.set(func(s *Settings) { s.QueueMS = 0 })
	p.Sandbox.Close()
	p.open() // the queue is decided anew
	require.NotNil(t, p.reaches(sid, message.StatusDelivered).Sent)
	require.Len(t, p.log(message.LogQuery{Direction: message.Outbound, From: sender, Since: since}).Entries, 1)
}

func TestWhatIsQueuedTooLongFails(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *Settings) { s.QueueMS = 60_000 })
	p.wrote(person)
	l := p.reaches(p.send(message.Outgoing{To: person, Validity: time.Second}), message.StatusFailed)
	require.Equal(t, 30036, l.Code)
	require.Nil(t, l.Sent)
	require.Eventually(t, func() bool { return p.calls("ErrorCode", "30036") == 1 }, 30*time.Second,
		10*time.Millisecond)
	require.Equal(t, message.StatusQueued, p.fetch(p.send(message.Outgoing{To: person})).Status,
		"within Twilio's default")
}

func TestTheLogLagsBehindAndASIDDoesNot(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *Settings) { s.LogLagMS = 3_600_000 })
	p.wrote(person)
	sid := p.send(message.Outgoing{To: person})
	q := message.LogQuery{Direction: message.Outbound, From: sender, To: person}
	require.Empty(t, p.log(q).Entries)
	require.Equal(t, sid, p.fetch(sid).SID)
	p.set(func(s *Settings) { s.LogLagMS = 0 })
	require.Len(t, p.log(q).Entries, 1)
}

func TestASilentSandbox(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *Settings) { s.Silent = true })
	p.wrote(person)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := p.Send(ctx, message.Outgoing{From: sender, To: person, Body: "Hi"})
	require.Error(t, err)
	_, err = p.Log(ctx, message.LogQuery{})
	require.Error(t, err)
	require.Empty(t, p.Messages())
	p.set(func(s *Settings) { s.Silent = false })
	p.send(message.Outgoing{To: person})
}

func TestCallsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *Settings) { s.HangRate = 1 })
	p.wrote(person)
	unanswered := func(reached func() bool) {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error, 1)
		go func() {
			_, err := p.Send(ctx, message.Outgoing{From: sender, To: person, Body: "Hi"})
			result <- err
		}()
		require.Eventually(t, reached, 30*time.Second, 5*time.Millisecond)
		select {
		case err := <-result:
			t.Fatalf("answered: %v", err)
		default:
		}
		cancel()
		var failure *message.SendError
		require.ErrorAs(t, <-result, &failure)
		require.Equal(t, message.ClassAmbiguous, failure.Info.Class)
		require.Eventually(t, func() bool { return p.inFlight.Load() == 0 }, 30*time.Second, 5*time.Millisecond,
			"it sees the caller go")
	}
	unanswered(func() bool { return p.inFlight.Load() == 1 })
	require.Empty(t, p.Messages(), "nothing was accepted")
	p.set(func(s *Settings) { s.HangRate, s.DropAnswerRate = 0, 1 })
	unanswered(func() bool { return len(p.Messages()) == 1 })
}

// list reads the log without the client.
func (p *peer) list(path string) (rows []view, next string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.URL()+path, nil)
	require.NoError(p.t, err)
	req.SetBasicAuth(AccountSID, p.AuthToken())
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(p.t, http.StatusOK, resp.StatusCode)
	var page struct {
		Messages []view  `json:"messages"`
		Next     *string `json:"next_page_uri"`
	}
	require.NoError(p.t, json.NewDecoder(resp.Body).Decode(&page))
	if page.Next != nil {
		next = *page.Next
	}
	return page.Messages, next
}

const logPath = "/2010-04-01/Accounts/" + AccountSID + "/Messages.json?"

func TestTheLogsPages(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.wrote(person)
	var want []string
	for range 120 {
		want = append(want, p.send(message.Outgoing{To: person}))
	}
	var got []string
	pages := 0
	for next := logPath + "To=" + url.QueryEscape("whatsapp:"+person); next != ""; pages++ {
		var rows []view
		rows, next = p.list(next)
		for _, r := range rows {
			got = append([]string{r.SID}, got...)
		}
		p.send(message.Outgoing{To: person}) // what comes meanwhile moves no page
	}
	require.Equal(t, want, got, "newest first, nothing twice")
	require.Equal(t, 3, pages, "of 50 by default")
	rows, next := p.list(logPath + "PageSize=1000")
	require.Len(t, rows, 123)
	require.Empty(t, next)
}

func TestTheLogsFilters(t *testing.T) {
	t.Parallel()
	const service, bsuid = "MG00000000000000000000000000000000", "BR.1000000000000001"
	p := start(t, nil)
	p.wrote(person, bsuid)
	plain := p.send(message.Outgoing{To: person, Body: "to a number"})
	other := p.send(message.Outgoing{To: bsuid, Body: "to a BSUID"})
	served := p.send(message.Outgoing{From: service, To: person, Body: "by a service"})
	inbound, err := p.SendInbound(context.Background(), person, sender, "Hello", "Ada")
	require.NoError(t, err)
	for _, sid := range []string{plain, other, served} {
		p.reaches(sid, message.StatusDelivered)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	escaped := url.QueryEscape
	for filter, want := range map[string][]string{
		"":                                            {inbound, served, other, plain},
		"To=" + escaped("whatsapp:"+person):           {served, plain},
		"To=" + escaped("whatsapp:"+bsuid):            {other},
		"To=" + escaped("whatsapp:BR"):                {},
		"From=" + escaped("whatsapp:"+sender):         {other, plain},
		"From=" + escaped("whatsapp:"+person):         {inbound},
		"DateSent%3E=" + tomorrow + "&To=" + "nobody": {},
		"DateSent%3E=" + today + "T00:00:00Z&From=" + escaped("whatsapp:"+sender): {other, plain},
		"DateSent%3C=2020-01-01": {},
	} {
		rows, _ := p.list(logPath + filter)
		got := []string{}
		for _, r := range rows {
			got = append(got, r.SID)
		}
		require.Equal(t, want, got, filter)
	}
	require.Equal(t, "to a number", p.fetch(plain).Body)
	l := p.fetch(served)
	require.Empty(t, l.From, "the service chose it")
	require.Empty(t, l.Body)
	answer := p.log(message.LogQuery{Direction: message.Outbound, From: service, To: person})
	require.Len(t, answer.Entries, 1)
	require.Equal(t, served, answer.Entries[0].SID)
	answer = p.log(message.LogQuery{Direction: message.Inbound, To: sender, Since: time.Now().Add(-time.Hour)})
	require.True(t, answer.Complete)
	require.Len(t, answer.Entries, 1)
	require.Equal(t, "Hello", answer.Entries[0].Body)
	p.set(func(s *Settings) { s.RedactBodies = true })
	require.Empty(t, p.fetch(plain).Body)
}

// TestMarketingStopsAtTheUnitedStates: +1 is shared by many countries.
func TestMarketingStopsAtTheUnitedStates(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ctx := context.Background()
	content, err := p.Create(ctx, template.ContentSpec{Name: "offer", Language: "en", Kind: template.KindText, Body: "An offer for you today"})
	require.NoError(t, err)
	require.NoError(t, p.Submit(ctx, content, "offer", template.CategoryMarketing))
	decision, err := p.Decision(ctx, content)
	require.NoError(t, err)
	require.Equal(t, template.ApprovalApproved, decision.Approval)
	for number, code := range map[string]int{
		"+12125550123": 63049, "+14165550123": 0, "+18765550123": 0, "+18095550123": 0, "+4915112345678": 0,
		"US.1000000000000001": 63049, "CA.1000000000000001": 0,
	} {
		sid := p.send(message.Outgoing{To: number, ContentSID: content})
		want := message.StatusDelivered
		if code != 0 {
			want = message.StatusUndelivered
		}
		require.Equal(t, code, p.reaches(sid, want).Code, number)
	}
	p.set(func(s *Settings) { s.UndeliveredRate, s.UndeliveredCode = 1, 63049 })
	require.Equal(t, 63049, p.reaches(p.send(message.Outgoing{To: person, ContentSID: content}),
		message.StatusUndelivered).Code)
}

func TestWebhooksThatNeverCome(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *Settings) { s.CallbackLossRate, s.InboundLossRate = 1, 1 })
	p.wrote(person)
	p.reaches(p.send(message.Outgoing{To: person}), message.StatusDelivered)
	inbound, err := p.SendInbound(context.Background(), person, sender, "STOP", "")
	require.NoError(t, err)
	require.Equal(t, "STOP", p.fetch(inbound).Body, "the log has it")
	p.set(func(s *Settings) { s.CallbackLossRate, s.InboundLossRate = 0, 0 })
	p.send(message.Outgoing{To: person})
	require.Eventually(t, func() bool { return p.calls("MessageStatus", "delivered") == 1 }, 30*time.Second,
		10*time.Millisecond)
	require.Zero(t, p.calls("Body", "STOP"))
	p.mu.Lock()
	defer p.mu.Unlock()
	require.LessOrEqual(t, len(p.called), 2, "of the second message only")
}

// TestAWebhookIsTriedAgainAndHoldsNothingBack: each try has the same token, and
// the log goes on meanwhile.
func TestAWebhookIsTriedAgainAndHoldsNothingBack(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.wrote(person)
	p.answers(http.StatusServiceUnavailable)
	p.reaches(p.send(message.Outgoing{To: person}), message.StatusDelivered)
	require.Eventually(t, func() bool { return p.calls("MessageStatus", "sent") >= 2 }, 30*time.Second,
		10*time.Millisecond, "5xx is in the callback's rp")
	p.answers(http.StatusNoContent)
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		tokens := map[string]int{}
		for i, params := range p.called {
			tokens[params.Get("MessageStatus")+p.headers[i].Get("I-Twilio-Idempotency-Token")]++
		}
		return len(tokens) == 2
	}, 30*time.Second, 10*time.Millisecond)

	p.answers(http.StatusInternalServerError)
	_, err := p.SendInbound(context.Background(), person, sender, "again and again", "")
	require.ErrorContains(t, err, "500")
	require.Equal(t, 3, p.calls("Body", "again and again"), "rc=2")
	p.answers(http.StatusBadRequest)
	_, err = p.SendInbound(context.Background(), person, sender, "once", "")
	require.Error(t, err)
	require.Equal(t, 1, p.calls("Body", "once"), "4xx is not in rp")
}

func TestOvertakingCallbacksDoNotTurnTheLogBack(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *Settings) { s.ReorderRate = 1 })
	p.wrote(person)
	sid := p.send(message.Outgoing{To: person})
	require.Eventually(t, func() bool { return p.calls("MessageStatus", "sent") == 1 }, 30*time.Second,
		10*time.Millisecond)
	require.Equal(t, message.StatusDelivered, p.fetch(sid).Status)
	p.Sandbox.Close()
	log, err := ReadLog(p.dir)
	require.NoError(t, err)
	require.Equal(t, "delivered", log[0].Status)
	require.NotNil(t, log[0].Sent)
	p.open()
	require.Equal(t, message.StatusDelivered, p.fetch(sid).Status)
}

func TestWhatCanBeAnAddress(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]bool{
		"whatsapp:+4915112345678": true, "whatsapp:+5215512345678": true, "whatsapp:+556284123456": true,
		"whatsapp:+3906698123":         true,
		"whatsapp:BR.1000000000000001": true, "whatsapp:+1415523888": false, "whatsapp:+99912345678": false,
		"whatsapp:+1":    false,
		"+4915112345678": false, "whatsapp:hello": false, "whatsapp:": false, "whatsapp:+49151123456789012": false,
	} {
		_, ok := checkAddress(to)
		require.Equal(t, want, ok, to)
	}
}

func TestSettingsHaveBounds(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultSettings().Validate())
	for name, change := range map[string]func(*Settings){
		"latencyMs": func(s *Settings) { s.LatencyMS = 60_001 }, "queueMs": func(s *Settings) { s.QueueMS = -1 },
		"logLagMs": func(s *Settings) { s.LogLagMS = 86_400_001 }, "hangRate": func(s *Settings) { s.HangRate = 1.1 },
		"dropAnswerRate":   func(s *Settings) { s.DropAnswerRate = -0.1 },
		"callbackLossRate": func(s *Settings) { s.CallbackLossRate = 2 },
		"inboundLossRate":  func(s *Settings) { s.InboundLossRate = 2 },
		"undeliveredCode":  func(s *Settings) { s.UndeliveredCode = 7 },
		"concurrencyLimit": func(s *Settings) { s.ConcurrencyLimit = 10_001 },
		"portfolioLimit":   func(s *Settings) { s.PortfolioLimit = 100_001 },
	} {
		s := DefaultSettings()
		change(&s)
		require.ErrorContains(t, s.Validate(), name)
	}
}

// BenchmarkCreate is what a message costs the sandbox, without the network.
func BenchmarkCreate(b *testing.B) {
	s, err := Start(Options{DataDir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	defer s.Close()
	settings := Settings{DeliveryMS: 86_400_000, UndeliveredCode: 63024}
	require.NoError(b, s.SetSettings(settings))
	handler := s.handler()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		form := url.Values{
			"To": {fmt.Sprintf("whatsapp:+49151%08d", i%100_000_000)}, "From": {channel + PhoneNumber}, "Body": {"Hi"},
			"StatusCallback": {"http://127.0.0.1:1/webhooks/twilio/status?m=1#rc=5&rp=5xx,ct,rt"},
		}
		req := httptest.NewRequest(http.MethodPost, strings.TrimSuffix(logPath, "?"), strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(AccountSID, s.AuthToken())
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		if w.Code != http.StatusCreated {
			b.Fatal(w.Body.String())
		}
	}
}
