// Package scalar reads and writes the schema's own scalars.
package scalar

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalJSON writes raw JSON as it stands.
func MarshalJSON(v json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		if len(v) == 0 {
			_, _ = io.WriteString(w, "null")
			return
		}
		_, _ = w.Write(v)
	})
}

// UnmarshalJSON keeps any JSON value raw. Numbers keep their digits.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(filledLists(v))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return raw, nil
}

// filledLists makes an empty list of the nil that gqlparser reads from a
// literal [] in a document: as JSON that would be null.
func filledLists(v any) any {
	switch x := v.(type) {
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = filledLists(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for key, item := range x {
			out[key] = filledLists(item)
		}
		return out
	}
	return v
}
