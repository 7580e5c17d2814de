// Package importer takes in contact files: streamed, in any of the usual
// shapes, with consent and its proof, and without ever losing its place.
package importer

import (
	"path/filepath"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/jobs"
	"eventstream/server/say"
	"eventstream/server/topic"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Status of an import.
type Status string

// Statuses.
const (
	StatusUploading Status = "uploading"
	StatusPending   Status = "pending"
	StatusRunning   Status = "running"
	StatusCompleted Status = "completed"
	StatusCanceled  Status = "canceled"
	StatusFailed    Status = "failed"
)

// statusWords are the words for it within sentences.
var statusWords = map[Status]say.Text{
	StatusUploading: say.Of("import", "uploading"),
	StatusPending:   say.Of("import", "pending"),
	StatusRunning:   say.Of("import", "running"),
	StatusCompleted: say.Of("import", "completed"),
	StatusCanceled:  say.Of("import", "canceled"),
	StatusFailed:    say.Of("import", "failed"),
}

// Said is the word for it within a sentence.
func (s Status) Said() say.Text { return say.Word(statusWords, s) }

// Mode says which rows count.
type Mode string

// Modes.
const (
	ModeUpsert     Mode = "upsert"
	ModeCreateOnly Mode = "create_only" // known contacts stay as they are
	ModeUpdateOnly Mode = "update_only" // unknown numbers are rejected
)

// Field is what a column is read into: one of the constants, or
// attributes.<key>, or "" to leave the column out.
type Field string

// Fields.
const (
	FieldAddress   Field = "address" // of several such columns each row's best number is taken
	FieldBSUID     Field = "bsuid"   // WhatsApp's ids of the person (CC.…), several with spaces between
	FieldName      Field = "name"
	FieldFirstName Field = "first_name" // with last_name the name, where there is no column for it; also kept as attribute
	FieldLastName  Field = "last_name"
	FieldRegion    Field = "region" // where the row's national number is read
	FieldLocale    Field = "locale"
	FieldTimeZone  Field = "time_zone"
	FieldConsent   Field = "consent"    // yes, no, opted_out…
	FieldConsentAt Field = "consent_at" // when they agreed
	FieldOptOut    Field = "opt_out"    // whoever has a yes, a date or a word for it here gets nothing
	FieldTopics    Field = "topics"     // subscribes to these, by name or keyword
	FieldIgnore    Field = ""
)

// Column is one column of the file.
type Column struct {
	Name  string `json:"name"`
	Field Field  `json:"field"`
	Type  string `json:"type"` // of an attribute: text, number, boolean or date, as the sample shows

	DateOrder DateOrder `json:"dateOrder,omitempty"` // of dates

	// WordsOnly: of an opt-out, only words that say by themselves that somebody left
	// count. The column says other things too, such as a system's states.
	WordsOnly bool `json:"wordsOnly,omitempty"`

	Samples []string `json:"samples,omitempty"` // a few of its values
}

// readerVersion is that of how rows are counted: an import that an older version
// began is begun anew.
const readerVersion = 2

// Options are what the operator chose, and what was found out at the upload.
type Options struct {
	Reader      int             `json:"reader"`
	Source      string          `json:"source,omitempty"` // the program that wrote it, where its headers tell
	Sheet       string          `json:"sheet,omitempty"`  // of a workbook
	Sheets      []string        `json:"sheets,omitempty"`
	Mapped      bool            `json:"mapped,omitempty"`   // the operator said how columns are read
	Preamble    int64           `json:"preamble,omitempty"` // lines before the header
	NoHeader    bool            `json:"noHeader,omitempty"`
	Nested      nested          `json:"nested,omitempty"`      // columns that hold objects
	Numbers     contact.Reading `json:"numbers,omitempty"`     // how numbers without + are meant
	NumbersOpen bool            `json:"numbersOpen,omitempty"` // the sample has numbers for which that must be said
	DateOrder   DateOrder       `json:"dateOrder,omitempty"`   // where a column's own values do not tell
	DatesOpen   bool            `json:"datesOpen,omitempty"`   // there is such a column
	ConsentOpen bool            `json:"consentOpen,omitempty"` // nobody said that a consent column of another kind is about WhatsApp
	Questions   []Question      `json:"questions,omitempty"`   // what of this is open, to be asked
	Warnings    []string        `json:"warnings,omitempty"`    // what to look at; the questions' texts too

	Format         Format   `json:"format"`
	Encoding       string   `json:"encoding"`
	Separator      string   `json:"separator,omitempty"`
	Columns        []Column `json:"columns"`
	DefaultRegion  string   `json:"defaultRegion,omitempty"`
	Mode           Mode     `json:"mode"`
	ConsentForAll  bool     `json:"consentForAll,omitempty"` // everybody in the file agreed, as ConsentText says
	ConsentText    string   `json:"consentText,omitempty"`
	ConsentLocale  string   `json:"consentLocale,omitempty"`  // of ConsentText, where it is a version with one
	DoubleOptIn    bool     `json:"doubleOptIn,omitempty"`    // who agreed has to confirm it first
	IgnoreConsents bool     `json:"ignoreConsents,omitempty"` // record none, whatever the columns say
	TopicIDs       []int64  `json:"topics,omitempty"`         // everybody in the file is subscribed to these
	DryRun         bool     `json:"dryRun,omitempty"`         // tell what would come of it, and write nothing

	// Messages: it is a log of messages, and no list of contacts.
	Messages bool `json:"messages,omitempty"`

	book       topic.Book // while it is worked
	words      LogWords
	vocabulary *consent.Vocabulary // of the workspace, by which the messages of a log are read
	log        logColumns
	phones     []phoneColumn
	headers    []string // folded
}

// Topic of a question.
type Topic string

// Topics of questions.
const (
	TopicNumbers Topic = "numbers" // national or international
	TopicDates   Topic = "dates"   // day or month first
	TopicConsent Topic = "consent" // to WhatsApp messages, or to something else
)

// Question is what only the operator can tell of a file.
type Question struct {
	About    Topic    `json:"about"`
	Column   string   `json:"column,omitempty"`   // of dates and consent
	Text     string   `json:"text"`               // why it is asked, in whole sentences
	Example  string   `json:"example,omitempty"`  // a value of the file
	Readings []string `json:"readings,omitempty"` // what the example is by each answer, in the order of the topic's
}

// Import is one file and what became of it. When it has ended, RowsTotal =
// Created + Updated + Unchanged + Duplicates + Rejected.
type Import struct {
	bun.BaseModel `bun:"table:imports,alias:i"`

	ID            int64      `bun:",pk,autoincrement"`
	FileName      string     //
	SizeBytes     int64      //
	BytesDone     int64      //
	Options       Options    `bun:"type:jsonb"`
	Status        Status     //
	Failure       string     // why it failed, for people
	RowsTotal     *int64     // known at the end
	RowsDone      int64      //
	Created       int64      //
	Updated       int64      //
	Unchanged     int64      //
	Duplicates    int64      // rows that repeat a number of an earlier row; the last one wins
	Rejected      int64      //
	OperatorID    *int64     // who uploaded it; nil: an API token, or the engine
	APITokenID    *int64     `bun:"api_token_id"`
	CreatedAt     time.Time  `bun:",nullzero"`
	StartedAt     *time.Time //
	FinishedAt    *time.Time //
	Starts        int        // how often work was begun at StartsRow and never came back
	StartsRow     int64      //
	OptInRequests int64      // who agreed and is asked to confirm it, or would be
	Messages      *Messages  `bun:"type:jsonb"` // of a log of messages: what came in, or would
}

// Request is what the operator sets.
type Request struct {
	FileName      string
	Mapping       map[string]Field // column → field; columns left out are guessed
	DefaultRegion string
	Mode          Mode
	Consent       ConsentChoice
	TopicIDs      []int64
	DryRun        bool
	Numbers       contact.Reading
	DateOrder     DateOrder
	Sheet         string // of a workbook; "": the first with anything in it
}

// ConsentChoice says how the file's consent is read.
type ConsentChoice struct {
	Source string // "columns" (default), "all" or "none"
	Text   string // what these people agreed to, and where; with "columns" it makes consent of a column of another kind
	TextID int64  // in its place: a version that is kept already
	// Confirmed: who agreed is asked on WhatsApp first (package doubleoptin).
	Confirmed bool

	language string // of that version
}

// CheckRegion refuses what is no ISO 3166-1 code of two letters; "" is none, and fine.
func CheckRegion(field, region string) error {
	if region != "" && (len(region) != 2 || countryOf(region) != strings.ToUpper(region)) {
		return apperr.Invalid(field, "%q is not a country code such as DE", clip(region, 60))
	}
	return nil
}

// FileName is the name of a file as it may be kept: without folders, and not too long.
func FileName(name string) string { return clip(contact.CleanText(filepath.Base(name)), 200) }

func (r *Request) check() error {
	var errs apperr.List
	switch r.Mode {
	case "":
		r.Mode = ModeUpsert
	case ModeUpsert, ModeCreateOnly, ModeUpdateOnly:
	default:
		_ = errs.Add(apperr.Invalid("mode", "%q is not a mode: upsert, create_only or update_only", r.Mode))
	}
	switch r.Consent.Source {
	case "":
		r.Consent.Source = "columns"
	case "columns", "none":
	case "all":
		if r.Consent.Text == "" {
			_ = errs.Add(apperr.Invalid("consentText", "say what these people agreed to, and where: it is the evidence"))
		}
	default:
		_ = errs.Add(apperr.Invalid("consentSource", "%q is none of columns, all, none", r.Consent.Source))
	}
	_ = errs.Add(consent.CheckLength("consentText", r.Consent.Text))
	_ = errs.Add(CheckRegion("defaultRegion", r.DefaultRegion))
	switch r.Numbers {
	case contact.ReadingOpen, contact.ReadingNational, contact.ReadingInternational:
	default:
		_ = errs.Add(apperr.Invalid("numbers", "%q is neither national nor international", r.Numbers))
	}
	switch r.DateOrder {
	case DateOrderOpen, DateOrderDMY, DateOrderMDY:
	default:
		_ = errs.Add(apperr.Invalid("dateOrder", "%q is neither dmy nor mdy", r.DateOrder))
	}
	return errs.Err()
}

// RunArgs is the job that works an import.
type RunArgs struct {
	ImportID int64 `json:"import_id"`
}

// Kind names the job.
func (RunArgs) Kind() string { return "contact_import" }

// InsertOpts names its queue.
func (RunArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueImports} }
