package consent

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Intent is what an inbound message asks for, and by which rule that was decided.
type Intent struct {
	Keyword  Keyword
	Review   bool   // it may ask for an opt-out, and a person has to decide
	Rule     string // for the evidence: button, provider, word, phrase, "stop" and a few words, sentence
	Language string // of the words, ISO 639-1; "": of the provider's or of a button
}

// Said is everything in which a message may ask for something.
type Said struct {
	Body          string
	ButtonText    string
	ButtonPayload string
	Provider      Keyword // what Twilio's own opt-out management understood (OptOutType)
}

// Rules, as evidence names them.
const (
	RuleButton   = "button"
	RuleProvider = "provider"
	RuleWord     = "word"
	RulePhrase   = "phrase"
	RuleStopAnd  = "stop and a few words"
	RuleSentence = "sentence"
)

// Understand reads a message. A STOP anywhere counts, whatever the rest says: the
// provider's word, a button's, or the body's. A provider's START is only its own: what
// a person agrees to, their own words say.
func Understand(s Said) Intent {
	if s.Provider == KeywordStop {
		return Intent{Keyword: KeywordStop, Rule: RuleProvider}
	}
	for _, button := range []string{s.ButtonPayload, s.ButtonText} {
		if isOptOutButton(button) {
			return Intent{Keyword: KeywordStop, Rule: RuleButton}
		}
	}
	return understand(s.Body)
}

// isOptOutButton reads a button's payload or text, such as STOP, OPT_OUT or "Stop
// promotions", the text of WhatsApp's own button.
func isOptOutButton(text string) bool {
	p := plain(strings.NewReplacer("_", " ", "-", " ", ".", " ", ":", " ").Replace(text), false)
	if p == "" {
		return false
	}
	joined := strings.ReplaceAll(p, " ", "")
	return joined == "optout" || joined == "unsubscribe" || joined == "stopall" || understand(p).Keyword == KeywordStop
}

//go:embed words/words.json
var wordsFile []byte

// lexicon is what the words of one language mean.
type lexicon struct {
	code string
	// Whole expressions, plain, by their words.
	stop, alone, refuse, objects, courtesy, filler map[string]bool
	start, help                                    map[string]bool
	asks                                           []string // beginnings of words that ask for an opt-out
	complaints                                     []string // and of those that may
	longest                                        int      // words of the longest expression
	accents                                        bool     // without them words mean something else
	joined                                         bool     // written without spaces
}

