package globalid

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSplit: what is taken for an id is one that we would give.
func FuzzSplit(f *testing.F) {
	f.Add(Encode("Contact", 7))
	f.Add("")
	f.Add("Q29udGFjdDo3")
	f.Add("Q29udGFjdDotMQ==")
	f.Fuzz(func(t *testing.T, text string) {
		kind, id, ok := Split(text)
		if !ok {
			return
		}
		again, n, ok := Split(Encode(kind, id))
		require.True(t, ok)
		require.Equal(t, kind, again)
		require.Equal(t, id, n)
	})
}
