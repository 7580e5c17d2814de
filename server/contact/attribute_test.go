package contact

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAKeyIsMadeIntoAName(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"loyalty_points": "Loyalty points", "city": "City", "signed-up": "Signed up", "lastOrderDate": "Last order date",
		"address.zip_code": "Address zip code", "VIP": "VIP", "größe": "Größe", "ärzte": "Ärzte", "Loyalty points": "Loyalty points",
		"___": "___",
	} {
		require.Equal(t, want, nameOfKey(key), key)
	}
}

func TestTheTypeIsWhatMostValuesAreUntilItIsSet(t *testing.T) {
	t.Parallel()
	for held, want := range map[string]AttributeType{
		"number": AttributeNumber, "array": AttributeList, "boolean": AttributeBoolean, "date": AttributeDate,
		"string": AttributeText, "null": AttributeText, "": AttributeText,
	} {
		k := AttributeKey{Attribute: Attribute{Key: "x"}}
		if held != "" {
			k.Types = []string{held, "string"}
		}
		k.complete()
		require.Equal(t, want, k.Type, held)
	}
	k := AttributeKey{Attribute: Attribute{Key: "zip", Type: AttributeText}, Types: []string{"number"}}
	k.complete()
	require.Equal(t, AttributeText, k.Type, "what somebody set")
}

func TestKeysAreThePathsOfValues(t *testing.T) {
	t.Parallel()
	keys := keysOf(map[string]any{
		"city": "Paris", "gone": nil, "tags": []any{"a"},
		"a":   map[string]any{"b": map[string]any{"c": 1, "d": map[string]any{"e": map[string]any{"f": 1}}}},
		"bad": map[string]any{"x.y": 1, strings.Repeat("x", 65): 1},
	})
	slices.Sort(keys)
	require.Equal(t, []string{"a.b.c", "city", "tags"}, keys)
}
