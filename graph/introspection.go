package graph

import (
	"context"

	"eventstream/server/actor"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// schemaReaders lets those who are signed in read the schema, where anybody may.
type schemaReaders struct{ allowed bool }

var _ interface {
	graphql.OperationContextMutator
	graphql.HandlerExtension
} = schemaReaders{}

// ExtensionName implements graphql.HandlerExtension.
func (schemaReaders) ExtensionName() string { return "SchemaReaders" }

// Validate implements graphql.HandlerExtension.
func (schemaReaders) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (s schemaReaders) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	signedIn := actor.From(ctx).Kind != ""
	if s.allowed && signedIn {
		oc.DisableIntrospection = false
		return nil
	}
	switch {
	case !asksForSchema(oc.Operation.SelectionSet, map[string]bool{}):
		return nil
	case !s.allowed:
		return refused("FORBIDDEN", "the schema is not to be read here (INTROSPECTION is off)")
	}
	return refused("UNAUTHENTICATED", "sign in first: the schema is for those who are signed in")
}

// asksForSchema looks at the root of an operation, where alone __schema and __type stand.
func asksForSchema(set ast.SelectionSet, seen map[string]bool) bool {
	for _, selection := range set {
		switch x := selection.(type) {
		case *ast.Field:
			if x.Name == "__schema" || x.Name == "__type" {
				return true
			}
		case *ast.InlineFragment:
			if asksForSchema(x.SelectionSet, seen) {
				return true
			}
		case *ast.FragmentSpread:
			if !seen[x.Name] {
				seen[x.Name] = true
				if asksForSchema(x.Definition.SelectionSet, seen) {
					return true
				}
			}
		}
	}
	return false
}
