package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"eventstream/server/actor"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

type answer struct {
	status int
	body   string
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct {
			Code  string
			Field []string
		}
	}
	Extensions map[string]json.RawMessage
}

func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

// ask sends one document to a handler without any service behind it.
func ask(t *testing.T, h http.Handler, who actor.Actor, document string) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if who.Kind != "" {
		r = r.WithContext(actor.With(r.Context(), who))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := answer{status: w.Code, body: w.Body.String()}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out), out.body)
	return out
}

func bareHandler() http.Handler {
	return NewHandler(Services{Log: slog.New(slog.DiscardHandler)}, Options{Introspection: true})
}

// bomb is a chain of fragments, each of which spreads the next one twice.
func bomb(levels int, twice, last string) string {
	var b strings.Builder
	b.WriteString("{ contacts { nodes { ...F0 } } }\n")
	for i := range levels {
		fmt.Fprintf(&b, "fragment F%d on Contact { %s }\n", i, fmt.Sprintf(twice, i+1, i+1))
	}
	fmt.Fprintf(&b, "fragment F%d on Contact { %s }", levels, last)
	return b.String()
}

// TestNoDocumentTakesLongBeforeItIsRefused sends what once took seconds to hours. It
// has no clock of its own: what takes for ever ends by the limit on all tests.
func TestNoDocumentTakesLongBeforeItIsRefused(t *testing.T) {
	t.Parallel()
	h := bareHandler()
	nested := strings.Repeat("possibleDuplicates { ", 9)
	for name, c := range map[string]struct{ document, code string }{
		"fragments spread twice, 24 levels": {bomb(24, "...F%d ...F%d", "id"), codeComplexity},
		"fragments spread twice, 34 levels": {bomb(34, "...F%d ...F%d", "id"), codeComplexity},
		"fragments spread twice, 98 levels": {bomb(98, "...F%d ...F%d", "id"), codeComplexity},
		"inside inline fragments": {
			bomb(60, "... { ...F%d } ... on Contact { ...F%d }", "id"),
			codeComplexity,
		},
		"below fields of two names": {
			bomb(8, "possibleDuplicates { ...F%d } a: possibleDuplicates { ...F%d }", "id"), codeComplexity,
		},
		"below a field of one name": {
			bomb(8, "possibleDuplicates { ...F%d } possibleDuplicates { ...F%d }", "id"), codeComplexity,
		},
		"a fragment that nobody spreads": {
			strings.Replace(bomb(40, "...F%d ...F%d", "id"), "...F0", "id", 1), codeComplexity,
		},
		"a circle": {"{ contacts { nodes { ...A } } } fragment A on Contact { ...B ...B } " +
			"fragment B on Contact { ...A ...A }", codeComplexity},
		"one name again and again": {"{ viewer { " + strings.Repeat("id ", 3900) + "} }", codeComplexity},
		"spread over inline":       {"{ viewer { " + strings.Repeat("... { id } ", 900) + "} }", codeComplexity},
		"many operations":          {numbered(21, "query Q%d { viewer { id } } "), codeDocumentTooLarge},
		"many fragments": {
			"{ viewer { id } } " + numbered(101, "fragment F%d on Contact { id } "),
			codeDocumentTooLarge,
		},
		"many aliases": {"{ " + numbered(101, "a%d: __typename ") + "}", codeDocumentTooLarge},
		"many schemas": {
			"{ " + numbered(100, "a%d: __schema { types { name description fields { name description } } } ") + "}",
			"UNAUTHENTICATED",
		},
		"many variables": {
			"query(" + numbered(101, "$v%d: Int ") + ") { viewer { id } }",
			codeDocumentTooLarge,
		},
		"many directives": {
			"{ viewer " + strings.Repeat("@skip(if: false) ", 101) + "{ id } }",
			codeDocumentTooLarge,
		},
		"deep": {
			"{ contacts { nodes { " + nested + "id" + strings.Repeat(" }", 9) + " } } }",
			codeComplexity,
		},
		"deeper": {
			"{ contacts { nodes { " + nested + nested + "id" + strings.Repeat(" }", 18) + " } } }",
			codeDepth,
		},
		"deep in fragments": {bomb(20, "possibleDuplicates { ...F%[1]d }", "id"), codeDepth},
		"large": {
			"{ viewer { id } } #" + strings.Repeat("x", maxDocument),
			codeDocumentTooLarge,
		},
		"many tokens": {"{ viewer { id } } " + strings.Repeat("#\n", 20_000), "GRAPHQL_PARSE_FAILED"},
		"brackets": {
			"{ segmentPreview(query: " + strings.Repeat("[", 1900) + strings.Repeat("]", 1900) + ") { count } }",
			"GRAPHQL_PARSE_FAILED",
		},
		"braces": {
			strings.Repeat("{ a", 1900) + strings.Repeat("}", 1900),
			"GRAPHQL_PARSE_FAILED",
		},
		"many unknown names": {"{ " + numbered(3900, "contacts%d ") + "}", "GRAPHQL_VALIDATION_FAILED"},
		"many unknown arguments": {
			"{ contacts(" + numbered(900, "first%d: 1 ") + ") { nodes { id } } }",
			"GRAPHQL_VALIDATION_FAILED",
		},
		"parts that come later":      {"{ setup { ... @defer { version } } }", "INVALID"},
		"a long name for operations": {"{ viewer { id } }" + strings.Repeat(" ", maxDocument), codeDocumentTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, h, actor.Actor{}, c.document)
			require.Equal(t, c.code, got.code(), got.body)
			require.Less(t, len(got.body), 4096, "a refusal is short")
		})
	}
}

