package graph

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// TrustedDocuments lets the SPA send an operation by its hash. With Only set,
// nothing else is run.
type TrustedDocuments struct {
	manifest map[string]string
	only     bool
}

var _ interface {
	graphql.OperationParameterMutator
	graphql.HandlerExtension
} = TrustedDocuments{}

// NewTrustedDocuments reads the manifest that the SPA's generator wrote.
func NewTrustedDocuments(manifest []byte, only bool) (TrustedDocuments, error) {
	t := TrustedDocuments{only: only}
	if err := json.Unmarshal(manifest, &t.manifest); err != nil {
		return t, fmt.Errorf("trusted documents: %w", err)
	}
	return t, nil
}

// ExtensionName implements graphql.HandlerExtension.
func (TrustedDocuments) ExtensionName() string { return "TrustedDocuments" }

// Validate implements graphql.HandlerExtension.
func (TrustedDocuments) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters puts the document in for its hash.
func (t TrustedDocuments) MutateOperationParameters(_ context.Context, p *graphql.RawParams) *gqlerror.Error {
	refuse := func(code, text string) *gqlerror.Error {
		return &gqlerror.Error{Message: text, Extensions: map[string]any{"code": code}}
	}
	hash := ""
	if ext, ok := p.Extensions["persistedQuery"].(map[string]any); ok {
		hash, _ = ext["sha256Hash"].(string)
	}
	if hash == "" {
		if t.only {
			return refuse("FORBIDDEN", "only trusted documents are run here")
		}
		return nil
	}
	document, known := t.manifest[hash]
	switch {
	case known:
		p.Query = document
	case t.only || p.Query == "":
		return refuse("PERSISTED_QUERY_NOT_FOUND", "this document is not one of the trusted ones: reload the page")
	}
	return nil
}
