package campaign

import (
	"context"
	"time"

	"eventstream/server/contact"
	"eventstream/server/hours"
	"eventstream/server/message"

	"github.com/uptrace/bun"
)

// spread is how many contacts tell when people of the workspace usually read. A launch waits for the answer.
const spread = 500

// A wait for a best hour ends so long before the campaign does that all who waited can still get it: a quarter of the time that is
// left when it begins, and an hour at least.
const (
	leftForSending  = 4
	leastForSending = time.Hour
)

// waitsUntil is how long best hours are waited for in a campaign that goes on from a moment; zero: as long as it takes.
func (c *Campaign) waitsUntil(since time.Time) time.Time {
	if c.EndsAt == nil {
		return time.Time{}
	}
	return c.EndsAt.Add(-max(leastForSending, c.EndsAt.Sub(since)/leftForSending))
}

// inTrial tells whether a campaign sends to a part of its audience alone, so that somebody can look at what comes of it: a pilot, or
// the test of its variants. That part does not wait for best hours, which would take a day.
func (c *Campaign) inTrial() bool {
	return c.Pilot > 0 && c.PilotEndedAt == nil || c.testsAPart() && c.WinnerAt == nil
}

func (c *Campaign) testsAPart() bool { return c.VariantTest != nil && c.VariantTest.Percent < 100 }

// usualHours are the hours in which people of the workspace read, as of a moment, from that with the most reads on; nil: they
// have read too little to tell.
func usualHours(ctx context.Context, idb bun.IDB, at time.Time) ([]int, error) {
	people, err := contact.Spread(ctx, idb, spread)
	if err != nil {
		return nil, err
	}
	reads, err := message.ReadsOf(ctx, idb, contact.IDs(people), at.Add(-hours.HabitSpan), at)
	if err != nil {
		return nil, err
	}
	var all hours.Day
	for _, p := range people {
		all.Add(p, reads[p.ID])
	}
	return hours.Ranked(all.Usual(hours.EnoughOfMany)), nil
}

// OwnHours tells of these people in which hours each reads, as of a moment, from that with the most reads on; of who has read
// too little to tell there is nothing.
func OwnHours(ctx context.Context, idb bun.IDB, people []*contact.Contact, at time.Time) (map[int64][]hours.Usual, error) {
	reads, err := message.ReadsOf(ctx, idb, contact.IDs(people), at.Add(-hours.HabitSpan), at)
	if err != nil {
		return nil, err
	}
	own := make(map[int64][]hours.Usual, len(reads))
	for _, p := range people {
		var day hours.Day
		day.Add(p, reads[p.ID])
		if usual := day.Usual(hours.EnoughOfOne); usual != nil {
			own[p.ID] = usual
		}
	}
	return own, nil
}

// Preferred is the hour that each of these people's messages of the campaign waits for; of whom there is nothing gets it as
// soon as it may go. What was read since the campaign started does not count, so that the answer is the same whenever it is
// asked for. Nothing is asked where all of those hours have been.
func (c *Campaign) Preferred(ctx context.Context, idb bun.IDB, people []*contact.Contact, now time.Time) (map[int64]*hours.Preferred, error) {
	if !c.BestHour || c.StartedAt == nil || c.inTrial() {
		return nil, nil //nolint:nilnil // nobody's waits
	}
	since := c.wentOn()
	last := since
	if c.LocalStart != nil && c.LocalStart.Last().After(last) {
		last = c.LocalStart.Last()
	}
	if now.Sub(last) > 26*time.Hour { // see hours.Preferred
		return nil, nil //nolint:nilnil // nobody's waits any more
	}
	own, err := OwnHours(ctx, idb, people, *c.StartedAt)
	if err != nil {
		return nil, err
	}
	preferred := make(map[int64]*hours.Preferred, len(people))
	for _, p := range people {
		if of := c.preferred(own[p.ID], c.workspaceHours(), since); of != nil {
			preferred[p.ID] = of
		}
	}
	return preferred, nil
}

// Habit is what a campaign that goes to each at their best hour knew of a recipient.
type Habit struct {
	Own       []hours.Usual // from that with the most reads on; none: they had read too little to tell
	Workspace []int         // the hours of the workspace; none: nobody knows
	Allowed   *int          // the best of these that the campaign and the law allow, own ones before others; nil: none
	TooLate   bool          // that would come too late for the campaign's end
	Trial     bool          // a part of the campaign went without it: its pilot, or the test of its variants
}

// Read is how often a recipient read in the hour that counts; nil: that is none of their own.
func (h *Habit) Read() *hours.Usual {
	if h == nil || h.Allowed == nil {
		return nil
	}
	for i, u := range h.Own {
		if u.Hour == *h.Allowed {
			return &h.Own[i]
		}
	}
	return nil
}

