package doubleoptin

import (
	"context"
	"slices"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// Reply is what somebody wrote who may be answering a question.
type Reply struct {
	Keyword    consent.Keyword // what it asks for of everything, if anything
	Text       string          // of the button that was pressed, else the body
	From       []string        // match keys of the addresses that it came from
	SID        string
	QuotedSID  string // the message they replied to; "": none
	ReceivedAt time.Time
	Late       bool // see consent.Decision
}

// Rule is how evidence names an opt-in that was confirmed.
const Rule = "double opt-in"

// Hear reads a message of somebody who may have been asked. A yes to our question records
// the consent: then confirmed is true, and language is that of the yes. A no ends the
// request; STOP and START have ended it already, see consent.EndRequests. The caller has
// locked the contact, and has done what a keyword asks for.
func Hear(ctx context.Context, tx bun.Tx, consents *consent.Service, c *contact.Contact, reply Reply) (language string,
	confirmed bool, err error,
) {
	if c.OptInRequestAt == nil {
		return "", false, nil
	}
	r, err := openOf(ctx, tx, c.ID)
	if err != nil || r == nil {
		return "", false, err
	}
	if r.Status != StatusAsked || reply.Keyword != consent.KeywordNone {
		return "", false, nil
	}
	answers, err := answersQuestion(ctx, tx, r, reply)
	if err != nil || !answers {
		return "", false, err
	}
	answer, language := consent.ReadYesOrNo(reply.Text, r.Language, c.Locale, consent.LanguageOfRegion(c.Region))
	switch answer {
	case consent.No:
		return "", false, Settle(ctx, tx, c, StatusDeclined)
	case consent.Yes:
	case consent.Unclear:
		return "", false, nil
	}
	suppressed, err := consents.SuppressedContacts(ctx, tx, []int64{c.ID})
	if err != nil {
		return "", false, err
	}
	if len(suppressed[c.ID]) > 0 {
		return "", false, Settle(ctx, tx, c, StatusCanceled)
	}
	if err := Settle(ctx, tx, c, StatusConfirmed); err != nil {
		return "", false, err
	}
	err = consents.Record(ctx, tx, c, r.confirmed(reply))
	return language, c.ConsentStatus == contact.ConsentOptedIn, err
}

// answersQuestion reports whether a message answers the question: it comes from the
// address that was asked, after the question went, in time, and it quotes the question,
// or quotes nothing while nothing else was sent to them.
func answersQuestion(ctx context.Context, tx bun.Tx, r *Request, reply Reply) (bool, error) {
	if reply.ReceivedAt.After(r.ExpiresAt) || !slices.Contains(reply.From, r.AskedKey) {
		return false, nil
	}
	d, err := deliveryOf(ctx, tx, r)
	if err != nil || d.AcceptedAt == nil || reply.ReceivedAt.Before(*d.AcceptedAt) {
		return false, err
	}
	if reply.QuotedSID != "" {
		return d.SID == reply.QuotedSID, nil
	}
	return d.Last, nil
}

// confirmed is the consent that a yes makes of a request: what was recorded, with the yes
// as the proof that it was the person themselves.
func (r *Request) confirmed(reply Reply) consent.Change {
	e := r.Evidence
	e.Rule, e.MessageSID, e.Answer = Rule, reply.SID, contact.CleanText(reply.Text)
	return consent.Change{
		Status: contact.ConsentOptedIn, Source: r.Source, Evidence: e, OccurredAt: reply.ReceivedAt, Late: reply.Late,
	}
}

// Settle ends what is open of a contact. The caller has locked the contact.
func Settle(ctx context.Context, tx bun.Tx, c *contact.Contact, as Status) error {
	if c.OptInRequestAt == nil {
		return nil
	}
	c.OptInRequestAt = nil
	return consent.EndRequests(ctx, tx, []int64{c.ID}, as)
}
