package app_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/doctor"
	"eventstream/server/guard"
	"eventstream/server/mail/mailtest"
	"eventstream/server/webhook"

	"github.com/stretchr/testify/require"
)

// examined is what the command line finds with this change to the configuration.
func (e *env) examined(change func(*config.Config)) map[string]doctor.Finding {
	e.t.Helper()
	cfg := e.cfg
	cfg.PublicURL = e.URL // as somebody sets it who runs a server
	cfg.AdminEmail, cfg.AdminPassword = "", ""
	cfg.SecretKey = "p7Qz2mWk9sXv4LdT6rHb8NcY3fGj5JaE" // that of the tests would be found weak
	change(&cfg)
	log := slog.New(slog.DiscardHandler)
	d, err := db.Open(e.t.Context(), string(e.cfg.DatabaseURL), 5, log) // with the settings that hold now
	require.NoError(e.t, err)
	defer d.Close()
	return byName(app.Examine(e.t.Context(), cfg, d, "", log))
}

func byName(findings []doctor.Finding) map[string]doctor.Finding {
	out := map[string]doctor.Finding{}
	for _, f := range findings {
		out[f.Check] = f
	}
	return out
}

func same(*config.Config) {}

// A healthy installation has no red line but those of the tests' Postgres, and admins see
// the same on the page.
func TestAHealthyInstallationIsFoundSo(t *testing.T) {
	t.Parallel()
	e := start(t)
	require.Equal(t, doctor.Warning, e.examined(same)["spool"].State, "there is a DATABASE_URL, and nobody chose a spool")
	all := e.examined(func(cfg *config.Config) { cfg.WebhookSpool = "off" })
	for _, check := range []string{
		"configuration", "secrets", "secret_files", "public_url", "proxies", "exposure", "metrics", "twilio", "senders", "clock_twilio",
		"clock_postgres", "postgres_version", "migrations", "spool",
	} {
		f := all[check]
		require.Contains(t, []doctor.State{doctor.OK, doctor.NotApplicable}, f.State, "%s: %s", check, f.Found)
		require.Empty(t, f.Advice, check)
	}
	require.Equal(t, doctor.OK, all["public_url"].State)
	require.Equal(t, doctor.OK, all["twilio"].State)
	require.Equal(t, doctor.OK, all["senders"].State)

	var page struct {
		Diagnosis []struct{ Check, State, Found string }
	}
	e.do(&page, `{ diagnosis { check title state found advice } }`, nil)
	require.Len(t, page.Diagnosis, len(all))
	viewer, _ := e.person("vera", "MARKETER")
	require.Equal(t, "FORBIDDEN", viewer.refused(`{ diagnosis { check } }`))
	require.Equal(t, "FORBIDDEN", e.token("role: ADMIN").refused(`{ diagnosis { check } }`), "it asks other servers")
	raw, err := json.Marshal(all)
	require.NoError(t, err)
	token, err := os.ReadFile(filepath.Join(e.cfg.DataDir, "sandbox.token"))
	require.NoError(t, err)
	for _, secret := range []string{string(e.cfg.SecretKey), string(e.cfg.AdminPassword), string(token), passwordOf(t, string(e.cfg.DatabaseURL))} {
		require.NotContains(t, string(raw), secret)
	}
}

func passwordOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	password, _ := u.User.Password()
	require.NotEmpty(t, password)
	return password
}

