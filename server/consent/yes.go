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

// yesWords are the words that agree, with their language. They are no consent by
// themselves: they count as the answer to a question of ours, and nowhere else.
var yesWords = sync.OnceValue(func() map[string][]string {
	var file map[string]string
	if err := json.Unmarshal(yesFile, &file); err != nil {
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
})

func saysYes(plainText string) bool { return len(yesWords()[plainText]) > 0 }

// ReadYes tells whether a whole message agrees, and in which language: in that of the
// locale where that has the word, else in English, else in the first.
func ReadYes(body, locale string) (language string, yes bool) {
	bare := plain(body, false)
	keys := []string{bare, plain(body, true), strings.ReplaceAll(bare, " ", "")}
	if bare == "" { // a sign
		keys = []string{strings.TrimSpace(strings.Map(withoutSkinTone, body))}
	}
	for _, key := range keys {
		found := yesWords()[key]
		if key == "" || len(found) == 0 {
			continue
		}
		for _, language := range []string{languageOf(locale), "en"} {
			if slices.Contains(found, language) {
				return language, true
			}
		}
		return found[0], true
	}
	return "", false
}

// withoutSkinTone takes the colour of hands out of emoji.
func withoutSkinTone(r rune) rune {
	if r >= 0x1F3FB && r <= 0x1F3FF || r == 0xFE0F {
		return -1
	}
	return r
}
