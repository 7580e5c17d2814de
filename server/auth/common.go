package auth

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the list
	"io"
	"strings"
	"sync"
	"unicode"
)

// The passwords that leaks show most often, 5 characters and longer: the list of
// @zxcvbn-ts/language-common 4.1.3 (MIT licence), in lower case. It lies in the
// binary because an installation may reach no network, and because a password
// under consideration is nobody else's business.
//
//go:embed common_passwords.txt.gz
var commonPasswordsFile []byte

var commonPasswords = sync.OnceValue(func() map[string]struct{} {
	packed, err := gzip.NewReader(bytes.NewReader(commonPasswordsFile))
	if err != nil {
		panic(err) // the file is part of the program
	}
	raw, err := io.ReadAll(packed)
	if err != nil {
		panic(err)
	}
	list := make(map[string]struct{}, 50_000)
	for word := range strings.Lines(string(raw)) {
		list[strings.TrimSuffix(word, "\n")] = struct{}{}
	}
	return list
})

func isCommon(word string) bool {
	_, ok := commonPasswords()[word]
	return ok
}

// letters undoes the usual disguises.
var letters = strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o",
	"5", "s", "$", "s", "7", "t")

const (
	fewest = 5 // different characters in a password
	own    = 6 // characters that it has beside a common word, or a word about its owner
)

// weakness says what makes a password one that would be guessed early, or "".
// about is what others know of its owner.
func weakness(password string, about ...string) string {
	p := strings.ToLower(password)
	different := map[rune]struct{}{}
	for _, r := range p {
		different[r] = struct{}{}
	}
	if len(different) < fewest || isRun(p) {
		return "it is a pattern that is guessed at once"
	}
	core := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, word := range []string{p, letters.Replace(p), core, letters.Replace(core)} {
		if isCommon(word) && len(p)-len(word) < own {
			return "it is one of the most common, with little beside it"
		}
	}
	for _, word := range about {
		for _, part := range strings.FieldsFunc(strings.ToLower(word), func(r rune) bool { return !unicode.IsLetter(r) }) {
			if len(part) >= 3 && strings.Contains(p, part) && len(p)-len(part)*strings.Count(p, part) < own {
				return "it is little more than your name or address"
			}
		}
	}
	return ""
}

// isRun reports whether nearly each character is that before or its neighbour.
func isRun(p string) bool {
	runes, jumps := []rune(p), 0
	for i := 1; i < len(runes); i++ {
		if step := runes[i] - runes[i-1]; step < -1 || step > 1 {
			jumps++
		}
	}
	return jumps < 3
}
