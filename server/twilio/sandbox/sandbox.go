// Package sandbox is a Twilio that runs on this machine: the same REST calls
// with the same credentials, error shapes and codes, the same signed callbacks
// over real HTTP, the 24-hour window and template approvals, and faults on
// request. It is a peer of the engine, not a mock: it keeps its own log and
// survives a kill of the process it runs in.
package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/contact"
	"eventstream/server/pause"
	"eventstream/server/provider"
)

// The sandbox's account. Its token is another one in each installation, see Token.
const (
	AccountSID  = provider.SandboxAccount
	PhoneNumber = "+14155238886" // Twilio's own sandbox number

	notASender = "+15005550007" // the one number that is no WhatsApp sender: error 63007

	window   = 24 * time.Hour
	keepLogs = 3 * 24 * time.Hour

	// How long a message may stay queued: ValidityPeriod's default, and less for
	// WhatsApp (messaging/api/message-resource, whatsapp/best-practices-and-faqs).
	defaultValidity = 36_000 * time.Second
	longestQueue    = 4 * time.Hour
)

// Settings say how the sandbox behaves. Rates are shares from 0 to 1.
type Settings struct {
	LatencyMS        int     `json:"latencyMs"`        // of each create call
	ApprovalMS       int     `json:"approvalMs"`       // until a template is decided
	QueueMS          int     `json:"queueMs"`          // until a message is sent; past its validity it fails
	LogLagMS         int     `json:"logLagMs"`         // until the log's list has a message; its SID finds it at once
	DeliveryMS       int     `json:"deliveryMs"`       // typical time from the queue's end to delivered
	ReadRate         float64 `json:"readRate"`         // of what is delivered
	ClickRate        float64 `json:"clickRate"`        // of what is read and has a link of ours on a button: they open it
	ReplyRate        float64 `json:"replyRate"`        // of what is delivered: the contact answers something kind
	UndeliveredRate  float64 `json:"undeliveredRate"`  // accepted, then undelivered with UndeliveredCode
	UndeliveredCode  int     `json:"undeliveredCode"`  //
	TooManyRate      float64 `json:"tooManyRate"`      // create answers 429, nothing accepted
	ServerErrorRate  float64 `json:"serverErrorRate"`  // create answers 500; half of them were accepted
	CutRate          float64 `json:"cutRate"`          // accepted, then the connection is cut
	EmptyRate        float64 `json:"emptyRate"`        // accepted, 201 with an empty body
	HangRate         float64 `json:"hangRate"`         // create never answers, nothing accepted
	DropAnswerRate   float64 `json:"dropAnswerRate"`   // accepted, then no answer and the connection stays open
	RepeatRate       float64 `json:"repeatRate"`       // callbacks sent twice
	ReorderRate      float64 `json:"reorderRate"`      // callbacks that overtake the one before
	CallbackLossRate float64 `json:"callbackLossRate"` // status callbacks that never come
	InboundLossRate  float64 `json:"inboundLossRate"`  // inbound messages in the log whose webhook never comes
	ConcurrencyLimit int     `json:"concurrencyLimit"` // create calls at once before 429; 0 = none
	PortfolioLimit   int     `json:"portfolioLimit"`   // people within 24 hours outside their windows before 63018; 0 = none
	RedactBodies     bool    `json:"redactBodies"`     // the log has no texts, as where they are not retained
	Silent           bool    `json:"silent"`           // every REST call is taken and never answered
}

// DefaultSettings behave like a good day.
func DefaultSettings() Settings {
	return Settings{
		LatencyMS: 15, ApprovalMS: 1500, LogLagMS: 100, DeliveryMS: 1200, ReadRate: 0.6, ClickRate: 0.3, ReplyRate: 0.02,
		UndeliveredRate: 0.01, UndeliveredCode: 63024,
	}
}

