package series

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnyStretchIsDividedIntoAReadableNumberOfSteps(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	kathmandu, err := time.LoadLocation("Asia/Kathmandu")
	require.NoError(t, err)
	for _, zone := range []*time.Location{time.UTC, berlin, kathmandu} {
		from := time.Date(2026, 3, 20, 17, 43, 21, 0, zone) // nine days before Berlin's clocks go forward
		for stretch := time.Second; stretch < 30*365*day; stretch = stretch*7/5 + time.Second {
			to := from.Add(stretch)
			starts := Starts(from, to, zone)
			require.True(t, starts[0].Equal(from))
			require.LessOrEqual(t, len(starts), mostDays+1, stretch)
			require.True(t, stretch < 3*Resolution || len(starts) >= 3, stretch)
			for i := 1; i < len(starts); i++ {
				require.True(t, starts[i].After(starts[i-1]) && starts[i].Before(to), "%s: %s", stretch, starts[i])
			}
		}
	}
}

func TestStepsBeginAtRoundTimesOfTheZone(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	shown := func(from, to time.Time) (out []string) {
		for _, at := range Starts(from, to, berlin)[1:] {
			out = append(out, at.In(berlin).Format("Mon 15:04:05"))
		}
		return out
	}
	from := time.Date(2026, 3, 27, 9, 0, 4, 0, berlin)
	require.Equal(t, []string{"Fri 09:00:10", "Fri 09:00:20"}, shown(from, from.Add(25*time.Second)))
	require.Equal(t, "Fri 09:30:00", shown(from, from.Add(24*time.Hour))[0])
	days := shown(from, from.Add(20*day)) // over the night of 23 hours
	require.Len(t, days, 20)
	for _, d := range days {
		require.Equal(t, "00:00:00", d[4:])
	}
	require.Equal(t, "Mon 00:00:00", shown(from, from.Add(200*day))[0], "weeks begin on Monday")
	// Both clock changes, in steps of hours: round times on either side, none twice.
	for _, night := range []time.Time{time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), time.Date(2026, 10, 24, 12, 0, 0, 0, berlin)} {
		seen := map[string]bool{}
		for _, at := range shown(night, night.Add(4*day)) {
			require.False(t, seen[at], at)
			seen[at] = true
		}
		require.True(t, seen["Sun 00:00:00"] && seen["Mon 00:00:00"])
	}
}

// TestEveryDayBeginsAtItsFirstMoment also where clocks leave midnight out, or show it twice.
func TestEveryDayBeginsAtItsFirstMoment(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"America/Santiago": {"09-05 00:00", "09-06 01:00", "09-07 00:00"},
		"Africa/Cairo":     {"04-23 00:00", "04-24 01:00", "04-25 00:00"},
		"America/Havana":   {"10-31 00:00", "11-01 00:00", "11-02 00:00"},
	} {
		place, err := time.LoadLocation(name)
		require.NoError(t, err)
		first, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+want[0], place)
		require.NoError(t, err)
		var days []string
		for at := next(first.Add(-time.Hour), day, place); len(days) < len(want); at = next(at, day, place) {
			days = append(days, at.In(place).Format("01-02 15:04"))
		}
		require.Equal(t, want, days, name)
	}
	havana, err := time.LoadLocation("America/Havana")
	require.NoError(t, err)
	require.Equal(t, "2026-11-01T04:00:00Z", next(time.Date(2026, 10, 31, 12, 0, 0, 0, havana), day, havana).UTC().Format(time.RFC3339),
		"the first of two")
}

func TestStepsGoOnOverEveryChangeOfClocks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Europe/Berlin", "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "Africa/Cairo", "Asia/Beirut",
		"Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll",
	} {
		place, err := time.LoadLocation(name)
		require.NoError(t, err)
		for change := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).In(place); ; change = change.Add(time.Hour) {
			if _, change = change.ZoneBounds(); change.IsZero() || change.Year() > 2027 {
				break
			}
			for _, l := range append(slices.Clip(lengths), day, 7*day, 14*day) {
				for at := change.Add(-4*l - time.Hour); at.Before(change.Add(4*l + time.Hour)); {
					n := next(at, l, place)
					require.True(t, n.After(at), "%s after %s, in steps of %s", n, at.In(place), l)
					require.LessOrEqual(t, n.Sub(at), l+25*time.Hour)
					at = n
				}
			}
		}
	}
}
