package campaign

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStatusMoves(t *testing.T) {
	t.Parallel()
	require.True(t, StatusSending.CanBecome(StatusPaused))
	require.False(t, StatusCompleted.CanBecome(StatusSending))
	require.False(t, StatusDraft.CanBecome(StatusSending))
	require.False(t, StatusCanceled.CanBecome(StatusSending))
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}
