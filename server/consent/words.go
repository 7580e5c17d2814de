package consent

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/locale"

	"github.com/uptrace/bun"
)

// Changes are what a workspace changed of the built-in words and answers.
type Changes struct {
	Version int64              `json:"-"`
	Added   []Phrase           `json:"added,omitempty"`
	Off     []Phrase           `json:"off,omitempty"`
	Answers map[string]Answers `json:"answers,omitempty"` // by language
}

// Answers are the texts that follow a keyword in one language; "": as built in. The law
// allows one confirmation of an opt-out (47 CFR 64.1200(a)(12)).
type Answers struct {
	Stop   string `json:"stop,omitempty"`
	Start  string `json:"start,omitempty"`
	Help   string `json:"help,omitempty"`
	Left   string `json:"left,omitempty"`   // a topic, with {topic} and {keyword}
	Joined string `json:"joined,omitempty"` // the same
}

// Limits of what a workspace may change.
const (
	MaxPhrases    = 500  // added and switched off, together
	maxPhrase     = 60   // characters of one
	MaxAnswer     = 1000 // characters of an answer
	maxChanges    = 256 << 10
	wordsSeenLate = time.Second // how old the words may be where nobody waits for the newest
)

//go:embed words/answers.json
var answersFile []byte

var builtInAnswers = sync.OnceValue(func() map[string]Answers {
	var file map[string][5]string
	if err := json.Unmarshal(answersFile, &file); err != nil {
		panic(err)
	}
	all := make(map[string]Answers, len(file))
	for code, t := range file {
		all[code] = Answers{Stop: t[0], Start: t[1], Help: t[2], Left: t[3], Joined: t[4]}
	}
	return all
})

// edition names the built-in words, so that evidence says by which a message was read.
var edition = sync.OnceValue(func() string {
	h := sha256.New()
	h.Write(wordsFile)
	h.Write(grammarFile)
	return hex.EncodeToString(h.Sum(nil))[:8]
})

// LanguageOf is the language of a locale: "pt" of "pt_BR".
func LanguageOf(text string) string {
	language := locale.Parse(text).Language
	if language == "nb" { // its words are those of both ways of writing Norwegian
		return "no"
	}
	return language
}

// AnswersFor are the texts for somebody, each in the first of these languages that has
// it, else in English; locales do as well.
func (v *Vocabulary) AnswersFor(languages ...string) Answers {
	for _, l := range append(languages, "en") {
		l = LanguageOf(l)
		own := v.answers[l]
		if a, ok := builtInAnswers()[l]; ok {
			return own.over(a)
		}
		if own != (Answers{}) {
			return own.over(builtInAnswers()["en"])
		}
	}
	return builtInAnswers()["en"]
}

// To is the answer to a word about everything; "": none.
func (a Answers) To(k Keyword) string {
	switch k {
	case KeywordStop:
		return a.Stop
	case KeywordStart:
		return a.Start
	case KeywordHelp:
		return a.Help
	case KeywordNone:
	}
	return ""
}

func (a Answers) over(b Answers) Answers {
	for _, t := range []struct{ own, built *string }{
		{&a.Stop, &b.Stop}, {&a.Start, &b.Start}, {&a.Help, &b.Help}, {&a.Left, &b.Left}, {&a.Joined, &b.Joined},
	} {
		if *t.own == "" {
			*t.own = *t.built
		}
	}
	return a
}

// About fills a topic in.
func About(text, topic, keyword string) string {
	return strings.NewReplacer("{topic}", topic, "{keyword}", keyword).Replace(text)
}

// Words keeps the vocabulary of the workspace.
type Words struct {
	db *db.DB

	mu      sync.Mutex
	current *Vocabulary
	asked   time.Time
}

func newWords(d *db.DB) *Words { return &Words{db: d} }

// In is the vocabulary as a transaction sees it. Where it has not changed this costs
// one look-up.
func (w *Words) In(ctx context.Context, idb bun.IDB) (*Vocabulary, error) {
	version, err := wordsVersion(ctx, idb)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	v := w.current
	w.mu.Unlock() // who reads only what is there waits for no database
	if v != nil && v.Version == version {
		return v, nil
	}
	v = builtIn()
	if version > 0 {
		changes, err := changesOf(ctx, idb, version)
		if err != nil {
			return nil, err
		}
		v = newVocabulary(changes)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil || w.current.Version < version {
		w.current = v
	}
	return v, nil
}

// Now is the vocabulary as it is.
func (w *Words) Now(ctx context.Context) (*Vocabulary, error) { return w.In(ctx, w.db) }

// Recent is the vocabulary of about a second ago, for those who cannot wait for a
// database that may be away. Without Words it is the built-in one.
func (w *Words) Recent(ctx context.Context) *Vocabulary {
	if w == nil {
		return builtIn()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.asked) > wordsSeenLate {
		w.asked = time.Now()
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wordsSeenLate)
			defer cancel()
			_, _ = w.In(ctx, w.db) // the next one asks again
		}()
	}
	if w.current == nil {
		return builtIn()
	}
	return w.current
}

