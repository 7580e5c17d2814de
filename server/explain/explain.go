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

	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/gate"
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
	Status, SkipReason, Purpose, Direction, NotBeforeReason, DeferredReason, ErrorMessage string
	Campaign, Segment, Topic, Template                                                    string
	CapMessages, CapDays, Version, ErrorCode, Attempts, Redeliveries                      int
	SID                                                                                   *string `bun:"sid"`
	DecisionSince                                                                         *time.Time
	NotBefore                                                                             time.Time
	PreparedAt, SubmittedAt, AcceptedAt, EndedAt                                          *time.Time
	ConsentStatus, ConsentSource                                                          string
	ConsentPurpose                                                                        consent.Purpose
	ConsentAt                                                                             *time.Time
	Evidence                                                                              json.RawMessage
}

// question is one of the gate's, with what was answered in words.
type question struct {
	gate.Question
	answers
}

// answers are a yes and a no of a message that was decided; "": the message itself tells.
type answers struct{ yes, no string }

// told are the answers to the gate's questions that are told of every message that they
// concern. Others are told only where the answer was no.
var told = map[message.SkipReason]answers{
	message.SkipErased:        {"The contact was not erased.", "The contact was erased."},
	message.SkipOptedOut:      {},
	message.SkipSuppressed:    {"The number was not suppressed.", "The number was suppressed."},
	message.SkipNotSubscribed: {},
	message.SkipNoConsent:     {},
	message.SkipOptOutReview: {
		"They had not written anything that may ask for an opt-out.",
		"They had written something that may ask for an opt-out, and nobody had decided about it yet.",
	},
	message.SkipUnreachable: {
		"Nothing said that the number has no WhatsApp.",
		"Twilio had reported that the number cannot be reached on WhatsApp; the contact was marked for a while.",
	},
	message.SkipIneligible: {
		"WhatsApp delivers this category there.",
		"WhatsApp delivered no marketing to them then: to US numbers never since 2025-04-01, to others for a while " +
			"after an error such as 63049.",
	},
	message.SkipNoNumber: {
		"Their number is known, or the category needs none.",
		"WhatsApp delivers authentication templates to numbers alone, and only an id was known of them.",
	},
	message.SkipFrequencyCap:    {},
	message.SkipMissingVariable: {"Every placeholder had a value.", "A placeholder had no value and no fallback."},
	message.SkipTooLong:         {"The text fits.", "Filled in, the text was longer than WhatsApp takes."},
	message.SkipNoAllowedHours:  {"", "Quiet hours and the law leave no minute in the zones the contact may be in."},
}

// questions of the gate, in its order, that are told.
func questions() (all []question) {
	for _, q := range gate.Questions() {
		if a, ok := told[q.Skip]; ok {
			all = append(all, question{q, a})
		}
	}
	return all
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
	var earlier []*message.Attempt
	if d.Redeliveries > 0 {
		found, err := message.AttemptsOf(ctx, s.db, []int64{messageID})
		if err != nil {
			return nil, err
		}
		earlier = found[messageID]
	}
	return s.explain(d, earlier), nil
}

// explain puts into words what the store knows.
func (s *Service) explain(d *decided, earlier []*message.Attempt) *Decision {
	out := &Decision{At: d.at(), Verdict: s.verdict(d, earlier)}
	if d.Direction == string(message.Inbound) {
		return out
	}
	if d.Purpose == string(message.PurposeCampaign) {
		out.add("Audience", answer(true), fmt.Sprintf("In the audience of “%s”%s, taken %s.", d.Campaign,
			quoted(" by the segment", d.Segment), moment(d.PreparedAt)))
	}
	out.gate(d)
	if d.Template != "" {
		out.add("Template", answer(true), fmt.Sprintf("“%s”, version %d, approved by WhatsApp.", d.Template, d.Version))
	}
	for i, a := range earlier {
		out.add(fmt.Sprintf("Attempt %d", i+1), answer(arrived(a.Status)), s.attempt(a))
	}
	// While the next attempt waits, the last call is one of the earlier attempts.
	if d.Attempts > 0 && (len(earlier) == 0 || !d.waits()) {
		out.call(d, len(earlier))
	}
	return out
}

