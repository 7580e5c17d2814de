package consent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAnswersAreReadInTheLanguageOfTheQuestion: what is yes in one language may be no in
// another, and a sentence is no answer.
func TestAnswersAreReadInTheLanguageOfTheQuestion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body    string
		locales []string
		want    YesOrNo
		in      string
	}{
		{"Yes", nil, Yes, "en"},
		{" YES! ", nil, Yes, "en"},
		{"yes please", nil, Yes, "en"},
		{"Ja", []string{"de"}, Yes, "de"},
		{"Ja, gerne", []string{"de"}, Yes, "de"},
		{"ja", []string{"nl-BE"}, Yes, "nl"},
		{"Sí", []string{"es_MX"}, Yes, "es"},
		{"si", []string{"", "", "it"}, Yes, "it"},
		{"Yes, of course. I agree", nil, Yes, "en"},
		{"Ja klar, ok", []string{"de"}, Yes, "de"},
		{"No, no quiero", []string{"es"}, No, "es"},
		{"yes no", nil, Unclear, ""},
		{"Hej", []string{"sv"}, Unclear, ""},       // yes in Slovak
		{"Hä?", []string{"de", "de"}, Unclear, ""}, // in Bengali
		{"Co?", []string{"pl"}, Unclear, ""},       // in Vietnamese
		{"da", []string{"en", "de"}, Unclear, ""},
		{"Да", []string{"ru"}, Yes, "ru"},
		{"نعم", []string{"ar"}, Yes, "ar"},
		{"हाँ", []string{"hi"}, Yes, "hi"},
		{"はい", []string{"ja"}, Yes, "ja"},
		{"ใช่", []string{"th"}, Yes, "th"},
		{"👍🏽", []string{"de"}, Yes, "en"},
		{"Nein", []string{"de"}, No, "de"},
		{"no", []string{"es"}, No, "es"},
		{"No, thanks", nil, No, "en"},
		{"wrong number", nil, No, "en"},
		{"όχι", []string{"el"}, No, "el"},
		{"不是", []string{"zh"}, No, "zh"},
		{"lo que sea", []string{"es"}, Unclear, ""},
		{"yes but stop asking me about it", nil, Unclear, ""},
		{"who is this?", nil, Unclear, ""},
		{"", nil, Unclear, ""},
		{"\x00", nil, Unclear, ""},
	} {
		answer, in := ReadYesOrNo(c.body, c.locales...)
		require.Equal(t, c.want, answer, "%q", c.body)
		require.Equal(t, c.in, in, "%q", c.body)
	}
}

// TestNoLanguageCallsOneWordYesAndNo: then nobody could answer in it.
func TestNoLanguageCallsOneWordYesAndNo(t *testing.T) {
	t.Parallel()
	for word, languages := range noWords() {
		for _, code := range languages {
			require.NotContains(t, yesWords()[word], code, "%q", word)
		}
	}
	for _, file := range []map[string][]string{yesWords(), noWords()} {
		codes := map[string]bool{}
		for _, languages := range file {
			for _, code := range languages {
				codes[code] = true
			}
		}
		require.Len(t, codes, 42)
	}
}

// TestCountriesHaveALanguage: it is guessed, where nothing better is known.
func TestCountriesHaveALanguage(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{"DE": "de", "BR": "pt", "MX": "es", "IN": "hi", "US": "en", "": "", "nonsense": ""} {
		require.Equal(t, want, LanguageOfRegion(region), region)
	}
}
