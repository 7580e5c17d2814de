package twilio

import (
	"slices"
	"testing"
	"time"

	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

// TestHowLongAnErrorMarksAContact: no mark is for ever, and only an opt-out has
// no end.
func TestHowLongAnErrorMarksAContact(t *testing.T) {
	t.Parallel()
	want := map[int]time.Duration{
		63003: 30 * day, 63024: 30 * day, 21211: 180 * day, 21614: 180 * day, 30006: 180 * day, 30005: 90 * day,
		63049: 3 * time.Hour, 63032: 7 * day,
		21610: 0, 30004: 0, 63014: 0, 63033: 0, // opt-outs
	}
	for _, c := range Codes {
		switch c.Effect {
		case message.EffectNone:
			require.Zero(t, c.EffectFor, c.Code)
			require.NotContains(t, want, c.Code, "an effect is missing")
			continue
		case message.EffectOptOut:
			require.Zero(t, c.EffectFor, "%d: only the contact ends an opt-out", c.Code)
		case message.EffectUnreachable, message.EffectIneligible:
			require.Positive(t, c.EffectFor, "%d: the mark has an end", c.Code)
		}
		require.Contains(t, want, c.Code)
		require.Equal(t, want[c.Code], c.EffectFor, c.Code)
		delete(want, c.Code)
	}
	require.Empty(t, want)
	require.Zero(t, Code(99999).EffectFor)
}

// TestWhatIsSentAgainAfterItWasAccepted: pacing and limits, and nothing that may
// have reached the phone.
func TestWhatIsSentAgainAfterItWasAccepted(t *testing.T) {
	t.Parallel()
	var again []int
	for _, c := range Codes {
		r := c.Redeliver
		if r == nil {
			continue
		}
		again = append(again, c.Code)
		require.LessOrEqual(t, len(r.Delays), 3, c.Code)
		require.True(t, slices.IsSorted(r.Delays), "%d: each waits longer than the one before", c.Code)
		total := time.Duration(0)
		for _, d := range r.Delays {
			require.Positive(t, d)
			total += d
		}
		require.Less(t, total, r.Within, "%d: the last attempt is within its time", c.Code)
		require.LessOrEqual(t, r.Within, 72*time.Hour, c.Code)
		if c.Effect != message.EffectNone {
			require.Less(t, c.EffectFor, r.Delays[0], "%d: its own mark does not hold it back", c.Code)
		}
		require.Contains(t, c.Advice, "sent again by itself", "%d: people are told", c.Code)
	}
	slices.Sort(again)
	require.Equal(t, []int{30001, 63018, 63049}, again)
	require.Equal(t, []string{"US"}, Code(63049).Redeliver.NotRegion)
	require.Nil(t, Code(99999).Redeliver)
}
