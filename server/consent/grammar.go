package consent

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Parts of a message, as far as it was read. The first ones are of whole expressions,
// the others of sentences.
type parts uint32

const (
	partStop parts = 1 << iota
	partAlone
	partRefuse
	partObject
	partFiller
	partStart
	partHelp
	partThanks // "cancel, thanks" declines an offer as often as it asks for an end

	partNot          // not, never
	partWrite        // what is done to people: write, contact, bother
	partSend         // send, also a parcel
	partDont         // "not" and "write" in one word, as Turkish has them
	partDontSend     // "not" and "send" in one word
	partCease        // stop, enough
	partWant         // want, like, be interested, agree
	partUnwanted     // "not" and "want" in one word
	partReceive      // receive, get
	partMessages     // messages, advertising
	partRemove       // remove, delete
	partMyself       // my number, my data, me
	partList         // your list, your database
	partEnd          // cancel, end
	partSubscription // subscription, newsletter
	partMore         // any more, again
	partNone         // no more, enough of
	partWrong        // wrong number
	partOther        // "don't forget": its words say nothing else
)

// grammar has the parts of sentences of one language.
type grammar struct {
	words    map[string][]parts // whole words and expressions
	stems    map[string][]parts // beginnings of words
	gaps     []gap              // expressions with words between them
	prefixes []string           // articles and the like that are written together with the next word
	shortest int                // letters of the shortest stem
	other    bool               // it has partOther
}

type gap struct {
	from, to string
	part     parts
}

// classes are the lists of grammar.json.
var classes = map[string]parts{
	"neg": partNot, "write": partWrite, "send": partSend, "dont": partDont, "dontsend": partDontSend, "cease": partCease,
	"want": partWant, "unwanted": partUnwanted, "receive": partReceive, "messages": partMessages, "remove": partRemove,
	"myself": partMyself, "list": partList, "end": partEnd, "subscription": partSubscription, "more": partMore, "none": partNone,
	"wrong": partWrong, "filler": partFiller, "other": partOther,
}

func newGrammar(l *lexicon, lists map[string]string) *grammar {
	g := &grammar{words: map[string][]parts{}, stems: map[string][]parts{}, shortest: 100}
	add := func(to map[string][]parts, w string, p parts) {
		if w != "" && !slices.Contains(to[w], p) {
			to[w] = append(to[w], p)
		}
	}
	for class, list := range lists {
		for w := range strings.SplitSeq(list, ",") {
			if class == "prefixes" {
				g.prefixes = append(g.prefixes, l.plain(w))
				continue
			}
			p, known := classes[class]
			if !known {
				panic("grammar.json: no class " + class)
			}
			g.other = g.other || p == partOther
			from, to, gapped := strings.Cut(w, "…")
			stem := strings.HasSuffix(strings.TrimSpace(w), "*")
			for _, accents := range slices.Compact([]bool{l.accents, false}) { // Vietnamese is written without its accents too
				spell := &lexicon{accents: accents, joined: l.joined}
				bare := spell.plain(w)
				switch {
				case gapped:
					g.gaps = append(g.gaps, gap{spell.plain(from), spell.plain(to), p})
				case stem:
					add(g.stems, bare, p)
					g.shortest = min(g.shortest, utf8.RuneCountInString(bare))
				default:
					add(g.words, bare, p)
				}
				l.begins(strings.TrimSpace(bare))
			}
		}
	}
	return g
}

// of gives what a word or expression can be.
func (g *grammar) of(expression string) []parts {
	if found := g.lookUp(expression); found != nil || strings.Contains(expression, " ") {
		return found
	}
	for _, prefix := range g.prefixes {
		if rest, ok := strings.CutPrefix(expression, prefix); ok && utf8.RuneCountInString(rest) >= 2 {
			if found := g.lookUp(rest); found != nil {
				return found
			}
		}
	}
	return nil
}

func (g *grammar) lookUp(expression string) []parts {
	found := g.words[expression]
	if len(g.stems) == 0 {
		return found
	}
	n := 0
	for i, r := range expression {
		if n >= g.shortest {
			found = union(found, g.stems[expression[:i]])
		}
		if r == ' ' { // a stem of several words ends in the last one
			n, found = 0, g.words[expression]
		}
		n++
	}
	return union(found, g.stems[expression])
}

func union(a, b []parts) []parts {
	if len(a) == 0 || len(b) == 0 {
		return append(slices.Clip(a), b...)
	}
	for _, p := range b {
		if !slices.Contains(a, p) {
			a = append(slices.Clip(a), p)
		}
	}
	return a
}

// token is a word or expression of a sentence, with what it can be.
type token struct {
	from, to int // its words, or characters where there are no spaces
	parts    []parts
}

