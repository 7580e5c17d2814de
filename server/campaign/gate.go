package campaign

import (
	"time"
	"unicode/utf8"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/message"
	"eventstream/server/template"
)

// Candidate is a message that asks to go, with all that the gate looks at.
type Candidate struct {
	Contact    *contact.Contact
	Suppressed consent.SuppressionReason // "" = not suppressed
	OffTopic   bool                      // the campaign has a topic, and they are not subscribed to it
	Category   template.Category
	Cap        *FrequencyCap
	Recent     Recent // with a Cap: what other campaigns did with them
	Body       *template.Body
	QuietHours *QuietHours
	EndsAt     *time.Time
}

// Verdict is what the gate decided.
type Verdict struct {
	Status    message.Status     // submitting: go; else skipped, pending (later) or expired
	Skip      message.SkipReason // why skipped
	NotBefore time.Time          // when later
	Why       string             // why later
	Rendered  template.Rendered
}

// Gate decides whether a message may go now. The order is that of the design:
// the first reason is the one that is kept. That the campaign is sending, and
// that there is a slot, is settled before anything is claimed.
func Gate(c Candidate, now time.Time) Verdict {
	skip := func(r message.SkipReason) Verdict { return Verdict{Status: message.StatusSkipped, Skip: r} }
	p := c.Contact
	switch {
	case p.ErasedAt != nil:
		return skip(message.SkipErased)
	case p.ConsentStatus == contact.ConsentOptedOut:
		return skip(message.SkipOptedOut)
	case c.Suppressed != "":
		return skip(message.SkipSuppressed)
	case c.OffTopic:
		return skip(message.SkipNotSubscribed)
	case p.ConsentStatus != contact.ConsentOptedIn:
		return skip(message.SkipNoConsent)
	case !p.Reachable:
		return skip(message.SkipUnreachable)
	case c.Category == template.CategoryMarketing && !Marketable(p):
		return skip(message.SkipIneligible)
	case c.Cap != nil && c.Recent.Accepted >= c.Cap.Messages:
		return skip(message.SkipFrequencyCap)
	case c.Cap != nil && c.Recent.Accepted+c.Recent.InFlight >= c.Cap.Messages:
		return Verdict{Status: message.StatusPending, NotBefore: awaitRival(now), Why: "frequency_cap"}
	}
	rendered := c.Body.Render(p)
	switch {
	case len(rendered.Missing) > 0:
		return skip(message.SkipMissingVariable)
	case utf8.RuneCountInString(rendered.Text) > template.MaxBody:
		return skip(message.SkipTooLong)
	}
	if c.EndsAt != nil && !now.Before(*c.EndsAt) {
		return Verdict{Status: message.StatusExpired}
	}
	at, why, ok := nextAllowed(rulesFor(c.QuietHours, p), now)
	switch {
	case !ok:
		return skip(message.SkipNoAllowedHours)
	case at.After(now) && c.EndsAt != nil && !at.Before(*c.EndsAt):
		return Verdict{Status: message.StatusExpired, Why: why}
	case at.After(now):
		return Verdict{Status: message.StatusPending, NotBefore: at, Why: why}
	}
	return Verdict{Status: message.StatusSubmitting, Rendered: rendered}
}

// Marketable reports whether marketing reaches the contact: since 2025-04-01
// WhatsApp delivers no marketing template to US numbers (Twilio error 63049);
// others are told apart as they are learned.
func Marketable(c *contact.Contact) bool { return c.MarketingEligible && c.Region != "US" }
