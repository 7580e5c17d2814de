package app_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/mail/mailtest"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// People are told by email what happens to their accounts, by a job that commits
// with the event; nothing secret is in it.
func TestPeopleAreToldWhatHappensToTheirAccounts(t *testing.T) {
	t.Parallel()
	post := mailtest.Start(t)
	e := startWith(t, func(cfg *config.Config) {
		cfg.SMTPURL, cfg.MailFrom = config.Secret(post.URL), "Engine <engine@shop.example>"
	})
	bea, id := e.person("bea", "VIEWER")
	told := func(to, subject string, n int, words ...string) {
		t.Helper()
		m := post.Await(t, to+"@shop.example", subject, n)
		require.Contains(t, m.ContentType, "text/plain")
		for _, word := range append(words, "When: ") {
			require.Contains(t, m.Text, word)
		}
	}
	told("bea", "Your password was set", 1, "Network address: 127.0.0.1", config.PagesURL(e.URL)+"/account")

	// Without the device's cookie, as a stranger who has the password.
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	elsewhere := &env{App: e.App, t: t, http: &http.Client{Jar: jar, Timeout: patience}}
	elsewhere.signIn("bea")
	told("bea", "New sign-in to your account", 1, "on a device that was not known (by password)")

	post.Refuse(1) // a mail server that is busy is asked again
	e.must("operatorUpdate", "operator", map[string]any{"id": id, "role": "ADMIN"})
	told("bea", "Your role was changed", 1, "Your role is now admin.", "By: Admin")
	require.Equal(t, 1, post.Refused())
	bea.signIn("bea")
	var token struct{ APITokenCreate struct{ Secret string } }
	bea.do(&token, `mutation { apiTokenCreate(input: {name: "Nightly", role: VIEWER}) { secret } }`, nil)
	told("bea", "An API token was made", 1, "Nightly, with the role viewer")
	var setup struct{ TotpSetup struct{ Secret, Step string } }
	bea.do(&setup, `mutation { totpSetup { secret step } }`, nil)
	code, err := totp.GenerateCode(setup.TotpSetup.Secret, time.Now())
	require.NoError(t, err)
	var enabled struct {
		TotpEnable struct{ RecoveryCodes []string }
	}
	bea.do(&enabled, `mutation($s: String!, $c: String!) { totpEnable(input: {step: $s, code: $c}) { recoveryCodes } }`,
		map[string]any{"s": setup.TotpSetup.Step, "c": code})
	codes := enabled.TotpEnable.RecoveryCodes
	require.Len(t, codes, 10)
	told("bea", "A way to sign in was added", 1, "codes of an app")
	var second struct {
		SignIn struct{ SecondStep struct{ Step string } }
	}
	bea.do(&second, `mutation($p: String!) { signIn(input: {email: "bea@shop.example", password: $p}) { secondStep { step } } }`,
		map[string]any{"p": ownPassword})
	bea.do(nil, `mutation($s: String!, $c: String!) { signInCode(input: {step: $s, code: $c}) { userErrors { message } } }`,
		map[string]any{"s": second.SignIn.SecondStep.Step, "c": codes[0]})
	told("bea", "A recovery code was used", 1, "9 of them are left")
	bea.do(nil, `mutation { recoveryCodesRenew { recoveryCodes } }`, nil)
	told("bea", "New recovery codes were made", 1)
	bea.do(nil, `mutation { totpDisable { userErrors { message } } }`, nil)
	told("bea", "A way to sign in was removed", 1, "codes of an app")
	bea.do(nil, `mutation($o: String!, $n: String!) { passwordChange(input: {currentPassword: $o, newPassword: $n}) { userErrors { message } } }`,
		map[string]any{"o": ownPassword, "n": "amber foxes sleep lightly"})
	told("bea", "Your password was changed", 1)
	e.do(nil, `mutation($i: ID!) { operatorSecondFactorReset(input: {id: $i}) { userErrors { message } } }`, map[string]any{"i": id})
	told("bea", "Your two-step sign-in was reset", 1, "By: Admin")
	e.do(nil, `mutation($i: ID!) { operatorPasswordLink(input: {id: $i}) { link } }`, map[string]any{"i": id})
	told("bea", "A link for a new password was made", 1, "By: Admin")
	e.must("operatorDeactivate", "operator", map[string]any{"id": id})
	told("bea", "Your access was changed", 1, "deactivated")
	e.must("operatorReactivate", "operator", map[string]any{"id": id})
	told("bea", "Your access was changed", 2, "reactivated")

	// A stranger can bring about one email an hour.
	for range 5 {
		elsewhere.do(nil, `mutation { signIn(input: {email: "bea@shop.example", password: "wrong"}) { userErrors { code } } }`, nil)
	}
	_, err = e.DB().ExecContext(t.Context(), "DELETE FROM sign_in_failures WHERE key NOT LIKE 'notice%'")
	require.NoError(t, err)
	for range 5 {
		elsewhere.do(nil, `mutation { signIn(input: {email: "bea@shop.example", password: "wrong"}) { userErrors { code } } }`, nil)
	}
	_, err = app.ResetOperator(t.Context(), e.cfg, e.DB(), slog.New(slog.NewTextHandler(io.Discard, nil)), "bea@shop.example")
	require.NoError(t, err)
	told("bea", "Sign-in to your account has to wait", 1, "Network address: 127.0.0.1", "not found out")
	told("bea", "Your account was reset", 1, "command line")
	e.idle("security_notice")
	all, _ := post.Messages()
	locked := 0
	for _, m := range all {
		if strings.HasPrefix(m.Subject, "Sign-in to your account has to wait") {
			locked++
		}
		if m.Subject == "You are invited to Event Stream Engine" || m.Subject == "Choose a new password" {
			continue // the links themselves
		}
		require.NotContains(t, m.Text, "/password#", m.Subject)
		for _, secret := range append(codes, token.APITokenCreate.Secret, setup.TotpSetup.Secret, ownPassword, "amber foxes") {
			require.NotContains(t, m.Raw, secret, m.Subject)
		}
	}
	require.Equal(t, 1, locked)
}

