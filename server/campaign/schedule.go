package campaign

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/hours"
	"eventstream/server/localtime"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Frequency of a recurring campaign.
type Frequency string

// Frequencies.
const (
	Daily   Frequency = "daily"
	Weekly  Frequency = "weekly"
	Monthly Frequency = "monthly"
)

// Schedule says when a campaign starts by itself: once, at At or, by the clocks of each
// recipient, at Local; or again and again, when Recurrence is set.
type Schedule struct {
	At         *time.Time         `json:"at,omitempty"`
	Local      *hours.LocalMoment `json:"local,omitempty"`
	Recurrence *Recurrence        `json:"recurrence,omitempty"`
}

// Recurrence is a time of day in a zone, on some days; see localtime for the days on
// which clocks are changed.
type Recurrence struct {
	Frequency  Frequency  `json:"frequency"`
	Time       string     `json:"time"`                 // "09:00"
	Zone       string     `json:"zone"`                 // IANA; without meaning when Local
	Local      bool       `json:"local,omitempty"`      // Time is by the clocks of each recipient
	Days       []string   `json:"days,omitempty"`       // weekly: "mon"…
	DayOfMonth int        `json:"dayOfMonth,omitempty"` // monthly: 1 to 31; shorter months: their last day
	Until      *time.Time `json:"until,omitempty"`      // no run after it
	Runs       int        `json:"runs,omitempty"`       // no more than these; 0: no limit
}

// Validate checks every part against now.
func (s *Schedule) Validate(now time.Time) error {
	given := 0
	for _, is := range []bool{s.At != nil, s.Local != nil, s.Recurrence != nil} {
		if is {
			given++
		}
	}
	latest := now.AddDate(2, 0, 0)
	switch {
	case given != 1:
		return apperr.Invalid("schedule", "give one of a moment, a local moment, and how it recurs")
	case s.Local != nil:
		if err := s.Local.Validate(); err != nil {
			return err
		}
		switch {
		case s.Local.Last().Before(now):
			return apperr.Invalid("local", "%s %s is in the past everywhere", s.Local.Date, s.Local.Time)
		case s.Local.First().After(latest):
			return apperr.Invalid("local", "%s %s is more than two years ahead", s.Local.Date, s.Local.Time)
		}
		return nil
	case s.At != nil && s.At.Before(now):
		return apperr.Invalid("at", "%s is in the past", s.At)
	case s.At != nil && s.At.After(latest):
		return apperr.Invalid("at", "%s is more than two years ahead", s.At)
	case s.At != nil:
		return nil
	}
	r := s.Recurrence
	var errs apperr.List
	if !hours.ClockTime.MatchString(r.Time) {
		_ = errs.Add(apperr.Invalid("recurrence.time", "%q is not a time of day such as 09:00", r.Time))
	}
	if _, err := contact.Zone(r.Zone); err != nil && !r.Local {
		_ = errs.Add(apperr.Invalid("recurrence.zone", "%q is not an IANA time zone such as Europe/Berlin", r.Zone))
	}
	switch r.Frequency {
	case Daily:
	case Weekly:
		if len(r.Days) == 0 {
			_ = errs.Add(apperr.Invalid("recurrence.days", "name at least one day of the week"))
		}
		for _, d := range r.Days {
			if hours.DayIndex(d) < 0 {
				_ = errs.Add(apperr.Invalid("recurrence.days", "%q is not a day: %s", d, strings.Join(hours.Days, ", ")))
			}
		}
	case Monthly:
		if r.DayOfMonth < 1 || r.DayOfMonth > 31 {
			_ = errs.Add(apperr.Invalid("recurrence.dayOfMonth", "%d is out of range: 1 to 31", r.DayOfMonth))
		}
	default:
		_ = errs.Add(apperr.Invalid("recurrence.frequency", "%q: want daily, weekly or monthly", r.Frequency))
	}
	if r.Runs < 0 || r.Runs > 1000 {
		_ = errs.Add(apperr.Invalid("recurrence.runs", "%d is out of range: 1 to 1,000", r.Runs))
	}
	if err := errs.Err(); err != nil {
		return err
	}
	if s.Next(now, 0) == nil {
		return apperr.Invalid("recurrence.until", "there is no run before it")
	}
	return nil
}

