// Package dbtest gives each test its own migrated database, cloned from a
// template in a few hundredths of a second.
package dbtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"eventstream/migrations"
	"eventstream/server/db"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const templateLock = 7_239_009

var once sync.Map // template name → *sync.Once

// URL makes a database for the test and gives its URL. The database goes when
// the test passed, and stays with its URL in the log when it failed.
func URL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	require.NotEmpty(t, server, "no Postgres for tests: run them with make test-go, or set TEST_DATABASE_URL")
	template := "template_" + hash(t)
	o, _ := once.LoadOrStore(template, new(sync.Once))
	o.(*sync.Once).Do(func() { makeTemplate(t, server, template) })

	return create(t, server, template)
}

// EmptyURL makes a database that nothing was ever done with, and gives its URL.
func EmptyURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	require.NotEmpty(t, server, "no Postgres for tests: run them with make test-go, or set TEST_DATABASE_URL")
	return create(t, server, "")
}

// create makes a database, a copy of the template if one is named.
func create(t testing.TB, server, template string) string {
	t.Helper()
	ctx := context.Background()
	name := "test_" + strings.ToLower(rand.Text()[:12])
	admin, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	defer func() { _ = admin.Close(ctx) }()
	sql := "CREATE DATABASE " + name
	if template != "" {
		sql += " TEMPLATE " + template
		// Where nothing is synced, copying files takes a twentieth of what copying through the write-ahead log takes.
		var fsync string
		require.NoError(t, admin.QueryRow(ctx, "SHOW fsync").Scan(&fsync))
		if fsync == "off" {
			sql += " STRATEGY file_copy"
		}
	}
	_, err = admin.Exec(ctx, sql)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the database stays: %s", named(server, name))
			return
		}
		admin, err := pgx.Connect(ctx, server)
		if err != nil {
			return
		}
		defer func() { _ = admin.Close(ctx) }()
		_, _ = admin.Exec(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name))
	})
	return named(server, name)
}

// New makes a database for the test and opens it.
func New(t testing.TB) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), URL(t), 20, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

func named(server, database string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + database
	return u.String()
}

// hash changes with our migrations; River's come with its version in go.mod,
// and a fresh Postgres in each run of make test-go.
func hash(t testing.TB) string {
	t.Helper()
	h := sha256.New()
	files, err := fs.Glob(migrations.FS, "*.sql")
	require.NoError(t, err)
	for _, f := range files {
		raw, err := migrations.FS.ReadFile(f)
		require.NoError(t, err)
		h.Write([]byte(f))
		h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// makeTemplate migrates once for all test processes: under a scratch name, and
// renamed when whole.
func makeTemplate(t testing.TB, server, template string) {
	t.Helper()
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	defer func() { _ = admin.Close(ctx) }()
	_, err = admin.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock)
	require.NoError(t, err)
	var there bool
	require.NoError(t, admin.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)",
		template).Scan(&there))
	if there {
		return
	}
	scratch := template + "_new"
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + scratch + " WITH (FORCE)", "CREATE DATABASE " + scratch} {
		_, err = admin.Exec(ctx, sql)
		require.NoError(t, err)
	}
	log := slog.New(slog.DiscardHandler)
	d, err := db.Open(ctx, named(server, scratch), 4, log)
	require.NoError(t, err)
	require.NoError(t, d.MigrateUp(ctx, log))
	d.Close()
	_, err = admin.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", scratch, template))
	require.NoError(t, err)
}
