package graph

import (
	"context"
	"fmt"
	"math"
	"time"

	"eventstream/server/actor"
	"eventstream/server/guard"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Budgets of a minute, in units of cost. The dearest page of the SPA costs some 1,500,
// most cost less than 300: nobody clicks, types and watches as fast as that.
const (
	budgetWindow   = time.Minute
	operatorBudget = 120_000 // of an operator or an API token
	strangerBudget = 3000    // of an address, without sign-in

	bytesPerUnit = 500 // of a document that is read for the first time
)

// meter takes what operations cost from the budget of who asks.
type meter struct {
	known, strangers *guard.Budget
	now              func() time.Time
}

func newMeter(now func() time.Time) *meter {
	return &meter{
		known: guard.NewBudget(operatorBudget, budgetWindow, now), strangers: guard.NewBudget(strangerBudget, budgetWindow, now),
		now: now,
	}
}

// metered is what an operation took so far.
type metered struct {
	requested int
	standing  guard.Standing
}

const meterExtension = "Meter"

// charge takes units for the operation of ctx, or refuses it.
func (m *meter) charge(ctx context.Context, units int) *gqlerror.Error {
	budget, caller := m.budgetOf(ctx)
	standing, ok := budget.Take(caller, units)
	stats := &graphql.GetOperationContext(ctx).Stats
	so, _ := stats.GetExtension(meterExtension).(metered)
	stats.SetExtension(meterExtension, metered{requested: so.requested + units, standing: standing})
	if ok {
		return nil
	}
	wait := int(math.Ceil(max(standing.Resets.Sub(m.now()), time.Second).Seconds()))
	err := refused("RATE_LIMITED", "%s", say.From(ctx).Say(say.New(
		"this costs %d, and %d of the %d a minute are left: try again in %d <second|seconds>", units, standing.Remaining, standing.Limit, wait)))
	err.Extensions["retryAfter"] = wait
	return err
}

func (m *meter) budgetOf(ctx context.Context) (*guard.Budget, string) {
	if who := actor.From(ctx); who.Kind != "" {
		return m.known, fmt.Sprintf("%s %d", who.Kind, who.ID)
	}
	return m.strangers, guard.Key(guard.ClientOf(ctx))
}

// tell puts into the answer what the operation cost, and what is left.
func (m *meter) tell(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if graphql.HasOperationContext(ctx) {
		oc := graphql.GetOperationContext(ctx)
		took, metered := oc.Stats.GetExtension(meterExtension).(metered)
		if metered && (oc.Operation == nil || oc.Operation.Operation != ast.Subscription) {
			graphql.RegisterExtension(ctx, "cost", map[string]any{
				"requested": took.requested, "remaining": took.standing.Remaining, "limit": took.standing.Limit,
				"resets": took.standing.Resets.UTC().Format(time.RFC3339),
			})
		}
	}
	return next(ctx)
}
