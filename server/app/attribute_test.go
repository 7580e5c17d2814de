package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type attributeKey struct {
	Key, Name, Type, Description string
	Revision                     int
	Coverage                     float64
}

func (e *env) attributes() map[string]attributeKey {
	e.t.Helper()
	var out struct{ AttributeKeys []attributeKey }
	e.do(&out, `{ attributeKeys { key name type description revision coverage } }`, nil)
	keys := map[string]attributeKey{}
	for _, k := range out.AttributeKeys {
		require.NotContains(e.t, keys, k.Key, "each stands once")
		keys[k.Key] = k
	}
	return keys
}

// setAttribute gives what is wrong, and the attribute as it is answered.
func (e *env) setAttribute(input map[string]any) (attributeKey, string) {
	e.t.Helper()
	var out struct {
		AttributeUpdate struct {
			AttributeKey *attributeKey
			UserErrors   []struct {
				Field   []string
				Message string
			}
		}
	}
	e.do(&out, `mutation($i: AttributeUpdateInput!) { attributeUpdate(input: $i) {
		attributeKey { key name type description revision coverage } userErrors { field message } } }`, map[string]any{"i": input})
	problems := ""
	for _, u := range out.AttributeUpdate.UserErrors {
		problems += strings.Join(u.Field, ".") + ": " + u.Message + "\n"
	}
	if problems != "" {
		require.Nil(e.t, out.AttributeUpdate.AttributeKey)
		return attributeKey{}, problems
	}
	return *out.AttributeUpdate.AttributeKey, ""
}

// Attributes come by themselves, and people give them names; the key stays what everything goes by.
func TestAttributesHaveNamesAndTypes(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.must("contactCreate", "contact", map[string]any{"address": "+4915100000001", "attributes": map[string]any{
		"loyalty_points": 12, "zip": 10115, "address": map[string]any{"city": "Berlin"},
	}})
	e.must("contactCreate", "contact", map[string]any{"address": "+4915100000002", "attributes": map[string]any{"loyalty_points": 3}})
	keys := e.attributes()
	require.Equal(t, attributeKey{Key: "loyalty_points", Name: "Loyalty points", Type: "NUMBER", Revision: 1, Coverage: 1},
		keys["loyalty_points"])
	require.Equal(t, attributeKey{Key: "address.city", Name: "Address city", Type: "TEXT", Revision: 1, Coverage: 0.5},
		keys["address.city"])

	set, problems := e.setAttribute(map[string]any{
		"key": "zip", "name": " Post  code ", "type": "TEXT", "description": "Of the home", "expectedVersion": 1,
	})
	require.Empty(t, problems)
	require.Equal(t, attributeKey{Key: "zip", Name: "Post code", Type: "TEXT", Description: "Of the home", Revision: 2, Coverage: 0.5}, set)
	require.Equal(t, set, e.attributes()["zip"])

	_, problems = e.setAttribute(map[string]any{"key": "zip", "name": "ZIP", "expectedVersion": 1})
	require.Contains(t, problems, "expectedVersion: ")
	require.Contains(t, problems, "changed this just now")
	_, problems = e.setAttribute(map[string]any{"key": "loyalty_points", "name": "post CODE"})
	require.Equal(t, "name: another attribute is named \"post CODE\": choose another name\n", problems)
	_, problems = e.setAttribute(map[string]any{"key": "zip", "name": strings.Repeat("x", 61), "description": strings.Repeat("x", 301)})
	require.Contains(t, problems, "name: a name has at most 60 characters")
	require.Contains(t, problems, "description: a description has at most 300 characters")
	for _, key := range []string{"", "a..b", "a{b", "a.b.c.d.e", strings.Repeat("k", 65)} {
		_, problems = e.setAttribute(map[string]any{"key": key, "name": "x"})
		require.Contains(t, problems, fmt.Sprintf("key: %q is not an attribute", key))
	}
	require.Equal(t, set, e.attributes()["zip"], "what is refused changes nothing")

	// What nobody wants any more follows from key and values again.
	set, problems = e.setAttribute(map[string]any{"key": "zip", "name": "", "type": nil, "expectedVersion": 2})
	require.Empty(t, problems)
	require.Equal(t, attributeKey{Key: "zip", Name: "Zip", Type: "NUMBER", Description: "Of the home", Revision: 3, Coverage: 0.5}, set)

	// The trail tells what was changed; who may not change contacts may not name their attributes.
	var trail []string
	require.NoError(t, e.DB().NewRaw("SELECT changes::text FROM audit_entries WHERE action = 'attribute.update' ORDER BY id").
		Scan(t.Context(), &trail))
	require.Len(t, trail, 2)
	require.Contains(t, trail[0], `"zip.name": {"to": "Post code", "from": ""}`)
	viewer, _ := e.person("vera", "VIEWER")
	require.Equal(t, "FORBIDDEN", viewer.refused(`mutation { attributeUpdate(input: {key: "zip", name: "x"}) { userErrors { message } } }`))

	// Segments and templates go by the key, whatever it is called.
	var n struct{ ContactCount int }
	e.do(&n, `query($q: SegmentQuery!) { contactCount(query: $q) }`, map[string]any{
		"q": map[string]any{"field": "attributes.zip", "op": "eq", "value": 10115},
	})
	require.Equal(t, 1, n.ContactCount)
}

// An import's columns are known even where hardly anybody has a value, and one is named before anybody has it.
func TestAttributesAreKnownFromImportsAndBeforehand(t *testing.T) {
	t.Parallel()
	e := start(t)
	id, problems := e.upload("people.csv", []byte("phone,Shoe size,city\n+4915100000001,,Berlin\n"), "")
	require.Empty(t, problems)
	e.imported(id)
	keys := e.attributes()
	require.Equal(t, "Shoe size", keys["shoe_size"].Name)
	require.Zero(t, keys["shoe_size"].Coverage)
	require.InDelta(t, 1, keys["city"].Coverage, 1e-9)

	set, problems := e.setAttribute(map[string]any{"key": "birthday", "type": "DATE"})
	require.Empty(t, problems)
	require.Equal(t, attributeKey{Key: "birthday", Name: "Birthday", Type: "DATE", Revision: 2}, set)
	require.Equal(t, set, e.attributes()["birthday"])

	_, err := e.DB().NewRaw("INSERT INTO attributes (key) SELECT 'k' || i FROM generate_series(1, 1000) i").Exec(t.Context())
	require.NoError(t, err)
	_, problems = e.setAttribute(map[string]any{"key": "one_more", "name": "One more"})
	require.Contains(t, problems, "there are 1000 attributes with a name already")
	e.must("contactCreate", "contact", map[string]any{"address": "+4915100000003", "attributes": map[string]any{"one_more": 1}})
	require.Equal(t, "One more", e.attributes()["one_more"].Name, "known by its values alone")
}
