// Package campaign is what marketers do with campaigns: drafts, launch and
// schedule, pause and cancel, pre-flight, and the taking of the audience. What people
// and the engine decide about a status goes through one place (move), under a lock,
// along a fixed table of moves and with an audit entry, because everything else hangs
// on it: dispatch sends while it says "sending" and looks at it before every call.
// Scheduling, a plan's last run and the end of preparing save the status themselves.
package campaign

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/gate"
	"eventstream/server/hours"
	"eventstream/server/link"
	"eventstream/server/price"
	"eventstream/server/provider"
	"eventstream/server/say"
	"eventstream/server/sender"

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

// statusWords are the words for it within sentences.
var statusWords = map[Status]say.Text{
	StatusDraft:     say.Of("campaign", "draft"),
	StatusScheduled: say.Of("campaign", "scheduled"),
	StatusPreparing: say.Of("campaign", "preparing"),
	StatusSending:   say.Of("campaign", "sending"),
	StatusPaused:    say.Of("campaign", "paused"),
	StatusCompleted: say.Of("campaign", "completed"),
	StatusCanceled:  say.Of("campaign", "canceled"),
	StatusFailed:    say.Of("campaign", "failed"),
}

// Said is the word for it within a sentence.
func (s Status) Said() say.Text { return say.Word(statusWords, s) }

// moves are the only changes of status there are.
var moves = map[Status][]Status{
	StatusDraft:     {StatusScheduled, StatusPreparing, StatusCanceled, StatusFailed},
	StatusScheduled: {StatusDraft, StatusPreparing, StatusCanceled, StatusFailed},
	StatusPreparing: {StatusDraft, StatusSending, StatusCanceled, StatusFailed, StatusCompleted},
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
	PausedByEngine   PausedBy = "engine" // credentials refused, sender or template failed, a budget used up
)

// Campaign is one template, or several that are compared, to one segment.
type Campaign struct {
	bun.BaseModel `bun:"table:campaigns,alias:ca"`

	ID                 int64              `bun:",pk,autoincrement"`
	Name               string             //
	TemplateID         *int64             //
	TemplateVersionID  *int64             // the version that goes out; set at launch
	SegmentID          *int64             //
	Query              json.RawMessage    `bun:"type:jsonb,nullzero"` // instead of a segment
	AudienceQuery      json.RawMessage    `bun:"type:jsonb,nullzero"` // what was launched, with segments written out
	SenderID           *int64             //
	TopicID            *int64             // goes only to its subscribers; nil: to all of the audience
	Status             Status             //
	PausedBy           PausedBy           //
	PausedReason       string             //
	Failure            string             // why it failed, for people
	RateLimitPerSecond *float64           // nil: the sender's
	QuietHours         *hours.QuietHours  `bun:"type:jsonb,nullzero"`
	FrequencyCap       *gate.FrequencyCap `bun:"type:jsonb,nullzero"`
	EndsAt             *time.Time         //
	ErrorThreshold     *float64           // share of failures at which it pauses itself; nil: never
	ErrorsBefore       int64              // failed and tried when somebody last resumed:
	TriedBefore        int64              // only what came after counts against the threshold
	TrackLinks         bool               // clicks on its buttons that track them are counted
	UTM                *link.UTM          `bun:"utm,type:jsonb,nullzero"` // put into the addresses of its links
	Budget             *price.Micros      // the most that may be spent; nil: no limit
	BudgetCurrency     string             // of Budget
	Pilot              int                // how many it writes to before it pauses for somebody to look; 0: it does not
	PilotEndedAt       *time.Time         // when it paused for that
	SendToTeam         bool               // the team's contacts get it as it starts, outside its numbers
	HoldoutPercent     float64            // of the audience that gets nothing, to compare with; 0: nobody
	Draw               []byte             `bun:",nullzero"`           // from which follows who is held out, and who gets which variant
	VariantTest        *Test              `bun:"type:jsonb,nullzero"` // how its variants are compared; nil: it has none
	Goals              Goals              `bun:"type:jsonb,nullzero"`
	Treated            int64              // members of the audience who were to get a message,
	HeldOut            int64              // and those who were to get one and are held out
	StandingHoldout    *Holdout           `bun:"type:jsonb,nullzero"` // the setting as it was at its launch; nil: nobody is held out by it
	TestedAt           *time.Time         // the last message of the test was handed over, or ended
	Winner             *int               // the variant that the rest of the audience gets
	WinnerAt           *time.Time         //
	WinnerBy           WinnerBy           //
	ReleasedAt         *time.Time         // the last of those who waited for the winner could go
	Schedule           *Schedule          `bun:"type:jsonb,nullzero"`
	NextRunAt          *time.Time         // of a scheduled one
	LocalStart         *hours.LocalMoment `bun:"type:jsonb,nullzero"` // of one that was started: nothing goes before it, by each recipient's clocks
	BestHour           bool               // each recipient gets it in the hour in which they usually read
	UsualHour          *int               // of one that was started: that of the workspace, for those who read too little to tell; nil: nobody knows
	UsualHours         []int              `bun:",array,nullzero"` // all in which people of the workspace read, from that with the most reads on
	ResumedAt          *time.Time         // it last went on after a pause
	StartFailures      int                // how often its scheduled start failed
	StartError         string             // why it failed last
	StartRetryAt       *time.Time         // when it is tried again
	Runs               int                // of a recurring one, so far
	ParentID           *int64             // the recurring campaign that this is a run of
	AudienceCursor     int64              //
	PreparedAt         *time.Time         // the audience was complete
	StartedAt          *time.Time         // launched
	UndoUntil          *time.Time         // its launch can be undone, and its audience is not taken before
	FinishedAt         *time.Time         //
	CreatedBy          *int64             //
	ArchivedAt         *time.Time         // it was put away: lists leave it out
	Labels             []string           `bun:",array,nullzero"`
	EditedBy           *int64             // who made it or changed it last, until it started; of an API token its owner
	Approval           Approval           // whether a second person agreed to it
	ApprovalAskedBy    *int64             // who launched or scheduled it
	ApprovalAskedAt    *time.Time         //
	ApprovalDecidedBy  *int64             //
	ApprovalDecidedAt  *time.Time         //
	ApprovalReason     string             // why it was sent back
	ApprovalOf         []byte             `bun:",nullzero"` // hash of what was approved
	Provider           provider.Name      `bun:",nullzero"` // under whom it was made
	CreatedAt          time.Time          `bun:",nullzero"`
	UpdatedAt          time.Time          `bun:",nullzero"`
}

