package campaign

import (
	"cmp"
	"context"
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
		return f.Replied - f.OptedOut // who wrote STOP has answered, too
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
		if c.Figures[i].Tried == 0 {
			continue
		}
		if c.Figures[best].Tried == 0 || c.Harmed[best] && !c.Harmed[i] || c.Harmed[best] == c.Harmed[i] && share(i) > share(best) {
			best = i
		}
	}
	return best
}

// sure reports whether the leader is shown to be better than all others and drives nobody away.
func (c Comparison) sure() bool { return c.Shown && !c.Harmed[c.Leader] }

// Compare tells what the variants of a campaign show, of whose goals so many were reached; nil where it has none, or was not
// launched.
func (s *Service) Compare(ctx context.Context, c *Campaign, goals Reached) (*Comparison, error) {
	if c.VariantTest == nil || c.PreparedAt == nil {
		return nil, nil //nolint:nilnil // there is nothing to tell
	}
	variants, err := variantsOf(ctx, s.db, c.ID)
	if err != nil || len(variants) == 0 {
		return nil, err
	}
	return compare(ctx, s.db, c, variants, goals)
}

// compare tells what the variants of a campaign show; goals are the first of its goals, those that are counted.
func compare(ctx context.Context, idb bun.IDB, c *Campaign, variants Variants, goals Reached) (*Comparison, error) {
	all, err := figuresOf(ctx, idb, []int64{c.ID})
	if err != nil {
		return nil, err
	}
	figures := all[c.ID]
	out := &Comparison{Figures: figures[:len(variants)]}
	for i, did := range goals {
		for v := range out.Figures {
			if i == 0 {
				out.Figures[v].Goal = did[v]
			}
			out.Figures[v].Value = out.Figures[v].Value.Plus(c.Goals[i].Value.Times(did[v]))
		}
	}
	arms, optOuts, options := make([]experiment.Arm, len(variants)), make([]experiment.Arm, len(variants)), experiment.Options{}
	for i, f := range out.Figures {
		arms[i] = experiment.Arm{N: f.Tried, X: f.by(c.VariantTest.Metric)}
		optOuts[i] = experiment.Arm{N: f.Tried, X: f.OptedOut}
		options.Planned = append(options.Planned, f.Recipients)
		out.Left += f.Waiting
	}
	out.Harmed = experiment.Harmed(optOuts, options)
	if variants.bySender() && out.Left > 0 { // the faster sender's recipients have had more time
		arms = make([]experiment.Arm, len(variants))
	}
	out.Verdict = experiment.Judge(arms, options)
	out.Decides = c.decides()
	return out, nil
}

// Where a campaign ends, its winner is chosen an hour before at the latest, or in the last quarter of a shorter one: nobody who waits is left out.
const lastChoice = time.Hour

// decides is when the engine chooses a winner, unless it is sure before; nil: not by time, or not known yet.
func (c *Campaign) decides() (at *time.Time) {
	t := c.VariantTest
	if t.Percent == 100 || c.Winner != nil || c.PreparedAt == nil {
		return nil
	}
	if t.AfterMinutes != nil && c.TestedAt != nil {
		at = new(c.TestedAt.Add(time.Duration(*t.AfterMinutes) * time.Minute))
	}
	if c.EndsAt != nil {
		latest := c.EndsAt.Add(-min(lastChoice, c.EndsAt.Sub(*c.PreparedAt)/4))
		if at == nil || latest.Before(*at) {
			at = &latest
		}
	}
	return at
}

// Reached tells how many recipients reached each of a campaign's goals, in their order, by variant.
type Reached []map[int]int64

// All is how many reached a goal, whatever they got.
func (r Reached) All(goal int) (n int64) {
	for _, by := range r[goal] {
		n += by
	}
	return n
}

