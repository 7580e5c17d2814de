package bench

import (
	"testing"

	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

// What runs every second looks at as much in a large installation as in a small
// one. Blocks are counted and not time, so that no machine is too slow for it.
func TestPeriodicQueriesDoNotGrow(t *testing.T) {
	t.Parallel()
	const few, many = 3000, 30_000
	names, small, err := costs(t.Context(), dbtest.New(t), few)
	require.NoError(t, err)
	d := dbtest.New(t)
	_, large, err := costs(t.Context(), d, many)
	require.NoError(t, err)
	for _, name := range names {
		// A tree of an index grows by a level now and then.
		t.Logf("%-30s %5d blocks, %5d at 10 times the size", name, small[name].Blocks, large[name].Blocks)
		require.LessOrEqual(t, float64(large[name].Blocks), 1.5*float64(small[name].Blocks)+20, name)
	}
	// The test can fail: what counts a table is seen.
	c, err := explain(t.Context(), d, []string{"SELECT count(*) FROM contacts WHERE erased_at IS NULL"})
	require.NoError(t, err)
	require.Greater(t, c.Blocks, int64(100))
}