// Input is what a person sets. nil leaves a field as it is; the Clear flags
// set it to null.
type Input struct {
	Name               *string
	TemplateID         *int64
	SegmentID          *int64          // clears Query
	Query              json.RawMessage // clears SegmentID
	SenderID           *int64          // one sender alone
	Senders            []Share         // several, by weight
	TopicID            *int64
	ClearTopic         bool
	RateLimitPerSecond *float64
	ClearRateLimit     bool
	QuietHours         *hours.QuietHours
	ClearQuietHours    bool
	FrequencyCap       *gate.FrequencyCap
	ClearCap           bool
	EndsAt             *time.Time
	ClearEndsAt        bool
	ErrorThreshold     *float64
	ClearThreshold     bool
	BestHour           *bool
	TrackLinks         *bool
	UTM                *link.UTM // an empty one takes it away
	Budget             *price.Budget
	ClearBudget        bool
	Variants           Variants // an empty list takes them away, and so does TemplateID; nil leaves them
	Test               *Test
	Pilot              *int
	SendToTeam         *bool
	HoldoutPercent     *float64
	Goals              Goals // an empty list takes them away; nil leaves them
}

// Share is a sender's part in a campaign.
type Share struct {
	SenderID int64
	Weight   int // 1 to 100, against the other senders'
}

// Shares are all of a campaign's senders, in the order that was chosen.
type Shares []Share

func (s Shares) senders() []int64 {
	ids := make([]int64, len(s))
	for i, x := range s {
		ids[i] = x.SenderID
	}
	return ids
}

// rotation holds each sender as often as its weight says; whoever is dealt from it
// in turn shares by weight.
func (s Shares) rotation() []int64 {
	var rotation []int64
	for drawn := 0; ; drawn++ { // in rounds, so that senders alternate
		more := false
		for _, x := range s {
			if drawn < x.Weight {
				rotation, more = append(rotation, x.SenderID), true
			}
		}
		if !more {
			return rotation
		}
	}
}

