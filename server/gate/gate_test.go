package gate

import (
	"strings"
	"testing"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/hours"
	"eventstream/server/message"
	"eventstream/server/template"

	"github.com/stretchr/testify/require"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTheGateInItsOrder(t *testing.T) {
	t.Parallel()
	body, err := template.Compile("Hi {{attributes.nick}}, how are you?", template.Parts{})
	require.NoError(t, err)
	noon, now := at("2026-11-23T12:00:00Z"), time.Now()
	good := func() Candidate {
		a, err := contact.ParseAddress("+4915112345678", "")
		require.NoError(t, err)
		c := contact.New(a)
		c.ConsentStatus, c.Attributes = contact.ConsentOptedIn, map[string]any{"nick": "Max"}
		return Candidate{Purpose: message.PurposeCampaign, Contact: c, Category: template.CategoryMarketing, Template: body}
	}
	v := Decide(good(), noon)
	require.Equal(t, message.StatusSubmitting, v.Status)
	require.Equal(t, "Hi Max, how are you?", v.Rendered.Text)
	for want, spoil := range map[message.SkipReason]func(*Candidate){
		message.SkipErased: func(c *Candidate) {
			c.Contact.ErasedAt, c.Contact.ConsentStatus = &now,
				contact.ConsentOptedOut
		},
		message.SkipOptedOut: func(c *Candidate) {
			c.Contact.ConsentStatus, c.Suppressed = contact.ConsentOptedOut,
				consent.Reasons{consent.SuppressedOptedOut}
		},
		message.SkipSuppressed: func(c *Candidate) {
			c.Contact.ConsentStatus, c.Suppressed = contact.ConsentUnknown,
				consent.Reasons{consent.SuppressedComplaint}
		},
		message.SkipNotSubscribed: func(c *Candidate) { c.Contact.ConsentStatus, c.OffTopic = contact.ConsentUnknown, true },
		message.SkipNoConsent: func(c *Candidate) {
			c.Contact.ConsentStatus,
				c.Contact.Reachable = contact.ConsentUnknown, false
		},
		message.SkipOptOutReview: func(c *Candidate) { c.Contact.OptOutReviewAt, c.Contact.Reachable = &now, false },
		message.SkipUnreachable:  func(c *Candidate) { c.Contact.Reachable, c.Contact.MarketingEligible = false, false },
		message.SkipIneligible:   func(c *Candidate) { c.Contact.Region = "US" },
		message.SkipNoNumber: func(c *Candidate) {
			c.Category, c.Contact.Kind, c.Contact.Attributes = template.CategoryAuthentication, contact.KindBSUID, nil
		},
		message.SkipFrequencyCap: func(c *Candidate) {
			c.Cap, c.Recent, c.Contact.Attributes = &FrequencyCap{2, 7}, Recent{Accepted: 2}, nil
		},
		message.SkipMissingVariable: func(c *Candidate) { c.Contact.Attributes = nil },
	} {
		c := good()
		spoil(&c)
		v := Decide(c, noon)
		require.Equal(t, message.StatusSkipped, v.Status, want)
		require.Equal(t, want, v.Skip)
	}
	question := good()
	question.Purpose, question.Contact.ConsentStatus = message.PurposeOptInQuestion, contact.ConsentUnknown
	require.Equal(t, message.SkipNoConsent, Decide(question, noon).Skip, "nobody waits for an answer")
	question.Awaited = true
	require.Equal(t, message.StatusSubmitting, Decide(question, noon).Status, "its answer is what brings the consent")
	for want, spoil := range map[message.SkipReason]func(*Candidate){
		message.SkipOptedOut:     func(c *Candidate) { c.Contact.ConsentStatus = contact.ConsentOptedOut },
		message.SkipSuppressed:   func(c *Candidate) { c.Suppressed = consent.Reasons{consent.SuppressedOptedOut} },
		message.SkipOptOutReview: func(c *Candidate) { c.Contact.OptOutReviewAt = &now },
		message.SkipUnreachable:  func(c *Candidate) { c.Contact.Reachable = false },
		message.SkipIneligible:   func(c *Candidate) { c.Contact.Region = "US" },
	} {
		c, person := question, *question.Contact
		c.Contact = &person
		spoil(&c)
		require.Equal(t, want, Decide(c, noon).Skip)
	}
	night, person := question, *question.Contact
	person.Region, person.TimeZone = "US", "America/New_York"
	night.Contact, night.Category = &person, template.CategoryUtility
	require.Equal(t, message.StatusPending, Decide(night, at("2026-11-23T08:00:00Z")).Status, "three in the morning there")
	night.Expected = true
	require.Equal(t, message.StatusSubmitting, Decide(night, at("2026-11-23T08:00:00Z")).Status, "they have just filled in a form")
	utility := good()
	utility.Category, utility.Contact.UtilityStatus = template.CategoryUtility, contact.ConsentOptedOut
	require.Equal(t, message.SkipOptedOut, Decide(utility, noon).Skip, "of utility messages")
	utility.Category = template.CategoryMarketing
	require.Equal(t, message.StatusSubmitting, Decide(utility, noon).Status, "of those alone")
	utility.Category, utility.Contact.UtilityStatus = template.CategoryUtility, contact.ConsentOptedIn
	utility.Contact.ConsentStatus = contact.ConsentUnknown
	require.Equal(t, message.SkipNoConsent, Decide(utility, noon).Skip, "an opt-in to utility messages alone sends nothing")
	rival := good()
	rival.Cap, rival.Recent = &FrequencyCap{2, 7}, Recent{Accepted: 1, InFlight: 1}
	v = Decide(rival, noon)
	require.Equal(t, message.StatusPending, v.Status, "another campaign is writing to them this moment")
	require.WithinRange(t, v.NotBefore, noon.Add(2*time.Second), noon.Add(6*time.Second))
	rival.Cap.Messages = 3
	require.Equal(t, message.StatusSubmitting, Decide(rival, noon).Status)
	c := good()
	c.QuietHours = &hours.QuietHours{Start: "21:00", End: "08:00"}
	v = Decide(c, at("2026-11-23T22:00:00Z"))
	require.Equal(t, message.StatusPending, v.Status)
	require.Equal(t, at("2026-11-24T07:00:00Z"), v.NotBefore.UTC())
	require.Equal(t, "quiet_hours", v.Reason)
	ends := at("2026-11-24T06:00:00Z")
	c.EndsAt = &ends
	require.Equal(t, message.StatusExpired, Decide(c, at("2026-11-23T22:00:00Z")).Status,
		"its morning lies behind the campaign's end")
	c.EndsAt, c.LocalStart = nil, &hours.LocalMoment{Date: "2026-11-24", Time: "12:00"}
	v = Decide(c, at("2026-11-23T22:00:00Z"))
	require.Equal(t, message.StatusPending, v.Status)
	require.Equal(t, at("2026-11-24T11:00:00Z"), v.NotBefore.UTC(), "noon in Berlin")
	require.Equal(t, hours.LocalTime, v.Reason)
	require.Equal(t, message.StatusSubmitting, Decide(c, at("2026-11-24T11:00:00Z")).Status)
	capped := c
	capped.Cap, capped.Recent, capped.Contact.Reachable = &FrequencyCap{1, 1}, Recent{Accepted: 1}, false
	v = Decide(capped, at("2026-11-23T22:00:00Z"))
	require.Equal(t, message.StatusPending, v.Status, "what may be otherwise at their hour is not decided before it")
	require.Equal(t, hours.LocalTime, v.Reason)
	require.Equal(t, message.StatusSkipped, Decide(capped, at("2026-11-24T11:00:00Z")).Status)
	capped.Contact.Reachable = true // they share the contact
	c.LocalStart.Time = "23:00"
	v = Decide(c, at("2026-11-23T22:00:00Z"))
	require.Equal(t, at("2026-11-25T07:00:00Z"), v.NotBefore.UTC(), "after the quiet hours in which their time falls")
	require.Equal(t, "quiet_hours", v.Reason)
	c.EndsAt = &ends
	require.Equal(t, message.StatusExpired, Decide(c, at("2026-11-23T22:00:00Z")).Status, "their time lies behind the campaign's end")
	us := good()
	us.Contact.Region, us.Contact.TimeZone, us.Category = "US", "America/New_York", template.CategoryUtility
	v = Decide(us, at("2026-11-24T03:00:00Z")) // 22:00 in New York
	require.Equal(t, "us_federal_hours", v.Reason, "the law binds without quiet hours too")
}

// The confirmation of an opt-out may follow it, and nothing else that stands against the number.
func TestAConfirmationFollowsAnOptOutAlone(t *testing.T) {
	t.Parallel()
	a, err := contact.ParseAddress("+4915112345678", "")
	require.NoError(t, err)
	c := Candidate{Purpose: message.PurposeConfirmation, Contact: contact.New(a), Text: "You are out.", WindowOpen: true}
	c.Contact.ConsentStatus = contact.ConsentOptedOut
	for want, reasons := range map[message.Status]consent.Reasons{
		message.StatusSubmitting: {consent.SuppressedOptedOut},
		message.StatusSkipped:    {consent.SuppressedOptedOut, consent.SuppressedComplaint},
	} {
		c.Suppressed = reasons
		require.Equal(t, want, Decide(c, at("2026-11-23T12:00:00Z")).Status)
	}
}

// Every question is asked of somebody, has a rule, and a no to one does not keep the others from being answered.
func TestAnswersGoOnBehindANo(t *testing.T) {
	t.Parallel()
	a, err := contact.ParseAddress("+4915112345678", "")
	require.NoError(t, err)
	c := contact.New(a)
	tomorrow := at("2026-11-24T12:00:00Z")
	c.ConsentStatus, c.Reachable, c.UnreachableUntil = contact.ConsentOptedOut, false, &tomorrow
	night := at("2026-11-23T22:00:00Z")
	all := Answers(Candidate{
		Purpose: message.PurposeCampaign, Contact: c, Category: template.CategoryMarketing, Unwritten: true,
		Suppressed: consent.Reasons{consent.SuppressedOptedOut}, QuietHours: &hours.QuietHours{Start: "21:00", End: "08:00"},
	}, night)
	noes := map[string]time.Time{}
	for _, answer := range all {
		if answer.No != nil {
			noes[string(answer.Check)] = answer.Ends.UTC()
		}
	}
	require.Equal(t, map[string]time.Time{
		"Not opted out": {}, "Not suppressed": {}, "Consent": {}, "Reachable": tomorrow, "Hours": at("2026-11-24T07:00:00Z"),
	}, noes)
	for _, q := range Questions() {
		require.NotEmpty(t, q.Check)
		require.True(t, strings.HasSuffix(strings.TrimSuffix(string(q.Rule), ")"), ".") || strings.HasSuffix(string(q.Rule), ")."), q.Check)
	}
}

// A message waits for the hour in which its recipient usually reads, within the hours that are allowed, and goes without it
// where that would be too late.
func TestTheBestHour(t *testing.T) {
	t.Parallel()
	a, err := contact.ParseAddress("+4915112345678", "")
	require.NoError(t, err)
	person := contact.New(a)
	person.ConsentStatus = contact.ConsentOptedIn
	noon := at("2026-11-23T12:00:00Z") // 13:00 in Berlin
	c := Candidate{
		Purpose: message.PurposeCampaign, Contact: person, Category: template.CategoryMarketing, Text: "Hi", Unwritten: true,
		Preferred: &hours.Preferred{Hours: []int{19}, Since: noon},
	}
	waits := func(c Candidate, until, why string) {
		t.Helper()
		v := Decide(c, noon)
		require.Equal(t, message.StatusPending, v.Status)
		require.Equal(t, until, v.NotBefore.UTC().Format(time.RFC3339))
		require.Equal(t, why, v.Reason)
		require.Equal(t, message.StatusSubmitting, Decide(c, v.NotBefore).Status, "then it goes")
		require.Equal(t, message.StatusSubmitting, Decide(c, v.NotBefore.Add(2*time.Hour)).Status, "also when it is late")
	}
	waits(c, "2026-11-23T18:00:00Z", hours.BestHour)
	capped := c
	capped.Cap, capped.Recent = &FrequencyCap{1, 1}, Recent{Accepted: 1}
	require.Equal(t, message.StatusPending, Decide(capped, noon).Status, "what may be otherwise at their hour is not decided before it")
	quiet := c
	quiet.QuietHours = &hours.QuietHours{Start: "18:30", End: "08:00"}
	require.Equal(t, message.StatusSubmitting, Decide(quiet, noon).Status, "none of their hours is allowed")
	quiet.Preferred = &hours.Preferred{Hours: []int{19, 9, 20, 16}, Since: noon}
	waits(quiet, "2026-11-24T08:00:00Z", hours.BestHour) // at 9 in Berlin, the best hour that is allowed
	for until, goes := range map[string]message.Status{"2026-11-24T07:59:59Z": message.StatusSubmitting, "2026-11-24T08:00:00Z": message.StatusPending} {
		bounded := quiet
		bounded.Preferred = &hours.Preferred{Hours: []int{19, 9, 20, 16}, Since: noon, Until: at(until)}
		require.Equal(t, goes, Decide(bounded, noon).Status, "it does not wait longer than it may")
	}
	partly := c
	partly.QuietHours = &hours.QuietHours{Start: "12:00", End: "19:30"}
	waits(partly, "2026-11-23T18:30:00Z", hours.BestHour) // in the part of the hour that is allowed
	a, err = contact.ParseAddress("+12124567890", "")     // in New York, where law allows nothing after 21:00
	require.NoError(t, err)
	abroad := contact.New(a)
	abroad.ConsentStatus = contact.ConsentOptedIn
	lawful := c
	lawful.Category = template.CategoryUtility // WhatsApp brings no marketing to numbers of the US
	lawful.Contact, lawful.Preferred = abroad, &hours.Preferred{Hours: []int{21, 18}, Since: noon}
	waits(lawful, "2026-11-23T23:00:00Z", hours.BestHour)
	local := c
	local.LocalStart = &hours.LocalMoment{Date: "2026-11-24", Time: "10:00"}
	waits(local, "2026-11-24T18:00:00Z", hours.BestHour)
	local.Preferred = &hours.Preferred{Hours: []int{10}, Since: noon}
	waits(local, "2026-11-24T09:00:00Z", hours.LocalTime)

	ends := at("2026-11-23T18:00:00Z")
	c.EndsAt, quiet.EndsAt = &ends, &ends
	require.Equal(t, message.StatusSubmitting, Decide(c, noon).Status, "it would be too late then")
	require.Equal(t, message.StatusSubmitting, Decide(quiet, noon).Status, "and in the morning too")
	quiet.QuietHours = &hours.QuietHours{Start: "08:00", End: "15:00"}
	v := Decide(quiet, noon)
	require.Equal(t, message.StatusPending, v.Status, "as soon as it is allowed")
	require.Equal(t, "2026-11-23T14:00:00Z", v.NotBefore.UTC().Format(time.RFC3339))
	require.Equal(t, "quiet_hours", v.Reason)
	for _, answer := range Answers(c, noon) {
		require.Nil(t, answer.No, answer.Check)
	}
}
