package importer

import (
	"regexp"
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
	"hongkong": "HK", "hong kong": "HK", "macau": "MO", "macao": "MO", "estados unidos": "US", "ee uu": "US", "eeuu": "US", "cape verde": "CV",
	"bundesrepublik deutschland": "DE", "federal republic of germany": "DE", "republik osterreich": "AT",
	"republic of austria": "AT", "swiss": "CH", "republic of ireland": "IE", "eire": "IE", "bharat": "IN",
	"republic of india": "IN", "hindustan": "IN", "people s republic of china": "CN", "pr china": "CN", "prc": "CN",
	"mainland china": "CN", "roc": "TW", "chinese taipei": "TW", "taiwan province of china": "TW", "香港": "HK", "澳門": "MO",
	"澳门": "MO", "대한민국": "KR", "korea south": "KR", "korea republic of": "KR", "rok": "KR", "korea north": "KP", "dprk": "KP",
	"korea democratic people s republic of": "KP", "dr congo": "CD", "congo drc": "CD", "congo kinshasa": "CD", "rdc": "CD",
	"democratic republic of congo": "CD", "democratic republic of the congo": "CD", "congo democratic republic": "CD",
	"congo the democratic republic of the": "CD", "congo democratic republic of the": "CD", "congo brazzaville": "CG",
	"republic of the congo": "CG", "iran islamic republic of": "IR", "islamic republic of iran": "IR",
	"bolivia plurinational state of": "BO", "venezuela bolivarian republic of": "VE", "moldova republic of": "MD",
	"tanzania united republic of": "TZ", "united republic of tanzania": "TZ", "syrian arab republic": "SY",
	"lao people s democratic republic": "LA", "brunei darussalam": "BN", "palestine state of": "PS", "state of palestine": "PS",
	"palestine": "PS", "micronesia federated states of": "FM", "virgin islands u s": "VI", "virgin islands british": "VG",
	"macedonia the former yugoslav republic of": "MK", "north macedonia": "MK", "united kingdom of great britain and northern ireland": "GB",
	"united kingdom of great britain": "GB", "gran bretana": "GB", "grande bretagne": "GB", "inglaterra": "GB", "angleterre": "GB",
	"vk": "GB", "vereinigte staaten von amerika": "US", "etats unis d amerique": "US", "estados unidos de america": "US",
	"stati uniti d america": "US", "republica dominicana": "DO", "dominican rep": "DO", "bosnia": "BA", "bosnia herzegovina": "BA",
	"trinidad": "TT", "antigua": "AG", "cabo verde": "CV", "timor leste": "TL", "east timor": "TL", "vatican": "VA",
	"holy see": "VA", "امارات": "AE", "سعوديه": "SA", "سعودية": "SA", "brasilien": "BR", "persia": "IR",
	"ger": "DE", "ned": "NL", "sui": "CH", "por": "PT", "den": "DK", "gre": "GR", "cro": "HR", "rsa": "ZA", "phi": "PH",
	"mas": "MY", "vie": "VN", "bul": "BG", "ksa saudi arabia": "SA", "algerie": "DZ", "nippon": "JP", "suomi": "FI",
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
			namer := display.Regions(language.MustParse(lang))
			if namer == nil {
				continue
			}
			name := namer.Name(region)
			for _, spelling := range []string{name, umlauts.Replace(name)} {
				if folded := foldCountry(spelling); folded != "" && names[folded] == "" {
					names[folded] = code
				}
			}
		}
	}
	for name, code := range countryAliases {
		names[name] = code
	}
	return names
})

// umlauts are spelled out where keyboards have none.
var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "å", "aa", "ø", "oe")

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
	words := strings.Fields(folded)
	initials := len(words) > 1
	for i, w := range words {
		words[i] = strings.TrimPrefix(w, "ال") // the Arabic article
		initials = initials && len(w) == 1
	}
	if initials { // U.K., u a e
		return strings.Join(words, "")
	}
	return strings.Join(words, " ")
}

// countryOf reads a country as people write it: its ISO 3166-1 code of two or three
// letters, its name in many languages, or its dial code. "" is unknown.
func countryOf(text string) string {
	text = strings.TrimSpace(text)
	if digits := strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(text, " ", ""), "+"), "00"); digits != "" &&
		len(digits) <= 7 && strings.Trim(digits, "0123456789-()") == "" {
		return countryOfDialCode(digits)
	}
	if code := countryNames()[foldCountry(text)]; code != "" && strings.IndexFunc(text, isFlag) < 0 {
		return code
	}
	if m := locale.FindStringSubmatch(text); m != nil {
		return countryNames()[strings.ToLower(m[1])]
	}
	return countryTwice(text)
}

var (
	locale      = regexp.MustCompile(`^[a-z]{2}[-_]([A-Z]{2})$`)
	countryPart = regexp.MustCompile(`[()\[\]|]+| [-–/] `)
	dialPart    = regexp.MustCompile(` ?(?:\+|00)\d[\d -]*`)
)

// countryTwice reads what says one country in two ways: Germany (DE), DE - Germany,
// Canada +1, a flag before the name. What they say has to be the same.
func countryTwice(text string) (found string) {
	var flag, rest []rune
	for _, r := range text {
		if isFlag(r) {
			flag = append(flag, 'A'+r-'🇦')
		} else {
			rest = append(rest, r)
		}
	}
	dial := dialPart.FindString(string(rest))
	parts := append(countryPart.Split(strings.Replace(string(rest), dial, "|", 1), -1), string(flag))
	for _, part := range parts {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		code := ""
		if part != text {
			code = countryOf(part)
		}
		if code == "" || found != "" && code != found {
			return ""
		}
		found = code
	}
	switch {
	case dial == "":
		return found
	case found == "":
		return countryOf(strings.TrimSpace(dial))
	case phonenumbers.GetCountryCodeForRegion(found) != phonenumbers.GetCountryCodeForRegion(countryOf(strings.TrimSpace(dial))):
		return ""
	}
	return found
}

// isFlag holds for the letters of which flags are made, two for each.
func isFlag(r rune) bool { return r >= '🇦' && r <= '🇿' }

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
