// Package explain tells why a message was sent or not, question by question in
// the order in which the gate asks them. It reads what was known at the moment
// of the decision, and not what is known now: the ledger of consents and the
// message itself keep that, so nothing has to be written while sending.
package explain

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/hours"
	"eventstream/server/message"
	"eventstream/server/say"
)

// Step is one question of the gate, in its order. Passed is nil when it was not
// asked: a question before it had decided already, or the answer is still due.
type Step struct {
	Check  say.Text
	Passed *bool
	Detail say.Text
}

// Decision tells why a message was sent, or not, from what was known then.
type Decision struct {
	At      *time.Time // nil: not decided yet
	Verdict say.Text   // one sentence for people
	Steps   []Step
}

// decided is what the store knows about a message's decision.
type decided struct {
	Status, SkipReason, Purpose, Direction, NotBeforeReason, DeferredReason, ErrorMessage string
	Campaign, Segment, Topic, Template                                                    string
	CapMessages, CapDays, Version, ErrorCode, Attempts, Redeliveries                      int
	CampaignID, ContactID                                                                 int64
	SID                                                                                   *string `bun:"sid"`
	DecisionSince                                                                         *time.Time
	NotBefore                                                                             time.Time
	PreparedAt, SubmittedAt, AcceptedAt, EndedAt                                          *time.Time
	ConsentStatus, ConsentSource                                                          string
	ConsentPurpose                                                                        consent.Purpose
	ConsentAt                                                                             *time.Time
	Evidence                                                                              json.RawMessage
	habit                                                                                 *campaign.Habit // nil: no best hour was asked for
}

// question is one of the gate's, with what was answered in words.
type question struct {
	gate.Question
	answers
}

// answers are a yes and a no of a message that was decided; "": the message itself tells.
type answers struct{ yes, no say.Format }

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
	if d.CampaignID != 0 && d.SkipReason == "" {
		if d.habit, err = campaign.HabitOf(ctx, s.db, d.CampaignID, d.ContactID); err != nil {
			return nil, err
		}
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
		audience := say.New("In the audience of “%s”, taken %s.", d.Campaign, moment(d.PreparedAt))
		if d.Segment != "" {
			audience = say.New("In the audience of “%s” by the segment “%s”, taken %s.", d.Campaign, d.Segment, moment(d.PreparedAt))
		}
		out.add(say.New("Audience"), answer(true), audience)
	}
	out.gate(d)
	if d.Template != "" {
		out.add(say.New("Template"), answer(true), say.New("“%s”, version %v, approved by WhatsApp.", d.Template, d.Version))
	}
	for i, a := range earlier {
		out.add(say.New("Attempt %d", i+1), answer(arrived(a.Status)), s.attempt(a))
	}
	// While the next attempt waits, the last call is one of the earlier attempts.
	if d.Attempts > 0 && (len(earlier) == 0 || !d.waits()) {
		out.call(d, len(earlier))
	}
	return out
}

// call tells of the newest call to Twilio.
func (o *Decision) call(d *decided, earlier int) {
	check, outcome := say.New("Call"), say.New("not accepted")
	taken := d.SID != nil
	switch {
	case taken && earlier > 0:
		outcome = say.New("accepted") // the row keeps when the first attempt was
	case taken || d.AcceptedAt != nil && earlier == 0:
		taken, outcome = true, say.New("accepted %s", moment(d.AcceptedAt))
	case d.Status == string(message.StatusUnknown):
		outcome = say.New("no answer came")
	case d.Status == string(message.StatusSubmitting):
		outcome = say.New("the answer is still due")
	}
	if earlier > 0 {
		check = say.New("Attempt %d", earlier+1)
	}
	passed := answer(taken)
	if !taken && (d.Status == string(message.StatusUnknown) || d.Status == string(message.StatusSubmitting)) {
		passed = nil
	}
	o.add(check, passed, say.New("Handed to Twilio %s, call %d; %s.", moment(d.SubmittedAt), d.Attempts, outcome))
}

// attempt tells what became of an earlier attempt.
func (s *Service) attempt(a *message.Attempt) say.Text {
	told := say.New("Handed to Twilio %s", moment(a.SubmittedAt))
	if at := a.OwnAcceptedAt(); at != nil {
		told = say.New("Handed to Twilio %s, accepted %s", moment(a.SubmittedAt), moment(at))
	}
	if a.EndedAt != nil {
		told = say.New("%s; failed %s with %s", told, moment(a.EndedAt), s.named(a.ErrorCode))
	}
	switch a.Status {
	case message.StatusDelivered:
		told = say.New("%s; it was delivered after all", told)
	case message.StatusRead:
		told = say.New("%s; it was read after all", told)
	}
	return say.New("%s.", told)
}

