package hours

import (
	"testing"
	"time"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
)

func TestALocalMomentIsAnotherInstantInEachPlace(t *testing.T) {
	t.Parallel()
	ten := LocalMoment{Date: "2026-12-01", Time: "10:00"}
	require.NoError(t, ten.Validate())
	utc := func(at time.Time) string { return at.UTC().Format(time.RFC3339) }
	require.Equal(t, "2026-11-30T20:00:00Z", utc(ten.First()))
	require.Equal(t, "2026-12-01T22:00:00Z", utc(ten.Last()))
	for name, c := range map[string]struct {
		address, zone, want string
	}{
		"by the number":        {"+4915112345678", "", "2026-12-01T09:00:00Z"},
		"by what was declared": {"+4915112345678", "Asia/Tokyo", "2026-12-01T01:00:00Z"},
		"of several zones, when it is in all, also in Samoa": {"+18005550123", "", "2026-12-01T21:00:00Z"},
	} {
		a, err := contact.ParseAddress(c.address, "")
		require.NoError(t, err, name)
		person := contact.New(a)
		person.TimeZone = c.zone
		require.Equal(t, c.want, utc(ten.For(person)), name)
		require.False(t, ten.For(person).Before(ten.First()), name)
		require.False(t, ten.For(person).After(ten.Last()), name)
	}
	require.Equal(t, "2026-12-01T10:00:00Z", utc(ten.For(&contact.Contact{Kind: contact.KindBSUID})), "no zone is known")

	gap := LocalMoment{Date: "2026-03-29", Time: "02:30"} // Berlin goes from 02:00 to 03:00
	require.Equal(t, "2026-03-29T01:00:00Z", utc(gap.In(location("Europe/Berlin"))))
	twice := LocalMoment{Date: "2026-10-25", Time: "02:30"}
	require.Equal(t, "2026-10-25T00:30:00Z", utc(twice.In(location("Europe/Berlin"))))
	require.Equal(t, ten, On(ten.First(), "10:00"))

	for _, bad := range []LocalMoment{{"", "10:00"}, {"2026-02-30", "10:00"}, {"01.12.2026", "10:00"}, {"2026-12-01", "10 am"}, {"2026-12-01", ""}} {
		require.ErrorContains(t, bad.Validate(), "is not a", bad)
	}
}
