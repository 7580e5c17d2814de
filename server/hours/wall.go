package hours

import (
	"slices"
	"time"
)

// Wall gives the instants at which the clocks of a place show this minute of a
// day: one as a rule, two where an hour is lived twice, and where it is left out
// the first moment after the gap.
func Wall(y int, m time.Month, d, minute int, place *time.Location) []time.Time {
	noon := time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	var found []time.Time
	for _, around := range []time.Duration{-36 * time.Hour, 0, 36 * time.Hour} {
		_, offset := noon.Add(around).In(place).Zone()
		t := time.Date(y, m, d, 0, minute, 0, 0, time.UTC).Add(-time.Duration(offset) * time.Second).In(place)
		if _, actual := t.Zone(); actual == offset && !slices.ContainsFunc(found, t.Equal) {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		_, end := time.Date(y, m, d, 0, minute, 0, 0, place).Add(-3 * time.Hour).ZoneBounds()
		return []time.Time{end.In(place)}
	}
	slices.SortFunc(found, time.Time.Compare)
	return found
}

// minuteOf is the minute of the day that the clocks show at t.
func minuteOf(t time.Time) int { return t.Hour()*60 + t.Minute() }
