package contact

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"eventstream/server/apperr"
	"eventstream/server/say"

	"github.com/nyaruka/phonenumbers"
)

// Reading is how digits are meant that stand without + or 00 before them.
type Reading string

// Readings.
const (
	ReadingOpen          Reading = "" // as the only one of the two that makes sense; else the number is refused
	ReadingNational      Reading = "national"
	ReadingInternational Reading = "international" // with the country code, as WhatsApp's own ids are written
)

var (
	formulaText  = regexp.MustCompile(`^="(.*)"$`) // how spreadsheets are told to keep digits as a text
	numberLink   = regexp.MustCompile(`(?i)^(?:https?://)?(?:wa\.me/|api\.whatsapp\.com/send/?\?phone=)\+?(\d+).*$`)
	chatID       = regexp.MustCompile(`(?i)^\+?(\d+)(?::\d+)?@(?:c\.us|s\.whatsapp\.net)$`)
	wholeDecimal = regexp.MustCompile(`^(\+?\d{6,15})[.,]0+$`) // a spreadsheet took the number for a quantity
	thousands    = regexp.MustCompile(`^\d{1,3}(?:,\d{3}){2,4}$`)
	scientific   = regexp.MustCompile(`^(\+?)(\d+)(?:[.,](\d+))? ?(?:[eE]|[x×*] ?10 ?\^) ?\+?0*(\d{1,2})$`)
	betweenCells = regexp.MustCompile(`:::|[;|\r\n]`)
	betweenTwo   = regexp.MustCompile(`(?i):::|[,;|\r\n&]|//| / | (?:or|oder|ou|o|y|und|and|e) `)
	words        = regexp.MustCompile(`[^\d+]*\p{L}{2,}[^\d+]*`) // between two labelled numbers
	extension    = regexp.MustCompile(`(?i)(?:;ext=|(?:^|[^\p{L}])(?:#|ext|extn|extension|x|durchwahl|dw|app|apparat|poste|int|interno|anexo|` +
		`ramal|доб)[.:= ]*)(\d{1,7})$`)
	attachedX = regexp.MustCompile(`(?i)\dx(\d{1,7})$`)
	label     = regexp.MustCompile(`^[^\d+]*`)
	remark    = regexp.MustCompile(`[ (\[]+[^\d]*$`)
	letter    = regexp.MustCompile(`\p{L}`)
)

// plainNumber undoes what files, chats and spreadsheets do to a number: other
// scripts' digits, spaces and hyphens of all kinds, direction marks, formulas.
func plainNumber(text string) (string, error) {
	s := strings.TrimSpace(strings.Map(plainRune, text))
	if m := formulaText.FindStringSubmatch(s); m != nil {
		s = strings.TrimSpace(m[1])
	}
	for _, scheme := range []string{"whatsapp:", "tel:"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = strings.TrimSpace(s[len(scheme):])
		}
	}
	if onlyDigits(strings.TrimPrefix(s, "+")) && !strings.Contains(s, ".") {
		return s, nil
	}
	s = strings.TrimSpace(quotes.Replace(s))
	for _, written := range []*regexp.Regexp{numberLink, chatID} {
		if m := written.FindStringSubmatch(s); m != nil {
			s = "+" + m[1]
		}
	}
	if thousands.MatchString(s) {
		s = strings.ReplaceAll(s, ",", "")
	}
	if m := wholeDecimal.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	if m := scientific.FindStringSubmatch(s); m != nil {
		// 4.91512E12 has lost digits; 4.915123450002E12 has all of them.
		if exponent := atoi(m[4]); len(m[3]) != exponent {
			return s, apperr.Invalid("address", "%q is a number that a spreadsheet has shortened, and digits are lost: "+
				"format the column as text, or as a number without decimals, and export it again", text)
		}
		s = m[1] + m[2] + m[3]
	}
	return s, nil
}

// quotes are what texts are put in, which is no part of a number.
var quotes = strings.NewReplacer(`"`, "", "'", "", "‘", "", "’", "", "‚", "", "“", "", "”", "", "„", "", "«", "", "»", "",
	"[", "", "]", "", "{", "", "}", "", "<", "", ">", "", "`", "")

