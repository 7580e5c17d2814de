package gate

import (
	"time"
	"unicode/utf8"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/hours"
	"eventstream/server/message"
	"eventstream/server/say"
	"eventstream/server/sender"
	"eventstream/server/template"
)

// Question is one that the gate asks of the messages that it concerns.
type Question struct {
	Check say.Format         // its name for people
	Skip  message.SkipReason // why a message is skipped of which the answer is no; "": that depends
	Rule  say.Format         // whose rule it is, for people

	concerns func(*asked) bool      // nil: every message
	refusal  func(*asked) *Verdict  // nil: the answer is yes
	ends     func(*asked) time.Time // when a no becomes a yes by itself; zero or nil: never, or nobody knows
}

// ask asks it of a candidate, if it concerns them; nil: the answer is yes.
func (q *Question) ask(a *asked) (no *Verdict, concerned bool) {
	if q.concerns != nil && !q.concerns(a) {
		return nil, false
	}
	return q.refusal(a), true
}

// asked is a candidate while the gate looks at it.
type asked struct {
	Candidate
	now      time.Time
	rendered *template.Rendered // once somebody needed it
	best     *time.Time         // likewise: see bestHour
}

// Questions are those of the gate, in their order. The order is part of the product:
// the first no is the reason that is kept. That a campaign is sending and that there
// is a slot is settled before anything is claimed.
func Questions() []Question { return questions }

