package message

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAnyOrderOfEventsEndsTheSame shuffles and repeats what Twilio tells.
func TestAnyOrderOfEventsEndsTheSame(t *testing.T) {
	t.Parallel()
	stories := [][]Status{
		{StatusQueued, StatusSending, StatusSent, StatusDelivered, StatusRead},
		{StatusSent, StatusDelivered},
		{StatusSent, StatusUndelivered},
		{StatusFailed},
		{StatusSent, StatusUndelivered, StatusDelivered},
	}
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		story := rapid.SampledFrom(stories).Draw(t, "story")
		events := make([]Event, len(story))
		for i, s := range story {
			events[i] = Event{SID: "SM1", Status: s, At: begin.Add(time.Duration(i) * time.Second)}
			if s == StatusFailed || s == StatusUndelivered {
				events[i].ErrorCode = 63024
			}
		}
		ordered := &Message{Status: StatusSubmitting}
		for _, e := range events {
			ordered.Advance(e)
		}
		mixed := &Message{Status: StatusSubmitting}
		shuffled := rapid.Permutation(append(events, rapid.SliceOf(rapid.SampledFrom(events)).Draw(t,
			"repeats")...)).Draw(t, "order")
		for _, e := range shuffled {
			mixed.Advance(e)
		}
		require.Equal(t, ordered, mixed)
	})
}

func TestRankOnlyRises(t *testing.T) {
	t.Parallel()
	all := []Status{
		StatusAccepted, StatusQueued, StatusSending, StatusSent, StatusUndelivered, StatusFailed,
		StatusDelivered, StatusRead,
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &Message{Status: StatusSubmitting}
		for _, s := range rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "events") {
			before := rank[m.Status]
			m.Advance(Event{SID: "SM1", Status: s, At: time.Unix(1, 0)})
			require.GreaterOrEqual(t, rank[m.Status], before)
		}
	})
}

func TestReadProvesTheMilestonesBeforeIt(t *testing.T) {
	t.Parallel()
	m := &Message{Status: StatusUnknown}
	require.True(t, m.Advance(Event{SID: "SM1", Status: StatusRead, At: time.Unix(1, 0)}))
	require.NotNil(t, m.AcceptedAt)
	require.NotNil(t, m.SentAt)
	require.NotNil(t, m.DeliveredAt)
	require.Equal(t, "SM1", *m.SID)
	require.False(t, m.Advance(Event{SID: "SM1", Status: StatusSent, At: time.Unix(2, 0)}), "late news change nothing")
}

// What ended without a SID was ended by us, and Twilio has it after all: then its
// word counts, in whatever order its receipts come.
func TestWhatWasGivenUpAndIsAtTwilioFollowsItsReceipts(t *testing.T) {
	for _, given := range []Status{StatusFailed, StatusCanceled, StatusExpired} {
		m := &Message{Status: given}
		require.True(t, m.Advance(Event{SID: "SM1", Status: StatusSent, At: time.Unix(1, 0)}))
		require.Equal(t, StatusSent, m.Status, given)
		require.Nil(t, m.EndedAt)
		require.True(t, m.Advance(Event{SID: "SM1", Status: StatusFailed, ErrorCode: 63024, At: time.Unix(2, 0)}))
		require.Equal(t, StatusFailed, m.Status)
		require.False(t, m.Advance(Event{SID: "SM1", Status: StatusSent, At: time.Unix(1, 0)}), "it failed at Twilio")
		require.Equal(t, StatusFailed, m.Status)
	}
}
