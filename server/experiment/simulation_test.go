package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The campaigns of a simulation go out over hours and are looked at every hour for
// three days. Of the recipients who will do what is counted, some do it within minutes of
// their message and the others after an exponential delay, which does not depend on how
// long they have waited already: so that who is still to do it can be counted together.
const (
	looks   = 72
	prompt  = 0.25 // of those who will do it, how many do it at once
	perKind = 1000
)

type plan struct {
	shares  []float64 // of each arm, in the end
	planned []int64
	hours   int     // over which it goes out
	delay   float64 // mean, in hours
}

type simulated struct {
	plan
	rnd             *rand.Rand
	arms            []Arm
	pending, remain []int64   // who will do it later; who has no message yet
	expected        []float64 // share of each arm that is to be expected by now
	waiting         []float64 // of the recipients who will do it, how many are expected to be waiting
}

func begin(p plan, rnd *rand.Rand) *simulated {
	k := len(p.planned)
	return &simulated{
		plan: p, rnd: rnd, arms: make([]Arm, k), pending: make([]int64, k),
		remain: append([]int64(nil), p.planned...), expected: make([]float64, k), waiting: make([]float64, k),
	}
}

// hour goes on by one hour.
func (s *simulated) hour(at int) {
	done := -math.Expm1(-1 / s.delay)
	for i := range s.arms {
		arm := &s.arms[i]
		late := binomial(s.rnd, s.pending[i], done)
		s.pending[i] -= late
		arm.X += late
		s.waiting[i] *= 1 - done
		if at < s.hours {
			sent := s.remain[i] / int64(s.hours-at)
			s.remain[i] -= sent
			arm.N += sent
			will := binomial(s.rnd, sent, s.shares[i])
			now := binomial(s.rnd, will, prompt)
			arm.X += now
			s.pending[i] += will - now
			s.waiting[i] += float64(sent) * s.shares[i] * (1 - prompt)
		}
		if arm.N > 0 {
			s.expected[i] = s.shares[i] - s.waiting[i]/float64(arm.N)
		}
	}
}

var (
	rates = []float64{0.01, 0.05, 0.30, 0.70, 0.95}
	paces = []int{1, 3, 8, 24}
	waits = []float64{0.5, 3, 10}
)

// sizes divides arms of 200 to 20,000 recipients by weights; an arm of the least weight
// has no fewer than 200.
func sizes(rnd *rand.Rand, weights []int64) []int64 {
	least := int64(200 * math.Pow(100, rnd.Float64()))
	out := make([]int64, len(weights))
	for i, w := range weights {
		out[i] = min(least*w, 20_000)
	}
	return out
}

// TestVariantsThatAreTheSameAreRarelyCalledDifferent: of 1,000 campaigns of every kind and
// share whose variants are the same, at most 5 % are called different at any of 72 looks.
func TestVariantsThatAreTheSameAreRarelyCalledDifferent(t *testing.T) {
	t.Parallel()
	for _, weights := range [][]int64{{1, 1}, {3, 1}, {1, 1, 1}, {1, 1, 1, 1, 1}, {5, 2, 1}, {40, 1}} {
		t.Run(fmt.Sprint(weights), func(t *testing.T) {
			t.Parallel()
			for which, rate := range rates {
				rnd := rand.New(rand.NewPCG(20261127, uint64(which)))
				different, best, harmed := 0, 0, 0
				for c := range perKind {
					shares := make([]float64, len(weights))
					for i := range shares {
						shares[i] = rate
					}
					s := begin(plan{shares, sizes(rnd, weights), paces[c%len(paces)], waits[c%len(waits)]}, rnd)
					o := Options{Planned: s.planned}
					anyPair, anyBest, anyHarm := false, false, false
					for at := range looks {
						s.hour(at)
						for i := range s.arms {
							for j := range i {
								anyPair = anyPair || Compare(s.arms[j], s.arms[i], o.pair(j, i, len(s.arms))).Differs()
							}
						}
						for i := range s.arms {
							anyBest = anyBest || shown(s.arms, i, o, 1)
						}
						if at%8 == 7 {
							for _, h := range Harmed(s.arms, o) {
								anyHarm = anyHarm || h
							}
						}
					}
					different += count(anyPair)
					best += count(anyBest)
					harmed += count(anyHarm)
				}
				t.Logf("share %2.0f %%: called different at some look: %.1f %%; a leader shown: %.1f %%; harmed: %.1f %%", rate*100,
					float64(different)*100/perKind, float64(best)*100/perKind, float64(harmed)*100/perKind)
				require.LessOrEqual(t, different, perKind/20, "share %v, weights %v", rate, weights)
				require.LessOrEqual(t, best, different)
				require.LessOrEqual(t, harmed, different)
			}
		})
	}
}