// Changes gives what the workspace changed.
func (w *Words) Changes(ctx context.Context) (c Changes, err error) {
	version, err := wordsVersion(ctx, w.db)
	if err != nil || version == 0 {
		return c, err
	}
	return changesOf(ctx, w.db, version)
}

// ReservedIn reports whether a folded word cannot name a topic of the workspace.
func ReservedIn(ctx context.Context, idb bun.IDB, folded string) (bool, error) {
	version, err := wordsVersion(ctx, idb)
	if err != nil || version == 0 {
		return false, err
	}
	changes, err := changesOf(ctx, idb, version)
	return err == nil && newVocabulary(changes).Reserved(folded), err
}

// Add has a phrase mean stop, start or help from now on.
func (w *Words) Add(ctx context.Context, p Phrase) (Changes, error) {
	p.Text = contact.CleanText(p.Text)
	if err := checkPhrase(p); err != nil {
		return Changes{}, err
	}
	return w.change(ctx, audit.KeywordAdd, map[string]any{"language": p.Language, "meaning": p.Meaning, "phrase": p.Text},
		func(ctx context.Context, tx bun.Tx, c *Changes) error {
			key := PlainPhrase(p.Language, p.Text)
			switch said := newVocabulary(*c).understand(p.Text, p.Language); {
			case said.Keyword != KeywordNone && said.Rule == RuleWord && said.Keyword != p.Meaning:
				return apperr.Invalid("phrase", "%q means %s already: a phrase has one meaning", p.Text, said.Keyword)
			case said.Keyword == KeywordStop && p.Meaning != KeywordStop:
				return apperr.Invalid("phrase", "%q asks for an opt-out and cannot mean %s", p.Text, p.Meaning)
			}
			for _, known := range c.Added {
				if known.Language == p.Language && PlainPhrase(known.Language, known.Text) == key {
					return apperr.Conflict("%q stands among the phrases of this language already", p.Text)
				}
			}
			taken, err := topicNamed(ctx, tx, Fold(p.Text))
			if err != nil {
				return err
			}
			if taken {
				return apperr.Invalid("phrase", "%q is the keyword of a topic", p.Text)
			}
			c.Off = slices.DeleteFunc(c.Off, func(o Phrase) bool {
				return o.Language == p.Language && PlainPhrase(o.Language, o.Text) == key
			})
			c.Added = append(c.Added, p)
			return nil
		})
}

// Remove takes back a phrase that was added.
func (w *Words) Remove(ctx context.Context, p Phrase) (Changes, error) {
	return w.change(ctx, audit.KeywordRemove, map[string]any{"language": p.Language, "phrase": p.Text},
		func(_ context.Context, _ bun.Tx, c *Changes) error {
			n := len(c.Added)
			key := PlainPhrase(p.Language, p.Text)
			c.Added = slices.DeleteFunc(c.Added, func(a Phrase) bool {
				return a.Language == p.Language && PlainPhrase(a.Language, a.Text) == key
			})
			if len(c.Added) == n {
				return apperr.Invalid("phrase", "%q is not one of the phrases that were added for %q", p.Text, p.Language)
			}
			return nil
		})
}

// Switch turns a built-in phrase off, or on again. What is off does not act by itself any
// more: as a whole message a person looks at it.
func (w *Words) Switch(ctx context.Context, p Phrase, on bool) (Changes, error) {
	key := PlainPhrase(p.Language, p.Text)
	known := false
	for _, l := range Languages() {
		for _, b := range l.Phrases {
			if b.Binding && PlainPhrase(l.Code, b.Text) == key && !on {
				return Changes{}, apperr.Invalid("phrase",
					"%q is binding by law, by WhatsApp or by Twilio and cannot be switched off", p.Text)
			}
			known = known || l.Code == p.Language && PlainPhrase(l.Code, b.Text) == key
		}
	}
	if !known {
		return Changes{}, apperr.Invalid("phrase", "%q is no built-in phrase of %q", p.Text, p.Language)
	}
	return w.change(ctx, audit.KeywordSwitch, map[string]any{"language": p.Language, "phrase": p.Text, "on": on},
		func(_ context.Context, _ bun.Tx, c *Changes) error {
			c.Off = slices.DeleteFunc(c.Off, func(o Phrase) bool {
				return o.Language == p.Language && PlainPhrase(o.Language, o.Text) == key
			})
			if !on {
				c.Off = append(c.Off, p)
			}
			return nil
		})
}

