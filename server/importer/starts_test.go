package importer

import (
	"log/slog"
	"testing"
	"time"

	"eventstream/server/consent"
	"eventstream/server/db/dbtest"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/stretchr/testify/require"
)

// TestAnImportThatEndsItsProcessIsGivenUp at the third start at the same row.
func TestAnImportThatEndsItsProcessIsGivenUp(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	log := slog.New(slog.DiscardHandler)
	hub := pubsub.New(d.Pool, log)
	s := NewService(Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{}, Consents: consent.NewService(d, hub, keys.Fixed("test"), time.Now),
		Topics: topic.NewService(d, hub), Log: log, Now: time.Now, Owner: "test",
	})
	file := []byte("phone\n+4915112340001\n+4915112340002\n")
	add := func(starts int, row int64) *Import {
		opts, err := sniff(file, &Request{Mode: ModeUpsert})
		require.NoError(t, err)
		imp := &Import{FileName: "f.csv", SizeBytes: int64(len(file)), Options: opts, Status: StatusRunning, Starts: starts, StartsRow: row}
		require.NoError(t, insert(t.Context(), d, imp))
		require.NoError(t, insertChunk(t.Context(), d, imp.ID, 0, file))
		return imp
	}
	for _, c := range []struct {
		starts int
		row    int64
		want   Status
	}{{0, 0, StatusCompleted}, {1, 0, StatusCompleted}, {2, 0, StatusFailed}, {2, 7, StatusCompleted}} {
		imp := add(c.starts, c.row)
		require.NoError(t, s.Run(t.Context(), imp.ID))
		got, err := s.ByID(t.Context(), imp.ID)
		require.NoError(t, err)
		require.Equal(t, c.want, got.Status, "%+v: %s", c, got.Failure)
		if c.want == StatusFailed {
			require.Contains(t, got.Failure, "ended 2 times behind row 0")
		} else {
			require.Zero(t, got.Starts)
		}
	}
	// An older version counted rows differently: it begins anew.
	imp := add(0, 0)
	_, err := d.NewRaw("UPDATE imports SET rows_done = 1, created = 1, options = options - 'reader' WHERE id = ?", imp.ID).Exec(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Run(t.Context(), imp.ID))
	got, err := s.ByID(t.Context(), imp.ID)
	require.NoError(t, err)
	require.EqualValues(t, 2, got.RowsDone)
}
