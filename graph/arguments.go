package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"eventstream/graph/scalar"
	"eventstream/server/apperr"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits of what arguments hold.
const (
	maxEntries = 1000 // of a list
	maxIDBytes = 200
	maxText    = 1000    // characters of a text that textLimits does not name
	maxRead    = 2 << 20 // bytes of all values, those of a variable as often as they are read
)

// textLimits are the characters of texts, by the name of the argument or the field of an
// input. They bound what is worked on, hashed, searched for and logged; where a text
// has a shorter limit of its own, its service names it.
var textLimits = map[string]int{
	"after": 2000, "before": 2000, // cursors
	"email": 254, "password": 200, "token": 200,
	"search": 200, "address": 200, "from": 200, "region": 100, "sid": 100, "entity": 100, "action": 100,
	"body": 10_000, "text": 10_000, "note": 10_000, "consentText": 10_000, "description": 5000,
}

// arguments is the one door through which values come in. Before anything runs, each is
// read by its type, whether it stands in the document or in a variable, so that no
// resolver meets a value that the database or a hash would choke on.
type arguments struct{ schema *ast.Schema }

var _ interface {
	graphql.OperationContextMutator
	graphql.HandlerExtension
} = &arguments{}

// ExtensionName implements graphql.HandlerExtension.
func (*arguments) ExtensionName() string { return "Arguments" }

