package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"eventstream/graph"
	"eventstream/server/globalid"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// hostile makes operations from the schema: every root field, and for every value that
// goes into it each of the values that somebody may send there.
type hostile struct {
	schema *ast.Schema
	ids    []string
}

var hostileTexts = []any{
	"", "\x00", "a\x00b", "\ufffd\u202e\ufeff", "'\"\\%_;--$1?::x", "{{", "{{name", "{{name | x: 'y}}",
	strings.Repeat("é", 900),
	strings.Repeat("x", 9000), strings.Repeat("😀", 250), "\n\r\t\x7f\x1b", "-1", "NaN", "2027-01-01T08:00:00",
	"null", 7, true, nil,
	[]any{"x"},
	map[string]any{"x": "y"},
}

func (h *hostile) values(t *ast.Type) []any {
	def := h.schema.Types[t.Name()]
	moments := []any{
		"2027-01-01T08:00:00", "2027-01-01", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1900-01-01T00:00:00Z",
		"2199-12-31T23:59:59.999999999+14:00", "soon", "", 0, 1e300, true, nil,
		[]any{},
		map[string]any{},
	}
	cursors := []any{
		"x", "eyJ2IjoiIiwiaSI6MX0", "eyJ2IjoiXHUwMDAwIiwiaSI6MX0",
		"eyJ2IjoiMjAyNy0wMS0wMSIsImkiOi05MjIzMzcyMDM2ODU0Nzc1ODA4fQ", "bnVsbA",
	}
	var out []any
	switch {
	case def.Kind == ast.Enum:
		for _, v := range def.EnumValues {
			out = append(out, v.Name)
		}
		out = append(out, "", "nosuch", "\x00", 1, nil, []any{"x"})
	case t.NamedType == "" && def.Kind != ast.InputObject:
		many := make([]any, 1200)
		for i := range many {
			many[i] = "x"
		}
		out = append(out, nil, []any{}, []any{nil}, []any{"x", "\x00", 1}, many, "x", map[string]any{})
	case def.Kind == ast.InputObject:
		out = append(out, nil, map[string]any{}, "x", 1, []any{}, map[string]any{"nosuch": 1})
	default:
		switch def.Name {
		case "ID":
			out = append(append(out, hostileTexts...), mapAny(h.ids)...)
			out = append(out, cursors...)
		case "Int", "Int64", "Float":
			for _, n := range []string{
				"0", "-1", "1", "200", "201", "2147483647", "2147483648", "-2147483649", "9223372036854775807",
				"9223372036854775808",
				"1e3", "1e300", "1e999", "0.5", "-0.0001", "99999999999999999999999999",
			} {
				out = append(out, json.Number(n))
			}
			out = append(out, "1", "x", true, nil, []any{}, map[string]any{})
		case "Boolean":
			out = append(out, true, false, "true", 1, nil)
		case "DateTime":
			out = append(out, moments...)
		case "Upload":
			out = append(out, "x", 1, nil, map[string]any{})
		case "JSON", "SegmentQuery":
			out = append(out, "x", 1, nil, []any{}, map[string]any{}, map[string]any{"\x00": 1},
				map[string]any{"a": "\x00"},
				map[string]any{"a": json.Number("1e400000")}, map[string]any{"a": json.Number("1e-400000")},
				map[string]any{"a": json.Number(strings.Repeat("9", 400))}, map[string]any{"": ""},
				map[string]any{strings.Repeat("k", 300): 1}, map[string]any{"a": strings.Repeat("x", 20_000)})
			for _, q := range queries {
				out = append(out, json.RawMessage(q))
			}
		default:
			out = append(append(append(out, hostileTexts...), cursors...), moments...)
		}
	}
	return out
}

// queries are segment queries that come through the first look at them.
var queries = []string{
	`{"all": []}`, `{"field": "attributes.a", "op": "gt", "value": 1e300}`,
	`{"field": "attributes.a", "op": "gt", "value": 1e-300}`,
	`{"field": "attributes.a.b.c", "op": "between", "value": ["0001-01-01", "9999-12-31"]}`,
	`{"field": "created_at", "op": "before", "value": "0000-01-01"}`,
	`{"field": "created_at", "op": "within_last", "value": "99999w"}`,
	`{"field": "created_at", "op": "not_within_last", "value": "99999w"}`,
	`{"field": "name", "op": "contains", "value": "\\%_'"}`,
	`{"event": "read", "within_last": "99999w", "count": {"op": "gte", "value": 2147483647}}`,
	`{"random": {"percent": 0.0000000001, "salt": "'"}}`,
	`{"field": "attributes.\\u0001", "op": "eq", "value": "\\u0001"}`,
	`{"field": "attributes.a", "op": "in", "value": [1, "x", true, null]}`,
	`{"field": "attributes.a", "op": "has", "value": null}`,
	`{"field": "attributes.a", "op": "within_last", "value": "99999w"}`,
	`{"field": "attributes.a", "op": "before", "value": "2027-13-45"}`,
	`{"field": "consent_status", "op": "in", "value": []}`,
}

