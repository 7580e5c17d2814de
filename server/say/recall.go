package say

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// known is a format by which a text is recognised.
type known struct {
	format  Format
	verbs   []string
	pattern *regexp.Regexp
	longest string // of what stands between the values: texts without it are none of this format
	letters int    // between the values, in characters
}

// verb is one of those that formats have; a %% is none.
var verb = regexp.MustCompile(`%(?:\[\d+\])?[-+#0 ]?\d*(?:\.\d+)?[a-zA-Z]`)

var recalled = sync.OnceValue(func() []known {
	var all []known
	// Letters, and more than one word: fewer would recognise what people wrote, all the more where a format begins with a value.
	const fewest, behindValue = 8, 20
	for k := range catalogues()["de"] {
		if k.context != "" {
			continue
		}
		of := known{format: k.format}
		rest, pattern := string(k.format), strings.Builder{}
		plain := func(s string) {
			s = strings.ReplaceAll(s, "%%", "%")
			pattern.WriteString(regexp.QuoteMeta(s))
			of.letters += utf8.RuneCountInString(s)
			if len(s) > len(of.longest) {
				of.longest = s
			}
		}
		literal := func(s string) {
			for at := forms.FindStringSubmatchIndex(s); at != nil; at = forms.FindStringSubmatchIndex(s) {
				plain(s[:at[0]])
				pattern.WriteString("(?:" + regexp.QuoteMeta(s[at[2]:at[3]]) + "|" + regexp.QuoteMeta(s[at[4]:at[5]]) + ")")
				s = s[at[1]:]
			}
			plain(s)
		}
		for at := verb.FindStringIndex(rest); at != nil; at = verb.FindStringIndex(rest) {
			literal(rest[:at[0]])
			of.verbs = append(of.verbs, rest[at[0]:at[1]])
			switch rest[at[1]-1] {
			case 'd':
				pattern.WriteString(`(-?\d+)`)
			case 'q':
				pattern.WriteString(`("(?:[^"\\]|\\.)*")`)
			default:
				pattern.WriteString(`(.*?)`)
			}
			rest = rest[at[1]:]
		}
		literal(rest)
		if of.letters < fewest || !strings.Contains(string(k.format), " ") || strings.HasPrefix(string(k.format), "%") && of.letters < behindValue {
			continue
		}
		of.pattern = regexp.MustCompile(`(?s)^` + pattern.String() + `$`)
		all = append(all, of)
	}
	return all
})

// Recall gives a text back that was kept in English, such as why a campaign was paused: the
// format is known by what stands between its values. What is of none stays as it is.
func Recall(english string) Text { return recall(english, 3) }

func recall(english string, deep int) Text {
	var best *known
	for i, k := range recalled() {
		if (best == nil || k.letters > best.letters) && strings.Contains(english, k.longest) && k.pattern.MatchString(english) {
			best = &recalled()[i]
		}
	}
	if best == nil || deep == 0 {
		return Raw(english)
	}
	values := best.pattern.FindStringSubmatch(english)[1:]
	out := Text{format: best.format, values: make([]any, len(values))}
	for i, v := range values {
		out.values[i] = valueOf(v, best.verbs[i], deep)
	}
	return out
}

func valueOf(written, verb string, deep int) any {
	switch verb[len(verb)-1] {
	case 'd':
		if n, err := strconv.ParseInt(written, 10, 64); err == nil {
			return n
		}
	case 'g', 'f':
		if n, err := strconv.ParseFloat(written, 64); err == nil {
			return n
		}
	case 'q':
		if s, err := strconv.Unquote(written); err == nil {
			return s
		}
	case 's', 'v':
		if at, err := time.Parse(momentLayout+" MST", written); err == nil && strings.HasSuffix(written, " UTC") {
			return at
		}
		return recall(written, deep-1)
	}
	return Raw(written)
}
