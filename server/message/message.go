// Package message holds what goes out and comes in, and where each message
// stands.
package message

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"

	"eventstream/server/jobs"
)

// Direction of a message.
type Direction string

// Directions.
const (
	Outbound Direction = "outbound"
	Inbound  Direction = "inbound"
)

// Purpose is why a message exists.
type Purpose string

// Purposes.
const (
	PurposeCampaign     Purpose = "campaign"
	PurposeTest         Purpose = "test"         // an operator tries a template
	PurposeConfirmation Purpose = "confirmation" // the one answer to STOP or START
	PurposeReply        Purpose = "reply"        // an operator answers a contact
	PurposeInbound      Purpose = "inbound"      // what a contact wrote
)

// Message is one outbound or inbound WhatsApp message.
type Message struct {
	bun.BaseModel `bun:"table:messages,alias:m"`

	ID                int64      `bun:",pk,autoincrement"`
	Direction         Direction  //
	Purpose           Purpose    //
	CampaignID        *int64     //
	ContactID         int64      //
	ConversationID    *int64     //
	SenderID          *int64     //
	TemplateVersionID *int64     //
	Body              string     // as it went out or came in; "" until rendered
	Media             []string   `bun:"type:jsonb"` // URLs
	Status            Status     //
	SkipReason        SkipReason //
	SID               *string    `bun:"sid"` // Twilio's id
	ErrorCode         int        // Twilio's, 0 = none
	ErrorMessage      string     //
	Attempts          int        // calls made to Twilio
	NotBefore         time.Time  // earliest moment to send; the epoch = at once
	NotBeforeReason   string     // why it waits
	DeferredReason    string     // why it first had to wait; stays
	LeaseUntil        *time.Time // while somebody works on it
	Work              *string    `bun:",scanonly"` // what the engine has to do about it: send or watch
	CreatedAt         time.Time  `bun:",nullzero"`
	SubmittedAt       *time.Time // the last call to Twilio began
	AcceptedAt        *time.Time
	SentAt            *time.Time
	DeliveredAt       *time.Time
	ReadAt            *time.Time
	EndedAt           *time.Time // failed, undelivered, skipped, canceled or expired
	RepliedAt         *time.Time
	OptedOutAt        *time.Time
}

// Outgoing is one call to the provider.
type Outgoing struct {
	MessageID        int64  // comes back in the status callbacks
	From, To         string // addresses without a channel prefix, or MG… as From
	Body             string // free text, inside the session window only
	ContentSID       string // approved template; then Body is for our own record
	ContentVariables map[string]string
}

// Accepted is the provider's yes.
type Accepted struct {
	SID    string
	Status Status
}

// Logged is one entry of the provider's own log.
type Logged struct {
	SID     string
	To      string // address without a channel prefix
	Status  Status
	Code    int
	Created time.Time
}

// Provider sends. Errors are *SendError.
type Provider interface {
	// Send makes exactly one attempt.
	Send(ctx context.Context, out Outgoing) (Accepted, error)
	// Find lists what the provider logged from one address to another since then.
	Find(ctx context.Context, from, to string, since time.Time) ([]Logged, error)
}

// Class says what an error means for the message and what to do.
type Class string

// Classes of errors.
const (
	ClassRetry            Class = "retry"             // later, the same request
	ClassAmbiguous        Class = "ambiguous"         // it may have been accepted: find out before anything else
	ClassFixFirst         Class = "fix_first"         // nothing of the kind will go until somebody mends it
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
	Title  string
	Advice string
	Class  Class
	Scope  Scope
	Effect Effect
	Delay  time.Duration // for retries: how long at least

	// Overload: the provider wants fewer calls at once.
	Overload bool
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

// SendArgs is the job that sends one message somebody waits for.
type SendArgs struct {
	MessageID int64 `json:"message_id"`
}

// Kind names the job.
func (SendArgs) Kind() string { return "message_send" }

// InsertOpts names its queue.
func (SendArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueReplies} }
