package experiment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// check holds an interval to what is true of every one.
func check(t *testing.T, a, b Arm, o Options) {
	t.Helper()
	i := Compare(a, b, o)
	for _, v := range []float64{i.Low, i.Difference, i.High} {
		require.False(t, math.IsNaN(v), "%+v %+v %+v: %+v", a, b, o, i)
		require.True(t, v >= -1 && v <= 1, "%+v %+v %+v: %+v", a, b, o, i)
	}
	require.True(t, i.Low <= i.Difference && i.Difference <= i.High, "%+v %+v %+v: %+v", a, b, o, i)
	back := o
	back.Planned = []int64{o.planned(1), o.planned(0)}
	o.Planned = []int64{o.planned(0), o.planned(1)}
	j := Compare(b, a, back)
	require.InDelta(t, i.Low, -j.High, 1e-12, "%+v %+v %+v", a, b, o)
	require.InDelta(t, i.High, -j.Low, 1e-12, "%+v %+v %+v", a, b, o)
	lift := Lift(b, a, back)
	require.Equal(t, Compare(a, b, o), lift, "%+v %+v %+v", a, b, o)
	if a.N <= 0 || b.N <= 0 {
		require.Equal(t, Interval{Low: -1, High: 1}, i)
	}
}

func FuzzIntervals(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0), int64(0), 0.0, 0, int64(0), int64(0))
	f.Add(int64(-1), int64(5), int64(3), int64(-9), 1.0, -1, int64(-1), int64(1))
	f.Add(int64(10), int64(11), int64(10), int64(0), 0.99, 10, int64(10), int64(1_000_000))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(1), int64(1), math.NaN(), 1, int64(math.MaxInt64), int64(1))
	f.Add(int64(math.MaxInt64), int64(0), int64(math.MaxInt64), int64(math.MaxInt64), 1e-300, math.MaxInt, int64(1), int64(1))
	f.Add(int64(math.MinInt64), int64(math.MinInt64), int64(1), int64(2), 1-1e-16, 1, int64(1), int64(1))
	f.Fuzz(func(t *testing.T, an, ax, bn, bx int64, confidence float64, comparisons int, plannedA, plannedB int64) {
		a, b := Arm{an, ax}, Arm{bn, bx}
		o := Options{Confidence: confidence, Comparisons: comparisons, Planned: []int64{plannedA, plannedB}}
		check(t, a, b, o)
		arms := []Arm{a, b, {N: bx, X: an}}
		v := Judge(arms, o)
		require.True(t, v.More >= 0 && v.More <= MostMore, "%+v", v)
		require.True(t, v.Leader >= -1 && v.Leader < 3 && v.RunnerUp >= -1 && v.RunnerUp < 3, "%+v", v)
		require.False(t, v.Shown && (v.More > 0 || v.Beyond), "%+v", v)
		require.Len(t, Harmed(arms, o), 3)
	})
}

func TestArmsAreHeldWithinTheirLimits(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1.0, Arm{N: 5, X: 9}.Share())
	require.Equal(t, 0.0, Arm{N: 5, X: -9}.Share())
	require.Equal(t, 0.0, Arm{N: -5, X: 9}.Share())
	require.Equal(t, Compare(Arm{10, 10}, Arm{10, 0}, Options{}), Compare(Arm{10, 12}, Arm{10, -3}, Options{}))
}

// TestMoreIsKnownOfMore: intervals narrow with recipients, and widen with the confidence
// and with the comparisons.
func TestMoreIsKnownOfMore(t *testing.T) {
	t.Parallel()
	width := func(n int64, o Options) float64 {
		i := Compare(Arm{n, n * 3 / 10}, Arm{n, n * 4 / 10}, o)
		return i.High - i.Low
	}
	last := 2.0
	for n := int64(10); n <= 10_000_000; n *= 10 {
		w := width(n, Options{})
		require.Less(t, w, last, n)
		require.Less(t, w, width(n, Options{Confidence: 0.999})+1e-12)
		require.LessOrEqual(t, w, width(n, Options{Comparisons: 10}))
		last = w
	}
	// What looking at any time costs, against one look planned in advance.
	for _, share := range []int64{1, 5, 30, 70, 95} {
		const n = 10_000
		x := share * n / 100
		i := Compare(Arm{n, x}, Arm{n, x}, Options{Planned: []int64{n, n}})
		p := float64(share) / 100
		once := 1.96 * math.Sqrt(2*p*(1-p)/n)
		t.Logf("share %2d %%: %.2f points either way, %.2f times that of one look", share, i.High*100, i.High/once)
		require.InDelta(t, 1.7, i.High/once, 0.25)
	}
}

