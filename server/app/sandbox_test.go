package app_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

// TestEverySettingOfTheSandboxCanBeSet walks the settings themselves: one that
// the API forgets to take or to give fails here.
func TestEverySettingOfTheSandboxCanBeSet(t *testing.T) {
	t.Parallel()
	e := start(t)
	want := map[string]any{}
	names := []string{}
	for i, f := range reflect.VisibleFields(reflect.TypeFor[sandbox.Settings]()) {
		name := f.Tag.Get("json")
		names = append(names, name)
		switch f.Type.Kind() {
		case reflect.Int:
			want[name] = float64(30_000 + i)
		case reflect.Float64:
			want[name] = float64(i) / 100
		default:
			want[name] = true
		}
	}
	want["concurrencyLimit"] = 9_999.0
	var out struct {
		SandboxSettingsUpdate struct {
			Settings   map[string]any
			UserErrors []struct{ Message string }
		}
	}
	set := `mutation($i: SandboxSettingsUpdateInput!) { sandboxSettingsUpdate(input: $i) { settings { ` +
		strings.Join(names, " ") + ` } userErrors { message } } }`
	e.do(&out, set, map[string]any{"i": want})
	require.Empty(t, out.SandboxSettingsUpdate.UserErrors)
	require.Equal(t, want, out.SandboxSettingsUpdate.Settings)
	raw, err := json.Marshal(e.Sandbox.Settings())
	require.NoError(t, err)
	kept := map[string]any{}
	require.NoError(t, json.Unmarshal(raw, &kept))
	require.Equal(t, want, kept)

	// What is not named stays, and false is a value.
	e.do(&out, set, map[string]any{"i": map[string]any{"silent": false}})
	want["silent"] = false
	require.Equal(t, want, out.SandboxSettingsUpdate.Settings)
	e.do(&out, set, map[string]any{"i": map[string]any{"hangRate": 1.5}})
	require.Contains(t, out.SandboxSettingsUpdate.UserErrors[0].Message, "hangRate")
}
