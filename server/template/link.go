package template

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"
)

// Link is a button whose taps are counted: WhatsApp gets the address of a short link, of which one variable, the token,
// tells the link and the message. Where it leads to is known here alone.
type Link struct {
	Field       string // the button, as the API names it: buttons.0, cards.1.buttons.0
	Title       string // of the button
	Destination string // as it is written, with placeholders

	expr *Expression
	body *Body // of Destination
}

// sampleToken stands for a token where there is no message: in the samples that WhatsApp's reviewers see, and in previews.
const sampleToken = "example"

// linkSource begins what the variable of a token is called; no placeholder begins so.
const linkSource = "link "

// link has the address in a slot go to WhatsApp as a short link, and keeps where it leads to.
func (c *Compiled) link(at int, p *parser) error {
	s := c.slots[at]
	switch n := utf8.RuneCountInString(*s.text); {
	case n == 0:
		return nil // it is missing: check says so
	case n > s.max:
		return apperr.Invalid("content."+s.field, "%s has %d characters: %d at most", s.label, n, s.max)
	}
	l := Link{Field: strings.TrimSuffix(s.field, ".url"), Title: c.titleOf(s.field), Destination: *s.text}
	own := newParser() // its placeholders are none of WhatsApp's variables
	var err error
	if l.body, err = own.parse(l.Destination, false); err != nil {
		return refield(err, "content."+s.field)
	}
	if len(own.exprs) > 0 {
		if problem := s.misplaced(l.body); !problem.Empty() {
			return apperr.Blame("content."+s.field, problem)
		}
	}
	if strings.ContainsAny(l.Destination, "\\\x00\r\n\t") {
		return apperr.Invalid("content."+s.field, "%s holds a backslash or a line break: write it as a browser shows it", s.label)
	}
	l.expr = &Expression{Source: linkSource + l.Field, Path: []string{"link"}, Link: &l}
	p.exprs = append(p.exprs, l.expr)
	c.bodies[at] = &Body{Parts: []Part{{Text: c.Parts.LinkURL}, {Expr: l.expr}}, Exprs: []*Expression{l.expr}}
	c.Links = append(c.Links, l)
	return nil
}

// titleOf is the title of the button whose address stands in a field.
func (c *Compiled) titleOf(field string) string {
	title := strings.TrimSuffix(field, ".url") + ".title"
	for _, s := range c.slots {
		if s.field == title {
			return *s.text
		}
	}
	return ""
}

// Key is the name of the variable that takes a link's token.
func (c *Compiled) Key(l Link) string { return c.key(l.expr) }

// missing tells which placeholders of the destination have no value.
func (l *Link) missing(p *contact.Contact) (sources []string) {
	for _, e := range l.body.Exprs {
		if _, ok := e.Value(p); !ok {
			sources = append(sources, e.Source)
		}
	}
	return sources
}

// Address is an address in which placeholders may stand behind the host.
type Address struct {
	body  *Body
	host  string
	needs bool // a value of the contact, for which it has no fallback
}

// ParseAddress reads one. It refuses what would let a value choose the host.
func ParseAddress(text string) (*Address, error) {
	b, err := newParser().parse(text, false)
	if err != nil {
		return nil, err
	}
	s := slot{label: say.New("the address"), fill: fillLink}
	if len(b.Exprs) > 0 {
		if problem := s.misplaced(b); !problem.Empty() {
			return nil, apperr.Blame("destination", problem)
		}
	}
	before, _, _ := strings.Cut(text, "{{")
	u, err := url.Parse(before)
	if err != nil || !webAddress(before) {
		return nil, apperr.Invalid("destination", "%q is no address: begin it with https://", clip(text))
	}
	needs := slices.ContainsFunc(b.Exprs, func(e *Expression) bool {
		_, ok := e.Value(&contact.Contact{})
		return !ok
	})
	return &Address{b, u.Host, needs}, nil
}

// Fixed reports whether it is the same for everybody.
func (a *Address) Fixed() bool { return len(a.body.Exprs) == 0 }

// Needs reports whether it leads elsewhere than meant where the contact's values are not known: a placeholder has no fallback.
func (a *Address) Needs() bool { return a.needs }

// For is the address for a contact; values that are missing leave their places empty, and nobody: nil has those alone that
// have a fallback. Values are escaped so that none of them can end the part of the address in which it stands, and one that
// would climb out of a directory of the path counts as missing.
func (a *Address) For(p *contact.Contact) (string, bool) {
	if p == nil {
		p = &contact.Contact{}
	}
	var written strings.Builder
	inPath := true
	for _, part := range a.body.Parts {
		if part.Expr == nil {
			inPath = inPath && !strings.ContainsAny(part.Text, "?#")
			written.WriteString(part.Text)
			continue
		}
		v, _ := part.Expr.Value(p)
		if inPath && climbs(v) {
			v, _ = part.Expr.Value(&contact.Contact{})
		}
		written.WriteString(strings.ReplaceAll(url.QueryEscape(v), "+", "%20"))
	}
	text := written.String()
	u, err := url.Parse(text)
	if err != nil || !webAddress(text) || u.Host != a.host { // it cannot be; were it so, nobody should be sent there
		return "", false
	}
	return text, true
}

// climbs reports whether a value has a step of a path that is no name: browsers take "..", and servers "..%2F", for the
// directory above.
func climbs(value string) bool {
	for step := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '/' || r == '\\' }) {
		if strings.Trim(step, ".") == "" {
			return true
		}
	}
	return false
}

// WebAddresses are the addresses that stand in the text itself. WhatsApp approves the text as it stands, so that they cannot
// become short links: clicks on them are not counted.
func (c *Compiled) WebAddresses() (found []string) {
	for _, word := range strings.Fields(c.wire(c.Body)) {
		if i := strings.Index(word, "https://"); i >= 0 {
			found = append(found, word[i:])
		} else if i := strings.Index(word, "http://"); i >= 0 {
			found = append(found, word[i:])
		}
	}
	return found
}
