// Package csvcell writes tables for spreadsheets, which run what people wrote as
// formulas unless they are kept from it (OWASP, CSV injection). Every cell of a
// table goes through here, so that none is forgotten: in CSV what looks like a
// formula gets an apostrophe, which the importer takes off again; a workbook needs
// none, because its cells say that they are texts.
package csvcell

import (
	"strings"
	"unicode"
)

// signs begin a formula. Those of full or small width do in the spreadsheets of
// Japan and China.
const signs = "=+-@＝＋－＠﹦﹢﹣﹫−"

// breaks are where a spreadsheet may begin a new cell, although for us the text is
// one: Excel splits at the list separator of its country, and then takes quotes
// that do not begin a cell, and the lines between them, for plain text.
const breaks = ";\t|\r\n"

// Guard puts an apostrophe before each part of a text that a spreadsheet would
// read as a formula, at its beginning and behind what may part cells. Phone
// numbers with + stay as they are.
func Guard(s string) string {
	return eachPart(s, func(part string) string {
		if formula(part) {
			return "'" + part
		}
		return part
	})
}

// Unguard takes the apostrophes off again.
func Unguard(s string) string {
	return eachPart(s, func(part string) string {
		if rest, ok := strings.CutPrefix(part, "'"); ok && formula(rest) {
			return rest
		}
		return part
	})
}

// eachPart changes what lies between breaks.
func eachPart(s string, change func(string) string) string {
	if !strings.ContainsAny(s, signs) {
		return s
	}
	var out strings.Builder
	for {
		at := strings.IndexAny(s, breaks)
		if at < 0 {
			out.WriteString(change(s))
			return out.String()
		}
		out.WriteString(change(s[:at]))
		out.WriteByte(s[at])
		s = s[at+1:]
	}
}

// formula reports whether a spreadsheet would read a part as a formula, apostrophes
// before it left aside: so that a text which has some of its own keeps them.
func formula(part string) bool {
	part = strings.TrimLeftFunc(part, func(r rune) bool {
		return r == '\'' || r == '"' || r == '\ufeff' || r == '\u200b' || unicode.IsSpace(r)
	})
	if part == "" || !strings.ContainsRune(signs, []rune(part)[0]) {
		return false
	}
	return part[0] != '+' || strings.Trim(part[1:], "0123456789 ()-.") != ""
}
