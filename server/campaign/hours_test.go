package campaign

import (
	"testing"
	"time"

	"eventstream/server/contact"
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

func quietIn(q *QuietHours, zone string) rule {
	return rule{zone: location(zone), week: q.week(), why: "quiet_hours"}
}

func TestNextAllowed(t *testing.T) {
	t.Parallel()
	night := &QuietHours{Start: "21:00", End: "08:00"}
	for _, c := range []struct {
		name, zone, now, want string
		quiet                 *QuietHours
	}{
		{"by day it goes at once", "Europe/Berlin", "2026-11-23T11:00:00Z", "2026-11-23T11:00:00Z", night},
		{"in the evening it waits for the morning", "Europe/Berlin", "2026-11-23T20:30:00Z", "2026-11-24T07:00:00Z", night},
		{"after midnight too", "Europe/Berlin", "2026-11-24T02:00:00Z", "2026-11-24T07:00:00Z", night},
		{"the last minute is allowed", "Europe/Berlin", "2026-11-23T19:59:00Z", "2026-11-23T19:59:00Z", night},
		{"its zone counts", "Asia/Kolkata", "2026-11-23T11:00:00Z", "2026-11-23T11:00:00Z", night},
		{"half-hour zones", "Asia/Kolkata", "2026-11-23T16:00:00Z", "2026-11-24T02:30:00Z", night},
		{"clocks go forward", "Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T06:00:00Z", night},
		{"clocks go back", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T07:00:00Z", night},
		{"an hour that does not exist", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", &QuietHours{Start: "00:00", End: "02:30"}},
		{"not on a Sunday", "Europe/Berlin", "2026-11-22T11:00:00Z", "2026-11-23T07:00:00Z", &QuietHours{Start: "21:00", End: "08:00", Days: []string{"mon", "tue", "wed", "thu", "fri", "sat"}}},
		{"quiet by day", "Pacific/Kiritimati", "2026-11-23T00:00:00Z", "2026-11-23T03:00:00Z", &QuietHours{Start: "12:00", End: "17:00"}},
	} {
		got, _, ok := nextAllowed([]rule{quietIn(c.quiet, c.zone)}, at(c.now))
		require.True(t, ok, c.name)
		require.Equal(t, c.want, got.UTC().Format(time.RFC3339), c.name)
	}
}

func TestUnknownZoneIsEveryZoneItMayBe(t *testing.T) {
	t.Parallel()
	a, err := contact.ParseAddress("+18005550199", "") // toll-free: any zone of North America
	require.NoError(t, err)
	c := contact.New(a)
	require.Greater(t, len(c.CandidateZones()), 10)
	rules := rulesFor(&QuietHours{Start: "21:00", End: "08:00"}, c)
	got, _, ok := nextAllowed(rules, at("2026-11-23T14:00:00Z"))
	require.True(t, ok)
	for _, r := range rules {
		require.True(t, r.allows(got.In(r.zone)), "%s in %s", got, r.zone)
	}
	_, why, ok := nextAllowed([]rule{quietIn(&QuietHours{Start: "12:00", End: "11:59"}, "UTC"), quietIn(&QuietHours{Start: "00:00", End: "23:59"}, "Asia/Tokyo")}, at("2026-11-23T14:00:00Z"))
	require.False(t, ok)
	require.Equal(t, "quiet_hours", why)
}

func TestGateInItsOrder(t *testing.T) {
	t.Parallel()
	body, err := template.Parse("Hi {{attributes.nick}}, how are you?")
	require.NoError(t, err)
	noon, now := at("2026-11-23T12:00:00Z"), time.Now()
	good := func() Candidate {
		a, err := contact.ParseAddress("+4915112345678", "")
		require.NoError(t, err)
		c := contact.New(a)
		c.ConsentStatus, c.Attributes = contact.ConsentOptedIn, map[string]any{"nick": "Max"}
		return Candidate{Contact: c, Category: template.CategoryMarketing, Body: body}
	}
	v := Gate(good(), noon)
	require.Equal(t, message.StatusSubmitting, v.Status)
	require.Equal(t, "Hi Max, how are you?", v.Rendered.Text)
	for want, spoil := range map[message.SkipReason]func(*Candidate){
		message.SkipErased:          func(c *Candidate) { c.Contact.ErasedAt, c.Contact.ConsentStatus = &now, contact.ConsentOptedOut },
		message.SkipOptedOut:        func(c *Candidate) { c.Contact.ConsentStatus, c.Suppressed = contact.ConsentOptedOut, "opted_out" },
		message.SkipSuppressed:      func(c *Candidate) { c.Contact.ConsentStatus, c.Suppressed = contact.ConsentUnknown, "complaint" },
		message.SkipNoConsent:       func(c *Candidate) { c.Contact.ConsentStatus, c.Contact.Reachable = contact.ConsentUnknown, false },
		message.SkipUnreachable:     func(c *Candidate) { c.Contact.Reachable, c.Contact.MarketingEligible = false, false },
		message.SkipIneligible:      func(c *Candidate) { c.Contact.Region = "US" },
		message.SkipMissingVariable: func(c *Candidate) { c.Contact.Attributes = nil },
	} {
		c := good()
		spoil(&c)
		v := Gate(c, noon)
		require.Equal(t, message.StatusSkipped, v.Status, want)
		require.Equal(t, want, v.Skip)
	}
	c := good()
	c.QuietHours = &QuietHours{Start: "21:00", End: "08:00"}
	v = Gate(c, at("2026-11-23T22:00:00Z"))
	require.Equal(t, message.StatusPending, v.Status)
	require.Equal(t, at("2026-11-24T07:00:00Z"), v.NotBefore.UTC())
	require.Equal(t, "quiet_hours", v.Why)
	ends := at("2026-11-24T06:00:00Z")
	c.EndsAt = &ends
	require.Equal(t, message.StatusExpired, Gate(c, at("2026-11-23T22:00:00Z")).Status, "its morning lies behind the campaign's end")
	us := good()
	us.Contact.Region, us.Contact.TimeZone, us.Category = "US", "America/New_York", template.CategoryUtility
	v = Gate(us, at("2026-11-24T03:00:00Z")) // 22:00 in New York
	require.Equal(t, "us_federal_hours", v.Why, "the law binds without quiet hours too")
}

func TestStatusMoves(t *testing.T) {
	t.Parallel()
	require.True(t, StatusSending.CanBecome(StatusPaused))
	require.False(t, StatusCompleted.CanBecome(StatusSending))
	require.False(t, StatusDraft.CanBecome(StatusSending))
	require.False(t, StatusCanceled.CanBecome(StatusSending))
}