// Next is the first start after t, when so many runs are done; nil: none.
func (s *Schedule) Next(t time.Time, done int) *time.Time {
	if s.At != nil {
		if s.At.After(t) {
			return s.At
		}
		return nil
	}
	if s.Local != nil {
		switch first := s.Local.First(); {
		case first.After(t):
			return &first
		case s.Local.Last().After(t):
			return &t // for those who are farther west
		}
		return nil
	}
	r := s.Recurrence
	zone, err := r.zone()
	if err != nil || (r.Runs > 0 && done >= r.Runs) {
		return nil
	}
	y, m, d := t.In(zone).Date()
	for ahead := range 70 { // more than two months of days
		day := time.Date(y, m, d+ahead, 0, 0, 0, 0, time.UTC)
		if !r.on(day) {
			continue
		}
		at := localtime.Of(day.Year(), day.Month(), day.Day(), hours.Minutes(r.Time), zone)
		if !at.After(t) {
			continue
		}
		if r.Until != nil && at.After(*r.Until) {
			return nil
		}
		return &at
	}
	return nil
}

// localAt is what the clocks of its recipients show when they get what starts at a moment;
// nil: they all get it then.
func (s *Schedule) localAt(at time.Time) *hours.LocalMoment {
	switch {
	case s.Local != nil:
		return s.Local
	case s.Recurrence != nil && s.Recurrence.Local:
		local := hours.On(at, s.Recurrence.Time)
		return &local
	}
	return nil
}

// zone is where a run's day begins. A run by the clocks of its recipients starts where that
// is first.
func (r *Recurrence) zone() (*time.Location, error) {
	if r.Local {
		return hours.Easternmost, nil
	}
	return contact.Zone(r.Zone)
}

func (r *Recurrence) on(day time.Time) bool {
	switch r.Frequency {
	case Weekly:
		return slices.Contains(r.Days, hours.Days[day.Weekday()])
	case Monthly:
		last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		return day.Day() == min(r.DayOfMonth, last)
	case Daily:
	}
	return true
}

// Schedule sets when the campaign starts by itself; it can be changed until it
// does. All that a launch needs must be there now, except what time brings: the
// approval and the audience are looked at again when it starts.
func (s *Service) Schedule(ctx context.Context, id int64, plan Schedule) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := plan.Validate(s.now()); err != nil {
		return nil, err
	}
	var c *Campaign
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		if c.Status != StatusScheduled && !c.Status.CanBecome(StatusScheduled) {
			return apperr.Conflict("the campaign is %s and cannot be scheduled", c.Status)
		}
		if c.ArchivedAt != nil {
			return errArchived
		}
		if err := s.lacking(ctx, tx, c); err != nil {
			return err
		}
		was, err := c.audited(ctx, tx)
		if err != nil {
			return err
		}
		c.Status, c.Schedule, c.NextRunAt = StatusScheduled, &plan, plan.Next(s.now(), c.Runs)
		c.started() // a new plan is tried at its own time
		if err := s.planAsks(ctx, tx, c); err != nil {
			return err
		}
		if c.NextRunAt == nil {
			return apperr.Invalid("recurrence.runs", "%d <run is|runs are> done, and that was all", c.Runs)
		}
		if err := c.endsTooEarly("at", "local"); err != nil {
			return err
		}
		if err := s.saveAsked(ctx, tx, c); err != nil {
			return err
		}
		return c.changed(ctx, tx, audit.CampaignSchedule, was)
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicCampaign, id)
	return c, nil
}

// planAsks asks for approval of a new plan, where that is needed. Who made the plan is noted in any case: its audience may
// grow until it needs one.
func (s *Service) planAsks(ctx context.Context, tx bun.Tx, c *Campaign) error {
	if err := c.ask(ctx, tx); err != nil {
		return err
	}
	rule, err := s.needsApproval(ctx, tx, c)
	if rule == nil {
		c.Approval = ApprovalNone
	}
	return err
}

