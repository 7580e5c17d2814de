package db

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// slowQueries warns about statements over a second. It logs their fingerprint:
// the values of a statement are numbers and texts of people.
type slowQueries struct{ log *slog.Logger }

type askedKey struct{}

type asked struct {
	query string
	at    time.Time
}

// TraceQueryStart implements pgx.QueryTracer.
func (slowQueries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, askedKey{}, asked{q.SQL, time.Now()})
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s slowQueries) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	q, _ := ctx.Value(askedKey{}).(asked)
	s.look(ctx, q.query, q.at)
}

func (s slowQueries) look(ctx context.Context, query string, began time.Time) {
	if d := time.Since(began); d > time.Second {
		id, text := fingerprint(query)
		s.log.WarnContext(ctx, "slow query", "duration", d, "fingerprint", id, "query", text)
	}
}
