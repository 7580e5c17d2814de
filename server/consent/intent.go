package consent

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Intent is what an inbound message asks for, and by which rule that was decided.
type Intent struct {
	Keyword  Keyword
	Review   bool   // it may ask for an opt-out, and a person has to decide
	Rule     string // for the evidence, see below
	Language string // of the words, ISO 639-1; "": of the provider's or of a button
	Words    string // edition of the built-in words, and version of the workspace's changes
	Matched  []string
}

// Said is everything in which a message may ask for something.
type Said struct {
	Body          string
	ButtonText    string
	ButtonPayload string
	Provider      Keyword // what Twilio's own opt-out management understood (OptOutType)
	Locale        string  // the contact's: many languages share a word
}

// Rules, as evidence names them.
const (
	RuleButton   = "button"
	RuleProvider = "provider"
	RuleWord     = "word"
	RulePhrase   = "phrase"
	RuleStopAnd  = "stop and a few words"
	RuleSentence = "sentence"

	RuleSwitchedOff = "switched off"
)

// Understand reads a message. A STOP anywhere counts, whatever the rest says: the
// provider's word, a button's, or the body's. A provider's START is only its own: what
// a person agrees to, their own words say.
func (v *Vocabulary) Understand(s Said) Intent {
	in := v.understand(s.Body, s.Locale)
	if s.Provider == KeywordStop {
		return Intent{Keyword: KeywordStop, Rule: RuleProvider, Words: v.Edition(), Language: in.Language}
	}
	for _, button := range []string{s.ButtonPayload, s.ButtonText} {
		if v.isOptOutButton(button) {
			return Intent{
				Keyword: KeywordStop, Rule: RuleButton, Words: v.Edition(), Language: v.understand(button, s.Locale).Language,
				Matched: []string{button},
			}
		}
	}
	return in
}

// isOptOutButton reads a button's payload or text, such as STOP, OPT_OUT or "Stop
// promotions", the text of WhatsApp's own button.
func (v *Vocabulary) isOptOutButton(text string) bool {
	p := plain(strings.NewReplacer("_", " ", "-", " ", ".", " ", ":", " ").Replace(text), false)
	if p == "" {
		return false
	}
	joined := strings.ReplaceAll(p, " ", "")
	return joined == "optout" || joined == "unsubscribe" || joined == "stopall" || v.understand(p, "").Keyword == KeywordStop
}

const (
	longestRequest = 14  // words of a message that acts by itself
	longestJoined  = 48  // characters of one in a language without spaces
	shortRequest   = 8   // words of a message that acts by itself if it asks for an opt-out among other things
	shortJoined    = 18  // characters of one in a language without spaces
	longestReview  = 120 // words of a sentence that is looked at
)

// text is a message as it is read in a language.
type text struct {
	whole   string
	pieces  []string        // its words, or its characters where there are no spaces
	clauses func() []string // see there
	other   bool            // it is not written in the script of the language
	tokens  []token
	known   []bool // nil: not read yet
}

// read finds the tokens, once.
func (t *text) read(l *lexicon) {
	if t.known == nil {
		t.tokens, t.known = l.read(t.pieces)
	}
}

func (l *lexicon) text(bare, accented string, clauses func() []string) *text {
	t := &text{whole: bare, clauses: clauses}
	switch {
	case l.joined:
		t.whole = strings.ReplaceAll(bare, " ", "")
		t.pieces = strings.Split(t.whole, "")
	case l.accents:
		t.whole = accented
		t.pieces = strings.Fields(accented)
	default:
		t.pieces = strings.Fields(bare)
	}
	t.other = !l.reads(bare)
	return t
}

// breaks are the pieces that begin a clause.
func (l *lexicon) breaks(clauses []string) map[int]bool {
	breaks := make(map[int]bool, len(clauses))
	at := 0
	for _, clause := range clauses {
		breaks[at] = true
		if l.joined {
			at += utf8.RuneCountInString(strings.ReplaceAll(clause, " ", ""))
		} else {
			at += len(strings.Fields(clause))
		}
	}
	return breaks
}

// clauses are the parts of a message between its signs, plain.
func clauses(body string) (list []string) {
	ends := func(r rune) bool { return strings.ContainsRune(".,;:!?¿¡\n…。，、！？；：،؛؟।", r) }
	for part := range strings.FieldsFuncSeq(body, ends) {
		list = append(list, plain(part, false))
	}
	return list
}

func (v *Vocabulary) understand(body, locale string) Intent {
	in := v.read(body, LanguageOf(locale))
	if in.Keyword != KeywordNone || in.Review {
		in.Words = v.Edition()
	}
	return in
}

// Edition names the words for evidence: the built-in ones, and the workspace's version.
func (v *Vocabulary) Edition() string { return Edition(v.Version) }

// Edition names the words with the workspace's changes of a version.
func Edition(version int64) string { return edition() + "/" + strconv.FormatInt(version, 10) }

