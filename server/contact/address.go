package contact

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"eventstream/server/apperr"

	"github.com/nyaruka/phonenumbers"
)

// Kind is what an address is made of.
type Kind string

// Kinds of address.
const (
	KindPhone Kind = "phone" // E.164
	KindBSUID Kind = "bsuid" // WhatsApp's business-scoped user id, since 2026
)

// Address is a checked WhatsApp address.
type Address struct {
	Wire     string // what goes to Twilio, without "whatsapp:": +4915112345678 or BR.1000000000000001
	MatchKey string // the same for all spellings of one person's address
	Kind     Kind
	Region   string // ISO 3166-1 alpha-2; "" for numbers of no country
	TimeZone string // the one zone that the number stands for; "" when there are several or none
}

// bsuid: "whatsapp:CC.<alnum>" or "whatsapp:CC.ENT.<alnum>", see Twilio's
// changelog on usernames and BSUIDs (2026).
var bsuid = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$`)

// ParseAddress reads a number in any spelling, or a BSUID. region (ISO 3166-1
// alpha-2) is where national numbers are read; numbers with + or 00 need none.
func ParseAddress(text, region string) (Address, error) {
	s := strings.TrimFunc(strings.Map(dropFormat, text), unicode.IsSpace)
	if len(s) >= 9 && strings.EqualFold(s[:9], "whatsapp:") {
		s = strings.TrimSpace(s[9:])
	}
	if bsuid.MatchString(s) {
		return Address{Wire: s, MatchKey: s, Kind: KindBSUID, Region: s[:2]}, nil
	}
	invalid := func(why string) (Address, error) {
		return Address{}, apperr.Invalid("address", "%q is not a phone number: %s", text, why)
	}
	if s == "" {
		return Address{}, apperr.Invalid("address", "the phone number is empty")
	}
	if strings.HasPrefix(s, "00") {
		s = "+" + s[2:] // ITU-T E.123: 00 is how most countries dial +
	}
	region = strings.ToUpper(strings.TrimSpace(region))
	n, err := phonenumbers.Parse(s, region)
	if err != nil {
		switch {
		case region == "" && !strings.HasPrefix(s, "+"):
			return invalid("it has no country code; write it with + or give the country")
		default:
			return invalid("want 7 to 15 digits with country code, such as +49 151 12345678")
		}
	}
	canonical := canonicalNumber(n)
	if !phonenumbers.IsValidNumber(canonical) {
		return invalid("no such number exists in the numbering plan of " + placeOf(n))
	}
	a := Address{
		Kind: KindPhone, Wire: phonenumbers.Format(n, phonenumbers.E164),
		MatchKey: phonenumbers.Format(canonical, phonenumbers.E164),
	}
	if r := phonenumbers.GetRegionCodeForNumber(canonical); r != "001" {
		a.Region = r
	}
	if zones := numberZones(canonical); len(zones) == 1 {
		a.TimeZone = zones[0]
	}
	return a, nil
}

func placeOf(n *phonenumbers.PhoneNumber) string {
	if r := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode())); r != "" && r != "ZZ" && r != "001" {
		return r
	}
	return "any country"
}

// dropFormat removes what spreadsheets and chats leave around a number:
// direction marks, zero-width signs, control characters.
func dropFormat(r rune) rune {
	if unicode.Is(unicode.Cf, r) || (unicode.IsControl(r) && !unicode.IsSpace(r)) {
		return -1
	}
	return r
}

// canonicalNumber joins the spellings that WhatsApp itself mixes: Mexico's 1
// after 52, Argentina's 9 after 54, Brazil's ninth digit.
func canonicalNumber(n *phonenumbers.PhoneNumber) *phonenumbers.PhoneNumber {
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	switch {
	case strings.HasPrefix(e164, "+521") && len(e164) == 14:
		e164 = "+52" + e164[4:]
	case strings.HasPrefix(e164, "+54") && len(e164) == 13 && e164[3] != '9':
		e164 = "+549" + e164[3:]
	case strings.HasPrefix(e164, "+55") && len(e164) == 13 && e164[5] >= '6':
		e164 = e164[:5] + "9" + e164[5:]
	default:
		return n
	}
	joined, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return n
	}
	return joined
}

func numberZones(n *phonenumbers.PhoneNumber) []string {
	zones, err := phonenumbers.GetTimezonesForNumber(n)
	if err != nil {
		return nil
	}
	kept := zones[:0:0]
	for _, z := range zones {
		if _, err := time.LoadLocation(z); err == nil { // "Etc/Unknown" is none
			kept = append(kept, z)
		}
	}
	return kept
}

// CandidateZones are all zones in which the person may be: the declared one,
// else every zone of their number.
func (c *Contact) CandidateZones() []string {
	if c.TimeZone != "" {
		return []string{c.TimeZone}
	}
	if c.Kind != KindPhone {
		return nil
	}
	n, err := phonenumbers.Parse(c.MatchKey, "")
	if err != nil {
		return nil
	}
	return numberZones(n)
}
