// Package webhookevent keeps every request of the provider's exactly as it came
// and applies it afterwards. Keeping comes first and knows nothing of what an
// event means: it is durable, in Postgres or in a spool on disk, before it is
// answered, since the provider asks only once. Applying can therefore fail, be
// repeated and be late without harm: what fails is parked with its error and
// tried again while everything else goes on, repeats change nothing, and what
// comes late cannot undo what somebody decided meanwhile. Order is kept where it
// carries meaning, among what one contact wrote; receipts need none.
package webhookevent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/provider"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Kind of event.
type Kind string

// Kinds.
const (
	KindInbound Kind = "inbound"
	KindStatus  Kind = "status"
)

// Source is which way an event came.
type Source string

// Sources.
const (
	SourceLive  Source = "live"  // stored as it arrived
	SourceSpool Source = "spool" // kept on a server's disk while Postgres was away
	SourceLog   Source = "log"   // found in the provider's log: no webhook ever came
)

// Event is one request from the provider.
type Event struct {
	bun.BaseModel `bun:"table:webhook_events,alias:we"`

	ID             int64             `bun:",pk,autoincrement"`
	Kind           Kind              //
	SID            string            `bun:"sid"` // of the message
	DedupeKey      string            // the same for repeats of one event
	MessageID      int64             // our id from the callback's query, 0 = none
	Params         map[string]string `bun:"type:jsonb"`
	Headers        map[string]string `bun:"type:jsonb"`
	SignatureValid bool              //
	SignatureKey   string            `bun:",nullzero"` // names its signature; "": none was seen
	ContentKey     int64             // names what was signed
	HappenedAt     *time.Time        // by the provider's clock; nil: it did not say
	ArrivedAt      *time.Time        // at the server that answered, by its idea of Postgres' clock; nil: as recorded
	ReceivedAt     time.Time         `bun:",nullzero"` // recorded, by Postgres' clock
	AppliedAt      *time.Time        //
	Source         Source            //
	Provider       provider.Name     `bun:",nullzero"` // whose it is; "": an older version stored it
	ContactKey     string            // of an inbound message: whom order is kept for
	Urgent         bool              // an opt-out: it waits behind nothing
	Attempts       int               // to apply it, that failed
	NextAttemptAt  *time.Time        // it is parked until then
	Error          string            // why it had no effect, or why the last attempt failed
	Notice         string            // what is odd about it, though it was applied

	misused bool // its signature had come with another request before: it was not stored
}

// ErrSignatureUsed is why a request is refused that was put together out of the pieces of an earlier one.
var ErrSignatureUsed = apperr.New(apperr.CodeForbidden, "this signature came with other parameters before")

// past reports whether the event is of another provider than the one in use: what was
// written to the sandbox is nobody's word once Twilio is live, however late it is applied.
func (e *Event) past(now provider.Name) bool {
	from := e.Provider
	if from == "" && e.Params["AccountSid"] == provider.SandboxAccount {
		from = provider.Sandbox
	}
	return from != "" && from != now
}

// Late reports whether the event came another way than at once.
func (e *Event) Late() bool { return e.Source == SourceSpool || e.Source == SourceLog }

// Who is the address that an inbound message is from, or that a status is about; "" where the request names none.
func (e *Event) Who() string {
	side := "To"
	if e.Kind == KindInbound {
		side = "From"
	}
	return strings.TrimPrefix(e.Params[side], "whatsapp:")
}

// Arrived is when the event reached us, as far as anybody knows.
func (e *Event) Arrived() time.Time {
	if e.ArrivedAt != nil && e.ArrivedAt.Before(e.ReceivedAt) {
		return *e.ArrivedAt
	}
	return e.ReceivedAt
}

// Decided is the time that orders the event among a contact's decisions. A live
// opt-out counts from its recording, by the one clock that all servers share;
// all else from its arrival, however much later it was recorded: so an opt-in
// lifts only what had been recorded before it came.
func (e *Event) Decided() time.Time {
	switch {
	case !e.Late() && e.Urgent:
		return e.ReceivedAt
	case !e.Late():
		return e.Arrived()
	case e.HappenedAt != nil && e.HappenedAt.Before(e.Arrived()):
		return *e.HappenedAt
	}
	return e.Arrived()
}

// classify notes whose an event is, and what applying in order needs to know before it reads params.
func (e *Event) classify(ctx context.Context, of provider.Name, reader Reader, known *consent.Words) {
	e.Provider = of
	if e.Kind != KindInbound {
		return
	}
	in := reader.Inbound(e.Params)
	e.ContactKey = strings.TrimSpace(in.From)
	if a, err := contact.DeliveredAddress(in.From); err == nil {
		e.ContactKey = a.MatchKey
	}
	words := known.Recent(ctx)
	command, _ := words.Command(in.Body)
	e.Urgent = words.Understand(in.Said()).Keyword == consent.KeywordStop || command == consent.KeywordStop
}

// InboundKey is the dedupe key of an inbound message, however it became known.
func InboundKey(sid string) string { return "inbound:" + sid }

// StatusKey is the dedupe key of a status, however it became known.
func StatusKey(sid, status, eventType, code string) string {
	key := "status:" + sid + ":" + status + ":" + eventType + ":" + code
	if len(key) > maxKey {
		sum := sha256.Sum256([]byte(key))
		return "status:" + sid + ":" + hex.EncodeToString(sum[:])
	}
	return key
}

// maxKey keeps a key within what an index entry holds, whatever words the provider uses.
const maxKey = 500

// FromLog makes the event that a webhook would have brought out of an entry of
// the provider's log. params are that webhook's.
func FromLog(entry message.Logged, params map[string]string) *Event {
	e := &Event{
		Kind: KindStatus, SID: entry.SID, Params: params, Headers: map[string]string{}, HappenedAt: &entry.Created, Source: SourceLog,
		DedupeKey: StatusKey(entry.SID, params["MessageStatus"], "", params["ErrorCode"]),
	}
	if entry.Direction == message.Inbound {
		e.Kind, e.DedupeKey = KindInbound, InboundKey(entry.SID)
	} else {
		e.HappenedAt = nil // the log says when the message was made, not when its status changed
	}
	return e
}

// ApplyArgs is the job that applies what waits.
type ApplyArgs struct{}

// Kind names the job.
func (ApplyArgs) Kind() string { return "webhook_apply" }

// InsertOpts names its queue.
func (ApplyArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueWebhooks} }

// rawJSON writes parameters for Postgres; a map of texts always marshals.
func rawJSON(m map[string]string) string {
	if m == nil {
		return "{}"
	}
	out, _ := json.Marshal(m)
	return string(out)
}
