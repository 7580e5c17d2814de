// Package experiment is the arithmetic of campaigns that try something: which recipient
// gets which wording or is held out (assignment.go), and what the figures show so far.
// It reads and writes nothing; docs/experiments.md tells the same for who reads a page.
//
// # Why an ordinary test is wrong here
//
// A campaign's page is looked at again and again while the figures grow. A test made for
// one look, with its 95 % interval, is wrong at some look far more often than in 5 % of
// campaigns. The intervals here are a confidence sequence: with 95 % confidence, the
// true difference lies within them at all looks together. One may look at any time, stop
// at any time, and act on what is seen (Robbins, Statistical methods related to the law of
// the iterated logarithm, 1970; Johari, Pekelis and Walsh, Always valid inference, 2017;
// Howard, Ramdas, McAuliffe and Sekhon, Time-uniform confidence sequences, 2021).
//
// # Two ways of growing
//
// While messages go out, the recipients N grow. Afterwards N stands still and the outcomes
// X go on growing: people read and click hours later. The sequences in those papers let N
// grow; with N fixed and X growing, the variance of a share rises and falls again, and
// a bound whose clock is the inverse of that variance would run backwards. So the clock
// must be one that both ways of growing move forward:
//
//   - Let h = Na·Nb/(Na+Nb), F the share of all recipients who did it by now, D the
//     difference of the shares, and S = h·D: how many outcomes one arm has more than its
//     part of all of them. Where the wordings make no difference, the outcomes by a moment
//     are an empirical process: for two moments with N ≤ N' and F ≤ F', the covariance of
//     S and S' is h·F·(1−F').
//   - Hence the covariance of M = S/(1−F) at two moments is h·F/(1−F) at the earlier one.
//     That is the covariance of Brownian motion at the time V = h·F/(1−F), whatever path N
//     and F took upward together. V grows with N, with X, and with both.
//   - Robbins' mixture over normal alternatives with variance 1/ρ gives for Brownian motion
//     P(|M| ≥ √((V+ρ)·(2·ln(1/α) + ln(1+V/ρ))) at any V) ≤ α. Dividing by h/(1−F) turns it
//     into a bound for D: √(v·(1+1/r)·(2·ln(1/α) + ln(1+r))), where v is the variance of
//     the difference and r = V/ρ = h²·v/((1−F)²·ρ). With N growing alone, it is the
//     mixture sequential test of Johari and others with τ² = F²/ρ: differences are expected
//     in proportion to the share.
//
// What the recipients of an hour have done depends on how long ago that hour is, which is
// the same in all arms, since they go out mixed. It makes the real variance smaller than v
// (F·(1−F) is concave), so that the bound errs on the safe side.
//
// # Choices
//
//   - ρ is fixed before anything is sent: the bound is valid for every ρ, and tightest at
//     V = 8·ρ for 95 %. It is set so that this is reached when the planned arms are out and
//     one recipient in twenty did it. It matters little: at 1 % the bound is 11 % wider
//     than the best, at 30 % 6 %, at 95 % 23 %. It never depends on what was measured, because
//     then the sequence would not be one.
//   - The variance counts one success and one failure more in each arm (Agresti and Caffo,
//     Simple and effective confidence intervals for proportions, 2000), so that arms with
//     no outcome yet, or with outcomes only, do not look certain.
//   - Where several pairs may be compared, alpha is divided by their number (Bonferroni).
//   - The price of looking at any time: intervals are about 1.5 to 1.9 times as wide as
//     those of one look planned in advance.
//
// The reasoning holds for many recipients; that it holds for as few as 200 in an arm, for
// shares of 1 % to 95 %, with outcomes that come late, is what the simulations in
// simulation_test.go are for.
//
// Outcomes must be of the kind that is never taken back (delivered, read, clicked, replied,
// goal reached, opted out), arms must be drawn by chance and sent to at the same time, and
// every recipient of an arm counts from when its message went, or was held out, on.
package experiment

import "math"

// Arm is what is known by now of one variant, or of one side of a holdout.
type Arm struct {
	// N is how many recipients are counted: those to whom a message was sent or, in
	// a holdout, all who were drawn for this side, whatever became of the message.
	// Below 0 counts as 0.
	N int64
	// X is how many of them did what is counted, each once. Below 0 counts as 0, and
	// above N as N.
	X int64
}

// clean gives the arm within its limits.
func (a Arm) clean() (n, x float64) {
	a.N = max(a.N, 0)
	return float64(a.N), float64(min(max(a.X, 0), a.N))
}

// Share is X/N, from 0 to 1; of an arm without anybody, 0.
func (a Arm) Share() float64 {
	n, x := a.clean()
	if n == 0 {
		return 0
	}
	return x / n
}

