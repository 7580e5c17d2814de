package locale_test

import (
	"context"
	"testing"

	"eventstream/server/db/dbtest"
	"eventstream/server/locale"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]locale.Locale{
		"":               {},
		"pt-BR":          {Language: "pt", Region: "br"},
		"zh-Hant-TW":     {Language: "zh", Script: "hant", Region: "tw"},
		"de_DE.UTF-8":    {Language: "de", Region: "de"},
		"de_AT@euro":     {Language: "de", Region: "at"},
		"iw":             {Language: "he"},
		"es-419":         {Language: "es", Region: "419"},
		"ca-ES-valencia": {Language: "ca", Region: "es"},
		"German":         {},
	} {
		require.Equal(t, want, locale.Parse(text), "%q", text)
	}
}

// TestSQLReadsAsGoDoes whatever somebody's file has written.
func TestSQLReadsAsGoDoes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	word := rapid.SampledFrom([]string{"zh", "yue", "iw", "no", "pt", "Hant", "hans", "TW", "HK", "br", "419", "1996", "ü", "üü", "x", "", "valencia"})
	between := rapid.SampledFrom([]string{"-", "_", "__", ".", "@", " ", ""})
	rapid.Check(t, func(t *rapid.T) {
		text := word.Draw(t, "language")
		for range rapid.IntRange(0, 4).Draw(t, "more") {
			text += between.Draw(t, "between") + word.Draw(t, "part")
		}
		var exact, readers string
		err := d.NewRaw("SELECT l.exact, l.readers FROM (SELECT ?::text AS locale) c, LATERAL "+locale.SQL("c.locale")+" l", text).
			Scan(context.Background(), &exact, &readers)
		require.NoError(t, err)
		require.Equal(t, locale.Parse(text).Exact(), exact, "%q", text)
		require.Equal(t, locale.Parse(text).Readers(), readers, "%q", text)
	})
}