// named is an error code with its meaning.
func (s *Service) named(code int) say.Text {
	if code == 0 {
		return say.New("no code")
	}
	return say.New("error %v (%s)", code, say.New(s.code(code).Title))
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

func (s *Service) verdict(d *decided, earlier []*message.Attempt) say.Text {
	switch message.Status(d.Status) {
	case message.StatusReceived:
		return say.New("They wrote it.")
	case message.StatusSkipped:
		return skipped(message.SkipReason(d.SkipReason), message.Purpose(d.Purpose))
	case message.StatusExpired:
		return say.New("Not sent: its time ran out before it was allowed to go.")
	case message.StatusCanceled:
		return say.New("Not sent: its campaign was canceled before.")
	case message.StatusPending:
		return s.pending(d, earlier)
	case message.StatusUnknown:
		if d.DecisionSince != nil && d.SID == nil {
			return say.New("The call was made and no answer came, and neither receipts nor Twilio's log settle what "+
				"became of it. A person has to decide, since %s.", moment(d.DecisionSince))
		}
		return say.New("The call was made and no answer came; receipts and Twilio's log are asked what became of it.")
	case message.StatusFailed, message.StatusUndelivered:
		return s.failed(d, len(earlier))
	}
	for i, a := range earlier {
		if arrived(a.Status) {
			return say.New("Sent: attempt %d had failed with %s, and arrived after all.", i+1, s.named(a.ErrorCode))
		}
	}
	if n := len(earlier); n > 0 {
		return say.New("Sent again, attempt %d: the one before failed with %s.", n+1, s.named(earlier[n-1].ErrorCode))
	}
	return say.New("Sent: all checks passed.")
}

// skipped tells why a message was not sent, as it was decided when its turn came.
func skipped(reason message.SkipReason, purpose message.Purpose) say.Text {
	switch reason {
	case message.SkipHoldout:
		return say.New("Not sent: they are held out of this campaign, to compare with those who get it.")
	case message.SkipStandingHoldout:
		return say.New("Not sent: they are held out of all marketing campaigns, to compare with those who get them.")
	case message.SkipNotSubscribed:
		return say.New("Not sent: they were not subscribed to its topic.")
	case message.SkipNoConsent:
		if purpose == message.PurposeOptInQuestion {
			return say.New("Not sent: the question that it asks was no longer open.")
		}
		return say.New("Not sent: no consent of theirs was recorded.")
	case message.SkipOptedOut:
		return say.New("Not sent: they had opted out.")
	case message.SkipSuppressed:
		return say.New("Not sent: their number was suppressed.")
	case message.SkipErased:
		return say.New("Not sent: the contact had been erased.")
	case message.SkipOptOutReview:
		return say.New("Not sent: they may have asked to stop, and nobody had decided yet.")
	case message.SkipUnreachable:
		return say.New("Not sent: they could not be reached on WhatsApp.")
	case message.SkipIneligible:
		return say.New("Not sent: WhatsApp delivers no marketing to them.")
	case message.SkipNoNumber:
		return say.New("Not sent: their number is not known, and authentication templates go to numbers alone.")
	case message.SkipFrequencyCap:
		return say.New("Not sent: they had had as many messages as the frequency cap allows.")
	case message.SkipMissingVariable:
		return say.New("Not sent: a value that its template needs was missing.")
	case message.SkipTooLong:
		return say.New("Not sent: its text was too long once it was filled in.")
	case message.SkipNoAllowedHours:
		return say.New("Not sent: their time zones and the rules on hours left no time at which it may be sent.")
	case message.SkipWindowClosed:
		return say.New("Not sent: they had not written within the last 24 hours, and it may only go to whoever has.")
	}
	return say.New("Not sent: one of the checks below failed.")
}

// pending tells what a message waits for.
func (s *Service) pending(d *decided, earlier []*message.Attempt) say.Text {
	made := len(earlier)
	switch {
	case d.NotBeforeReason == "redeliver" && made > 0:
		code := earlier[made-1].ErrorCode
		told := say.New("Attempt %d failed with %s. The next one goes %s, if all checks still pass, unless an earlier one still arrives.",
			made, s.named(code), moment(&d.NotBefore))
		if rule := s.code(code).Redeliver; rule != nil {
			told = say.New("%s There are at most %d.", told, max(len(rule.Delays)+1, made+1))
		}
		return told
	case d.NotBeforeReason == message.WaitsForWinner:
		return say.New("Waits for the winner of its campaign's test, whose wording it gets.")
	case d.NotBeforeReason == message.WaitsForPilot:
		return say.New("Waits until somebody has looked at the first messages of its campaign, its pilot, and goes on.")
	case d.NotBeforeReason == hours.BestHour && d.habit.Read() != nil:
		return say.New("Waits until %s, because of when they usually read (%d of their %d reads in 180 days); everything is checked again then.",
			moment(&d.NotBefore), d.habit.Read().Reads, d.habit.Read().Of)
	case d.NotBeforeReason == hours.BestHour:
		return say.New("Waits until %s, because of when most contacts read; everything is checked again then.", moment(&d.NotBefore))
	case d.NotBefore.After(time.Unix(0, 0)):
		return say.New("Waits until %s (%s); everything is checked again then.", moment(&d.NotBefore), waiting(d.NotBeforeReason))
	}
	return say.New("Waits for its turn; everything is checked when it comes.")
}

// failed tells why a message did not arrive.
func (s *Service) failed(d *decided, earlier int) say.Text {
	info := s.code(d.ErrorCode)
	switch {
	case d.ErrorCode == 0 && d.ErrorMessage != "":
		return say.New("It did not reach them: %s.", say.Recall(strings.TrimSuffix(d.ErrorMessage, ".")))
	case earlier > 0:
		return say.New("It did not reach them in %d <attempt, which|attempts, the last of which> failed with %s. It is not sent again.",
			earlier+1, s.named(d.ErrorCode))
	case info.Advice == "":
		return say.New("It did not reach them: %s.", say.New(info.Title))
	}
	return say.New("It did not reach them: %s. %s", say.New(info.Title), say.New(info.Advice))
}

// waiting tells why a message waits.
func waiting(reason string) say.Text {
	switch reason {
	case "retry":
		return say.New("Twilio refused the call for now")
	case "reconciled":
		return say.New("Twilio's log proved that it had not taken it")
	case "operator":
		return say.New("an operator decided to send it again")
	case "frequency_cap":
		return say.New("another campaign was writing to them")
	case gate.WaitsForRoom:
		return say.New("WhatsApp's limit of people within 24 hours was used up")
	case "redeliver":
		return say.New("the attempt before failed")
	case "budget":
		return say.New("the budget was used up")
	}
	return hours.NameOf(reason)
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
			o.add(say.New(q.Check), nil, say.New("Not asked."))
		case q.Skip == message.SkipIneligible && d.Redeliveries > 0 && d.SkipReason == "":
			o.add(say.New(q.Check), nil, say.New("Not asked of a further attempt: its delay takes care of that."))
		case d.SkipReason == string(q.Skip):
			o.add(say.New(q.Check), answer(false), q.detail(d, false))
			open = false
		default:
			o.add(say.New(q.Check), answer(true), q.detail(d, true))
		}
		if q.Skip == message.SkipSuppressed && o.clock(d, open) {
			open = false
		}
	}
	if d.DeferredReason == gate.WaitsForRoom || d.NotBeforeReason == gate.WaitsForRoom {
		switch {
		case d.waits() && d.NotBeforeReason == gate.WaitsForRoom:
			o.add(say.New(gate.CheckRoom), answer(false),
				say.New("WhatsApp's limit of people whom the business may write to within 24 hours was used up."))
		case open:
			o.add(say.New(gate.CheckRoom), answer(true),
				say.New("WhatsApp's limit of people within 24 hours had room for them; it had waited for that."))
		}
	}
	if d.SkipReason != "" && open { // a reason of single messages, such as window_closed
		o.add(reason(d.SkipReason), answer(false), say.New("This forbade it."))
	}
}

