package graph

import (
	"context"
	"math"
	"strconv"
	"strings"

	"eventstream/server/actor"
	"eventstream/server/db"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Prices in hundredths of a unit. A unit is one object of an answer; the schema's
// @listSize tells how many objects a list has, and @cost what a field costs beside
// what it returns.
const (
	priceUnit     = 100
	priceScalar   = priceUnit / 10
	priceJSON     = priceUnit // up to 16 KiB each
	priceMutation = 10 * priceUnit
	priceSchema   = 1 // an object or a scalar of introspection: it is in memory already
	priceManual   = 5 // a description

	userErrors = 10 // of one mutation
)

// Limits of one operation, in units.
const (
	maxCost             = 10_000
	maxSubscriptionCost = 1000 // of one event
)

// costOf prices an operation in units. Fragments are priced once, and nothing
// overflows: what is too dear stays so.
func costOf(ctx context.Context, schema *pricedSchema, oc *graphql.OperationContext) (int, error) {
	return priceOf(ctx, schema, oc, false)
}

// costForStranger is what the same operation costs who is not signed in: what needs a role
// is answered with its refusal.
func costForStranger(ctx context.Context, schema *pricedSchema, oc *graphql.OperationContext) (int, error) {
	return priceOf(ctx, schema, oc, true)
}

func priceOf(ctx context.Context, schema *pricedSchema, oc *graphql.OperationContext, stranger bool) (int, error) {
	p := pricer{
		ctx: ctx, schema: schema, variables: oc.Variables, stranger: stranger, fragments: map[fragmentKey]int64{},
	}
	total := p.set(oc.Operation.SelectionSet, place{})
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return int(min((total+priceUnit-1)/priceUnit, math.MaxInt32)), nil
}

type pricer struct {
	ctx       context.Context //nolint:containedctx // it lives as long as one call
	schema    *pricedSchema
	variables map[string]any
	stranger  bool
	fragments map[fragmentKey]int64
}

// place is where a selection stands, as far as its price depends on it.
type place struct {
	entries int64  // of the lists named by sized
	sized   string // sizedFields of the field above, with commas around
	oneType bool   // of introspection: a type chosen by its name, which may be the largest
}

type fragmentKey struct {
	fragment *ast.FragmentDefinition
	at       place
}

// saturated is more than any limit; sums and products stop there.
const saturated = math.MaxInt32 * priceUnit

func plus(a, b int64) int64 { return min(a+b, saturated) }

func times(a, b int64) int64 {
	if a != 0 && b > saturated/a {
		return saturated
	}
	return a * b
}

func (p *pricer) set(set ast.SelectionSet, at place) (total int64) {
	for _, selection := range set {
		switch x := selection.(type) {
		case *ast.Field:
			total = plus(total, p.field(x, at))
		case *ast.InlineFragment:
			total = plus(total, p.set(x.SelectionSet, at))
		case *ast.FragmentSpread:
			total = plus(total, p.fragment(x.Definition, at))
		}
	}
	return total
}

func (p *pricer) fragment(f *ast.FragmentDefinition, at place) int64 {
	key := fragmentKey{f, at}
	if price, done := p.fragments[key]; done || p.ctx.Err() != nil {
		return price
	}
	price := p.set(f.SelectionSet, at)
	p.fragments[key] = price
	return price
}

func (p *pricer) field(f *ast.Field, at place) int64 {
	def := p.schema.types[f.Definition.Type.Name()]
	if f.Name == "__typename" || def == nil {
		return priceSchema
	}
	if strings.HasPrefix(def.Name, "__") || strings.HasPrefix(f.ObjectDefinition.Name, "__") {
		return p.introspection(f, at)
	}
	if p.stranger && f.Definition.Directives.ForName("hasRole") != nil {
		return priceUnit
	}
	entries, below := p.entries(f, at)
	each := int64(priceUnit)
	switch {
	case def.Kind == ast.Scalar && jsonScalars[def.Name]:
		each = priceJSON
	case def.Kind == ast.Scalar, def.Kind == ast.Enum:
		each = priceScalar
	}
	price := times(entries, plus(each, p.set(f.SelectionSet, below)))
	if f.ObjectDefinition.Name == p.schema.mutation {
		price = plus(price, priceMutation)
	}
	if cost := f.Definition.Directives.ForName("cost"); cost != nil {
		price = plus(price, times(priceUnit, number(cost.Arguments.ForName("weight"))))
	}
	return price
}

var jsonScalars = map[string]bool{"JSON": true, "SegmentQuery": true}

// entries is how many values the field has, and where its selection stands.
func (p *pricer) entries(f *ast.Field, at place) (int64, place) {
	list := f.Definition.Directives.ForName("listSize")
	switch {
	case list != nil:
		n := p.listSize(f, list)
		if sized := list.Arguments.ForName("sizedFields"); sized != nil {
			return 1, place{entries: n, sized: named(sized.Value)}
		}
		return n, place{}
	case strings.Contains(at.sized, ","+f.Name+","):
		return at.entries, place{}
	case f.Definition.Type.Elem == nil:
		return 1, place{}
	case f.Definition.Type.Name() == "UserError":
		return userErrors, place{}
	}
	return p.schema.largestPage, place{} // a connection's edges, reached where nothing tells their number
}

// listSize is what the slicing arguments ask for, as far as a page goes.
func (p *pricer) listSize(f *ast.Field, list *ast.Directive) int64 {
	if slicing := list.Arguments.ForName("slicingArguments"); slicing != nil {
		for _, name := range slicing.Value.Children {
			arg := f.Arguments.ForName(name.Value.Raw)
			if arg == nil {
				continue
			}
			v, err := arg.Value.Value(p.variables)
			if n, ok := wholeNumber(v); err == nil && ok {
				return min(max(n, 1), p.schema.largestPage) // more is refused, and fewer costs the question
			}
		}
	}
	return number(list.Arguments.ForName("assumedSize"))
}

func wholeNumber(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case interface{ Int64() (int64, error) }: // json.Number
		n, err := x.Int64()
		return n, err == nil
	}
	return 0, false
}

