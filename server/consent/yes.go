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
