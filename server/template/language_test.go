package template

import (
	"strings"
	"testing"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
)

func TestRender(t *testing.T) {
	t.Parallel()
	c := &contact.Contact{Name: "maria  LÓPEZ", Locale: "de", Attributes: map[string]any{
		"city": "Paris\nNord", "n": 1234.5, "due_at": "2026-12-24", "empty": " ", "deep": map[string]any{"x": "y"},
		"vip": true,
	}}
	for body, want := range map[string]string{
		"Hi {{name}}!":                                     "Hi maria LÓPEZ!",
		"Hi {{name | title}}!":                             "Hi Maria López!",
		"{{ attributes.city | upper }}":                    "PARIS NORD",
		"{{attributes.zip | there}}":                       "there",
		`{{attributes.zip | default "no | zip"}}`:          "no | zip",
		"{{attributes.empty | friend}}":                    "friend",
		`on {{attributes.due_at | date "2 Jan"}}.`:         "on 24 Dec.",
		"{{attributes.n | number}}":                        "1.234,5",
		"{{attributes.deep.x}} {{attributes.vip | lower}}": "y true",
		"plain {single} text":                              "plain {single} text",
	} {
		b, err := Parse(body)
		require.NoError(t, err, body)
		r := b.Render(c)
		require.Empty(t, r.Missing, body)
		require.Equal(t, want, r.Text, body)
	}
	b, err := Parse("Hi {{name}}, {{attributes.zip}} and {{attributes.empty}} and {{name}}")
	require.NoError(t, err)
	r := b.Render(c)
	require.Equal(t, []string{"attributes.zip", "attributes.empty"}, r.Missing)
	require.Equal(t, "Hi {{1}}, {{2}} and {{3}} and {{1}}", b.Wire())
}

func TestParseRefusesAndSaysWhy(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"Hi {{nme}}":            "{{attributes.nme}}",
		"Hi {{name":             "no }}",
		"Hi name}}":             "without {{",
		"{{name | date}}":       "needs a value",
		"{{name | upper x}}":    "takes no value",
		`{{name | default "x}}`: "not closed",
		"{{name | }}":           "nothing follows",
		"{{attributes.}}":       "unknown placeholder",
		strings.Repeat("{{name|a}}", 1) + manyPlaceholders(): "100 different",
	} {
		_, err := Parse(body)
		require.ErrorContains(t, err, want, body)
	}
}

func manyPlaceholders() string {
	var s strings.Builder
	for i := range 101 {
		s.WriteString("{{attributes.k" + strings.Repeat("x", i) + "}} ")
	}
	return s.String()
}

func TestOldPlaceholdersAreFound(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"name", "city"}, OldPlaceholders("Hi {name} from {city}, not {{name}}"))
}

func FuzzParse(f *testing.F) {
	f.Add("Hi {{name | there}}")
	f.Fuzz(func(t *testing.T, body string) {
		b, err := Parse(body)
		if err != nil {
			return
		}
		r := b.Render(&contact.Contact{Name: "x"})
		require.Len(t, r.Variables, len(b.Exprs))
		for _, e := range b.Exprs {
			again, err := Parse("{{" + e.Source + "}}")
			require.NoError(t, err, e.Source)
			require.Equal(t, e.Source, again.Exprs[0].Source)
		}
	})
}
