package db_test

import (
	"context"
	"errors"
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

// TestAPipelineEndsWithItsContext: what nobody waits for any more runs on nowhere, and its connection is free again.
func TestAPipelineEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, d.OpenPools(t.Context(), db.PoolEdge))
	ctx, cancel := context.WithCancel(db.WithPool(t.Context(), db.PoolEdge))
	asked := make(chan error, 1)
	go func() {
		asked <- d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			p := new(db.Pipeline)
			p.Exec("SELECT 1")
			p.Exec("SELECT pg_sleep(4)")
			p.Exec("SELECT 2")
			return p.Send(ctx, tx)
		})
	}()
	running := func() (n int) {
		require.NoError(t, d.NewRaw(`SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep%' AND state = 'active'`).
			Scan(t.Context(), &n))
		return n
	}
	require.Eventually(t, func() bool { return running() == 1 }, time.Minute, time.Millisecond)
	cancel()
	require.Error(t, <-asked)
	require.Eventually(t, func() bool {
		return running() == 0 && d.Stats()[db.PoolEdge].AcquiredConns() == 0
	}, time.Minute, 10*time.Millisecond)
	var n int
	p := new(db.Pipeline)
	p.Query(func(row db.Row) error { return row.Scan(&n) }, "SELECT 3")
	require.NoError(t, p.Send(db.WithPool(t.Context(), db.PoolEdge), d))
	require.Equal(t, 3, n)
}

// TestAnErrorOfARowEndsAPipeline, and leaves the connection usable.
func TestAnErrorOfARowEndsAPipeline(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	enough := errors.New("enough")
	p, later := new(db.Pipeline), 0
	p.Query(func(db.Row) error { return enough }, "SELECT generate_series(1, 1000)")
	p.Query(func(db.Row) error { later++; return nil }, "SELECT 1")
	require.ErrorIs(t, p.Send(t.Context(), d), enough)
	require.Zero(t, later)
	var text string
	p = new(db.Pipeline)
	p.Query(func(row db.Row) error { return row.Scan(&text) }, "SELECT $1 || array_to_string($2, ',')", "a\x00b\xff", []string{"c\x00", "d"})
	require.NoError(t, p.Send(t.Context(), d))
	require.Equal(t, "abc,d", text, "what Postgres cannot hold is left out")
}