// read finds the tokens of a text; pieces are its words or characters. known has the
// pieces that are part of any of them, or of the language's small words.
func (l *lexicon) read(pieces []string) (tokens []token, known []bool) {
	known = make([]bool, len(pieces))
	each := func(seen func(i, j int, expression string)) {
		for i := range pieces {
			for j := i + 1; j <= min(i+l.reach(pieces[i]), len(pieces)); j++ {
				seen(i, j, l.join(pieces[i:j]))
			}
		}
	}
	// "Terima" is no receiving in "terima kasih", which is thanks.
	polite := make([]bool, len(pieces))
	each(func(i, j int, expression string) {
		if l.courtesy[expression] || l.grammar.other && slices.Contains(l.grammar.of(expression), partOther) {
			for k := i; k < j; k++ {
				known[k], polite[k] = l.courtesy[expression], true
			}
		}
	})
	each(func(i, j int, expression string) {
		if !slices.Contains(polite[i:j], false) {
			return
		}
		found := l.grammar.of(expression)
		if l.objects[expression] {
			found = union(found, []parts{partMessages})
		}
		if found == nil && !l.filler[expression] && !l.stop[expression] && !l.alone[expression] && !l.refuse[expression] {
			return
		}
		for k := i; k < j; k++ {
			known[k] = true
		}
		found = slices.DeleteFunc(slices.Clone(found), func(p parts) bool { return p == partFiller })
		if len(found) > 0 {
			tokens = append(tokens, token{i, j, found})
		}
	})
	for _, g := range l.grammar.gaps {
		for i := range pieces {
			if !beginsWith(pieces[i:], g.from) {
				continue
			}
			n := len(strings.Fields(g.from))
			for j := i + n; j < min(i+n+5, len(pieces)); j++ {
				if pieces[j] == g.to {
					tokens = append(tokens, token{i, i + n, []parts{g.part}})
					for k := i; k < i+n; k++ {
						known[k] = true
					}
					known[j] = true
					break
				}
			}
		}
	}
	slices.SortStableFunc(tokens, func(a, b token) int { return a.from - b.from })
	return tokens, known
}

func beginsWith(pieces []string, expression string) bool {
	words := strings.Fields(expression)
	return len(words) > 0 && len(words) <= len(pieces) && slices.Equal(words, pieces[:len(words)])
}

// How far apart the parts of a wish may stand.
const (
	wishWords      = 8
	wishCharacters = 22
)

// strength says how sure a wish is.
type strength int

const (
	noWish strength = iota
	hint            // enough only where nothing else is said
	weak            // it may be about messages, or about a parcel
	strong          // it is about messages
)

// wish says whether parts make a wish for an opt-out.
func wish(p parts) strength {
	has := func(all parts) bool { return p&all == all }
	unwanted := has(partNot|partWant) || has(partUnwanted)
	dontSend := has(partNot|partSend) || has(partDontSend)
	switch {
	case has(partCease | partWrite), has(partCease | partMessages), has(partDont | partMessages), has(partDont | partMore),
		has(partNot | partWrite | partMore), has(partNot | partWrite | partMessages), has(partNot | partWrite | partMyself),
		dontSend && has(partMessages), unwanted && has(partMessages), has(partNone | partMessages),
		unwanted && has(partReceive|partMore):
		return strong
	case has(partCease | partSend), has(partRemove | partMyself), has(partRemove | partList), has(partEnd | partSubscription),
		dontSend && has(partMore), unwanted && (has(partReceive) || has(partWrite) || has(partSend|partMore)), has(partDont),
		has(partWrong | partRemove), has(partWrong | partCease), has(partWrong) && dontSend, has(partWrong | partNot | partWrite),
		has(partCease | partReceive | partWant):
		return weak
	case has(partNot | partWrite):
		return hint
	}
	return noWish
}

// negatable are the parts of which "not" and its verb have to stand in one clause.
const negatable = partNot | partDont | partDontSend | partWrite | partSend | partWant | partMessages |
	partMore

// wishes looks for a wish in a sentence: parts that stand close to each other, each of
// a word of its own. It gives the words that make it.
func (l *lexicon) wishes(t *text) (best strength, words []string, report bool) {
	reach := wishWords
	if l.joined {
		reach = wishCharacters
	}
	breaks := l.breaks(t.clauses())
	negated := map[int]bool{} // where a "not" ends, unless the clause ends there too
	var receives, asks bool
	for _, token := range t.tokens {
		for _, p := range token.parts {
			switch p {
			case partNot, partDont, partDontSend:
				negated[token.to] = !breaks[token.to]
			case partReceive:
				receives = true
			case partWant, partUnwanted, partCease, partRemove, partEnd:
				asks = true
			}
		}
	}
	for i, first := range t.tokens {
		type reading struct {
			end    int
			clause int // in which something is wished or negated; 0: not yet
			words  []string
		}
		readings := map[parts]reading{0: {}}
		for _, token := range t.tokens[i:] {
			if token.from >= first.from+reach {
				break
			}
			clause := 1
			for i := range token.from + 1 {
				if breaks[i] {
					clause++
				}
			}
			next := maps.Clone(readings)
			for had, r := range readings {
				if token.from < r.end {
					continue
				}
				for _, p := range token.parts {
					// "Don't stop": they ask for more.
					if p&(partCease|partEnd|partRemove) != 0 && negated[token.from] {
						continue
					}
					// "I got no message" has no verb of writing.
					if p == partWrite && receives && !asks && slices.Contains(token.parts, partMessages) {
						continue
					}
					in := r.clause
					if p&negatable != 0 {
						// "Don't call, write": what another clause says is not negated.
						if in != 0 && in != clause && (had|p)&(partNot|partDont|partDontSend) != 0 {
							continue
						}
						in = clause
					}
					if known, there := next[had|p]; !there || token.to < known.end {
						words := append(slices.Clip(r.words), l.join(t.pieces[token.from:token.to]))
						next[had|p] = reading{token.to, in, words}
					}
				}
			}
			readings = next
		}
		for p, r := range readings {
			s := wish(p)
			// "I get no more messages" complains of those that do not come.
			if receives && !asks && p&(partWrite|partDont) == 0 {
				s = noWish
			}
			if s > best || s == best && s != noWish && (len(r.words) < len(words) ||
				len(r.words) == len(words) && slices.Compare(r.words, words) < 0) {
				best, words = s, r.words
			}
		}
		if best == strong {
			break
		}
	}
	return best, words, receives && !asks
}
