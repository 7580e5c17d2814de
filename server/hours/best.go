package hours

import (
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

// Usual is the hour of day in which messages are usually read.
type Usual struct {
	Hour  int // 0 to 23, by the clocks of whoever reads
	Reads int // in that hour
	Of    int // in all hours
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

// Usual is the hour with the most reads; nil: there are fewer reads than it takes. Of hours with equally many, it is the
// one with more reads in the hours beside it, because somebody who reads at five to seven and at five past seven is there
// around seven, and then the earlier one, so that the same reads always give the same hour.
func (d *Day) Usual(enough int) *Usual {
	u, beside := Usual{}, 0
	for h, n := range d {
		u.Of += n
		around := d[(h+23)%24] + d[(h+1)%24]
		if n > u.Reads || n == u.Reads && n > 0 && around > beside {
			u.Hour, u.Reads, beside = h, n, around
		}
	}
	if u.Of < enough {
		return nil
	}
	return &u
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
	Hour  int       // 0 to 23, by the clocks of its recipient
	Since time.Time // when its campaign started, or went on
	Until time.Time // it is not waited for longer than until then; zero: there is no end
}

// Wait is when a message goes that waits for the hour, and then for the rules; false where that is later than it may be waited for,
// or never. after is when it may go at the earliest.
func (p Preferred) Wait(c *contact.Contact, rules []Rule, after time.Time) (time.Time, bool) {
	at, _, found := NextAllowed(rules, p.For(c, after))
	return at, found && (p.Until.IsZero() || !at.After(p.Until))
}

// For is the first moment at or after another, and Since, at which the clocks of a contact show the hour. It is within 25
// hours: a day on which the clocks are put back has so many.
func (p Preferred) For(c *contact.Contact, after time.Time) time.Time {
	if p.Since.After(after) {
		after = p.Since
	}
	zone := home(c)
	local := after.In(zone)
	if local.Hour() == p.Hour {
		return after
	}
	y, m, d := local.Date()
	for ahead := range 3 { // a day whose clocks leave the hour out has it at the end of the gap
		for _, at := range localtime.All(y, m, d+ahead, p.Hour*60, zone) {
			if at.After(after) {
				return at
			}
		}
	}
	return after // there is an hour of each name within three days
}