func mapAny(in []string) (out []any) {
	for _, s := range in {
		out = append(out, s)
	}
	return out
}

// plain is a value that fits and does no harm.
func (h *hostile) plain(t *ast.Type) any {
	if t.NamedType == "" {
		return []any{}
	}
	def := h.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		return def.EnumValues[0].Name
	case ast.InputObject:
		object := map[string]any{}
		for _, f := range def.Fields {
			if f.Type.NonNull && f.DefaultValue == nil {
				object[f.Name] = h.plain(f.Type)
			}
		}
		return object
	}
	switch def.Name {
	case "Int", "Int64", "Float":
		return 1
	case "Boolean":
		return false
	case "DateTime":
		return "2026-11-23T10:00:00Z"
	case "JSON", "SegmentQuery":
		return map[string]any{"all": []any{}}
	case "ID":
		return h.ids[0]
	}
	return "x"
}

// places are the paths of all values below an argument.
func (h *hostile) places(t *ast.Type, path []string) [][]string {
	out := [][]string{path}
	def := h.schema.Types[t.Name()]
	if def.Kind != ast.InputObject || len(path) > 5 {
		return out
	}
	for _, f := range def.Fields {
		out = append(out, h.places(f.Type, append(path[:len(path):len(path)], f.Name))...)
	}
	return out
}

// typeAt is the type of the value at a path.
func (h *hostile) typeAt(t *ast.Type, path []string) *ast.Type {
	for _, part := range path[1:] {
		t = h.schema.Types[t.Name()].Fields.ForName(part).Type
	}
	return t
}

// with gives the argument with v at the path, and what else it needs.
func (h *hostile) with(t *ast.Type, path []string, v any) any {
	if len(path) == 1 {
		return v
	}
	def := h.schema.Types[t.Name()]
	object, _ := h.plain(ast.NamedType(def.Name, nil)).(map[string]any)
	object[path[1]] = h.with(def.Fields.ForName(path[1]).Type, path[1:], v)
	if t.NamedType == "" {
		return []any{object}
	}
	return object
}

// selection asks for something of a type.
func (h *hostile) selection(t *ast.Type) string {
	def := h.schema.Types[t.Name()]
	switch {
	case def.Kind == ast.Scalar || def.Kind == ast.Enum:
		return ""
	case def.Fields.ForName("userErrors") != nil:
		return "{ userErrors { field code message } }"
	}
	return "{ __typename }"
}

// TestNoInputIsAnInternalError sends what people and machines may send, right and wrong,
// to every root field, and reads what comes back.
func TestNoInputIsAnInternalError(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: graph.SDL()})
	require.NoError(t, err)
	h := &hostile{schema: schema}
	for _, kind := range []string{"Contact", "Campaign", "Nosuch", "Contact\x00"} {
		h.ids = append(h.ids, globalid.Encode(kind, 9_007_199_254_740_993), globalid.Encode(kind, 1))
	}
	h.ids = append(h.ids, globalid.Encode("Segment", 9_223_372_036_854_775_807), "Q29udGFjdDotMQ", "AAAA", "////")
	asked := 0
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		fields := append(ast.FieldList{}, root.Fields...)
		sort.Slice(fields, func(i, j int) bool { return fields[i].Name < fields[j].Name })
		for _, f := range fields {
			if strings.HasPrefix(f.Name, "__") || f.Name == "signOut" {
				continue
			}
			caller := e.machine(f.Name) // each with a budget of its own
			for _, arg := range f.Arguments {
				for _, path := range h.places(arg.Type, []string{arg.Name}) {
					for _, v := range h.values(h.typeAt(arg.Type, path)) {
						caller.harmless(h, root, f, arg, path, v)
						asked++
					}
				}
			}
		}
	}
	require.Greater(t, asked, 5000)
	asked = 0
	caller := e.machine("below")
	for of, id := range e.things() {
		for _, f := range schema.Types[of].Fields {
			for _, arg := range f.Arguments {
				for _, path := range h.places(arg.Type, []string{arg.Name}) {
					for _, v := range h.values(h.typeAt(arg.Type, path)) {
						caller.sendsBelow(h, of, id, f, arg, h.with(arg.Type, path, v))
						asked++
					}
				}
			}
		}
	}
	require.Greater(t, asked, 300)
	require.Equal(t, http.StatusOK, e.get("/readyz").status)
}

// things are one of each type whose fields take arguments.
func (e *env) things() map[string]string {
	e.t.Helper()
	var out map[string]struct{ Nodes []struct{ ID string } }
	e.says("+4915100000000", "Hello")
	e.must("campaignCreate", "campaign", map[string]any{"name": "Hollow"})
	require.Eventually(e.t, func() bool {
		e.do(&out, `{ Contact: contacts(first: 1) { nodes { id } } Campaign: campaigns(first: 1) { nodes { id } }
			Import: imports(first: 1) { nodes { id } } Conversation: conversations(first: 1) { nodes { id } } }`, nil)
		return len(out["Conversation"].Nodes) == 1
	}, patience, 50*time.Millisecond)
	ids := map[string]string{}
	for of, list := range out {
		ids[of] = list.Nodes[0].ID
	}
	ids["CannedReply"] = e.must("cannedReplyCreate", "cannedReply", map[string]any{"name": "hello", "body": "Hello {{name}}"})
	return ids
}

