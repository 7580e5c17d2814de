package graph

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/auth"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
)

// TestAnOperationOfNobodyAnyMoreIsRefusedOnce: the socket is older than what was
// decided since. A transport asks for responses until there is none.
func TestAnOperationOfNobodyAnyMoreIsRefusedOnce(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/graphql", nil)
	r.Header.Set("Upgrade", "websocket")
	ctx := context.WithValue(t.Context(), responseKey{}, &exchange{r: r, credential: auth.Credential{Token: "revoked"}})
	refuse := identifyAnew(func(context.Context, auth.Credential) (actor.Actor, error) {
		return actor.Actor{}, apperr.New(apperr.CodeUnauthenticated, "the API token is revoked")
	}, presentError(slog.New(slog.DiscardHandler)))
	responses := refuse(ctx, func(context.Context) graphql.ResponseHandler {
		require.Fail(t, "it must not run")
		return nil
	})
	first := responses(ctx)
	require.Equal(t, "UNAUTHENTICATED", first.Errors[0].Extensions["code"])
	require.Nil(t, responses(ctx))
}
