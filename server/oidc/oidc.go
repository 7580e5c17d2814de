// Package oidc signs operators in at an OpenID Connect provider: authorisation code
// with PKCE, nonce, and a state that only the browser knows which began. Package
// auth decides who comes in and as what; this package knows the protocol.
package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/auth"
	"eventstream/server/config"
	"eventstream/server/guard"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// The paths, below PUBLIC_URL. The provider is told the second one.
const (
	StartPath    = "/auth/oidc"
	CallbackPath = "/auth/oidc/callback"
)

const (
	cookieName   = "eventstream_oidc"
	cookieLength = 10 * time.Minute
	answerTime   = 10 * time.Second // for one answer of the provider
	answerSize   = 1 << 20
	restAfter    = 5 * time.Second // the provider is not asked again sooner after it failed
)

// Options are what a Provider needs.
type Options struct {
	Config    config.OIDC
	Auth      *auth.Service
	PagesURL  func() string // where people open the pages
	HTTPS     bool
	Now       func() time.Time
	Log       *slog.Logger
	Keep      func(context.Context, *auth.SignedIn) error // sets the cookies of a sign-in
	ClientOf  func(context.Context) auth.Client
	Transport http.RoundTripper // nil: the usual one
}

// Provider is where operators sign in.
type Provider struct {
	o      Options
	client *http.Client
	cookie guard.SessionCookie

	mu     sync.Mutex
	found  *oidc.Provider
	failed time.Time
}

// New makes it; the provider is first asked when somebody signs in.
func New(o Options) *Provider {
	inner := o.Transport
	if inner == nil {
		inner = http.DefaultTransport
	}
	return &Provider{
		o:      o,
		client: &http.Client{Timeout: answerTime, Transport: limited{inner}},
		cookie: guard.SessionCookie{Name: cookieName, HTTPS: o.HTTPS},
	}
}

// limited reads no more of an answer than one can need.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, answerSize), resp.Body}
	}
	return resp, err
}

// discover asks the provider for its addresses, once.
func (p *Provider) discover() (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if time.Since(p.failed) < restAfter {
		return nil, errors.New("the provider did not answer a moment ago")
	}
	// The keys are fetched with this client, too, as long as the process runs.
	found, err := oidc.NewProvider(oidc.ClientContext(context.Background(), p.client), p.o.Config.Issuer)
	if err != nil {
		p.failed = time.Now()
		return nil, fmt.Errorf("ask OIDC_ISSUER for its configuration: %w", err)
	}
	p.found = found
	return found, nil
}

// Check reports whether the provider answers as it must.
func (p *Provider) Check(context.Context) error {
	_, err := p.discover()
	return err
}

func (p *Provider) oauth(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.Config.ClientID, ClientSecret: string(p.o.Config.ClientSecret), Endpoint: found.Endpoint(),
		RedirectURL: p.o.PagesURL() + CallbackPath, Scopes: p.o.Config.Scopes,
	}
}

// Start sends the browser to the provider. With confirm in the query whoever is
// signed in signs in there anew, for acts that cannot be undone.
func (p *Provider) Start(w http.ResponseWriter, r *http.Request) {
	if home := p.elsewhere(r); home != "" {
		http.Redirect(w, r, home, http.StatusSeeOther) //nolint:gosec // the host is ours, see elsewhere
		return
	}
	confirm := r.URL.Query().Has("confirm")
	found, err := p.discover()
	if err != nil {
		p.o.Log.WarnContext(r.Context(), "sign-in by the provider", "error", err)
		p.refuse(w, r, auth.ErrRefusedUnavailable, confirm)
		return
	}
	begun, token, err := p.o.Auth.BeginProvider(r.Context(), LocalPath(r.URL.Query().Get("to")), confirm)
	if err != nil {
		p.refuse(w, r, auth.ErrRefusedExpired, confirm)
		return
	}
	p.cookie.Set(w, r, token, cookieLength)
	options := []oauth2.AuthCodeOption{oidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)}
	if confirm {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	http.Redirect(w, r, p.oauth(found).AuthCodeURL(begun.State, options...), http.StatusSeeOther)
}

// elsewhere is where a sign-in has to begin that began at another name of this
// machine: the cookie would not come along with the answer.
func (p *Provider) elsewhere(r *http.Request) string {
	home, err := url.Parse(p.o.PagesURL())
	if err != nil || r.Host == home.Host || !guard.Loopback(r.Host) || !guard.Loopback(home.Host) {
		return ""
	}
	return p.o.PagesURL() + StartPath + "?" + r.URL.RawQuery
}

// Callback is where the provider sends the browser back to.
func (p *Provider) Callback(w http.ResponseWriter, r *http.Request) {
	token, query := p.cookie.Read(r), r.URL.Query()
	p.cookie.Set(w, r, "", 0)
	begun, err := p.o.Auth.OpenProvider(token)
	if err != nil || subtle.ConstantTimeCompare([]byte(begun.State), []byte(query.Get("state"))) != 1 {
		p.refuse(w, r, auth.ErrRefusedExpired, false)
		return
	}
	confirm := begun.Session != 0
	prove := func(ctx context.Context) (auth.Identity, error) { return p.identify(ctx, begun, query) }
	if confirm {
		err = p.o.Auth.ConfirmByProvider(r.Context(), token, begun, prove)
	} else {
		var in *auth.SignedIn
		if in, err = p.o.Auth.SignInByProvider(r.Context(), token, p.o.ClientOf(r.Context()), prove); err == nil {
			err = p.o.Keep(r.Context(), in)
		}
	}
	if err != nil {
		reason, known := errors.AsType[auth.RefusalError](err)
		if !known {
			reason = auth.ErrRefusedUnavailable
		}
		p.o.Log.WarnContext(r.Context(), "sign-in by the provider was refused", "reason", string(reason), "error", err)
		p.refuse(w, r, reason, confirm)
		return
	}
	if confirm {
		http.Redirect(w, r, "/confirmed", http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, begun.To, http.StatusSeeOther)
}

// refuse leads to a page that says why. The reason stands behind the #, where no
// server reads it.
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, reason auth.RefusalError, confirm bool) {
	page := "/"
	if confirm {
		page = "/confirmed"
	}
	http.Redirect(w, r, page+"#signin="+string(reason), http.StatusSeeOther) //nolint:gosec // one of two pages
}

