// Package webhookevent keeps every request from Twilio exactly as it came,
// durably before it is answered, and applies them afterwards.
package webhookevent

import (
	"encoding/json"
	"time"

	"eventstream/server/jobs"

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

// Event is one request from Twilio.
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
	ReceivedAt     time.Time         `bun:",nullzero"`
	AppliedAt      *time.Time        //
	Error          string            // why it could not be applied
}

// ApplyArgs is the job that applies what waits.
type ApplyArgs struct{}

// Kind names the job.
func (ApplyArgs) Kind() string { return "webhook_apply" }

// InsertOpts names its queue.
func (ApplyArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueWebhooks} }

// rawJSON writes parameters for Postgres; a map of texts always marshals.
func rawJSON(m map[string]string) string {
	out, _ := json.Marshal(m)
	return string(out)
}