// LooksLikeNumber holds for a text that may be a phone number, in whatever spelling:
// enough digits and the signs that people write between them.
func LooksLikeNumber(text string) bool {
	if len(text) > 200 {
		return false
	}
	s, err := plainNumber(text)
	if err != nil { // a number that a spreadsheet has shortened
		return true
	}
	s = extension.ReplaceAllString(s, "")
	digits := countDigits(s)
	if strings.HasPrefix(s, "+") || severalNumbers(s) != nil {
		return digits >= shortestShown && !letter.MatchString(strings.TrimPrefix(s, "+"))
	}
	return digits >= shortestShown && digits <= longestShown && strings.Trim(s, "+0123456789 ()./-") == ""
}

// A number has between so many digits, as it is written with its prefixes.
const (
	shortestShown = 8
	longestShown  = 17
)

func atoi(digits string) (n int) {
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}

// PlainDigits gives a text with the digits 0 to 9 for those of other scripts, without
// what cannot be seen.
func PlainDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.Is(unicode.Nd, r) {
			return '0' + digitOf(r)
		}
		if r > unicode.MaxASCII && unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

func plainRune(r rune) rune {
	switch {
	case r == '\n' || r == '\r':
		return r
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.M, r), unicode.IsControl(r):
		return -1 // direction marks, zero-width signs, variation selectors
	case r >= '0' && r <= '9':
		return r
	case unicode.Is(unicode.Nd, r):
		return '0' + digitOf(r)
	case unicode.Is(unicode.Pd, r), r == '−':
		return '-'
	case r == '＋', r == '﹢', r == '➕':
		return '+'
	case r == '⁄', r == '∕', r == '／':
		return '/'
	case r == '·', r == '•', r == '∙', r == '_', r == '․':
		return ' '
	}
	return r
}

// digitOf is the value of a decimal digit of any script: Unicode keeps the ten of
// each in a row that begins with its zero.
func digitOf(r rune) rune {
	n := rune(0)
	for n < 9 && unicode.Is(unicode.Nd, r-n-1) {
		n++
	}
	return n
}

// severalNumbers parts a cell that holds more than one whole number.
func severalNumbers(s string) []string {
	if bare(s) || !strings.ContainsAny(s, ":,;|&/\r\n +") || strings.Contains(s, ";ext") {
		return nil
	}
	if parts := wholeNumbers(betweenCells.Split(s, -1), false); parts != nil {
		return parts
	}
	if parts := wholeNumbers(betweenTwo.Split(s, -1), true); parts != nil {
		return parts
	}
	if strings.Count(s, "+") > 1 {
		if parts := wholeNumbers(strings.Split(strings.TrimLeft(s, "+ "), "+"), true); parts != nil {
			for i := range parts { // what stood before the first + had none
				if i > 0 || strings.HasPrefix(s, "+") {
					parts[i] = "+" + strings.TrimRight(parts[i], " -/,;")
				}
			}
			return parts
		}
	}
	if parts := wholeNumbers(strings.Split(s, "/"), true); parts != nil && shortestOf(parts) >= wholeWithSlash {
		return parts
	}
	if parts := wholeNumbers(words.Split(s, -1), true); parts != nil {
		return parts
	}
	return nil
}

// wholeWithSlash: what stands on both sides of a slash is a number of its own with so
// many digits; 0151/12345678 is one number.
const wholeWithSlash = 9

func shortestOf(parts []string) int {
	n := countDigits(parts[0])
	for _, p := range parts[1:] {
		n = min(n, countDigits(p))
	}
	return n
}

// wholeNumbers are the parts that are long enough; with all, unless one of them is not:
// then what parts them belongs to one number.
func wholeNumbers(texts []string, all bool) (parts []string) {
	if len(texts) < 2 {
		return nil
	}
	for _, part := range texts {
		part = strings.TrimSpace(part)
		switch {
		case countDigits(part) >= 7:
			parts = append(parts, part)
		case part != "" && all:
			return nil
		}
	}
	if all && len(parts) < 2 {
		return nil
	}
	return parts
}

func countDigits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// bare holds for digits with nothing between or around them but a leading +, as most are
// written: there is nothing to look for in them.
func bare(s string) bool { return strings.Trim(strings.TrimPrefix(s, "+"), "0123456789") == "" }