// call tells of the newest call to Twilio.
func (o *Decision) call(d *decided, earlier int) {
	check, outcome := "Call", "not accepted"
	taken := d.SID != nil
	switch {
	case taken && earlier > 0:
		outcome = "accepted" // the row keeps when the first attempt was
	case taken || d.AcceptedAt != nil && earlier == 0:
		taken, outcome = true, "accepted "+moment(d.AcceptedAt)
	case d.Status == string(message.StatusUnknown):
		outcome = "no answer came"
	case d.Status == string(message.StatusSubmitting):
		outcome = "the answer is still due"
	}
	if earlier > 0 {
		check = fmt.Sprintf("Attempt %d", earlier+1)
	}
	passed := answer(taken)
	if !taken && (d.Status == string(message.StatusUnknown) || d.Status == string(message.StatusSubmitting)) {
		passed = nil
	}
	o.add(check, passed, fmt.Sprintf("Handed to Twilio %s, call %d; %s.", moment(d.SubmittedAt), d.Attempts, outcome))
}

// attempt tells what became of an earlier attempt.
func (s *Service) attempt(a *message.Attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Handed to Twilio %s", moment(a.SubmittedAt))
	if at := a.OwnAcceptedAt(); at != nil {
		fmt.Fprintf(&b, ", accepted %s", moment(at))
	}
	if a.EndedAt != nil {
		fmt.Fprintf(&b, "; failed %s with %s", moment(a.EndedAt), s.named(a.ErrorCode))
	}
	if arrived(a.Status) {
		fmt.Fprintf(&b, "; it was %s after all", a.Status)
	}
	return b.String() + "."
}

// named is an error code with its meaning.
func (s *Service) named(code int) string {
	if code == 0 {
		return "no code"
	}
	return fmt.Sprintf("error %d (%s)", code, s.code(code).Title)
}

func arrived(st message.Status) bool {
	return st == message.StatusDelivered || st == message.StatusRead
}

// waits reports whether no call is under way: the message waits for its turn.
func (d *decided) waits() bool { return d.Status == string(message.StatusPending) }

func (d *decided) at() *time.Time {
	if d.SubmittedAt != nil {
		return d.SubmittedAt
	}
	return d.EndedAt
}

func (s *Service) verdict(d *decided, earlier []*message.Attempt) string {
	switch message.Status(d.Status) {
	case message.StatusReceived:
		return "They wrote it."
	case message.StatusSkipped:
		switch message.SkipReason(d.SkipReason) {
		case message.SkipHoldout:
			return "Not sent: they are held out of this campaign, to compare with those who get it."
		case message.SkipStandingHoldout:
			return "Not sent: they are held out of all marketing campaigns, to compare with those who get them."
		}
		return "Not sent: the gate said no."
	case message.StatusExpired:
		return "Not sent: its time ran out before it was allowed to go."
	case message.StatusCanceled:
		return "Not sent: its campaign was canceled before."
	case message.StatusPending:
		if d.NotBeforeReason == "redeliver" && len(earlier) > 0 {
			last := earlier[len(earlier)-1]
			return fmt.Sprintf("Attempt %d failed with %s. The next one goes %s, the gate permitting, unless an earlier one "+
				"still arrives.%s", len(earlier), s.named(last.ErrorCode), moment(&d.NotBefore),
				s.left(last.ErrorCode, len(earlier)))
		}
		if d.NotBeforeReason == message.WaitsForWinner {
			return "Waits for the winner of its campaign's test, whose wording it gets."
		}
		if d.NotBeforeReason == message.WaitsForPilot {
			return "Waits until somebody has looked at the first messages of its campaign, its pilot, and goes on."
		}
		if d.NotBefore.After(time.Unix(0, 0)) {
			return fmt.Sprintf("Waits until %s (%s); the gate is asked again then.", moment(&d.NotBefore),
				waiting(d.NotBeforeReason))
		}
		return "Waits for its turn; the gate is asked when it comes."
	case message.StatusUnknown:
		if d.DecisionSince != nil && d.SID == nil {
			return fmt.Sprintf("The call was made and no answer came, and neither receipts nor Twilio's log settle what "+
				"became of it. A person has to decide, since %s.", moment(d.DecisionSince))
		}
		return "The call was made and no answer came; receipts and Twilio's log are asked what became of it."
	case message.StatusFailed, message.StatusUndelivered:
		if d.ErrorCode == 0 && d.ErrorMessage != "" {
			return "It did not reach them: " + d.ErrorMessage + "."
		}
		info := s.code(d.ErrorCode)
		if n := len(earlier); n > 0 {
			return fmt.Sprintf("It did not reach them in %d attempts, the last of which failed with %s. It is not sent again.",
				n+1, s.named(d.ErrorCode))
		}
		return strings.TrimSpace(fmt.Sprintf("It did not reach them: %s. %s", info.Title, info.Advice))
	}
	for i, a := range earlier {
		if arrived(a.Status) {
			return fmt.Sprintf("Sent: attempt %d had failed with %s, and arrived after all.", i+1, s.named(a.ErrorCode))
		}
	}
	if n := len(earlier); n > 0 {
		return fmt.Sprintf("Sent again, attempt %d: the one before failed with %s.", n+1, s.named(earlier[n-1].ErrorCode))
	}
	return "Sent: every question was answered with yes."
}

