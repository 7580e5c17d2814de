package consent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHashIsKeyed(t *testing.T) {
	t.Parallel()
	require.Equal(t, NewHasher("a").Hash("+49"), NewHasher("a").Hash("+49"))
	require.NotEqual(t, NewHasher("a").Hash("+49"), NewHasher("b").Hash("+49"))
}
