// Package template keeps what is written to contacts: versioned bodies in the
// engine's own placeholder language, compiled and approved for WhatsApp.
package template

import (
	"context"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/jobs"
	"eventstream/server/provider"
	"eventstream/server/say"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Category is WhatsApp's category of a template.
type Category string

// Categories.
const (
	CategoryMarketing      Category = "marketing"
	CategoryUtility        Category = "utility"
	CategoryAuthentication Category = "authentication"
)

// CategoryOfWhatsApp reads WhatsApp's word; "" for one that is not known.
func CategoryOfWhatsApp(word string) Category {
	switch c := Category(strings.ToLower(word)); c {
	case CategoryMarketing, CategoryUtility, CategoryAuthentication:
		return c
	}
	return ""
}

// Approval is where a version stands with WhatsApp.
type Approval string

// Approval statuses.
const (
	ApprovalDraft     Approval = "draft"     // not sent to WhatsApp
	ApprovalSubmitted Approval = "submitted" // waits for WhatsApp
	ApprovalApproved  Approval = "approved"  // may be sent
	ApprovalRejected  Approval = "rejected"  //
	ApprovalPaused    Approval = "paused"    // by WhatsApp, for low quality
	ApprovalDisabled  Approval = "disabled"  //
	// ApprovalWindowOnly is of a kind that WhatsApp does not approve: it may be sent within 24 hours after the contact's
	// last message.
	ApprovalWindowOnly Approval = "window_only"
)

// approvalWords are the words for it within sentences.
var approvalWords = map[Approval]say.Text{
	ApprovalDraft:      say.Of("template", "draft"),
	ApprovalSubmitted:  say.Of("template", "submitted"),
	ApprovalApproved:   say.Of("template", "approved"),
	ApprovalRejected:   say.Of("template", "rejected"),
	ApprovalPaused:     say.Of("template", "paused"),
	ApprovalDisabled:   say.Of("template", "disabled"),
	ApprovalWindowOnly: say.Of("template", "for the 24-hour window only"),
}

// Said is the word for it within a sentence.
func (s Approval) Said() say.Text { return say.Word(approvalWords, s) }

// Template is what is written, under one name and language.
type Template struct {
	bun.BaseModel `bun:"table:templates,alias:t"`

	ID        int64      `bun:",pk,autoincrement"`
	Name      string     //
	Language  string     // as WhatsApp writes it: see Languages
	Category  Category   //
	CreatedAt time.Time  `bun:",nullzero"`
	UpdatedAt time.Time  `bun:",nullzero"`
	DeletedAt *time.Time //
}

// Version is one wording of a template. What it says never changes.
type Version struct {
	bun.BaseModel `bun:"table:template_versions,alias:v"`

	ID              int64         `bun:",pk,autoincrement"`
	TemplateID      int64         //
	Version         int           // 1, 2…
	Kind            Kind          //
	Body            string        //
	Parts           Parts         `bun:"type:jsonb"`
	Variables       []Variable    `bun:"type:jsonb"`
	ContentSID      string        `bun:"content_sid"` // HX…, once Twilio has it
	ApprovalStatus  Approval      //
	RejectionReason string        //
	SubmittedAt     *time.Time    //
	CheckedAt       *time.Time    //
	CheckAt         time.Time     `bun:",nullzero"` // when to ask for the decision next
	CheckFailures   int           // questions in a row that got no answer
	DecidedAt       *time.Time    //
	Provider        provider.Name `bun:",nullzero"` // who has it, or would
	CreatedAt       time.Time     `bun:",nullzero"`
}

// Input is what a person sets; nil leaves a field as it is.
type Input struct {
	Name, Language, Body *string
	Category             *Category
	Parts                *Parts
}

// apply sets what in names. linkURL is where links begin that are made from now on; a version that says what it said keeps
// its own.
func (in Input) apply(t *Template, v *Version, linkURL string) error {
	var errs apperr.List
	if in.Name != nil {
		t.Name = contact.CleanText(*in.Name)
	}
	// The language that it has stays, also one that was taken before WhatsApp's list was kept here.
	if in.Language != nil && *in.Language != t.Language {
		code, err := readLanguage(*in.Language)
		if err == nil {
			t.Language = code
		}
		_ = errs.Add(err)
	}
	if in.Category != nil {
		t.Category = *in.Category
	}
	before := v.Body
	if in.Body != nil {
		v.Body = cleanText(*in.Body)
	}
	parts := v.Parts.clone()
	if in.Parts != nil {
		parts = in.Parts.clone()
		parts.clean()
	}
	if parts.track(v.Parts.LinkURL); v.Body != before || !reflect.DeepEqual(parts, v.Parts) || v.ApprovalStatus == ApprovalDraft {
		parts.track(linkURL)
	}
	v.Parts = parts
	if t.Name == "" || utf8.RuneCountInString(t.Name) > 100 {
		_ = errs.Add(apperr.Invalid("name", "give a name of 1 to 100 characters"))
	}
	switch t.Category {
	case CategoryMarketing, CategoryUtility, CategoryAuthentication:
	default:
		_ = errs.Add(apperr.Invalid("category", "%q is not a category: marketing, utility or authentication", t.Category))
	}
	_ = errs.Add(v.compile(t.Category))
	return errs.Err()
}

// compile reads the version and keeps what follows from it.
func (v *Version) compile(category Category) error {
	c, err := Compile(v.Body, v.Parts) // what is written here is numbered here
	if err != nil {
		return err
	}
	if v.Parts.Authentication != nil {
		v.Body = c.Body.with(func(e *Expression) string { return "{{" + e.Source + "}}" })
	}
	v.Kind, v.Variables = c.Kind, c.Variables()
	return c.check(category).Err()
}

// Compile reads the version. One that was brought in keeps the names that its variables
// have at Twilio.
func (v *Version) Compile() (*Compiled, error) {
	c, err := Compile(v.Body, v.Parts)
	if err != nil || len(v.Variables) != len(c.Exprs) {
		return c, err
	}
	names := make([][]string, len(c.Exprs))
	for i, e := range c.Exprs {
		if v.Variables[i].Expression != e.Source || len(v.Variables[i].Keys) == 0 {
			return c, nil
		}
		names[i] = v.Variables[i].Keys
	}
	c.names = names
	return c, nil
}

// Content is Twilio's Content API as far as we need it.
type Content interface {
	// Create makes a content template and gives its SID.
	Create(ctx context.Context, c ContentSpec) (sid string, err error)
	// Submit asks WhatsApp to approve it.
	Submit(ctx context.Context, sid, name string, category Category) error
	// Decision tells where the approval stands.
	Decision(ctx context.Context, sid string) (Decision, error)
}

// Library lists the content templates that the account has, whoever made them.
type Library interface {
	// Contents lists them, newest first, and says whether there are more.
	Contents(ctx context.Context) (list []Found, more bool, err error)
	// Found reads one by its SID; nil: there is none.
	Found(ctx context.Context, sid string) (*Found, error)
}

// Decision is what WhatsApp says of a version.
type Decision struct {
	Approval Approval
	Reason   string
	Category Category // by WhatsApp's reading; "": not told
}

// ContentSpec is a content template to be made.
type ContentSpec struct {
	Name      string // friendly name
	Language  string
	Kind      Kind
	Body      string            // with {{1}}…
	Parts     Parts             // with {{1}}…, and whole addresses
	Variables map[string]string // samples by number
}

// SubmitArgs is the job that brings a version to Twilio.
type SubmitArgs struct {
	VersionID int64 `json:"version_id"`
}

// Kind names the job.
func (SubmitArgs) Kind() string { return "template_submit" }

// InsertOpts names its queue.
func (SubmitArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueReplies} }
