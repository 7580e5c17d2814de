package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever saves what they opened before somebody else changed it is told who did, and
// nothing is lost; without a revision the last one wins, as ever.
func TestAnUpdateOfAnOlderStateIsRefused(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(1)
	segment := e.must("segmentCreate", "segment", map[string]any{"name": "Everybody", "query": map[string]any{"all": []any{}}})
	template := e.approved("Hello.")
	_, other := e.person("mia", "VIEWER")
	things := []struct {
		kind, id, field string
		values          [3]any
	}{
		{"segment", segment, "description", [3]any{"one", "two", "three"}},
		{"template", template, "name", [3]any{"one", "two", "three"}},
		{"topic", e.must("topicCreate", "topic", map[string]any{"name": "News"}), "name", [3]any{"one", "two", "three"}},
		{"sender", e.newSender("+4930901820", 10), "ratePerSecond", [3]any{11, 12, 13}},
		{"contact", e.idOf("+4915100000000"), "name", [3]any{"one", "two", "three"}},
		{"operator", other, "name", [3]any{"one", "two", "three"}},
		{"campaign", e.must("campaignCreate", "campaign", map[string]any{
			"name": "Spring", "segmentId": segment, "templateId": template,
		}), "rateLimitPerSecond", [3]any{11, 12, 13}},
		{"settings", "", "sessionIdleHours", [3]any{11, 12, 13}},
	}
	for _, thing := range things {
		state := func() (revision int, value any) {
			var out map[string]map[string]any
			selected := fmt.Sprintf("{ revision %s }", thing.field)
			if thing.id == "" {
				e.do(&out, "{ settings "+selected+" }", nil)
			} else {
				kind := strings.ToUpper(thing.kind[:1]) + thing.kind[1:]
				e.do(&out, "query($id: ID!) { settings: node(id: $id) { ... on "+kind+" "+selected+" } }", map[string]any{"id": thing.id})
			}
			return int(out["settings"]["revision"].(float64)), out["settings"][thing.field]
		}
		update := func(value any, expected *int) string {
			input := map[string]any{thing.field: value}
			if thing.id != "" {
				input["id"] = thing.id
			}
			if expected != nil {
				input["expectedVersion"] = *expected
			}
			return e.updates(thing.kind, input)
		}
		opened, _ := state()
		require.Empty(t, update(thing.values[0], &opened), thing.kind)
		now, value := state()
		require.Equal(t, opened+1, now, thing.kind)
		require.EqualValues(t, thing.values[0], value, thing.kind)
		require.Contains(t, update(thing.values[1], &opened), "Admin changed this just now", "%s: it says who changed it", thing.kind)
		after, value := state()
		require.Equal(t, now, after, thing.kind)
		require.EqualValues(t, thing.values[0], value, "%s: nothing is changed", thing.kind)
		if thing.kind != "contact" { // whose trail says which fields were given, and no values
			require.Empty(t, update(thing.values[0], &opened), "%s: where nothing differs nothing is lost", thing.kind)
		}
		require.Empty(t, update(thing.values[1], &now), thing.kind)
		require.Empty(t, update(thing.values[2], nil), thing.kind)
	}
	// Several settings in one request are one change.
	var out struct{ Settings struct{ Revision int } }
	e.do(&out, "{ settings { revision } }", nil)
	require.Empty(t, e.updates("settings", map[string]any{
		"sessionIdleHours": 20, "accountRatePerSecond": 50, "defaultFrequencyCap": map[string]any{"messages": 3, "days": 7},
		"expectedVersion": out.Settings.Revision,
	}))
}

// updates changes a thing and gives what was wrong.
func (e *env) updates(kind string, input map[string]any) (problems string) {
	e.t.Helper()
	name := kind + "Update"
	var out map[string]struct {
		UserErrors []struct {
			Field         []string
			Code, Message string
		}
	}
	e.do(&out, fmt.Sprintf("mutation($i: %s!) { %s(input: $i) { userErrors { field code message } } }",
		strings.ToUpper(name[:1])+name[1:]+"Input", name), map[string]any{"i": input})
	for _, u := range out[name].UserErrors {
		require.Equal(e.t, "conflict", u.Code)
		require.Equal(e.t, []string{"expectedVersion"}, u.Field)
		problems += u.Message
	}
	return problems
}
