// Package bulk changes many contacts at once: tags, topics, consent,
// suppressions, erasing. A selection may hold every contact there is, so an
// action is a job that works in batches by contact id, each one transaction with
// its progress and one audit entry; it can be watched and canceled, and a crash
// loses or repeats nothing. An export is an action too, worked by its download.
package bulk

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/export"
	"eventstream/server/jobs"
	"eventstream/server/say"
	"eventstream/server/topic"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Kind of a bulk action.
type Kind string

// Kinds.
const (
	KindTag      Kind = "tag"
	KindTopic    Kind = "topic"
	KindConsent  Kind = "consent"
	KindSuppress Kind = "suppress"
	KindExport   Kind = "export"
	KindErase    Kind = "erase"
)

// Status of a bulk action.
type Status string

// Statuses.
const (
	StatusPending   Status = "pending" // an export waits for its download
	StatusRunning   Status = "running"
	StatusCompleted Status = "completed"
	StatusCanceled  Status = "canceled"
	StatusFailed    Status = "failed"
)

// trail is how the audit trail names what a kind of action does: its beginning, a batch of it and its end.
type trail struct {
	start, batch audit.Action
	ended        map[Status]audit.Action
}

var trails = map[Kind]trail{
	KindTag: {
		start: audit.BulkTagStart, batch: audit.BulkTag,
		ended: map[Status]audit.Action{StatusCompleted: audit.BulkTagCompleted, StatusCanceled: audit.BulkTagCanceled, StatusFailed: audit.BulkTagFailed},
	},
	KindTopic: {
		start: audit.BulkTopicStart, batch: audit.BulkTopic,
		ended: map[Status]audit.Action{StatusCompleted: audit.BulkTopicCompleted, StatusCanceled: audit.BulkTopicCanceled, StatusFailed: audit.BulkTopicFailed},
	},
	KindConsent: {
		start: audit.BulkConsentStart, batch: audit.BulkConsent,
		ended: map[Status]audit.Action{StatusCompleted: audit.BulkConsentCompleted, StatusCanceled: audit.BulkConsentCanceled, StatusFailed: audit.BulkConsentFailed},
	},
	KindSuppress: {
		start: audit.BulkSuppressStart, batch: audit.BulkSuppress,
		ended: map[Status]audit.Action{StatusCompleted: audit.BulkSuppressCompleted, StatusCanceled: audit.BulkSuppressCanceled, StatusFailed: audit.BulkSuppressFailed},
	},
	KindExport: {
		start: audit.BulkExportStart, // read while it is downloaded, in no batches
		ended: map[Status]audit.Action{StatusCompleted: audit.BulkExportCompleted, StatusCanceled: audit.BulkExportCanceled, StatusFailed: audit.BulkExportFailed},
	},
	KindErase: {
		start: audit.BulkEraseStart, batch: audit.BulkErase,
		ended: map[Status]audit.Action{StatusCompleted: audit.BulkEraseCompleted, StatusCanceled: audit.BulkEraseCanceled, StatusFailed: audit.BulkEraseFailed},
	},
}

// statusWords are the words for it within sentences.
var statusWords = map[Status]say.Text{
	StatusPending:   say.Of("action", "pending"),
	StatusRunning:   say.Of("action", "running"),
	StatusCompleted: say.Of("action", "completed"),
	StatusCanceled:  say.Of("action", "canceled"),
	StatusFailed:    say.Of("action", "failed"),
}

// Said is the word for it within a sentence.
func (s Status) Said() say.Text { return say.Word(statusWords, s) }

// Ended reports whether nothing more will happen.
func (s Status) Ended() bool {
	return s == StatusCompleted || s == StatusCanceled || s == StatusFailed
}

// Limits.
const (
	maxTags     = 50 // of one contact
	maxTag      = 64 // characters
	maxSelected = 1000
	tagsKey     = "tags" // tags are entries of this attribute
)

