package graph

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// FuzzPrice: a document that is valid has a price, and none is negative, however it is nested.
func FuzzPrice(f *testing.F) {
	for _, document := range []string{
		"{ setup { needed } }", "{ contacts(first: 50) { nodes { possibleDuplicates { id } } } }",
		"{ ...a } fragment a on Query { ...b ...b } fragment b on Query { __typename }",
		"query q($n: Int = 9) { contacts(first: $n) { nodes { id } } }", "subscription { campaignProgress(id: \"x\") { id } }",
		"{ contacts(first: -1) { nodes { id } } }", "{ a: contacts(first: 2147483647) { nodes { messages(first: 2147483647) { nodes { id } } } } }",
	} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		if len(document) > 2000 {
			return // longer ones are refused by their size; validation is not ours to measure
		}
		doc, errs := gqlparser.LoadQueryWithRules(schema(t), document, rules.NewDefaultRules())
		if len(errs) > 0 || len(doc.Operations) == 0 {
			return
		}
		op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}
		cost, err := costOf(t.Context(), priceSchemaOf(schema(t)), op)
		if err == nil {
			require.GreaterOrEqual(t, cost, 0)
		}
	})
}
