package hours

import (
	"cmp"
	"slices"
	"time"

	"eventstream/server/contact"
	"eventstream/server/localtime"
)

// BestHour is the reason of a message that waits for the hour in which its recipient usually reads.
const BestHour = "best_hour"

// HabitSpan is how far back reads tell when somebody usually reads.
const HabitSpan = 180 * 24 * time.Hour

// How many reads it takes to tell when somebody usually reads. One person's own reads say more of that person than
// those of others, however few they are, but one or two may be chance; of many people more are there to be had.
const (
	EnoughOfOne  = 3
	EnoughOfMany = 20
)

// Usual is an hour of day in which messages are usually read.
type Usual struct {
	Hour  int // 0 to 23, by the clocks of whoever reads
	Reads int // in that hour
	Of    int // in all hours
}

// Ranked are the hours of a list, in its order.
func Ranked(usual []Usual) (list []int) {
	for _, u := range usual {
		list = append(list, u.Hour)
	}
	return list
}

// Day is how many messages were read in each hour of the day.
type Day [24]int

// Add counts reads of a person, each in the hour that their clocks showed.
func (d *Day) Add(c *contact.Contact, reads []time.Time) {
	zone := home(c)
	for _, t := range reads {
		d[t.In(zone).Hour()]++
	}
}

// Usual are the hours in which something was read, from that with the most reads on; nil: there are fewer reads than it takes.
// Of hours with equally many, the first is the one with more reads in the hours beside it, because somebody who reads at five
// to seven and at five past seven is there around seven, and then the earlier one, so that the same reads always give the same.
func (d *Day) Usual(enough int) (usual []Usual) {
	of := 0
	for _, n := range d {
		of += n
	}
	if of < enough {
		return nil
	}
	for h, n := range d {
		if n > 0 {
			usual = append(usual, Usual{h, n, of})
		}
	}
	beside := func(h int) int { return d[(h+23)%24] + d[(h+1)%24] }
	slices.SortStableFunc(usual, func(a, b Usual) int {
		return cmp.Or(cmp.Compare(b.Reads, a.Reads), cmp.Compare(beside(b.Hour), beside(a.Hour)))
	})
	return usual
}

// home is the zone whose clock tells a person's hours. Where their number may be in several it is the first: their own
// reads are counted by the clock that they are then written to by, so that a wrong one makes no difference.
func home(c *contact.Contact) *time.Location {
	if zones := c.CandidateZones(); len(zones) > 0 {
		return location(zones[0])
	}
	return time.UTC
}

// Preferred is when a message would best go: in an hour of the day, once a moment has come.
type Preferred struct {
	Hours []int     // 0 to 23, by the clocks of its recipient, from the best on: the first that is allowed counts
	Since time.Time // when its campaign started, or went on
	Until time.Time // it is not waited for longer than until then; zero: there is no end
}

// Chosen is the hour that a message waits for.
type Chosen struct {
	Place int // in the list of hours
	Hour  int
	At    time.Time // when it goes
}

// Allowed is the best hour of which the rules allow at least a part when it comes next; false: they allow none of them.
// after is when the message may go at the earliest.
func (p Preferred) Allowed(c *contact.Contact, rules []Rule, after time.Time) (Chosen, bool) {
	zone := home(c)
	for i, hour := range p.Hours {
		comes := p.next(hour, zone, after)
		at, _, found := NextAllowed(rules, comes)
		if found && at.Sub(comes) < time.Hour && (at.Equal(comes) || at.In(zone).Hour() == hour) {
			return Chosen{i, hour, at}, true
		}
	}
	return Chosen{}, false
}

// Wait is what Allowed gives, where that is not later than it may be waited for.
func (p Preferred) Wait(c *contact.Contact, rules []Rule, after time.Time) (Chosen, bool) {
	chosen, found := p.Allowed(c, rules, after)
	return chosen, found && (p.Until.IsZero() || !chosen.At.After(p.Until))
}

// next is the first moment at or after another, and Since, at which the clocks of a zone show an hour. It is within 25 hours:
// a day on which the clocks are put back has so many.
func (p Preferred) next(hour int, zone *time.Location, after time.Time) time.Time {
	if p.Since.After(after) {
		after = p.Since
	}
	local := after.In(zone)
	if local.Hour() == hour {
		return after
	}
	y, m, d := local.Date()
	for ahead := range 3 { // a day whose clocks leave the hour out has it at the end of the gap
		for _, at := range localtime.All(y, m, d+ahead, hour*60, zone) {
			if at.After(after) {
				return at
			}
		}
	}
	return after // there is an hour of each name within three days
}
