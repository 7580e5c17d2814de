// Package campaign plans and sends: one template to one segment, exactly once
// to each member whom the gate allows, at the allowed rate and hours.
package campaign

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/jobs"
	"eventstream/server/sender"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Status is where a campaign stands.
type Status string

// Statuses.
const (
	StatusDraft     Status = "draft"
	StatusScheduled Status = "scheduled"
	StatusPreparing Status = "preparing" // the audience is being taken
	StatusSending   Status = "sending"
	StatusPaused    Status = "paused"
	StatusCompleted Status = "completed" // the last message went or ended
	StatusCanceled  Status = "canceled"
	StatusFailed    Status = "failed"
)

// moves are the only changes of status there are.
var moves = map[Status][]Status{
	StatusDraft:     {StatusScheduled, StatusPreparing, StatusCanceled, StatusFailed},
	StatusScheduled: {StatusDraft, StatusPreparing, StatusCanceled, StatusFailed},
	StatusPreparing: {StatusSending, StatusCanceled, StatusFailed, StatusCompleted},
	StatusSending:   {StatusPaused, StatusCompleted, StatusCanceled, StatusFailed},
	StatusPaused:    {StatusSending, StatusCanceled, StatusFailed},
}

// CanBecome reports whether the move exists.
func (s Status) CanBecome(next Status) bool {
	for _, m := range moves[s] {
		if m == next {
			return true
		}
	}
	return false
}

// Ended reports whether nothing more will be sent.
func (s Status) Ended() bool { return s == StatusCompleted || s == StatusCanceled || s == StatusFailed }

// PausedBy tells an operator's pause from the engine's own.
type PausedBy string

// Who paused.
const (
	PausedByNobody   PausedBy = ""
	PausedByOperator PausedBy = "operator"
	PausedByEngine   PausedBy = "engine" // credentials refused, sender or template failed
)

// Campaign is one template to one segment.
type Campaign struct {
	bun.BaseModel `bun:"table:campaigns,alias:ca"`

	ID                 int64           `bun:",pk,autoincrement"`
	Name               string          //
	TemplateID         *int64          //
	TemplateVersionID  *int64          // the version that goes out; set at launch
	SegmentID          *int64          //
	Query              json.RawMessage `bun:"type:jsonb,nullzero"` // instead of a segment
	AudienceQuery      json.RawMessage `bun:"type:jsonb,nullzero"` // what was launched, with segments written out
	SenderID           *int64          //
	Status             Status          //
	PausedBy           PausedBy        //
	PausedReason       string          //
	Failure            string          // why it failed, for people
	RateLimitPerSecond *float64        // nil: the sender's
	QuietHours         *QuietHours     `bun:"type:jsonb,nullzero"`
	EndsAt             *time.Time      //
	AudienceCursor     int64           //
	PreparedAt         *time.Time      // the audience was complete
	StartedAt          *time.Time      // launched
	FinishedAt         *time.Time      //
	CreatedBy          *int64          //
	CreatedAt          time.Time       `bun:",nullzero"`
	UpdatedAt          time.Time       `bun:",nullzero"`
}

// RateKeys names the rows of rate_limits that pace the campaign.
func (c *Campaign) RateKeys() []string {
	keys := []string{sender.RateKey(*c.SenderID)}
	if c.RateLimitPerSecond != nil {
		keys = append(keys, rateKey(c.ID))
	}
	return keys
}

func rateKey(id int64) string { return "campaign:" + strconv.FormatInt(id, 10) }

// Input is what a person sets. nil leaves a field as it is; the Clear flags
// set it to null.
type Input struct {
	Name               *string
	TemplateID         *int64
	SegmentID          *int64          // clears Query
	Query              json.RawMessage // clears SegmentID
	SenderID           *int64
	RateLimitPerSecond *float64
	ClearRateLimit     bool
	QuietHours         *QuietHours
	ClearQuietHours    bool
	EndsAt             *time.Time
	ClearEndsAt        bool
}

func (in Input) apply(c *Campaign) error {
	var errs apperr.List
	if in.Name != nil {
		c.Name = contact.CleanText(*in.Name)
	}
	if c.Name == "" || utf8.RuneCountInString(c.Name) > 150 {
		_ = errs.Add(apperr.Invalid("name", "give a name of 1 to 150 characters"))
	}
	if in.TemplateID != nil {
		c.TemplateID = in.TemplateID
	}
	if in.SegmentID != nil && in.Query != nil {
		_ = errs.Add(apperr.Invalid("segmentId", "give a segment or a query, not both"))
	}
	if in.SegmentID != nil {
		c.SegmentID, c.Query = in.SegmentID, nil
	}
	if in.Query != nil {
		c.SegmentID, c.Query = nil, in.Query
	}
	if in.SenderID != nil {
		c.SenderID = in.SenderID
	}
	if in.RateLimitPerSecond != nil {
		if r := *in.RateLimitPerSecond; !(r >= 0.01 && r <= sender.MaxRate) {
			_ = errs.Add(apperr.Invalid("rateLimitPerSecond", "%g is out of range: 0.01 to %g messages a second", r, sender.MaxRate))
		}
		c.RateLimitPerSecond = in.RateLimitPerSecond
	}
	if in.ClearRateLimit {
		c.RateLimitPerSecond = nil
	}
	if in.QuietHours != nil {
		_ = errs.Add(in.QuietHours.Validate())
		c.QuietHours = in.QuietHours
	}
	if in.ClearQuietHours {
		c.QuietHours = nil
	}
	if in.EndsAt != nil {
		c.EndsAt = in.EndsAt
	}
	if in.ClearEndsAt {
		c.EndsAt = nil
	}
	return errs.Err()
}

// Filter narrows a list of campaigns.
type Filter struct {
	Statuses []Status
	Search   string
}

// PrepareArgs is the job that takes the audience.
type PrepareArgs struct {
	CampaignID int64 `json:"campaign_id"`
}

// Kind names the job.
func (PrepareArgs) Kind() string { return "campaign_prepare" }

// InsertOpts names its queue.
func (PrepareArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueBulk} }

// DispatchArgs is the job that sends a campaign until it ends, is paused, or
// has to wait.
type DispatchArgs struct {
	CampaignID int64 `json:"campaign_id"`
}

// Kind names the job.
func (DispatchArgs) Kind() string { return "campaign_dispatch" }

// InsertOpts names its queue.
func (DispatchArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueBulk} }

// ReconcileArgs is the job that clears up what became of calls without answer.
type ReconcileArgs struct{}

// Kind names the job.
func (ReconcileArgs) Kind() string { return "message_reconcile" }

// InsertOpts names its queue.
func (ReconcileArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: jobs.QueueMaintenance}
}
