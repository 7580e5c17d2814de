package template

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Limits by Twilio and WhatsApp: facts on error 63021 and 21617, and on the
// number of variables of a template.
const (
	MaxBody      = 1024 // characters after substitution
	MaxVariables = 100
)

// Part is a piece of a parsed body: text, or an expression.
type Part struct {
	Text string
	Expr *Expression
}

// Expression is one {{…}}.
type Expression struct {
	Source  string   // normalised text between the braces
	Path    []string // "name" or "attributes", "city"
	Filters []Step
	Address bool // it stands in an address: its value is escaped

	Link *Link // it is the token of this link, and no value of the contact
}

// Step is one filter after a bar.
type Step struct {
	Name string // upper lower title trim default date number
	Arg  string
}

// Body is a parsed template body.
type Body struct {
	Parts []Part
	Exprs []*Expression // distinct, in the order in which they stand
}

// plainFields are the fields of a contact that a placeholder may name; all
// else is attributes.<key>.
var plainFields = map[string]func(*contact.Contact) string{
	"name":    func(c *contact.Contact) string { return c.Name },
	"address": func(c *contact.Contact) string { return c.Address },
	"region":  func(c *contact.Contact) string { return c.Region },
	"locale":  func(c *contact.Contact) string { return c.Locale },
}

const (
	allowedPlaceholders  = "{{name}}, {{address}}, {{region}}, {{locale}}"
	attributePlaceholder = "{{attributes.<key>}}"
)

var filterArgs = map[string]bool{
	"upper": false, "lower": false, "title": false, "trim": false, "default": true,
	"date": true, "number": false,
}

// Parse reads a text. It refuses unknown placeholders and filters by name.
func Parse(body string) (*Body, error) {
	p := newParser()
	return p.parse(body, false)
}

// parser reads the texts of one template, which share their placeholders.
type parser struct {
	seen  map[string]*Expression
	exprs []*Expression // distinct, in the order in which they came
}

func newParser() *parser { return &parser{seen: map[string]*Expression{}} }

// parse reads one text; in an address the values are escaped, so that its placeholders are variables of their own.
func (p *parser) parse(body string, address bool) (*Body, error) {
	b := &Body{}
	rest := body
	for {
		open := strings.Index(rest, "{{")
		if open < 0 {
			if strings.Contains(rest, "}}") {
				return nil, apperr.Invalid("body", "found }} without {{ before it")
			}
			b.text(rest)
			return b, nil
		}
		b.text(rest[:open])
		end := strings.Index(rest[open:], "}}")
		if end < 0 {
			return nil, apperr.Invalid("body", "%q has no }} at its end", clip(rest[open:]))
		}
		e, err := parseExpression(rest[open+2 : open+end])
		if err != nil {
			return nil, err
		}
		b.Parts = append(b.Parts, Part{Expr: p.known(b, e, address)})
		if len(p.exprs) > MaxVariables {
			return nil, apperr.Invalid("body", "a template has at most %d different placeholders, this one has more", MaxVariables)
		}
		rest = rest[open+end+2:]
	}
}

func (p *parser) known(b *Body, e *Expression, address bool) *Expression {
	key := e.Source
	if e.Address = address; address {
		key = "address " + key
	}
	if known := p.seen[key]; known != nil {
		e = known
	} else {
		p.seen[key] = e
		p.exprs = append(p.exprs, e)
	}
	if !slices.Contains(b.Exprs, e) {
		b.Exprs = append(b.Exprs, e)
	}
	return e
}

// with is the text with something put in for each placeholder.
func (b *Body) with(value func(*Expression) string) string {
	if len(b.Exprs) == 0 {
		if len(b.Parts) == 0 {
			return ""
		}
		return b.Parts[0].Text
	}
	var text strings.Builder
	for _, p := range b.Parts {
		if p.Expr != nil {
			text.WriteString(value(p.Expr))
		} else {
			text.WriteString(p.Text)
		}
	}
	return text.String()
}

func (b *Body) text(s string) {
	if s != "" {
		b.Parts = append(b.Parts, Part{Text: s})
	}
}

