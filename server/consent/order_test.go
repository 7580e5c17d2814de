package consent

import (
	"testing"
	"time"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSupersedes(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	in, out := contact.ConsentOptedIn, contact.ConsentOptedOut
	live := func(s contact.ConsentStatus, minutes float64) Decision {
		return Decision{Status: s, At: noon.Add(time.Duration(minutes * float64(time.Minute)))}
	}
	late := func(s contact.ConsentStatus, minutes float64) Decision {
		d := live(s, minutes)
		d.Late = true
		return d
	}
	for name, c := range map[string]struct {
		newer, current Decision
		want           bool
	}{
		"live START after a live STOP":                     {live(in, 0.01), live(out, 0), true},
		"live START recorded before a live STOP":           {live(in, 0), live(out, 0.01), false},
		"live STOP after a live START":                     {live(out, 0.01), live(in, 0), true},
		"live STOP recorded before a live START":           {live(out, 0), live(in, 0.01), false},
		"START of a spool, before the STOP":                {late(in, -10), live(out, 0), false},
		"START of a spool, just after the STOP":            {late(in, 2), live(out, 0), false},
		"START of a spool, exactly at the limit":           {late(in, 2.5), live(out, 0), false},
		"START of a spool, long after the STOP":            {late(in, 2.51), live(out, 0), true},
		"STOP of a spool, before the START":                {late(out, -10), live(in, 0), false},
		"STOP of a spool, just before the START":           {late(out, -2), live(in, 0), true},
		"STOP of a spool, after the START":                 {late(out, 10), live(in, 0), true},
		"live START, just after a STOP that came late":     {live(in, 2), late(out, 0), false},
		"live START, long after a STOP that came late":     {live(in, 3), late(out, 0), true},
		"the first word of somebody unknown, late":         {late(in, -9), Decision{Status: contact.ConsentUnknown}, true},
		"imported opt-out of last year, agreed this month": {late(out, -500000), live(in, 0), false},
	} {
		require.Equal(t, c.want, Supersedes(c.newer, c.current), name)
	}
}

// TestTheOrderOfLearningDoesNotMatter: what stands depends on what was decided,
// not on the order in which it became known.
func TestTheOrderOfLearningDoesNotMatter(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "decisions")
		all := make([]Decision, n)
		for i := range all {
			all[i] = Decision{
				Status: rapid.SampledFrom([]contact.ConsentStatus{contact.ConsentOptedIn, contact.ConsentOptedOut}).Draw(t,
					"status"),
				At:   begin.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "second")) * time.Second),
				Late: rapid.Bool().Draw(t, "late"), Seq: int64(i + 1),
			}
		}
		want, ok := Standing(all)
		require.True(t, ok)
		shuffled := rapid.Permutation(all).Draw(t, "order")
		got, ok := Standing(shuffled)
		require.True(t, ok)
		require.Equal(t, want, got)
		if want.Status == contact.ConsentOptedIn { // no opt-out may stand against it
			for _, d := range all {
				if d.Status == contact.ConsentOptedOut {
					require.True(t, want.At.After(d.At) || !d.Late && !want.Late && want.At.Equal(d.At))
					require.True(t, !d.Late && !want.Late || want.At.Sub(d.At) > ClockError)
				}
			}
		}
	})
}
