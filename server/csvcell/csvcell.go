// Package csvcell keeps spreadsheets from running what people wrote as formulas
// (OWASP, CSV injection).
package csvcell

import "strings"

// Guard puts an apostrophe before what a spreadsheet would read as a formula.
// Phone numbers with + stay as they are.
func Guard(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if s[0] == '+' && strings.Trim(s[1:], "0123456789 ()-.") == "" {
		return s
	}
	return "'" + s
}

// Unguard takes the apostrophe off again.
func Unguard(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@\t\r", rune(s[1])) {
		return s[1:]
	}
	return s
}