// lexicons are read when the first message is: most commands and many processes never
// read one. English comes last, since its words stand in other languages' messages too.
var lexicons = sync.OnceValue(func() (list []*lexicon) {
	var file map[string]struct {
		Stop, Alone, Refuse, Objects, Courtesy, Filler, Asks, Complaints, Start, Help []string
	}
	if err := json.Unmarshal(wordsFile, &file); err != nil {
		panic(err)
	}
	codes := make([]string, 0, len(file))
	for code := range file {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	codes = append(slices.DeleteFunc(codes, func(code string) bool { return code == "en" }), "en")
	for _, code := range codes {
		f := file[code]
		l := &lexicon{code: code, accents: code == "vi", joined: slices.Contains([]string{"zh", "ja", "th", "my", "km", "ko"}, code)}
		set := func(words ...[]string) map[string]bool {
			m := map[string]bool{}
			for _, list := range words {
				for _, w := range list {
					p := plain(w, l.accents)
					if l.joined {
						p = strings.ReplaceAll(p, " ", "")
					}
					m[p] = true
					l.longest = max(l.longest, len(strings.Fields(p)))
				}
			}
			delete(m, "")
			return m
		}
		en := file["en"]
		if code == "en" {
			en.Objects, en.Courtesy, en.Filler = nil, nil, nil
		}
		l.stop, l.alone, l.refuse = set(f.Stop), set(f.Alone), set(f.Refuse)
		l.objects, l.courtesy, l.filler = set(f.Objects, en.Objects), set(f.Courtesy, en.Courtesy), set(f.Filler)
		l.start, l.help = set(f.Start), set(f.Help)
		l.asks, l.complaints = l.stems(set(f.Asks)), l.stems(set(f.Complaints))
		list = append(list, l)
	}
	return list
})

// stems are what mentions looks for: beginnings of words, with the space before them,
// where the script parts words by spaces.
func (l *lexicon) stems(expressions map[string]bool) (stems []string) {
	for e := range expressions {
		if !l.joined && spaced(e) {
			e = " " + e
		}
		stems = append(stems, e)
	}
	return stems
}

const (
	longestRequest = 14  // words of a message that acts by itself
	longestJoined  = 48  // characters of one in a language without spaces
	shortRequest   = 8   // words of a message that acts by itself if it asks for an opt-out among other things
	shortJoined    = 18  // characters of one in a language without spaces
	longestReview  = 120 // words of a sentence that is looked at
)

func understand(body string) Intent {
	bare, accented := plain(body, false), plain(body, true)
	words := strings.Fields(bare)
	if len(words) == 0 {
		return Intent{}
	}
	for i, w := range words {
		words[i] = calm(w)
	}
	words = once(words)
	bare = strings.Join(words, " ")
	if wantsMore(bare) {
		return Intent{}
	}
	text := func(l *lexicon) string {
		switch {
		case l.joined:
			return strings.ReplaceAll(bare, " ", "")
		case l.accents:
			return accented
		}
		return bare
	}
	for _, l := range lexicons() { // what is a keyword as a whole
		t := text(l)
		switch {
		case l.stop[t] || l.alone[t]:
			return Intent{Keyword: KeywordStop, Rule: RuleWord, Language: l.code}
		case l.start[t]:
			return Intent{Keyword: KeywordStart, Rule: RuleWord, Language: l.code}
		case l.help[t]:
			return Intent{Keyword: KeywordHelp, Rule: RuleWord, Language: l.code}
		}
	}
	if len(words) <= longestRequest {
		for _, l := range lexicons() {
			if k := l.request(text(l)); k != KeywordNone {
				return Intent{Keyword: k, Rule: RulePhrase, Language: l.code}
			}
		}
	}
	if stopAnd(words) {
		return Intent{Keyword: KeywordStop, Rule: RuleStopAnd, Language: "en"}
	}
	if len(words) > longestReview {
		return Intent{}
	}
	for _, l := range lexicons() {
		if t := text(l); mentions(t, l.asks) {
			if l.isShort(t) && !strings.ContainsAny(body, "?？؟;") {
				return Intent{Keyword: KeywordStop, Rule: RulePhrase, Language: l.code}
			}
			return Intent{Review: true, Rule: RuleSentence, Language: l.code}
		}
	}
	for _, l := range lexicons() {
		if mentions(text(l), l.complaints) {
			return Intent{Review: true, Rule: RuleSentence, Language: l.code}
		}
	}
	return Intent{}
}

// wantsMore holds for "please don't stop".
func wantsMore(text string) bool {
	for _, s := range []string{"dont stop", "do not stop", "cant stop", "cannot stop", "never stop", "wont stop", "dont unsubscribe"} {
		if strings.Contains(" "+text, " "+s) {
			return true
		}
	}
	return false
}

// once takes repeats out: "STOP STOP STOP", "no more no more".
func once(words []string) []string {
	for n := 1; n <= len(words)/2; n++ {
		if len(words)%n != 0 {
			continue
		}
		same := true
		for i := n; i < len(words) && same; i++ {
			same = words[i] == words[i-n]
		}
		if same {
			return words[:n]
		}
	}
	return words
}

// What a message is made of, as far as it was read.
type parts uint8

const (
	partStop parts = 1 << iota
	partAlone
	partRefuse
	partObject
	partFiller
	partStart
	partThanks // "cancel, thanks" declines an offer as often as it asks for an end
)

// request reads a message that consists of nothing but expressions of the language:
// one that means stop, with courtesy and objects around it.
func (l *lexicon) request(text string) Keyword {
	var pieces []string
	separator := " "
	if l.joined {
		if utf8.RuneCountInString(text) > longestJoined {
			return KeywordNone
		}
		pieces, separator = strings.Split(text, ""), ""
	} else {
		pieces = strings.Fields(text)
	}
	reach := l.longest
	if l.joined {
		reach = 16
	}
	// found[i] are the sets of parts with which the first i pieces can be read.
	found := make([]map[parts]bool, len(pieces)+1)
	found[0] = map[parts]bool{0: true}
	for i := range pieces {
		if found[i] == nil {
			continue
		}
		for j := i + 1; j <= min(i+reach, len(pieces)); j++ {
			p, known := l.part(strings.Join(pieces[i:j], separator))
			if !known {
				continue
			}
			if found[j] == nil {
				found[j] = map[parts]bool{}
			}
			for had := range found[i] {
				found[j][had|p] = true
			}
		}
	}
	keyword := KeywordNone
	for p := range found[len(pieces)] {
		switch {
		case p&partStop != 0, p&partRefuse != 0 && p&partObject != 0, p&partAlone != 0 && p&(partFiller|partThanks) == 0:
			return KeywordStop
		case p&partStart != 0 && p&^(partStart|partThanks) == 0:
			keyword = KeywordStart
		}
	}
	return keyword
}

func (l *lexicon) part(expression string) (p parts, known bool) {
	switch {
	case l.stop[expression]:
		return partStop, true
	case l.refuse[expression]:
		return partRefuse, true
	case l.objects[expression]:
		return partObject, true
	case thanks[expression] && l.courtesy[expression]:
		return partThanks, true
	case l.courtesy[expression]:
		return 0, true
	case l.filler[expression]:
		return partFiller, true
	case l.alone[expression]:
		return partAlone, true
	case l.start[expression]:
		return partStart, true
	}
	return 0, false
}

var thanks = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range []string{
		"thanks", "thank you", "thankyou", "thx", "ty", "gracias", "merci", "danke", "grazie", "obrigado", "obrigada", "tack", "tak",
		"takk", "kiitos", "dzięki", "dziękuję", "díky", "děkuji", "ďakujem", "köszönöm", "mulțumesc", "teşekkürler", "спасибо", "дякую",
		"ευχαριστώ", "hvala", "شكرا", "ممنون", "مرسی", "شکریہ", "תודה", "धन्यवाद", "ধন্যবাদ", "நன்றி", "terima kasih", "salamat",
		"cảm ơn", "ขอบคุณ", "谢谢", "謝謝", "ありがとう", "감사합니다", "asante", "dankie",
	} {
		m[plain(w, false)], m[plain(w, true)] = true, true
	}
	return m
}()

