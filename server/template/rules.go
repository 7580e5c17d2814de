package template

import (
	"regexp"
	"strings"
	"unicode"

	"eventstream/server/say"
)

// Limits of WhatsApp's review on the text itself (Twilio's rules for template approval; a text that breaks
// one is refused with INVALID_FORMAT, hours after it was submitted).
const (
	maxEmojis = 10
	maxSpaces = 4 // in a row
)

// Rules are WhatsApp's rules for the text of a template, as far as this one breaks them: each says what is wrong
// and what to do. They warn while somebody writes and refuse when it is submitted.
func (b *Body) Rules() []say.Text {
	var broken []say.Text
	add := func(format say.Format, args ...any) { broken = append(broken, say.New(format, args...)) }
	words := 0
	for i, p := range b.Parts {
		if p.Expr == nil {
			words += plainWords(p.Text)
			continue
		}
		name := "{{" + p.Expr.Source + "}}"
		if i > 0 && b.Parts[i-1].Expr != nil || i > 1 && strings.TrimSpace(b.Parts[i-1].Text) == "" &&
			b.Parts[i-2].Expr != nil {
			add("%s follows another placeholder directly: write a word between the two", name)
		}
		if onlyPunctuation(b.Parts[:i]) {
			add("%s stands first: write a word before it, such as “Hi”", name)
		}
		if onlyPunctuation(b.Parts[i+1:]) {
			add("%s stands last: write a word after it; a full stop does not count", name)
		}
	}
	// The same placeholder twice is one variable.
	if need := 2*len(b.Exprs) + 1; len(b.Exprs) > 0 && words < need {
		if len(b.Exprs) == 1 {
			add("a placeholder needs at least %d words of plain text around it, and here is %d: write %d more", need, words, need-words)
		} else {
			add("%d placeholders need at least %d words of plain text around them, and here are %d: write %d more or take a "+
				"placeholder out", len(b.Exprs), need, words, need-words)
		}
	}
	text := b.Wire()
	if n := strings.Count(text, "\t"); n > 0 {
		add("WhatsApp takes no tabs, and the text has %d: replace each with a space", n)
	}
	if longest := longestRun(text, ' '); longest > maxSpaces {
		add("there are %d spaces in a row, WhatsApp takes at most %d: take %d out", longest, maxSpaces, longest-maxSpaces)
	}
	if n := Emojis(text); n > maxEmojis {
		add("there are %d emojis, WhatsApp takes at most %d in a template: take %d out", n, maxEmojis, n-maxEmojis)
	}
	return broken
}

// unspaced are scripts that put no space between words. Nobody outside of WhatsApp knows how its reviewers count
// there, so each letter counts: better that they refuse a text than that we refuse one that they would take.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// plainWords counts words, which have a letter or a digit.
func plainWords(s string) (n int) {
	for _, field := range strings.Fields(s) {
		letters, word := 0, false
		for _, r := range field {
			switch {
			case unicode.In(r, unspaced...):
				letters++
			case unicode.IsLetter(r) || unicode.IsNumber(r):
				word = true
			}
		}
		n += letters
		if word {
			n++
		}
	}
	return n
}

func longestRun(s string, of rune) (longest int) {
	run := 0
	for _, r := range s {
		if r == of {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}

// An emoji as people count them (Unicode TR 51): a flag, a keycap, a picture with its skin tone, and families and
// the like, which are several pictures joined. Signs such as © and ✓ are emojis only with the selector U+FE0F.
var emoji = func() *regexp.Regexp {
	const (
		picture = `[\x{231A}\x{231B}\x{23E9}-\x{23EC}\x{23F0}\x{23F3}\x{25FD}\x{25FE}\x{2614}\x{2615}\x{2648}-\x{2653}` +
			`\x{267F}\x{2693}\x{26A1}\x{26AA}\x{26AB}\x{26BD}\x{26BE}\x{26C4}\x{26C5}\x{26CE}\x{26D4}\x{26EA}\x{26F2}` +
			`\x{26F3}\x{26F5}\x{26FA}\x{26FD}\x{2705}\x{270A}\x{270B}\x{2728}\x{274C}\x{274E}\x{2753}-\x{2755}\x{2757}` +
			`\x{2795}-\x{2797}\x{27B0}\x{27BF}\x{2B1B}\x{2B1C}\x{2B50}\x{2B55}\x{1F004}\x{1F0CF}\x{1F18E}` +
			`\x{1F191}-\x{1F19A}\x{1F201}\x{1F21A}\x{1F22F}\x{1F232}-\x{1F236}\x{1F238}-\x{1F23A}\x{1F250}\x{1F251}` +
			`\x{1F300}-\x{1F64F}\x{1F680}-\x{1F6FF}\x{1F7E0}-\x{1F7F0}\x{1F900}-\x{1FAFF}]`
		one    = `(?:` + picture + `\x{FE0F}?|\S\x{FE0F})[\x{1F3FB}-\x{1F3FF}]?[\x{E0020}-\x{E007F}]*`
		joined = one + `(?:\x{200D}(?:` + one + `|\S))*`
		flag   = `[\x{1F1E6}-\x{1F1FF}]{2}`
		keycap = `[0-9#*]\x{FE0F}?\x{20E3}`
	)
	return regexp.MustCompile(keycap + `|` + flag + `|` + joined)
}()

// Emojis counts them.
func Emojis(s string) int { return len(emoji.FindAllStringIndex(s, -1)) }

func onlyPunctuation(parts []Part) bool {
	for _, p := range parts {
		if p.Expr != nil || strings.IndexFunc(p.Text, func(r rune) bool {
			return unicode.IsLetter(r) ||
				unicode.IsNumber(r)
		}) >= 0 {
			return false
		}
	}
	return true
}
