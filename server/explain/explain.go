// Package explain tells why a message was sent or not, question by question in
// the order in which the gate asks them. It reads what was known at the moment
// of the decision, and not what is known now: the ledger of consents and the
// message itself keep that, so nothing has to be written while sending.
package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"eventstream/server/db"
	"eventstream/server/message"
)

// Step is one question of the gate, in its order. Passed is nil when it was not
// asked: a question before it had decided already, or the answer is still due.
type Step struct {
	Check  string
	Passed *bool
	Detail string
}

// Decision tells why a message was sent, or not, from what was known then.
type Decision struct {
	At      *time.Time // nil: not decided yet
	Verdict string     // one sentence for people
	Steps   []Step
}

// decided is what the store knows about a message's decision.
type decided struct {
	Status, SkipReason, Purpose, Direction, NotBeforeReason, DeferredReason, Address string
	Campaign, Segment, Topic, Template                                               string
	CapMessages, CapDays, Version, ErrorCode, Attempts                               int
	NotBefore                                                                        time.Time
	PreparedAt, SubmittedAt, AcceptedAt, EndedAt                                     *time.Time
	ConsentStatus, ConsentSource                                                     string
	ConsentAt                                                                        *time.Time
	Evidence                                                                         json.RawMessage
}

type question struct {
	check, yes, no string
	reason         message.SkipReason
}

// questions of the gate, in its order, with the skip reason of a no.
var questions = []question{
	{"Known", "The contact was not erased.", "The contact was erased.", message.SkipErased},
	{"Not opted out", "", "", message.SkipOptedOut},
	{"Not suppressed", "The number was not suppressed.", "The number was suppressed.", message.SkipSuppressed},
	{"Topic", "", "", message.SkipNotSubscribed},
	{"Consent", "", "", message.SkipNoConsent},
	{
		"Reachable", "Nothing said that the number has no WhatsApp.",
		"Twilio had told that the number cannot be reached on WhatsApp.", message.SkipUnreachable,
	},
	{
		"Eligible", "WhatsApp delivers this category there.",
		"WhatsApp delivers no marketing to this number (US numbers since 2025-04-01, or error 63049 before).", message.SkipIneligible,
	},
	{"Frequency", "", "", message.SkipFrequencyCap},
	{
		"Complete", "Every placeholder had a value.", "A placeholder had no value and no fallback.",
		message.SkipMissingVariable,
	},
	{"Length", "The text fits.", "Filled in, the text was longer than WhatsApp takes.", message.SkipTooLong},
	{
		"Hours", "", "Quiet hours and the law leave no minute in the zones the contact may be in.",
		message.SkipNoAllowedHours,
	},
}

// Service explains.
type Service struct {
	db   *db.DB
	code func(int) message.CodeInfo
}

// NewService makes the service; code explains error codes.
func NewService(d *db.DB, code func(int) message.CodeInfo) *Service {
	return &Service{db: d, code: code}
}

// Decide explains one message.
func (s *Service) Decide(ctx context.Context, messageID int64) (*Decision, error) {
	d, err := decisionOf(ctx, s.db, messageID)
	if err != nil {
		return nil, err
	}
	out := &Decision{At: d.at(), Verdict: s.verdict(d)}
	if d.Direction == string(message.Inbound) {
		return out, nil
	}
	if d.Purpose == string(message.PurposeCampaign) {
		out.add("Audience", answer(true), fmt.Sprintf("In the audience of “%s”%s, taken %s.", d.Campaign,
			quoted(" by the segment", d.Segment), moment(d.PreparedAt)))
	}
	out.gate(d)
	if d.Template != "" {
		out.add("Template", answer(true), fmt.Sprintf("“%s”, version %d, approved by WhatsApp.", d.Template, d.Version))
	}
	if d.Attempts > 0 {
		out.add("Call", answer(d.AcceptedAt != nil), fmt.Sprintf("Handed to Twilio %s, call %d; %s.",
			moment(d.SubmittedAt), d.Attempts, map[bool]string{
				true:  "accepted " + moment(d.AcceptedAt),
				false: "not accepted",
			}[d.AcceptedAt != nil]))
	}
	return out, nil
}

func (d *decided) at() *time.Time {
	if d.SubmittedAt != nil {
		return d.SubmittedAt
	}
	return d.EndedAt
}

