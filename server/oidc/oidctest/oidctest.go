// Package oidctest is an OpenID Connect provider for tests: discovery, keys,
// authorisation codes with PKCE, signed tokens and userinfo over HTTP. It can be
// told to misbehave. Only tests import it.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The application that may sign people in.
const (
	ClientID     = "engine"
	ClientSecret = "the secret of the engine"
)

// User is somebody who can sign in.
type User struct {
	Subject, Email, Name string
	Verified             bool
	Groups               []string
}

// Faults are how it misbehaves.
type Faults struct {
	Claims   func(map[string]any) // changes what is signed
	Unsigned bool                 // alg: none
	OtherKey bool                 // signed with a key that it does not publish
	Stale    bool                 // signs in without asking, whatever max_age says
	Bare     bool                 // groups and address are told by userinfo alone
}

// Provider is one.
type Provider struct {
	URL string // the issuer

	key *ecdsa.PrivateKey

	mu     sync.Mutex
	users  []User
	user   *User // who signs in; nil: a page asks
	faults Faults
	codes  map[string]grant
	access map[string]User
}

type grant struct {
	user                       User
	nonce, challenge, redirect string
	at                         time.Time
}

// New makes one that is reached at url, with these people.
func New(address string, users ...User) *Provider {
	return &Provider{
		URL: address, key: newKey(), users: users, codes: map[string]grant{}, access: map[string]User{},
	}
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// SignsIn lets this person sign in without a page that asks, with these faults.
func (p *Provider) SignsIn(u User, faults Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user, p.faults = &u, faults
}

// ServeHTTP answers.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		write(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		})
	case "/keys":
		write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	case "/userinfo":
		user, ok := p.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !ok {
			http.Error(w, "unknown token", http.StatusUnauthorized)
			return
		}
		write(w, profile(user))
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func profile(u User) map[string]any {
	return map[string]any{
		"sub": u.Subject, "email": u.Email, "email_verified": u.Verified, "name": u.Name, "groups": u.Groups,
	}
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != ClientID, err != nil, back.Path != "/auth/oidc/callback":
		http.Error(w, "unknown application", http.StatusBadRequest)
		return
	case q.Get("response_type") != "code", q.Get("code_challenge_method") != "S256", q.Get("code_challenge") == "",
		q.Get("nonce") == "", q.Get("state") == "", !strings.Contains(" "+q.Get("scope")+" ", " openid "):
		http.Error(w, "this provider takes codes with PKCE, state and nonce", http.StatusBadRequest)
		return
	}
	user, at := p.user, time.Now()
	if user != nil && (p.faults.Stale || q.Get("max_age") != "0" || q.Get("prompt") != "login") {
		at = at.Add(-2 * time.Hour) // signed in there long ago
	}
	if user == nil {
		for _, u := range p.users {
			if u.Subject == q.Get("choice") {
				user = &u
			}
		}
	}
	if user == nil {
		p.ask(w, r)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if q.Get("choice") == "nobody" {
		answer.Set("error", "access_denied")
	} else {
		code := rand.Text()
		p.codes[code] = grant{*user, q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri"), at}
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther) //nolint:gosec // a provider does that
}

// ask shows a page with the people there are.
func (p *Provider) ask(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,"><h1>Who are you?</h1>`)
	for _, u := range p.users {
		q := r.URL.Query()
		q.Set("choice", u.Subject)
		_, _ = fmt.Fprintf(w, `<p><a href="?%s">%s</a></p>`, html.EscapeString(q.Encode()), html.EscapeString(u.Name))
	}
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	} else if plain, err := url.QueryUnescape(secret); err == nil {
		secret = plain
	}
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
	}
	if id != ClientID || secret != ClientSecret {
		refuse(http.StatusUnauthorized, "invalid_client")
		return
	}
	g, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || g.redirect != r.PostFormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		refuse(http.StatusBadRequest, "invalid_grant")
		return
	}
	claims := map[string]any{}
	if !p.faults.Bare {
		claims = profile(g.user)
	}
	for name, value := range map[string]any{
		"iss": p.URL, "aud": ClientID, "sub": g.user.Subject, "nonce": g.nonce, "iat": time.Now().Unix(),
		"exp": time.Now().Add(5 * time.Minute).Unix(), "auth_time": g.at.Unix(),
	} {
		claims[name] = value
	}
	if p.faults.Claims != nil {
		p.faults.Claims(claims)
	}
	access := rand.Text()
	p.access[access] = g.user
	write(w, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(claims),
	})
}

func (p *Provider) sign(claims map[string]any) string {
	raw, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	if p.faults.Unsigned {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(raw) + "."
	}
	key := p.key
	if p.faults.OtherKey {
		key = newKey()
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(raw)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}
