package db_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func TestTheLogOfSlowQueriesHoldsNoValues(t *testing.T) {
	t.Parallel()
	ctx, log := context.Background(), new(bytes.Buffer)
	d, err := db.Open(ctx, dbtest.URL(t), 2, slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	many := make([]int64, 10_000)
	for _, values := range [][]any{
		{"+491511234567", "it's private"},
		{[]byte("private"), nil},
		{map[string]string{"text": "private"}, "+491511234567'; --"},
	} {
		var n int
		require.NoError(t, d.NewRaw("SELECT 1 FROM pg_sleep(1.1) WHERE ?::text IS DISTINCT FROM ?::text AND 1 <> ALL (?::bigint[])",
			values[0], values[1], pgdialect.Array(many)).Scan(ctx, &n))
	}
	require.Contains(t, log.String(), "slow query")
	require.Contains(t, log.String(), "pg_sleep")
	require.NotContains(t, log.String(), "private")
	require.NotContains(t, log.String(), "491511234567")
	require.Less(t, log.Len(), 10_000)
}

// TestErrorsHoldNoValues: Postgres quotes the value that it cannot take.
func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, query := range []string{
		"SELECT ?::int", "SELECT ?::timestamptz", "SELECT (?::text)::inet",
	} {
		_, err := d.NewRaw(query, "ada@private.example").Exec(t.Context())
		require.ErrorContains(t, err, "private", "%s: this is what Postgres says", query)
		err = db.Err(db.Err(err))
		require.NotContains(t, err.Error(), "private", query)
		require.ErrorContains(t, err, "SQLSTATE 22", query)
		pg, ok := errors.AsType[*pgconn.PgError](err)
		require.True(t, ok)
		require.Contains(t, err.Error(), pg.Code)
	}
}