// Each red line is brought about by what it warns of.
func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	e := start(t)
	expect := func(f doctor.Finding, state doctor.State, words string) {
		t.Helper()
		require.Equal(t, state, f.State, "%s: %s", f.Check, f.Found)
		require.Contains(t, f.Found.String(), words, f.Check)
		if state == doctor.Failed || state == doctor.Warning {
			require.NotEmpty(t, f.Advice, f.Check)
		}
	}
	require.NoError(t, os.Chmod(filepath.Join(e.cfg.DataDir, "sandbox.token"), 0o644))
	spooled := filepath.Join(t.TempDir(), "spool")
	require.NoError(t, os.MkdirAll(spooled, 0o700))
	waiting := filepath.Join(spooled, "1.log")
	require.NoError(t, os.WriteFile(waiting, []byte("an event"), 0o600))
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(waiting, old, old))
	all := e.examined(func(cfg *config.Config) {
		cfg.PublicURL = e.URL + "/elsewhere"
		cfg.SecretKey = "abababababababababababababababababab"
		cfg.ClockOffset = time.Minute
		cfg.TrustedProxies = guard.Proxies{netip.MustParsePrefix("0.0.0.0/0")}
		cfg.MetricsAddr = "0.0.0.0:9090"
		cfg.WebhookSpool = spooled
		cfg.SMTPURL, cfg.MailFrom = "smtp://127.0.0.1:1", "engine@shop.example"
		cfg.OIDC = config.OIDC{Issuer: "http://127.0.0.1:1", ClientID: "engine", ClientSecret: "secret"}
		cfg.AdminEmail, cfg.AdminPassword = "ada@shop.example", "a long enough password"
	})
	expect(all["configuration"], doctor.Failed, "OIDC_ROLES")
	expect(all["secrets"], doctor.Failed, "SECRET_KEY can be guessed")
	expect(all["secret_files"], doctor.Failed, "sandbox.token")
	expect(all["clock_postgres"], doctor.Failed, "from Postgres’")
	expect(all["clock_twilio"], doctor.Failed, "from Twilio’s")
	expect(all["proxies"], doctor.Failed, "0.0.0.0/0")
	expect(all["metrics"], doctor.Warning, "to whoever asks")
	expect(all["spool"], doctor.Failed, "8 bytes of webhooks and clicks wait")
	expect(all["smtp"], doctor.Failed, "refused")
	expect(all["provider"], doctor.Failed, "does not answer")
	require.NoError(t, os.Chmod(filepath.Join(e.cfg.DataDir, "sandbox.token"), 0o600))

	// The address: of nobody, of something else, of a redirect, of an engine with another token.
	something := func(h http.HandlerFunc) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	live := func(cfg *config.Config) {
		cfg.Twilio = config.Twilio{
			AccountSID: "AC00000000000000000000000000000000", AuthToken: "wrong0wrong0wrong0wrong0wrong0wr", APIBaseURL: e.Sandbox.URL(),
		}
	}
	wrong := e.examined(live)
	expect(wrong["twilio"], doctor.Failed, "refuses the account")
	expect(wrong["public_url"], doctor.Failed, "the signature does not fit")
	expect(wrong["senders"], doctor.Warning, "does not tell")
	for words, address := range map[string]string{
		"Nobody answers":   "http://127.0.0.1:1",
		"a redirect (308)": something(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, e.URL, http.StatusPermanentRedirect) }),
		"answers with 404": something(http.NotFound),
		"Something else":   something(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("welcome")) }),
		"the signature does not fit": something(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(webhook.CheckRefused))
		}),
	} {
		f := e.examined(func(cfg *config.Config) { live(cfg); cfg.PublicURL = address })
		expect(f["public_url"], doctor.Failed, words)
	}

	// Postgres and backups.
	for _, sql := range []string{
		"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$",
		"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET log_statement = ''all''', current_database()); END $$",
		"INSERT INTO backups (taken_at, bytes) VALUES (now() - interval '8 days', 1)",
		"DELETE FROM bun_migrations WHERE id = (SELECT max(id) FROM bun_migrations)",
	} {
		_, err := e.DB().ExecContext(t.Context(), sql)
		require.NoError(t, err)
	}
	post := mailtest.Start(t)
	all = e.examined(func(cfg *config.Config) {
		cfg.SMTPURL, cfg.MailFrom = config.Secret(post.URL), "engine@shop.example"
	})
	expect(all["postgres_durability"], doctor.Failed, "synchronous_commit")
	expect(all["postgres_log"], doctor.Warning, "log_statement=all")
	expect(all["backup"], doctor.Failed, "8 days old")
	expect(all["migrations"], doctor.Failed, "not that of this version")
	expect(all["smtp"], doctor.OK, "lets the engine in")
	for taken, state := range map[string]doctor.State{"30 hours": doctor.Warning, "1 hour": doctor.OK} {
		_, err := e.DB().ExecContext(t.Context(), "DELETE FROM backups")
		require.NoError(t, err)
		_, err = e.DB().ExecContext(t.Context(), "INSERT INTO backups (taken_at, bytes) VALUES (now() - ?::interval, 1)", taken)
		require.NoError(t, err)
		expect(e.examined(same)["backup"], state, "old")
	}

	// Without a database the rest is still told.
	gone := byName(app.Examine(t.Context(), e.cfg, nil, "it is away", slog.New(slog.DiscardHandler)))
	expect(gone["postgres_version"], doctor.Failed, "it is away")
	require.Equal(t, doctor.OK, gone["configuration"].State)
}

// The address of the check gives nothing to who cannot sign.
func TestTheCheckOfSignaturesAnswersNobodyElse(t *testing.T) {
	t.Parallel()
	e := start(t)
	resp, err := e.http.PostForm(e.URL+webhook.CheckPath, url.Values{"Nonce": {"x"}})
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	require.Zero(t, e.count("SELECT count(*) FROM webhook_events"))
}
