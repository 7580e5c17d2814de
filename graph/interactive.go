package graph

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// A mutation may make several statements, each within db.InteractiveLimit; a query
// has that long for all of it.
const mutationLimit = 30 * time.Second

// patient are the root fields whose work is known to last, and how long it may; 0: as
// long as the request.
var patient = map[string]time.Duration{
	"auditVerification": 2 * time.Minute, // in batches
	"contactImport":     0,               // a file that is uploaded
}

// endInTime ends what somebody waits for, so that it does not hold connections that
// others wait for. Subscriptions go on; each of their statements ends in time.
func endInTime(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if !graphql.HasOperationContext(ctx) || graphql.GetOperationContext(ctx).Operation == nil {
		return next(ctx)
	}
	ctx, cancel := limited(ctx, graphql.GetOperationContext(ctx).Operation)
	defer cancel()
	return next(ctx)
}

func limited(ctx context.Context, op *ast.OperationDefinition) (context.Context, context.CancelFunc) {
	limit := db.InteractiveLimit
	switch op.Operation {
	case ast.Subscription:
		return ctx, func() {}
	case ast.Mutation:
		limit = mutationLimit
	}
	for _, selection := range op.SelectionSet {
		f, ok := selection.(*ast.Field)
		if !ok {
			continue
		}
		longer, known := patient[f.Name]
		if !known || len(op.SelectionSet) > 2 { // alone, or beside __typename
			continue
		}
		limit = longer
	}
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}