// Validate names what is out of range.
func (s Settings) Validate() error {
	const day = 86_400_000 // phones may be off that long
	for _, f := range []struct {
		name   string
		v, max int
		unit   string
	}{
		{"latencyMs", s.LatencyMS, 60_000, " ms"},
		{"approvalMs", s.ApprovalMS, 60_000, " ms"},
		{"queueMs", s.QueueMS, day, " ms"},
		{"logLagMs", s.LogLagMS, day, " ms"},
		{"deliveryMs", s.DeliveryMS, day, " ms"},
		{"concurrencyLimit", s.ConcurrencyLimit, 10_000, ""},
		{"portfolioLimit", s.PortfolioLimit, 100_000, ""},
	} {
		if f.v < 0 || f.v > f.max {
			return fmt.Errorf("%s: %d is out of range: 0 to %d%s", f.name, f.v, f.max, f.unit)
		}
	}
	if s.UndeliveredCode < 10_000 || s.UndeliveredCode > 99_999 {
		return fmt.Errorf("undeliveredCode: %d is no Twilio error code", s.UndeliveredCode)
	}
	for _, f := range []struct {
		name string
		v    float64
	}{
		{"readRate", s.ReadRate},
		{"clickRate", s.ClickRate},
		{"replyRate", s.ReplyRate},
		{"undeliveredRate", s.UndeliveredRate},
		{"tooManyRate", s.TooManyRate},
		{"serverErrorRate", s.ServerErrorRate},
		{"cutRate", s.CutRate},
		{"emptyRate", s.EmptyRate},
		{"hangRate", s.HangRate},
		{"dropAnswerRate", s.DropAnswerRate},
		{"repeatRate", s.RepeatRate},
		{"reorderRate", s.ReorderRate},
		{"callbackLossRate", s.CallbackLossRate},
		{"inboundLossRate", s.InboundLossRate},
	} {
		if !(f.v >= 0 && f.v <= 1) {
			return fmt.Errorf("%s: %g is out of range: 0 to 1", f.name, f.v)
		}
	}
	return nil
}

// Message is one entry of the sandbox's log, as Twilio would keep it.
type Message struct {
	SID       string            `json:"sid"`
	Direction string            `json:"dir"` // outbound-api or inbound
	From      string            `json:"from"`
	To        string            `json:"to"`
	Service   string            `json:"mg,omitempty"`
	Body      string            `json:"body"`
	Content   string            `json:"content,omitempty"`
	Variables map[string]string `json:"vars,omitempty"`
	Callback  string            `json:"cb,omitempty"`
	Status    string            `json:"status"`
	Code      int               `json:"code,omitempty"`
	Validity  time.Duration     `json:"validity,omitempty"` // how long it may be queued; 0: Twilio's default
	Asked     time.Time         `json:"asked,omitzero"`     // when the call that created it came, before its latency; zero for an inbound one
	Created   time.Time         `json:"at"`
	Sent      *time.Time        `json:"sent,omitempty"`  // nil while it is queued
	UserID    string            `json:"user,omitempty"`  // of an inbound one: the id that came beside From
	Media     []string          `json:"media,omitempty"` // SIDs
	plan      []step
	place     int // in the log
	fault     int // the error that its content template brings about; 0: none
}

// listedFrom is the sender as the log shows it: none where a service chose it.
func (m *Message) listedFrom() string {
	if m.Service != "" {
		return ""
	}
	return m.From
}

// rank orders statuses. Callbacks may overtake one another; the log only rises.
var rank = map[string]int{
	"accepted": 0, "queued": 1, "sent": 2, "failed": 3, "undelivered": 3, "delivered": 4, "read": 5, "received": 5,
}

// final tells whether nothing more will become of its delivery.
func (m *Message) final() bool { return rank[m.Status] >= rank["failed"] }

// reach moves the message on, unless it is further already.
func (m *Message) reach(status string, code int, at time.Time) {
	if m.Sent == nil && status != "queued" && status != "failed" {
		m.Sent = &at
	}
	if rank[status] > rank[m.Status] {
		m.Status, m.Code = status, code
	}
}

// Options say where the sandbox listens and whom it calls.
type Options struct {
	DataDir    string // its log and settings
	InboundURL string // where inbound messages go
	OwnURL     string // of the product: short links are opened there, whatever their host; "": nobody opens any
	Addr       string // where it listens; taken by others, or "": a free port of this machine
	Log        *slog.Logger
}