var questions = []Question{
	{
		Check: "Not erased", Skip: message.SkipErased, Rule: "Who was erased is nobody any more (GDPR Art. 17).",
		refusal: no(message.SkipErased, func(a *asked) bool { return a.Contact.ErasedAt != nil }),
	},
	{
		Check: "Not opted out", Skip: message.SkipOptedOut,
		Rule:     "Nobody is written to who asked for an end by any reasonable means (47 CFR 64.1200(a)(10), GDPR Art. 7(3)).",
		concerns: func(a *asked) bool { return !a.confirmation() },
		refusal: no(message.SkipOptedOut, func(a *asked) bool {
			return a.Contact.ConsentStatus == contact.ConsentOptedOut ||
				a.Category == template.CategoryUtility && a.Contact.UtilityStatus == contact.ConsentOptedOut // of those alone
		}),
	},
	{
		Check: "Not suppressed", Skip: message.SkipSuppressed,
		Rule:    "Nothing goes to an address of a person that is on the suppression list, whatever the reason.",
		refusal: no(message.SkipSuppressed, func(a *asked) bool { return len(a.forbidding()) > 0 }),
	},
	{
		Check: "Local time", Rule: "Before a campaign's hour where the person is, nothing is decided that may be otherwise by then.",
		concerns: func(a *asked) bool { return a.campaign() && (a.begins().After(a.now) || a.bestHour().After(a.now)) },
		refusal:  (*asked).untimely,
	},
	{
		Check: "Topic", Skip: message.SkipNotSubscribed, Rule: "A campaign with a topic goes to its subscribers.",
		concerns: func(a *asked) bool { return a.OffTopic },
		refusal:  no(message.SkipNotSubscribed, func(a *asked) bool { return a.OffTopic }),
	},
	{
		Check: "Consent", Skip: message.SkipNoConsent,
		Rule: "WhatsApp asks for an opt-in before a template, whatever its category (WhatsApp Business Messaging Policy); for marketing " +
			"so does the law (GDPR Art. 6(1)(a), 47 CFR 64.1200(a)(2)).",
		concerns: func(a *asked) bool { return a.template() || a.optInQuestion() },
		refusal: no(message.SkipNoConsent, func(a *asked) bool {
			if a.optInQuestion() { // its answer is what brings the consent, while it is waited for
				return !a.Awaited
			}
			return a.Contact.ConsentStatus != contact.ConsentOptedIn
		}),
	},
	{
		Check: "No opt-out to decide", Skip: message.SkipOptOutReview,
		Rule:     "Campaigns leave out who may have asked for an end, until somebody has decided (47 CFR 64.1200(a)(10)).",
		concerns: (*asked).unprompted,
		refusal:  no(message.SkipOptOutReview, func(a *asked) bool { return a.Contact.OptOutReviewAt != nil }),
	},
	{
		Check: "Reachable", Skip: message.SkipUnreachable,
		Rule:     "A number of which Twilio reported that it has no WhatsApp is left out for a while (errors such as 63003).",
		concerns: (*asked).unprompted,
		refusal:  no(message.SkipUnreachable, func(a *asked) bool { return !Reachable(a.Contact, a.now) }),
		ends:     func(a *asked) time.Time { return moment(a.Contact.UnreachableUntil) },
	},
	{
		Check: "Eligible", Skip: message.SkipIneligible,
		Rule: "WhatsApp delivers no marketing to numbers of the US since 2025-04-01, nor for a while to those to whom it " +
			"declined it (Twilio error 63049).",
		concerns: func(a *asked) bool {
			return a.unprompted() && a.Category == template.CategoryMarketing && !a.Redelivery
		},
		refusal: no(message.SkipIneligible, func(a *asked) bool { return !Marketable(a.Contact, a.now) }),
		ends: func(a *asked) time.Time {
			if a.Contact.Region == "US" {
				return time.Time{}
			}
			return moment(a.Contact.IneligibleUntil)
		},
	},
	{ // Twilio's changelog on BSUIDs, 2026: one-tap, zero-tap and copy-code need a number
		Check: "Number", Skip: message.SkipNoNumber, Rule: "WhatsApp delivers authentication templates to numbers alone.",
		concerns: func(a *asked) bool { return a.Category == template.CategoryAuthentication },
		refusal:  no(message.SkipNoNumber, func(a *asked) bool { return a.Contact.Kind != contact.KindPhone }),
	},
	{
		Check: "Frequency", Skip: message.SkipFrequencyCap, Rule: "A campaign's cap on messages of all campaigns to one person.",
		concerns: func(a *asked) bool { return a.Cap != nil },
		refusal: func(a *asked) *Verdict {
			switch {
			case a.Recent.Accepted >= a.Cap.Messages:
				return &Verdict{Status: message.StatusSkipped, Skip: message.SkipFrequencyCap}
			case a.Recent.Accepted+a.Recent.InFlight >= a.Cap.Messages:
				return &Verdict{Status: message.StatusPending, NotBefore: awaitRival(a.now), Reason: "frequency_cap"}
			}
			return nil
		},
	},
	{
		Check: "Window", Skip: message.SkipWindowClosed,
		Rule:     "Free text, and lists to choose from, go within 24 hours of their last message (Twilio error 63016).",
		concerns: func(a *asked) bool { return !a.template() || a.Template != nil && a.Template.WindowOnly() },
		refusal:  no(message.SkipWindowClosed, func(a *asked) bool { return !a.WindowOpen }),
	},
	{
		Check: "Complete", Skip: message.SkipMissingVariable, Rule: "WhatsApp refuses a template with an empty variable.",
		concerns: func(a *asked) bool { return a.Template != nil },
		refusal:  no(message.SkipMissingVariable, func(a *asked) bool { return len(a.text().Missing) > 0 }),
	},
	{
		Check: "Length", Skip: message.SkipTooLong, Rule: "WhatsApp takes 1,024 characters of a template, Twilio 1,600 of free text (error 21617).",
		concerns: func(a *asked) bool { return !a.Unwritten },
		refusal: no(message.SkipTooLong, func(a *asked) bool {
			limit := MaxText
			if a.Template != nil {
				limit = template.MaxBody
			}
			return utf8.RuneCountInString(a.text().Text) > limit || len(a.text().TooLong) > 0
		}),
	},
	{
		Check: "Sender", Rule: "A sender that is not active sends nothing.",
		concerns: func(a *asked) bool { return a.Sender != "" },
		refusal: func(a *asked) *Verdict {
			if a.Sender == sender.StatusActive {
				return nil
			}
			return &Verdict{Status: message.StatusSkipped, Skip: message.SkipReason("sender_" + string(a.Sender))}
		},
	},
	{
		Check: "In time", Rule: "A campaign sends nothing after its end.",
		concerns: func(a *asked) bool { return a.campaign() && a.EndsAt != nil },
		refusal: func(a *asked) *Verdict {
			if a.now.Before(*a.EndsAt) {
				return nil
			}
			return &Verdict{Status: message.StatusExpired}
		},
	},
	{
		Check: "Hours", Skip: message.SkipNoAllowedHours,
		Rule:     "Campaigns keep quiet hours, the hours that law allows where the person may be, and their own hour there.",
		concerns: func(a *asked) bool { return a.campaign() || a.optInQuestion() && !a.Expected },
		refusal:  (*asked).untimely,
	},
	{ // the last: a place is taken only for what goes
		Check: CheckRoom,
		Rule: "WhatsApp lets the senders of a business together write to so many people within 24 hours outside the window of 24 hours " +
			"after their last message (Twilio error 63018).",
		concerns: func(a *asked) bool { return a.Room != nil },
		refusal: func(a *asked) *Verdict {
			if a.Room.Taken {
				return nil
			}
			return &Verdict{Status: message.StatusPending, NotBefore: a.Room.Frees, Reason: WaitsForRoom}
		},
	},
}