// TestNamesAreSuggestedToThoseWhoMayReadTheSchema and to nobody else.
func TestNamesAreSuggestedToThoseWhoMayReadTheSchema(t *testing.T) {
	t.Parallel()
	h := bareHandler()
	for _, document := range []string{
		`{ contatcs { nodes { id } } }`, `{ contacts(frist: 1) { nodes { id } } }`,
		`{ campaigns(filter: {status: DRAFTS}) { nodes { id } } }`,
	} {
		stranger, viewer := ask(t, h, actor.Actor{}, document), ask(t, h, somebody, document)
		require.Equal(t, "GRAPHQL_VALIDATION_FAILED", stranger.code())
		require.NotContains(t, stranger.body, "Did you mean")
		require.Contains(t, viewer.body, "Did you mean")
	}
}

var somebody = actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer}

// TestAFragmentIsPricedAsOftenAsItIsSpread: pricing it once must not make it cheap.
func TestAFragmentIsPricedAsOftenAsItIsSpread(t *testing.T) {
	t.Parallel()
	plain := priced(t, `{ a: contacts(first: 7) { nodes { id name } } b: contacts(first: 3) { nodes { id name } } }`)
	shared := priced(t, `{ a: contacts(first: 7) { ...P } b: contacts(first: 3) { ...P } }
		fragment P on ContactConnection { nodes { ...C } } fragment C on Contact { id name }`)
	require.Equal(t, plain, shared)
}

// TestTheCacheOfDocumentsIsBoundedInBytes by what documents take in memory.
func TestTheCacheOfDocumentsIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	const limit = 4 << 20
	cache := newDocumentCache(limit)
	for i := range 3000 {
		query := fmt.Sprintf("{ a%d: viewer { %s } }", i, strings.Repeat("id ", 1+i%300))
		doc, err := parser.ParseQuery(&ast.Source{Input: query})
		require.NoError(t, err)
		cache.Add(t.Context(), query, doc)
		cache.Add(t.Context(), query, doc) // the same again takes nothing more
		require.LessOrEqual(t, cache.held, limit)
	}
	_, known := cache.Get(t.Context(), "{ a0: viewer { id  } }")
	require.False(t, known, "the oldest went")
	require.Positive(t, cache.lru.Len())
	total := 0
	for _, key := range cache.lru.Keys() {
		doc, _ := cache.Get(t.Context(), key)
		total += len(key) + memoryOf(doc)
	}
	require.Equal(t, total, cache.held, "the sum is right after documents went")
}

// TestTheSizeOfADocumentIsNotUnderstated. It measures the heap, so nothing runs beside it.
func TestTheSizeOfADocumentIsNotUnderstated(t *testing.T) { //nolint:paralleltest // see above
	for name, query := range map[string]string{
		"fields":     "{" + strings.Repeat("a ", 3000) + "}",
		"aliases":    "{" + strings.Repeat("a:b ", 1200) + "}",
		"arguments":  "{" + strings.Repeat("a(b:1) ", 600) + "}",
		"lists":      "{a(b:[" + strings.Repeat("1 ", 3000) + "])}",
		"objects":    "{a(b:{" + strings.Repeat("c:1 ", 1200) + "})}",
		"directives": "{" + strings.Repeat("a@b ", 1200) + "}",
		"inline":     "{" + strings.Repeat("...{a}", 900) + "}",
		"variables":  "query(" + strings.Repeat("$a:B=1 ", 600) + "){a}",
	} {
		const copies = 40
		var kept [copies]*ast.QueryDocument
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range kept {
			doc, err := parser.ParseQuery(&ast.Source{Input: query})
			require.NoError(t, err)
			kept[i] = doc
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := (int(after.HeapAlloc) - int(before.HeapAlloc)) / copies
		require.Greater(t, len(query)+memoryOf(kept[0]), each, "%s takes %d bytes", name, each)
		runtime.KeepAlive(&kept)
	}
}

func TestPricingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := costOf(ctx, priceSchemaOf(schema(t)),
		operation(t, `{ contacts { nodes { ...F } } } fragment F on Contact { id }`, nil))
	require.ErrorIs(t, err, context.Canceled)
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
