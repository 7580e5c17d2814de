// Package series tells how many messages reached each milestone over time, from
// the counters that triggers keep in steps of ten seconds: of one campaign, or
// of all messages. A stretch of time is divided into steps that a person can
// read, from ten seconds to weeks; steps in which nothing happened are there.
package series

import (
	"time"

	"eventstream/server/localtime"
)

// Resolution is the length of the steps that are kept.
const Resolution = 10 * time.Second

// Point is what happened in one step.
type Point struct {
	At                                                         time.Time     // its start
	Length                                                     time.Duration // shorter than others where the stretch begins or ends within it
	Accepted, Sent, Delivered, Read, Clicked, Failed, Received int64
}

const day = 24 * time.Hour

// lengths of steps below a day; each divides the next round length of a clock.
var lengths = []time.Duration{
	Resolution, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour,
}

const (
	most     = 60  // steps below a day
	mostDays = 100 // or weeks, or multiples of weeks
)

// length is the shortest that divides a stretch into few enough steps.
func length(stretch time.Duration) time.Duration {
	for _, l := range lengths {
		if stretch <= most*l {
			return l
		}
	}
	l := day
	for stretch > mostDays*l {
		if l == day {
			l = 7 * day
		} else {
			l *= 2
		}
	}
	return l
}

// Starts divides a stretch of time: the first step begins where the stretch does,
// the others at round times of the zone, whatever its clock does.
func Starts(from, to time.Time, zone *time.Location) []time.Time {
	l := length(to.Sub(from))
	starts := []time.Time{from}
	for t := next(from, l, zone); t.Before(to); t = next(t, l, zone) {
		starts = append(starts, t)
	}
	return starts
}

// next is the first round time after t.
func next(t time.Time, l time.Duration, zone *time.Location) time.Time {
	local := t.In(zone)
	y, m, d := local.Date()
	switch {
	case l >= day:
		days := int(l / day)
		since := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(monday) / day) // a Monday begins a week
		return localtime.Of(y, m, d+days-since%days, 0, zone)
	case l > time.Hour:
		hours := int(l / time.Hour)
		for _, at := range localtime.All(y, m, d, (local.Hour()/hours+1)*hours*60, zone) {
			if at.After(t) { // where clocks go back by more than an hour, the first of two may be over
				return at
			}
		}
		return t.Add(l)
	default:
		_, ahead := local.Zone()
		shift := time.Duration(ahead) * time.Second
		return t.Add(shift).Truncate(l).Add(l - shift)
	}
}

var monday = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
