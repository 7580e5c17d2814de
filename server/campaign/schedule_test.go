package campaign

import (
	"testing"
	"time"

	"eventstream/server/hours"

	"github.com/stretchr/testify/require"
)

func TestNextRuns(t *testing.T) {
	t.Parallel()
	until := at("2026-12-03T00:00:00Z")
	for _, c := range []struct {
		name  string
		r     Recurrence
		after string
		want  []string // the next ones, in turn
	}{
		{
			"daily",
			Recurrence{Frequency: Daily, Time: "09:00", Zone: "Europe/Berlin"},
			"2026-11-24T07:59:00Z",
			[]string{"2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z"},
		},
		{
			"the minute itself is over",
			Recurrence{Frequency: Daily, Time: "09:00", Zone: "Europe/Berlin"},
			"2026-11-24T08:00:00Z",
			[]string{"2026-11-25T08:00:00Z"},
		},
		{
			"weekly",
			Recurrence{Frequency: Weekly, Time: "18:30", Zone: "America/New_York", Days: []string{"mon", "thu"}},
			"2026-11-24T12:00:00Z",
			[]string{"2026-11-26T23:30:00Z", "2026-11-30T23:30:00Z"},
		},
		{
			"over the clock change the local time stays",
			Recurrence{
				Frequency: Weekly, Time: "09:00",
				Zone: "America/New_York", Days: []string{"sun"},
			},
			"2026-10-20T00:00:00Z",
			[]string{"2026-10-25T13:00:00Z", "2026-11-01T14:00:00Z"},
		},
		{
			"a time that is left out",
			Recurrence{Frequency: Daily, Time: "02:30", Zone: "Europe/Berlin"},
			"2026-03-28T03:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		},
		{
			"a time that comes twice counts once",
			Recurrence{Frequency: Daily, Time: "02:30", Zone: "Europe/Berlin"},
			"2026-10-24T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		},
		{
			"monthly on the 31st",
			Recurrence{Frequency: Monthly, Time: "10:00", Zone: "UTC", DayOfMonth: 31},
			"2027-01-31T11:00:00Z",
			[]string{"2027-02-28T10:00:00Z", "2027-03-31T10:00:00Z"},
		},
		{
			"by the clocks of each recipient: from where the day begins first",
			Recurrence{Frequency: Weekly, Time: "10:00", Zone: "Europe/Berlin", Local: true, Days: []string{"tue"}},
			"2026-11-30T19:59:00Z",
			[]string{"2026-11-30T20:00:00Z", "2026-12-07T20:00:00Z"},
		},
		{
			"until",
			Recurrence{Frequency: Daily, Time: "10:00", Zone: "UTC", Until: &until},
			"2026-12-01T11:00:00Z",
			[]string{"2026-12-02T10:00:00Z", ""},
		},
		{
			"so many runs",
			Recurrence{Frequency: Daily, Time: "10:00", Zone: "UTC", Runs: 2},
			"2026-12-01T11:00:00Z",
			[]string{"2026-12-02T10:00:00Z", "2026-12-03T10:00:00Z", ""},
		},
	} {
		plan, now := Schedule{Recurrence: &c.r}, at(c.after)
		require.NoError(t, plan.Validate(now), c.name)
		for i, want := range c.want {
			next := plan.Next(now, i)
			if want == "" {
				require.Nil(t, next, c.name)
				break
			}
			require.NotNil(t, next, c.name)
			require.Equal(t, want, next.UTC().Format(time.RFC3339), c.name)
			now = *next
		}
	}
}

func TestBadSchedulesAreNamed(t *testing.T) {
	t.Parallel()
	now, past, far := at("2026-11-24T12:00:00Z"), at("2026-11-24T11:00:00Z"), at("2029-11-24T11:00:00Z")
	for want, plan := range map[string]Schedule{
		"give one of a moment, a local moment, and how it recurs": {},
		"is in the past":              {At: &past},
		"more than two years":         {At: &far},
		`"9 am" is not a time of day`: {Recurrence: &Recurrence{Frequency: Daily, Time: "9 am", Zone: "UTC"}},
		`"Mars/Base" is not an IANA`:  {Recurrence: &Recurrence{Frequency: Daily, Time: "09:00", Zone: "Mars/Base"}},
		"at least one day":            {Recurrence: &Recurrence{Frequency: Weekly, Time: "09:00", Zone: "UTC"}},
		`"monday" is not a day`: {Recurrence: &Recurrence{
			Frequency: Weekly, Time: "09:00", Zone: "UTC",
			Days: []string{"monday"},
		}},
		"32 is out of range": {Recurrence: &Recurrence{
			Frequency: Monthly, Time: "09:00", Zone: "UTC",
			DayOfMonth: 32,
		}},
		`"hourly": want daily`: {Recurrence: &Recurrence{Frequency: "hourly", Time: "09:00", Zone: "UTC"}},
		"-1 is out of range":   {Recurrence: &Recurrence{Frequency: Daily, Time: "09:00", Zone: "UTC", Runs: -1}},
		"there is no run before it": {Recurrence: &Recurrence{
			Frequency: Daily, Time: "13:00", Zone: "UTC",
			Until: &past,
		}},
	} {
		require.ErrorContains(t, plan.Validate(now), want)
	}
}

func TestALocalScheduleStartsWhereTheDayBeginsFirst(t *testing.T) {
	t.Parallel()
	plan := Schedule{Local: &hours.LocalMoment{Date: "2026-12-01", Time: "10:00"}}
	for now, want := range map[string]string{
		"2026-11-20T00:00:00Z": "2026-11-30T20:00:00Z",
		"2026-12-01T09:00:00Z": "2026-12-01T09:00:00Z", // at once, for those farther west
	} {
		require.NoError(t, plan.Validate(at(now)))
		require.Equal(t, at(want), plan.Next(at(now), 0).UTC())
	}
	over := at("2026-12-01T22:00:01Z")
	require.ErrorContains(t, plan.Validate(over), "in the past everywhere")
	require.Nil(t, plan.Next(over, 0))
	require.ErrorContains(t, plan.Validate(at("2024-11-20T00:00:00Z")), "more than two years ahead")
	moment := at("2026-12-01T00:00:00Z")
	both := Schedule{At: &moment, Local: plan.Local}
	require.ErrorContains(t, both.Validate(at("2026-11-20T00:00:00Z")), "give one of")
}

func TestRunsToComeAreInTheCalendar(t *testing.T) {
	t.Parallel()
	next, from, to := at("2026-12-01T08:00:00Z"), at("2027-01-01T00:00:00Z"), at("2027-01-03T00:00:00Z")
	daily := Recurrence{Frequency: Daily, Time: "09:00", Zone: "Europe/Berlin"}
	for name, want := range map[string]int{"without an end": 2, "the 32nd and the 33rd run": 2, "the 32nd": 1, "none is left": 0} {
		r := daily
		r.Runs = map[string]int{"the 32nd and the 33rd run": 33, "the 32nd": 32, "none is left": 31}[name]
		c := &Campaign{NextRunAt: &next, Schedule: &Schedule{Recurrence: &r}}
		starts := c.ahead(from, to, 10)
		require.Len(t, starts, want, name)
		for i, s := range starts {
			require.Equal(t, at("2027-01-01T08:00:00Z").AddDate(0, 0, i), s.At.UTC(), name)
			require.True(t, s.Planned)
		}
		require.LessOrEqual(t, len(c.ahead(from, to, 1)), 1)
	}
	once := &Campaign{NextRunAt: &next, Schedule: &Schedule{At: &next}}
	require.Len(t, once.ahead(next, to, 10), 1)
	require.Empty(t, once.ahead(from, to, 10))
	ended := &Campaign{NextRunAt: &next, EndsAt: &from, Schedule: &Schedule{Recurrence: &daily}}
	require.Empty(t, ended.ahead(from, to, 10), "after the campaign's own end there is no run")
	anywhere := Recurrence{Frequency: Daily, Time: "09:00", Local: true}
	require.NoError(t, (&Schedule{Recurrence: &anywhere}).Validate(next), "its zone does not matter")
}