func (v *Vocabulary) read(body, language string) Intent {
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
	texts := make([]*text, len(v.lexicons))
	parts := sync.OnceValue(func() []string { return clauses(body) }) // few messages are read so far
	var whole Intent
	for i, l := range v.lexicons { // what is a keyword as a whole
		t := l.text(bare, accented, parts)
		texts[i] = t
		var keyword Keyword
		switch {
		case l.stop[t.whole] || l.alone[t.whole]:
			keyword = KeywordStop
		case l.start[t.whole]:
			keyword = KeywordStart
		case l.help[t.whole]:
			keyword = KeywordHelp
		default:
			continue
		}
		// Many languages share a word: the contact's own counts, else English, whose "stop"
		// most have.
		if whole.Keyword == KeywordNone || l.code == language || l.code == "en" && whole.Language != language {
			whole = Intent{Keyword: keyword, Rule: RuleWord, Language: l.code, Matched: []string{t.whole}}
		}
	}
	if whole.Keyword != KeywordNone {
		return whole
	}
	for i, l := range v.lexicons { // what the workspace switched off, a person decides
		if l.off[texts[i].whole] {
			return Intent{Review: true, Rule: RuleSwitchedOff, Language: l.code, Matched: []string{texts[i].whole}}
		}
	}
	if len(words) <= longestRequest {
		for _, i := range v.order(language) {
			l := v.lexicons[i]
			if texts[i].other {
				continue
			}
			if k := l.request(texts[i]); k != KeywordNone {
				return Intent{Keyword: k, Rule: RulePhrase, Language: l.code, Matched: []string{texts[i].whole}}
			}
		}
	}
	if stopAnd(words) {
		return Intent{Keyword: KeywordStop, Rule: RuleStopAnd, Language: "en", Matched: words[:1]}
	}
	if len(words) > longestReview {
		return Intent{}
	}
	return v.sentence(texts, strings.ContainsAny(body, "?？؟;"))
}

// order lists the lexicons, the contact's own first.
func (v *Vocabulary) order(language string) []int {
	order := make([]int, 0, len(v.lexicons))
	for i, l := range v.lexicons {
		if l.code == language {
			order = slices.Insert(order, 0, i)
		} else {
			order = append(order, i)
		}
	}
	return order
}

// sentence looks for a wish among other words. What is short and says little else acts
// by itself; for the rest a person decides.
func (v *Vocabulary) sentence(texts []*text, question bool) Intent {
	var doubt Intent
	for i, l := range v.lexicons {
		t := texts[i]
		if t.other {
			continue
		}
		t.read(l)
		stem, asks := mentions(t.whole, l.asks)
		wish, words, report := l.wishes(t)
		if !asks && wish <= hint {
			continue
		}
		in := Intent{Rule: RuleSentence, Language: l.code, Matched: words}
		if wish <= hint {
			in.Matched = []string{strings.TrimSpace(stem)}
		}
		if !question && !report && l.isShort(t) && (wish == strong || asks) && l.saysLittleElse(t, stem) {
			in.Keyword, in.Rule = KeywordStop, RulePhrase
			return in
		}
		if in.Review = true; !doubt.Review {
			doubt = in
		}
	}
	if doubt.Review {
		return doubt
	}
	for i, l := range v.lexicons {
		if texts[i].other {
			continue
		}
		if stem, found := mentions(texts[i].whole, l.complaints); found {
			return Intent{Review: true, Rule: RuleSentence, Language: l.code, Matched: []string{strings.TrimSpace(stem)}}
		}
	}
	return Intent{}
}

// saysLittleElse holds if hardly a word of the message is unknown; stem is what was
// found in it besides.
func (l *lexicon) saysLittleElse(t *text, stem string) bool {
	if len(l.grammar.words) == 0 { // no grammar knows its other words
		return true
	}
	unknown := 0
	stem = strings.TrimSpace(stem)
	at := -1
	if stem != "" && l.joined {
		at = utf8.RuneCountInString(t.whole[:max(0, strings.Index(t.whole, stem))])
	}
	for i, k := range t.known {
		within := at >= 0 && i >= at && i < at+utf8.RuneCountInString(stem)
		if !k && !within && (l.joined || !partOf(stem, t.pieces[i])) {
			unknown++
		}
	}
	if l.joined {
		return unknown <= 3
	}
	return unknown <= 1
}

// partOf tells whether a word of a text is one of those that a stem stands for.
func partOf(stem, word string) bool {
	words := strings.Fields(stem)
	for i, w := range words {
		if w == word || i == len(words)-1 && strings.HasPrefix(word, w) {
			return true
		}
	}
	return false
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

// request reads a message that consists of nothing but expressions of the language:
// one that means stop, with courtesy and objects around it.
func (l *lexicon) request(t *text) Keyword {
	pieces := t.pieces
	if l.joined && len(pieces) > longestJoined {
		return KeywordNone
	}
	// found[i] are the sets of parts with which the first i pieces can be read.
	found := make([]map[parts]bool, len(pieces)+1)
	found[0] = map[parts]bool{0: true}
	for i := range pieces {
		if found[i] == nil {
			continue
		}
		for j := i + 1; j <= min(i+l.reach(pieces[i]), len(pieces)); j++ {
			expression := l.join(pieces[i:j])
			p, known := l.part(expression)
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
		case p&partStop != 0, p&partRefuse != 0 && p&partObject != 0,
			p&partAlone != 0 && p&^(partAlone|partObject) == 0:
			return KeywordStop
		case p&partStart != 0 && p&^(partStart|partThanks) == 0:
			keyword = KeywordStart
		case p&partHelp != 0 && p&^(partHelp|partThanks) == 0:
			keyword = KeywordHelp
		}
	}
	if keyword != KeywordNone {
		return keyword
	}
	t.read(l)
	if slices.Contains(t.known, false) {
		return KeywordNone
	}
	if wish, _, _ := l.wishes(t); wish != noWish {
		return KeywordStop
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
	case l.help[expression]:
		return partHelp, true
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

func (l *lexicon) isShort(t *text) bool {
	if l.joined {
		return len(t.pieces) <= shortJoined
	}
	return len(t.pieces) <= shortRequest
}

// mentions tells whether a text has one of these in it, at the beginning of a word:
// what is listed may be a stem.
func mentions(text string, stems []string) (stem string, found bool) {
	text = " " + text
	for _, s := range stems {
		if len(s) > len(stem) && strings.Contains(text, s) {
			stem, found = s, true
		}
	}
	return stem, found
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
