package message_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

var removedByJoin = regexp.MustCompile(`Rows Removed by Join Filter: (\d+)`)

// TestWritingResultsReadsNoMoreThanTheBatch: the work of writing a batch's results
// grows neither with the table nor with the square of the batch, with statistics
// of the table and without.
func TestWritingResultsReadsNoMoreThanTheBatch(t *testing.T) {
	t.Parallel()
	const rows, batch = 40_000, 400
	for _, analyzed := range []bool{false, true} {
		t.Run(fmt.Sprintf("analyzed %t", analyzed), func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			asked := &dbtest.Queries{}
			exec := func(query string, args ...any) {
				t.Helper()
				_, err := d.NewRaw(query, args...).Exec(t.Context())
				require.NoError(t, err)
			}
			exec("INSERT INTO campaigns (name, status) VALUES ('Test', 'sending')")
			exec(`INSERT INTO senders (address, display_name, rate_per_second, status) VALUES ('+14155238886', 'Shop', 80, 'active')`)
			exec(`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, status)
				SELECT 'outbound', 'campaign', 1, g, 1, 'pending' FROM generate_series(1, ?::int) g`, rows)
			if analyzed {
				exec("VACUUM ANALYZE messages")
			}
			claimed, err := message.ClaimDue(t.Context(), d, 1, []message.Quota{{CampaignID: 1, N: batch}}, time.Minute)
			require.NoError(t, err)
			require.Len(t, claimed, batch)
			results := make([]message.Result, batch)
			for i, c := range claimed {
				results[i] = message.Result{Claim: c.Claim, Status: message.StatusAccepted, SID: fmt.Sprintf("SM%032d", c.ID)}
			}
			tx, err := d.WithQueryHook(asked).BeginTx(t.Context(), nil)
			require.NoError(t, err)
			stale, err := message.Finish(t.Context(), tx, results)
			require.NoError(t, err)
			require.Empty(t, stale)
			query := asked.Last()
			require.NoError(t, tx.Rollback())

			text := dbtest.Explain(t, d, "EXPLAIN ANALYZE", query)
			require.Contains(t, text, "Update on messages")
			require.NotContains(t, text, "Seq Scan on messages", "it reads the whole table for a batch")
			for _, m := range removedByJoin.FindAllStringSubmatch(text, -1) {
				n, err := strconv.Atoi(m[1])
				require.NoError(t, err)
				require.Less(t, n, 10*batch, "%s", text)
			}
		})
	}
}
