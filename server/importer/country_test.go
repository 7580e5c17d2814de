package importer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCountriesAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"DE": "DE", "de": "DE", "DEU": "DE", "Germany": "DE", "Deutschland": "DE", "Allemagne": "DE", "ALEMANIA": "DE",
		"Германия": "DE", "德国": "DE", "+49": "DE", "49": "DE", "0049": "DE", "Austria": "AT", "Österreich": "AT",
		"Osterreich": "AT", "UK": "GB", "United Kingdom": "GB", "England": "GB", "GBR": "GB", "+91": "IN", "भारत": "IN",
		"India": "IN", "USA": "US", "U.S.A.": "US", "United States": "US", "+1": "US", "1868": "TT", "México": "MX",
		"mexico": "MX", "Brasil": "BR", "Türkiye": "TR", "Turkey": "TR", "Côte d’Ivoire": "CI", "الإمارات العربية المتحدة": "AE",
		"Bosnia & Herzegovina": "BA", "Großbritannien": "GB", " France ": "FR", "Narnia": "", "": "", "+999": "", "XX": "",
	} {
		require.Equal(t, want, countryOf(text), text)
	}
}
