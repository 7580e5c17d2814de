package consent

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const longestMessage = 4000 // bytes that are read; WhatsApp allows 4,096 characters

var (
	quotedLine = regexp.MustCompile(`(?m)^\s*>.*$`)
	// What phones add below a message.
	signature = regexp.MustCompile(`(?im)(?:^|[.!?])\s*(?:--\s*$|(?:sent from|get outlook|gesendet von|von meinem|envoyé de|envoyé depuis|` +
		`enviado desde|enviado do meu|inviato da|verzonden vanaf|skickat från|wysłane z|отправлено с)\s.*)$[\s\S]*`)
)

var turkish = strings.NewReplacer("İ", "i", "I\u0307", "i")

// letters that no decomposition joins with what people write for them.
var likeLetters = map[rune]string{
	'đ': "d", 'ł': "l", 'ø': "o", 'ß': "ss", 'æ': "ae", 'œ': "oe", 'ı': "i", 'ð': "d", 'þ': "th",
	'ى': "ي", 'ی': "ي", 'ې': "ي", 'ک': "ك", 'ة': "ه", 'ہ': "ه", 'ھ': "ه", 'ۀ': "ه", 'ە': "ه", 'ٱ': "ا", 'ۃ': "ه",
}

// plain removes what people, phones and keyboards add to words: case, compatibility
// forms, accents and vowel signs of the scripts that can be read without them,
// invisible characters, emoji, punctuation and signatures. Words are parted by one
// space. With accents kept, letters such as Vietnamese ones stay apart.
func plain(s string, keepAccents bool) string {
	if len(s) > longestMessage {
		s = s[:longestMessage]
	}
	s = signature.ReplaceAllString(quotedLine.ReplaceAllString(strings.ToValidUTF8(s, ""), ""), "")
	// Compatibility forms before lower case: mathematical capitals have none.
	s = strings.ToLower(turkish.Replace(norm.NFKC.String(s)))
	var out strings.Builder
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), r == 'ـ',
			strings.ContainsRune("'’‘ʼ`´", r):
		case unicode.Is(unicode.Mn, r) && isAccent(r):
			if keepAccents && r < 0x370 {
				out.WriteRune(r)
			}
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.M, r):
			if like, ok := likeLetters[r]; ok && (!keepAccents || r != 'đ') {
				out.WriteString(like)
			} else {
				out.WriteRune(r)
			}
		default:
			out.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(norm.NFC.String(out.String())), " ")
}

// isAccent holds for marks without which a word can still be read: Latin, Greek and
// Cyrillic accents, Arabic vowel signs, Hebrew points. Those of Indian scripts and of
// Thai tell words apart.
func isAccent(r rune) bool {
	switch {
	case r >= 0x300 && r <= 0x36F, r >= 0x1AB0 && r <= 0x1AFF, r >= 0x1DC0 && r <= 0x1DFF, r >= 0x20D0 && r <= 0x20FF:
		return true
	case r == 0x93C: // Devanagari nukta, often left out
		return true
	case r >= 0x610 && r <= 0x61A, r >= 0x64B && r <= 0x65F, r == 0x670, r >= 0x6D6 && r <= 0x6ED:
		return true
	}
	return r >= 0x591 && r <= 0x5C7
}

// calm takes the length out of "stooop".
func calm(word string) string {
	var out []rune
	runes := []rune(word)
	for i, r := range runes {
		if i >= 2 && r == runes[i-1] && r == runes[i-2] && unicode.Is(unicode.Latin, r) {
			if n := len(out); n >= 2 && out[n-1] == r && out[n-2] == r {
				out = out[:n-1]
			}
			continue
		}
		out = append(out, r)
	}
	return string(out)
}
