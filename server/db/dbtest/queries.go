package dbtest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// Queries keeps what was asked, as a hook of bun's.
type Queries struct{ Texts []string }

// BeforeQuery implements bun.QueryHook.
func (*Queries) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

// AfterQuery implements bun.QueryHook.
func (q *Queries) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	q.Texts = append(q.Texts, e.Query)
}

// Last is the newest of them.
func (q *Queries) Last() string { return q.Texts[len(q.Texts)-1] }

// Explain gives Postgres' plan of a query that was asked; how is what stands before it, EXPLAIN or more.
func Explain(t testing.TB, idb bun.IDB, how, query string) string {
	t.Helper()
	var plan []string
	require.NoError(t, idb.NewRaw(how+" "+strings.ReplaceAll(query, "?", `\?`)).Scan(t.Context(), &plan))
	return strings.Join(plan, "\n")
}
