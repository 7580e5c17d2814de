package segment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/globalid"
	"eventstream/server/segment"

	"github.com/stretchr/testify/require"
)

// waiting tells when n sessions wait for a lock.
func waiting(t *testing.T, d *db.DB, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var found int
		require.NoError(t, d.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").
			Scan(context.Background(), &found))
		return found == n
	}, time.Minute, time.Millisecond)
}

func text(s string) *string { return &s }

// An update that has to wait for another sees what the other wrote: what it does
// not name stays as the other left it.
func TestAnUpdateReadsWhatItChanges(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := segment.NewService(d)
	ctx := actor.With(t.Context(), actor.System)
	seg, err := s.Create(ctx, segment.Input{Name: text("first")})
	require.NoError(t, err)
	other, err := d.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = other.NewRaw("UPDATE segments SET description = 'written meanwhile' WHERE id = ?", seg.ID).Exec(ctx)
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		_, err := s.Update(ctx, seg.ID, segment.Input{Name: text("second")})
		done <- err
	}()
	waiting(t, d, 1)
	require.NoError(t, other.Commit())
	require.NoError(t, <-done)
	seg, err = s.ByID(ctx, seg.ID)
	require.NoError(t, err)
	require.Equal(t, "second", seg.Name)
	require.Equal(t, "written meanwhile", seg.Description)
}

func namesOf(id int64) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"segment": %q}`, globalid.Encode("Segment", id)))
}

// Two segments that begin to name each other at the same moment: one of them is
// refused, as it would be one after the other.
func TestTwoUpdatesTogetherCloseNoCircle(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := segment.NewService(d)
	ctx := actor.With(t.Context(), actor.System)
	a, err := s.Create(ctx, segment.Input{Name: text("a")})
	require.NoError(t, err)
	b, err := s.Create(ctx, segment.Input{Name: text("b")})
	require.NoError(t, err)
	// Both are held until both have come.
	gate, err := d.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = gate.NewRaw("SELECT 1 FROM segments FOR UPDATE").Exec(ctx)
	require.NoError(t, err)
	done := make(chan error, 2)
	for _, pair := range [][2]int64{{a.ID, b.ID}, {b.ID, a.ID}} {
		go func() {
			_, err := s.Update(ctx, pair[0], segment.Input{Query: namesOf(pair[1])})
			done <- err
		}()
	}
	waiting(t, d, 2)
	require.NoError(t, gate.Commit())
	first, second := <-done, <-done
	if first == nil {
		first, second = second, first
	}
	require.Error(t, first)
	require.NoError(t, second)
	for _, id := range []int64{a.ID, b.ID} {
		seg, err := s.ByID(ctx, id)
		require.NoError(t, err)
		_, err = s.CountQuery(ctx, seg.Query)
		require.NoError(t, err, "what is saved can be counted")
	}
}

// A segment is not deleted under one that begins to name it.
func TestADeleteWaitsForWhoBeginsToNameTheSegment(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := segment.NewService(d)
	ctx := actor.With(t.Context(), actor.System)
	a, err := s.Create(ctx, segment.Input{Name: text("a")})
	require.NoError(t, err)
	b, err := s.Create(ctx, segment.Input{Name: text("b")})
	require.NoError(t, err)
	gate, err := d.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = gate.NewRaw("SELECT 1 FROM segments WHERE id = ? FOR UPDATE", b.ID).Exec(ctx)
	require.NoError(t, err)
	named, deleted := make(chan error), make(chan error)
	go func() {
		_, err := s.Update(ctx, b.ID, segment.Input{Query: namesOf(a.ID)})
		named <- err
	}()
	waiting(t, d, 1)
	go func() { deleted <- s.Delete(ctx, a.ID) }()
	select {
	case err := <-deleted:
		t.Fatalf("it did not wait: %v", err)
	case <-func() chan struct{} {
		both := make(chan struct{})
		go func() { waiting(t, d, 2); close(both) }()
		return both
	}():
	}
	require.NoError(t, gate.Commit())
	require.NoError(t, <-named)
	require.ErrorContains(t, <-deleted, "used by")
}
