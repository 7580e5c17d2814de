package merge_test

import (
	"context"
	"testing"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db/dbtest"
	"eventstream/server/merge"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestWhoWritesWhileBeingMerged waits for the merge and is then looked up again:
// what they wrote must not stay with the contact that is gone.
func TestWhoWritesWhileBeingMerged(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]string{
		"merged": "UPDATE contacts SET merged_into = 1, erased_at = now() WHERE id = 2",
		"erased": "UPDATE contacts SET address = 'erased:2', match_key = 'erased:2', erased_at = now() WHERE id = 2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := over(t, dbtest.New(t))
			d := e.d
			_, err := d.NewRaw(`INSERT INTO contacts (address, match_key, kind) VALUES ('+4915112340001', '+4915112340001', 'phone'), ('+4915112340002', '+4915112340002', 'phone')`).Exec(t.Context())
			require.NoError(t, err)
			a, err := contact.ParseAddress("+4915112340002", "")
			require.NoError(t, err)
			rival, err := d.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = rival.NewRaw("SELECT 1 FROM contacts ORDER BY id FOR NO KEY UPDATE").Exec(t.Context())
			require.NoError(t, err)
			_, err = rival.NewRaw(meanwhile).Exec(t.Context())
			require.NoError(t, err)
			wrote := make(chan error, 1)
			ensure := func() (c *contact.Contact, err error) {
				err = d.Tx(context.Background(), func(ctx context.Context, tx bun.Tx) (err error) {
					c, err = e.s.Identify(ctx, tx, merge.Named{Addresses: []contact.Address{a}, At: time.Now(), Source: contact.SourceMessage})
					return err
				})
				return c, err
			}
			go func() {
				_, err := ensure()
				wrote <- err
			}()
			require.Eventually(t, func() bool {
				var waits int
				require.NoError(t, d.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(t.Context(), &waits))
				return waits > 0
			}, time.Minute, 5*time.Millisecond)
			require.NoError(t, rival.Commit())
			if err := <-wrote; err != nil {
				require.True(t, apperr.Is(err, apperr.CodeUnavailable), "%v", err)
			}
			c, err := ensure() // as the applier tries again
			require.NoError(t, err)
			require.Nil(t, c.ErasedAt)
			require.NotEqual(t, int64(2), c.ID)
		})
	}
}
