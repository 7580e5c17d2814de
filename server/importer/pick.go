package importer

import (
	"strings"

	"eventstream/server/consent"
	"eventstream/server/contact"
)

// pick takes the number of a row that most likely is on WhatsApp: the first valid
// one, but WhatsApp's own column first, then mobile numbers, then the others. value is
// what stood there, or in the first column that was tried in vain.
func pick(rec record, opts Options, region string) (best contact.Address, value string, err error) {
	const none = 9
	rank := none
	var failed error
	var failedValue string
	for _, p := range opts.phones {
		if p.index >= len(rec.values) {
			continue
		}
		s := contact.CleanText(text(rec.values[p.index]))
		if s == "" {
			continue
		}
		label := ""
		if p.label >= 0 && p.label < len(rec.values) {
			label = words(text(rec.values[p.label]))
		}
		if notPhoneWord.MatchString(label) && !mobileWord.MatchString(label) {
			continue // somebody's fax
		}
		reading := opts.Numbers
		if p.international && reading == contact.ReadingOpen {
			reading = contact.ReadingInternational
		}
		a, err := contact.ReadAddress(s, region, reading)
		if err != nil {
			if failed == nil {
				failed, failedValue = err, s
			}
			continue
		}
		mobile := p.mobile || mobileWord.MatchString(label)
		r := 3
		switch {
		case p.whatsApp || whatsAppWord.MatchString(label) || a.Kind == contact.KindBSUID:
			r = 0
		case mobile && a.Mobile:
			r = 1
		case a.Mobile:
			r = 2
		}
		if r < rank {
			best, value, rank = a, s, r
		}
	}
	switch {
	case rank < none:
		return best, value, nil
	case failed != nil:
		return best, failedValue, failed
	}
	_, err = contact.ParseAddress("", "")
	return best, "", err
}

// consentWord reads what a consent column says.
func consentWord(value string) (contact.ConsentStatus, bool) {
	return consent.ParseStatusWord(strings.ReplaceAll(value, "_", " "))
}

// optsOut tells whether a cell of an opt-out column says that somebody wants nothing
// more: a yes, a date, a word for it. Where a column says who may be written to, it
// is the no.
func optsOut(header, value string) bool {
	said, isBool := booleans[strings.ToLower(value)]
	if header == "allowbroadcast" {
		return isBool && !said
	}
	if isBool {
		return said
	}
	switch strings.ToLower(value) {
	case "", "-", "null", "none", "never", "subscribed", "enabled", "active":
		return false
	}
	return true
}