// Options say how sure a statement must be, and what was planned.
type Options struct {
	// Confidence is the chance that the true difference lies within all intervals of
	// a campaign together, whenever they are looked at: more than 0, less than 1. Anything
	// else means DefaultConfidence.
	Confidence float64
	// Comparisons is how many pairs of arms may be compared in the campaign, so that the
	// confidence is that of all of them together. Below 1 means one pair for Compare and
	// Lift, and every pair of the arms, Pairs, for Judge and Harmed.
	Comparisons int
	// Planned is how many recipients each arm is to have in the end, in the order of the
	// arms, as known before the first message went. It must stay the same in the course of
	// a campaign. It only decides at which size the intervals are tightest; an arm that is
	// missing or below 1 counts as one of DefaultPlanned.
	Planned []int64
}

const (
	// DefaultConfidence is that of Options which name none.
	DefaultConfidence = 0.95
	// DefaultPlanned is the size of an arm of which nothing was planned.
	DefaultPlanned = 1000

	// tightest is V/ρ where the bound is tightest for one comparison at 95 %: it solves
	// r = 2·ln(1/α) + ln(1+r).
	tightest = 8
	// tightestOdds are the odds of an outcome, F/(1−F), for which it is tightest once the
	// planned arms are out: about one recipient in twenty.
	tightestOdds = 0.05
)

// Pairs is how many pairs k arms have: k·(k−1)/2, and at least 1.
func Pairs(k int) int {
	return max(k*(k-1)/2, 1)
}

// alpha is the chance of being wrong that one comparison may take.
func (o Options) alpha() float64 {
	confidence := o.Confidence
	if !(confidence > 0 && confidence < 1) {
		confidence = DefaultConfidence
	}
	return (1 - confidence) / float64(max(o.Comparisons, 1))
}

// planned is the planned size of an arm.
func (o Options) planned(arm int) int64 {
	if arm < len(o.Planned) && o.Planned[arm] > 0 {
		return o.Planned[arm]
	}
	return DefaultPlanned
}

// pair gives the options for comparing two of several arms.
func (o Options) pair(a, b, arms int) Options {
	if o.Comparisons < 1 {
		o.Comparisons = Pairs(arms)
	}
	o.Planned = []int64{o.planned(a), o.planned(b)}
	return o
}

// Interval is a difference of two shares and what it may truly be. All three lie from −1
// to 1, where 0.031 is 3.1 percentage points, and Low ≤ Difference ≤ High.
type Interval struct {
	Difference float64 // of the shares as counted
	Low, High  float64 // within which the true difference lies; −1 and 1 while an arm is empty
}

// Differs tells whether a difference is shown: 0 lies outside.
func (i Interval) Differs() bool {
	return i.Low > 0 || i.High < 0
}

// Compare gives the share of b minus the share of a, with an interval that stays true
// however often and whenever it is looked at (see the package comment). Exchanging the arms
// and their planned sizes changes the signs and nothing else.
func Compare(a, b Arm, o Options) Interval {
	an, ax := a.clean()
	bn, bx := b.clean()
	return compare(an, ax, bn, bx, o)
}

// compare is Compare for sizes that need not be whole.
func compare(an, ax, bn, bx float64, o Options) Interval {
	if an == 0 || bn == 0 {
		return Interval{Low: -1, High: 1}
	}
	difference := bx/bn - ax/an
	half := bound(an, ax, bn, bx, o)
	return Interval{
		Difference: difference,
		Low:        max(difference-half, -1),
		High:       min(difference+half, 1),
	}
}

// bound is half the width of the interval.
func bound(an, ax, bn, bx float64, o Options) float64 {
	v := variance(an, ax) + variance(bn, bx)
	h := harmonic(an, bn)
	rest := ((an - ax) + (bn - bx) + 2) / ((an + bn) + 4) // 1−F, with the same pseudo counts
	rho := harmonic(float64(o.planned(0)), float64(o.planned(1))) * tightestOdds / tightest
	r := h * h * v / (rest * rest * rho)
	return math.Sqrt(v * (1 + 1/r) * (2*math.Log(1/o.alpha()) + math.Log1p(r)))
}

// variance of a share, with one success and one failure more.
func variance(n, x float64) float64 {
	return (x + 1) / (n + 2) * ((n - x + 1) / (n + 2)) / (n + 2)
}

// harmonic is the size that two arms have together as far as their difference goes: half
// of one of two equal arms, and nearly the smaller of two unequal ones.
func harmonic(a, b float64) float64 {
	return a * b / (a + b)
}

// Lift compares who was treated with who was held out: the share of treated minus the share
// of held, as Compare does. Both are counted as they were drawn, whether or not a message
// reached them (by intention to treat): leaving out whom no message reached would compare
// people who are reachable with people of whom that is unknown. Planned is in the order of
// the arguments.
func Lift(treated, held Arm, o Options) Interval {
	o.Planned = []int64{o.planned(1), o.planned(0)}
	return Compare(held, treated, o)
}
