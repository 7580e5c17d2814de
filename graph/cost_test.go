package graph

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"eventstream/server/actor"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

func operation(t *testing.T, document string, variables map[string]any) *graphql.OperationContext {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema(t), document, rules.NewDefaultRules())
	require.Empty(t, errs, document)
	return &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: variables}
}

func priced(t *testing.T, document string) int {
	t.Helper()
	cost, err := costOf(t.Context(), priceSchemaOf(schema(t)), operation(t, document, nil))
	require.NoError(t, err)
	return cost
}

// TestEveryListHasAPrice reads the schema: a list without one would be as cheap as
// one object, whatever it returns.
func TestEveryListHasAPrice(t *testing.T) {
	t.Parallel()
	s := schema(t)
	connection := func(name string) bool { return strings.HasSuffix(name, "Connection") }
	for _, d := range s.Types {
		if d.BuiltIn || d.Kind != ast.Object && d.Kind != ast.Interface {
			continue
		}
		for _, f := range d.Fields {
			name := d.Name + "." + f.Name
			list := f.Directives.ForName("listSize")
			switch {
			case strings.HasPrefix(f.Name, "__"):
			case connection(f.Type.Name()):
				require.NotNil(t, list, "%s is a connection: it needs @listSize with sizedFields", name)
				require.NotNil(t, list.Arguments.ForName("sizedFields"), name)
			case connection(d.Name) && (f.Name == "edges" || f.Name == "nodes"):
				// priced by the field that gives the connection
			case f.Type.Elem == nil:
				require.True(t, list == nil || list.Arguments.ForName("sizedFields") != nil, "%s is no list", name)
			case f.Type.Name() == "UserError":
				// a handful, see userErrors
			default:
				sizedByParent := d.Name == "SegmentPreview" && (f.Name == "sample" || f.Name == "reasons") ||
					name == "ImportableTemplates.nodes"
				require.True(t, list != nil || sizedByParent, "%s is a list: it needs @listSize", name)
			}
			if list == nil {
				continue
			}
			require.Positive(t, number(list.Arguments.ForName("assumedSize")), name)
			if slicing := list.Arguments.ForName("slicingArguments"); slicing != nil {
				for _, arg := range slicing.Value.Children {
					require.NotNil(t, f.Arguments.ForName(arg.Value.Raw), "%s has no argument %s", name, arg.Value.Raw)
				}
			}
			for _, arg := range f.Arguments {
				if arg.Name == "first" || arg.Name == "last" {
					require.Contains(t, named(list.Arguments.ForName("slicingArguments").Value), ","+arg.Name+",", name)
				}
			}
			if sized := list.Arguments.ForName("sizedFields"); sized != nil {
				for _, field := range sized.Value.Children {
					require.NotNil(t, s.Types[f.Type.Name()].Fields.ForName(field.Value.Raw), "%s has no %s", name, field.Value.Raw)
				}
			}
		}
	}
}

// TestTheSPAsDocumentsAreFarFromTheLimits of one operation.
func TestTheSPAsDocumentsAreFarFromTheLimits(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../frontend/src/gql/persisted-documents.json")
	require.NoError(t, err)
	var documents map[string]string
	require.NoError(t, json.Unmarshal(raw, &documents))
	require.NotEmpty(t, documents)
	for _, document := range documents {
		op := operation(t, document, nil).Operation
		limit := maxCost / 5
		if op.Operation == ast.Subscription {
			limit = maxSubscriptionCost * 4 / 5
		}
		require.LessOrEqual(t, priced(t, document), limit, op.Name)
	}
}

