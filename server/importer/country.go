package importer

import (
	"strings"
	"sync"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// countryLanguages are those in which countries' names are known.
var countryLanguages = []string{
	"en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "uk", "ar", "fa", "he", "hi", "bn", "id", "ms", "vi",
	"th", "zh", "zh-Hant", "ja", "ko", "sv", "da", "nb", "fi", "cs", "sk", "hu", "ro", "bg", "el", "hr", "sr", "sl", "lt",
	"lv", "et", "ca", "sw",
}

// countryAliases are names in use that no standard has.
var countryAliases = map[string]string{
	"uk": "GB", "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
	"northern ireland": "GB", "grossbritannien": "GB", "usa": "US", "u s a": "US", "united states of america": "US",
	"america": "US", "holland": "NL", "the netherlands": "NL", "uae": "AE", "emirates": "AE", "ksa": "SA",
	"czech republic": "CZ", "tschechische republik": "CZ", "slovak republic": "SK", "russian federation": "RU",
	"korea": "KR", "republic of korea": "KR", "viet nam": "VN", "ivory coast": "CI", "burma": "MM", "swaziland": "SZ",
	"macedonia": "MK", "turkey": "TR", "brd": "DE", "osterreich": "AT", "schweiz": "CH", "suisse": "CH", "drc": "CD",
	"hongkong": "HK", "estados unidos": "US", "ee uu": "US", "eeuu": "US", "cape verde": "CV",
}

var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for code := range phonenumbers.GetSupportedRegions() {
		region, err := language.ParseRegion(code)
		if err != nil {
			continue
		}
		names[strings.ToLower(code)] = code
		names[strings.ToLower(region.ISO3())] = code
		for _, lang := range countryLanguages {
			if namer := display.Regions(language.MustParse(lang)); namer != nil {
				if name := foldCountry(namer.Name(region)); name != "" && names[name] == "" {
					names[name] = code
				}
			}
		}
	}
	for name, code := range countryAliases {
		names[name] = code
	}
	return names
})

// foldCountry makes spellings of a name equal: case, accents, punctuation.
func foldCountry(name string) string {
	name = strings.NewReplacer("ß", "ss", "&", " and ").Replace(name)
	folded := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.Mc, r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFD.String(name))
	return strings.Join(strings.Fields(folded), " ")
}

// countryOf reads a country as people write it: its ISO 3166-1 code of two or three
// letters, its name in many languages, or its dial code. "" is unknown.
func countryOf(text string) string {
	text = strings.TrimSpace(text)
	if digits := strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(text, " ", ""), "+"), "00"); digits != "" &&
		len(digits) <= 7 && strings.Trim(digits, "0123456789-()") == "" {
		return countryOfDialCode(digits)
	}
	return countryNames()[foldCountry(text)]
}

// countryOfDialCode knows 1868 and 1-868 too: it is Trinidad's.
func countryOfDialCode(digits string) string {
	digits = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, digits)
	if len(digits) > 3 && digits[0] == '1' {
		for code := range phonenumbers.GetSupportedRegions() {
			if n := phonenumbers.GetExampleNumber(code); n != nil && n.GetCountryCode() == 1 &&
				strings.HasPrefix(phonenumbers.GetNationalSignificantNumber(n), digits[1:]) {
				return code
			}
		}
		return ""
	}
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	if code := phonenumbers.GetRegionCodeForCountryCode(n); code != "ZZ" && code != "001" {
		return code
	}
	return ""
}
