// Package topic keeps what contacts can be subscribed to, and who is. A topic
// is a choice below consent: a campaign that carries one goes only to its
// subscribers, and among them only to those who agreed to be written to.
package topic

import (
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// Status of a subscription.
type Status string

// Statuses. A contact without a subscription never subscribed.
const (
	StatusSubscribed Status = "subscribed"
	StatusLeft       Status = "left"
)

// Check refuses what cannot be set.
func (s Status) Check() error {
	if s != StatusSubscribed && s != StatusLeft {
		return apperr.Invalid("status", "%q cannot be set: subscribed or left", s)
	}
	return nil
}

// Limits.
const (
	maxTopics      = 200
	maxName        = 60
	maxDescription = 1000
	maxKeyword     = 30
)

// Topic is what a contact can be subscribed to, such as price alerts.
type Topic struct {
	bun.BaseModel `bun:"table:topics,alias:tp"`

	ID            int64     `bun:",pk,autoincrement"`
	Name          string    // unique without regard to case
	Description   string    //
	Keyword       string    // "STOP <keyword>" leaves it, "START <keyword>" subscribes; "" = none
	KeywordFolded string    `bun:",nullzero"` // by consent.Fold
	CreatedAt     time.Time `bun:",nullzero"`
	UpdatedAt     time.Time `bun:",nullzero"`
}

// Subscription is where a contact stands with a topic.
type Subscription struct {
	bun.BaseModel `bun:"table:contact_topics,alias:ct"`

	TopicID   int64          `bun:",pk"`
	ContactID int64          `bun:",pk"`
	Status    Status         //
	Source    consent.Source // who said so
	Since     time.Time      `bun:",nullzero"`
}

// Counts of a topic's subscriptions. Subscribers counts all; Reached those of
// them who opted in and can be reached.
type Counts struct{ Subscribers, Reached, Left int64 }

// Input is what a person sets; nil leaves a field as it is.
type Input struct{ Name, Description, Keyword *string }

func (in Input) apply(t *Topic) error {
	var errs apperr.List
	if in.Name != nil {
		t.Name = contact.CleanText(*in.Name)
	}
	if t.Name == "" || utf8.RuneCountInString(t.Name) > maxName || strings.ContainsAny(t.Name, ",;|\"") {
		_ = errs.Add(apperr.Invalid("name",
			"%q is not a name: 1 to %d characters without comma, semicolon, | or quotes, since files list topics by name",
			t.Name, maxName))
	}
	if in.Description != nil {
		if t.Description = contact.CleanText(*in.Description); utf8.RuneCountInString(t.Description) > maxDescription {
			_ = errs.Add(apperr.Invalid("description", "a description has at most %d characters", maxDescription))
		}
	}
	if in.Keyword != nil {
		t.Keyword, t.KeywordFolded = contact.CleanText(*in.Keyword), consent.Fold(*in.Keyword)
		switch {
		case t.Keyword == "":
		case t.KeywordFolded == "" || utf8.RuneCountInString(t.Keyword) > maxKeyword:
			_ = errs.Add(apperr.Invalid("keyword", "%q is not a keyword: 1 to %d letters or digits, such as NEWS", t.Keyword,
				maxKeyword))
		case consent.Reserved(t.KeywordFolded):
			_ = errs.Add(apperr.Invalid("keyword",
				"%q means something of its own already, or would after STOP or START: choose another", t.Keyword))
		}
	}
	return errs.Err()
}

// Book finds topics by what people write in files: name or keyword, without
// regard to case and accents.
type Book map[string]int64

func newBook(topics []*Topic) Book {
	b := Book{}
	for _, t := range topics {
		if t.KeywordFolded != "" {
			b[t.KeywordFolded] = t.ID
		}
	}
	for _, t := range topics {
		if folded := consent.Fold(t.Name); folded != "" { // a name may be nothing but signs
			b[folded] = t.ID
		}
	}
	return b
}

// Read reads a cell: names with comma, semicolon or | between them. It gives
// the first name that is no topic's as unknown.
func (b Book) Read(cell string) (ids []int64, unknown string) {
	for _, name := range strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		id, ok := b[consent.Fold(name)]
		if !ok {
			return nil, name
		}
		ids = append(ids, id)
	}
	return ids, ""
}