func TestTheVerdict(t *testing.T) {
	t.Parallel()
	none := Interval{Low: -1, High: 1}
	require.Equal(t, Verdict{Leader: -1, RunnerUp: -1, Interval: none}, Judge(nil, Options{}))
	require.Equal(t, Verdict{Leader: -1, RunnerUp: -1, Interval: none}, Judge([]Arm{{}, {}}, Options{}))
	require.Equal(t, Verdict{Leader: -1, RunnerUp: -1, Interval: none}, Judge([]Arm{{10, 1}, {}}, Options{}))

	same := Judge([]Arm{{100, 10}, {1000, 100}}, Options{})
	require.Equal(t, []int{0, 1}, []int{same.Leader, same.RunnerUp}, "the earlier of equal ones")
	require.False(t, same.Shown)
	require.Zero(t, same.More, "no difference tells nothing")

	o := Options{Planned: []int64{5000, 5000, 5000}}
	clear := Judge([]Arm{{5000, 1500}, {5000, 2500}, {5000, 1000}}, o)
	require.Equal(t, []int{1, 0}, []int{clear.Leader, clear.RunnerUp})
	require.True(t, clear.Shown)
	require.Zero(t, clear.More)
	require.InDelta(t, 0.2, clear.Interval.Difference, 1e-12)

	// Better than the runner-up, a large arm, and not yet than a small one.
	small := Judge([]Arm{{5000, 1500}, {5000, 2500}, {10, 2}}, o)
	require.True(t, small.Interval.Differs())
	require.False(t, small.Shown)
	require.Positive(t, small.More)

	// Nothing is told while a variant has nobody.
	empty := Judge([]Arm{{5000, 1500}, {5000, 2500}, {}}, o)
	require.False(t, empty.Shown)
	require.Zero(t, empty.More)
}

// TestAsManyMoreAsItSays: with as many more recipients and the same shares, it is shown;
// with a tenth fewer it is not.
func TestAsManyMoreAsItSays(t *testing.T) {
	t.Parallel()
	for _, arms := range [][]Arm{
		{{1000, 300}, {1000, 330}},
		{{1000, 10}, {1000, 20}},
		{{3000, 2850}, {1000, 960}},
		{{500, 150}, {500, 140}, {500, 170}},
	} {
		planned := make([]int64, len(arms))
		var total int64
		for i, a := range arms {
			planned[i] = a.N * 2
			total += a.N
		}
		o := Options{Planned: planned}
		v := Judge(arms, o)
		require.False(t, v.Shown)
		require.Positive(t, v.More)
		require.Equal(t, total+v.More > 2*total, v.Beyond, "%+v", v)
		require.True(t, shown(arms, v.Leader, o, float64(total+v.More)/float64(total)*1.0001))
		require.False(t, shown(arms, v.Leader, o, float64(total)/float64(total)+0.9*float64(v.More)/float64(total)))
	}
	tiny := Judge([]Arm{{1 << 40, 1 << 39}, {1 << 40, 1<<39 + 1}}, Options{Planned: []int64{1 << 40, 1 << 40}})
	require.Zero(t, tiny.More)
	require.True(t, tiny.Beyond)
}

func TestHarmIsSeen(t *testing.T) {
	t.Parallel()
	o := Options{Planned: []int64{5000, 5000, 5000}}
	require.Equal(t, []bool{false, true, false}, Harmed([]Arm{{5000, 25}, {5000, 150}, {5000, 20}}, o))
	require.Equal(t, []bool{false, false, false}, Harmed([]Arm{{5000, 25}, {5000, 30}, {5000, 20}}, o))
	require.Equal(t, []bool{false, false}, Harmed([]Arm{{}, {5000, 4000}}, o), "nobody to compare with")
	require.Empty(t, Harmed(nil, o))
}

// TestHoldoutsOfVeryUnequalSize: the smaller side decides how much is known.
func TestHoldoutsOfVeryUnequalSize(t *testing.T) {
	t.Parallel()
	o := Options{Planned: []int64{90_000, 1000}}
	i := Lift(Arm{90_000, 9000}, Arm{1000, 60}, o)
	require.InDelta(t, 0.04, i.Difference, 1e-12)
	require.True(t, i.Differs(), "%+v", i)
	many := Lift(Arm{900_000, 90_000}, Arm{1000, 60}, o)
	require.InDelta(t, i.High-i.Low, many.High-many.Low, 0.01)
}
