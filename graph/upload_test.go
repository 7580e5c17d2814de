package graph

import (
	"mime/multipart"
	"strings"
	"testing"

	"eventstream/server/apperr"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
)

// TestTheOperationsOfAnUploadAreTextToo, as every other body: no half of a character
// comes in by the way of files.
func TestTheOperationsOfAnUploadAreTextToo(t *testing.T) {
	t.Parallel()
	read := func(operations string) error {
		body := "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + operations + "\r\n--b--\r\n"
		var params graphql.RawParams
		return readPart(multipart.NewReader(strings.NewReader(body), "b"), "operations", maxOperationsPart, &params)
	}
	require.NoError(t, read(`{"query": "{ viewer { id } }", "variables": {"a": "\ud83d\ude00 é"}}`))
	for _, bad := range []string{
		`{"query": "{ viewer { id } }", "variables": {"a": "\ud800"}}`, "{\"query\": \"{ viewer { id } } # \xff\"}", `{"query": `,
	} {
		require.True(t, apperr.Is(read(bad), apperr.CodeInvalid), bad)
	}
}