// left tells how many attempts may follow.
func (s *Service) left(code, made int) string {
	rule := s.code(code).Redeliver
	if rule == nil {
		return ""
	}
	return fmt.Sprintf(" There are at most %d.", max(len(rule.Delays)+1, made+1))
}

// waiting tells why a message waits.
func waiting(reason string) string {
	switch reason {
	case "retry":
		return "Twilio refused the call for now"
	case "reconciled":
		return "Twilio's log proved that it had not taken it"
	case "operator":
		return "an operator decided to send it again"
	case "frequency_cap":
		return "another campaign was writing to them"
	case gate.WaitsForRoom:
		return "WhatsApp's limit of people within 24 hours was used up"
	case "redeliver":
		return "the attempt before failed"
	}
	return words(reason)
}

// gate adds the questions with the answers of that time.
func (o *Decision) gate(d *decided) {
	optInQuestion := d.Purpose == string(message.PurposeOptInQuestion)
	free := (d.Purpose == string(message.PurposeReply) || optInQuestion) && d.Template == "" ||
		d.Purpose == string(message.PurposeConfirmation)
	prompted := free && !optInQuestion // they wait for it
	open := d.at() != nil && d.Status != string(message.StatusExpired) && d.Status != string(message.StatusCanceled)
	for _, q := range questions() {
		if q.Skip == message.SkipNotSubscribed && d.Topic == "" || q.Skip == message.SkipFrequencyCap &&
			d.CapMessages == 0 {
			continue
		}
		if free && (q.Skip == message.SkipNoConsent || q.Skip == message.SkipMissingVariable ||
			q.Skip == message.SkipIneligible) || prompted && q.Skip == message.SkipNoAllowedHours {
			continue // an answer inside the window needs none of these
		}
		if optInQuestion && q.Skip == message.SkipNoConsent && d.SkipReason == "" {
			continue // it asks for the consent
		}
		if d.Purpose == string(message.PurposeConfirmation) && (q.Skip == message.SkipOptedOut ||
			q.Skip == message.SkipSuppressed && d.SkipReason != string(message.SkipSuppressed)) {
			continue // the one confirmation may follow an opt-out (47 CFR 64.1200(a)(12))
		}
		switch {
		case !open:
			o.add(q.Check, nil, "Not asked.")
		case q.Skip == message.SkipIneligible && d.Redeliveries > 0 && d.SkipReason == "":
			o.add(q.Check, nil, "Not asked of a further attempt: its delay takes care of that.")
		case d.SkipReason == string(q.Skip):
			o.add(q.Check, answer(false), q.detail(d, false))
			open = false
		default:
			o.add(q.Check, answer(true), q.detail(d, true))
		}
	}
	if d.DeferredReason == gate.WaitsForRoom || d.NotBeforeReason == gate.WaitsForRoom {
		switch {
		case d.waits() && d.NotBeforeReason == gate.WaitsForRoom:
			o.add(gate.CheckRoom, answer(false), "WhatsApp's limit of people whom the business may write to within 24 hours was used up.")
		case open:
			o.add(gate.CheckRoom, answer(true), "WhatsApp's limit of people within 24 hours had room for them; it had waited for that.")
		}
	}
	if d.SkipReason != "" && open { // a reason of single messages, such as window_closed
		o.add(words(d.SkipReason), answer(false), "This forbade it.")
	}
}

// detail tells what the ledger and the clock said.
func (q question) detail(d *decided, yes bool) string {
	switch q.Skip {
	case message.SkipOptedOut, message.SkipNoConsent:
		if d.ConsentAt == nil {
			return map[bool]string{true: "Nothing was recorded that forbids it.", false: "Nobody had recorded a consent."}[yes]
		}
		what := strings.ToUpper(d.ConsentStatus[:1]) + words(d.ConsentStatus[1:])
		if d.ConsentPurpose == consent.PurposeUtility {
			what += " of utility messages"
		}
		return fmt.Sprintf("%s %s by %s: %s", what,
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
