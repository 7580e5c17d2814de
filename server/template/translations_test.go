package template_test

import (
	"testing"

	"eventstream/server/db/dbtest"
	"eventstream/server/template"

	"github.com/stretchr/testify/require"
)

// TestEverybodyGetsTheirLanguage by the same rule in Go and in SQL.
func TestEverybodyGetsTheirLanguage(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	own := template.Wording{Language: "en", VersionID: 1}
	others := []template.Wording{{Language: "pt_BR", VersionID: 2}, {Language: "de", VersionID: 3}, {Language: "pt_PT", VersionID: 4}, {Language: "en_GB", VersionID: 5}}
	for locale, want := range map[string]int64{
		"": 1, "en": 1, "EN-us": 1, "en-GB": 5, "de": 3, "de-AT": 3, "de_CH": 3, "pt-PT": 4, "pt-br": 2, "pt": 2, "pt_AO": 2, "fr": 1, "nonsense": 1,
	} {
		require.Equal(t, want, template.Choose(own, others, locale).VersionID, "%q", locale)
		for _, among := range [][]template.Wording{others, nil} {
			sql, args := template.ChooseSQL(own, among)
			var got int64
			require.NoError(t, d.NewRaw("SELECT "+sql+" FROM (SELECT ?::text AS locale) c", append(args, locale)...).Scan(t.Context(), &got))
			require.Equal(t, template.Choose(own, among, locale).VersionID, got, "%q", locale)
		}
	}
}