// clock adds what a message waits or waited for by the clock of its recipient, and reports whether it still does: nothing
// else is asked before that.
func (o *Decision) clock(d *decided, open bool) (waits bool) {
	waits = d.waits() && (d.NotBeforeReason == hours.BestHour || d.NotBeforeReason == hours.LocalTime)
	passed := answer(!waits)
	if !waits && !open {
		passed = nil
	}
	switch {
	case d.habit != nil && d.NotBeforeReason != hours.LocalTime && (!d.habit.Trial || waits || d.DeferredReason == hours.BestHour):
		o.add(say.New("Best hour"), passed, d.bestHour())
	case waits:
		o.add(say.New("Local time"), passed, say.New("It is not yet the campaign's hour where they are."))
	}
	return waits
}

// bestHour tells when they usually read, as the campaign knew it at its start.
func (d *decided) bestHour() (told say.Text) {
	h := d.habit
	switch {
	case len(h.Own) > 0:
		most := h.Own[0]
		told = say.New("By their clock they usually read from %d:00 to %d:00: %d of %d reads in the 180 days before the campaign started.",
			most.Hour, (most.Hour+1)%24, most.Reads, most.Of)
	case len(h.Workspace) > 0:
		told = say.New("They had read fewer than %d messages in the 180 days before the campaign started, so that the hour counts in "+
			"which most contacts read, by their clock from %d:00 to %d:00.", hours.EnoughOfOne, h.Workspace[0], (h.Workspace[0]+1)%24)
	default:
		return say.New("Too little had been read to tell an hour, of them and of all contacts.")
	}
	if d.DeferredReason == hours.BestHour && h.Allowed == nil { // quiet hours have been changed since
		return told
	}
	switch read := h.Read(); {
	case h.Allowed == nil:
		return say.New("%s Quiet hours or law forbid that hour and every other in which something is read, so that it did not wait.", told)
	case *h.Allowed == append(hours.Ranked(h.Own), h.Workspace...)[0]:
	case read != nil:
		told = say.New("%s Quiet hours or law forbid that hour, so that the best one that they allow counts, from %d:00 to %d:00: %d of these reads.",
			told, *h.Allowed, (*h.Allowed+1)%24, read.Reads)
	default:
		told = say.New("%s Quiet hours or law forbid that hour, so that the best one that they allow counts, by the reads of all contacts "+
			"from %d:00 to %d:00.", told, *h.Allowed, (*h.Allowed+1)%24)
	}
	if h.TooLate && d.DeferredReason != hours.BestHour {
		told = say.New("%s That would have been too late for the campaign's end, so that it did not wait.", told)
	}
	return told
}

