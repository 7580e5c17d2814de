package db_test

import (
	"context"
	"log/slog"
	"testing"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

func TestMigrationsGoDownAndUpAgain(t *testing.T) {
	t.Parallel()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	d := dbtest.New(t)
	before := tables(t, d)
	require.Contains(t, before, "messages")
	require.Contains(t, before, "river_job")
	require.NoError(t, d.MigrateDown(ctx, true, log))
	require.Error(t, d.CheckMigrated(ctx))
	left := tables(t, d)
	require.NotContains(t, left, "messages")
	require.NotContains(t, left, "river_job")
	require.NoError(t, d.MigrateUp(ctx, log))
	require.NoError(t, d.CheckMigrated(ctx))
	require.Equal(t, before, tables(t, d))
	require.NoError(t, d.MigrateUp(ctx, log), "a second time changes nothing")
}

func tables(t *testing.T, d *db.DB) (names []string) {
	t.Helper()
	require.NoError(t, d.NewRaw("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1").Scan(context.Background(), &names))
	return names
}