// stopWords begin a message that means stop whatever one or two words follow, unless
// those make another sense of it.
var (
	stopWords = map[string]bool{
		"stop": true, "stopp": true, "stopall": true, "unsubscribe": true, "unsub": true, "optout": true, "стоп": true,
	}
	otherSense = map[string]bool{}
)

func init() {
	for _, w := range strings.Fields("by at in near over here there sign signs light lights watch loss order orders payment " +
		"delivery shipping cash motion and or for when where until after before bus worrying crying joking kidding laughing " +
		"working wasting lying complaining being it's its your my the a an this that what why how is was are will can") {
		otherSense[w] = true
	}
}

func stopAnd(words []string) bool {
	return len(words) >= 2 && len(words) <= 3 && stopWords[words[0]] && !otherSense[words[1]]
}

func (l *lexicon) isShort(text string) bool {
	if l.joined && !strings.Contains(text, " ") {
		return utf8.RuneCountInString(text) <= shortJoined
	}
	return len(strings.Fields(text)) <= shortRequest
}

// mentions tells whether a text has one of these in it, at the beginning of a word:
// what is listed may be a stem.
func mentions(text string, stems []string) bool {
	text = " " + text
	return slices.ContainsFunc(stems, func(stem string) bool { return strings.Contains(text, stem) })
}

// spaced holds for scripts that part words by spaces.
func spaced(s string) bool {
	for _, r := range s {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Myanmar, unicode.Khmer) {
			return false
		}
	}
	return true
}
