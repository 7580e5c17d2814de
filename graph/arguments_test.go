package graph

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
)

// send sends a raw body as somebody who is signed in.
func send(t *testing.T, body string) answer {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	bareHandler().ServeHTTP(w, r)
	out := answer{status: w.Code, body: w.Body.String()}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out), out.body)
	return out
}

func withVariables(t *testing.T, query string, variables any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	require.NoError(t, enc.Encode(map[string]any{"query": query, "variables": variables}))
	return b.String()
}

// TestABadValueIsNamedWithItsPlace whether it stands in the document or in a variable,
// before anything runs: nobody is signed in here, and that is not what is told.
func TestABadValueIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	signIn := `mutation($i: SignInInput!) { signIn(input: $i) { userErrors { message } } }`
	many := strings.Repeat(`"x",`, 1000) + `"x"`
	for name, c := range map[string]struct{ body, field, says string }{
		"NUL in a variable": {
			withVariables(t, signIn, map[string]any{"i": map[string]any{"email": "a\x00@b.c", "password": "x"}}),
			"input.email", "U+0000",
		},
		"NUL in the document": {
			`{"query": "mutation { signIn(input: {email: \"a\\u0000b\", password: \"x\"}) { userErrors { message } } }"}`,
			"input.email", "U+0000",
		},
		"a long address": {
			withVariables(t, signIn, map[string]any{"i": map[string]any{
				"email": strings.Repeat("a", 8<<10) + "@b.c", "password": "x",
			}}), "input.email", "254 characters",
		},
		"a long body": {
			withVariables(t, `mutation($i: ConversationReplyInput!) { conversationReply(input: $i) { userErrors { message } } }`,
				map[string]any{"i": map[string]any{"id": "x", "body": strings.Repeat("x", 20_000)}}),
			"input.body", "10000 characters",
		},
		"a moment without zone": {
			withVariables(t,
				`mutation($i: CampaignScheduleInput!) { campaignSchedule(input: $i) { userErrors { message } } }`,
				map[string]any{"i": map[string]any{"id": "x", "at": "2027-01-01T08:00:00"}}),
			"input.at", `"2027-01-01T08:00:00" is not a moment: want RFC 3339 with a zone`,
		},
		"a moment in no year": {
			`{"query": "{ dashboard(range: {from: \"0000-01-01T00:00:00Z\", to: \"2027-01-01T08:00:00Z\"}) { to } }"}`,
			"range.from", "the years 1900 to 2200",
		},
		"a moment below a list": {
			`{"query": "{ contacts { nodes { timeline(before: \"soon\") { at } } } }"}`, "before", "is not a moment",
		},
		"a number too large": {
			`{"query": "{ contacts(first: 99999999999) { nodes { id } } }"}`,
			"first", "whole number",
		},
		"a long cursor": {
			`{"query": "{ contacts(after: \"` + strings.Repeat("x", 3000) + `\") { nodes { id } } }"}`,
			"after", "2000",
		},
		"a long id": {
			`{"query": "{ node(id: \"` + strings.Repeat("x", 300) + `\") { id } }"}`,
			"id", "200",
		},
		"NUL in a query": {
			`{"query": "{ contactCount(query: {random: {percent: 1, salt: \"\\u0000\"}}) }"}`,
			"query", "U+0000",
		},
		"NUL in a key": {
			counting(t, map[string]any{"a\x00": 1}),
			"query", "U+0000",
		},
		"a number for nobody": {
			`{"query": "query($q: SegmentQuery) { contactCount(query: $q) }", "variables": {"q": {"a": 1e999999}}}`,
			"query", "1e999999",
		},
		"deep JSON": {
			counting(t, deepJSON(40)),
			"query", "nests",
		},
		"long JSON": {
			counting(t, strings.Repeat("x", 200<<10)),
			"query", "bytes",
		},
		"too many entries": {
			`{"query": "mutation { messageResolve(input: {resolution: GIVE_UP, ids: [` + strings.ReplaceAll(many, `"`,
				`\"`) + `]}) { resolved } }"}`,
			"input.ids", "1001 entries",
		},
		"no file": {
			withVariables(t, `mutation($f: Upload!) { contactImport(input: {file: $f}) { userErrors { message } } }`,
				map[string]any{"f": "x"}),
			"input.file", "a file",
		},
		"within a list of them": {
			`{"query": "{ webhookEvents(filter: {sid: \"\\u0000\"}) { nodes { id } } }"}`,
			"filter.sid", "U+0000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, c.body)
			require.Equal(t, "INVALID", got.code(), got.body)
			require.Equal(t, strings.Split(c.field, "."), got.Errors[0].Extensions.Field, got.body)
			require.Contains(t, got.Errors[0].Message, c.field+": ")
			require.Contains(t, got.Errors[0].Message, c.says)
		})
	}
}

