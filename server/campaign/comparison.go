package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/experiment"
	"eventstream/server/message"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Figures are the numbers of a variant, of the recipients who take part in the test. They are kept as messages change.
type Figures struct {
	Recipients                                                          int64
	Waiting                                                             int64 // not handed over yet
	Tried                                                               int64 // accepted by Twilio, or refused by it for good
	Accepted, Sent, Delivered, Read, Clicked, Replied, OptedOut, Failed int64
	Goal                                                                int64        // who reached the campaign's first goal
	Value                                                               price.Micros // of all goals that were reached
}

// by is how many did what a metric counts.
func (f Figures) by(m Metric) int64 {
	switch m {
	case MetricDelivered:
		return f.Delivered
	case MetricClicked:
		return f.Clicked
	case MetricReplied:
		return f.Replied
	case MetricGoal:
		return f.Goal
	default:
		return f.Read
	}
}

// Comparison is what the variants of a campaign show by now.
type Comparison struct {
	experiment.Verdict

	Figures []Figures  // by variant
	Harmed  []bool     // by variant: it is shown that more people opted out than of the best other one
	Left    int64      // messages of the test that were not handed over yet
	Decides *time.Time // when the engine chooses, unless it is sure before; nil: not by time, or not known yet
}

// leader is the variant that wins: the best of those that drive nobody away.
func (c Comparison) leader(metric Metric) int {
	best := 0
	share := func(i int) float64 { return experiment.Arm{N: c.Figures[i].Tried, X: c.Figures[i].by(metric)}.Share() }
	for i := range c.Figures {
		if c.Harmed[best] && !c.Harmed[i] || c.Harmed[best] == c.Harmed[i] && share(i) > share(best) {
			best = i
		}
	}
	return best
}

// sure reports whether the leader is shown to be better than all others and drives nobody away.
func (c Comparison) sure() bool { return c.Shown && !c.Harmed[c.Leader] }

// Compare tells what the variants of a campaign show; nil where it has none, or was not launched.
func (s *Service) Compare(ctx context.Context, c *Campaign) (*Comparison, error) {
	if c.VariantTest == nil || c.PreparedAt == nil {
		return nil, nil //nolint:nilnil // there is nothing to tell
	}
	variants, err := variantsOf(ctx, s.db, c.ID)
	if err != nil || len(variants) == 0 {
		return nil, err
	}
	return compare(ctx, s.db, c, variants)
}

func compare(ctx context.Context, idb bun.IDB, c *Campaign, variants Variants) (*Comparison, error) {
	all, err := figuresOf(ctx, idb, []int64{c.ID})
	if err != nil {
		return nil, err
	}
	figures := all[c.ID]
	out := &Comparison{Figures: figures[:len(variants)]}
	for i, goal := range c.Goals {
		did, err := reached(ctx, idb, c.ID, goal)
		if err != nil {
			return nil, err
		}
		for v := range out.Figures {
			if i == 0 {
				out.Figures[v].Goal = did[v]
			}
			out.Figures[v].Value += goal.Value * price.Micros(did[v])
		}
	}
	arms, optOuts, options := make([]experiment.Arm, len(variants)), make([]experiment.Arm, len(variants)), experiment.Options{}
	for i, f := range out.Figures {
		arms[i] = experiment.Arm{N: f.Tried, X: f.by(c.VariantTest.Metric)}
		optOuts[i] = experiment.Arm{N: f.Tried, X: f.OptedOut}
		options.Planned = append(options.Planned, f.Recipients)
		out.Left += f.Waiting
	}
	out.Verdict, out.Harmed = experiment.Judge(arms, options), experiment.Harmed(optOuts, options)
	out.Decides = c.decides()
	return out, nil
}

// decides is when the engine chooses a winner, unless it is sure before; nil: not by time, or not known yet.
func (c *Campaign) decides() *time.Time {
	t := c.VariantTest
	if t.Percent == 100 || t.AfterMinutes == nil || c.TestedAt == nil || c.Winner != nil {
		return nil
	}
	at := c.TestedAt.Add(time.Duration(*t.AfterMinutes) * time.Minute)
	return &at
}

