package experiment

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"eventstream/server/db/dbtest"
)

// people is of how many contacts both sides draw.
const people = 10_000

// spread holds counts against the shares that were asked for: Pearson's chi-square below
// the bound that chance exceeds once in 100,000 times, for 1 to 4 degrees of freedom.
func spread(t *testing.T, counts []int, weights []int) {
	t.Helper()
	bound := map[int]float64{1: 19.51, 2: 23.03, 3: 25.90, 4: 28.47}
	total, all := 0, 0
	for i := range counts {
		total += weights[i]
		all += counts[i]
	}
	chi, free := 0.0, -1
	for i := range counts {
		expected := float64(all) * float64(weights[i]) / float64(total)
		if weights[i] == 0 {
			require.Zero(t, counts[i])
			continue
		}
		free++
		chi += (float64(counts[i]) - expected) * (float64(counts[i]) - expected) / expected
	}
	if free > 0 {
		require.Less(t, chi, bound[free], "%v of weights %v", counts, weights)
	}
}

// TestPostgresAssignsAsGoDoes compares every contact of ten thousand, with small ids, large
// and negative ones.
func TestPostgresAssignsAsGoDoes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	key := []byte("a campaign's key: \x00\xff'?\\")
	compare := func(name, expression string, args []any, inGo func(Numbers) int) []int {
		var rows []struct {
			ID  int64
			Got int
		}
		require.NoError(t, d.NewRaw("SELECT id, ("+expression+")::int AS got FROM (SELECT CASE WHEN n <= ? THEN n "+
			"ELSE (ARRAY['9223372036854775807', '-9223372036854775808', '-1', '0'])[(n - ?)::int]::bigint END AS id "+
			"FROM generate_series(1, ?::bigint) n) c", append(args, people-4, people-4, people)...).
			Scan(context.Background(), &rows), name)
		require.Len(t, rows, people)
		counts := make([]int, 8)
		for _, row := range rows {
			require.Equal(t, inGo(Draw(key, row.ID)), row.Got, "%s of %d", name, row.ID)
			counts[row.Got]++
		}
		return counts
	}
	for _, percent := range []float64{-1, 0, 0.5, 10, 33.333333, 100, 101, math.NaN()} {
		asked := int(math.Round(min(max(percent, 0), 100) * 1e6))
		if math.IsNaN(percent) {
			asked = 0
		}
		expression, args := HeldOutSQL("c.id", key, percent)
		counts := compare(fmt.Sprintf("held out %v", percent), expression, args,
			func(n Numbers) int { return count(n.HeldOut(percent)) })
		spread(t, counts[:2], []int{100_000_000 - asked, asked})
		expression, args = InTestSQL("c.id", key, percent)
		counts = compare(fmt.Sprintf("in the test %v", percent), expression, args,
			func(n Numbers) int { return count(n.InTest(percent)) })
		spread(t, counts[:2], []int{100_000_000 - asked, asked})
	}
	for _, weights := range [][]int{
		nil, {7}, {1, 1}, {3, 1}, {1, 1, 1, 1, 1}, {0, 1}, {1, 0}, {1, 0, 1}, {MostWeight, 1, MostWeight}, {99, 1},
	} {
		expression, args := VariantSQL("c.id", key, weights)
		counts := compare(fmt.Sprintf("variant of %v", weights), expression, args,
			func(n Numbers) int { return n.Variant(weights) })
		if len(weights) == 0 {
			weights = []int{1}
		}
		if len(weights) != 3 || weights[1] != 1 {
			spread(t, counts[:len(weights)], weights)
		}
	}
}

// TestWeightsAtTheirLimits: what makes no sense gives everybody the first variant, and
// nothing overflows.
func TestWeightsAtTheirLimits(t *testing.T) {
	t.Parallel()
	last := Numbers{Place: math.MaxUint32, Holdout: math.MaxUint32, Test: math.MaxUint32}
	require.Equal(t, 0, last.Variant(nil))
	require.Equal(t, 0, last.Variant([]int{0, 0}))
	require.Equal(t, 0, last.Variant([]int{-1, -5}))
	require.Equal(t, 1, last.Variant([]int{math.MaxInt, math.MaxInt}))
	require.Equal(t, 0, Numbers{}.Variant([]int{math.MaxInt, math.MaxInt}))
	require.Equal(t, 1, Numbers{}.Variant([]int{0, 1}))
	require.Equal(t, 0, last.Variant([]int{1, 0}))
	require.True(t, last.HeldOut(100))
	require.False(t, last.HeldOut(99.9999999))
	require.False(t, Numbers{}.InTest(0))
	require.True(t, Numbers{}.InTest(1e-7))
}

// TestADrawIsWhatIsWritten holds the bytes themselves, so that whoever recomputes them with
// another tool comes to the same: printf 'key\0\0\0\0\0\0\0\1' | sha256sum.
func TestADrawIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	require.Equal(t, Numbers{Holdout: 0x78694467, Test: 0xbf9cd7c0, Place: 0x6d8b2c53}, Draw([]byte("key"), 1))
	key := bytes.Repeat([]byte{7}, 32)
	require.Equal(t, Draw(key[:16:16], 5), Draw(key[:16], 5))
	require.Equal(t, bytes.Repeat([]byte{7}, 32), key, "the key is not written to")
}

// TestNothingDrawnTellsOfAnother: holdout, test and variant of one campaign are independent
// of one another, and of those of another campaign.
func TestNothingDrawnTellsOfAnother(t *testing.T) {
	t.Parallel()
	draw := func(key string, id int64) []bool {
		n := Draw([]byte(key), id)
		return []bool{n.HeldOut(20), n.InTest(40), n.Variant([]int{1, 1}) == 1}
	}
	var tables [6][6][2][2]float64
	for id := int64(1); id <= people; id++ {
		all := append(draw("one campaign", id), draw("another campaign", id)...)
		for i := range all {
			for j := range all {
				tables[i][j][count(all[i])][count(all[j])]++
			}
		}
	}
	for i := range 6 {
		for j := range i {
			c := tables[i][j]
			chi := 0.0
			for x := range 2 {
				for y := range 2 {
					expected := (c[x][0] + c[x][1]) * (c[0][y] + c[1][y]) / people
					chi += (c[x][y] - expected) * (c[x][y] - expected) / expected
				}
			}
			require.Less(t, chi, 19.51, "%d and %d: %v", i, j, c)
		}
	}
}
