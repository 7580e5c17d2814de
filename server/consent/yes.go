package consent

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
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

// ReadYesOrNo reads a whole message as the answer to a question, and tells in which
// language it was given. Of a word that several languages have, the first of those given
// that has it decides (that of the question, then the person's), then English. A word that
// means yes in one language and no in another, and is in none of these, is unclear.
func ReadYesOrNo(body string, locales ...string) (answer YesOrNo, language string) {
	bare := plain(body, false)
	keys := []string{bare, plain(body, true), strings.ReplaceAll(bare, " ", "")}
	if bare == "" { // a sign
		keys = []string{strings.TrimSpace(strings.Map(withoutSkinTone, body))}
	}
	preferred := make([]string, 0, len(locales)+1)
	for _, l := range append(slices.Clone(locales), "en") {
		if code := languageOf(l); code != "" {
			preferred = append(preferred, code)
		}
	}
	for _, key := range keys {
		yes, no := yesWords()[key], noWords()[key]
		if key == "" || len(yes)+len(no) == 0 {
			continue
		}
		for _, code := range preferred {
			inYes, inNo := slices.Contains(yes, code), slices.Contains(no, code)
			switch {
			case inYes && inNo:
				return Unclear, ""
			case inYes:
				return Yes, code
			case inNo:
				return No, code
			}
		}
		switch {
		case len(no) == 0:
			return Yes, yes[0]
		case len(yes) == 0:
			return No, no[0]
		}
		return Unclear, ""
	}
	return Unclear, ""
}

// withoutSkinTone takes the colour of hands out of emoji.
func withoutSkinTone(r rune) rune {
	if r >= 0x1F3FB && r <= 0x1F3FF || r == 0xFE0F {
		return -1
	}
	return r
}
