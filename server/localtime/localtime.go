// Package localtime turns a date and a time of day by the clocks of a place into the
// instant that is meant. All of the engine asks here, so that every schedule, quiet hour
// and chart follows one rule where clocks are changed:
//
//   - A time that the clocks leave out is the first moment after the gap.
//   - A time that they show twice is the first of the two.
//
// time.Date promises neither: it may give a time before a gap, and either of two.
package localtime

import (
	"slices"
	"time"
)

// Of is the instant at which the clocks of a place show a minute of a day, counted from
// 00:00; minutes and days beyond the day or the month go on into the next.
func Of(y int, m time.Month, d, minute int, place *time.Location) time.Time {
	return All(y, m, d, minute, place)[0]
}

// All are the instants at which the clocks of a place show a minute of a day, in order: one
// as a rule, two where an hour is lived twice, and the first moment after the gap where it
// is left out.
func All(y int, m time.Month, d, minute int, place *time.Location) []time.Time {
	shown := time.Date(y, m, d, 0, minute, 0, 0, time.UTC)
	before := shown.Add(-around).In(place)
	var found []time.Time
	for _, probe := range []time.Time{before, shown, shown.Add(around)} {
		_, offset := probe.In(place).Zone()
		t := shown.Add(-time.Duration(offset) * time.Second).In(place)
		if _, actual := t.Zone(); actual == offset && !slices.ContainsFunc(found, t.Equal) {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		_, change := before.ZoneBounds()
		return []time.Time{change.In(place)}
	}
	slices.SortFunc(found, time.Time.Compare)
	return found
}

// around is how far from what clocks show as UTC every instant is that they may mean: no
// clock is farther from UTC, also where a day is left out.
const around = 36 * time.Hour
