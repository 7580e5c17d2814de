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

// The words of the engine are data. words.json has whole expressions, such as "stop" or
// "no more messages"; grammar.json has the parts of which sentences are made, such as
// "not", "write" and "any more". Both are lists of words as people write them; * after a
// word stands for any ending, … between two for up to four words.

//go:embed words/words.json
var wordsFile []byte

//go:embed words/grammar.json
var grammarFile []byte

// Phrase is a word or expression that means something as a whole message.
type Phrase struct {
	Language string  `json:"language"`
	Meaning  Keyword `json:"meaning"`
	Text     string  `json:"text"`
}

// Language is a language of the built-in words.
type Language struct {
	Code, Name, Source string
	Phrases            []BuiltIn
}

// BuiltIn is an expression that the engine knows by itself.
type BuiltIn struct {
	Phrase
	Binding bool // law, WhatsApp or Twilio say that it counts: it cannot be switched off
}

// wordList is a language of words.json.
type wordList struct {
	Name, Source string
	Stop         []string // means stop, also with courtesy and objects around it
	Alone        []string // means stop if nothing but courtesy stands beside it
	Refuse       []string // means stop beside an object
	Objects      []string // messages and what else is sent
	Courtesy     []string // please
	Filler       []string // words that change nothing
	Asks         []string // beginnings of words that ask for an opt-out inside a sentence
	Complaints   []string // and of those that may
	Start, Help  []string
	Binding      []string // expressions of Stop, Alone, Start and Help that cannot be switched off
}

// lexicon is what the words of one language mean.
type lexicon struct {
	code string
	// Whole expressions, plain, by their words.
	stop, alone, refuse, objects, courtesy, filler map[string]bool
	start, help, off                               map[string]bool
	asks                                           []string
	complaints                                     []string
	grammar                                        *grammar
	first                                          map[string]int // pieces of the longest expression that begins with one
	scripts                                        []*unicode.RangeTable
	accents                                        bool // without them words mean something else
	joined                                         bool // written without spaces
}

// Vocabulary is all words at one moment: the built-in ones with what the workspace
// changed. It is never written to once it was made.
type Vocabulary struct {
	Version  int64 // of the workspace's changes; 0: none
	lexicons []*lexicon
	commands map[string]Keyword // by Fold
	answers  map[string]Answers
}

// builtIn is read when the first message is: most commands and many processes never
// read one.
var builtIn = sync.OnceValue(func() *Vocabulary { return newVocabulary(Changes{}) })

// files are the built-in words, by language.
var files = sync.OnceValues(func() (map[string]*wordList, map[string]map[string]string) {
	var lists map[string]*wordList
	var grammars map[string]map[string]string
	for file, to := range map[*[]byte]any{&wordsFile: &lists, &grammarFile: &grammars} {
		if err := json.Unmarshal(*file, to); err != nil {
			panic(err)
		}
	}
	return lists, grammars
})

// codes are the languages. English comes last, since its words stand in other
// languages' messages too.
func codes() []string {
	lists, _ := files()
	all := make([]string, 0, len(lists))
	for code := range lists {
		if code != "en" {
			all = append(all, code)
		}
	}
	slices.Sort(all)
	return append(all, "en")
}

// Languages lists the built-in words.
func Languages() []Language {
	lists, _ := files()
	var all []Language
	for _, code := range codes() {
		f := lists[code]
		l := Language{Code: code, Name: f.Name, Source: f.Source}
		seen := map[string]bool{}
		for _, of := range []struct {
			meaning Keyword
			words   []string
		}{{KeywordStop, f.Stop}, {KeywordStop, f.Alone}, {KeywordStart, f.Start}, {KeywordHelp, f.Help}} {
			for _, w := range of.words {
				if key := PlainPhrase(code, w); !seen[key] {
					seen[key] = true
					l.Phrases = append(l.Phrases, BuiltIn{
						Phrase: Phrase{Language: code, Meaning: of.meaning, Text: w}, Binding: slices.Contains(f.Binding, w),
					})
				}
			}
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Language) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// PlainPhrase is what a phrase is compared by.
func PlainPhrase(language, text string) string {
	return (&lexicon{accents: keepsAccents(language), joined: isJoined(language)}).plain(text)
}

func keepsAccents(language string) bool { return language == "vi" }

func isJoined(language string) bool {
	return slices.Contains([]string{"zh", "ja", "th", "my", "km", "ko"}, language)
}

func (l *lexicon) plain(text string) string {
	p := plain(text, l.accents)
	if l.joined {
		p = strings.ReplaceAll(p, " ", "")
	}
	return p
}

// begins remembers where an expression begins.
func (l *lexicon) begins(expression string) {
	if expression == "" {
		return
	}
	pieces := l.split(expression)
	if l.first == nil {
		l.first = map[string]int{}
	}
	l.first[pieces[0]] = max(l.first[pieces[0]], len(pieces))
	r, _ := utf8.DecodeRuneInString(expression)
	for _, script := range scripts {
		if unicode.Is(script, r) && !slices.Contains(l.scripts, script) {
			l.scripts = append(l.scripts, script)
		}
	}
}

// reach is how many pieces an expression can have that begins with one.
func (l *lexicon) reach(piece string) int { return max(1, l.first[piece]) }

func (l *lexicon) split(text string) []string {
	if l.joined {
		return strings.Split(text, "")
	}
	return strings.Fields(text)
}

func (l *lexicon) join(pieces []string) string {
	if len(pieces) == 1 {
		return pieces[0]
	}
	if l.joined {
		return strings.Join(pieces, "")
	}
	return strings.Join(pieces, " ")
}

// reads tells whether a text has letters of the language.
func (l *lexicon) reads(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, l.scripts...) })
}

