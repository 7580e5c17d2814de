package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// MaxOnSocket is how many operations may be under way on one WebSocket, subscriptions included. The pages need a dozen.
const MaxOnSocket = 50

// limitSocket refuses an operation that is one too many on its WebSocket. The others go on.
func limitSocket(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	x := exchangeOf(ctx)
	if !x.overSocket() {
		return next(ctx)
	}
	if x.underWay.Add(1) > MaxOnSocket {
		x.underWay.Add(-1)
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{{
			Message:    fmt.Sprintf("%d operations are under way on this WebSocket: end one first", MaxOnSocket),
			Extensions: map[string]any{"code": "RATE_LIMITED"},
		}}})
	}
	context.AfterFunc(ctx, func() { x.underWay.Add(-1) }) // the operation's own: it ends with the operation
	return next(ctx)
}
