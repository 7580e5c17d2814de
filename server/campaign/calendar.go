package campaign

import (
	"context"
	"slices"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/hours"
)

// Start is when a campaign started, or is going to by its schedule.
type Start struct {
	Campaign *Campaign
	At       time.Time
	Planned  bool
	Local    *hours.LocalMoment // by the clocks of each recipient; nil: At is the same for all
}

// Limits of a calendar.
const (
	MaxStarts       = 200
	longestCalendar = 93 * 24 * time.Hour
	maxPlans        = 200 // scheduled campaigns that are looked at
	maxAhead        = 3   // years: the runs until then are counted
)

// Calendar gives the first n starts from a moment on and before another, and whether there
// are more. Of a recurring campaign each run to come is one; those that were are campaigns
// of their own.
func (s *Service) Calendar(ctx context.Context, from, to time.Time, n int) (starts []Start, more bool, err error) {
	switch {
	case n < 1 || n > MaxStarts:
		return nil, false, apperr.Invalid("first", "%d is out of range: 1 to %d", n, MaxStarts)
	case !from.Before(to):
		return nil, false, apperr.Invalid("to", "%s is not after %s", to, from)
	case to.Sub(from) > longestCalendar:
		return nil, false, apperr.Invalid("to", "from %s to %s is longer than 93 days", from, to)
	case to.After(s.now().AddDate(maxAhead, 0, 0)):
		return nil, false, apperr.Invalid("to", "%s is more than %d years ahead", to, maxAhead)
	}
	begun, err := startedBetween(ctx, s.db, from, to, n+1)
	if err != nil {
		return nil, false, err
	}
	for _, c := range begun {
		starts = append(starts, Start{Campaign: c, At: *c.StartedAt, Local: c.LocalStart})
	}
	planned, err := scheduledBefore(ctx, s.db, to, maxPlans+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(planned) > maxPlans; more {
		planned = planned[:maxPlans]
	}
	for _, c := range planned {
		starts = append(starts, c.ahead(from, to, n+1)...)
	}
	slices.SortStableFunc(starts, func(a, b Start) int { return a.At.Compare(b.At) })
	if len(starts) > n {
		starts, more = starts[:n], true
	}
	return starts, more, nil
}

// ahead are the first n starts of a scheduled campaign from a moment on and before another.
func (c *Campaign) ahead(from, to time.Time, n int) (starts []Start) {
	at, done := c.NextRunAt, c.Runs
	if r := c.Schedule.Recurrence; r != nil && r.Runs == 0 && at.Before(from) {
		at = c.Schedule.Next(from.Add(-time.Nanosecond), done) // no need to count the runs until then
	}
	for at != nil && at.Before(to) && len(starts) < n && (c.EndsAt == nil || at.Before(*c.EndsAt)) {
		if !at.Before(from) {
			starts = append(starts, Start{Campaign: c, At: *at, Planned: true, Local: c.Schedule.localAt(*at)})
		}
		if !c.recurs() {
			break
		}
		done++
		at = c.Schedule.Next(*at, done)
	}
	return starts
}
