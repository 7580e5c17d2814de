package audit_test

import (
	"log/slog"
	"testing"
	"time"

	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

// TestTheTrailIsSearchedByIndexes: a page of what one person did, or of some time long ago, reads
// neither the whole table nor what is newer.
func TestTheTrailIsSearchedByIndexes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, sql := range []string{
		`INSERT INTO audit_entries (actor_kind, actor_id, action, entity, created_at)
			SELECT 'operator', i % 500, 'contact.update', 'contact', '2026-01-01T00:00:00Z'::timestamptz + make_interval(mins => i)
			FROM generate_series(1, 40000) i`,
		"ANALYZE audit_entries",
	} {
		_, err := d.NewRaw(sql).Exec(t.Context())
		require.NoError(t, err)
	}
	asked := &dbtest.Queries{}
	hooked := *d
	hooked.DB = d.WithQueryHook(asked)
	trail := audit.NewTrail(audit.Options{DB: &hooked, Secret: keys, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	from, to := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	who := int64(7)
	for name, c := range map[string]struct {
		filter audit.Filter
		read   string // as the plan says it; what one person did in some time may be sorted, the rest comes in order
	}{
		"time":         {audit.Filter{From: &from, To: &to}, "Index Scan Backward using audit_entries_created_idx"},
		"until":        {audit.Filter{To: &to}, "Index Scan Backward using audit_entries_created_idx"},
		"who":          {audit.Filter{OperatorID: &who}, "Index Scan Backward using audit_entries_operator_idx"},
		"who and when": {audit.Filter{OperatorID: &who, From: &from, To: &to}, " audit_entries_operator_idx"},
	} {
		found, err := trail.List(t.Context(), c.filter, db.Page{})
		require.NoError(t, err, name)
		require.NotEmpty(t, found.Items, name)
		all := dbtest.Explain(t, d, "EXPLAIN", asked.Last())
		require.Contains(t, all, c.read, name)
		require.NotContains(t, all, "Seq Scan", name)
	}
}