func TestWhatAListCosts(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]int{
		`{ senders { id } }`:                                                            55,  // 50 objects with a scalar each
		`{ contacts(first: 10) { nodes { id } } }`:                                      17,  // 5 to search
		`{ contacts(last: 10) { nodes { id } } }`:                                       17,  //
		`{ contacts(first: 10) { nodes { id } edges { cursor node { id } } } }`:         39,  // edges are objects
		`{ contacts { nodes { id } } }`:                                                 61,  // a page of 50
		`{ contacts(first: 100000) { nodes { id } } }`:                                  226, // refused later: at most a page
		`{ contacts(first: 10) { nodes { attributes } } }`:                              26,  // JSON is as dear as an object
		`{ contacts(first: 10) { totalCount } }`:                                        27,  // the page is counted
		`{ contacts(first: 1) { nodes { possibleDuplicates { id } } } }`:                23,  // one of ten
		`{ contacts(first: 10) { nodes { possibleDuplicates { id } } } }`:               176, //
		`mutation { signOut { userErrors { message } } }`:                               22,  // 10 for the change
		`{ node(id: "x") { ... on Campaign { messages(first: 3) { nodes { id } } } } }`: 11,  //
	} {
		require.Equal(t, want, priced(t, document), document)
	}
	deep := `{ contacts(first: 50) { nodes { ` + strings.Repeat("possibleDuplicates { ", 4) + "id" +
		strings.Repeat(" }", 4) + ` } } }`
	require.Greater(t, priced(t, deep), 50*maxCost, "what once took 11,000 statements")
}

// A preview counts for up to 20 seconds.
func TestAPreviewOfRetentionFitsAndManyDoNot(t *testing.T) {
	t.Parallel()
	const preview = `p%d: retentionPreview(rules: [{kind: MESSAGE_TEXTS, days: 90}]) { kind days count atLeast }`
	require.Less(t, priced(t, "{ "+fmt.Sprintf(preview, 1)+" }"), maxCost)
	many := ""
	for i := range 7 {
		many += fmt.Sprintf(preview, i) + "\n"
	}
	require.Greater(t, priced(t, "{ "+many+" }"), maxCost)
}

func TestAnIntrospectionFitsAndManyDoNot(t *testing.T) {
	t.Parallel()
	one := priced(t, introspectionQuery)
	require.Less(t, one, maxCost*2/3)
	require.Greater(t, 10*one, maxCost)
	require.Greater(t, priced(t, `{ __type(name: "Mutation") { fields { type { fields { type { name } } } } } }`),
		priced(t, `{ __type(name: "Mutation") { fields { type { name } } } }`)*2)
}

// TestTheSchemaIsForThoseWhoAreSignedIn wherever it is asked for in the document.
func TestTheSchemaIsForThoseWhoAreSignedIn(t *testing.T) {
	t.Parallel()
	open := bareHandler()
	closed := NewHandler(Services{Log: slog.New(slog.DiscardHandler)}, Options{})
	for _, document := range []string{
		introspectionQuery, `{ __type(name: "Query") { name } }`, `{ ... { a: __schema { types { name } } } }`,
		`query { ...F } fragment F on Query { ... on Query { __type(name: "Query") { name } } }`,
	} {
		require.Empty(t, ask(t, open, somebody, document).Errors)
		require.Equal(t, "UNAUTHENTICATED", ask(t, open, actor.Actor{}, document).code())
		require.Equal(t, "FORBIDDEN", ask(t, closed, somebody, document).code())
		require.Equal(t, "FORBIDDEN", ask(t, closed, actor.Actor{}, document).code())
	}
	many := "{ " + numbered(100, "a%d: __schema { types { name description fields { name description } } } ") + "}"
	require.Equal(t, codeComplexity, ask(t, open, somebody, many).code())
	for _, h := range []http.Handler{open, closed} {
		require.Empty(t, ask(t, h, actor.Actor{}, `{ __typename }`).Errors)
	}
}

// introspectionQuery is what tools such as the playground ask.
const introspectionQuery = `query IntrospectionQuery { __schema {
  queryType { name kind } mutationType { name kind } subscriptionType { name kind } types { ...FullType }
  directives { name description locations args { ...InputValue } } } }
fragment FullType on __Type { kind name description
  fields(includeDeprecated: true) {
    name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields { ...InputValue } interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`
