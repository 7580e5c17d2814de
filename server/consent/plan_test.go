package consent_test

import (
	"fmt"
	"strings"
	"testing"

	"eventstream/server/contact"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

// TestABatchReadsNoWholeTable: what the gate asks of a batch is found by indexes, also right
// after an import, when nobody has analyzed the tables yet.
func TestABatchReadsNoWholeTable(t *testing.T) {
	t.Parallel()
	const people, batch = 40_000, 400
	for _, analyzed := range []bool{false, true} {
		t.Run(fmt.Sprintf("analyzed %t", analyzed), func(t *testing.T) {
			t.Parallel()
			e := wake(t)
			for _, sql := range []string{
				"ALTER TABLE contact_addresses SET (autovacuum_enabled = false)",
				"ALTER TABLE suppressed_addresses SET (autovacuum_enabled = false)",
				fmt.Sprintf(`INSERT INTO contacts (address, match_key, kind) SELECT '+49' || 15100000000 + g, '+49' || 15100000000 + g, 'phone'
					FROM generate_series(1, %d) g`, people),
				fmt.Sprintf(`INSERT INTO suppressed_addresses (address_hash, reason) SELECT sha256(g::text::bytea), 'opted_out'
					FROM generate_series(1, %d) g`, people),
			} {
				_, err := e.NewRaw(sql).Exec(e.ctx)
				require.NoError(t, err)
			}
			if analyzed {
				_, err := e.NewRaw("ANALYZE contact_addresses, suppressed_addresses").Exec(e.ctx)
				require.NoError(t, err)
			}
			ids := make([]int64, batch)
			for i := range ids {
				ids[i] = int64(1 + i*people/batch)
			}
			asked := &dbtest.Queries{}
			d := e.WithQueryHook(asked)
			found, err := e.consents.SuppressedContacts(e.ctx, d, ids)
			require.NoError(t, err)
			require.Empty(t, found)
			of, err := contact.AddressesOf(e.ctx, d, ids)
			require.NoError(t, err)
			require.Len(t, of, batch)
			read := 0
			for _, text := range asked.Texts {
				if !strings.HasPrefix(text, "SELECT") {
					continue
				}
				all := dbtest.Explain(t, e, "EXPLAIN", text)
				for _, table := range []string{"contact_addresses", "suppressed_addresses"} {
					require.NotContains(t, all, "Seq Scan on "+table, "it reads the whole table for a batch: %s", text[:min(300, len(text))])
					read += strings.Count(all, " on "+table)
				}
			}
			require.GreaterOrEqual(t, read, 3)
		})
	}
}