// SetAnswers changes the answers of a language; "" takes one back to the built-in text,
// nil leaves it.
func (w *Words) SetAnswers(ctx context.Context, language string, stop, start, help, left, joined *string) (Changes, error) {
	var errs apperr.List
	if !isLanguage(language) {
		_ = errs.Add(apperr.Invalid("language", "%q is none of the languages of the words", language))
	}
	changed := map[string]any{"language": language}
	texts := []struct {
		field string
		text  *string
		topic bool
	}{{"stop", stop, false}, {"start", start, false}, {"help", help, false}, {"left", left, true}, {"joined", joined, true}}
	for _, t := range texts {
		if t.text == nil {
			continue
		}
		*t.text = contact.CleanText(*t.text)
		changed[t.field] = utf8.RuneCountInString(*t.text)
		switch {
		case utf8.RuneCountInString(*t.text) > MaxAnswer:
			_ = errs.Add(apperr.Invalid(t.field, "an answer has at most %d characters, not %d", MaxAnswer,
				utf8.RuneCountInString(*t.text)))
		case t.topic && *t.text != "" && !strings.Contains(*t.text, "{topic}"):
			_ = errs.Add(apperr.Invalid(t.field, "the text has to name the topic with {topic}"))
		}
	}
	if err := errs.Err(); err != nil {
		return Changes{}, err
	}
	return w.change(ctx, audit.KeywordAnswers, changed, func(_ context.Context, _ bun.Tx, c *Changes) error {
		a := c.Answers[language]
		for i, to := range []*string{&a.Stop, &a.Start, &a.Help, &a.Left, &a.Joined} {
			if texts[i].text != nil {
				*to = *texts[i].text
			}
		}
		if c.Answers == nil {
			c.Answers = map[string]Answers{}
		}
		if c.Answers[language] = a; a == (Answers{}) {
			delete(c.Answers, language)
		}
		return nil
	})
}

// change writes the next version. Two people who change something at once come one
// after the other.
func (w *Words) change(ctx context.Context, action audit.Action, entry map[string]any,
	edit func(ctx context.Context, tx bun.Tx, c *Changes) error,
) (c Changes, err error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return c, err
	}
	err = w.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		version, err := lockWords(ctx, tx)
		if err != nil {
			return err
		}
		if version > 0 {
			if c, err = changesOf(ctx, tx, version); err != nil {
				return err
			}
		}
		if err := edit(ctx, tx, &c); err != nil {
			return err
		}
		if n := len(c.Added) + len(c.Off); n > MaxPhrases {
			return apperr.Invalid("phrase", "at most %d phrases can be added or switched off", MaxPhrases)
		}
		raw, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if len(raw) > maxChanges {
			return apperr.Invalid("", "the workspace's own words and answers have at most %d KB together", maxChanges>>10)
		}
		if c.Version, err = insertWords(ctx, tx, raw, actor.OperatorID(ctx)); err != nil {
			return err
		}
		entry["version"] = c.Version
		return audit.Record(ctx, tx, action, "keywords", c.Version, entry)
	})
	return c, err
}

func isLanguage(code string) bool { return slices.Contains(codes(), code) }

func checkPhrase(p Phrase) error {
	var errs apperr.List
	if !isLanguage(p.Language) {
		_ = errs.Add(apperr.Invalid("language", "%q is none of the languages of the words", p.Language))
	}
	if p.Meaning != KeywordStop && p.Meaning != KeywordStart && p.Meaning != KeywordHelp {
		_ = errs.Add(apperr.Invalid("meaning", "%q is no meaning: stop, start or help", p.Meaning))
	}
	key := PlainPhrase(p.Language, p.Text)
	switch n := utf8.RuneCountInString(p.Text); {
	case key == "" || n > maxPhrase || strings.ContainsAny(p.Text, "\n\r"):
		_ = errs.Add(apperr.Invalid("phrase", "%q is no phrase: 1 to %d characters in one line, with letters or digits",
			shortened(p.Text), maxPhrase))
	case p.Meaning == KeywordStart && saysYes(key):
		_ = errs.Add(apperr.Invalid("phrase",
			"%q is no consent by itself: it counts only as the answer to a question that we asked", p.Text))
	}
	return errs.Err()
}

func shortened(s string) string {
	if r := []rune(s); len(r) > maxPhrase {
		return string(r[:maxPhrase]) + "…"
	}
	return s
}
