package series

import (
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
