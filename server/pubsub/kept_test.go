package pubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/pubsub"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// fragile is a hub that runs on a pool whose connections can be refused, and
// how often one was.
func fragile(t *testing.T) (hub *pubsub.Hub, broken *atomic.Bool, refused *atomic.Int64) {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dbtest.URL(t))
	require.NoError(t, err)
	broken, refused = new(atomic.Bool), new(atomic.Int64)
	cfg.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
		if broken.Load() {
			refused.Add(1)
			return true, errors.New("no connection for you")
		}
		return true, nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	hub = pubsub.New(pool, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		hub.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return hub, broken, refused
}

// listening subscribes and waits until the hub hears itself.
func listening(t *testing.T, hub *pubsub.Hub) <-chan []int64 {
	t.Helper()
	heard := hub.Subscribe(t.Context(), pubsub.TopicContact)
	select {
	case ids := <-heard:
		require.Nil(t, ids, "it listens from now on")
	case <-time.After(time.Minute):
		t.Fatal("it does not listen")
	}
	return heard
}

// What could not be published is published when that is possible again, with
// what came since.
func TestWhatCouldNotBePublishedIsKept(t *testing.T) {
	t.Parallel()
	hub, broken, refused := fragile(t)
	heard := listening(t, hub)
	broken.Store(true)
	hub.Publish(pubsub.TopicContact, 1, 2)
	require.Eventually(t, func() bool { return refused.Load() > 0 }, time.Minute, time.Millisecond)
	hub.Publish(pubsub.TopicContact, 3)
	broken.Store(false)
	got := map[int64]bool{}
	for len(got) < 3 {
		select {
		case ids := <-heard:
			for _, id := range ids {
				got[id] = true
			}
		case <-time.After(time.Minute):
			t.Fatalf("only %v came", got)
		}
	}
}

// However long it cannot be published, only so much is kept: then listeners are
// asked to read everything anew.
func TestTooMuchToKeepBecomesReadEverything(t *testing.T) {
	t.Parallel()
	hub, broken, refused := fragile(t)
	heard := listening(t, hub)
	broken.Store(true)
	for id := range int64(20_000) {
		hub.Publish(pubsub.TopicContact, id+1)
	}
	require.Eventually(t, func() bool { return refused.Load() > 0 }, time.Minute, time.Millisecond)
	broken.Store(false)
	for {
		select {
		case ids := <-heard:
			if ids == nil {
				return
			}
		case <-time.After(time.Minute):
			t.Fatal("nobody asked to read everything")
		}
	}
}
