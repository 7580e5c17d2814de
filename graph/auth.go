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

	"github.com/99designs/gqlgen/graphql"
)

// SessionCookie is the cookie's name; __Host- would need TLS.
const SessionCookie = "eventstream_session"

type responseKey struct{}

type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	session string

	underWay atomic.Int64 // operations, of a WebSocket
}

// Authenticate finds out who calls, by bearer token or session cookie, and lets
// resolvers set the cookie.
func Authenticate(service *auth.Service, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		var who actor.Actor
		var err error
		session := ""
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			who, err = service.ByToken(ctx, bearer)
		} else if c, cookieErr := r.Cookie(SessionCookie); cookieErr == nil {
			session = c.Value
			who, err = service.BySession(ctx, session)
		}
		switch {
		case apperr.Is(err, apperr.CodeUnauthenticated):
			http.Error(w, `{"errors":[{"message":"the API token is unknown, revoked or expired","extensions":{"code":"UNAUTHENTICATED"}}]}`, http.StatusUnauthorized)
			return
		case err != nil:
			http.Error(w, `{"errors":[{"message":"try again","extensions":{"code":"UNAVAILABLE"}}]}`,
				http.StatusServiceUnavailable)
			return
		}
		if who.Kind != "" {
			ctx = actor.With(ctx, who)
		}
		ctx = context.WithValue(ctx, responseKey{}, &exchange{w: w, r: r, session: session})
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
	c := &http.Cookie{ //nolint:gosec // Secure follows the connection: without TLS the browser would drop it
		Name: SessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: x.r.TLS != nil || x.r.Header.Get("X-Forwarded-Proto") == "https", MaxAge: int(auth.SessionLength.Seconds()),
	}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(x.w, c)
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
