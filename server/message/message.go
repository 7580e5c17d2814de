// Package message holds what goes out and comes in, and where each message
// stands.
package message

import (
	"time"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"

	"eventstream/server/jobs"
	"eventstream/server/price"
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
	PurposeCampaign      Purpose = "campaign"
	PurposeTest          Purpose = "test"            // an operator tries a template
	PurposeConfirmation  Purpose = "confirmation"    // the one answer to STOP or START
	PurposeOptInQuestion Purpose = "opt_in_question" // asks somebody to confirm their consent: package doubleoptin
	PurposeReply         Purpose = "reply"           // an operator answers a contact
	PurposeInbound       Purpose = "inbound"         // what a contact wrote
	PurposeHistory       Purpose = "history"         // from before this system was used, either way: see Past
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
	Variant           *int       // of its campaign's test: which wording; nil: it takes no part in one
	OperatorID        *int64     // who wrote a reply or sent a test; nil: nobody, or a program
	Body              string     // as it went out or came in; "" until rendered
	Media             []string   `bun:"type:jsonb"` // URLs; of ours paths of files on this server
	Content           *Content   `bun:"type:jsonb"` // of messages that hold more
	Status            Status     //
	SkipReason        SkipReason //
	SID               *string    `bun:"sid"` // Twilio's id
	ErrorCode         int        // Twilio's, 0 = none
	ErrorMessage      string     //
	Attempts          int        // calls made to Twilio
	NotBefore         time.Time  // earliest moment to send; the epoch = at once
	NotBeforeReason   string     // why it waits
	DeferredReason    string     // why it first had to wait; stays
	LeaseUntil        *time.Time // submitting: until when its claim lasts; unknown: when it is looked for next
	Fence             int        // the number of the newest claim
	DecisionSince     *time.Time // unknown, and only a person can decide: since when
	Redeliveries      int        // attempts after one that was accepted and failed
	Work              *string    `bun:",scanonly"` // what the engine has to do about it: send or watch
	CreatedAt         time.Time  `bun:",nullzero"`
	SubmittedAt       *time.Time // the last call to Twilio began
	AcceptedAt        *time.Time
	SentAt            *time.Time
	DeliveredAt       *time.Time
	ReadAt            *time.Time
	EndedAt           *time.Time // failed, undelivered, skipped, canceled or expired
	ClickedAt         *time.Time // somebody first opened a link, or tapped a button that answers
	RepliedAt         *time.Time
	OptedOutAt        *time.Time
	Price             Price `bun:"embed:price_"`
}

// Price is what a message cost, once it is known that it arrived, failed or did not arrive; before
// that it is empty. It stays when the card changes later.
type Price struct {
	Month    *time.Time     // the first day of that in which it counts, by the business account's calendar
	Market   string         `bun:",nullzero"`
	Category price.Category `bun:",nullzero"`
	Currency string         `bun:",nullzero"`
	Meta     *price.Micros  // Meta's fee, which Twilio passes on; nil: the card did not tell it
	Twilio   *price.Micros  // Twilio's own

	// Reserved is the most that it may cost, while a call was made within a budget and its price is not known.
	Reserved *price.Micros

	changed bool // it is not saved yet
}

// SendArgs is the job that sends one message somebody waits for.
type SendArgs struct {
	MessageID int64 `json:"message_id"`
}

// Kind names the job.
func (SendArgs) Kind() string { return "message_send" }

// InsertOpts names its queue.
func (SendArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueReplies} }