// readNumber reads one number that plainNumber has gone over.
func readNumber(text, s, region string, reading Reading) (*phonenumbers.PhoneNumber, error) {
	invalid := func(why say.Format) (*phonenumbers.PhoneNumber, error) {
		return nil, apperr.Invalid("address", "%q is not a phone number: %s", text, say.New(why))
	}
	if !bare(s) {
		if m := cmpMatch(extension.FindStringSubmatch(s), attachedX.FindStringSubmatch(s)); m != nil {
			return nil, apperr.Invalid("address", "%q has the extension %s, which WhatsApp cannot reach: give the person's own number",
				text, m[1])
		}
		// What people write around a number is no part of it. Letters inside would be read as
		// the keys of a telephone, and 0151 1234567 Max be somebody else's number.
		s = strings.TrimSpace(remark.ReplaceAllString(label.ReplaceAllString(s, ""), ""))
		if letter.MatchString(s) {
			return invalid("there are letters in it")
		}
	}
	if strings.HasPrefix(s, "00") {
		s = "+" + s[2:] // ITU-T E.123: 00 is how most countries dial +
	}
	national := parsed(s, region)
	if strings.HasPrefix(s, "+") {
		if national == nil {
			return invalid("want 7 to 15 digits with country code, such as +49 151 12345678")
		}
		return national, nil
	}
	var international *phonenumbers.PhoneNumber
	if !strings.HasPrefix(s, "0") {
		international = parsed("+"+s, "")
	}
	switch {
	case reading == ReadingInternational && international != nil:
		return international, nil
	case reading == ReadingNational && national != nil:
		return national, nil
	case region == "" && international != nil && valid(international):
		return invalid("it has no country code; write it with + or give the country, or " + sayHow)
	case region == "":
		return invalid("it has no country code; write it with + or give the country")
	case national == nil && international == nil:
		return invalid("want 7 to 15 digits with country code, such as +49 151 12345678")
	case national == nil || reading != ReadingOpen:
		if national != nil {
			return national, nil // of a file of international numbers, one that begins with 0
		}
		return international, nil
	case international == nil, !valid(international):
		return national, nil
	case !valid(national), tooLongForAMobile(national), ownCode(national, international):
		return international, nil
	case e164(national) == e164(international):
		return national, nil
	}
	return nil, apperr.Invalid("address",
		"%q can be %s or %s: write it with + and the country code, or "+sayHow, text,
		e164(national), e164(international))
}

func parsed(s, region string) *phonenumbers.PhoneNumber {
	n, err := phonenumbers.Parse(s, region)
	if err != nil {
		return nil
	}
	return n
}

const sayHow = "say how numbers without + are meant"

// Undecided holds for what ReadAddress says of a number that another Reading may make
// a good one.
func Undecided(reason string) bool { return strings.HasSuffix(reason, sayHow) }

func cmpMatch(matches ...[]string) []string {
	for _, m := range matches {
		if m != nil {
			return m
		}
	}
	return nil
}

// valid holds for numbers that exist in one of their forms: plans change before
// libraries do.
func valid(n *phonenumbers.PhoneNumber) bool {
	if phonenumbers.IsValidNumber(n) || phonenumbers.IsValidNumber(canonicalNumber(n)) {
		return true
	}
	former := parsed(formerForm(e164(n)), "")
	return former != nil && phonenumbers.IsValidNumber(former)
}

func e164(n *phonenumbers.PhoneNumber) string { return phonenumbers.Format(n, phonenumbers.E164) }

func onlyDigits(s string) bool { return strings.Trim(s, "0123456789 -.()/") == "" }

// ownCode holds where digits begin with the country's own code and are a mobile
// number then, but none without it.
func ownCode(national, international *phonenumbers.PhoneNumber) bool {
	return national.GetCountryCode() == international.GetCountryCode() && e164(national) != e164(international) &&
		isMobile(international) && !isMobile(national)
}

func isMobile(n *phonenumbers.PhoneNumber) bool { return mobile(phonenumbers.GetNumberType(n)) }

func mobile(t phonenumbers.PhoneNumberType) bool {
	return t == phonenumbers.MOBILE || t == phonenumbers.FIXED_LINE_OR_MOBILE
}

// longestMobile is how many digits a mobile number has at most, by region.
var longestMobile = sync.OnceValue(func() map[string]int {
	longest := map[string]int{}
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return longest
	}
	for _, plan := range all.GetMetadata() {
		for _, n := range plan.GetMobile().GetPossibleLength() {
			longest[plan.GetId()] = max(longest[plan.GetId()], int(n))
		}
	}
	return longest
})

// tooLongForAMobile holds for digits that some plan allows, Germany's for one, but
// that no mobile number there has.
func tooLongForAMobile(n *phonenumbers.PhoneNumber) bool {
	longest := longestMobile()[phonenumbers.GetRegionCodeForNumber(n)]
	return longest > 0 && len(phonenumbers.GetNationalSignificantNumber(n)) > longest
}
