package importer

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"eventstream/server/consent"
	"eventstream/server/contact"
)

// pick takes the number of a row that most likely is on WhatsApp: the first valid
// one, but WhatsApp's own column first, then mobile numbers, then the others. value is
// what stood there, or in the first column that was tried in vain. ids are those under
// which WhatsApp knows the person; of a row without a number the first one is taken.
func pick(rec record, opts Options, region string, named bool, ids []contact.Address) (best contact.Address, all []contact.Address,
	value string, err error,
) {
	const none = 9
	rank := none
	var failed error
	var failedValue string
	for _, p := range opts.phones {
		if p.index >= len(rec.values) {
			continue
		}
		s := contact.CleanText(numbersOf(rec.values[p.index]))
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
		if (p.international || p.unlessNamed && !named) && reading == contact.ReadingOpen {
			reading = contact.ReadingInternational
		}
		a, err := contact.ReadAddress(s, region, reading)
		if err != nil {
			if failed == nil {
				failed, failedValue = err, s
			}
			continue
		}
		if a.Kind != contact.KindPhone {
			ids = append(ids, a)
			continue
		}
		mobile := p.mobile || mobileWord.MatchString(label)
		r := 3
		switch {
		case p.whatsApp || whatsAppWord.MatchString(label):
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
		return best, contact.Distinct(append([]contact.Address{best}, ids...)), value, nil
	case failed != nil:
		return best, nil, failedValue, failed
	case len(ids) > 0:
		return ids[0], contact.Distinct(ids), ids[0].Wire, nil
	}
	_, err = contact.ParseAddress("", "")
	return best, nil, "", err
}

// numbersOf is a cell's text; of a list or object of JSON's it is that of all values in
// it, so that the first good one counts. Lists of objects are of several people.
func numbersOf(v any) string {
	var values []any
	switch x := v.(type) {
	case []any:
		values = x
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			values = append(values, x[key])
		}
	default:
		return text(v)
	}
	parts := make([]string, len(values))
	for i, value := range values {
		switch value.(type) {
		case []any, map[string]any:
			return ""
		}
		parts[i] = text(value)
	}
	return strings.Join(parts, " ; ")
}

// consentWord reads what a consent column says.
func consentWord(value string) (contact.ConsentStatus, bool) {
	return consent.ParseStatusWord(strings.ReplaceAll(value, "_", " "))
}

// optsOut tells whether a cell of an opt-out column says that somebody wants nothing
// more: a yes, a date, a word for it. Where a column says who may be written to, it
// is the no.
func optsOut(header, value string, wordsOnly bool) bool {
	if wordsOnly {
		return leaves(value)
	}
	said, isBool := booleans[strings.ToLower(value)]
	if header == "allowbroadcast" {
		return isBool && !said
	}
	if isBool {
		return said
	}
	switch status, known := consentWord(value); {
	case value == "", isNoDate(value), strings.EqualFold(value, "active"), strings.EqualFold(value, "never"):
		return false
	case known && status == contact.ConsentOptedIn:
		return !strings.Contains(strings.ToLower(value), "subscribe") && !strings.Contains(strings.ToLower(value), "opt")
	case known && status == contact.ConsentUnknown:
		return false
	}
	return true
}

// leaves holds for a word that says by itself that somebody left.
func leaves(value string) bool {
	status, known := consentWord(value)
	return known && status == contact.ConsentOptedOut || leftWord.MatchString(value)
}

var leftWord = regexp.MustCompile(`(?i)^\s*(?:manually |user )?(?:un-?subscribe[ds]?|opt(?:ed)?[ _-]?out|` +
	`block-?listed|black-?listed|abgemeldet|spam report(?:ed)?)\b`)
