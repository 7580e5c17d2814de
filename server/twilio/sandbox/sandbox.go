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
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The sandbox's account. The token is no secret: it opens nothing but this
// machine's own sandbox.
const (
	AccountSID  = "AC5a4db0f5a4db0f5a4db0f5a4db0f5a4d"
	AuthToken   = "5a4db0f05a4db0f05a4db0f05a4db0f0" //nolint:gosec // see above
	PhoneNumber = "+14155238886"                     // Twilio's own sandbox number

	notASender = "+15005550007" // the one number that is no WhatsApp sender: error 63007

	window   = 24 * time.Hour
	keepLogs = 3 * 24 * time.Hour
)

// Settings say how the sandbox behaves. Rates are shares from 0 to 1.
type Settings struct {
	LatencyMS        int     `json:"latencyMs"`        // of each create call
	ApprovalMS       int     `json:"approvalMs"`       // until a template is decided
	DeliveryMS       int     `json:"deliveryMs"`       // typical time from accepted to delivered
	ReadRate         float64 `json:"readRate"`         // of what is delivered
	ReplyRate        float64 `json:"replyRate"`        // of what is delivered: the contact answers something kind
	UndeliveredRate  float64 `json:"undeliveredRate"`  // accepted, then undelivered with UndeliveredCode
	UndeliveredCode  int     `json:"undeliveredCode"`  //
	TooManyRate      float64 `json:"tooManyRate"`      // create answers 429, nothing accepted
	ServerErrorRate  float64 `json:"serverErrorRate"`  // create answers 500; half of them were accepted
	CutRate          float64 `json:"cutRate"`          // accepted, then the connection is cut
	EmptyRate        float64 `json:"emptyRate"`        // accepted, 201 with an empty body
	RepeatRate       float64 `json:"repeatRate"`       // callbacks sent twice
	ReorderRate      float64 `json:"reorderRate"`      // callbacks that overtake the one before
	ConcurrencyLimit int     `json:"concurrencyLimit"` // create calls at once before 429; 0 = none
}

// DefaultSettings behave like a good day.
func DefaultSettings() Settings {
	return Settings{LatencyMS: 15, ApprovalMS: 1500, DeliveryMS: 1200, ReadRate: 0.6, ReplyRate: 0.02, UndeliveredRate: 0.01, UndeliveredCode: 63024}
}

// Validate names what is out of range.
func (s Settings) Validate() error {
	for name, v := range map[string]int{"latencyMs": s.LatencyMS, "approvalMs": s.ApprovalMS} {
		if v < 0 || v > 60_000 {
			return fmt.Errorf("%s: %d is out of range: 0 to 60,000 ms", name, v)
		}
	}
	if s.DeliveryMS < 0 || s.DeliveryMS > 86_400_000 { // phones may be off for a day
		return fmt.Errorf("deliveryMs: %d is out of range: 0 to 86,400,000 ms", s.DeliveryMS)
	}
	if s.ConcurrencyLimit < 0 || s.ConcurrencyLimit > 10_000 {
		return fmt.Errorf("concurrencyLimit: %d is out of range: 0 to 10,000", s.ConcurrencyLimit)
	}
	if s.UndeliveredCode < 10_000 || s.UndeliveredCode > 99_999 {
		return fmt.Errorf("undeliveredCode: %d is no Twilio error code", s.UndeliveredCode)
	}
	for name, v := range map[string]float64{
		"readRate": s.ReadRate, "replyRate": s.ReplyRate, "undeliveredRate": s.UndeliveredRate, "tooManyRate": s.TooManyRate,
		"serverErrorRate": s.ServerErrorRate, "cutRate": s.CutRate, "emptyRate": s.EmptyRate, "repeatRate": s.RepeatRate, "reorderRate": s.ReorderRate,
	} {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%s: %g is out of range: 0 to 1", name, v)
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
	Created   time.Time         `json:"at"`
	Sent      *time.Time        `json:"sent,omitempty"`
	plan      []step
}

// Content is a content template.
type Content struct {
	SID       string            `json:"sid"`
	Name      string            `json:"name"`
	Language  string            `json:"lang"`
	Body      string            `json:"body"`
	Variables map[string]string `json:"vars"`
	Category  string            `json:"category,omitempty"`
	Status    string            `json:"status"` // unsubmitted, received, approved, rejected
	Reason    string            `json:"reason,omitempty"`
	Created   time.Time         `json:"at"`
	DecideAt  time.Time         `json:"decide"`
}

// Options say where the sandbox listens and whom it calls.
type Options struct {
	DataDir    string // its log and settings
	InboundURL string // where inbound messages go
	Addr       string // where it listens; taken by others, or "": a free port of this machine
	Log        *slog.Logger
}

// Sandbox is a running Twilio.
type Sandbox struct {
	opts  Options
	url   string
	http  *http.Server
	hooks *http.Client
	store *store

	mu       sync.Mutex
	settings Settings
	messages map[string]*Message
	order    []*Message
	contents map[string]*Content
	lastIn   map[string]time.Time // contact → last inbound
	inFlight int
	timers   timerHeap
	wake     chan struct{}
	work     chan func()
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// Start opens the log, goes on with what was under way, and listens on a free
// port of the loopback interface.
func Start(opts Options) (*Sandbox, error) {
	s := &Sandbox{
		opts: opts, settings: DefaultSettings(), messages: map[string]*Message{}, contents: map[string]*Content{},
		lastIn: map[string]time.Time{}, wake: make(chan struct{}, 1), work: make(chan func()),
		hooks: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: callbackWorkers, MaxConnsPerHost: callbackWorkers}},
	}
	var err error
	if s.store, err = openStore(opts.DataDir, s); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	listener, err := listen(opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug)}
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

// Settings gives the present ones.
func (s *Sandbox) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// SetSettings changes the behaviour from now on.
func (s *Sandbox) SetSettings(next Settings) error {
	if err := next.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = next
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

// SendInbound lets a contact write to us: it reaches the webhook signed, as
// from Twilio. from is a number or BSUID, to one of our senders.
func (s *Sandbox) SendInbound(ctx context.Context, from, to, body, profile string) (string, error) {
	m := &Message{SID: newSID("SM"), Direction: "inbound", From: channel + from, To: channel + to, Body: body, Status: "received", Created: time.Now()}
	s.mu.Lock()
	s.add(m)
	inbound := s.opts.InboundURL
	s.mu.Unlock()
	if err := s.post(ctx, inbound, inboundParams(m, profile)); err != nil {
		return m.SID, fmt.Errorf("the inbound webhook: %w", err)
	}
	return m.SID, nil
}

// add puts a message into the log; the caller holds the lock.
func (s *Sandbox) add(m *Message) {
	s.messages[m.SID] = m
	s.order = append(s.order, m)
	if m.Direction == "inbound" {
		s.lastIn[m.From] = m.Created
	}
	s.store.message(m)
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

// chance draws from the shares; the sandbox's moods need no secret randomness.
func chance(share float64) bool { return share > 0 && mathrand.Float64() < share } //nolint:gosec // see above

func isUS(address string) bool { return strings.HasPrefix(address, channel+"+1") }
