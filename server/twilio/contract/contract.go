// Package contract holds calls of Twilio and their answers against what Twilio publishes about them, in tests: the schemas of
// its OpenAPI in testdata/twilio.json, cut down to what the engine uses, and in testdata/differences.json where live answers
// are known to differ. It tells which field is wrong and whether the engine or the sandbox has broken the contract.
package contract

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed testdata/twilio.json
var published []byte

//go:embed testdata/differences.json
var differing []byte

// difference changes what is published to what is known.
type difference struct {
	At  string          `json:"at"`  // a JSON pointer into twilio.json
	Set json.RawMessage `json:"set"` // merged into what is there
	Why string          `json:"why"`
}

// operation is one kind of call.
type operation struct {
	id     string
	method string
	path   *regexp.Regexp // with a group for each of its parameters
	names  []string       // of these

	parameters map[string]parameter
	body       *body
	answers    map[string]*jsonschema.Schema // by status; nil: there is nothing to check
}

type parameter struct {
	in       string
	required bool
	typed    any // the schema as data
	schema   *jsonschema.Schema
}

type body struct {
	kind   string // its Content-Type
	typed  any
	schema *jsonschema.Schema
}

// terms are what Twilio and its callers keep to.
type terms struct {
	operations []*operation
	refusal    *jsonschema.Schema // of every answer that is an error
}

// Contract holds calls against the terms and counts them.
type Contract struct {
	*terms

	mu     sync.Mutex
	broken []string
	seen   map[string]int
}

var read = sync.OnceValues(func() (*terms, error) { return open(published, differing) })

// Open reads the contract.
func Open() (*Contract, error) {
	t, err := read()
	return &Contract{terms: t, seen: map[string]int{}}, err
}

func open(published, differing []byte) (*terms, error) {
	var document map[string]any
	if err := json.Unmarshal(published, &document); err != nil {
		return nil, err
	}
	var list []difference
	if err := json.Unmarshal(differing, &list); err != nil {
		return nil, err
	}
	for _, d := range list {
		if err := d.apply(document); err != nil {
			return nil, err
		}
	}
	t := new(terms)
	asked, err := newCompiler(document, false)
	if err != nil {
		return nil, err
	}
	answered, err := newCompiler(document, true)
	if err != nil {
		return nil, err
	}
	if t.refusal, err = answered.at("/components/schemas/error"); err != nil {
		return nil, err
	}
	for id, v := range document["operations"].(map[string]any) { //nolint:forcetypeassert // it is ours
		op, err := newOperation(id, v.(map[string]any), asked, answered) //nolint:forcetypeassert // it is ours
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		t.operations = append(t.operations, op)
	}
	return t, nil
}

func (d difference) apply(document map[string]any) error {
	var set any
	if err := json.Unmarshal(d.Set, &set); err != nil {
		return fmt.Errorf("%s: %w", d.At, err)
	}
	if d.Why == "" {
		return fmt.Errorf("%s: it is not said why it differs", d.At)
	}
	steps := strings.Split(strings.TrimPrefix(d.At, "/"), "/")
	at := document
	for _, step := range steps {
		next, ok := at[unescape(step)].(map[string]any)
		if !ok {
			return fmt.Errorf("%s: Twilio publishes no such thing any more", d.At)
		}
		at = next
	}
	before, err := json.Marshal(at)
	if err != nil {
		return err
	}
	merge(at, set)
	after, err := json.Marshal(at)
	if err == nil && bytes.Equal(before, after) {
		err = fmt.Errorf("%s: this is no difference any more", d.At)
	}
	return err
}

func unescape(step string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(step) }

// merge follows RFC 7396: null takes away.
func merge(into map[string]any, patch any) {
	changes, _ := patch.(map[string]any)
	for name, v := range changes {
		inner, isObject := v.(map[string]any)
		there, wasObject := into[name].(map[string]any)
		switch {
		case v == nil:
			delete(into, name)
		case isObject && wasObject:
			merge(there, inner)
		default:
			into[name] = v
		}
	}
}

// compiler reads schemas of OpenAPI 3.0 as those of JSON Schema.
type compiler struct{ *jsonschema.Compiler }

const document = "https://twilio.example/contract.json"

func newCompiler(spec map[string]any, answers bool) (compiler, error) {
	c := compiler{jsonschema.NewCompiler()}
	c.AssertFormat()
	for _, f := range formats {
		c.RegisterFormat(f)
	}
	return c, c.AddResource(document, converted(spec, answers))
}

func (c compiler) at(pointer string) (*jsonschema.Schema, error) {
	return c.Compile(document + "#" + (&url.URL{Path: pointer}).EscapedPath())
}

