package guard_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/guard"

	"github.com/stretchr/testify/require"
)

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestWhatStrangersCauseIsLoggedWithACount(t *testing.T) {
	t.Parallel()
	out := new(buffer)
	tally := &guard.Tally{Log: slog.New(slog.NewTextHandler(out, nil)), Message: "refused", Every: time.Second}
	for range 1000 {
		tally.Add(context.Background(), "path", "/x")
	}
	require.Contains(t, out.String(), "count=1 path=/x")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "count=999 path=/x") }, time.Minute, 10*time.Millisecond)
	require.Equal(t, 2, strings.Count(out.String(), "\n"), "two lines tell of a thousand")
	tally.Add(context.Background(), "path", "/y")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "count=1 path=/y") }, time.Minute, 10*time.Millisecond)
}
