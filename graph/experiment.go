package graph

import (
	"context"

	"eventstream/graph/model"
	"eventstream/server/campaign"

	"github.com/99designs/gqlgen/graphql"
)

func fromTest(t *campaign.Test) *model.VariantTest {
	if t == nil {
		return nil
	}
	return &model.VariantTest{
		Percent: t.Percent, Metric: upper[model.VariantMetric](t.Metric), AfterMinutes: t.AfterMinutes, WhenSure: t.WhenSure,
	}
}

func toTest(in *model.VariantTestInput) *campaign.Test {
	if in == nil {
		return nil
	}
	return &campaign.Test{
		Percent: in.Percent, Metric: lower[campaign.Metric](in.Metric), AfterMinutes: in.AfterMinutes.Value(), WhenSure: in.WhenSure,
	}
}

func toWinner(c *campaign.Campaign) *model.VariantWinner {
	if c.Winner == nil || c.WinnerAt == nil {
		return nil
	}
	return &model.VariantWinner{
		Label: campaign.Label(*c.Winner), At: *c.WinnerAt, ByOperator: c.WinnerBy == campaign.WinnerByOperator,
	}
}

// goalsInput reads goals, their values in the currency of the rate card; nil leaves them as they are.
func (r *Resolver) goalsInput(ctx context.Context, in graphql.Omittable[[]*model.CampaignGoalInput]) (campaign.Goals, error) {
	if in.Value() == nil {
		return nil, nil
	}
	goals := campaign.Goals{}
	for _, g := range in.Value() {
		goal := campaign.Goal{Event: lower[campaign.GoalEvent](g.Event), Hours: g.WithinHours}
		value, _, err := r.budgetInput(ctx, "goals.value", g.Value)
		if err != nil {
			return nil, err
		}
		if value != nil {
			goal.Value, goal.Currency = value.Limit, value.Currency
		}
		goals = append(goals, goal)
	}
	return goals, nil
}

func toGoal(g campaign.Goal, reached int64) *model.CampaignGoal {
	out := &model.CampaignGoal{Event: upper[model.GoalEvent](g.Event), WithinHours: g.Hours, Reached: reached}
	if g.Value > 0 {
		out.Value, out.Total = toMoney(g.Value, g.Currency), toMoney(g.Value.Times(reached), g.Currency)
	}
	return out
}

func toComparison(c *campaign.Campaign, shows *campaign.Comparison, waiting int64) *model.VariantComparison {
	out := &model.VariantComparison{
		Metric: upper[model.VariantMetric](c.VariantTest.Metric), Difference: shows.Interval.Difference, Low: shows.Interval.Low,
		High: shows.Interval.High, Shown: shows.Shown, BeyondTest: shows.Beyond, Left: shows.Left, DecidesAt: shows.Decides,
		WaitingForWinner: waiting, Leader: label(shows.Leader), RunnerUp: label(shows.RunnerUp),
	}
	if shows.More > 0 {
		out.MoreNeeded = &shows.More
	}
	currency := ""
	for _, g := range c.Goals {
		if g.Value > 0 {
			currency = g.Currency
		}
	}
	for i, f := range shows.Figures {
		figures := &model.VariantFigures{
			Label: campaign.Label(i), Recipients: f.Recipients, Waiting: f.Waiting, Tried: f.Tried, Accepted: f.Accepted, Sent: f.Sent,
			Delivered: f.Delivered, Read: f.Read, Clicked: f.Clicked, Replied: f.Replied, Failed: f.Failed, OptedOut: f.OptedOut, Goal: f.Goal,
			DrivesAway: shows.Harmed[i],
		}
		if currency != "" {
			figures.Value = toMoney(f.Value, currency)
		}
		out.Figures = append(out.Figures, figures)
	}
	return out
}

// label is how a variant is shown; nil for none.
func label(position int) *string {
	if position < 0 {
		return nil
	}
	l := campaign.Label(position)
	return &l
}

func toLift(l *campaign.Lift) *model.CampaignLift {
	if l == nil {
		return nil
	}
	return &model.CampaignLift{
		Treated: l.Treated.N, TreatedWrote: l.Treated.X, HeldOut: l.Held.N, HeldOutWrote: l.Held.X, Difference: l.Difference, Low: l.Low,
		High: l.High, Shown: l.Differs(), WithinHours: int(l.Within.Hours()), Until: l.Until,
	}
}

func toStandingLift(l *campaign.StandingLift) *model.StandingHoldoutLift {
	if l == nil {
		return nil
	}
	return &model.StandingHoldoutLift{
		Campaigns: l.Campaigns, Treated: l.Treated.N, TreatedWrote: l.Treated.X, HeldOut: l.Held.N, HeldOutWrote: l.Held.X,
		Difference: l.Difference, Low: l.Low, High: l.High, Shown: l.Differs(),
	}
}
