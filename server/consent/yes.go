package consent

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

//go:embed words/yes.json
var yesFile []byte

//go:embed words/no.json
var noFile []byte

// yesWords and noWords are the words that answer a question, with their languages. They
// are no consent by themselves: they count as the answer to a question of ours, and
// nowhere else.
var (
	yesWords = sync.OnceValue(func() map[string][]string { return readAnswerWords(yesFile) })
	noWords  = sync.OnceValue(func() map[string][]string { return readAnswerWords(noFile) })
)

func readAnswerWords(raw []byte) map[string][]string {
	var file map[string]string
	if err := json.Unmarshal(raw, &file); err != nil {
		panic(err)
	}
	words := map[string][]string{}
	for _, code := range slices.Sorted(maps.Keys(file)) {
		for w := range strings.SplitSeq(file[code], ",") {
			p := PlainPhrase(code, w)
			if p == "" { // a sign such as a raised thumb
				p = strings.TrimSpace(w)
			}
			words[p] = append(words[p], code)
		}
	}
	return words
}

func saysYes(plainText string) bool { return len(yesWords()[plainText]) > 0 }

// YesOrNo is how somebody answered a question of ours.
type YesOrNo string

// Answers to a question.
const (
	Yes     YesOrNo = "yes"
	No      YesOrNo = "no"
	Unclear YesOrNo = "" // neither, or either by its language
)

// mostExpressions is how many expressions an answer has: "Yes, of course, I agree".
const mostExpressions = 3

// ReadYesOrNo reads a whole message as the answer to a question, and tells in which
// language it was given. Only the languages that are given and English count, the first
// that understands all of it: what is yes in one is a greeting in another. Signs, such as
// a raised thumb, are understood everywhere.
func ReadYesOrNo(body string, locales ...string) (answer YesOrNo, in string) {
	sign := strings.TrimSpace(strings.Map(withoutSkinTone, body))
	keys := []string{plain(body, false), plain(body, true)}
	for _, l := range append(slices.Clone(locales), "en") {
		code := LanguageOf(l)
		for _, key := range keys {
			if key == "" {
				key = sign
			}
			yes, no := saidIn(yesWords(), key, code), saidIn(noWords(), key, code)
			switch {
			case code == "" || yes == no: // neither, or both
			case yes:
				return Yes, code
			case no:
				return No, code
			}
		}
	}
	if keys[0] == "" { // a sign
		switch yes, no := yesWords()[sign], noWords()[sign]; {
		case len(yes) > 0 && len(no) == 0:
			return Yes, yes[0]
		case len(no) > 0 && len(yes) == 0:
			return No, no[0]
		}
	}
	return Unclear, ""
}

// saidIn reports whether a text is made of a few expressions of a language and nothing else.
func saidIn(words map[string][]string, text, code string) bool {
	has := func(key string) bool { return key != "" && slices.Contains(words[key], code) }
	if has(text) || has(strings.ReplaceAll(text, " ", "")) {
		return true
	}
	var rest func(pieces []string, left int) bool
	rest = func(pieces []string, left int) bool {
		if len(pieces) == 0 {
			return true
		}
		if left == 0 {
			return false
		}
		for n := len(pieces); n > 0; n-- {
			if has(strings.Join(pieces[:n], " ")) && rest(pieces[n:], left-1) {
				return true
			}
		}
		return false
	}
	pieces := strings.Fields(text)
	return len(pieces) > 0 && len(pieces) <= longestRequest && rest(pieces, mostExpressions)
}

// LanguageOfRegion is the language that is most spoken in a country; "" where that is
// not known. It is no more than a guess.
func LanguageOfRegion(region string) string {
	r, err := language.ParseRegion(region)
	if err != nil {
		return ""
	}
	tag, err := language.Compose(language.Und, r)
	if err != nil {
		return ""
	}
	base, confidence := tag.Base()
	if confidence == language.No {
		return ""
	}
	return base.String()
}

// withoutSkinTone takes the colour of hands out of emoji.
func withoutSkinTone(r rune) rune {
	if r >= 0x1F3FB && r <= 0x1F3FF || r == 0xFE0F {
		return -1
	}
	return r
}