func number(arg *ast.Argument) int64 {
	if arg == nil {
		return 1
	}
	n, err := strconv.ParseInt(arg.Value.Raw, 10, 32)
	if err != nil {
		return 1
	}
	return n
}

func named(list *ast.Value) string {
	var b strings.Builder
	b.WriteByte(',')
	for _, c := range list.Children {
		b.WriteString(c.Value.Raw + ",")
	}
	return b.String()
}

// introspection is priced by the size of the schema: whole lists of types by the
// average of their members, a single type as if it were the largest.
func (p *pricer) introspection(f *ast.Field, at place) int64 {
	below := place{oneType: at.oneType}
	entries := int64(1)
	if f.Definition.Type.Elem != nil {
		size := p.schema.introspected[f.Name]
		if entries = size.average; at.oneType {
			entries = size.largest
		}
		below.oneType = false
	}
	switch f.Name {
	case "__type", "queryType", "mutationType", "subscriptionType":
		below.oneType = true
	}
	each := int64(priceSchema)
	if f.Name == "description" {
		each = priceManual
	}
	return times(max(entries, 1), plus(each, p.set(f.SelectionSet, below)))
}

// pricedSchema is what pricing needs to know of the schema.
type pricedSchema struct {
	types        map[string]*ast.Definition
	mutation     string // its name
	largestPage  int64
	introspected map[string]listLength // by field of __Schema, __Type, __Field and __Directive
}

type listLength struct{ average, largest int64 }

func priceSchemaOf(s *ast.Schema) *pricedSchema {
	lengths := map[string][]int{"types": {len(s.Types)}, "directives": {len(s.Directives)}}
	add := func(name string, n int) {
		if n > 0 {
			lengths[name] = append(lengths[name], n)
		}
	}
	for _, t := range s.Types {
		if t.Kind == ast.InputObject {
			add("inputFields", len(t.Fields))
		} else {
			add("fields", len(t.Fields))
		}
		add("enumValues", len(t.EnumValues))
		add("interfaces", len(t.Interfaces))
		add("possibleTypes", len(s.GetPossibleTypes(t)))
		for _, f := range t.Fields {
			add("args", len(f.Arguments))
		}
	}
	for _, d := range s.Directives {
		add("args", len(d.Arguments))
		add("locations", len(d.Locations))
	}
	p := &pricedSchema{
		types: s.Types, mutation: s.Mutation.Name, largestPage: db.MaxPage, introspected: map[string]listLength{},
	}
	for name, all := range lengths {
		sum, largest := 0, 0
		for _, n := range all {
			sum, largest = sum+n, max(largest, n)
		}
		p.introspected[name] = listLength{average: int64((sum + len(all) - 1) / len(all)), largest: int64(largest)}
	}
	return p
}

// costLimit refuses an operation that is too dear, and has the others metered.
type costLimit struct {
	meter  *meter
	schema *pricedSchema
}

var _ interface {
	graphql.OperationContextMutator
	graphql.HandlerExtension
} = &costLimit{}

// ExtensionName implements graphql.HandlerExtension.
func (*costLimit) ExtensionName() string { return "CostLimit" }

// Validate implements graphql.HandlerExtension.
func (l *costLimit) Validate(es graphql.ExecutableSchema) error {
	l.schema = priceSchemaOf(es.Schema())
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (l *costLimit) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	cost, err := costOf(ctx, l.schema, oc)
	if err != nil {
		return refused("CANCELED", "canceled")
	}
	limit, what := maxCost, "the operation"
	if oc.Operation.Operation == ast.Subscription {
		if !exchangeOf(ctx).overSocket() { // the request would wait for its first event, and then end
			return refused("INVALID", "subscriptions are served over a WebSocket, subprotocol graphql-transport-ws")
		}
		limit, what = maxSubscriptionCost, "each event of the subscription"
	}
	if cost > limit {
		return refused(codeComplexity, "%s costs %d, at most %d is allowed: ask for fewer fields or shorter lists", what,
			cost, limit)
	}
	if actor.From(ctx).Kind == "" {
		if cost, err = costForStranger(ctx, l.schema, oc); err != nil {
			return refused("CANCELED", "canceled")
		}
	}
	return l.meter.charge(ctx, cost)
}