// identify fetches the token for the code and checks all that makes it worth something.
func (p *Provider) identify(ctx context.Context, begun auth.ProviderStep, query url.Values) (auth.Identity, error) {
	if code := query.Get("error"); code != "" {
		return auth.Identity{}, fmt.Errorf("%w: the provider says %.40q", auth.ErrRefusedDenied, code)
	}
	found, err := p.discover()
	if err != nil {
		return auth.Identity{}, fmt.Errorf("%w: %w", auth.ErrRefusedUnavailable, err)
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := p.oauth(found).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(begun.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response.StatusCode < 500 {
		return auth.Identity{}, fmt.Errorf("%w: the code was not taken: %.40q", auth.ErrRefusedAnswer, refused.ErrorCode)
	}
	if err != nil {
		return auth.Identity{}, fmt.Errorf("%w: the code could not be sent", auth.ErrRefusedUnavailable)
	}
	raw, _ := tokens.Extra("id_token").(string)
	verifier := found.VerifierContext(ctx, &oidc.Config{ClientID: p.o.Config.ClientID, Now: p.o.Now})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return auth.Identity{}, fmt.Errorf("%w: %w", auth.ErrRefusedAnswer, err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(begun.Nonce)) != 1 {
		return auth.Identity{}, fmt.Errorf("%w: another nonce", auth.ErrRefusedAnswer)
	}
	var claims claims
	if err := token.Claims(&claims.all); err != nil {
		return auth.Identity{}, fmt.Errorf("%w: %w", auth.ErrRefusedAnswer, err)
	}
	if azp := claims.text("azp"); azp != p.o.Config.ClientID && (azp != "" || len(token.Audience) > 1) {
		return auth.Identity{}, fmt.Errorf("%w: made for another application", auth.ErrRefusedAnswer)
	}
	if err := p.ask(ctx, found, tokens, &claims); err != nil {
		return auth.Identity{}, err
	}
	who := auth.Identity{
		Issuer: token.Issuer, Subject: token.Subject, Email: claims.text("email"), Verified: claims.yes("email_verified"),
		Name: claims.text("name"), Role: p.role(claims.texts(p.o.Config.RoleClaim)),
	}
	if at, ok := claims.all["auth_time"].(float64); ok {
		who.AuthTime = time.Unix(int64(at), 0)
	}
	return who, nil
}

// ask fetches what the token leaves out: some providers keep groups and addresses
// for the userinfo endpoint.
func (p *Provider) ask(ctx context.Context, found *oidc.Provider, tokens *oauth2.Token, c *claims) error {
	complete := len(c.texts(p.o.Config.RoleClaim)) > 0 && c.text("email") != ""
	if complete || found.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return fmt.Errorf("%w: the userinfo endpoint did not answer", auth.ErrRefusedUnavailable)
	}
	if info.Subject != c.text("sub") {
		return fmt.Errorf("%w: the userinfo is somebody else's", auth.ErrRefusedAnswer)
	}
	var more map[string]any
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("%w: the userinfo cannot be read", auth.ErrRefusedAnswer)
	}
	for name, value := range more {
		if _, has := c.all[name]; !has { // what is signed counts
			c.all[name] = value
		}
	}
	return nil
}

// role is the highest that the groups give, "" for none.
func (p *Provider) role(groups []string) (role actor.Role) {
	for group, gives := range p.o.Config.Roles {
		if slices.Contains(groups, group) && (role == "" || gives.Includes(role)) {
			role = gives
		}
	}
	return role
}

type claims struct{ all map[string]any }

func (c claims) text(name string) string {
	s, _ := c.all[name].(string)
	return s
}

// yes reads a truth value; some providers write it as text.
func (c claims) yes(name string) bool {
	return c.all[name] == true || c.all[name] == "true"
}

// texts reads a claim that is a text or a list of texts. A name with dots leads
// into objects, as in realm_access.roles.
func (c claims) texts(name string) (list []string) {
	value, has := c.all[name]
	if !has {
		value = c.all
		for _, part := range strings.Split(name, ".") {
			object, _ := value.(map[string]any)
			value = object[part]
		}
	}
	switch v := value.(type) {
	case string:
		list = append(list, v)
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				list = append(list, s)
			}
		}
	}
	return list
}

// LocalPath gives the path of a page here, "/" for everything else: whoever makes a
// link must not choose where a sign-in ends.
func LocalPath(to string) string {
	u, err := url.Parse(to)
	switch {
	case err != nil, len(to) > 2000, !strings.HasPrefix(to, "/"), strings.HasPrefix(to, "//"), u.Host != "", u.Scheme != "",
		strings.ContainsFunc(to, func(r rune) bool { return r == '\\' || r <= ' ' || r == 0x7f }),
		strings.HasPrefix(u.Path, "//"), strings.HasPrefix(u.Path, StartPath):
		return "/"
	}
	return to
}
