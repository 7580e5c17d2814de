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
	others := []template.Wording{
		{Language: "pt_BR", VersionID: 2},
		{Language: "de", VersionID: 3},
		{Language: "pt_PT", VersionID: 4},
		{Language: "en_GB", VersionID: 5},
		{Language: "zh_TW", VersionID: 6},
		{Language: "zh_CN", VersionID: 7},
		{Language: "he", VersionID: 8},
		{Language: "nb", VersionID: 9},
		{Language: "fil", VersionID: 10},
		{Language: "sr", VersionID: 11},
		{Language: "es", VersionID: 12},
	}
	for locale, want := range map[string]int64{
		"": 1, "en": 1, "EN-us": 1, "en-GB": 5, "de": 3, "de-AT": 3, "de_CH": 3, "pt-PT": 4, "pt-br": 2, "pt": 2, "pt_AO": 2, "fr": 1, "nonsense": 1,
		"zh": 7, "zh-Hans": 7, "zh-Hant": 6, "zh_Hant_TW": 6, "zh-TW": 6, "zh-HK": 6, "zh-MO": 6, "zh-SG": 7, "zh-Hans-HK": 7, "zh-Hant-CN": 6,
		"zh_TW.UTF-8": 6, "de_DE.UTF-8": 3, "de_AT@euro": 3, "iw": 8, "iw-IL": 8, "no": 9, "nn-NO": 9, "tl": 10, "sr-Latn-RS": 11, "sr-Cyrl": 11,
		"es-419": 12, "de-1996": 3, "DE-CH-1996": 3, "x": 1, "_": 1, "-": 1, "eng": 1, "?": 1, "zh-Hant-": 6,
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
