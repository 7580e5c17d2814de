package message

import (
	"context"
	"errors"
	"time"

	"eventstream/server/price"
	"eventstream/server/say"
)

// Outgoing is one call to the provider.
type Outgoing struct {
	MessageID        int64  // comes back in the status callbacks
	From, To         string // addresses without a channel prefix, or MG… as From
	Body             string // free text, inside the session window only; with Media its caption
	Media            string // the path of a file on this server, inside the session window only; "": none
	ContentSID       string // approved template; then Body is for our own record
	ContentVariables map[string]string
	Validity         time.Duration // how long the provider may keep it queued before it fails it; 0: its default

	// Begin is asked when a connection is ready and before the first byte of the
	// request leaves: getting there may have taken long, and the process may have been
	// stopped meanwhile. It may take a moment itself. After a no, Send gives
	// ErrNotBegun and nothing was sent. nil: yes.
	Begin func() bool
}

// ErrNotBegun is what Send gives when Outgoing.Begin said no: nothing was sent.
var ErrNotBegun = errors.New("the call was not begun")

// Accepted is the provider's yes.
type Accepted struct {
	SID    string
	Status Status
}

// LogQuery asks for entries of the provider's own log.
type LogQuery struct {
	Direction Direction // what we sent, or what was sent to us
	From, To  string    // addresses without a channel prefix, or MG… as From; "" is any
	Since     time.Time // created at or after
	Until     time.Time // created before; zero: until now
}

// Logged is one entry of the provider's own log.
type Logged struct {
	SID       string
	Direction Direction
	From, To  string   // addresses without a channel prefix; From is "" where a messaging service chose it
	Body      string   // "" where the provider does not tell it
	Media     []string // only Fetch tells it
	Status    Status
	Code      int
	Created   time.Time  // when the provider took it, in whole seconds
	Sent      *time.Time // nil while the provider queues it

	Price         *price.Micros // what the provider says that it cost; nil: it tells none, or none yet
	PriceCurrency string
}

// LogAnswer is what the log said.
type LogAnswer struct {
	Entries []Logged

	// Complete: every page was read and nothing was filtered by what an entry may
	// lack, so that an entry that the log has now is among Entries. An entry that
	// the provider has not logged yet may still be missing: who concludes from
	// absence also waits until the message can no longer be queued.
	Complete bool
}

// Provider sends, and tells what it knows. Errors of Send are *SendError or ErrNotBegun.
type Provider interface {
	// Send makes exactly one attempt.
	Send(ctx context.Context, out Outgoing) (Accepted, error)
	// Log reads the provider's log. The answer says whether it is complete.
	Log(ctx context.Context, q LogQuery) (LogAnswer, error)
	// Fetch reads one entry of the log by its SID; nil when there is none.
	Fetch(ctx context.Context, sid string) (*Logged, error)
}

// Class says what an error means for the message and what to do.
type Class string

// Classes of errors.
const (
	ClassRetry            Class = "retry"             // later, the same request
	ClassAmbiguous        Class = "ambiguous"         // it may have been accepted: find out before anything else
	ClassFixFirst         Class = "fix_first"         // nothing of the kind will go until somebody corrects the cause
	ClassPermanentMessage Class = "permanent_message" // this message will never go
	ClassPermanentContact Class = "permanent_contact" // nothing will ever go to this contact
)

// Scope is what an error is about: whom a fix-first error stops, and who holds
// back after one to retry. "" is the message alone.
type Scope string

// Scopes.
const (
	ScopeAccount  Scope = "account"
	ScopeSender   Scope = "sender"
	ScopeTemplate Scope = "template"
	ScopeCampaign Scope = "campaign"
)

// Effect is what an error tells about the contact.
type Effect string

// Effects.
const (
	EffectNone        Effect = ""
	EffectUnreachable Effect = "unreachable" // the address has no WhatsApp
	EffectOptOut      Effect = "opt_out"     // they do not want messages
	EffectIneligible  Effect = "ineligible"  // WhatsApp gives them no marketing
)

// CodeInfo is what is known about one of Twilio's error codes.
type CodeInfo struct {
	Code   int
	Title  say.Format
	Advice say.Format
	Class  Class
	Scope  Scope
	Effect Effect
	Delay  time.Duration // for retries of a refused call: how long at least

	// EffectFor is how long the effect on the contact lasts: neither mark is for
	// ever, people get WhatsApp or new phones. 0 for effects without an end.
	EffectFor time.Duration
	// Redeliver says whether a message that the provider accepted, and that then
	// failed with this code, is sent again by itself; nil: never.
	Redeliver *Redelivery

	// Overload: the provider wants fewer calls at once.
	Overload bool
}

// Redelivery is how a message that failed after it was accepted is sent again:
// each time is an attempt with a SID of its own.
type Redelivery struct {
	Delays    []time.Duration // before each further attempt; their number is the most there are
	Within    time.Duration   // since the message was first accepted; later it is given up
	NotRegion []string        // contacts of these regions (ISO 3166-1) get no further attempt
}

// SendError is a failed call.
type SendError struct {
	Info       CodeInfo
	HTTPStatus int           // 0: no answer
	RetryAfter time.Duration // what the provider asked for, 0 = nothing
	Text       string        // what the provider said, safe for operators
	cause      error
}

// NewSendError makes one.
func NewSendError(info CodeInfo, status int, text string, retryAfter time.Duration, cause error) *SendError {
	return &SendError{Info: info, HTTPStatus: status, Text: text, RetryAfter: retryAfter, cause: cause}
}

func (e *SendError) Error() string { return e.Text }

// Unwrap gives the cause.
func (e *SendError) Unwrap() error { return e.cause }
