package db

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// literal is a value in a statement: a text in quotes, also one that never ends,
// or a number. What follows a dollar quote, which only migrations have, is taken
// for one text. Names with digits in them are none.
var (
	literal = regexp.MustCompile(`(?s)[eE]'(?:[^'\\]|\\.|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)|\$[A-Za-z_]*\$.*|` +
		`"(?:[^"]|"")*"|[A-Za-z_\x80-\x{10ffff}][\w$\x80-\x{10ffff}]*|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?`)
	many   = regexp.MustCompile(`\?(?:\s*,\s*\?)+`)
	rows   = regexp.MustCompile(`\(\?…?\)(?:\s*,\s*\(\?…?\))+`)
	spaces = regexp.MustCompile(`\s+`)
)

// fingerprint gives the form of a statement, without its values, and a short name
// of it: statements that differ in values only share both. bun has written the
// values in by the time hooks see a statement.
func fingerprint(query string) (id, text string) {
	const longest = 1000
	text = literal.ReplaceAllStringFunc(query, func(found string) string {
		switch c := found[0]; {
		case (c == 'e' || c == 'E') && strings.HasPrefix(found[1:], "'"), c == '\'', c == '$', c >= '0' && c <= '9':
			return "?"
		}
		return found // a name
	})
	text = spaces.ReplaceAllString(text, " ")
	text = many.ReplaceAllString(text, "?…")
	text = rows.ReplaceAllString(text, "(?…)…")
	sum := sha256.Sum256([]byte(text))
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return hex.EncodeToString(sum[:4]), text
}
