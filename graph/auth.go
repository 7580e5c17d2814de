package graph

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/auth"
	"eventstream/server/guard"

	"github.com/99designs/gqlgen/graphql"
)

// SessionCookie is the cookie's name, with __Host- before it where people come by https.
const SessionCookie = "eventstream_session"

type responseKey struct{}

type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	session string
	cookie  guard.SessionCookie

	underWay atomic.Int64 // operations, of a WebSocket
}

// Authenticate finds out who calls, by bearer token or session cookie, and lets
// resolvers set the cookie.
func Authenticate(service *auth.Service, cookie guard.SessionCookie, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		var who actor.Actor
		var err error
		session := ""
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			who, err = service.ByToken(ctx, bearer)
		} else if session = cookie.Read(r); session != "" {
			who, err = service.BySession(ctx, session)
		}
		switch {
		case apperr.Is(err, apperr.CodeUnauthenticated):
			guard.Refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "the API token is unknown, revoked or expired")
			return
		case err != nil:
			guard.Refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "try again")
			return
		}
		if who.Kind != "" {
			ctx = actor.With(ctx, who)
		}
		ctx = context.WithValue(ctx, responseKey{}, &exchange{w: w, r: r, session: session, cookie: cookie})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(responseKey{}).(*exchange)
	return x
}

// setSession sets or, with an empty token, clears the cookie.
func setSession(ctx context.Context, token string) error {
	x := exchangeOf(ctx)
	if x == nil || x.r.Header.Get("Upgrade") != "" {
		return apperr.New(apperr.CodeInvalid, "sign in over HTTP, not over a WebSocket")
	}
	x.cookie.Set(x.w, x.r, token, auth.SessionLength)
	return nil
}

// hasRole is the directive; the service checks again.
func hasRole(ctx context.Context, _ any, next graphql.Resolver, role model.Role) (any, error) {
	if err := actor.Require(ctx, actor.Role(strings.ToLower(string(role)))); err != nil {
		return nil, err
	}
	return next(ctx)
}

func public(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }
