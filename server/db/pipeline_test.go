package db_test

import (
	"context"
	"testing"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

func TestAPipelineIsPartOfItsTransaction(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	_, err := d.NewRaw("CREATE TABLE things (id bigint PRIMARY KEY, name text, at timestamptz, good bool)").Exec(t.Context())
	require.NoError(t, err)
	now := time.Date(2026, 11, 27, 12, 0, 0, 123_456_000, time.UTC)
	add := func(p *db.Pipeline, ids []int64, made *[]int64) {
		p.Query(func(row db.Row) error {
			var id int64
			err := row.Scan(&id)
			*made = append(*made, id)
			return err
		}, `INSERT INTO things SELECT * FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::bool[]) RETURNING id`,
			ids, []string{`it's "quoted", {x} \`, "", "ü"}, []*time.Time{&now, nil, &now}, []bool{true, false, true})
	}
	count := func(on bun.IDB) (n int) {
		p := new(db.Pipeline)
		p.Query(func(row db.Row) error { return row.Scan(&n) }, "SELECT count(*) FROM things")
		require.NoError(t, p.Send(t.Context(), on))
		return n
	}

	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		var made []int64
		p := new(db.Pipeline)
		p.Exec("SELECT set_config('lock_timeout', $1, true)", "50")
		add(p, []int64{1, 2, 3}, &made)
		require.NoError(t, p.Send(ctx, tx))
		require.Equal(t, []int64{1, 2, 3}, made)
		require.Equal(t, 3, count(tx), "the transaction sees them")
		require.Zero(t, count(d), "nobody else does")
		return nil
	}))
	require.Equal(t, 3, count(d.DB))
	var row struct {
		Name string
		At   *time.Time
		Good bool
	}
	require.NoError(t, d.NewRaw("SELECT name, at, good FROM things WHERE id = 1").Scan(t.Context(), &row))
	require.Equal(t, `it's "quoted", {x} \`, row.Name)
	require.True(t, now.Equal(*row.At))
	require.True(t, row.Good)

	// An error ends the pipeline and the transaction, and tells what any statement would.
	err = d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		var made []int64
		p := new(db.Pipeline)
		p.Exec("DELETE FROM things WHERE id = $1", int64(2))
		add(p, []int64{3, 4, 5}, &made)
		p.Exec("DELETE FROM things")
		return p.Send(ctx, tx)
	})
	require.Equal(t, apperr.CodeConflict, apperr.CodeOf(err), "%v", err)
	require.Equal(t, 3, count(d), "nothing of it stays")

	require.NoError(t, new(db.Pipeline).Send(t.Context(), d), "no statement is none")
	p := new(db.Pipeline)
	p.Exec("SELECT $1", struct{}{})
	require.ErrorContains(t, p.Send(t.Context(), d), "$1 is a struct {}")
}

// TestAPipelineEndsWithItsContext: what nobody waits for any more holds no connection.
func TestAPipelineEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() {
		p := new(db.Pipeline)
		p.Exec("SELECT pg_sleep(600), 'a pipeline'")
		asked <- p.Send(ctx, d)
	}()
	running := func() (n int) {
		require.NoError(t, d.NewRaw(`SELECT count(*) FROM pg_stat_activity
			WHERE query LIKE '%a pipe' || 'line%' AND query LIKE 'SELECT pg_sleep%' AND state = 'active'`).Scan(t.Context(), &n))
		return n
	}
	require.Eventually(t, func() bool { return running() == 1 }, time.Minute, 10*time.Millisecond)
	cancel()
	require.Error(t, <-asked)
}
