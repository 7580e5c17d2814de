package contact

import "strings"

// renumbered is a country whose numbers have been given another form, while WhatsApp
// keeps accounts under the old one: both are the same person.
type renumbered struct {
	code     string // with +
	digits   int    // of the old form, without the country code
	added    int    // so many digits were put before the old form; 0: it was changed in another way
	modern   func(national string) string
	accounts string // where the rule is from, and since when it holds
}

// renumberings join the forms of one number. Another country is one more line.
var renumberings = []renumbered{
	{"+521", 10, 0, func(n string) string { return "+52" + n }, "Mexico, 2019-08-03: the 1 after 52 is gone (IFT)"},
	{"+54", 10, 0, func(n string) string { return "+549" + n }, "Argentina: mobile numbers have a 9 after 54"},
	{"+55", 10, 0, brazil, "Brazil, 2012–2016: a ninth digit for mobile numbers (Anatel)"},
	{"+225", 8, 2, ivoryCoast, "Côte d'Ivoire, 2021-01-31: ten digits, by the operator (ARTCI)"},
	{"+229", 8, 2, func(n string) string { return "+22901" + n }, "Benin, 2024-11-30: 01 before all numbers (ARCEP, ITU)"},
	{"+220", 7, 2, gambia, "Gambia, 2026-09-04, both forms until 2026-11-30: nine digits, by the operator (PURA)"},
	{"+84", 10, 0, vietnam, "Vietnam, 2018-09-15: mobile numbers of ten digits after 84 have nine (MIC)"},
}

// modernForm gives the form that a number has today.
func modernForm(e164 string) string {
	for _, r := range renumberings {
		national, ok := strings.CutPrefix(e164, r.code)
		if !ok || len(national) != r.digits {
			continue
		}
		if r.code == "+54" && national[0] == '9' {
			continue
		}
		if modern := r.modern(national); modern != "" {
			return modern
		}
	}
	return e164
}

// formerForm gives the form that a number had, where that only lacked digits at its
// beginning; "" when it has none. Libraries learn of new forms last.
func formerForm(e164 string) string {
	for _, r := range renumberings {
		national, ok := strings.CutPrefix(e164, r.code)
		if ok && r.added > 0 && len(national) == r.digits+r.added && r.modern(national[r.added:]) == e164 {
			return r.code + national[r.added:]
		}
	}
	return ""
}

func brazil(n string) string {
	if n[2] < '6' {
		return ""
	}
	return "+55" + n[:2] + "9" + n[2:]
}

// ivoryCoast goes by the second digit of mobile numbers and the third of fixed ones.
func ivoryCoast(n string) string {
	var operator string
	switch first, second, third := n[0], n[1], n[2]; {
	case first == '2' && third == '8':
		operator = "21"
	case first == '2' && third == '0', first == '3' && third == '0':
		operator = "25"
	case first == '2', first == '3':
		operator = "27"
	case second <= '3':
		operator = "01"
	case second <= '6':
		operator = "05"
	default:
		operator = "07"
	}
	return "+225" + operator + n
}

func gambia(n string) string {
	switch {
	case n[0] == '2', n[0] == '7', strings.HasPrefix(n, "40"), strings.HasPrefix(n, "41"):
		return "+22087" + n
	case n[0] == '3', strings.HasPrefix(n, "50"), strings.HasPrefix(n, "51"), strings.HasPrefix(n, "52"),
		strings.HasPrefix(n, "53"), strings.HasPrefix(n, "58"), strings.HasPrefix(n, "59"):
		return "+22083" + n
	case n[0] == '6':
		return "+22086" + n
	}
	return "" // Gamcel's are unchanged
}

var vietnamPrefixes = map[string]string{
	"120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
	"123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
	"162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
	"186": "56", "188": "58", "199": "59",
}

func vietnam(n string) string {
	if modern := vietnamPrefixes[n[:3]]; modern != "" {
		return "+84" + modern + n[3:]
	}
	return ""
}
