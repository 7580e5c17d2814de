package consent

import (
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Keyword is what an inbound message asks for.
type Keyword string

// Keywords.
const (
	KeywordNone  Keyword = ""
	KeywordStop  Keyword = "stop"
	KeywordStart Keyword = "start"
	KeywordHelp  Keyword = "help"
)

// Command reads a STOP or START with something behind it, such as "STOP NEWS": what it
// stands for, and the rest, folded. What is a keyword as a whole is none; the longest
// keyword counts.
func (v *Vocabulary) Command(body string) (k Keyword, rest string) {
	words := strings.Fields(Fold(body))
	if len(words) > longestCommand || v.commands[strings.Join(words, " ")] != KeywordNone {
		return KeywordNone, ""
	}
	for n := len(words) - 1; n > 0; n-- {
		if k := v.commands[strings.Join(words[:n], " ")]; k == KeywordStop || k == KeywordStart {
			return k, strings.Join(words[n:], " ")
		}
	}
	return KeywordNone, ""
}

const longestCommand = 12 // words, with the keyword of a topic

// Reserved reports whether a folded word cannot name a topic: it is a keyword,
// begins with one, or makes one together with the keyword before it.
func (v *Vocabulary) Reserved(folded string) bool {
	if k, _ := v.Command(folded); k != KeywordNone || v.commands[folded] != KeywordNone {
		return true
	}
	for w := range v.commands {
		if rest, ok := strings.CutSuffix(w, " "+folded); ok && v.commands[rest] != KeywordNone {
			return true
		}
	}
	return false
}

// Reserved reports whether the built-in words keep a folded word from naming a topic.
func Reserved(folded string) bool { return builtIn().Reserved(folded) }

// Fold removes what people and keyboards add to a word: case, accents,
// full-width and mathematical forms, zero-width signs, punctuation. Forms come
// first, since only plain letters have a lower case; Turkish dotless i is joined
// with i.
func Fold(s string) string {
	if len(s) > 200 {
		return ""
	}
	t := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), runes.Remove(runes.In(unicode.Cf)), norm.NFC)
	s, _, err := transform.String(t, strings.ToLower(strings.NewReplacer("İ", "i", "ı", "i").Replace(norm.NFKC.String(s))))
	if err != nil {
		return ""
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	}), " ")
}
