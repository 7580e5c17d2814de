package graph

import (
	"context"
	"fmt"
	"strings"

	"eventstream/server/actor"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Limits of one document. They are checked on the parsed document before it is
// validated: some rules of validation compare fields with one another, and so do the
// resolvers' own walks, as often as fragments repeat them.
const (
	maxDocument      = 64 << 10 // bytes
	maxTokens        = 4000
	maxDepth         = 12   // of fields
	maxSchemaDepth   = 20   // of fields within __schema and __type
	maxExpanded      = 5000 // fields, with every fragment written out wherever it is spread
	maxRepeated      = 10   // fields of one name in one selection: they are compared pair by pair
	maxAliases       = 100
	maxFragments     = 100
	maxDirectives    = 100
	maxOperations    = 20
	maxVariables     = 100
	maxOperationName = 200 // bytes
	maxExtensions    = 4 << 10
)

// documents reads what a client sends: it refuses documents that would cost much
// before anything could be said about their price, validates the others, and keeps
// them. What the cache knows has been through it.
type documents struct {
	cache  *documentCache
	meter  *meter
	schema *ast.Schema
}

var _ interface {
	graphql.OperationParameterMutator
	graphql.HandlerExtension
} = &documents{}

// ExtensionName implements graphql.HandlerExtension.
func (*documents) ExtensionName() string { return "Documents" }

// Validate implements graphql.HandlerExtension.
func (d *documents) Validate(es graphql.ExecutableSchema) error {
	d.schema = es.Schema()
	return nil
}

// MutateOperationParameters implements graphql.OperationParameterMutator.
func (d *documents) MutateOperationParameters(ctx context.Context, p *graphql.RawParams) *gqlerror.Error {
	if len(p.Query) > maxDocument {
		return refused(codeDocumentTooLarge, "the document takes %d bytes, at most %d are allowed", len(p.Query),
			maxDocument)
	}
	if len(p.OperationName) > maxOperationName {
		return refused(codeDocumentTooLarge, "operationName takes %d bytes, at most %d are allowed",
			len(p.OperationName), maxOperationName)
	}
	if n := sizeOf(p.Extensions); n > maxExtensions {
		return refused(codeDocumentTooLarge, "extensions take %d bytes, at most %d are allowed", n, maxExtensions)
	}
	if n := len(p.Variables); n > maxVariables {
		return refused(codeDocumentTooLarge, "the request has %d variables, at most %d are allowed", n, maxVariables)
	}
	if _, known := d.cache.Get(ctx, p.Query); known {
		return nil
	}
	if err := d.meter.charge(ctx, 1+len(p.Query)/bytesPerUnit); err != nil {
		return err
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: p.Query}, maxTokens)
	if err != nil || len(doc.Operations) == 0 {
		return nil //nolint:nilerr // gqlgen reads it again and tells what is wrong
	}
	if err := checkShape(doc); err != nil {
		return err
	}
	if err := d.validate(ctx, doc); err != nil {
		return err
	}
	d.cache.Add(ctx, p.Query, doc)
	return nil
}

// fewMistakes is how many mistakes a document has at most for which names are
// suggested: looking for similar ones takes longer than the rest of validation.
const fewMistakes = 5

// validate tells the first mistake and how many more there are. Names that the
// schema has are suggested to those who may read the schema.
func (d *documents) validate(ctx context.Context, doc *ast.QueryDocument) *gqlerror.Error {
	errs := validator.ValidateWithRules(d.schema, doc, withoutSuggestions())
	if len(errs) == 0 {
		return nil
	}
	if len(errs) <= fewMistakes && actor.From(ctx).Kind != "" {
		errs = validator.ValidateWithRules(d.schema, doc, rules.NewDefaultRules())
	}
	first := errs[0]
	if more := len(errs) - 1; more > 0 {
		first.Message += fmt.Sprintf(" (and %d more)", more)
	}
	errcode.Set(first, errcode.ValidationFailed)
	return first
}

func withoutSuggestions() *rules.Rules {
	all := rules.NewDefaultRules()
	for _, r := range []core.Rule{
		rules.FieldsOnCorrectTypeRuleWithoutSuggestions, rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRuleWithoutSuggestions, rules.ScalarLeafsRuleWithoutSuggestions,
		rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		all.RemoveRule(strings.TrimSuffix(r.Name, "WithoutSuggestions"))
		all.AddRule(r.Name, r.RuleFunc)
	}
	return all
}

const (
	codeDocumentTooLarge = "DOCUMENT_TOO_LARGE"
	codeDepth            = "DEPTH_LIMIT_EXCEEDED"
	codeComplexity       = "COMPLEXITY_LIMIT_EXCEEDED"
)

func refused(code, format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": code}}
}