// Options say what the action does; which fields count depends on the kind.
type Options struct {
	AddTags    []string                  `json:"addTags,omitempty"`
	RemoveTags []string                  `json:"removeTags,omitempty"`
	TopicID    int64                     `json:"topic,omitempty"`
	Status     topic.Status              `json:"status,omitempty"` // of the subscription
	Consent    *consent.Change           `json:"consent,omitempty"`
	Reason     consent.SuppressionReason `json:"reason,omitempty"`
	Until      *time.Time                `json:"until,omitempty"`
	Format     export.Format             `json:"format,omitempty"`
}

// Action is one change to many contacts, worked as a job; an export is worked
// by its download.
type Action struct {
	bun.BaseModel `bun:"table:bulk_actions,alias:b"`

	ID         int64          `bun:",pk,autoincrement"`
	Kind       Kind           //
	Selection  contact.Filter `bun:"type:jsonb"`
	Options    Options        `bun:"type:jsonb"`
	Status     Status         //
	Failure    string         // for people
	Newest     int64          // contacts added later are left alone
	Reached    int64          // id of the last contact worked
	Total      int64          // selected when it began
	Done       int64          //
	Changed    int64          // of Done
	OperatorID *int64         // who started it; nil: an API token, or the engine
	APITokenID *int64         `bun:"api_token_id"`
	CreatedAt  time.Time      `bun:",nullzero"`
	StartedAt  *time.Time     //
	FinishedAt *time.Time     //

	// Redactions are what became of the messages at the provider, of an erasure.
	Redactions []Redactions `bun:"type:jsonb,scanonly"`
}

// Redactions are the messages of one outcome: waiting, done, gone or refused.
type Redactions struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"` // of refused, for people
	N       int64  `json:"n"`
}

// RunArgs is the job that works an action.
type RunArgs struct {
	ActionID int64 `json:"action_id"`
}

// Kind names the job.
func (RunArgs) Kind() string { return "bulk_action" }

// InsertOpts names its queue.
func (RunArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueImports} }

func (s *Service) check(ctx context.Context, k Kind, o *Options) error {
	switch k {
	case KindTopic:
		if err := o.Status.Check(); err != nil {
			return err
		}
		_, err := s.topics.ByID(ctx, o.TopicID)
		return apperr.Lacking("topicId", err)
	case KindTag:
		return o.checkTags()
	case KindConsent:
		return s.consents.Check(ctx, o.Consent)
	case KindSuppress:
		return s.consents.CheckSuppression(o.Reason, o.Until)
	case KindExport:
		if o.Format == "" {
			o.Format = export.FormatCSV
		}
		if o.Format != export.FormatCSV && o.Format != export.FormatXLSX && o.Format != export.FormatNDJSON {
			return apperr.Invalid("format", "%q is not a format: csv, xlsx or ndjson", o.Format)
		}
	case KindErase:
	}
	return nil
}

func (o *Options) checkTags() error {
	var errs apperr.List
	clean := func(field string, tags []string) []string {
		var out []string
		for _, t := range tags {
			if t = contact.CleanText(t); t == "" || utf8.RuneCountInString(t) > maxTag || strings.ContainsAny(t, ",;\"") {
				_ = errs.Add(apperr.Invalid(field,
					"%q is not a tag: 1 to %d characters without comma, semicolon or quotes", t, maxTag))
				continue
			}
			out = append(out, t)
		}
		if len(out) > maxTags {
			_ = errs.Add(apperr.Invalid(field, "%d tags are too many: at most %d", len(out), maxTags))
		}
		return out
	}
	o.AddTags, o.RemoveTags = clean("add", o.AddTags), clean("remove", o.RemoveTags)
	if len(o.AddTags)+len(o.RemoveTags) == 0 && errs.Err() == nil {
		_ = errs.Add(apperr.Invalid("add", "name at least one tag to add or to remove"))
	}
	return errs.Err()
}
