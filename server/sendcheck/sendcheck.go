// Package sendcheck answers the question whether somebody may be written to now: it
// takes a number or a contact to the gate as a campaign would, with the limits that new
// campaigns get, and tells the answer to every question, with its rule. It writes
// nothing.
package sendcheck

import (
	"context"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/globalid"
	"eventstream/server/hours"
	"eventstream/server/message"
	"eventstream/server/portfolio"
	"eventstream/server/say"
	"eventstream/server/template"
)

const (
	// ahead is how far the moment that is asked about may lie in the future.
	ahead = 366 * 24 * time.Hour
	// rounds are how often the questions are asked again to find when it becomes allowed. Each
	// question that ends does so once, but for the hours, which follow every other.
	rounds = 12
)

// Request says about whom is asked: a contact or an address, and what would be sent.
type Request struct {
	ContactID *int64
	Address   string
	Category  template.Category // "": marketing, of which most is asked
	At        *time.Time        // nil: now
}

// Check is the gate's answer.
type Check struct {
	Contact   *contact.Contact // nil: nobody known has the address
	Address   string
	Category  template.Category
	At        time.Time
	Allowed   bool
	Possible  *time.Time // when it becomes allowed by itself; nil: it is allowed, or somebody has to do something
	Questions []Question
}

// Question is one of the gate's, with its answer.
type Question struct {
	Check, Rule say.Format
	Detail      say.Text
	Passed      bool
	Until       *time.Time // of a no that ends by itself
}

// Service checks.
type Service struct {
	db        *db.DB
	consents  *consent.Service
	campaigns *campaign.Service
	portfolio *portfolio.Service
	now       func() time.Time
}

// NewService makes the service.
func NewService(
	d *db.DB, consents *consent.Service, campaigns *campaign.Service, limit *portfolio.Service, now func() time.Time,
) *Service {
	return &Service{db: d, consents: consents, campaigns: campaigns, portfolio: limit, now: now}
}

