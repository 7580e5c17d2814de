package app_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/config"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// journal is a log that is read while it is written.
type journal struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

// TestLogsHoldNobody: whatever goes wrong, no log tells an address, a name, a text or a password's hash. The private
// Postgres keeps one of its own.
func TestLogsHoldNobody(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "eventstream-logs-") // not t.TempDir: Postgres runs as somebody else
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres.log"), nil, 0o644)) // of an earlier version
	log := new(journal)
	e := startLogged(t, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), func(c *config.Config) {
		c.DatabaseURL, c.DataDir = "", dir
	})
	const number = "+4915112345678"
	private := []string{"mallory", "Xanthippe", "Secretive", "argon2", number, number[1:], "Wherefore"}

	// Signing in with what is wrong, and an admin whose address is taken.
	for range 3 {
		_, _ = e.raw(`mutation { signIn(input: {email: "mallory@shop.example", password: "Secretive but wrong"}) { userErrors { message } } }`, nil)
	}
	// Contacts: twice the same, a file of which half is refused, and a text to us.
	contact := map[string]any{"address": number, "name": "Xanthippe"}
	for range 2 {
		_, _ = e.raw(`mutation($i: ContactCreateInput!) { contactCreate(input: $i) { contact { id } userErrors { message } } }`, map[string]any{"i": contact})
	}
	id, problems := e.upload("people.csv", []byte("phone,name,note\n"+number+",Xanthippe,Secretive\nnobody,Xanthippe,Secretive\n"), "")
	require.Empty(t, problems)
	require.Eventually(t, func() bool { return e.imported(id).Status == "COMPLETED" }, patience, 20*time.Millisecond)
	e.says(number, "Wherefore art thou")
	resp, err := http.Post(e.URL+"/webhooks/twilio/inbound", "application/x-www-form-urlencoded", strings.NewReader("Body=Wherefore&From=whatsapp:"+number))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode)

	// Everything that Postgres tells values of: what is there already, what cannot be taken, what lasts, what fails within
	// a function or a transaction, and a statement that is canceled.
	fails := func(sql string, args ...any) {
		t.Helper()
		_, err := e.DB().NewRaw(sql, args...).Exec(t.Context())
		require.Error(t, err)
	}
	e.exec("INSERT INTO operators (email, name, password_hash, role) VALUES ('mallory@shop.example', 'Xanthippe', '$argon2id$x', 'viewer')")
	fails("INSERT INTO operators (email, name, password_hash, role) VALUES (?, 'Xanthippe', ?, 'viewer')", "mallory@shop.example", "$argon2id$secret")
	fails("SELECT ?::int", "Xanthippe")
	fails("SELECT ?::jsonb", `{"name": Xanthippe}`)
	fails("DO $x$ BEGIN RAISE EXCEPTION 'Xanthippe % ', 'Secretive'; END $x$")
	fails("SET LOCAL statement_timeout = 1; SELECT pg_sleep(10), 'Xanthippe'")
	fails("SELECT * FROM no_such_table WHERE name = 'Xanthippe'")
	_, err = e.DB().NewRaw("SELECT pg_sleep(1.2), ?", "Xanthippe").Exec(t.Context())
	require.NoError(t, err)
	_, err = e.DB().NewSelect().ColumnExpr("pg_sleep(1.2)").ColumnExpr("?", bun.List([]string{"Xanthippe", "Secretive"})).Exec(t.Context())
	require.NoError(t, err)

	path := filepath.Join(dir, "postgres.log")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Contains(t, string(raw), "database system is ready", "it does tell of the server itself")
	require.Contains(t, log.String(), "slow query")
	for _, text := range private {
		require.NotContains(t, strings.ToLower(string(raw)), strings.ToLower(text), "postgres.log")
		require.NotContains(t, strings.ToLower(log.String()), strings.ToLower(text), "the engine's log")
	}
}