// CheckRoom is the question of WhatsApp's limit of people a day.
const CheckRoom say.Format = "People a day"

// WaitsForRoom is why a message waits for it.
const WaitsForRoom = "portfolio_limit"

// no is the refusal of a question to which the answer is no where that is so.
func no(reason message.SkipReason, where func(*asked) bool) func(*asked) *Verdict {
	return func(a *asked) *Verdict {
		if where(a) {
			return &Verdict{Status: message.StatusSkipped, Skip: reason}
		}
		return nil
	}
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// untimely is the refusal of a message that has to wait for its hour, by the campaign, the person's clock and the law, or has none.
func (a *asked) untimely() *Verdict {
	at, why, ok := hours.NextAllowed(hours.RulesFor(a.QuietHours, a.Contact), a.begins())
	if why == "" {
		why = hours.LocalTime
	}
	if best := a.bestHour(); best.After(a.begins()) {
		at, why, ok = best, hours.BestHour, true
	}
	switch {
	case !ok:
		return &Verdict{Status: message.StatusSkipped, Skip: message.SkipNoAllowedHours}
	case at.After(a.now) && a.EndsAt != nil && !at.Before(*a.EndsAt):
		return &Verdict{Status: message.StatusExpired, Reason: why}
	case at.After(a.now):
		return &Verdict{Status: message.StatusPending, NotBefore: at, Reason: why}
	}
	return nil
}

// begins is when a campaign begins for the contact, or now if that has been.
func (a *asked) begins() time.Time {
	if at := a.localStart(); at.After(a.now) {
		return at
	}
	return a.now
}

// bestHour is when the campaign's message to the contact goes that waits for their hour; zero: it waits for none. Whom it would be
// too late for, or none of whose hours is allowed, gets it as if nothing was known of them.
func (a *asked) bestHour() time.Time {
	if a.Preferred == nil {
		return time.Time{}
	}
	if a.best == nil {
		chosen, worth := a.Preferred.Wait(a.Contact, hours.RulesFor(a.QuietHours, a.Contact), a.localStart())
		if !worth || a.EndsAt != nil && !chosen.At.Before(*a.EndsAt) {
			chosen.At = time.Time{}
		}
		a.best = &chosen.At
	}
	return *a.best
}

// localStart is when the campaign begins where the contact is; zero: it names no local time.
func (a *asked) localStart() time.Time {
	if a.LocalStart == nil {
		return time.Time{}
	}
	return a.LocalStart.For(a.Contact)
}

func (a *asked) campaign() bool     { return a.Purpose == message.PurposeCampaign }
func (a *asked) confirmation() bool { return a.Purpose == message.PurposeConfirmation } // one may follow an opt-out: 47 CFR 64.1200(a)(12)
func (a *asked) optInQuestion() bool {
	return a.Purpose == message.PurposeOptInQuestion
}

// unprompted reports whether the engine writes on its own account, to many: nobody there waits for it.
func (a *asked) unprompted() bool { return a.campaign() || a.optInQuestion() }
func (a *asked) template() bool   { return a.Template != nil || a.Unwritten } // it needs consent, also in a reply

// forbidding are the suppressions that stand against this message. The one confirmation
// may follow an opt-out, but nobody gets one who complained, was erased or was suppressed
// by an operator.
func (a *asked) forbidding() consent.Reasons {
	if a.confirmation() {
		return a.Suppressed.But(consent.SuppressedOptedOut)
	}
	return a.Suppressed
}

// text fills the template in, or takes the free text.
func (a *asked) text() template.Rendered {
	if a.rendered == nil {
		r := template.Rendered{Text: a.Text}
		if a.Template != nil {
			r = a.Template.Render(a.Contact)
		}
		a.rendered = &r
	}
	return *a.rendered
}

// Answer is what the gate answers to one question.
type Answer struct {
	Question
	No   *Verdict  // nil: yes
	Ends time.Time // when a no becomes a yes by itself; zero: never, or nobody knows
}

// Answers asks every question that concerns a message, also those behind a first no.
func Answers(c Candidate, now time.Time) (all []Answer) {
	a := &asked{Candidate: c, now: now}
	for i := range questions {
		q := &questions[i]
		no, concerned := q.ask(a)
		if !concerned {
			continue
		}
		answer := Answer{Question: *q, No: no}
		switch {
		case answer.No == nil:
		case answer.No.Status == message.StatusPending:
			answer.Ends = answer.No.NotBefore
		case q.ends != nil:
			answer.Ends = q.ends(a)
		}
		all = append(all, answer)
	}
	return all
}
