package contact

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestZonesAreFoundByTheirIANANames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "Asia/Kolkata", "Asia/Calcutta", "UTC"} {
		first, err := Zone(name)
		require.NoError(t, err, name)
		again, err := Zone(name)
		require.NoError(t, err, name)
		require.Same(t, first, again, "it is loaded once")
		require.Equal(t, name, first.String())
	}
	for _, name := range []string{"", "Local", "Etc/Unknown", "../etc/passwd", "Europe/Berlin\x00"} {
		_, err := Zone(name)
		require.Error(t, err, "%q", name)
	}
}
