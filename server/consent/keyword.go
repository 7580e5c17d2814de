package consent

import (
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Keyword is what an inbound message asks for.
type Keyword string

// Keywords.
const (
	KeywordNone  Keyword = ""
	KeywordStop  Keyword = "stop"
	KeywordStart Keyword = "start"
	KeywordHelp  Keyword = "help"
)

// The words that may stand before a topic's, as in "STOP NEWS", folded by Fold:
// Twilio's defaults and the per-se words of 47 CFR 64.1200(a)(10), and the best known
// of other languages. What whole messages mean is Understand's.
var keywords = func() map[string]Keyword {
	table := map[Keyword][]string{
		KeywordStop: {
			"stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel", "revoke", "optout", "opt out", "opt-out",
			"remove", "remove me",
			"baja", "alto", "parar", "cancelar", "no más", "salir", "sair", "descadastrar", "remover", "arrêt", "arret",
			"arrêter", "désabonner",
			"désinscrire", "stopp", "abmelden", "abbestellen", "ferma", "cancellami", "disiscrivi", "afmelden", "stoppen",
			"berhenti", "dur", "iptal",
			"rezygnuję", "стоп", "отписаться", "إيقاف", "الغاء", "הסר", "बंद", "रोकें", "停止", "退订", "退訂", "配信停止", "수신거부",
		},
		KeywordStart: {"start", "unstop", "subscribe", "optin", "opt in", "opt-in", "alta", "anmelden", "inscrire"},
		KeywordHelp:  {"help", "info", "ayuda", "hilfe", "aide", "ajuda", "aiuto"},
	}
	folded := map[string]Keyword{}
	for k, words := range table {
		for _, w := range words {
			folded[Fold(w)] = k
		}
	}
	return folded
}()

// DetectCommand reads a STOP or START with something behind it, such as "STOP
// NEWS": what it stands for, and the rest, folded. What is a keyword as a whole
// is none; the longest keyword counts.
func DetectCommand(body string) (k Keyword, rest string) {
	words := strings.Fields(Fold(body))
	if keywords[strings.Join(words, " ")] != KeywordNone {
		return KeywordNone, ""
	}
	for n := len(words) - 1; n > 0; n-- {
		if k := keywords[strings.Join(words[:n], " ")]; k == KeywordStop || k == KeywordStart {
			return k, strings.Join(words[n:], " ")
		}
	}
	return KeywordNone, ""
}

// Reserved reports whether a folded word cannot name a topic: it is a keyword,
// begins with one, or makes one together with the keyword before it.
func Reserved(folded string) bool {
	if k, _ := DetectCommand(folded); k != KeywordNone || keywords[folded] != KeywordNone {
		return true
	}
	for w := range keywords {
		if keywords[w+" "+folded] != KeywordNone {
			return true
		}
	}
	return false
}

// Fold removes what people and keyboards add to a word: case, accents,
// full-width forms, zero-width signs, punctuation. Letters come first and
// Turkish dotless i is joined with i.
func Fold(s string) string {
	if len(s) > 200 {
		return ""
	}
	t := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	s, _, err := transform.String(t, strings.ToLower(strings.NewReplacer("İ", "i", "ı", "i").Replace(s)))
	if err != nil {
		return ""
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	}), " ")
}