// TestDifferencesAreFoundAndCovered: true differences are found in most campaigns, the
// intervals hold what is truly to be expected at every look in at least 95 % of them, and
// the wrong variant is shown to be the best in next to none.
func TestDifferencesAreFoundAndCovered(t *testing.T) {
	t.Parallel()
	for which, c := range []struct {
		a, b    float64
		size    int64
		atLeast float64 // found
	}{
		{0.30, 0.33, 10_000, 0.8},
		{0.01, 0.02, 5000, 0.8},
		{0.05, 0.08, 2500, 0.8},
		{0.95, 0.97, 5000, 0.8},
		{0.70, 0.73, 10_000, 0.8},
		{0.30, 0.50, 400, 0.9},
		{0.01, 0.03, 200, 0},
		{0.97, 0.70, 200, 0.9},
	} {
		t.Run(fmt.Sprintf("%v against %v of %d", c.b, c.a, c.size), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(5, uint64(which)))
			found, covered, wrong := 0, 0, 0
			for n := range perKind {
				s := begin(plan{[]float64{c.a, c.b}, []int64{c.size, c.size}, paces[n%len(paces)], waits[n%len(waits)]}, rnd)
				o := Options{Planned: s.planned}
				called, held, mistaken := false, true, false
				for at := range looks {
					s.hour(at)
					v := Judge(s.arms, o)
					i := Compare(s.arms[0], s.arms[1], o)
					truth := s.expected[1] - s.expected[0]
					called = called || v.Shown
					mistaken = mistaken || v.Shown && (v.Leader == 1) != (c.b > c.a)
					held = held && i.Low <= truth && truth <= i.High
				}
				found += count(called)
				covered += count(held)
				wrong += count(mistaken)
			}
			t.Logf("found %.1f %%, covered at all looks %.1f %%, the wrong one %.1f %%",
				float64(found)*100/perKind, float64(covered)*100/perKind, float64(wrong)*100/perKind)
			require.GreaterOrEqual(t, float64(found), c.atLeast*perKind)
			require.GreaterOrEqual(t, covered, perKind*95/100)
			require.LessOrEqual(t, wrong, perKind*25/1000)
		})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// binomial draws from the binomial distribution: by inversion where few are expected, and by
// transformed rejection otherwise (Hörmann, The generation of binomial random variates,
// 1993, algorithm BTRS).
func binomial(rnd *rand.Rand, n int64, p float64) int64 {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - binomial(rnd, n, 1-p)
	}
	m := float64(n)
	if m*p < 10 {
		q := 1 - p
		chance, left, x := math.Pow(q, m), rnd.Float64(), int64(0)
		for left > chance && x < n {
			left -= chance
			x++
			chance *= (m - float64(x) + 1) / float64(x) * p / q
		}
		return x
	}
	spread := math.Sqrt(m * p * (1 - p))
	b := 1.15 + 2.53*spread
	a := -0.0873 + 0.0248*b + 0.01*p
	c := m*p + 0.5
	alpha := (2.83 + 5.1/b) * spread
	most := math.Floor((m + 1) * p)
	gamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	atMost := gamma(most+1) + gamma(m-most+1)
	for {
		u, v := rnd.Float64()-0.5, rnd.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + c)
		if k < 0 || k > m {
			continue
		}
		if us >= 0.07 && v <= 0.92-4.2/b {
			return int64(k)
		}
		v = math.Log(v * alpha / (a/(us*us) + b))
		if v <= atMost-gamma(k+1)-gamma(m-k+1)+(k-most)*math.Log(p/(1-p)) {
			return int64(k)
		}
	}
}

// TestTheSimulationDrawsBinomially holds the draws against mean and variance.
func TestTheSimulationDrawsBinomially(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int64{1, 30, 200, 20_000} {
		for _, p := range []float64{0, 0.01, 0.3, 0.5, 0.95, 1} {
			const draws = 20_000
			var sum, squares float64
			for range draws {
				x := float64(binomial(rnd, n, p)) - float64(n)*p
				sum += x
				squares += x * x
			}
			variance := float64(n) * p * (1 - p)
			require.InDelta(t, 0, sum/draws, 4.5*math.Sqrt(variance/draws)+1e-9, "n %d p %v", n, p)
			require.InEpsilon(t, variance+1, squares/draws+1, 0.08, "n %d p %v", n, p)
		}
	}
}
