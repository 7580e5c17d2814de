package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// depthLimit refuses operations that nest deeper. Introspection, which nests
// by nature, is not counted.
type depthLimit int

var _ interface {
	graphql.OperationContextMutator
	graphql.HandlerExtension
} = depthLimit(0)

// ExtensionName implements graphql.HandlerExtension.
func (depthLimit) ExtensionName() string { return "DepthLimit" }

// Validate implements graphql.HandlerExtension.
func (depthLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (d depthLimit) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	if depth := depthOf(oc.Operation.SelectionSet); depth > int(d) {
		return &gqlerror.Error{
			Message:    fmt.Sprintf("the operation nests %d deep, at most %d is allowed", depth, int(d)),
			Extensions: map[string]any{"code": "DEPTH_LIMIT_EXCEEDED"},
		}
	}
	return nil
}

func depthOf(set ast.SelectionSet) int {
	deepest := 0
	for _, s := range set {
		depth := 0
		switch x := s.(type) {
		case *ast.Field:
			if len(x.Name) > 1 && x.Name[:2] == "__" {
				continue
			}
			depth = 1 + depthOf(x.SelectionSet)
		case *ast.InlineFragment:
			depth = depthOf(x.SelectionSet)
		case *ast.FragmentSpread:
			depth = depthOf(x.Definition.SelectionSet) // validation has refused circles
		}
		deepest = max(deepest, depth)
	}
	return deepest
}