// Check asks the gate.
func (s *Service) Check(ctx context.Context, r Request) (*Check, error) {
	if err := s.complete(&r); err != nil {
		return nil, err
	}
	f, err := s.factsOf(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &Check{Address: f.person.Address, Category: r.Category, At: *r.At, Allowed: true}
	if f.known {
		out.Contact = f.person
	}
	for _, a := range f.ask(out.At) {
		q := Question{Check: a.Check, Rule: a.Rule, Passed: a.No == nil, Detail: f.detail(a, out.At)}
		if ends := f.ends(a, out.At); !q.Passed && !ends.IsZero() {
			q.Until = &ends
		}
		out.Allowed = out.Allowed && q.Passed
		out.Questions = append(out.Questions, q)
	}
	if q := f.holdout(); q != nil {
		out.Allowed = out.Allowed && q.Passed
		out.Questions = append(out.Questions, *q)
	}
	if !out.Allowed {
		out.Possible = f.possible(out.At)
	}
	return out, nil
}

// complete checks what is asked, and puts in what was left out.
func (s *Service) complete(r *Request) error {
	var errs apperr.List
	switch r.Address = strings.TrimSpace(r.Address); {
	case r.ContactID == nil && r.Address == "":
		_ = errs.Add(apperr.Invalid("address", "give a number with its country code, a BSUID, or a contact"))
	case r.ContactID != nil && r.Address != "":
		_ = errs.Add(apperr.Invalid("address", "give a contact or an address, not both"))
	}
	if r.Category == "" {
		r.Category = template.CategoryMarketing
	}
	now := s.now()
	switch {
	case r.At == nil:
		r.At = &now
	case r.At.Before(now.Add(-time.Minute)):
		_ = errs.Add(apperr.Invalid("at", "%s is in the past: why a message went or not is told by the message itself", *r.At))
	case r.At.After(now.Add(ahead)):
		_ = errs.Add(apperr.Invalid("at", "%s is more than a year ahead", *r.At))
	}
	return errs.Err()
}

// facts are what the gate looks at. What will be known at a moment to come is not known
// now: only what ends by then does.
type facts struct {
	person   *contact.Contact
	known    bool
	category template.Category
	against  []*consent.Suppression // that are in force now
	limits   campaign.Defaults
	recent   gate.Recent
	room     *gate.Room         // nil: no limit of people holds, or they wrote within the last 24 hours
	said     *consent.Standings // by the ledger; nil: nothing
}

func (s *Service) factsOf(ctx context.Context, r Request) (f *facts, err error) {
	f = &facts{category: r.Category}
	if f.person, f.known, err = s.who(ctx, r); err != nil {
		return nil, err
	}
	if f.limits, err = s.campaigns.Defaults(ctx); err != nil {
		return nil, err
	}
	if err := s.roomOf(ctx, f); err != nil {
		return nil, err
	}
	if !f.known {
		f.against, err = s.consents.Against(ctx, f.person.MatchKey)
		return f, err
	}
	id := f.person.ID
	of, err := s.consents.SuppressionsOf(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	f.against = of[id]
	recent, err := campaign.RecentOf(ctx, s.db, &campaign.Campaign{FrequencyCap: f.limits.FrequencyCap}, []int64{id})
	if err != nil {
		return nil, err
	}
	f.recent = recent[id]
	ledgers, err := s.consents.StatesOf(ctx, []int64{id}, nil)
	f.said = ledgers[id]
	return f, err
}

// roomOf tells what WhatsApp's limit of people leaves for them.
func (s *Service) roomOf(ctx context.Context, f *facts) error {
	people, place, err := s.portfolio.Room(ctx, f.person.ID)
	if err != nil || people == 0 {
		return err
	}
	open, err := conversation.OpenWindows(ctx, s.db, []int64{f.person.ID}, s.now())
	if !open[f.person.ID] {
		f.room = &gate.Room{People: people, Taken: place.Held, Frees: place.Frees}
	}
	return err
}

// who is asked about: the person that a contact is now, or somebody whom nobody knows yet.
func (s *Service) who(ctx context.Context, r Request) (c *contact.Contact, known bool, err error) {
	if r.ContactID != nil {
		people, err := contact.PeopleOf(ctx, s.db, []int64{*r.ContactID})
		if err != nil {
			return nil, false, err
		}
		if c = people[*r.ContactID]; c == nil {
			return nil, false, apperr.Invalid("contactId", "%q is the id of no contact", globalid.Encode("Contact", *r.ContactID))
		}
		return c, true, nil
	}
	a, err := contact.DeliveredAddress(r.Address) // who wrote to us is found, whatever a library says of the number
	if err != nil {
		return nil, false, err
	}
	c, err = contact.ByMatchKey(ctx, s.db, a.MatchKey)
	if err == nil || !apperr.Is(err, apperr.CodeNotFound) {
		return c, err == nil, err
	}
	if a, err = contact.ParseAddress(r.Address, ""); err != nil {
		return nil, false, err
	}
	return contact.New(a), false, nil
}

// ask takes them to the gate as a campaign would.
func (f *facts) ask(at time.Time) []gate.Answer {
	var reasons consent.Reasons
	for _, su := range f.inForce(at) {
		reasons = append(reasons, su.Reason)
	}
	return gate.Answers(gate.Candidate{
		Purpose: message.PurposeCampaign, Contact: f.person, Suppressed: reasons, Category: f.category, Unwritten: true,
		Cap: f.limits.FrequencyCap, Recent: f.recent, QuietHours: f.limits.QuietHours,
		Room: f.roomAt(at),
	}, at)
}

// roomAt is the room at a moment: a place that becomes free before it is theirs, as far as is known now.
func (f *facts) roomAt(at time.Time) *gate.Room {
	if f.room == nil {
		return nil
	}
	room := *f.room
	room.Taken = room.Taken || !at.Before(room.Frees)
	return &room
}

// holdout is the question that campaigns ask before the gate does, when they take their audience; nil: there is no standing holdout, or it says
// nothing of them.
func (f *facts) holdout() *Question {
	if f.limits.HoldoutPercent() == 0 || f.category != template.CategoryMarketing || !f.known {
		return nil
	}
	q := &Question{
		Check: "Not held out", Passed: !f.heldOut(),
		Rule:   "A part of all contacts gets no marketing campaign, so that what campaigns do can be told (Settings, Limits).",
		Detail: say.New("They get campaigns: the standing holdout is of others."),
	}
	if !q.Passed {
		q.Detail = say.New("They belong to the standing holdout of %g%% of all contacts.", f.limits.HoldoutPercent())
	}
	return q
}

func (f *facts) heldOut() bool { return f.known && f.limits.HoldsOut(f.person.ID, f.category) }

func (f *facts) inForce(at time.Time) (rows []*consent.Suppression) {
	for _, su := range f.against {
		if su.Until == nil || su.Until.After(at) {
			rows = append(rows, su)
		}
	}
	return rows
}

// ends is when a no becomes a yes by itself; zero: never, or nobody knows.
func (f *facts) ends(a gate.Answer, at time.Time) (last time.Time) {
	switch a.Skip {
	case message.SkipSuppressed:
	case message.SkipFrequencyCap: // what other campaigns will do is not known
		return last
	default:
		return a.Ends
	}
	for _, su := range f.inForce(at) {
		if su.Until == nil {
			return time.Time{}
		}
		if su.Until.After(last) {
			last = *su.Until
		}
	}
	return last
}

// possible is the first moment that all questions are answered with yes: where one ends,
// the others are asked again. The standing holdout does not end by itself.
func (f *facts) possible(at time.Time) *time.Time {
	if f.heldOut() {
		return nil
	}
	for range rounds {
		next, allowed := at, true
		for _, a := range f.ask(at) {
			if a.No == nil {
				continue
			}
			allowed = false
			ends := f.ends(a, at)
			if ends.IsZero() {
				return nil
			}
			if ends.After(next) {
				next = ends
			}
		}
		if allowed {
			return &at
		}
		if !next.After(at) {
			return nil
		}
		at = next
	}
	return nil
}

// detail is an answer in words.
func (f *facts) detail(a gate.Answer, at time.Time) say.Text {
	yes := a.No == nil
	if a.Check == gate.CheckRoom {
		return f.roomText(a)
	}
	pick := func(y, n say.Format) say.Text { return say.New(map[bool]say.Format{true: y, false: n}[yes]) }
	switch a.Skip {
	case message.SkipErased:
		if !f.known {
			return say.New("No contact has this address.")
		}
		return pick("This contact is known.", "This contact was erased.")
	case message.SkipOptedOut:
		if !yes && f.person.ConsentStatus != contact.ConsentOptedOut {
			return f.utility()
		}
		return f.word()
	case message.SkipNoConsent:
		return f.word()
	case message.SkipSuppressed:
		return f.suppressed(at)
	case message.SkipOptOutReview:
		return pick("They have written nothing that may ask for an opt-out.",
			"They have written something that may ask for an opt-out: decide about it under Opt-out reviews.")
	case message.SkipUnreachable:
		return pick("Nothing says that the number has no WhatsApp.", "Twilio reported that it cannot be reached on WhatsApp.")
	case message.SkipIneligible:
		if !yes && f.person.Region == "US" {
			return say.New("This is a US number.")
		}
		return pick("WhatsApp delivers marketing there.", "WhatsApp declined marketing to them.")
	case message.SkipNoNumber:
		return pick("A number is known.", "Only a WhatsApp user ID is known.")
	case message.SkipFrequencyCap:
		return f.frequency()
	case message.SkipNoAllowedHours:
		return f.hour(a, at)
	}
	return pick("Yes.", "No.")
}

// word is what was said of marketing, which an answer about any message begins with.
func (f *facts) word() say.Text {
	if f.person.ConsentAt == nil {
		return say.New("No consent of theirs is recorded.")
	}
	state := consent.State{Purpose: consent.PurposeMarketing, Status: f.person.ConsentStatus, Since: f.person.ConsentAt}
	said := map[contact.ConsentStatus]say.Format{
		contact.ConsentOptedIn: "Opted in", contact.ConsentOptedOut: "Opted out", contact.ConsentUnknown: "Unknown",
	}[state.Status]
	return f.since(say.New(said), state)
}

// utility is what was said of utility messages alone.
func (f *facts) utility() say.Text {
	text := say.New("Opted out of utility messages")
	if f.said != nil {
		for _, state := range f.said.States {
			if state.Purpose == consent.PurposeUtility && state.Since != nil {
				return f.since(text, state)
			}
		}
	}
	return say.New("%s.", text)
}

// since tells since when something is so, and who or what recorded the word on which it rests.
func (f *facts) since(what say.Text, is consent.State) say.Text {
	if f.said != nil {
		for _, state := range f.said.States {
			if e := f.said.Events[state.Seq]; e != nil && state.Purpose == is.Purpose && state.Status == is.Status {
				return say.New("%s since %s, by %s.", what, *is.Since, e.Source)
			}
		}
	}
	return say.New("%s since %s.", what, *is.Since)
}

func (f *facts) suppressed(at time.Time) say.Text {
	var all say.Text
	for _, su := range f.inForce(at) {
		one := say.New("%s since %s.", su.Reason, su.CreatedAt)
		if su.Until != nil {
			one = say.New("%s since %s until %s.", su.Reason, su.CreatedAt, *su.Until)
		}
		if !all.Empty() {
			one = say.New("%s %s", all, one)
		}
		all = one
	}
	if all.Empty() {
		return say.New("None of their addresses is suppressed.")
	}
	return all
}

func (f *facts) roomText(a gate.Answer) say.Text {
	if a.No == nil {
		return say.New("WhatsApp's limit of %d <person|people> in 24 hours leaves room for them.", f.room.People)
	}
	return say.New("WhatsApp's limit of %d <person|people> in 24 hours is used up: the next place becomes free %s.", f.room.People, a.No.NotBefore)
}

func (f *facts) frequency() say.Text {
	had := say.New("%d <message|messages> of campaigns", f.recent.Accepted)
	if days := f.limits.FrequencyCap.Days; days == 1 {
		had = say.New("%s in the last day", had)
	} else {
		had = say.New("%s in the last %d days", had, days)
	}
	if f.recent.InFlight > 0 {
		had = say.New("%s, %d on the way", had, f.recent.InFlight)
	}
	return say.New("They had %s; new campaigns allow %d.", had, f.limits.FrequencyCap.Messages)
}

func (f *facts) hour(a gate.Answer, at time.Time) say.Text {
	where := say.New("where they are")
	if zones := f.person.CandidateZones(); len(zones) == 1 {
		where = say.New("in %s", zones[0])
	}
	switch {
	case a.No == nil:
		if custom := hours.Against(f.person, at); custom != nil {
			return say.New("It is an allowed hour %s, though not a customary one in %s.", where, custom.Name)
		}
		return say.New("It is an allowed hour %s.", where)
	case a.No.Skip != "":
		return say.New("Quiet hours and the law leave no minute in the zones they may be in.")
	}
	return say.New("Not at this hour %s (%s): from %s on.", where, hours.NameOf(a.No.Reason), a.No.NotBefore)
}
