// Package gate decides whether a message may go now. It is the one gate of the
// engine: campaigns, replies, confirmations and tests ask it, with the same
// questions in the same order, and pre-flight and demo data ask it too, so that
// what they foresee is what happens. It is pure. Whoever asks reads the facts
// first and says by which clock, so that every answer can be tested and explained
// afterwards.
package gate

import (
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/hours"
	"eventstream/server/message"
	"eventstream/server/sender"
	"eventstream/server/template"
)

// MaxText is how many characters free text may have (Twilio error 21617).
const MaxText = 1600

// Candidate is a message that asks to go, with all that the gate looks at.
type Candidate struct {
	Purpose    message.Purpose
	Contact    *contact.Contact
	Suppressed consent.Reasons
	OffTopic   bool          // the campaign has a topic, and they are not subscribed to it
	Sender     sender.Status // "" is active

	Category   template.Category
	Template   *template.Compiled // nil: free text
	Text       string             // free text
	Unwritten  bool               // a template that nobody has chosen yet: may they be written to at all?
	WindowOpen bool               // they wrote within the last 24 hours

	Cap        *FrequencyCap
	Recent     Recent // with a Cap: what other campaigns did with them
	QuietHours *hours.QuietHours
	LocalStart *hours.LocalMoment // nothing goes before it, by the clocks of the contact
	Preferred  *hours.Preferred   // it waits for that hour, unless it would come too late then; nil: it goes as soon as it may
	EndsAt     *time.Time
	Room       *Room // nil: no limit of people is known, or they wrote to the sender within the last 24 hours

	// Of a question of double opt-in: its answer is waited for, and they have just filled in
	// a form, so that they expect it at any hour.
	Awaited, Expected bool

	// Redelivery: an earlier attempt of this message was accepted and failed. The
	// mark that its failure left on the contact must not stop the attempt that the
	// same failure asks for.
	Redelivery bool
}

// Room tells whether WhatsApp's limit of people within 24 hours leaves room for the person: see package portfolio.
type Room struct {
	People int       // the limit
	Taken  bool      // they have a place among them
	Frees  time.Time // when there is one for them, where they have none
}

// Verdict is what the gate decided.
type Verdict struct {
	Status    message.Status     // submitting: go; else skipped, pending (later) or expired
	Skip      message.SkipReason // why skipped
	NotBefore time.Time          // when later
	Reason    string             // why later
	Rendered  template.Rendered
}

// Decide says whether a message may go now: the first question that is answered with no
// decides.
func Decide(c Candidate, now time.Time) Verdict {
	a := &asked{Candidate: c, now: now}
	for i := range questions {
		if no, _ := questions[i].ask(a); no != nil {
			return *no
		}
	}
	return Verdict{Status: message.StatusSubmitting, Rendered: a.text()}
}

// Reachable reports whether nothing says that the address has no WhatsApp. The
// mark ends by itself: people get WhatsApp, and numbers get new owners.
func Reachable(c *contact.Contact, now time.Time) bool {
	return c.Reachable || c.UnreachableUntil != nil && !now.Before(*c.UnreachableUntil)
}

// Marketable reports whether marketing reaches the contact: since 2025-04-01
// WhatsApp delivers no marketing template to US numbers (Twilio error 63049).
// Others get the mark for a while when WhatsApp declines a message to them.
func Marketable(c *contact.Contact, now time.Time) bool {
	return !Marked(c, now) && c.Region != "US"
}

// Marked reports whether WhatsApp declined marketing to the contact, and that
// still counts.
func Marked(c *contact.Contact, now time.Time) bool {
	return !c.MarketingEligible && (c.IneligibleUntil == nil || now.Before(*c.IneligibleUntil))
}