// detail tells what the ledger and the clock said.
func (q question) detail(d *decided, yes bool) say.Text {
	pick := func(y, n say.Format) say.Format {
		if yes {
			return y
		}
		return n
	}
	switch q.Skip {
	case message.SkipOptedOut, message.SkipNoConsent:
		if d.ConsentAt == nil {
			return say.New(pick("Nothing was recorded that forbids it.", "Nobody had recorded a consent."))
		}
		return say.New("%s %s by %s: %s", d.word(), moment(d.ConsentAt), consent.Source(d.ConsentSource), proof(d.Evidence))
	case message.SkipNotSubscribed:
		return say.New(pick("They were subscribed to “%s”.", "They were not subscribed to “%s”."), d.Topic)
	case message.SkipFrequencyCap:
		return say.New(pick("Within the campaign's cap: %d <message|messages> of all campaigns in %d <day|days>.",
			"They had as many as the campaign allows: %d <message|messages> of all campaigns in %d <day|days>."), d.CapMessages, d.CapDays)
	case message.SkipNoAllowedHours:
		if !yes {
			break
		}
		if d.DeferredReason != "" {
			return say.New("It was an allowed hour where they are; it had waited before (%s).", waiting(d.DeferredReason))
		}
		return say.New("It was an allowed hour where they are.")
	}
	return say.New(pick(q.yes, q.no))
}

// word is what the ledger said of them.
func (d *decided) word() say.Text {
	said := map[contact.ConsentStatus]say.Format{
		contact.ConsentOptedIn: "Opted in", contact.ConsentOptedOut: "Opted out", contact.ConsentUnknown: "Unknown",
	}
	if d.ConsentPurpose == consent.PurposeUtility {
		said = map[contact.ConsentStatus]say.Format{
			contact.ConsentOptedIn: "Opted in to utility messages", contact.ConsentOptedOut: "Opted out of utility messages",
		}
	}
	return say.New(said[contact.ConsentStatus(d.ConsentStatus)])
}

// reason is why a single message was not sent, as the check that forbade it.
func reason(skip string) say.Text {
	for _, q := range gate.Questions() {
		if string(q.Skip) == skip {
			return say.New(q.Check)
		}
	}
	return say.Raw(words(skip))
}

func (o *Decision) add(check say.Text, passed *bool, detail say.Text) {
	o.Steps = append(o.Steps, Step{check, passed, detail})
}

func answer(yes bool) *bool { return &yes }

// moment is a moment as a value of a text.
func moment(t *time.Time) any {
	if t == nil {
		return "–"
	}
	return say.Second(*t)
}

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// proof is the evidence as one line.
func proof(raw json.RawMessage) say.Text {
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil || len(fields) == 0 {
		return say.New("no evidence.")
	}
	var all say.Text
	for _, part := range []struct {
		key  string
		told say.Format
	}{
		{"text", "text %v"},
		{"file", "file %v"},
		{"row", "row %v"},
		{"note", "note %v"},
		{"ip", "IP address %v"},
		{"messageSid", "message %v"},
		{"language", "language %v"},
	} {
		v, ok := fields[part.key]
		switch {
		case !ok:
		case all.Empty():
			all = say.New(part.told, v)
		default:
			all = say.New("%s, %s", all, say.New(part.told, v))
		}
	}
	if all.Empty() {
		return say.New("no evidence.")
	}
	return say.New("%s.", all)
}
