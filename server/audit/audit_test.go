package audit_test

import (
	"context"
	"fmt"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

func chain(t *testing.T) (*db.DB, *audit.Trail) {
	t.Helper()
	ctx := actor.With(context.Background(), actor.Actor{Kind: actor.KindOperator, ID: 7, Role: actor.RoleAdmin})
	d := dbtest.New(t)
	for i := range 10 {
		require.NoError(t, audit.Record(ctx, d, "thing.change", "thing", int64(i+1), map[string]any{"n": i}))
	}
	trail := audit.NewTrail(d)
	n, err := trail.Seal(ctx)
	require.NoError(t, err)
	require.Equal(t, 10, n)
	v, err := trail.Verify(ctx)
	require.NoError(t, err)
	require.Nil(t, v.Broken)
	require.EqualValues(t, 10, v.Entries)
	return d, trail
}

func TestTheDatabaseItselfRefusesChanges(t *testing.T) {
	t.Parallel()
	d, _ := chain(t)
	for _, sql := range []string{
		"UPDATE audit_entries SET action = 'x' WHERE id = 3", "DELETE FROM audit_entries WHERE id = 3",
		"TRUNCATE audit_entries", "UPDATE audit_entries SET hash = NULL, seq = NULL WHERE id = 3",
	} {
		_, err := d.ExecContext(context.Background(), sql)
		require.ErrorContains(t, err, "append-only", sql)
	}
}

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"a changed entry":        `UPDATE audit_entries SET changes = '{"n": 99}' WHERE id = 4`,
		"another actor":          `UPDATE audit_entries SET actor_id = 8 WHERE id = 4`,
		"a removed entry":        `DELETE FROM audit_entries WHERE id = 4`,
		"two that change places": `UPDATE audit_entries SET seq = CASE id WHEN 4 THEN -5 ELSE 4 END WHERE id IN (4, 5); UPDATE audit_entries SET seq = 5 WHERE seq = -5`,
	} {
		d, trail := chain(t)
		_, err := d.Pool.Exec(context.Background(), "ALTER TABLE audit_entries DISABLE TRIGGER ALL")
		require.NoError(t, err)
		conn, err := d.Pool.Acquire(context.Background())
		require.NoError(t, err)
		_, err = conn.Conn().PgConn().Exec(context.Background(), sql).ReadAll()
		require.NoError(t, err, name)
		conn.Release()
		v, err := trail.Verify(context.Background())
		require.NoError(t, err)
		require.NotNil(t, v.Broken, name)
		require.Contains(t, []int64{4, 5}, *v.Broken, fmt.Sprint(name, v.Reason))
	}
}
