package template

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"
)

// Compiled is a version ready to be filled in. It never changes, and many may use it at once.
type Compiled struct {
	Kind  Kind
	Body  *Body
	Parts Parts
	Exprs []*Expression // distinct over the body and all parts, in the order of {{1}}, {{2}}…
	Links []Link        // in the order of their buttons

	names  [][]string // what each of Exprs is called at Twilio, where it was made there; nil: 1, 2…
	slots  []slot     // of Parts
	bodies []*Body    // of slots; nil where there is no placeholder
}

// authenticationText is how WhatsApp's own text reads in English; it is sent in the language of the template.
const authenticationText = " is your verification code. For your security, do not share this code."

// Compile reads a text and its parts. It refuses unknown placeholders, and placeholders where WhatsApp takes none.
func Compile(body string, parts Parts) (*Compiled, error) {
	if err := parts.bounded(); err != nil {
		return nil, err
	}
	c := &Compiled{Parts: parts.clone()}
	p := newParser()
	var errs apperr.List
	if a := c.Parts.Authentication; a != nil {
		body = a.Code + authenticationText
	}
	var err error
	if c.Body, err = p.parse(body, false); err != nil {
		_ = errs.Add(err)
		c.Body = &Body{}
	}
	c.slots = c.Parts.slots()
	c.bodies = make([]*Body, len(c.slots))
	for i, s := range c.slots {
		if s.fill == fillNowhere && strings.Contains(*s.text, "{{") {
			_ = errs.Add(apperr.Invalid("content."+s.field, "%s takes no placeholder: write it out", s.label))
			continue
		}
		if s.fill == fillLink {
			_ = errs.Add(c.link(i, p))
			continue
		}
		b, err := p.parse(*s.text, s.fill == fillEnd || s.fill == fillPath)
		if err != nil {
			_ = errs.Add(refield(err, "content."+s.field))
			continue
		}
		if len(b.Exprs) == 0 {
			continue
		}
		c.bodies[i] = b
		if problem := s.misplaced(b); !problem.Empty() {
			_ = errs.Add(apperr.Blame("content."+s.field, problem))
		}
	}
	c.Exprs = p.exprs
	most := utf8.RuneCountInString(c.wire(c.Body))
	if len(c.Body.Exprs) > 0 { // values may be longer than their numbers
		most += 100 * len(c.Body.Exprs)
	}
	c.Kind = c.Parts.kind(most)
	return c, errs.Err()
}

// refield says of which field an error of Parse is.
func refield(err error, field string) error {
	if e, ok := errors.AsType[*apperr.Error](err); ok {
		return apperr.Blame(field, e.Message)
	}
	return err
}

// misplaced tells what is wrong with the places of placeholders in a text.
func (s *slot) misplaced(b *Body) say.Text {
	switch s.fill {
	case fillEnd:
		if last := b.Parts[len(b.Parts)-1]; len(b.Exprs) > 1 || last.Expr == nil || len(b.Parts) != 2 {
			return say.New("%s takes one placeholder, at its end: https://example.com/{{…}}", s.label)
		}
	case fillWhole:
		if len(b.Parts) != 1 {
			return say.New("%s is one placeholder alone, or a text without any", s.label)
		}
	case fillNowhere, fillAnywhere, fillPath, fillLink:
	}
	if s.fill == fillEnd || s.fill == fillPath || s.fill == fillLink {
		before := ""
		if len(b.Parts) > 0 {
			before = b.Parts[0].Text
		}
		if u, err := url.Parse(before); err != nil || u.Host == "" || u.Path == "" {
			return say.New("%s takes a placeholder only behind the host and a slash", s.label)
		}
	}
	return say.Text{}
}

// keys are the names of the variables at Twilio that an expression fills: 1, 2…, or several where it was made there.
func (c *Compiled) keys(i int) []string {
	if c.names != nil {
		return c.names[i]
	}
	return []string{strconv.Itoa(i + 1)}
}

// key is the first of them.
func (c *Compiled) key(e *Expression) string { return c.keys(slices.Index(c.Exprs, e))[0] }

func (c *Compiled) reference(e *Expression) string { return "{{" + c.key(e) + "}}" }

// wire is a text as Twilio's Content API wants it.
func (c *Compiled) wire(b *Body) string { return b.with(c.reference) }

// fill puts something in for each placeholder of the body and the parts.
func (c *Compiled) fill(value func(*Expression) string) (body string, parts Parts) {
	parts = c.Parts.clone()
	for i, s := range parts.slots() {
		if b := c.bodies[i]; b != nil {
			*s.text = b.with(value)
		}
	}
	return c.Body.with(value), parts
}

// Wire is the version as Twilio's Content API wants it: {{1}}, {{2}}…
func (c *Compiled) Wire() (body string, parts Parts) { return c.fill(c.reference) }

// Sample is the version as WhatsApp's reviewers see it.
func (c *Compiled) Sample() (body string, parts Parts) { return c.fill((*Expression).sample) }

// Variables gives each distinct expression a sample.
func (c *Compiled) Variables() []Variable { return variables(c.Exprs) }

// Show is the whole version as a contact would see it. Placeholders without a value stay, and stand among missing.
func (c *Compiled) Show(p *contact.Contact) (r Rendered, parts Parts) {
	r = c.Render(p)
	_, parts = c.fill(func(e *Expression) string { return r.Variables[c.key(e)] })
	return r, parts
}

// Render fills the version for a contact.
func (c *Compiled) Render(p *contact.Contact) Rendered {
	r := Rendered{Variables: make(map[string]string, len(c.Exprs))}
	values := make(map[*Expression]string, len(c.Exprs))
	for i, e := range c.Exprs {
		if e.Link != nil {
			r.Missing = append(r.Missing, e.Link.missing(p)...)
		}
		v, ok := e.Value(p)
		if !ok {
			r.Missing = append(r.Missing, e.Source)
			v = "{{" + e.Source + "}}"
		}
		values[e] = v
		for _, name := range c.keys(i) {
			r.Variables[name] = v
		}
	}
	value := func(e *Expression) string { return values[e] }
	r.Text = c.Body.with(value)
	if c.Kind == KindCallToAction && utf8.RuneCountInString(r.Text) > maxActionBody {
		r.TooLong = append(r.TooLong, say.New("the text above buttons"))
	}
	var cards [maxCards + 1]int // how long their texts are together
	for i, s := range c.slots {
		text := *s.text
		if b := c.bodies[i]; b != nil {
			text = b.with(value)
		} else if s.card == 0 {
			continue // check has measured it
		}
		n := utf8.RuneCountInString(text)
		if s.card > 0 && s.card < len(cards) {
			cards[s.card] += n
			n = cards[s.card]
		}
		if s.max > 0 && n > s.max {
			r.TooLong = append(r.TooLong, s.label)
		}
	}
	return r
}

// WindowOnly reports whether WhatsApp takes it only within 24 hours after the contact's last message.
func (c *Compiled) WindowOnly() bool { return !c.Kind.NeedsApproval() }