func clip(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		return string([]rune(s)[:39]) + "…"
	}
	return s
}

func parseExpression(src string) (*Expression, error) {
	steps, err := splitBars(src)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(steps[0])
	e := &Expression{Path: strings.Split(name, ".")}
	switch {
	case len(e.Path) == 1 && plainFields[name] != nil:
	case len(e.Path) >= 2 && e.Path[0] == "attributes":
		for _, part := range e.Path[1:] {
			if part == "" || strings.ContainsAny(part, "\"'\x00") {
				return nil, unknown(name)
			}
		}
	default:
		return nil, unknown(name)
	}
	e.Source = name
	for _, step := range steps[1:] {
		f, err := parseFilter(name, step)
		if err != nil {
			return nil, err
		}
		e.Filters = append(e.Filters, f)
		e.Source += " | " + f.Name
		if filterArgs[f.Name] {
			e.Source += " " + strconv.Quote(f.Arg)
		}
	}
	return e, nil
}

func unknown(name string) error {
	if name != "" && !strings.ContainsAny(name, " .\"") {
		return apperr.Invalid("body", "unknown placeholder {{%s}}: allowed are %s and %s; did you mean {{attributes.%s}}?", clip(name),
			allowedPlaceholders, attributePlaceholder, clip(name))
	}
	return apperr.Invalid("body", "unknown placeholder {{%s}}: allowed are %s and %s", clip(name), allowedPlaceholders,
		attributePlaceholder)
}

// parseFilter reads what follows a bar: a filter with its argument, or a
// fallback ({{name | there}}).
func parseFilter(placeholder, step string) (Step, error) {
	step = strings.TrimSpace(step)
	word, rest, _ := strings.Cut(step, " ")
	rest = strings.TrimSpace(rest)
	takesArg, known := filterArgs[word]
	switch {
	case step == "":
		return Step{}, apperr.Invalid("body", "{{%s | }}: nothing follows the bar", placeholder)
	case strings.HasPrefix(step, `"`):
		arg, err := unquote(placeholder, step)
		return Step{"default", arg}, err
	case !known:
		return Step{"default", step}, nil
	case takesArg && rest == "":
		return Step{}, apperr.Invalid("body", "{{%s | %s}}: %s needs a value, such as %s \"…\"", placeholder, word, word,
			word)
	case !takesArg && rest != "":
		return Step{}, apperr.Invalid("body", "{{%s | %s}}: %s takes no value", placeholder, step, word)
	case takesArg && strings.HasPrefix(rest, `"`):
		arg, err := unquote(placeholder, rest)
		return Step{word, arg}, err
	}
	return Step{word, rest}, nil
}

func unquote(placeholder, s string) (string, error) {
	v, err := strconv.Unquote(s)
	if err != nil {
		return "", apperr.Invalid("body", "{{%s | %s}}: the quotes do not match", placeholder, clip(s))
	}
	return v, nil
}

// splitBars splits at | outside quotes.
func splitBars(s string) ([]string, error) {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '|' && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	if quoted {
		return nil, apperr.Invalid("body", "{{%s}}: a quote is not closed", clip(strings.TrimSpace(s)))
	}
	return append(parts, s[start:]), nil
}

// Value evaluates the expression for a contact. ok is false when the value is
// missing and there is no fallback.
func (e *Expression) Value(c *contact.Contact) (string, bool) {
	if e.Link != nil {
		return sampleToken, true
	}
	v, found := lookup(c, e.Path)
	for _, f := range e.Filters {
		if f.Name == "default" {
			if !found || strings.TrimSpace(fmt.Sprint(v)) == "" {
				v, found = f.Arg, true
			}
			continue
		}
		if found {
			v = f.apply(v, c.Locale)
		}
	}
	if !found {
		return "", false
	}
	text := oneLine(toText(v))
	if e.Address {
		text = url.PathEscape(text)
	}
	return text, text != ""
}

func lookup(c *contact.Contact, path []string) (any, bool) {
	if get := plainFields[path[0]]; get != nil {
		s := get(c)
		return s, s != ""
	}
	var v any = c.Attributes
	for _, key := range path[1:] {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[key]; !ok || v == nil {
			return nil, false
		}
	}
	return v, true
}