// Sandbox is a running Twilio.
type Sandbox struct {
	opts  Options
	token string
	url   string
	http  *http.Server
	hooks *http.Client
	phone *http.Client // opens links
	store *store

	settings atomic.Pointer[Settings]
	watched  atomic.Pointer[http.Handler] // what takes the calls instead, where somebody watches
	fetched  fetched
	inFlight atomic.Int64

	mu       sync.Mutex
	messages map[string]*Message
	order    []*Message            // in order of creation
	to, from map[string][]*Message // by address as the log shows it, in order of creation
	contents map[string]*Content
	lastIn   map[string]time.Time // contact → last inbound
	userIDs  map[string]string    // contact → the id that came beside their number
	written  map[string]time.Time // contact → when a message outside their window went last, while there is a limit
	webhook  *Webhook             // of the sender; nil: as the sandbox was started
	timers   timerHeap
	wake     chan struct{}
	work     chan func()
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// Start opens the log, goes on with what was under way, and listens on a free
// port of the loopback interface.
func Start(opts Options) (*Sandbox, error) {
	s := empty()
	s.opts = opts
	s.hooks = &http.Client{
		Timeout:   callbackTotal,
		Transport: &http.Transport{MaxIdleConnsPerHost: callbackWorkers, MaxConnsPerHost: callbackWorkers},
	}
	s.phone = newPhone()
	var err error
	if s.token, err = Token(opts.DataDir); err != nil {
		return nil, err
	}
	if s.store, err = openStore(opts.DataDir, s); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	listener, err := listen(opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.http = &http.Server{
		Handler: s.watchable(), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.done.Go(func() { _ = s.http.Serve(listener) })
	s.done.Go(func() { s.schedule(ctx) })
	for range callbackWorkers {
		s.done.Go(func() {
			for fn := range s.work {
				fn()
			}
		})
	}
	return s, nil
}

func (s *Sandbox) watchable() http.Handler {
	plain := s.handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if watched := s.watched.Load(); watched != nil {
			(*watched).ServeHTTP(w, r)
			return
		}
		plain.ServeHTTP(w, r)
	})
}

func empty() *Sandbox {
	s := &Sandbox{
		messages: map[string]*Message{}, to: map[string][]*Message{}, from: map[string][]*Message{},
		fetched:  fetched{files: map[string]fetchedFile{}},
		contents: map[string]*Content{}, lastIn: map[string]time.Time{}, userIDs: map[string]string{},
		written: map[string]time.Time{},
		wake:    make(chan struct{}, 1), work: make(chan func()),
	}
	settings := DefaultSettings()
	s.settings.Store(&settings)
	return s
}

func listen(addr string) (net.Listener, error) {
	if addr != "" {
		if l, err := net.Listen("tcp", addr); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// URL is the base for REST calls.
func (s *Sandbox) URL() string { return s.url }

// AuthToken is the token that its account's calls need and its webhooks are signed with.
func (s *Sandbox) AuthToken() string { return s.token }

// SetInboundURL says where inbound messages go.
func (s *Sandbox) SetInboundURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.InboundURL = u
}

// Close stops callbacks first, so that none is lost to a server that is going
// down; they go on at the next start.
func (s *Sandbox) Close() {
	s.stop()
	_ = s.http.Close()
	s.done.Wait()
	s.store.close()
}

// Watch lets whoever tests see each call and its answer from now on: around gets what takes them, and gives what takes them
// instead.
func (s *Sandbox) Watch(around func(http.Handler) http.Handler) {
	watched := around(s.handler())
	s.watched.Store(&watched)
}

// Settings gives the present ones.
func (s *Sandbox) Settings() Settings { return *s.settings.Load() }

// SetSettings changes the behaviour from now on.
func (s *Sandbox) SetSettings(next Settings) error {
	if err := next.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings.Store(&next)
	return s.store.saveSettings(next)
}

// Messages copies the log, oldest first.
func (s *Sandbox) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Message, len(s.order))
	for i, m := range s.order {
		out[i] = *m
	}
	return out
}

// SendInbound lets a contact write to us: it reaches the webhook signed, and is
// tried again, as from Twilio. from is a number or BSUID, to one of our senders.
func (s *Sandbox) SendInbound(ctx context.Context, from, to, body, profile string) (string, error) {
	return s.SendInboundAs(ctx, from, "", to, body, profile)
}

// SendInboundAs is SendInbound of somebody whose id the webhook names beside the
// number. From then on receipts name it too, as Twilio's do, and the two are one
// account: whichever of them writes opens the window of both.
func (s *Sandbox) SendInboundAs(ctx context.Context, from, userID, to, body, profile string) (string, error) {
	return s.SendInboundWith(ctx, from, userID, to, body, profile, nil)
}