// GoalsReached tells how many recipients reached each of a campaign's goals, in their order.
func (s *Service) GoalsReached(ctx context.Context, c *Campaign) ([]int64, error) {
	counts := make([]int64, len(c.Goals))
	for i, goal := range c.Goals {
		by, err := reached(ctx, s.db, c.ID, goal)
		if err != nil {
			return nil, err
		}
		for _, n := range by {
			counts[i] += n
		}
	}
	return counts, nil
}

// Lift compares those who were to get a campaign's message with those held out of it, whatever became of the message: by who wrote within
// some time after the audience was taken.
type Lift struct {
	experiment.Interval

	Treated, Held experiment.Arm
	Within        time.Duration
	Until         time.Time
}

// LiftOf tells what a campaign did, beside those held out; nil where nobody is, or its audience is not taken yet.
func (s *Service) LiftOf(ctx context.Context, c *Campaign) (*Lift, error) {
	if c.HeldOut == 0 || c.PreparedAt == nil || c.InboundFrom == nil {
		return nil, nil //nolint:nilnil // there is nobody to compare with
	}
	treated, held, err := wrote(ctx, s.db, c, c.lift())
	if err != nil {
		return nil, err
	}
	l := &Lift{
		Treated: experiment.Arm{N: c.Treated, X: treated}, Held: experiment.Arm{N: c.HeldOut, X: held}, Within: c.lift(),
		Until: c.PreparedAt.Add(c.lift()),
	}
	l.Interval = experiment.Lift(l.Treated, l.Held, experiment.Options{Planned: []int64{c.Treated, c.HeldOut}})
	return l, nil
}

// WaitingForWinner counts the messages of a campaign that wait for the winner of its test.
func (s *Service) WaitingForWinner(ctx context.Context, c *Campaign) (int64, error) {
	if c.VariantTest == nil || c.VariantTest.Percent == 100 || c.ReleasedAt != nil || c.PreparedAt == nil || c.Status.Ended() {
		return 0, nil
	}
	return message.WaitingForWinner(ctx, s.db, c.ID, mostWaiting)
}

// mostWaiting bounds the count of those who wait: more are told as so many.
const mostWaiting = 10_000_000

// ChooseWinner lets an operator decide which variant the rest of the audience gets, by its label.
func (s *Service) ChooseWinner(ctx context.Context, id int64, label string) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	c, err := s.chooseWinner(ctx, id, WinnerByOperator, func(_ context.Context, _ bun.Tx, _ *Campaign, variants Variants) (int, error) {
		return variants.Position(label)
	})
	if err != nil {
		return nil, err
	}
	return c, s.release(ctx, c)
}

var errUndecided = errors.New("nothing is decided yet")

// chooseWinner writes down which variant pick takes, under the campaign's lock.
func (s *Service) chooseWinner(ctx context.Context, id int64, by WinnerBy,
	pick func(context.Context, bun.Tx, *Campaign, Variants) (int, error),
) (c *Campaign, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if c, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		variants, err := variantsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		switch {
		case len(variants) == 0:
			return apperr.Conflict("the campaign has no variants to choose from")
		case c.VariantTest.Percent == 100:
			return apperr.Conflict("all of the audience takes part in the test: nobody waits for the winner")
		case c.Winner != nil:
			return apperr.Conflict("variant %s has won already", Label(*c.Winner))
		case c.PreparedAt == nil || c.Status != StatusSending && c.Status != StatusPaused:
			return apperr.Conflict("the campaign is %s: a winner is chosen while it sends", c.Status)
		}
		winner, err := pick(ctx, tx, c, variants)
		if err != nil {
			return err
		}
		now, err := db.Now(ctx, tx)
		if err != nil {
			return err
		}
		c.Winner, c.WinnerAt, c.WinnerBy = &winner, &now, by
		if err := save(ctx, tx, c); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "campaign.winner", "campaign", id, map[string]any{"variant": Label(winner), "by": by})
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicCampaign, id)
	return c, nil
}