func (e *env) sendsBelow(h *hostile, of, id string, f *ast.FieldDefinition, arg *ast.ArgumentDefinition, v any) {
	e.t.Helper()
	e.sends(fmt.Sprintf("query($id: ID!, $v: %s) { node(id: $id) { ... on %s { %s(%s: $v) %s } } }", arg.Type, of, f.Name,
		arg.Name, h.selection(f.Type)), map[string]any{"id": id, "v": v})
}

// machine is a caller with an API token of its own.
func (e *env) machine(name string) *env {
	e.t.Helper()
	var made struct{ APITokenCreate struct{ Secret string } }
	e.do(&made, `mutation($n: String!) { apiTokenCreate(input: {name: $n, role: ADMIN}) { secret } }`,
		map[string]any{"n": name})
	return &env{App: e.App, t: e.t, http: &http.Client{
		Transport: bearer(made.APITokenCreate.Secret),
		Timeout:   patience,
	}}
}

// harmless sends one operation whose argument has v at the path.
func (e *env) harmless(h *hostile, root *ast.Definition, f *ast.FieldDefinition, arg *ast.ArgumentDefinition,
	path []string, v any,
) {
	e.t.Helper()
	variables := map[string]any{arg.Name: h.with(arg.Type, path, v)}
	declared, given := "$"+arg.Name+": "+arg.Type.String(), arg.Name+": $"+arg.Name
	for _, other := range f.Arguments {
		if other.Name != arg.Name && other.Type.NonNull && other.DefaultValue == nil {
			variables[other.Name] = h.plain(other.Type)
			declared += ", $" + other.Name + ": " + other.Type.String()
			given += ", " + other.Name + ": $" + other.Name
		}
	}
	e.sends(fmt.Sprintf("%s(%s) { %s(%s) %s }", strings.ToLower(root.Name), declared, f.Name, given,
		h.selection(f.Type)), variables)
}

// sends sends one operation, right or wrong, and takes any answer but that something broke.
func (e *env) sends(document string, variables map[string]any) {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	require.NoError(e.t, err)
	resp, err := e.http.Post(e.URL+"/graphql", "application/json", bytes.NewReader(body))
	require.NoError(e.t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(e.t, err)
	_ = resp.Body.Close()
	shown := string(body)
	if len(shown) > 1000 {
		shown = shown[:1000] + "…"
	}
	require.Less(e.t, resp.StatusCode, 500, "%s\n%s", shown, raw)
	var out struct{ Errors []gqlError }
	require.NoError(e.t, json.Unmarshal(raw, &out), "%s\n%s", shown, raw)
	for _, err := range out.Errors {
		switch code := err.Extensions.Code; code {
		case "INVALID", "NOT_FOUND", "CONFLICT", "FORBIDDEN", "UNAUTHENTICATED", "GRAPHQL_VALIDATION_FAILED",
			"UNAVAILABLE":
		default:
			e.t.Errorf("%s\n%s: %s", shown, code, err.Message)
		}
	}
}

// TestASocketIsNoWayRoundTheLimits: the same document, value and price are refused there.
func TestASocketIsNoWayRoundTheLimits(t *testing.T) {
	t.Parallel()
	e := start(t)
	var bomb strings.Builder
	bomb.WriteString("{ contacts { nodes { ...F0 } } } ")
	for i := range 34 {
		fmt.Fprintf(&bomb, "fragment F%d on Contact { ...F%d ...F%d } ", i, i+1, i+1)
	}
	bomb.WriteString("fragment F34 on Contact { id }")
	for name, c := range map[string]struct {
		document  string
		variables map[string]any
		says      string
	}{
		"a document that takes for ever": {document: bomb.String(), says: "COMPLEXITY_LIMIT_EXCEEDED"},
		"a dear event": {
			document: `subscription { inboundMessages { contact { possibleDuplicates { possibleDuplicates {
				possibleDuplicates { id } } } } } }`, says: "COMPLEXITY_LIMIT_EXCEEDED",
		},
		"a value": {
			document: `query($a: String) { contacts(after: $a) { nodes { id } } }`, variables: map[string]any{"a": "\x00"},
			says: "U+0000",
		},
		"a part that comes later": {document: `{ viewer { ... @defer { id } } }`, says: "@defer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := make(chan string, 10)
			e.listen(c.document, c.variables, func(typ, payload string) { heard <- typ + " " + payload })
			select {
			case told := <-heard:
				require.Contains(t, told, c.says)
			case <-time.After(patience):
				t.Fatal("nothing was told")
			}
		})
	}
}