// Validate implements graphql.HandlerExtension.
func (a *arguments) Validate(es graphql.ExecutableSchema) error {
	a.schema = es.Schema()
	for name := range a.schema.Types {
		if t := a.schema.Types[name]; t.Kind == ast.Scalar && !t.BuiltIn && readers[name] == nil {
			return fmt.Errorf("nothing reads the scalar %s", name)
		}
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (a *arguments) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	w := argumentWalk{arguments: a, oc: oc, seen: map[*ast.FragmentDefinition]bool{}, used: map[use]bool{}}
	err := w.set(oc.Operation.SelectionSet)
	if err == nil {
		return nil
	}
	e, ok := err.(*apperr.Error) //nolint:errorlint // its own
	if !ok {
		return refused("INVALID", "%s", err)
	}
	out := refused("INVALID", "%s: %s", strings.Join(e.Field, "."), say.From(ctx).Say(e.Message))
	out.Extensions["field"] = e.Field
	return out
}

type argumentWalk struct {
	*arguments
	oc   *graphql.OperationContext
	seen map[*ast.FragmentDefinition]bool
	used map[use]bool
	read int // bytes
}

// use is a variable that stands for one kind of argument: its value is read once.
type use struct{ variable, argument, valueType string }

func (w *argumentWalk) set(set ast.SelectionSet) error {
	for _, selection := range set {
		var err error
		switch x := selection.(type) {
		case *ast.Field:
			if err = w.field(x); err == nil {
				err = w.set(x.SelectionSet)
			}
		case *ast.InlineFragment:
			err = w.set(x.SelectionSet)
		case *ast.FragmentSpread:
			if !w.seen[x.Definition] {
				w.seen[x.Definition] = true
				err = w.set(x.Definition.SelectionSet)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *argumentWalk) field(f *ast.Field) error {
	if f.Definition == nil {
		return nil
	}
	for _, arg := range f.Arguments {
		if def := f.Definition.Arguments.ForName(arg.Name); def != nil {
			if err := w.literal([]string{arg.Name}, def.Type, arg.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// literal checks a value as it stands in the document.
func (w *argumentWalk) literal(path []string, t *ast.Type, v *ast.Value) error {
	def := w.schema.Types[t.Name()]
	switch {
	case v.Kind == ast.Variable:
		key := use{v.Raw, name(path), t.String()}
		if w.used[key] {
			return nil
		}
		w.used[key] = true
	case v.Kind == ast.ListValue && t.Elem != nil:
		if len(v.Children) > maxEntries {
			return tooMany(path, len(v.Children))
		}
		for i, c := range v.Children {
			if err := w.literal(within(path, strconv.Itoa(i)), t.Elem, c.Value); err != nil {
				return err
			}
		}
		return nil
	case v.Kind == ast.ObjectValue && def.Kind == ast.InputObject:
		for _, c := range v.Children {
			if f := def.Fields.ForName(c.Name); f != nil {
				if err := w.literal(within(path, c.Name), f.Type, c.Value); err != nil {
					return err
				}
			}
		}
		return nil
	}
	value, err := v.Value(w.oc.Variables)
	if err != nil {
		return at(path, apperr.Blame("", say.Raw(err.Error())))
	}
	return w.value(path, t, value)
}

func tooMany(path []string, n int) error {
	return at(path, apperr.Invalid("", "the list has %d entries, at most %d are allowed", n, maxEntries))
}

func (w *argumentWalk) value(path []string, t *ast.Type, v any) error {
	if v == nil {
		return nil
	}
	if t.Elem != nil {
		list, ok := v.([]any)
		if !ok { // one value stands for a list of it
			return w.value(path, t.Elem, v)
		}
		if len(list) > maxEntries {
			return tooMany(path, len(list))
		}
		for i, item := range list {
			if err := w.value(within(path, strconv.Itoa(i)), t.Elem, item); err != nil {
				return err
			}
		}
		return nil
	}
	def := w.schema.Types[t.NamedType]
	if def.Kind == ast.InputObject {
		object, ok := v.(map[string]any)
		if !ok {
			return at(path, apperr.Invalid("", "want an object"))
		}
		for _, f := range def.Fields {
			if err := w.value(within(path, f.Name), f.Type, object[f.Name]); err != nil {
				return err
			}
		}
		return nil
	}
	read := readers[def.Name]
	if read == nil { // enums and Boolean: validation knows their values
		return nil
	}
	if w.read += sizeOf(v); w.read > maxRead {
		return at(path, apperr.Invalid("", "the arguments of the operation take more than %d bytes", maxRead))
	}
	return at(path, read(name(path), v))
}

// sizeOf is roughly what a value takes.
func sizeOf(v any) int {
	n := 8
	switch x := v.(type) {
	case string:
		n += len(x)
	case json.Number:
		n += len(x)
	case []any:
		for _, item := range x {
			n += sizeOf(item)
		}
	case map[string]any:
		if len(x) == 0 {
			return 0
		}
		for key, item := range x {
			n += len(key) + sizeOf(item)
		}
	}
	return n
}

// name is the last part of the path that is no index.
func name(path []string) string {
	for i := len(path) - 1; i > 0; i-- {
		if _, err := strconv.Atoi(path[i]); err != nil {
			return path[i]
		}
	}
	return path[0]
}

func within(path []string, part string) []string { return append(path[:len(path):len(path)], part) }

// at blames the value at path.
func at(path []string, err error) error {
	if e, ok := err.(*apperr.Error); ok { //nolint:errorlint // its own
		blamed := *e
		blamed.Field = path
		return &blamed
	}
	return err
}

// readers check a value by the name of its scalar; name is the argument's.
var readers = map[string]func(name string, v any) error{
	"String": shortText, "PhoneNumber": shortText, "LocalTime": shortText, "LocalDate": shortText,
	"ID": func(_ string, v any) error {
		s, err := scalar.UnmarshalID(v)
		if err == nil && len(s) > maxIDBytes {
			return apperr.Invalid("", "an id has at most %d characters, this one has %d", maxIDBytes, len(s))
		}
		return err
	},
	"Int":          reading(scalar.UnmarshalInt),
	"Int64":        reading(scalar.UnmarshalInt64),
	"Float":        reading(func(v any) (float64, error) { return scalar.UnmarshalFloat(context.Background(), v) }),
	"DateTime":     reading(scalar.UnmarshalDateTime),
	"Upload":       reading(scalar.UnmarshalUpload),
	"JSON":         reading(scalar.UnmarshalJSON),
	"SegmentQuery": reading(scalar.UnmarshalJSON),
}

func reading[T any](read func(any) (T, error)) func(string, any) error {
	return func(_ string, v any) error {
		_, err := read(v)
		return err
	}
}

func shortText(name string, v any) error {
	s, err := scalar.UnmarshalString(v)
	if err != nil {
		return err
	}
	limit, known := textLimits[name]
	if !known {
		limit = maxText
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return apperr.Invalid("", "a text of at most %d characters is allowed here, this one has %d", limit, n)
	}
	return nil
}

// readable tells why a body is no text that JSON may be read from. Go's decoder would
// put U+FFFD in for what it cannot read, and the client would never know.
func readable(body []byte) error {
	if !utf8.Valid(body) {
		return apperr.Invalid("", "the request is not UTF-8")
	}
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 || i+1 >= len(body) {
			return nil
		}
		if body[i+1] != 'u' {
			body = body[i+2:]
			continue
		}
		unit, rest := escaped(body[i:])
		body = rest
		switch {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return loneSurrogate(unit)
		case unit >= 0xD800 && unit <= 0xDBFF:
			low, rest := escaped(body)
			if low < 0xDC00 || low > 0xDFFF {
				return loneSurrogate(unit)
			}
			body = rest
		}
	}
}

func loneSurrogate(unit int) error {
	return apperr.Invalid("", `the request holds \u%04x, which is half of a character`, unit)
}

// escaped reads \uXXXX at the beginning of body; -1 when there is none.
func escaped(body []byte) (int, []byte) {
	const length = 6
	if len(body) < length || body[0] != '\\' || body[1] != 'u' {
		return -1, body[min(len(body), 2):]
	}
	n, err := strconv.ParseUint(string(body[2:length]), 16, 16)
	if err != nil {
		return -1, body[2:]
	}
	return int(n), body[length:]
}
