package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/db"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// lines is a log that the test reads while the engine writes it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The engine works as a role that owns nothing: it imports, sends, hears, seals, signs,
// proves and erases, and can change neither the trail nor the ledger nor the schema.
func TestTheEngineWorksAsARoleThatOwnsNothing(t *testing.T) {
	t.Parallel()
	log := &lines{}
	var owner string
	e := startLogged(t, slog.New(slog.NewTextHandler(log, nil)), func(cfg *config.Config) {
		owner = string(cfg.DatabaseURL)
		role := roleFor(t, owner)
		cfg.MigrateDatabaseURL, cfg.DatabaseURL = cfg.DatabaseURL, config.Secret(role)
	})
	e.small(20)
	camp := e.launch("restricted", 1000)
	e.settled(camp)
	e.exact(camp)
	const address = "+4915100000003"
	e.saysUntil(address, "STOP", func() bool {
		consent, _ := e.topicsOf(address)
		return consent == "OPTED_OUT"
	})
	id := e.idOf(address)
	status, text := e.download("/downloads/contacts/" + id + "/proof.txt")
	require.Equal(t, 200, status, text)
	_, problems := e.act("contactErase", map[string]any{"contacts": map[string]any{"ids": []any{id}}, "expected": 1})
	require.Empty(t, problems)
	require.Empty(t, e.settings(map[string]any{"accountRatePerSecond": 50}))

	conn, err := pgx.Connect(t.Context(), e.databaseURL())
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	for _, sql := range []string{
		"UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries", "TRUNCATE audit_entries",
		"UPDATE consent_events SET status = 'opted_in'", "DELETE FROM consent_events", "TRUNCATE consent_events",
		"UPDATE audit_checkpoints SET size = 1", "DELETE FROM audit_checkpoints", "DELETE FROM audit_keys",
		"UPDATE audit_keys SET public_key = 'x'", "UPDATE audit_tree SET hash = ''", "DELETE FROM bun_migrations",
		"ALTER TABLE audit_entries DISABLE TRIGGER ALL", "DROP TABLE messages", "CREATE TABLE mine (n int)",
		"SET session_replication_role = replica",
	} {
		_, err := conn.Exec(t.Context(), sql)
		require.Error(t, err, sql)
		require.Regexp(t, "permission denied|must be owner", err.Error(), sql)
	}
	require.NotContains(t, log.String(), "42501", "nothing that the engine does is refused")
	require.NotContains(t, log.String(), "permission denied")

	// A role that owns nothing looks at the schema and does not migrate; one that owns all
	// is no use beside an owner.
	d, err := db.Open(t.Context(), e.databaseURL(), 2, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.NoError(t, app.Migrate(t.Context(), config.Config{DatabaseURL: config.Secret(e.databaseURL())}, d, slog.New(slog.DiscardHandler)))
	both := config.Config{DatabaseURL: config.Secret(owner), MigrateDatabaseURL: config.Secret(owner)}
	require.ErrorContains(t, app.Migrate(t.Context(), both, d, slog.New(slog.DiscardHandler)), "may do everything")
}

// roleFor makes a role that may only connect, and gives its URL.
func roleFor(t *testing.T, owner string) string {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), owner)
	require.NoError(t, err)
	u, err := url.Parse(owner)
	require.NoError(t, err)
	name := "app_" + strings.TrimPrefix(u.Path, "/")
	_, err = admin.Exec(t.Context(), "CREATE ROLE "+name+" LOGIN PASSWORD 'only for this test'")
	require.NoError(t, err)
	require.NoError(t, admin.Close(t.Context()))
	t.Cleanup(func() {
		admin, err := pgx.Connect(context.Background(), owner)
		if err != nil {
			return
		}
		defer func() { _ = admin.Close(context.Background()) }()
		_, _ = admin.Exec(context.Background(), "DROP OWNED BY "+name+"; DROP ROLE "+name)
	})
	u.User = url.UserPassword(name, "only for this test")
	return u.String()
}