// endsTooEarly refuses an end before a scheduled campaign's next start, or before that has come by the clocks of all its
// recipients. It names the field that is to blame: one for a moment, one for a local moment.
func (c *Campaign) endsTooEarly(moment, byClocks string) error {
	if c.EndsAt == nil {
		return nil
	}
	local, end := c.LocalStart, c.EndsAt.UTC().Format(time.RFC3339)
	if c.Status == StatusScheduled {
		if local = c.Schedule.localAt(*c.NextRunAt); !c.EndsAt.After(*c.NextRunAt) {
			return apperr.Invalid(moment, "the campaign ends at %s, before it would start", end)
		}
	}
	if local != nil && !c.EndsAt.After(local.Last()) {
		return apperr.Invalid(byClocks, "the campaign ends at %s, before it is %s on %s everywhere, at %s: end it later",
			end, local.Time, local.Date, local.Last())
	}
	return nil
}

// planned sets a recurring campaign's next run, the first after a moment and before its own end; without one it is completed.
func (c *Campaign) planned(after time.Time) {
	c.NextRunAt = c.Schedule.Next(after, c.Runs)
	if c.NextRunAt != nil && c.EndsAt != nil && !c.NextRunAt.Before(*c.EndsAt) {
		c.NextRunAt = nil
	}
	if c.NextRunAt == nil {
		c.Status, c.FinishedAt = StatusCompleted, &after
		c.endWait() // nothing starts any more
	}
}

// lacking reports what a scheduled campaign must have from the start.
func (s *Service) lacking(ctx context.Context, tx bun.Tx, c *Campaign) error {
	var list apperr.List
	if c.TemplateID == nil {
		_ = list.Add(errNoTemplate)
	}
	if c.SegmentID == nil && c.Query == nil {
		_ = list.Add(errNoAudience)
	}
	shares, err := sharesOf(ctx, tx, []int64{c.ID})
	if err != nil {
		return err
	}
	if len(shares[c.ID]) == 0 {
		_ = list.Add(errNoSender)
	}
	return list.Err()
}

// Unschedule makes a scheduled campaign a draft again.
func (s *Service) Unschedule(ctx context.Context, id int64) (*Campaign, error) {
	return s.move(ctx, id, audit.CampaignUnschedule, StatusDraft, func(_ context.Context, _ bun.Tx, c *Campaign) error {
		if c.Status != StatusScheduled {
			return apperr.Conflict("the campaign is %s, not scheduled", c.Status)
		}
		c.withdraw()
		c.unplan()
		return nil
	})
}

// LaunchDue starts the scheduled campaigns whose time has come. One that cannot
// start keeps its reason and is tried again later; the others go on. Maintenance
// runs it.
func (s *Service) LaunchDue(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	ids, err := dueScheduled(ctx, s.db)
	if err != nil {
		return err
	}
	return Each(ids, func(id int64) error { return s.launchInTime(ctx, id) })
}