// What rolled back is told to nobody, and a flood ends with a word that it does.
func TestWhatDidNotHappenIsNotTold(t *testing.T) {
	t.Parallel()
	post := mailtest.Start(t)
	e := startWith(t, func(cfg *config.Config) {
		cfg.SMTPURL, cfg.MailFrom = config.Secret(post.URL), "engine@shop.example"
	})
	for _, sql := range []string{
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'at commit'; END $$`,
		`CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON audit_entries DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW WHEN (NEW.action = 'api_token.create') EXECUTE FUNCTION refuse()`,
	} {
		_, err := e.DB().ExecContext(t.Context(), sql)
		require.NoError(t, err)
	}
	create := `mutation { apiTokenCreate(input: {name: "Nightly", role: VIEWER}) { secret } }`
	_, errs := e.raw(create, nil)
	require.NotEmpty(t, errs)
	_, err := e.DB().ExecContext(t.Context(), "DROP TRIGGER refuse ON audit_entries")
	require.NoError(t, err)
	for range 25 {
		e.do(nil, create, nil)
	}
	post.Await(t, "ada@shop.example", "An API token was made", 20)
	e.idle("security_notice")
	all, _ := post.Messages()
	require.Len(t, all, 20)
	words := 0
	for _, m := range all {
		words += strings.Count(m.Text, "More of this within the next hour is not told by email.")
	}
	require.Equal(t, 1, words)
}

// idle waits until no job of the kind is to be worked.
func (e *env) idle(kind string) {
	e.t.Helper()
	require.Eventually(e.t, func() bool {
		var n int
		require.NoError(e.t, e.DB().NewRaw(`SELECT count(*) FROM river_job
			WHERE kind = ? AND state NOT IN ('completed', 'discarded', 'cancelled')`, kind).Scan(e.t.Context(), &n))
		return n == 0
	}, patience, 20*time.Millisecond)
}