func (s *Service) verdict(d *decided) string {
	switch message.Status(d.Status) {
	case message.StatusReceived:
		return "They wrote it."
	case message.StatusSkipped:
		return "Not sent: the gate said no."
	case message.StatusExpired:
		return "Not sent: its time ran out before it was allowed to go."
	case message.StatusCanceled:
		return "Not sent: its campaign was canceled before."
	case message.StatusPending:
		if d.NotBefore.After(time.Unix(0, 0)) {
			return fmt.Sprintf("Waits until %s (%s); the gate looks again then.", moment(&d.NotBefore), words(d.NotBeforeReason))
		}
		return "Waits for its turn; the gate looks when it comes."
	case message.StatusUnknown:
		return "The call was made and no answer came; Twilio's log and receipts will tell."
	case message.StatusFailed, message.StatusUndelivered:
		info := s.code(d.ErrorCode)
		return strings.TrimSpace(fmt.Sprintf("It did not reach them: %s. %s", info.Title, info.Advice))
	}
	return "Sent: every question was answered with yes."
}

// gate adds the questions with the answers of that time.
func (o *Decision) gate(d *decided) {
	free := d.Purpose == string(message.PurposeReply) && d.Template == "" ||
		d.Purpose == string(message.PurposeConfirmation)
	open := d.at() != nil && d.Status != string(message.StatusExpired) && d.Status != string(message.StatusCanceled)
	for _, q := range questions {
		if q.reason == message.SkipNotSubscribed && d.Topic == "" || q.reason == message.SkipFrequencyCap &&
			d.CapMessages == 0 {
			continue
		}
		if free && (q.reason == message.SkipNoConsent || q.reason == message.SkipMissingVariable ||
			q.reason == message.SkipIneligible || q.reason == message.SkipNoAllowedHours) {
			continue // an answer inside the window needs none of these
		}
		if d.Purpose == string(message.PurposeConfirmation) && (q.reason == message.SkipOptedOut ||
			q.reason == message.SkipSuppressed) {
			continue // the one confirmation may go (47 CFR 64.1200(a)(12))
		}
		switch {
		case !open:
			o.add(q.check, nil, "Not asked.")
		case d.SkipReason == string(q.reason):
			o.add(q.check, answer(false), q.detail(d, false))
			open = false
		default:
			o.add(q.check, answer(true), q.detail(d, true))
		}
	}
	if known := d.SkipReason == ""; !known && open { // a reason of single messages, such as window_closed
		o.add(words(d.SkipReason), answer(false), "This forbade it.")
	}
}

// detail tells what the ledger and the clock said.
func (q question) detail(d *decided, yes bool) string {
	switch q.reason {
	case message.SkipOptedOut, message.SkipNoConsent:
		if d.ConsentAt == nil {
			return map[bool]string{true: "Nothing was recorded that forbids it.", false: "Nobody had recorded a consent."}[yes]
		}
		return fmt.Sprintf("%s %s by %s: %s", strings.ToUpper(d.ConsentStatus[:1])+words(d.ConsentStatus[1:]),
			moment(d.ConsentAt), d.ConsentSource, proof(d.Evidence))
	case message.SkipNotSubscribed:
		return fmt.Sprintf(map[bool]string{
			true:  "They were subscribed to “%s”.",
			false: "They were not subscribed to “%s”.",
		}[yes], d.Topic)
	case message.SkipFrequencyCap:
		return fmt.Sprintf(map[bool]string{
			true:  "Within the campaign's cap: %d messages of all campaigns in %d days.",
			false: "They had as many as the campaign allows: %d messages of all campaigns in %d days.",
		}[yes], d.CapMessages, d.CapDays)
	case message.SkipNoAllowedHours:
		if !yes {
			break
		}
		if d.DeferredReason != "" {
			return fmt.Sprintf("It was an allowed hour where they are; it had waited before (%s).", words(d.DeferredReason))
		}
		return "It was an allowed hour where they are."
	}
	if yes {
		return q.yes
	}
	return q.no
}

func (o *Decision) add(check string, passed *bool, detail string) {
	o.Steps = append(o.Steps, Step{check, passed, detail})
}

func answer(yes bool) *bool { return &yes }

func moment(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

func quoted(before, s string) string {
	if s == "" {
		return ""
	}
	return before + " “" + s + "”"
}

// proof is the evidence as one line.
func proof(raw json.RawMessage) string {
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil || len(fields) == 0 {
		return "no evidence."
	}
	var parts []string
	for _, key := range []string{"text", "file", "row", "note", "ip", "messageSid", "language"} {
		if v, ok := fields[key]; ok {
			parts = append(parts, fmt.Sprintf("%s %v", key, v))
		}
	}
	return strings.Join(parts, ", ") + "."
}
