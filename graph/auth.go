package graph

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/auth"
	"eventstream/server/globalid"
	"eventstream/server/guard"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// SessionCookie is the cookie's name, with __Host- before it where people come by https.
const SessionCookie = "eventstream_session"

type responseKey struct{}

type exchange struct {
	w          http.ResponseWriter
	r          *http.Request
	credential auth.Credential
	cookie     guard.SessionCookie

	underWay atomic.Int64 // operations, of a WebSocket
}

// overSocket reports whether the operation came over a WebSocket.
func (x *exchange) overSocket() bool { return x != nil && x.r.Header.Get("Upgrade") != "" }

// Authenticate finds out who calls, by bearer token or session cookie, and lets
// resolvers set the cookie. Sockets and downloads, which last, end when the
// caller's access does.
func Authenticate(service *auth.Service, cookie guard.SessionCookie, next http.Handler) http.Handler {
	return say.Listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := actor.WithAddress(r.Context(), guard.ClientOf(r.Context()))
		x := &exchange{w: w, r: r, credential: credentialOf(r, cookie), cookie: cookie}
		var who actor.Actor
		var err error
		if r.Method == http.MethodGet && !x.credential.None() {
			var stop func()
			who, ctx, stop, err = service.Follow(ctx, x.credential)
			defer stop()
		} else {
			who, err = service.Identify(ctx, x.credential)
		}
		switch {
		case apperr.Is(err, apperr.CodeUnauthenticated):
			guard.Refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", say.From(r.Context()).Say(apperr.Text(err)))
			return
		case err != nil:
			guard.Refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "try again")
			return
		}
		if who.Kind != "" {
			ctx = actor.With(ctx, who)
		}
		ctx = context.WithValue(ctx, responseKey{}, x)
		next.ServeHTTP(w, r.WithContext(ctx))
	}))
}

func credentialOf(r *http.Request, cookie guard.SessionCookie) auth.Credential {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return auth.Credential{Token: bearer}
	}
	return auth.Credential{Session: cookie.Read(r)}
}

// identifyAnew finds out for each operation on a socket who calls at this moment:
// the socket may be older than what was decided since.
func identifyAnew(identify func(context.Context, auth.Credential) (actor.Actor, error),
	present graphql.ErrorPresenterFunc,
) graphql.OperationMiddleware {
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		x := exchangeOf(ctx)
		if !x.overSocket() {
			return next(ctx)
		}
		who, err := identify(ctx, x.credential)
		if err != nil {
			return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{present(ctx, err)}})
		}
		return next(actor.With(ctx, who))
	}
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(responseKey{}).(*exchange)
	return x
}

// setSession sets or, with an empty token, clears the cookie.
func setSession(ctx context.Context, token string) error {
	x := exchangeOf(ctx)
	if x == nil || x.overSocket() {
		return apperr.New(apperr.CodeInvalid, "sign in over HTTP, not over a WebSocket")
	}
	x.cookie.Set(x.w, x.r, token, auth.SessionLength)
	return nil
}

// DeviceCookie is the name of the cookie by which a device is known that somebody
// signed in on.
const DeviceCookie = "eventstream_device"

// setDevice leaves on the device what makes it known at the next sign-in.
func setDevice(ctx context.Context, device string) {
	x := exchangeOf(ctx)
	x.device().Set(x.w, x.r, device, auth.DeviceLength)
}

func (x *exchange) device() guard.SessionCookie {
	return guard.SessionCookie{Name: DeviceCookie, HTTPS: x.cookie.HTTPS}
}

// clientOf tells where the operation comes from.
func clientOf(ctx context.Context) auth.Client {
	from := auth.Client{Address: actor.Address(ctx)}
	if x := exchangeOf(ctx); x != nil {
		from.UserAgent = x.r.UserAgent()
		from.Device = x.device().Read(x.r)
	}
	return from
}

// ClientOf tells where a request comes from that Authenticate let through.
func ClientOf(ctx context.Context) auth.Client { return clientOf(ctx) }

// KeepSession sets the cookies of a sign-in that was not made over GraphQL.
func KeepSession(ctx context.Context, in *auth.SignedIn) error {
	if err := setSession(ctx, in.Session); err != nil {
		return err
	}
	setDevice(ctx, in.Device)
	return nil
}