// scripts of the languages.
var scripts = []*unicode.RangeTable{
	unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Arabic, unicode.Hebrew, unicode.Devanagari, unicode.Bengali,
	unicode.Gujarati, unicode.Gurmukhi, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala,
	unicode.Thai, unicode.Myanmar, unicode.Khmer, unicode.Ethiopic, unicode.Georgian, unicode.Armenian, unicode.Han, unicode.Hiragana,
	unicode.Katakana, unicode.Hangul,
}

func (l *lexicon) set(lists ...[]string) map[string]bool {
	m := map[string]bool{}
	for _, list := range lists {
		for _, w := range list {
			p := l.plain(w)
			m[p] = true
			l.begins(p)
		}
	}
	delete(m, "")
	return m
}

// newVocabulary puts the built-in words and a workspace's changes together.
func newVocabulary(c Changes) *Vocabulary {
	lists, grammars := files()
	v := &Vocabulary{Version: c.Version, commands: map[string]Keyword{}, answers: c.Answers}
	en := *lists["en"]
	for _, code := range codes() {
		f := *lists[code]
		l := &lexicon{code: code, accents: keepsAccents(code), joined: isJoined(code)}
		for _, p := range c.Added {
			if p.Language != code {
				continue
			}
			switch p.Meaning {
			case KeywordStop:
				f.Stop = append(slices.Clone(f.Stop), p.Text)
			case KeywordStart:
				f.Start = append(slices.Clone(f.Start), p.Text)
			case KeywordHelp:
				f.Help = append(slices.Clone(f.Help), p.Text)
			case KeywordNone:
			}
		}
		l.stop, l.alone, l.refuse = l.set(f.Stop), l.set(f.Alone), l.set(f.Refuse)
		l.courtesy, l.filler = l.set(f.Courtesy), l.set(f.Filler)
		l.objects = l.set(f.Objects)
		if code != "en" { // its words stand in everybody's messages
			l.objects, l.courtesy = l.set(f.Objects, en.Objects), l.set(f.Courtesy, en.Courtesy)
		}
		l.start, l.help = l.set(f.Start), l.set(f.Help)
		l.asks, l.complaints = l.stems(l.set(f.Asks)), l.stems(l.set(f.Complaints))
		l.off = map[string]bool{}
		for _, p := range c.Off {
			if p.Language == code {
				w := l.plain(p.Text)
				l.off[w] = true
				for _, set := range []map[string]bool{l.stop, l.alone, l.start, l.help} {
					delete(set, w)
				}
			}
		}
		l.grammar = newGrammar(l, grammars[code])
		if l.joined { // "td" and the like count as whole messages alone
			l.scripts = slices.DeleteFunc(l.scripts, func(s *unicode.RangeTable) bool { return s == unicode.Latin })
		}
		v.lexicons = append(v.lexicons, l)
		for k, lists := range map[Keyword][][]string{KeywordStop: {f.Stop, f.Alone}, KeywordStart: {f.Start}, KeywordHelp: {f.Help}} {
			for _, w := range slices.Concat(lists...) {
				if folded := Fold(w); folded != "" && !l.off[l.plain(w)] && v.commands[folded] != KeywordStop {
					v.commands[folded] = k
				}
			}
		}
	}
	return v
}

// stems are what mentions looks for: beginnings of words, with the space before them,
// where the script parts words by spaces.
func (l *lexicon) stems(expressions map[string]bool) (stems []string) {
	for e := range expressions {
		if !l.joined && spaced(e) {
			e = " " + e
		}
		stems = append(stems, e)
	}
	slices.Sort(stems)
	return stems
}