const maxSenders = 20

// apply sets what in says; has are the variants that the campaign has now.
func (in Input) apply(c *Campaign, has Variants) error {
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
	_ = errs.Add(in.applyExperiment(c, has))
	if in.SegmentID != nil && in.Query != nil {
		_ = errs.Add(apperr.Invalid("segmentId", "give a segment or a query, not both"))
	}
	if in.SegmentID != nil {
		c.SegmentID, c.Query = in.SegmentID, nil
	}
	if in.Query != nil {
		c.SegmentID, c.Query = nil, in.Query
	}
	if in.SenderID != nil && in.Senders != nil {
		_ = errs.Add(apperr.Invalid("senderId", "give one sender or several, not both"))
	}
	if in.SenderID != nil {
		c.SenderID = in.SenderID
	}
	if in.Senders != nil {
		_ = errs.Add(checkShares(in.Senders))
		if len(in.Senders) > 0 {
			c.SenderID = &in.Senders[0].SenderID
		}
	}
	if in.TopicID != nil {
		c.TopicID = in.TopicID
	}
	if in.ClearTopic {
		c.TopicID = nil
	}
	if in.ErrorThreshold != nil {
		if t := *in.ErrorThreshold; !(t >= 0.001 && t <= 1) {
			_ = errs.Add(apperr.Invalid("errorThreshold", "%g is out of range: 0.001 to 1, or null for never", t))
		}
		c.ErrorThreshold = in.ErrorThreshold
	}
	if in.ClearThreshold {
		c.ErrorThreshold = nil
	}
	if in.BestHour != nil {
		c.BestHour = *in.BestHour
	}
	if in.TrackLinks != nil {
		c.TrackLinks = *in.TrackLinks
	}
	if in.Pilot != nil {
		if n := *in.Pilot; n < 0 || n > maxPilot {
			_ = errs.Add(apperr.Invalid("pilot", "%d is out of range: 1 to 10,000 recipients, or 0 for no pilot", n))
		}
		c.Pilot = *in.Pilot
	}
	if in.SendToTeam != nil {
		c.SendToTeam = *in.SendToTeam
	}
	if in.UTM != nil {
		_ = errs.Add(in.UTM.Validate())
		if c.UTM = in.UTM; in.UTM.Empty() {
			c.UTM = nil
		}
	}
	if in.Budget != nil {
		c.Budget, c.BudgetCurrency = &in.Budget.Limit, in.Budget.Currency
	}
	if in.ClearBudget {
		c.Budget, c.BudgetCurrency = nil, ""
	}
	if in.RateLimitPerSecond != nil {
		if r := *in.RateLimitPerSecond; !(r >= 0.01 && r <= sender.MaxRate) {
			_ = errs.Add(apperr.Invalid("rateLimitPerSecond", "%g is out of range: 0.01 to %g messages a second", r,
				sender.MaxRate))
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
	if in.FrequencyCap != nil {
		_ = errs.Add(in.FrequencyCap.Validate())
		c.FrequencyCap = in.FrequencyCap
	}
	if in.ClearCap {
		c.FrequencyCap = nil
	}
	if in.EndsAt != nil {
		c.EndsAt = in.EndsAt
	}
	if in.ClearEndsAt {
		c.EndsAt = nil
	}
	return errs.Err()
}

func checkShares(shares []Share) error {
	if len(shares) == 0 || len(shares) > maxSenders {
		return apperr.Invalid("senders", "give 1 to %d senders", maxSenders)
	}
	seen := map[int64]bool{}
	for _, x := range shares {
		switch {
		case x.Weight < 1 || x.Weight > 100:
			return apperr.Invalid("senders", "the weight %d is out of range: 1 to 100", x.Weight)
		case seen[x.SenderID]:
			return apperr.Invalid("senders", "a sender is named twice")
		}
		seen[x.SenderID] = true
	}
	return nil
}

// Filter narrows a list of campaigns.
type Filter struct {
	Statuses  []Status
	Approvals []Approval
	Labels    []string // all of them
	Archived  *bool    // nil: none that is archived, unless it is searched for
	Search    string
}
