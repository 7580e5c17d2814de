package graph

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/vektah/gqlparser/v2/ast"
)

// maxCache bounds what the cache of documents holds, in bytes. The SPA's own take
// some two megabytes.
const maxCache = 16 << 20

// documentCache keeps parsed documents, those longest not asked for go first. It is
// bounded by what they take in memory: a parsed document is many times its text.
type documentCache struct {
	mu    sync.Mutex
	held  int
	limit int
	lru   *simplelru.LRU[string, cachedDocument]
}

type cachedDocument struct {
	doc  *ast.QueryDocument
	size int
}

var _ graphql.Cache[*ast.QueryDocument] = &documentCache{}

func newDocumentCache(limit int) *documentCache {
	c := &documentCache{limit: limit}
	c.lru, _ = simplelru.NewLRU(maxCache, func(_ string, d cachedDocument) { // the bytes decide, not this number
		c.held -= d.size
	})
	return c
}

// Get implements graphql.Cache.
func (c *documentCache) Get(_ context.Context, query string) (*ast.QueryDocument, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.lru.Get(query)
	return d.doc, ok
}

// Add implements graphql.Cache.
func (c *documentCache) Add(_ context.Context, query string, doc *ast.QueryDocument) {
	size := len(query) + memoryOf(doc)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lru.Remove(query)
	c.lru.Add(query, cachedDocument{doc, size})
	c.held += size
	for c.held > c.limit {
		c.lru.RemoveOldest()
	}
}

// bytesPerNode is what a node of a parsed document takes at most with its position
// and its place in a list, as measured.
const bytesPerNode = 600

func memoryOf(doc *ast.QueryDocument) int {
	n := 1
	for _, op := range doc.Operations {
		n += 1 + nodesOf(op.SelectionSet) + directiveNodes(op.Directives)
		for _, v := range op.VariableDefinitions {
			n += 2 + directiveNodes(v.Directives) + valueNodes(v.DefaultValue)
		}
	}
	for _, f := range doc.Fragments {
		n += 1 + nodesOf(f.SelectionSet) + directiveNodes(f.Directives)
	}
	return n * bytesPerNode
}

func nodesOf(set ast.SelectionSet) (n int) {
	for _, selection := range set {
		n++
		switch x := selection.(type) {
		case *ast.Field:
			n += nodesOf(x.SelectionSet) + argumentNodes(x.Arguments) + directiveNodes(x.Directives)
		case *ast.InlineFragment:
			n += nodesOf(x.SelectionSet) + directiveNodes(x.Directives)
		case *ast.FragmentSpread:
			n += directiveNodes(x.Directives)
		}
	}
	return n
}

func argumentNodes(list ast.ArgumentList) (n int) {
	for _, a := range list {
		n += 1 + valueNodes(a.Value)
	}
	return n
}

func directiveNodes(list ast.DirectiveList) (n int) {
	for _, d := range list {
		n += 1 + argumentNodes(d.Arguments)
	}
	return n
}

func valueNodes(v *ast.Value) int {
	if v == nil {
		return 0
	}
	n := 1
	for _, c := range v.Children {
		n += 1 + valueNodes(c.Value)
	}
	return n
}