// signedIn sets the cookies of a sign-in.
func signedIn(ctx context.Context, in *auth.SignedIn) (*model.SignInPayload, error) {
	if second := in.Second; second != nil {
		return &model.SignInPayload{
			SecondStep: &model.SecondStep{Step: second.Step, Totp: second.TOTP, Passkey: second.Passkey},
			UserErrors: []*model.UserError{},
		}, nil
	}
	if err := KeepSession(ctx, in); err != nil {
		return nil, err
	}
	ctx = actor.With(ctx, actor.Actor{Kind: actor.KindOperator, ID: in.Operator.ID, Role: in.Operator.Role})
	return &model.SignInPayload{Operator: toOperator(ctx, in.Operator), UserErrors: []*model.UserError{}}, nil
}

// account is the signed-in operator's own.
func (r *Resolver) account(ctx context.Context) (*model.Account, error) {
	who := actor.From(ctx)
	o, err := r.Auth.Operator(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	factors, err := r.Auth.Factors(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := r.Auth.Passkeys(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := r.Auth.Security(ctx)
	return &model.Account{
		Operator: toOperator(ctx, o), Language: languageOf(o), Totp: factors.TOTP, Passkeys: mapped(keys, toPasskey),
		RecoveryCodesLeft: factors.RecoveryCodes, SecondFactorMissing: who.Lacking,
		SecondFactorRequired: slices.Contains(asked.SecondFactorRoles, o.Role),
		Password:             o.PasswordHash != "", Provider: o.OIDCSubject != "",
	}, err
}

func languageOf(o *auth.Operator) *model.PageLanguage {
	if o.Language == "" {
		return nil
	}
	language := upper[model.PageLanguage](o.Language)
	return &language
}

func toPasskey(k *auth.Passkey) *model.Passkey {
	return &model.Passkey{ID: encode(kindPasskey, k.ID), Name: k.Name, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt}
}

// signInErrors is payloadErrors where a wrong password and a wait are for the
// person to mend too.
func signInErrors(err error) ([]*model.UserError, error) {
	if apperr.Is(err, apperr.CodeUnauthenticated) || apperr.Is(err, apperr.CodeRateLimited) {
		if one, ok := errors.AsType[*apperr.Error](err); ok {
			return []*model.UserError{toUserError(one)}, nil
		}
	}
	return payloadErrors(err)
}

// onOperator makes one change to the operator with this global id.
func onOperator(ctx context.Context, id string, change func(int64) (*auth.Operator, error)) (*model.Operator,
	[]*model.UserError, error,
) {
	var o *auth.Operator
	n, err := globalid.Decode("id", kindOperator, id)
	if err == nil {
		o, err = change(n)
	}
	errs, err := payloadErrors(err)
	return toOperator(ctx, kept(errs, o)), errs, err
}

// hasRole is the directive; the service checks the role again.
func hasRole(ctx context.Context, _ any, next graphql.Resolver, role model.Role, scope *model.Scope,
	recent, setup bool,
) (any, error) {
	needed := lower[actor.Role](role)
	switch {
	case setup:
		if err := actor.RequireSignedIn(ctx); err != nil {
			return nil, err
		}
	case scope == nil:
		if err := actor.RequirePerson(ctx, needed); err != nil {
			return nil, err
		}
	default:
		scopes, err := actor.ScopesOf([]string{lower[string](*scope)})
		if err != nil {
			return nil, err
		}
		if err := actor.Require(ctx, needed); err != nil {
			return nil, err
		}
		if err := actor.RequireScope(ctx, scopes); err != nil {
			return nil, err
		}
	}
	if recent {
		if err := actor.RequireRecent(ctx); err != nil {
			return nil, err
		}
	}
	return next(ctx)
}

func public(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }

// SignInProvider is where operators sign in by OpenID Connect.
type SignInProvider struct {
	Name, URL string
	Only      bool
}

func (r *Resolver) provider() *model.SignInProvider {
	if r.SignInProvider == nil {
		return nil
	}
	return &model.SignInProvider{Name: r.SignInProvider.Name, URL: r.SignInProvider.URL, Only: r.SignInProvider.Only}
}

func (r *Resolver) confirmURL(linked bool) *string {
	if r.SignInProvider == nil || !linked {
		return nil
	}
	return filled(r.SignInProvider.URL + "?confirm")
}
