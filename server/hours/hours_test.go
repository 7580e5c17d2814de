package hours

import (
	"strings"
	"testing"
	"time"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func quietIn(q *QuietHours, zone string) Rule {
	return Rule{zone: location(zone), week: q.week(), why: "quiet_hours"}
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
		{
			"an hour that does not exist", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z",
			&QuietHours{Start: "00:00", End: "02:30"},
		},
		{
			"not on a Sunday", "Europe/Berlin", "2026-11-22T11:00:00Z", "2026-11-23T07:00:00Z",
			&QuietHours{Start: "21:00", End: "08:00", Days: []string{"mon", "tue", "wed", "thu", "fri", "sat"}},
		},
		{
			"quiet by day", "Pacific/Kiritimati", "2026-11-23T00:00:00Z", "2026-11-23T03:00:00Z",
			&QuietHours{Start: "12:00", End: "17:00"},
		},
	} {
		got, _, ok := NextAllowed([]Rule{quietIn(c.quiet, c.zone)}, at(c.now))
		require.True(t, ok, c.name)
		require.Equal(t, c.want, got.UTC().Format(time.RFC3339), c.name)
	}
}

// zones that differ in all the ways there are: half and quarter hours, both
// hemispheres, midnight changes, half-hour daylight saving, none at all.
var zones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Kyiv", "Europe/Istanbul",
	"Atlantic/Azores", "Atlantic/Reykjavik",
	"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
	"America/Anchorage", "Pacific/Honolulu", "America/St_Johns",
	"America/Havana", "America/Mexico_City", "America/Sao_Paulo", "America/Santiago", "America/Asuncion", "Asia/Beirut",
	"Asia/Jerusalem", "Asia/Tehran", "Asia/Dubai",
	"Asia/Kolkata", "Asia/Kathmandu", "Asia/Yangon", "Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide",
	"Australia/Sydney", "Australia/Lord_Howe", "Australia/Eucla",
	"Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Cairo", "Africa/Casablanca",
	"Africa/Johannesburg",
}

// TestTheFirstAllowedMinuteInEveryZone compares with the plainest way there is:
// to look at each minute in turn.
func TestTheFirstAllowedMinuteInEveryZone(t *testing.T) {
	t.Parallel()
	hours := []*QuietHours{
		{Start: "21:00", End: "08:00"},
		{Start: "20:30", End: "09:15", Days: []string{"mon", "tue", "wed", "thu", "fri"}},
		{Start: "00:00", End: "02:30"},
		{Start: "23:00", End: "00:30"},
		{Start: "01:45", End: "03:15"},
		{Start: "12:00", End: "17:00", Days: []string{"sat", "sun"}},
	}
	allowed := func(q *QuietHours, local time.Time) bool {
		clock := local.Format("15:04")
		quiet := clock >= q.Start && clock < q.End
		if q.Start > q.End {
			quiet = clock >= q.Start || clock < q.End
		}
		day := len(q.Days) == 0
		for _, d := range q.Days {
			day = day || strings.EqualFold(d, local.Format("Mon"))
		}
		return day && !quiet
	}
	tried := 0
	for _, name := range zones {
		place := location(name)
		require.Equal(t, name, place.String())
		moments := []time.Time{
			at("2026-01-01T00:00:00Z"), at("2026-02-28T22:10:00Z"), at("2026-11-23T20:30:00Z"),
			at("2028-02-29T12:00:00Z"),
		}
		for change := at("2026-01-02T00:00:00Z").In(place); ; { // around every change of the clocks in 2026 and 2027
			_, change = change.ZoneBounds()
			if change.IsZero() || change.Year() > 2027 {
				break
			}
			for _, off := range []time.Duration{
				-25 * time.Hour, -3 * time.Hour, -70 * time.Minute, -time.Minute, 0,
				time.Minute, 45 * time.Minute, 2 * time.Hour,
			} {
				moments = append(moments, change.Add(off))
			}
			change = change.Add(time.Hour)
		}
		for _, q := range hours {
			for _, m := range moments {
				tried++
				want := m.Truncate(time.Minute)
				for steps := 0; !allowed(q, want.In(place)); steps++ {
					require.Less(t, steps, 14*wholeDay)
					want = want.Add(time.Minute)
				}
				got, _, ok := NextAllowed([]Rule{quietIn(q, name)}, m)
				require.True(t, ok)
				require.Equal(t, want.UTC(), got.UTC(), "%s, %s, from %s", name, q, m.In(place))
			}
		}
	}
	require.GreaterOrEqual(t, len(zones), 40)
	t.Logf("%d cases in %d zones", tried, len(zones))
}

