package experiment

import "math"

// Verdict is what the variants of a campaign show by now.
type Verdict struct {
	// Leader and RunnerUp are the places of the variants with the highest share and the
	// next one, the earlier of equal ones first; −1 while fewer than two variants have
	// recipients.
	Leader, RunnerUp int
	// Interval is the share of the leader minus that of the runner-up. Differs is true of
	// it only where the leader is shown to be better than this one; see Shown.
	Interval Interval
	// Shown is whether the leader is shown to be better than every other variant, also one
	// that has no recipients yet.
	Shown bool
	// More is about how many more recipients there would have to be, of all variants
	// together and divided among them as by now, for Shown to become true if the shares
	// stay as they are. 0 where it is shown, and where it cannot be told: no difference,
	// a variant without recipients, or so small a difference that more than MostMore would
	// be needed.
	More int64
	// Beyond is whether nothing is shown and, at the present shares, the planned recipients
	// would not suffice. False where Options plan nothing or no difference is there.
	Beyond bool
}

// MostMore is the most recipients that a Verdict asks for.
const MostMore = 1_000_000_000

// Judge tells which variant does best, where a higher share is better. Its confidence is
// that of all pairs of variants together, because it is the figures that choose the leader
// and the runner-up. There may be any number of arms; campaigns have 2 to 5.
func Judge(arms []Arm, o Options) Verdict {
	v := Verdict{Leader: -1, RunnerUp: -1, Interval: Interval{Low: -1, High: 1}}
	for i, arm := range arms {
		switch {
		case arm.N <= 0:
		case v.Leader < 0 || arm.Share() > arms[v.Leader].Share():
			v.Leader, v.RunnerUp = i, v.Leader
		case v.RunnerUp < 0 || arm.Share() > arms[v.RunnerUp].Share():
			v.RunnerUp = i
		}
	}
	if v.RunnerUp < 0 {
		v.Leader = -1
		return v
	}
	v.Interval = Compare(arms[v.RunnerUp], arms[v.Leader], o.pair(v.RunnerUp, v.Leader, len(arms)))
	v.Shown = shown(arms, v.Leader, o, 1)
	if !v.Shown {
		v.More, v.Beyond = needed(arms, v.Leader, o)
	}
	return v
}

// shown tells whether the leader would be shown to be better than every other variant
// with times as many recipients and the same shares.
func shown(arms []Arm, leader int, o Options, times float64) bool {
	for i, arm := range arms {
		if i == leader {
			continue
		}
		an, ax := arm.clean()
		bn, bx := arms[leader].clean()
		if compare(an*times, ax*times, bn*times, bx*times, o.pair(i, leader, len(arms))).Low <= 0 {
			return false
		}
	}
	return true
}

// needed finds how many more recipients would show the leader.
func needed(arms []Arm, leader int, o Options) (more int64, beyond bool) {
	var total, planned float64
	for i, arm := range arms {
		if arm.N <= 0 || i != leader && arm.Share() >= arms[leader].Share() {
			return 0, false
		}
		total += float64(arm.N)
		if i < len(o.Planned) {
			planned += float64(max(o.Planned[i], 0))
		}
	}
	few, many := 1.0, 1.0
	for !shown(arms, leader, o, many) {
		if few, many = many, many*2; few*total > total+MostMore {
			return 0, planned > 0
		}
	}
	for range 40 {
		if middle := (few + many) / 2; shown(arms, leader, o, middle) {
			many = middle
		} else {
			few = middle
		}
	}
	more = int64(math.Ceil((many - 1) * total))
	if more > MostMore {
		return 0, planned > 0
	}
	return more, planned > 0 && total+float64(more) > planned
}

// Harmed tells of each variant whether the share of those who did something unwanted, such
// as opting out, is shown to be higher in it than in the best other variant, the one with
// the lowest share. Variants without recipients are neither harmed nor compared with.
func Harmed(arms []Arm, o Options) []bool {
	harmed := make([]bool, len(arms))
	for i, arm := range arms {
		best, lowest := -1, math.Inf(1)
		for j, other := range arms {
			if j != i && other.N > 0 && other.Share() < lowest {
				best, lowest = j, other.Share()
			}
		}
		if best >= 0 && arm.N > 0 {
			harmed[i] = Compare(arms[best], arm, o.pair(best, i, len(arms))).Low > 0
		}
	}
	return harmed
}