// converted is a copy in the words of JSON Schema. No object has more fields than are published, and an answer has each field
// that all published examples of it have: OpenAPI would let both pass.
func converted(v any, answers bool) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = converted(v[i], answers)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[name] = converted(inner, answers)
		}
		if _, ok := v["properties"].(map[string]any); ok && v["additionalProperties"] == nil {
			out["additionalProperties"] = false
		}
		if shown, ok := v["x-shown"]; ok && answers {
			out["required"] = shown
		}
		if v["nullable"] != true {
			return out
		}
		if kind, ok := v["type"].(string); ok {
			out["type"] = []any{kind, "null"}
		}
		if values, ok := v["enum"].([]any); ok {
			out["enum"] = append(slices.Clone(values), nil)
		}
		if ref, ok := v["$ref"]; ok {
			delete(out, "$ref")
			out["anyOf"] = []any{map[string]any{"$ref": ref}, map[string]any{"type": "null"}}
		}
		return out
	}
	return v
}

var currency = regexp.MustCompile(`^[A-Za-z]{3}$`)

// formats are those that Twilio names beside the usual ones. "phone-number" says nothing: channels and BSUIDs stand there too.
var formats = []*jsonschema.Format{
	text("date-time-rfc-2822", func(s string) error { _, err := mail.ParseDate(s); return err }),
	text("uri", func(s string) error { // api.twilio.com writes paths, which are relative
		u, err := url.Parse(s)
		if err == nil && u.Path == "" {
			err = errors.New("it has no path")
		}
		return err
	}),
	text("currency", func(s string) error {
		if !currency.MatchString(s) {
			return errors.New("no currency")
		}
		return nil
	}),
	{Name: "uri-map", Validate: func(v any) error {
		m, _ := v.(map[string]any)
		for name, address := range m {
			if s, ok := address.(string); !ok || s == "" {
				return fmt.Errorf("%s is no address", name)
			}
		}
		return nil
	}},
}

func text(name string, check func(string) error) *jsonschema.Format {
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		if s, ok := v.(string); ok {
			return check(s)
		}
		return nil
	}}
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func newOperation(id string, v map[string]any, asked, answered compiler) (*operation, error) {
	op := &operation{id: id, parameters: map[string]parameter{}, answers: map[string]*jsonschema.Schema{}}
	op.method, _ = v["method"].(string)
	path, _ := v["path"].(string)
	pattern, last := "^", 0
	for _, at := range pathParameter.FindAllStringSubmatchIndex(path, -1) {
		pattern += regexp.QuoteMeta(path[last:at[0]]) + `([^/]+?)`
		op.names = append(op.names, path[at[2]:at[3]])
		last = at[1]
	}
	var err error
	if op.path, err = regexp.Compile(pattern + regexp.QuoteMeta(path[last:]) + "$"); err != nil {
		return nil, err
	}
	at := "/operations/" + id
	parameters, _ := v["parameters"].(map[string]any)
	for name, raw := range parameters {
		raw := raw.(map[string]any) //nolint:forcetypeassert // it is ours
		p := parameter{typed: raw["schema"]}
		p.in, _ = raw["in"].(string)
		p.required, _ = raw["required"].(bool)
		if p.schema, err = asked.at(at + "/parameters/" + name + "/schema"); err != nil {
			return nil, err
		}
		op.parameters[name] = p
	}
	if raw, ok := v["body"].(map[string]any); ok {
		op.body = &body{typed: raw["schema"]}
		op.body.kind, _ = raw["type"].(string)
		if op.body.schema, err = asked.at(at + "/body/schema"); err != nil {
			return nil, err
		}
	}
	answers, _ := v["answers"].(map[string]any)
	for status, raw := range answers {
		op.answers[status] = nil
		if has, ok := raw.(map[string]any); ok && has["schema"] != nil {
			if op.answers[status], err = answered.at(at + "/answers/" + status + "/schema"); err != nil {
				return nil, err
			}
		}
	}
	return op, nil
}

// find tells which call it is: the most exact path wins, as ".json" belongs to no SID.
func (t *terms) find(r *http.Request) (found *operation, values []string) {
	for _, op := range t.operations {
		m := op.path.FindStringSubmatch(r.URL.Path)
		if op.method == r.Method && m != nil && (found == nil || len(op.path.String()) > len(found.path.String())) {
			found, values = op, m[1:]
		}
	}
	return found, values
}

// Broken are the breaches so far, each once.
func (c *Contract) Broken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.broken)
}

// Operations names the kinds of calls that there are.
func (t *terms) Operations() (names []string) {
	for _, op := range t.operations {
		names = append(names, op.id)
	}
	return names
}

// Seen counts the calls of each kind that were answered with success.
func (c *Contract) Seen(operation string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[operation]
}

func (c *Contract) breach(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if what := fmt.Sprintf(format, args...); !slices.Contains(c.broken, what) && len(c.broken) < 100 {
		c.broken = append(c.broken, what)
	}
}