// HabitOf tells what a campaign knew of a contact, or of the person whom they were merged into; nil: it asks for no best
// hours, or has not started.
func HabitOf(ctx context.Context, idb bun.IDB, campaignID, contactID int64) (*Habit, error) {
	found, err := byIDs(ctx, idb, []int64{campaignID})
	if err != nil || len(found) == 0 || !found[0].BestHour || found[0].StartedAt == nil {
		return nil, err
	}
	c := found[0]
	people, err := contact.PeopleOf(ctx, idb, []int64{contactID})
	if err != nil || people[contactID] == nil {
		return nil, err
	}
	p := people[contactID]
	own, err := OwnHours(ctx, idb, []*contact.Contact{p}, *c.StartedAt)
	if err != nil {
		return nil, err
	}
	h := &Habit{Own: own[p.ID], Workspace: c.workspaceHours(), Trial: c.Pilot > 0 || c.testsAPart()}
	if preferred := c.preferred(h.Own, h.Workspace, c.wentOn()); preferred != nil {
		var begins time.Time
		if c.LocalStart != nil {
			begins = c.LocalStart.For(p)
		}
		rules := hours.RulesFor(c.QuietHours, p)
		if best, found := preferred.Allowed(p, rules, begins); found {
			_, worth := preferred.Wait(p, rules, begins)
			h.Allowed, h.TooLate = &best.Hour, !worth
		}
	}
	return h, nil
}

// preferred are the hours for one of which a message of a campaign that goes on from a moment waits: the person's own, then those
// of the workspace; nil: nobody knows.
func (c *Campaign) preferred(own []hours.Usual, workspace []int, since time.Time) *hours.Preferred {
	list := append(hours.Ranked(own), workspace...)
	if len(list) == 0 {
		return nil
	}
	return &hours.Preferred{Hours: list, Since: since, Until: c.waitsUntil(since)}
}

// workspaceHours are those of a campaign that was started.
func (c *Campaign) workspaceHours() []int {
	if c.UsualHours == nil && c.UsualHour != nil { // it was started when only the first was kept
		return []int{*c.UsualHour}
	}
	return c.UsualHours
}

// wentOn is when a campaign that was started last began to send to those to whom it has not sent: at its start, after a
// pause (also the one after its pilot), or with the winner of its test. Whose hour was missed meanwhile is waited for anew.
func (c *Campaign) wentOn() time.Time {
	last := *c.StartedAt
	for _, t := range []*time.Time{c.ResumedAt, c.WinnerAt} {
		if t != nil && t.After(last) {
			last = *t
		}
	}
	return last
}

// BestHours is when the recipients of a campaign get it that sends to each in their best hour.
type BestHours struct {
	Own           int64     // in an hour of their own
	Workspace     int64     // in that of the workspace
	AtOnce        int64     // nothing tells an hour, or it would come too late for the campaign's end
	WorkspaceHour *int      // nil: nobody knows
	Hours         [24]int64 // of Own and Workspace, by the hour of the day
}

// outlook foresees the best hours of recipients; nil: the campaign does not ask for them.
type outlook struct {
	BestHours
	campaign *Campaign
	usual    []int // of the workspace
	own      map[int64][]hours.Usual
	now      time.Time
}

// foreseeHours reads what tells the best hours of a sample of a campaign's recipients.
func (s *Service) foreseeHours(ctx context.Context, c *Campaign, sample []*contact.Contact) (o *outlook, err error) {
	if !c.BestHour {
		return nil, nil //nolint:nilnil // nobody waits for an hour
	}
	o = &outlook{campaign: c, now: s.now()}
	if o.usual, err = usualHours(ctx, s.db, o.now); err != nil {
		return nil, err
	}
	o.WorkspaceHour = first(o.usual)
	o.own, err = OwnHours(ctx, s.db, sample, o.now)
	return o, err
}

// first is the first of a list; nil: it is empty.
func first(list []int) *int {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// of are the hours for one of which a launch now would have somebody's message wait, and which that is; nil: none.
func (o *outlook) of(p *contact.Contact) (*hours.Preferred, hours.Chosen) {
	if o == nil {
		return nil, hours.Chosen{}
	}
	preferred := o.campaign.preferred(o.own[p.ID], o.usual, o.now)
	if preferred == nil {
		return nil, hours.Chosen{}
	}
	best, worth := preferred.Wait(p, hours.RulesFor(o.campaign.QuietHours, p), o.now)
	if !worth {
		return nil, best
	}
	return preferred, best
}

// count adds somebody who gets the campaign, in the hour that of gave.
func (o *outlook) count(p *contact.Contact, preferred *hours.Preferred, best hours.Chosen) {
	switch {
	case o == nil:
		return
	case preferred == nil:
		o.AtOnce++
		return
	case best.Place < len(o.own[p.ID]):
		o.Own++
	default:
		o.Workspace++
	}
	o.Hours[best.Hour]++
}

// projected are the numbers for all whom the sample stands for.
func (o *outlook) projected(all func(int64) int64) *BestHours {
	if o == nil {
		return nil
	}
	is := &BestHours{Own: all(o.Own), Workspace: all(o.Workspace), AtOnce: all(o.AtOnce), WorkspaceHour: o.WorkspaceHour}
	for h, n := range o.Hours {
		is.Hours[h] = all(n)
	}
	return is
}