func TestLegalHoursByPlace(t *testing.T) {
	t.Parallel()
	person := func(number, zone string, attributes map[string]any) *contact.Contact {
		a, err := contact.ParseAddress(number, "")
		require.NoError(t, err)
		c := contact.New(a)
		c.Attributes = attributes
		if zone != "" {
			c.TimeZone = zone
		}
		return c
	}
	for _, c := range []struct {
		name, number, zone string
		attributes         map[string]any
		now, want, why     string
	}{
		{"New York by day", "+12125550123", "", nil, "2026-11-23T15:00:00Z", "2026-11-23T15:00:00Z", ""},
		{
			"New York at 21:00: federal", "+12125550123", "", nil, "2026-11-24T02:00:00Z", "2026-11-24T13:00:00Z",
			"us_federal_hours",
		},
		{"Florida at 20:30: state", "+13055550123", "", nil, "2026-11-24T01:30:00Z", "2026-11-24T13:00:00Z", "us_fl_hours"},
		{
			"Florida by area code, living in Chicago", "+13055550123", "America/Chicago", nil, "2026-11-24T02:10:00Z",
			"2026-11-24T14:00:00Z", "us_fl_hours",
		},
		{
			"Texas on Sunday before noon", "+12145550123", "", nil, "2026-11-22T15:00:00Z", "2026-11-22T18:00:00Z",
			"us_tx_hours",
		},
		{"Alabama on Sunday", "+12055550123", "", nil, "2026-11-22T18:00:00Z", "2026-11-23T14:00:00Z", "us_al_hours"},
		{"Rhode Island on Saturday", "+14015550123", "", nil, "2026-11-21T14:30:00Z", "2026-11-21T15:00:00Z", "us_ri_hours"},
		{"Oregon at 20:30", "+15035550123", "", nil, "2026-11-24T04:30:00Z", "2026-11-24T16:00:00Z", "us_or_hours"},
		{"Pennsylvania on Sunday", "+12155550123", "", nil, "2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z", ""},
		{"Pennsylvania on Saturday", "+12155550123", "", nil, "2026-11-21T18:00:00Z", "2026-11-22T13:00:00Z", "us_pa_hours"},
		{"South Korea at 22:00", "+821012345678", "", nil, "2026-11-24T13:00:00Z", "2026-11-24T23:00:00Z", "kr_hours"},
		{"an id of South Korea at 22:00", "KR.1", "", nil, "2026-11-24T13:00:00Z", "2026-11-24T23:00:00Z", "kr_hours"},
		{"Vietnam at 6:00", "+84912345678", "", nil, "2026-11-23T23:00:00Z", "2026-11-24T00:00:00Z", "vn_hours"},
		{"an id of the US at 21:30 in New York", "US.1", "", nil, "2026-11-24T02:30:00Z", "2026-11-24T18:00:00Z", "us_federal_hours"},
		{"Kentucky at 9", "+15025550123", "", nil, "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z", "us_ky_hours"},
		{
			"declared state beside the number's", "+12125550123", "",
			map[string]any{"state": "fl"},
			"2026-11-24T01:30:00Z",
			"2026-11-24T13:00:00Z", "us_fl_hours",
		},
		{
			"a state that is none changes nothing", "+12125550123", "",
			map[string]any{"state": 7},
			"2026-11-23T15:00:00Z",
			"2026-11-23T15:00:00Z", "",
		},
		{"Canada has no such law here", "+14165550123", "", nil, "2026-11-24T04:00:00Z", "2026-11-24T04:00:00Z", ""},
		{"Germany neither", "+4915112345678", "", nil, "2026-11-24T04:00:00Z", "2026-11-24T04:00:00Z", ""},
		{
			"France has a custom, which does not bind", "+33612345678", "", nil, "2026-11-24T04:00:00Z",
			"2026-11-24T04:00:00Z", "",
		},
	} {
		got, why, ok := NextAllowed(RulesFor(nil, person(c.number, c.zone, c.attributes)), at(c.now))
		require.True(t, ok, c.name)
		require.Equal(t, c.want, got.UTC().Format(time.RFC3339), c.name)
		require.Equal(t, c.why, why, c.name)
	}
	require.Equal(t, "fr_hours", Against(person("+33612345678", "", nil), at("2026-11-22T12:00:00Z")).ID, "a Sunday")
	require.Nil(t, Against(person("+33612345678", "", nil), at("2026-11-23T12:00:00Z")))
}

func TestTheDataOfHoursIsWhole(t *testing.T) {
	t.Parallel()
	version, _, rules := Book()
	_, err := time.Parse(time.DateOnly, version)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, r := range rules {
		require.False(t, seen[r.ID], r.ID)
		seen[r.ID] = true
		require.NotEmpty(t, r.Source, r.ID)
		require.Contains(t, []string{"law", "custom"}, r.Basis, r.ID)
		_, err := time.Parse("2006-01", r.Checked)
		require.NoError(t, err, r.ID)
		for _, a := range r.Allowed {
			require.Less(t, Minutes(a.From), Minutes(a.To), r.ID)
			for _, d := range a.Days {
				require.GreaterOrEqual(t, DayIndex(d), 0, r.ID)
			}
		}
	}
	require.Len(t, book().USAreaCodes, 51, "the states and DC")
	for code, want := range map[string]string{
		"212": "NY", "305": "FL", "405": "OK", "206": "WA", "564": "WA",
		"410": "MD", "617": "MA", "201": "NJ", "702": "NV", "214": "TX",
	} {
		require.Equal(t, want, book().stateOf[code])
	}
}

func TestUnknownZoneIsEveryZoneItMayBe(t *testing.T) {
	t.Parallel()
	a, err := contact.ParseAddress("+18005550199", "") // toll-free: any zone of North America
	require.NoError(t, err)
	c := contact.New(a)
	require.Greater(t, len(c.CandidateZones()), 10)
	rules := RulesFor(&QuietHours{Start: "21:00", End: "08:00"}, c)
	got, _, ok := NextAllowed(rules, at("2026-11-23T14:00:00Z"))
	require.True(t, ok)
	for _, r := range rules {
		require.True(t, r.allows(got.In(r.zone)), "%s in %s", got, r.zone)
	}
	_, why, ok := NextAllowed([]Rule{
		quietIn(&QuietHours{Start: "12:00", End: "11:59"}, "UTC"),
		quietIn(&QuietHours{Start: "00:00", End: "23:59"}, "Asia/Tokyo"),
	}, at("2026-11-23T14:00:00Z"))
	require.False(t, ok)
	require.Equal(t, "quiet_hours", why)
}
