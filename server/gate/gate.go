// Package gate decides whether a message may go now. It is the one gate of the
// engine: campaigns, replies, confirmations and tests ask it, with the same
// questions in the same order, and pre-flight and demo data ask it too, so that
// what they foresee is what happens. It is pure. Whoever asks reads the facts
// first and says by which clock, so that every answer can be tested and explained
// afterwards.
package gate

import (
	"time"
	"unicode/utf8"

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
	Body       *template.Body // of the approved template; nil: free text
	Text       string         // free text
	WindowOpen bool           // they wrote within the last 24 hours

	Cap        *FrequencyCap
	Recent     Recent // with a Cap: what other campaigns did with them
	QuietHours *hours.QuietHours
	EndsAt     *time.Time

	// Redelivery: an earlier attempt of this message was accepted and failed. The
	// mark that its failure left on the contact must not stop the attempt that the
	// same failure asks for.
	Redelivery bool
}

// Verdict is what the gate decided.
type Verdict struct {
	Status    message.Status     // submitting: go; else skipped, pending (later) or expired
	Skip      message.SkipReason // why skipped
	NotBefore time.Time          // when later
	Reason    string             // why later
	Rendered  template.Rendered
}

func skip(r message.SkipReason) Verdict { return Verdict{Status: message.StatusSkipped, Skip: r} }

// Decide says whether a message may go now. The order of the questions is part of
// the product: the first no is the reason that is kept. That the campaign is
// sending and that there is a slot is settled before anything is claimed.
func Decide(c Candidate, now time.Time) Verdict {
	p := c.Contact
	campaign := c.Purpose == message.PurposeCampaign
	confirmation := c.Purpose == message.PurposeConfirmation // one may follow an opt-out: 47 CFR 64.1200(a)(12)
	approved := c.Body != nil                                // a template needs consent, also in a reply
	switch {
	case p.ErasedAt != nil:
		return skip(message.SkipErased)
	case p.ConsentStatus == contact.ConsentOptedOut && !confirmation:
		return skip(message.SkipOptedOut)
	case len(c.forbidding()) > 0:
		return skip(message.SkipSuppressed)
	case c.OffTopic:
		return skip(message.SkipNotSubscribed)
	case approved && p.ConsentStatus != contact.ConsentOptedIn:
		return skip(message.SkipNoConsent)
	case campaign && p.OptOutReviewAt != nil:
		return skip(message.SkipOptOutReview)
	case campaign && !Reachable(p, now):
		return skip(message.SkipUnreachable)
	case campaign && c.Category == template.CategoryMarketing && !c.Redelivery && !Marketable(p, now):
		return skip(message.SkipIneligible)
	case c.Category == template.CategoryAuthentication && p.Kind != contact.KindPhone:
		return skip(message.SkipNoNumber) // Twilio's changelog on BSUIDs, 2026: one-tap, zero-tap and copy-code need a number
	case c.Cap != nil && c.Recent.Accepted >= c.Cap.Messages:
		return skip(message.SkipFrequencyCap)
	case c.Cap != nil && c.Recent.Accepted+c.Recent.InFlight >= c.Cap.Messages:
		return Verdict{Status: message.StatusPending, NotBefore: awaitRival(now), Reason: "frequency_cap"}
	}
	rendered, no := c.render()
	switch {
	case no != "":
		return skip(no)
	case c.Sender != "" && c.Sender != sender.StatusActive:
		return skip(message.SkipReason("sender_" + string(c.Sender)))
	case campaign && c.EndsAt != nil && !now.Before(*c.EndsAt):
		return Verdict{Status: message.StatusExpired}
	case !campaign:
		return Verdict{Status: message.StatusSubmitting, Rendered: rendered}
	}
	at, why, ok := hours.NextAllowed(hours.RulesFor(c.QuietHours, p), now)
	switch {
	case !ok:
		return skip(message.SkipNoAllowedHours)
	case at.After(now) && c.EndsAt != nil && !at.Before(*c.EndsAt):
		return Verdict{Status: message.StatusExpired, Reason: why}
	case at.After(now):
		return Verdict{Status: message.StatusPending, NotBefore: at, Reason: why}
	}
	return Verdict{Status: message.StatusSubmitting, Rendered: rendered}
}

// forbidding are the suppressions that stand against this message. The one confirmation
// may follow an opt-out, but nobody gets one who complained, was erased or was suppressed
// by an operator.
func (c Candidate) forbidding() consent.Reasons {
	if c.Purpose == message.PurposeConfirmation {
		return c.Suppressed.But(consent.SuppressedOptedOut)
	}
	return c.Suppressed
}

// render fills the template in, or takes the free text, which only goes inside
// the 24-hour window (Twilio error 63016).
func (c Candidate) render() (template.Rendered, message.SkipReason) {
	if c.Body == nil {
		switch {
		case !c.WindowOpen:
			return template.Rendered{}, message.SkipWindowClosed
		case utf8.RuneCountInString(c.Text) > MaxText:
			return template.Rendered{}, message.SkipTooLong
		}
		return template.Rendered{Text: c.Text}, ""
	}
	r := c.Body.Render(c.Contact)
	switch {
	case len(r.Missing) > 0:
		return r, message.SkipMissingVariable
	case utf8.RuneCountInString(r.Text) > template.MaxBody:
		return r, message.SkipTooLong
	}
	return r, ""
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
