package db_test

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"eventstream/server/db"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestAnOlderPostgresIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number int
		name   string
	}{{90624, "9.6.24"}, {130023, "13.23"}, {140023, "14.23 (Debian 14.23-1.pgdg12+1)"}, {149999, "14beta9"}} {
		err := db.CheckVersion(c.number, c.name)
		require.ErrorContains(t, err, c.name)
		require.ErrorContains(t, err, "Postgres 15 or newer")
	}
	for _, number := range []int{150000, 150018, 160014, 170010, 180004, 190000, 200001} {
		require.NoError(t, db.CheckVersion(number, "x"))
	}
}

// TestThisPostgresIsTakenOrRefused asks the real server. make test-postgres runs
// it on one that is too old, too.
func TestThisPostgresIsTakenOrRefused(t *testing.T) {
	t.Parallel()
	ctx, url := context.Background(), os.Getenv("TEST_DATABASE_URL")
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(ctx) })
	var number int
	var name string
	require.NoError(t, conn.QueryRow(ctx,
		"SELECT current_setting('server_version_num')::int, current_setting('server_version')").
		Scan(&number, &name))
	d, err := db.Open(ctx, url, 2, slog.New(slog.DiscardHandler))
	if number < db.OldestPostgres*10_000 {
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "15 or newer")
		return
	}
	require.NoError(t, err)
	d.Close()
}