func counting(t *testing.T, query any) string {
	t.Helper()
	return withVariables(t, `query($q: SegmentQuery) { contactCount(query: $q) }`, map[string]any{"q": query})
}

func deepJSON(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

// TestABodyIsText: Go's decoder would silently put another character in.
func TestABodyIsText(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no UTF-8":             "{\"query\": \"{ viewer { id } } # \xff\"}",
		"half of a character":  `{"query": "{ viewer { id } }", "variables": {"a": "\ud800"}}`,
		"the other half":       `{"query": "{ viewer { id } }", "variables": {"a": "\udc00"}}`,
		"two first halves":     `{"query": "{ viewer { id } }", "variables": {"a": "\ud800\ud800\udc00"}}`,
		"half before a letter": `{"query": "{ viewer { id } }", "variables": {"a": "\ud800x"}}`,
		"more than is read": `{"query": "{ viewer { id } }", "variables": {"a": "` + strings.Repeat("x",
			maxBody) + `"}}`,
		"no JSON":              `{"query": `,
		"deep":                 strings.Repeat("[", 200_000),
		"a list of operations": `[{"query": "{ viewer { id } }"}]`,
		"nothing":              ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, body)
			require.Equal(t, "INVALID", got.code(), got.body)
			require.Equal(t, http.StatusBadRequest, got.status)
			require.Less(t, len(got.body), 2000)
		})
	}
	for _, body := range []string{
		`{"query": "{ __typename }", "variables": {"a": "\ud83d\ude00 \\ud800 \\\\\"é \uFFFD"}}`,
		`{"query": "{ __typename } # 😀"}`,
	} {
		require.Empty(t, send(t, body).Errors)
	}
}

// TestOneVariableIsNotReadAgainAndAgain: a large value named a thousand times.
func TestOneVariableIsNotReadAgainAndAgain(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("query($q: SegmentQuery) { ")
	for i := range 100 {
		b.WriteString("a" + strings.Repeat("b", i) + ": contactCount(query: {all: [$q, $q, $q, $q, $q]}) ")
	}
	got := send(t, withVariables(t, b.String()+"}", map[string]any{"q": strings.Repeat("x", 100<<10)}))
	require.Equal(t, "INVALID", got.code(), got.body)
	require.Contains(t, got.Errors[0].Message, "bytes")
}

// TestEveryScalarIsReadAtTheDoor: a new one must not come in unread.
func TestEveryScalarIsReadAtTheDoor(t *testing.T) {
	t.Parallel()
	for name, def := range schema(t).Types {
		if def.Kind == ast.Scalar && name != "Boolean" {
			require.NotNil(t, readers[name], name)
		}
	}
}

// TestWhatNobodyAskedForIsNotTaken: extensions, and variables that nothing declares.
func TestWhatNobodyAskedForIsNotTaken(t *testing.T) {
	t.Parallel()
	many := map[string]any{}
	for i := range maxVariables + 1 {
		many[strings.Repeat("v", i+1)] = 1
	}
	for name, body := range map[string]any{
		"extensions":    map[string]any{"query": "{ __typename }", "extensions": map[string]any{"a": strings.Repeat("x", 5000)}},
		"variables":     map[string]any{"query": "{ __typename }", "variables": many},
		"operationName": map[string]any{"query": "query A { __typename }", "operationName": strings.Repeat("A", 300)},
	} {
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		got := send(t, string(raw))
		require.Equal(t, codeDocumentTooLarge, got.code(), got.body)
		require.Contains(t, got.body, name)
	}
}

func TestASubscriptionNeedsASocket(t *testing.T) {
	t.Parallel()
	got := send(t, `{"query": "subscription { inboundMessages { id } }"}`)
	require.Equal(t, "INVALID", got.code(), got.body)
	require.Contains(t, got.Errors[0].Message, "WebSocket")
}
