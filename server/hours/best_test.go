package hours

import (
	"testing"
	"time"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
)

func TestTheUsualHour(t *testing.T) {
	t.Parallel()
	berlin := &contact.Contact{TimeZone: "Europe/Berlin"}
	usual := func(enough int, reads ...string) *Usual {
		var day Day
		for _, r := range reads {
			day.Add(berlin, []time.Time{at(r)})
		}
		if list := day.Usual(enough); list != nil {
			return &list[0]
		}
		return nil
	}
	require.Nil(t, usual(EnoughOfOne))
	require.Nil(t, usual(EnoughOfOne, "2026-11-02T18:10:00Z", "2026-11-09T18:10:00Z"), "two may be chance")
	require.Equal(t, &Usual{19, 2, 3}, usual(EnoughOfOne, "2026-11-02T18:10:00Z", "2026-11-09T18:59:59Z", "2026-11-10T08:00:00Z"))
	require.Equal(t, &Usual{19, 3, 3}, usual(EnoughOfOne, "2026-11-02T18:10:00Z", "2026-07-01T17:10:00Z", "2026-07-02T17:10:00Z"),
		"their clocks showed 19 in summer as well")
	require.Equal(t, &Usual{19, 2, 5}, usual(EnoughOfOne, "2026-11-02T08:10:00Z", "2026-11-03T08:20:00Z", "2026-11-02T17:50:00Z",
		"2026-11-02T18:10:00Z", "2026-11-03T18:10:00Z"), "of two hours with as many, the one that has more beside it")
	require.Equal(t, &Usual{9, 2, 4}, usual(EnoughOfOne, "2026-11-02T18:10:00Z", "2026-11-03T18:10:00Z", "2026-11-02T08:10:00Z",
		"2026-11-03T08:10:00Z"), "else the earlier one, in whichever order they come")
	require.Equal(t, &Usual{0, 2, 4}, usual(EnoughOfOne, "2026-11-02T23:30:00Z", "2026-11-03T23:30:00Z", "2026-11-02T22:59:00Z",
		"2026-11-04T09:00:00Z"), "midnight is beside eleven in the evening")
}

func TestThePreferredHourComesNext(t *testing.T) {
	t.Parallel()
	in := func(zone string) *contact.Contact { return &contact.Contact{TimeZone: zone} }
	for name, c := range map[string]struct {
		person *contact.Contact
		hour   int
		since  string
		want   string
	}{
		"later today":                    {in("Europe/Berlin"), 19, "2026-11-23T12:00:00Z", "2026-11-23T18:00:00Z"},
		"tomorrow":                       {in("Europe/Berlin"), 9, "2026-11-23T12:00:00Z", "2026-11-24T08:00:00Z"},
		"it is that hour":                {in("Europe/Berlin"), 13, "2026-11-23T12:59:00Z", "2026-11-23T12:59:00Z"},
		"a zone of half an hour":         {in("Asia/Kolkata"), 19, "2026-11-23T12:00:00Z", "2026-11-23T13:30:00Z"},
		"another date there":             {in("Pacific/Kiritimati"), 1, "2026-11-23T12:00:00Z", "2026-11-24T11:00:00Z"},
		"the clocks leave it out":        {in("Europe/Berlin"), 2, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		"it is lived twice":              {in("Europe/Berlin"), 2, "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z"},
		"a day of 25 hours":              {in("Europe/Berlin"), 1, "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z"},
		"the clocks were put back since": {in("Europe/Berlin"), 9, "2026-10-24T12:00:00Z", "2026-10-25T08:00:00Z"},
		"nobody knows where they are":    {&contact.Contact{Kind: contact.KindBSUID}, 19, "2026-11-23T12:00:00Z", "2026-11-23T19:00:00Z"},
	} {
		chosen, ok := Preferred{Hours: []int{c.hour}, Since: at(c.since)}.Allowed(c.person, nil, time.Time{})
		require.True(t, ok, name)
		require.Equal(t, c.want, chosen.At.UTC().Format(time.RFC3339), name)
	}
	p := Preferred{Hours: []int{19}, Since: at("2026-11-23T12:00:00Z")}
	chosen, _ := p.Allowed(in("Europe/Berlin"), nil, at("2026-11-25T09:00:00Z"))
	require.Equal(t, "2026-11-25T18:00:00Z", chosen.At.UTC().Format(time.RFC3339), "after the day on which it starts there")
}

// Of the hours in which somebody reads, the best counts that is allowed: never the end of quiet hours by itself.
func TestTheBestAllowedHour(t *testing.T) {
	t.Parallel()
	berlin := &contact.Contact{TimeZone: "Europe/Berlin"}
	var day Day
	for read, n := range map[string]int{"2026-11-02T21:10:00Z": 5, "2026-11-02T06:10:00Z": 4, "2026-11-02T16:10:00Z": 3, "2026-11-02T17:10:00Z": 2} {
		for range n {
			day.Add(berlin, []time.Time{at(read)})
		}
	}
	require.Equal(t, []Usual{{22, 5, 14}, {7, 4, 14}, {17, 3, 14}, {18, 2, 14}}, day.Usual(EnoughOfOne))
	p := Preferred{Hours: Ranked(day.Usual(EnoughOfOne)), Since: at("2026-11-23T12:00:00Z")} // 13:00
	for name, c := range map[string]struct {
		start, end, want string
		hour             int
	}{
		"the best":                      {"23:00", "06:00", "2026-11-23T21:00:00Z", 22},
		"a part of the best is allowed": {"13:30", "22:15", "2026-11-23T21:15:00Z", 22},
		"the next":                      {"21:00", "07:00", "2026-11-24T06:00:00Z", 7},
		"the one after":                 {"21:00", "08:00", "2026-11-23T16:00:00Z", 17},
		"none":                          {"14:00", "12:00", "", 0},
	} {
		chosen, found := p.Allowed(berlin, RulesFor(&QuietHours{Start: c.start, End: c.end}, berlin), time.Time{})
		require.Equal(t, c.want != "", found, name)
		if found {
			require.Equal(t, c.hour, chosen.Hour, name)
			require.Equal(t, c.want, chosen.At.UTC().Format(time.RFC3339), name)
		}
	}
	_, found := p.Allowed(berlin, RulesFor(&QuietHours{Start: "00:00", End: "00:00", Days: []string{"sun"}}, berlin), time.Time{})
	require.False(t, found, "a day that is left out has none")
}