// release gives the winner to all who wait for it, a batch after another, and wakes who sends. A crash between two batches loses nothing:
// DecideWinners goes on.
func (s *Service) release(ctx context.Context, c *Campaign) error {
	if c.Winner == nil {
		return nil
	}
	variants, err := variantsOf(ctx, s.db, c.ID)
	if err != nil {
		return err
	}
	t, err := template.Find(ctx, s.db, *c.TemplateID)
	if err != nil {
		return err
	}
	said, err := frozenWordings(ctx, s.db, c, t, variants)
	if err != nil {
		return err
	}
	shares, err := activeShares(ctx, s.db, c.ID)
	if err != nil {
		return err
	}
	if id := variants[*c.Winner].SenderID; id != nil || len(shares) == 0 { // one that stopped gives its messages to others, or pauses the campaign
		shares = Shares{{SenderID: cmp.Or(variants.senders()[*c.Winner], *c.SenderID), Weight: 1}}
	}
	version, rotation := said[*c.Winner].version(), shares.rotation()
	if err := inBatches(func() (int, error) { return message.SendWinner(ctx, s.db, c.ID, version, rotation, endBatch) }); err != nil {
		return err
	}
	left, err := message.WaitingForWinner(ctx, s.db, c.ID, 1)
	if err != nil {
		return err
	}
	if left == 0 {
		if err := released(ctx, s.db, c.ID); err != nil {
			return err
		}
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error { return WakeWorkers(ctx, tx, s.jobs, shares.senders()...) })
	s.hub.Publish(pubsub.TopicCampaign, c.ID)
	return err
}

// DecideWinners chooses the winners of tests whose time has come, or that are sure, and goes on with giving them to the rest. Maintenance
// runs it. One campaign that fails does not hold up the others.
func (s *Service) DecideWinners(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	ids, err := undecided(ctx, s.db)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range ids {
		if err := s.decideWinner(ctx, id); err != nil {
			failed = errors.Join(failed, fmt.Errorf("campaign %d: %w", id, err))
		}
	}
	return failed
}

func (s *Service) decideWinner(ctx context.Context, id int64) error {
	c, err := s.ByID(ctx, id)
	if err != nil {
		return err
	}
	if c.Winner == nil {
		if c.TestedAt == nil {
			if err := s.noteTested(ctx, id); err != nil {
				return err
			}
		}
		chosen, err := s.chooseWinner(ctx, id, WinnerByEngine, s.pick)
		if errors.Is(err, errUndecided) || apperr.Is(err, apperr.CodeConflict) {
			return nil
		}
		if err != nil {
			return err
		}
		c = chosen
	}
	return s.release(ctx, c)
}

// noteTested notes when the last message of a test was handed over, or ended: the time until the choice begins then, also where quiet hours
// held some back.
func (s *Service) noteTested(ctx context.Context, id int64) error {
	all, err := figuresOf(ctx, s.db, []int64{id})
	if err != nil {
		return err
	}
	for _, f := range all[id] {
		if f.Waiting > 0 {
			return nil
		}
	}
	return tested(ctx, s.db, id)
}

// pick is the winner that a campaign's test asks for by now.
func (s *Service) pick(ctx context.Context, tx bun.Tx, c *Campaign, variants Variants) (int, error) {
	now, err := db.Now(ctx, tx)
	if err != nil {
		return 0, err
	}
	at := c.decides()
	due := at != nil && !now.Before(*at)
	if !due && !c.VariantTest.WhenSure {
		return 0, errUndecided
	}
	shows, err := compare(ctx, tx, c, variants)
	switch {
	case err != nil:
		return 0, err
	case c.VariantTest.WhenSure && shows.sure():
		return shows.Leader, nil
	case due:
		return shows.leader(c.VariantTest.Metric), nil
	}
	return 0, errUndecided
}