func checkShape(doc *ast.QueryDocument) *gqlerror.Error {
	s := shape{fragments: map[string]*ast.FragmentDefinition{}, measured: map[string]extent{}}
	for _, f := range doc.Fragments {
		if _, twice := s.fragments[f.Name]; !twice { // validation refuses the second
			s.fragments[f.Name] = f
		}
	}
	for _, count := range []struct {
		what     string
		n, limit int
	}{
		{"operations", len(doc.Operations), maxOperations}, {"fragments", len(doc.Fragments), maxFragments},
	} {
		if count.n > count.limit {
			return refused(codeDocumentTooLarge, "the document has %d %s, at most %d are allowed", count.n, count.what,
				count.limit)
		}
	}
	var whole extent
	for _, f := range doc.Fragments { // the unused ones too: validation walks them
		s.directives += len(f.Directives)
		whole = whole.beside(s.fragment(f.Name))
	}
	for _, op := range doc.Operations {
		s.directives += len(op.Directives)
		s.variables += len(op.VariableDefinitions)
		for _, v := range op.VariableDefinitions {
			s.directives += len(v.Directives)
		}
		whole = whole.beside(s.set(op.SelectionSet))
	}
	switch {
	case s.circle != "":
		return refused(codeComplexity, "the fragment %q spreads itself", s.circle)
	case s.repeated != "":
		return refused(codeComplexity, "one selection asks for %q more than %d times", s.repeated, maxRepeated)
	case s.deferred:
		return refused("INVALID", "the directive @defer is not served here: ask for everything at once")
	case whole.fields > maxExpanded:
		return refused(codeComplexity, "with its fragments written out the document has more than %d fields", maxExpanded)
	case whole.depth > maxDepth:
		return refused(codeDepth, "the operation nests %d deep, at most %d is allowed", whole.depth, maxDepth)
	case whole.schemaDepth > maxSchemaDepth:
		return refused(codeDepth, "within __schema and __type the operation nests %d deep, at most %d is allowed",
			whole.schemaDepth, maxSchemaDepth)
	}
	for _, count := range []struct {
		what     string
		n, limit int
	}{
		{"aliases", s.aliases, maxAliases},
		{"directives", s.directives, maxDirectives},
		{"variables", s.variables, maxVariables},
	} {
		if count.n > count.limit {
			return refused(codeDocumentTooLarge, "the document has %d %s, at most %d are allowed", count.n, count.what,
				count.limit)
		}
	}
	return nil
}

// extent is how far a selection reaches. Introspection nests by nature and is
// counted apart.
type extent struct{ fields, depth, schemaDepth int }

func (e extent) beside(o extent) extent {
	return extent{
		fields: min(e.fields+o.fields, maxExpanded+1), // it stops growing, so that nothing overflows
		depth:  max(e.depth, o.depth), schemaDepth: max(e.schemaDepth, o.schemaDepth),
	}
}

// shape measures a document. Each fragment is measured once, however often it is
// spread.
type shape struct {
	fragments map[string]*ast.FragmentDefinition
	measured  map[string]extent
	under     []string // fragments that are being measured
	circle    string   // a fragment that spreads itself
	deferred  bool
	repeated  string // a name that one selection asks for too often

	aliases, directives, variables int
}

func (s *shape) fragment(name string) extent {
	if e, done := s.measured[name]; done {
		return e
	}
	f := s.fragments[name]
	if f == nil { // validation names it
		return extent{}
	}
	s.measured[name] = extent{} // whoever meets it again before it is done has come round a circle
	s.under = append(s.under, name)
	e := s.set(f.SelectionSet)
	s.under = s.under[:len(s.under)-1]
	if isIntrospection(f.TypeCondition) {
		e = extent{fields: e.fields, schemaDepth: max(e.depth, e.schemaDepth)}
	}
	s.measured[name] = e
	return e
}

func (s *shape) set(set ast.SelectionSet) extent {
	return s.among(set, map[string]int{})
}

// among measures a part of a selection; names counts the fields of the whole of it.
func (s *shape) among(set ast.SelectionSet, names map[string]int) extent {
	var whole extent
	for _, selection := range set {
		whole = whole.beside(s.selection(selection, names))
	}
	return whole
}

func (s *shape) selection(selection ast.Selection, names map[string]int) extent {
	switch x := selection.(type) {
	case *ast.Field:
		s.directives += len(x.Directives)
		if x.Alias != x.Name {
			s.aliases++
		}
		if names[x.Alias]++; names[x.Alias] > maxRepeated {
			s.repeated = x.Alias
		}
		e := s.set(x.SelectionSet)
		e.fields = min(e.fields+1, maxExpanded+1)
		if isIntrospection(x.Name) {
			return extent{fields: e.fields, schemaDepth: 1 + max(e.depth, e.schemaDepth)}
		}
		e.depth++
		if e.schemaDepth > 0 {
			e.schemaDepth++
		}
		return e
	case *ast.InlineFragment:
		s.spread(x.Directives)
		return s.among(x.SelectionSet, names)
	case *ast.FragmentSpread:
		s.spread(x.Directives)
		for _, name := range s.under {
			if name == x.Name {
				s.circle = name
				return extent{}
			}
		}
		return s.fragment(x.Name)
	}
	return extent{}
}

func (s *shape) spread(directives ast.DirectiveList) {
	s.directives += len(directives)
	// Deferred parts come in further answers; the transports here give one, and the
	// goroutine that holds such a part would wait for ever.
	s.deferred = s.deferred || directives.ForName("defer") != nil
}

func isIntrospection(name string) bool { return len(name) > 2 && name[:2] == "__" }
