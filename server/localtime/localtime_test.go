package localtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestEveryTimeOfDayOfEveryZone compares with the plainest way there is: to look at each
// quarter of an hour in turn, around every change of the clocks of a few years.
func TestEveryTimeOfDayOfEveryZone(t *testing.T) {
	t.Parallel()
	const step = 15 * time.Minute
	changes, left, twice := 0, 0, 0
	for _, place := range allZones(t) {
		for change := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).In(place); ; {
			_, change = change.ZoneBounds()
			if change.IsZero() || change.Year() > 2028 {
				break
			}
			changes++
			shown := map[string][]time.Time{}
			for at := change.Add(-60 * time.Hour); at.Before(change.Add(60 * time.Hour)); at = at.Add(step) {
				is := at.In(place).Format("2006-01-02 15:04")
				shown[is] = append(shown[is], at)
			}
			y, m, d := change.Date()
			for minute := -wholeDay; minute < wholeDay; minute += 15 {
				key := time.Date(y, m, d, 0, minute, 0, 0, time.UTC).Format("2006-01-02 15:04")
				want := shown[key]
				if len(want) == 0 {
					want, left = []time.Time{change}, left+1
				}
				if len(want) == 2 {
					twice++
				}
				got := All(y, m, d, minute, place)
				require.Len(t, got, len(want), "%s in %s", key, place)
				for i := range want {
					require.True(t, got[i].Equal(want[i]), "%s in %s: %s", key, place, got[i])
				}
				require.True(t, Of(y, m, d, minute, place).Equal(want[0]))
			}
			change = change.Add(time.Hour)
		}
	}
	t.Logf("%d changes, %d times left out, %d shown twice", changes, left, twice)
	require.Positive(t, left)
	require.Positive(t, twice)
}

// Samoa had no 30 December 2011, when it moved to the other side of the date line.
func TestAWholeDayIsLeftOut(t *testing.T) {
	t.Parallel()
	apia, err := time.LoadLocation("Pacific/Apia")
	require.NoError(t, err)
	for _, minute := range []int{0, 600, wholeDay - 1} {
		require.Equal(t, "2011-12-31T00:00:00+14:00", Of(2011, 12, 30, minute, apia).Format(time.RFC3339))
	}
	require.Equal(t, "2011-12-29T23:59:00-10:00", Of(2011, 12, 29, wholeDay-1, apia).Format(time.RFC3339))
}

const wholeDay = 24 * 60

// allZones are those of this machine, or a few with all the changes that there are.
func allZones(t *testing.T) (zones []*time.Location) {
	t.Helper()
	const root = "/usr/share/zoneinfo"
	names := []string{
		"Europe/Berlin", "America/New_York", "America/Havana", "America/Santiago", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut",
		"Australia/Lord_Howe", "Pacific/Chatham",
	}
	for _, region := range []string{"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"} {
		found, err := filepath.Glob(filepath.Join(root, region, "*"))
		require.NoError(t, err)
		for _, f := range found {
			if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
				names = append(names, strings.TrimPrefix(f, root+"/"))
			}
		}
	}
	for _, name := range names {
		place, err := time.LoadLocation(name)
		require.NoError(t, err)
		zones = append(zones, place)
	}
	return zones
}