// Around holds every call that a Twilio gets, and its answer, against the contract. What others than the engine send may be
// wrong, as in tests of what is refused: then it must be refused.
func (c *Contract) Around(twilio http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
		if err != nil {
			panic(http.ErrAbortHandler) // the caller went away
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		op, wrong := c.request(r, sent)
		answer := &recorder{ResponseWriter: w, status: http.StatusOK}
		twilio.ServeHTTP(answer, r) // where it hangs or cuts the connection, there is no answer to check
		ours := strings.HasPrefix(r.Header.Get("User-Agent"), "twilio-go/")
		if wrong != nil && (ours || answer.status < 300) {
			c.breach("request %s %s: %v", r.Method, r.URL.Path, wrong)
		}
		if op == nil && answer.status < 400 {
			return
		}
		if err := c.answer(op, answer); err != nil {
			c.breach("answer %d to %s %s: %v", answer.status, r.Method, r.URL.Path, err)
		}
	})
}

// recorder keeps what it passes on.
type recorder struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// request tells what is wrong with a call.
func (c *Contract) request(r *http.Request, sent []byte) (*operation, error) {
	op, values := c.find(r)
	if op == nil {
		return nil, errors.New("Twilio publishes no such operation, or the engine is not known to use it") //nolint:staticcheck // a name
	}
	var errs []error
	for i, name := range op.names {
		errs = append(errs, check(op.parameters[name].schema, values[i], "path parameter "+name))
	}
	query := r.URL.Query()
	for name, given := range query {
		p, ok := op.parameters[name]
		if !ok || p.in != "query" {
			errs = append(errs, fmt.Errorf("query parameter %s: there is none of this name", name))
			continue
		}
		errs = append(errs, check(p.schema, typed(given, p.typed), "query parameter "+name))
	}
	for name, p := range op.parameters {
		if p.required && p.in == "query" && !query.Has(name) {
			errs = append(errs, fmt.Errorf("query parameter %s: it is missing", name))
		}
	}
	if op.body != nil {
		errs = append(errs, op.body.check(r, sent))
	} else if len(sent) > 0 {
		errs = append(errs, errors.New("body: there is none in this call"))
	}
	return op, errors.Join(errs...)
}

func (b *body) check(r *http.Request, sent []byte) error {
	if got, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); got != b.kind {
		return fmt.Errorf("Content-Type: %q, want %s", got, b.kind)
	}
	if b.kind == "application/json" {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(sent))
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		return check(b.schema, v, "body")
	}
	form, err := url.ParseQuery(string(sent))
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	schema, _ := b.typed.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	v := make(map[string]any, len(form))
	for name, given := range form {
		v[name] = typed(given, properties[name])
	}
	return check(b.schema, v, "form")
}

// typed reads the text of a form or query as what its schema wants; what is not that stays text, and does not fit.
func typed(given []string, schema any) any {
	s, _ := schema.(map[string]any)
	if s["type"] == "array" {
		out := make([]any, len(given))
		for i, text := range given {
			out[i] = text
		}
		return out
	}
	if len(given) != 1 {
		return fmt.Sprintf("%d values", len(given))
	}
	switch s["type"] {
	case "integer", "number":
		if _, err := strconv.ParseFloat(given[0], 64); err == nil {
			return json.Number(given[0])
		}
	case "boolean":
		if v, err := strconv.ParseBool(given[0]); err == nil {
			return v
		}
	}
	return given[0]
}

// answer tells what is wrong with one. One without any body where there should be one is a fault that the sandbox plays: no
// client can take it for an answer.
func (c *Contract) answer(op *operation, r *recorder) error {
	schema := c.refusal
	if r.status < 400 {
		var known bool
		if schema, known = op.answers[strconv.Itoa(r.status)]; !known {
			return fmt.Errorf("status: %s is answered with other ones", op.id)
		}
		c.mu.Lock()
		c.seen[op.id]++
		c.mu.Unlock()
	}
	if schema == nil || r.body.Len() == 0 {
		return nil
	}
	if got, _, _ := mime.ParseMediaType(r.Header().Get("Content-Type")); got != "application/json" {
		return fmt.Errorf("Content-Type: %q, want application/json", got)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.body.Bytes()))
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return check(schema, v, "body")
}

var english = message.NewPrinter(language.English)

// check names each field that does not fit.
func check(schema *jsonschema.Schema, v any, where string) error {
	failed, ok := errors.AsType[*jsonschema.ValidationError](schema.Validate(v))
	if !ok {
		return nil
	}
	var errs []error
	for _, leaf := range leaves(failed) {
		field := where
		if path := strings.Join(leaf.InstanceLocation, "."); path != "" {
			field += "." + path
		}
		errs = append(errs, fmt.Errorf("%s: %s", field, leaf.ErrorKind.LocalizedString(english)))
	}
	return errors.Join(errs...)
}

func leaves(e *jsonschema.ValidationError) (all []*jsonschema.ValidationError) {
	if _, isGroup := e.ErrorKind.(*kind.Reference); len(e.Causes) == 0 && !isGroup {
		return []*jsonschema.ValidationError{e}
	}
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}