// SendInboundWith is SendInboundAs with further parameters of the webhook, such as
// those of a location, a button or media.
func (s *Sandbox) SendInboundWith(ctx context.Context, from, userID, to, body, profile string,
	more map[string]string,
) (string, error) {
	now := time.Now()
	m := &Message{
		SID: newSID("SM"), Direction: "inbound", From: channel + from, To: channel + to, Body: body, Status: "received",
		Created: now, Sent: &now, UserID: userID,
	}
	if n, err := strconv.Atoi(more["NumMedia"]); err == nil {
		for range min(n, 10) {
			m.Media = append(m.Media, newSID("ME"))
		}
		if len(m.Media) > 0 {
			m.SID = newSID("MM")
		}
	}
	s.store.message(m)
	s.mu.Lock()
	s.add(m)
	s.mu.Unlock()
	if chance(s.settings.Load().InboundLossRate) {
		return m.SID, nil
	}
	params := inboundParams(m, profile)
	for i, sid := range m.Media { // as Twilio names them, unless more does
		n := strconv.Itoa(i)
		params.Set("MediaUrl"+n, "https://api.twilio.com/2010-04-01/Accounts/"+AccountSID+"/Messages/"+m.SID+"/Media/"+sid)
		params.Set("MediaContentType"+n, "image/png")
	}
	for name, value := range more {
		params.Set(name, value)
	}
	err := errNowhere
	for _, address := range s.inboundURLs() {
		if err = s.postAgain(ctx, newHook(address, params)); err == nil || ctx.Err() != nil {
			break
		}
	}
	return m.SID, err
}

// errNowhere is that the sender has no webhook.
var errNowhere = errors.New("the sender has no webhook")

// postAgain calls a webhook as often as it says.
func (s *Sandbox) postAgain(ctx context.Context, hook *hook) error {
	for {
		err := s.post(ctx, hook)
		if err == nil {
			return nil
		}
		wait, again := hook.again(err)
		if !again {
			return fmt.Errorf("the inbound webhook: %w", err)
		}
		if err := pause.For(ctx, wait); err != nil {
			return err
		}
	}
}

// add puts a message, which is stored already, into the log; the caller holds
// the lock, or is the only one.
func (s *Sandbox) add(m *Message) {
	m.place = len(s.order)
	s.messages[m.SID] = m
	s.order = append(s.order, m)
	s.to[m.To] = append(s.to[m.To], m)
	if from := m.listedFrom(); from != "" {
		s.from[from] = append(s.from[from], m)
	}
	if m.Direction == "inbound" {
		s.lastIn[m.From] = m.Created
		if m.UserID != "" {
			s.userIDs[m.From] = m.UserID
			s.lastIn[channel+m.UserID] = m.Created
		}
	}
}

// wroteLast is when the account last wrote to us that has this address; the caller
// holds the lock.
func (s *Sandbox) wroteLast(address string) time.Time {
	at := s.lastIn[address]
	if id := s.userIDs[address]; id != "" && s.lastIn[channel+id].After(at) {
		at = s.lastIn[channel+id]
	}
	return at
}

// userIDOf is the id of the account that has this address, "" when nobody told it;
// the caller holds the lock.
func (s *Sandbox) userIDOf(address string) string {
	if !strings.HasPrefix(address, channel+"+") {
		return strings.TrimPrefix(address, channel)
	}
	return s.userIDs[address]
}

// Finish has a message delivered now, without a callback.
func (s *Sandbox) Finish(sid string) {
	now := time.Now()
	s.store.status(change{SID: sid, Status: "delivered", At: now})
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[sid]; m != nil {
		m.reach("delivered", 0, now)
	}
}

// Recall tells the sandbox of a message that somebody wrote to us before it
// came to be: demo data has a past that it did not see.
func (s *Sandbox) Recall(address string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to := channel + address; at.After(s.lastIn[to]) {
		s.lastIn[to] = at
	}
}

const channel = "whatsapp:"

func newSID(prefix string) string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	return prefix + hex.EncodeToString(raw)
}

// chance draws from the shares; its behavior needs no secret randomness.
func chance(share float64) bool { return share > 0 && mathrand.Float64() < share } //nolint:gosec // see above

// isUS reports whether a contact's number belongs to the United States. +1 is
// shared by twenty-five countries, and only one of them gets no marketing.
func isUS(address string) bool {
	a, err := contact.ParseAddress(address, "")
	return err == nil && a.Region == "US"
}
