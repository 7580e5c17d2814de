package campaign

import (
	"fmt"
	"testing"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
)

func TestZonesAreNamedByHowManyLiveThere(t *testing.T) {
	t.Parallel()
	twice := func(n int64) int64 { return 2 * n }
	require.Equal(t, []InZone{{"Europe/Berlin", 6}, {"America/Bogota", 2}, {"Asia/Kolkata", 2}, {"", 10}},
		byZone(map[string]int64{"Asia/Kolkata": 1, "": 5, "Europe/Berlin": 3, "America/Bogota": 1}, twice))
	require.Empty(t, byZone(nil, twice))
	many := map[string]int64{"": 1}
	for i := range maxZones + 2 {
		many[fmt.Sprintf("Zone/%02d", i)] = 10
	}
	list := byZone(many, twice)
	require.Len(t, list, maxZones+1)
	require.Equal(t, InZone{"", 42}, list[maxZones], "what is not named is counted")
	for zone, c := range map[string]*contact.Contact{
		"Asia/Tokyo":    {TimeZone: "Asia/Tokyo", Kind: contact.KindPhone, MatchKey: "+4915112345678"},
		"Europe/Berlin": {Kind: contact.KindPhone, MatchKey: "+4915112345678"},
		"":              {Kind: contact.KindPhone, MatchKey: "+18005550100"},
	} {
		require.Equal(t, zone, zoneOf(c))
	}
}
