package app_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/oidc"
	"eventstream/server/oidc/oidctest"

	"github.com/stretchr/testify/require"
)

// provided is the engine with a provider beside it.
type provided struct {
	*env
	provider *oidctest.Provider
	home     string // where people open the pages
	gone     func() // has the provider stop
}

func startProvided(t *testing.T, change func(*config.Config)) *provided {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	provider := oidctest.New("http://" + server.Listener.Addr().String())
	server.Config.Handler = provider
	server.Start()
	t.Cleanup(server.Close)
	e := startWith(t, func(cfg *config.Config) {
		cfg.OIDC = config.OIDC{
			Issuer: provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Name: "Shop SSO",
			Scopes: []string{"openid", "email", "profile"}, RoleClaim: "groups",
			Roles: config.Roles{"admins": actor.RoleAdmin, "marketing": actor.RoleMarketer, "staff": actor.RoleViewer},
		}
		change(cfg)
	})
	return &provided{env: e, provider: provider, home: strings.Replace(e.URL, "127.0.0.1", "localhost", 1), gone: server.Close}
}

// browser is one of its own, which does not follow redirects by itself.
func (p *provided) browser() *env {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(p.t, err)
	return &env{App: p.App, t: p.t, http: &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// hop opens an address and gives where it leads.
func (e *env) hop(address string) string {
	e.t.Helper()
	resp, err := e.http.Get(address)
	require.NoError(e.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(e.t, err)
	require.Equal(e.t, http.StatusSeeOther, resp.StatusCode, "%s: %s", address, body)
	return resp.Header.Get("Location")
}

// walk signs in as this person and gives where it ended, without the host.
func (p *provided) walk(b *env, query string, u oidctest.User, faults oidctest.Faults) string {
	p.t.Helper()
	p.provider.SignsIn(u, faults)
	asks := b.hop(p.home + oidc.StartPath + query)
	if !strings.HasPrefix(asks, p.provider.URL) {
		return asks
	}
	return b.hop(b.hop(asks))
}

func (p *provided) viewer(b *env) (name, role string) {
	p.t.Helper()
	resp, err := b.http.Post(p.home+"/graphql", "application/json",
		strings.NewReader(`{"query": "{ viewer { name role } account { password provider secondFactorMissing } }"}`))
	require.NoError(p.t, err)
	data, errs := decode(p.t, resp)
	require.Empty(p.t, errs)
	var me struct{ Viewer struct{ Name, Role string } }
	require.NoError(p.t, json.Unmarshal(data, &me))
	return me.Viewer.Name, me.Viewer.Role
}

var (
	olga = oidctest.User{Subject: "1", Email: "Olga@Shop.example", Verified: true, Name: "Olga", Groups: []string{"staff", "admins"}}
	otto = oidctest.User{Subject: "2", Email: "otto@shop.example", Verified: true, Name: "Otto", Groups: []string{"marketing"}}
)

func TestOperatorsSignInAtTheProvider(t *testing.T) {
	t.Parallel()
	p := startProvided(t, func(*config.Config) {})
	var setup struct {
		Setup struct {
			Provider struct {
				Name, URL string
				Only      bool
			}
		}
	}
	p.do(&setup, `{ setup { provider { name url only } } }`, nil)
	require.Equal(t, "Shop SSO", setup.Setup.Provider.Name)
	require.Equal(t, oidc.StartPath, setup.Setup.Provider.URL)

	// A new operator, with the highest role that the groups give, on the page that they wanted.
	b := p.browser()
	require.Equal(t, "/campaigns?status=DRAFT", p.walk(b, "?to="+url.QueryEscape("/campaigns?status=DRAFT"), olga, oidctest.Faults{}))
	name, role := p.viewer(b)
	require.Equal(t, []string{"Olga", "ADMIN"}, []string{name, role})

	// The role follows the groups, also of an open session; groups may come by userinfo.
	promoted := otto
	b = p.browser()
	require.Equal(t, "/", p.walk(b, "", promoted, oidctest.Faults{Bare: true}))
	_, role = p.viewer(b)
	require.Equal(t, "MARKETER", role)
	promoted.Groups = []string{"staff"}
	require.Equal(t, "/", p.walk(p.browser(), "", promoted, oidctest.Faults{}))
	_, role = p.viewer(b)
	require.Equal(t, "VIEWER", role)

	// An operator who was here before is linked by the verified address, once.
	_, id := p.person("bea", "VIEWER")
	bea := oidctest.User{Subject: "3", Email: "bea@shop.example", Verified: true, Name: "Bea", Groups: []string{"marketing"}}
	unverified := bea
	unverified.Verified = false
	require.Equal(t, "/#signin=email", p.walk(p.browser(), "", unverified, oidctest.Faults{}))
	require.Equal(t, "/", p.walk(p.browser(), "", bea, oidctest.Faults{}))
	moved := bea
	moved.Email, moved.Verified = "else@shop.example", false
	require.Equal(t, "/", p.walk(p.browser(), "", moved, oidctest.Faults{}), "the subject counts from then on")
	other := bea
	other.Subject = "4"
	require.Equal(t, "/#signin=taken", p.walk(p.browser(), "", other, oidctest.Faults{}))
	p.must("operatorProviderUnlink", "operator", map[string]any{"id": id})
	require.Equal(t, "/", p.walk(p.browser(), "", other, oidctest.Faults{}))

	// Who is shut out here stays out; without a group nobody comes in.
	p.must("operatorDeactivate", "operator", map[string]any{"id": id})
	require.Equal(t, "/#signin=inactive", p.walk(p.browser(), "", other, oidctest.Faults{}))
	stranger := oidctest.User{Subject: "5", Email: "eve@shop.example", Verified: true, Groups: []string{"sales"}}
	require.Equal(t, "/#signin=role", p.walk(p.browser(), "", stranger, oidctest.Faults{}))
	require.Equal(t, 0, p.count("SELECT count(*) FROM operators WHERE email = 'eve@shop.example'"))

	for action, n := range map[string]int{
		"operator.provider_link": 2, "operator.provider_unlink": 1, "operator.sign_in_failed": 4,
	} {
		require.Equal(t, n, p.count("SELECT count(*) FROM audit_entries WHERE action = ?", action), action)
	}
}

func (e *env) count(query string, args ...any) (n int) {
	e.t.Helper()
	require.NoError(e.t, e.DB().NewRaw(query, args...).Scan(e.t.Context(), &n))
	return n
}

// What a provider or somebody in between could send, and what browsers can be made to.
func TestForgedAnswersOfTheProviderAreRefused(t *testing.T) {
	t.Parallel()
	p := startProvided(t, func(*config.Config) {})
	set := func(name string, value any) oidctest.Faults {
		return oidctest.Faults{Claims: func(c map[string]any) { c[name] = value }}
	}
	for what, faults := range map[string]oidctest.Faults{
		"another nonce":           set("nonce", "another"),
		"no nonce":                set("nonce", ""),
		"another audience":        set("aud", "another"),
		"made for several":        set("aud", []string{oidctest.ClientID, "another"}),
		"another party":           set("azp", "another"),
		"another issuer":          set("iss", "https://evil.example"),
		"expired":                 set("exp", time.Now().Add(-time.Hour).Unix()),
		"not signed":              {Unsigned: true},
		"signed by somebody else": {OtherKey: true},
		"userinfo of another":     {Bare: true, Claims: func(c map[string]any) { c["sub"] = "9" }},
	} {
		b := p.browser()
		require.Equal(t, "/#signin=answer", p.walk(b, "", olga, faults), what)
		name, _ := p.viewer(b)
		require.Empty(t, name, what)
		_, err := p.DB().ExecContext(t.Context(), "DELETE FROM sign_in_failures")
		require.NoError(t, err)
	}

	// The answer of one browser is worth nothing in another, nor twice.
	p.provider.SignsIn(olga, oidctest.Faults{})
	mine, theirs := p.browser(), p.browser()
	answer := mine.hop(mine.hop(p.home + oidc.StartPath))
	require.Equal(t, "/#signin=expired", theirs.hop(answer))
	theirs.hop(p.home + oidc.StartPath)
	require.Equal(t, "/#signin=expired", theirs.hop(answer))
	u, err := url.Parse(p.home)
	require.NoError(t, err)
	cookies := mine.http.Jar.Cookies(u)
	require.Equal(t, "/", mine.hop(answer))
	require.Equal(t, "/#signin=expired", mine.hop(answer), "the cookie is gone")
	again := p.browser()
	again.http.Jar.SetCookies(u, cookies)
	require.Equal(t, "/#signin=expired", again.hop(answer), "the same cookie, state and code again")
	again = p.browser()
	answer = again.hop(again.hop(p.home + oidc.StartPath))
	changed, err := url.Parse(answer)
	require.NoError(t, err)
	stolen := changed.Query()
	stolen.Set("code", "stolen")
	changed.RawQuery = stolen.Encode()
	require.Equal(t, "/#signin=answer", again.hop(changed.String()))
	again = p.browser()
	again.hop(p.home + oidc.StartPath)
	require.Equal(t, "/#signin=expired", again.hop(p.home+oidc.CallbackPath+"?error=access_denied"))

	// Nobody chooses where a sign-in ends but us.
	for _, to := range []string{
		"https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%0d%0aLocation:x", "javascript:alert(1)",
		"/\t/evil.example", "evil.example", "/auth/oidc?to=/auth/oidc", "/%2f/evil.example/..//evil",
	} {
		end := p.walk(p.browser(), "?to="+url.QueryEscape(to), olga, oidctest.Faults{})
		if end != "/" {
			require.Equal(t, to, end)
			u, err := url.Parse(p.home)
			require.NoError(t, err)
			there, err := u.Parse(end)
			require.NoError(t, err)
			require.Equal(t, u.Host, there.Host, to)
		}
	}
	require.NotContains(t, p.walk(p.browser(), "?to="+url.QueryEscape("//evil.example"), olga, oidctest.Faults{}), "evil")
}

// The last admin stays one, whatever the provider says.
func TestTheProviderNeverTakesTheLastAdmin(t *testing.T) {
	t.Parallel()
	p := startProvided(t, func(cfg *config.Config) { cfg.AdminEmail, cfg.AdminPassword = "", "" })
	require.Equal(t, "/", p.walk(p.browser(), "", olga, oidctest.Faults{}), "the first admin comes from there")
	demoted := olga
	demoted.Groups = []string{"staff"}
	b := p.browser()
	require.Equal(t, "/", p.walk(b, "", demoted, oidctest.Faults{}))
	_, role := p.viewer(b)
	require.Equal(t, "ADMIN", role)
	second := otto
	second.Groups = []string{"admins"}
	require.Equal(t, "/", p.walk(p.browser(), "", second, oidctest.Faults{}))
	require.Equal(t, "/", p.walk(b, "", demoted, oidctest.Faults{}))
	_, role = p.viewer(b)
	require.Equal(t, "VIEWER", role, "there is another one now")
}

// What cannot be undone is allowed after signing in at the provider anew: really anew,
// as the same person, in the same browser.
func TestSigningInAnewAtTheProviderConfirms(t *testing.T) {
	t.Parallel()
	p := startProvided(t, func(*config.Config) {})
	b := p.browser()
	require.Equal(t, "/", p.walk(b, "", olga, oidctest.Faults{}))
	recent := func() bool {
		return p.count(`SELECT count(*) FROM sessions s JOIN operators o ON o.id = s.operator_id
			WHERE o.email = 'olga@shop.example' AND s.authenticated_at > now() - interval '1 hour'`) == 1
	}
	_, err := p.DB().ExecContext(t.Context(), "UPDATE sessions SET authenticated_at = now() - interval '2 hours'")
	require.NoError(t, err)
	require.Equal(t, "/confirmed#signin=stale", p.walk(b, "?confirm", olga, oidctest.Faults{Stale: true}))
	silent := oidctest.Faults{Claims: func(c map[string]any) { delete(c, "auth_time") }}
	require.Equal(t, "/confirmed#signin=stale", p.walk(b, "?confirm", olga, silent))
	require.Equal(t, "/confirmed#signin=other", p.walk(b, "?confirm", otto, oidctest.Faults{}))
	require.Equal(t, "/confirmed#signin=expired", p.walk(p.browser(), "?confirm", olga, oidctest.Faults{}), "nobody is signed in there")
	require.False(t, recent())
	require.Equal(t, "/confirmed", p.walk(b, "?confirm", olga, oidctest.Faults{}))
	require.True(t, recent())
	require.Equal(t, 1, p.count("SELECT count(*) FROM audit_entries WHERE action = 'operator.confirm'"))
}

// Where passwords are off nobody comes in by one, but for who was let in again on the
// command line, for a day.
func TestWithPasswordsOffThereIsOneWayIn(t *testing.T) {
	t.Parallel()
	only := startProvided(t, func(cfg *config.Config) { cfg.OIDC.Only = true }) // whose admin of ADMIN_EMAIL has a day
	require.Equal(t, "/", only.walk(only.browser(), "", olga, oidctest.Faults{}))
	only.must("operatorInvite", "operator", map[string]any{
		"email": "bea@shop.example", "name": "bea", "role": "VIEWER", "password": ownPassword,
	})
	var invited struct{ OperatorInvite struct{ Link *string } }
	only.do(&invited, `mutation { operatorInvite(input: {email: "mia@shop.example", name: "mia", role: VIEWER}) { link } }`, nil)
	require.Nil(t, invited.OperatorInvite.Link)
	signIn := func() string {
		var in struct {
			SignIn struct{ UserErrors []struct{ Message string } }
		}
		only.do(&in, `mutation { signIn(input: {email: "bea@shop.example", password: "`+ownPassword+`"}) { userErrors { message } } }`, nil)
		if len(in.SignIn.UserErrors) == 0 {
			return ""
		}
		return in.SignIn.UserErrors[0].Message
	}
	require.Contains(t, signIn(), "passwords and passkeys are off here")
	var reset struct {
		PasswordResetRequest struct{ UserErrors []struct{ Message string } }
	}
	only.do(&reset, `mutation { passwordResetRequest(input: {email: "bea@shop.example"}) { userErrors { message } } }`, nil)
	require.Contains(t, reset.PasswordResetRequest.UserErrors[0].Message, "passwords are off here")
	_, err := app.ResetOperator(t.Context(), only.cfg, only.DB(), slog.New(slog.DiscardHandler), "bea@shop.example")
	require.NoError(t, err)
	require.Empty(t, signIn())
	_, err = only.DB().ExecContext(t.Context(), "UPDATE operators SET password_until = now() - interval '1 second'")
	require.NoError(t, err)
	require.NotEmpty(t, signIn())
}

// The page looks anew each time: a provider that answered once may be gone.
func TestAProviderThatGoesAwayIsNoticed(t *testing.T) {
	t.Parallel()
	p := startProvided(t, func(*config.Config) {})
	state := func() string {
		var page struct {
			Diagnosis []struct{ Check, State string }
		}
		p.do(&page, "{ diagnosis { check state } }", nil)
		for _, f := range page.Diagnosis {
			if f.Check == "PROVIDER" || f.Check == "provider" {
				return f.State
			}
		}
		return ""
	}
	require.Equal(t, "OK", state())
	p.gone()
	require.Equal(t, "FAILED", state())
}
