package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlacesAreShared(t *testing.T) {
	t.Parallel()
	long, short, none := []string{"a1", "a2", "a3", "a4", "a5"}, []string{"b1"}, []string{}
	require.Equal(t, []string{"a1", "a2", "b1"}, shared(3, long, short, none))
	require.Equal(t, []string{"a1", "a2", "a3", "a4", "b1"}, shared(5, long, none, short))
	require.Equal(t, []string{"b1", "a1", "a2", "a3", "a4", "a5"}, shared(50, short, long))
	require.Empty(t, shared(5, none, none))
}