// SkipRuns leaves out the runs of recurring campaigns that were due by then: the
// original of a restored database has made them.
func (s *Service) SkipRuns(ctx context.Context, tx bun.Tx, then time.Time) error {
	rows, err := recurringBefore(ctx, tx, then)
	if err != nil {
		return err
	}
	for _, c := range rows {
		c.planned(then)
		if err := save(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// startLimit is how long one scheduled start may take: a segment that takes
// minutes to find nobody does not hold back the campaigns behind it.
const startLimit = 10 * time.Second

// launchInTime starts a campaign, or notes why it could not and when to try again.
func (s *Service) launchInTime(ctx context.Context, id int64) error {
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	err := s.launchScheduled(limited, id)
	if err == nil {
		return nil
	}
	why := apperr.Text(err)
	if limited.Err() != nil && ctx.Err() == nil {
		why = say.New("starting took longer than %s", startLimit)
	}
	noting, done := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
	defer done()
	return errors.Join(err, postponeStart(noting, s.db, id, why.String()))
}

// launchScheduled starts a campaign whose time has come, or a run of it when it
// recurs. What forbids the launch fails it, with the reason.
func (s *Service) launchScheduled(ctx context.Context, id int64) error {
	var started *Campaign
	held := false
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := forUpdate(ctx, tx, id)
		if err != nil || c.Status != StatusScheduled || c.NextRunAt == nil {
			return err
		}
		now, err := db.Now(ctx, tx)
		if err != nil || c.NextRunAt.After(now) {
			return err
		}
		if cleared, err := s.cleared(ctx, tx, c, nil); err != nil {
			return err
		} else if !cleared {
			held = true
			return s.holdForApproval(ctx, tx, c)
		}
		c.endWait() // for what is not needed any more
		if c.Schedule.Recurrence == nil {
			started, err = s.startOrFail(ctx, tx, c)
			return err
		}
		if c.EndsAt != nil && !now.Before(*c.EndsAt) { // it ended while its run could not start
			c.planned(now)
			c.started()
			return save(ctx, tx, c)
		}
		run, err := s.run(ctx, tx, c, now)
		if err != nil {
			return err
		}
		if started, err = s.startOrFail(ctx, tx, run); err != nil {
			return err
		}
		c.Runs++
		c.started()
		// From now and not from the run that was due: what was missed while
		// nothing ran is not caught up in a burst.
		c.planned(now)
		return save(ctx, tx, c)
	})
	switch {
	case err == nil && started != nil:
		s.hub.Publish(pubsub.TopicCampaign, id, started.ID)
	case err == nil && held:
		s.hub.Publish(pubsub.TopicCampaign, id)
	}
	return err
}

// run makes one run of a recurring campaign: a campaign of its own, so that its
// audience and numbers stand for themselves. It ends when the next one starts; by the
// clocks of its recipients, when that one has started everywhere.
func (s *Service) run(ctx context.Context, tx bun.Tx, parent *Campaign, now time.Time) (*Campaign, error) {
	at := *parent.NextRunAt
	zone, err := parent.Schedule.Recurrence.zone()
	if err != nil {
		return nil, err
	}
	name := []rune(parent.Name)
	c := parent.another(string(name[:min(len(name), 130)]) + " · " + at.In(zone).Format(time.DateOnly))
	c.Status, c.EndsAt, c.ParentID, c.CreatedBy = StatusScheduled, parent.EndsAt, &parent.ID, parent.CreatedBy
	c.EditedBy, c.Approval, c.ApprovalAskedBy, c.ApprovalAskedAt = parent.EditedBy, parent.Approval, parent.ApprovalAskedBy, parent.ApprovalAskedAt
	c.ApprovalDecidedBy, c.ApprovalDecidedAt = parent.ApprovalDecidedBy, parent.ApprovalDecidedAt
	c.LocalStart = parent.Schedule.localAt(at)
	if next := parent.Schedule.Next(now, parent.Runs+1); next != nil {
		end := *next
		if local := parent.Schedule.localAt(end); local != nil {
			end = local.Last()
		}
		if c.EndsAt == nil || end.Before(*c.EndsAt) {
			c.EndsAt = &end
		}
	}
	variants, err := variantsOf(ctx, tx, parent.ID)
	if err != nil {
		return nil, err
	}
	if err := insert(ctx, tx, c); err != nil {
		return nil, err
	}
	shares, err := sharesOf(ctx, tx, []int64{parent.ID})
	if err != nil {
		return nil, err
	}
	if err := saveShares(ctx, tx, c.ID, shares[parent.ID]); err != nil {
		return nil, err
	}
	if err := saveVariants(ctx, tx, c.ID, variants); err != nil {
		return nil, err
	}
	return c, audit.Record(ctx, tx, audit.CampaignRun, "campaign", c.ID,
		map[string]any{"of": parent.ID, "run": parent.Runs + 1})
}

// startOrFail starts the campaign in tx; what a person has to correct makes it
// fail, so that it does not start hours later by surprise.
func (s *Service) startOrFail(ctx context.Context, tx bun.Tx, c *Campaign) (*Campaign, error) {
	started, err := moveTx(ctx, tx, c.ID, audit.CampaignLaunch, StatusPreparing, s.start)
	if !apperr.Is(err, apperr.CodeInvalid) {
		return started, err
	}
	cause := err
	return moveTx(ctx, tx, c.ID, audit.CampaignFail, StatusFailed, func(_ context.Context, _ bun.Tx, c *Campaign) error {
		c.Failure = say.New("It could not start: %s", apperr.Text(cause)).String()
		return nil
	})
}
