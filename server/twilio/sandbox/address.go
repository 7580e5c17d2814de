package sandbox

import (
	"regexp"
	"strconv"
	"strings"

	"eventstream/server/contact"

	"github.com/nyaruka/phonenumbers"
)

var e164 = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)

// checkAddress takes what Twilio would: a number that its country's plan could
// have, or a BSUID. Whether the number exists is not known before it is tried.
func checkAddress(to string) (address string, ok bool) {
	address, ok = strings.CutPrefix(to, channel)
	if !ok {
		return "", false
	}
	if e164.MatchString(address) && possible(address[1:]) {
		return address, true
	}
	a, err := contact.ParseAddress(address, "")
	return a.Wire, err == nil
}

// possible looks at country code and length only: the sandbox takes thousands
// of messages a second, and reading a number wholly costs as much as the rest.
func possible(digits string) bool {
	for n := 1; n <= 3; n++ {
		code, err := strconv.ParseInt(digits[:n], 10, 32)
		if err != nil {
			return false
		}
		if region := phonenumbers.GetRegionCodeForCountryCode(int(code)); region == phonenumbers.UNKNOWN_REGION {
			continue
		}
		rest, err := strconv.ParseUint(digits[n:], 10, 64)
		if err != nil || digits[n] == '0' {
			return false // Italy's zero; read it wholly
		}
		country := int32(code)
		return phonenumbers.IsPossibleNumber(&phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &rest})
	}
	return false
}
