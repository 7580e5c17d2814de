package contact

import (
	"regexp"
	"strings"

	"eventstream/server/apperr"

	"github.com/nyaruka/phonenumbers"
)

// Kind is what an address is made of.
type Kind string

// Kinds of address.
const (
	KindPhone Kind = "phone" // E.164
	KindBSUID Kind = "bsuid" // WhatsApp's business-scoped user id, since 2026
	// KindParentBSUID is the id of the same person towards the parent of linked business accounts.
	KindParentBSUID Kind = "parent_bsuid"
)

// Address is a checked WhatsApp address.
type Address struct {
	Wire     string // what goes to Twilio, without "whatsapp:": +4915112345678 or BR.1000000000000001
	MatchKey string // the same for all spellings of one person's address
	Kind     Kind
	Region   string // ISO 3166-1 alpha-2; "" for numbers of no country
	TimeZone string // the one zone that the number stands for; "" when there are several or none
	Mobile   bool   // by its numbering plan it is, or may be, a mobile number
}

// Spaced is the address as people write it abroad: +33 6 12 34 56 01.
func (a Address) Spaced() string { return Spaced(a.Wire) }

// Spaced writes an address, as contacts have it, as people write it abroad; what is no number stays as it is.
func Spaced(wire string) string {
	if !strings.HasPrefix(wire, "+") {
		return wire
	}
	n := parsed(wire, "")
	if n == nil {
		return wire
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// bsuid: "whatsapp:CC.<alnum>" or "whatsapp:CC.ENT.<alnum>", see Twilio's
// changelog on usernames and BSUIDs (2026).
var bsuid = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$`)

func readBSUID(s string) (Address, bool) {
	m := bsuid.FindStringSubmatch(s)
	if m == nil {
		return Address{}, false
	}
	kind := KindBSUID
	if m[1] != "" {
		kind = KindParentBSUID
	}
	return Address{Wire: s, MatchKey: s, Kind: kind, Region: s[:2]}, true
}

// ParseAddress reads a number in any spelling, or a BSUID. region (ISO 3166-1
// alpha-2) is where national numbers are read; numbers with + or 00 need none.
// Digits that may be meant nationally and internationally are refused.
func ParseAddress(text, region string) (Address, error) {
	return ReadAddress(text, region, ReadingOpen)
}

// ReadAddress is ParseAddress where it is known how numbers without + are meant. Of
// several numbers in one text the first valid one counts.
func ReadAddress(text, region string, reading Reading) (Address, error) {
	s, err := plainNumber(text)
	if err != nil {
		return Address{}, err
	}
	if a, ok := readBSUID(s); ok {
		return a, nil
	}
	if s == "" {
		return Address{}, apperr.Invalid("address", "the phone number is empty")
	}
	region = strings.ToUpper(strings.TrimSpace(region))
	if parts := severalNumbers(s); parts != nil {
		for _, part := range parts {
			if a, err := readAddress(part, part, region, reading); err == nil {
				return a, nil
			}
		}
		return Address{}, apperr.Invalid("address", "%q holds %d numbers, and none of them is valid", text, len(parts))
	}
	return readAddress(text, s, region, reading)
}

func readAddress(text, s, region string, reading Reading) (Address, error) {
	n, err := readNumber(text, s, region, reading)
	if err != nil {
		return Address{}, err
	}
	canonical := canonicalNumber(n)
	kind := phonenumbers.GetNumberType(canonical) // the dear part of it all: unknown where it is not valid
	if kind == phonenumbers.UNKNOWN && !valid(n) {
		return Address{}, apperr.Invalid("address", "%q is not a phone number: no such number exists in the numbering plan of %s",
			text, placeOf(n))
	}
	if n.GetExtension() != "" {
		return Address{}, apperr.Invalid("address", "%q has the extension %s, which WhatsApp cannot reach: give the person's own number",
			text, n.GetExtension())
	}
	a := Address{Kind: KindPhone, Wire: e164(n), Mobile: mobile(kind)}
	if a.MatchKey = a.Wire; canonical != n {
		a.MatchKey = e164(canonical)
	}
	a.Region = phonenumbers.GetRegionCodeForNumber(canonical)
	if a.Region == "" {
		if former := parsed(formerForm(a.MatchKey), ""); former != nil {
			a.Region, a.Mobile = phonenumbers.GetRegionCodeForNumber(former), isMobile(former)
		}
	}
	if a.Region == "001" {
		a.Region = ""
	}
	if zones := numberZones(canonical); len(zones) == 1 {
		a.TimeZone = zones[0]
	}
	return a, nil
}

// DeliveredAddress reads an address from which a message was delivered to us: whoever
// wrote can be written to, whatever a library says of the number.
func DeliveredAddress(text string) (Address, error) {
	a, err := ParseAddress(text, "")
	if err == nil {
		return a, nil
	}
	s, plainErr := plainNumber(text)
	if digits, ok := strings.CutPrefix(s, "+"); plainErr == nil && ok && len(digits) >= 5 && len(digits) <= 15 && onlyDigits(digits) {
		a := Address{Kind: KindPhone, Wire: s, MatchKey: modernForm(s)}
		if n := parsed(s, ""); n != nil {
			if r := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode())); r != "ZZ" && r != "001" {
				a.Region = r
			}
		}
		return a, nil
	}
	return Address{}, err
}

func placeOf(n *phonenumbers.PhoneNumber) string {
	if r := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode())); r != "" && r != "ZZ" && r != "001" {
		return r
	}
	return "any country"
}

// canonicalNumber joins the forms of one number, see renumberings.
func canonicalNumber(n *phonenumbers.PhoneNumber) *phonenumbers.PhoneNumber {
	old := e164(n)
	modern := modernForm(old)
	if modern == old {
		return n
	}
	joined, err := phonenumbers.Parse(modern, "")
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
		if _, err := Zone(z); err == nil { // "Etc/Unknown" is none
			kept = append(kept, z)
		}
	}
	return kept
}

// CandidateZones are all zones in which the person may be: the declared one,
// else every zone of their number, or of the country of their id.
func (c *Contact) CandidateZones() []string {
	if c.TimeZone != "" {
		return []string{c.TimeZone}
	}
	if c.Kind != KindPhone {
		return zonesOfCountry(c.Region)
	}
	n, err := phonenumbers.Parse(c.MatchKey, "")
	if err != nil {
		return nil
	}
	return numberZones(n)
}
