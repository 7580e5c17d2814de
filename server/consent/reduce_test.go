package consent

import (
	"testing"
	"time"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReduce(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	in, out, unknown := contact.ConsentOptedIn, contact.ConsentOptedOut, contact.ConsentUnknown
	m := func(s contact.ConsentStatus, hour int) Decision {
		return Decision{Purpose: PurposeMarketing, Status: s, At: noon.Add(time.Duration(hour) * time.Hour), Seq: int64(hour + 1)}
	}
	u := func(s contact.ConsentStatus, hour int) Decision {
		d := m(s, hour)
		d.Purpose = PurposeUtility
		return d
	}
	for name, c := range map[string]struct {
		ledger             []Decision
		marketing, utility contact.ConsentStatus
	}{
		"nothing is known":                          {nil, unknown, unknown},
		"an opt-in to marketing implies no more":    {[]Decision{m(in, 0)}, in, unknown},
		"utility alone":                             {[]Decision{u(in, 0)}, unknown, in},
		"no more utility":                           {[]Decision{m(in, 0), u(out, 1)}, in, out},
		"STOP ends both":                            {[]Decision{m(in, 0), u(in, 1), m(out, 2)}, out, out},
		"STOP of somebody who never agreed":         {[]Decision{m(out, 0)}, out, out},
		"utility agreed to after STOP":              {[]Decision{m(out, 0), u(in, 1)}, out, in},
		"START gives back what there was":           {[]Decision{u(in, 0), m(out, 1), m(in, 2)}, in, in},
		"START gives back no more than there was":   {[]Decision{m(out, 1), m(in, 2)}, in, unknown},
		"START does not lift an opt-out of its own": {[]Decision{u(out, 0), m(out, 1), m(in, 2)}, in, out},
	} {
		states := Reduce(c.ledger)
		require.Equal(t, c.marketing, states[0].Status, name)
		require.Equal(t, c.utility, states[1].Status, name)
	}
	stop := Reduce([]Decision{u(in, 0), m(out, 1)})[1]
	require.Equal(t, int64(2), stop.Seq, "the entry that decides is named, also where it is of the other purpose")
	require.Equal(t, noon.Add(time.Hour), *stop.Since)
}

// TestReduceInAnyOrder: the same entries in any order give the same state, of both
// purposes, and nobody is opted in against an opt-out of that purpose or a STOP.
func TestReduceInAnyOrder(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		ledger := make([]Decision, rapid.IntRange(0, 9).Draw(t, "entries"))
		for i := range ledger {
			ledger[i] = Decision{
				Purpose: rapid.SampledFrom(Purposes).Draw(t, "purpose"),
				Status:  rapid.SampledFrom([]contact.ConsentStatus{contact.ConsentOptedIn, contact.ConsentOptedOut}).Draw(t, "status"),
				At:      begin.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "second")) * time.Second),
				Late:    rapid.Bool().Draw(t, "late"), Seq: int64(i + 1),
			}
		}
		want := Reduce(ledger)
		require.Equal(t, want, Reduce(rapid.Permutation(ledger).Draw(t, "order")))
		for _, s := range want {
			if s.Status != contact.ConsentOptedIn {
				continue
			}
			opted := ledger[s.Seq-1]
			require.Equal(t, s.Purpose, opted.Purpose, "no consent comes from another purpose")
			for _, d := range ledger {
				if d.Purpose == s.Purpose && d.Status == contact.ConsentOptedOut {
					require.True(t, opted.lifts(d))
				}
			}
			if want[0].Status == contact.ConsentOptedOut {
				require.True(t, opted.lifts(ledger[want[0].Seq-1]), "only what was agreed to after a STOP stands beside it")
			}
		}
	})
}