// ReachedOf counts who reached the goals of campaigns. It reads the messages of each, once for a goal.
func (s *Service) ReachedOf(ctx context.Context, ids []int64) (map[int64]Reached, error) {
	rows, err := byIDs(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]Reached, len(rows))
	for _, c := range rows {
		if found[c.ID], err = reached(ctx, s.db, c.ID, c.Goals...); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Lift compares those who were to get a campaign's message with those held out of it, whatever became of the message: by who wrote, without asking
// for an end, since the audience was taken and until some time after the last message was sent.
type Lift struct {
	experiment.Interval

	Treated, Held experiment.Arm
	Within        time.Duration // after the last message was sent
	Until         *time.Time    // nil: it still sends
}

// LiftOf tells what a campaign did, beside those held out; nil where nobody is, or its audience is not taken yet.
func (s *Service) LiftOf(ctx context.Context, c *Campaign) (*Lift, error) {
	if c.HeldOut == 0 || c.PreparedAt == nil {
		return nil, nil //nolint:nilnil // there is nobody to compare with
	}
	until := s.now()
	var end *time.Time
	if c.FinishedAt != nil {
		end = new(c.FinishedAt.Add(c.lift()))
		until = *end
	}
	treated, held, err := wrote(ctx, s.db, c, until)
	if err != nil {
		return nil, err
	}
	l := &Lift{
		Treated: experiment.Arm{N: c.Treated, X: treated}, Held: experiment.Arm{N: c.HeldOut, X: held}, Within: c.lift(),
		Until: end,
	}
	l.Interval = experiment.Lift(l.Treated, l.Held, experiment.Options{Planned: []int64{c.Treated, c.HeldOut}})
	return l, nil
}

// StandingLift compares those whom marketing campaigns would have written to with those of them whom the standing holdout kept out, by who wrote,
// without asking for an end, since the first of these campaigns.
type StandingLift struct {
	experiment.Interval

	Campaigns     int64
	Treated, Held experiment.Arm
}

// StandingLiftOf tells what the campaigns whose audience was taken within a time did together; nil where nobody was held out of any.
func (s *Service) StandingLiftOf(ctx context.Context, from, to time.Time) (*StandingLift, error) {
	l, err := standingLift(ctx, s.db, from, to)
	if err != nil || l.Held.N == 0 {
		return nil, err
	}
	l.Interval = experiment.Lift(l.Treated, l.Held, experiment.Options{Planned: []int64{l.Treated.N, l.Held.N}})
	return l, nil
}

// ChooseWinner lets an operator decide which variant the rest of the audience gets, by its label.
func (s *Service) ChooseWinner(ctx context.Context, id int64, label string) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	c, err := s.chooseWinner(ctx, id, WinnerByOperator, func(variants Variants) (int, error) {
		return variants.Position(label)
	})
	if err != nil {
		return nil, err
	}
	return c, s.release(ctx, c)
}

// chooseWinner writes down which variant pick takes, under the campaign's lock.
func (s *Service) chooseWinner(ctx context.Context, id int64, by WinnerBy,
	pick func(Variants) (int, error),
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
		winner, err := pick(variants)
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
		return audit.Record(ctx, tx, audit.CampaignWinner, "campaign", id, map[string]any{"variant": Label(winner), "by": by})
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
	if err := inBatches(func() (int, error) {
		return message.SendWinner(ctx, s.db, c.ID, *c.Winner, version, rotation, endBatch)
	}); err != nil {
		return err
	}
	left, err := message.WaitForWinner(ctx, s.db, c.ID, *c.Winner)
	if err != nil {
		return err
	}
	if !left {
		if err := released(ctx, s.db, c.ID); err != nil {
			return err
		}
	}
	err = s.wake(ctx, c.ID)
	s.hub.Publish(pubsub.TopicCampaign, c.ID)
	return err
}

// DecideWinners chooses the winners of tests whose time has come, or that are sure, and goes on with giving them to the rest. Maintenance
// runs it.
func (s *Service) DecideWinners(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	ids, err := openTests(ctx, s.db)
	if err != nil {
		return err
	}
	return Each(ids, func(id int64) error { return s.decideWinner(ctx, id) })
}

func (s *Service) decideWinner(ctx context.Context, id int64) error {
	c, err := s.ByID(ctx, id)
	if err != nil {
		return err
	}
	if c.Winner == nil {
		if c, err = s.chooseByTest(ctx, c); err != nil || c == nil {
			return err
		}
	}
	return s.release(ctx, c)
}

// chooseByTest chooses the winner that a campaign's test asks for by now; nil: none yet. What the variants show is looked at before the
// campaign is locked.
func (s *Service) chooseByTest(ctx context.Context, c *Campaign) (*Campaign, error) {
	if c.TestedAt == nil {
		if err := s.noteTested(ctx, c.ID); err != nil {
			return nil, err
		}
	}
	now, err := db.Now(ctx, s.db)
	if err != nil {
		return nil, err
	}
	at := c.decides()
	due := at != nil && !now.Before(*at)
	if !due && !c.VariantTest.WhenSure {
		return nil, nil //nolint:nilnil // nothing is decided yet
	}
	variants, err := variantsOf(ctx, s.db, c.ID)
	if err != nil {
		return nil, err
	}
	var counted Reached
	if c.VariantTest.Metric == MetricGoal {
		if counted, err = reached(ctx, s.db, c.ID, c.Goals[0]); err != nil {
			return nil, err
		}
	}
	shows, err := compare(ctx, s.db, c, variants, counted)
	if err != nil {
		return nil, err
	}
	var winner int
	switch {
	case c.VariantTest.WhenSure && shows.sure():
		winner = shows.Leader
	case due:
		winner = shows.leader(c.VariantTest.Metric)
	default:
		return nil, nil //nolint:nilnil // nothing is decided yet
	}
	chosen, err := s.chooseWinner(ctx, c.ID, WinnerByEngine, func(Variants) (int, error) { return winner, nil })
	if apperr.Is(err, apperr.CodeConflict) { // somebody chose, or it was paused
		return nil, nil //nolint:nilnil // the next look knows
	}
	return chosen, err
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