func toText(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case map[string]any, []any:
		return ""
	}
	return fmt.Sprint(v)
}

// oneLine keeps a value to what WhatsApp takes in a variable: no line breaks
// or tabs, and no more than four spaces in a row (error 63013).
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (f Step) apply(v any, locale string) any {
	tag, err := language.Parse(locale)
	if err != nil {
		tag = language.English
	}
	switch f.Name {
	case "upper":
		return cases.Upper(tag).String(toText(v))
	case "lower":
		return cases.Lower(tag).String(toText(v))
	case "title":
		return cases.Title(tag).String(toText(v))
	case "trim":
		return strings.TrimSpace(toText(v))
	case "date":
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
			if t, err := time.Parse(layout, toText(v)); err == nil {
				return t.Format(f.Arg)
			}
		}
	case "number":
		if n, err := strconv.ParseFloat(toText(v), 64); err == nil {
			return message.NewPrinter(tag).Sprint(number.Decimal(n))
		}
	}
	return v
}

// Rendered is a body for one contact.
type Rendered struct {
	Text      string
	Variables map[string]string // "1" → value, for Twilio
	Missing   []string          // placeholders without value or fallback; then it is not to be sent
	TooLong   []say.Text        // parts that are longer than WhatsApp takes, in words; then neither
}

// Render fills the body for a contact.
func (b *Body) Render(c *contact.Contact) Rendered {
	return (&Compiled{Body: b, Exprs: b.Exprs}).Render(c)
}

// Wire is the body as Twilio's Content API wants it: {{1}}, {{2}}…
func (b *Body) Wire() string { return (&Compiled{Exprs: b.Exprs}).wire(b) }

// Variable is an expression with the sample that WhatsApp's reviewers see.
type Variable struct {
	Expression string `json:"expression"`
	Sample     string `json:"sample"`
	// Keys are what it is called at Twilio, where the template was made there; none: its place, counted from 1.
	Keys []string `json:"keys,omitempty"`
}

// Written are the variables that somebody wrote: the tokens of links are none.
func Written(vars []Variable) []Variable {
	return slices.DeleteFunc(slices.Clone(vars), func(v Variable) bool { return strings.HasPrefix(v.Expression, linkSource) })
}

func variables(exprs []*Expression) []Variable {
	out := make([]Variable, len(exprs))
	for i, e := range exprs {
		out[i] = Variable{Expression: e.Source, Sample: e.sample()}
	}
	return out
}

// samples are the variables of a message that is filled in with samples, by their names at Twilio.
func samples(vars []Variable) map[string]string {
	filled := make(map[string]string, len(vars))
	for i, v := range vars {
		keys := v.Keys
		if len(keys) == 0 {
			keys = []string{strconv.Itoa(i + 1)}
		}
		for _, key := range keys {
			filled[key] = v.Sample
		}
	}
	return filled
}

func (e *Expression) sample() string {
	example := &contact.Contact{
		Name: "Maria", Address: "+4915112345678", Region: "DE", Locale: "en",
		Attributes: map[string]any{},
	}
	for _, f := range e.Filters {
		switch f.Name {
		case "date":
			example.Attributes = map[string]any{}
			return Step{"date", f.Arg}.apply("2026-11-23", "en").(string)
		case "number":
			return "1,234"
		}
	}
	if v, ok := e.Value(example); ok {
		return v
	}
	return e.Path[len(e.Path)-1]
}

// OldPlaceholders finds the first product's {name}, which is plain text here.
func OldPlaceholders(body string) []string {
	var found []string
	clean := strings.NewReplacer("{{", "\x01", "}}", "\x02").Replace(body)
	for {
		open := strings.IndexByte(clean, '{')
		if open < 0 {
			return found
		}
		clean = clean[open+1:]
		end := strings.IndexByte(clean, '}')
		if end < 0 {
			return found
		}
		if word := clean[:end]; word != "" && !strings.ContainsAny(word, " {\x01\x02") {
			found = append(found, word)
		}
		clean = clean[end+1:]
	}
}
