package message_test

import (
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

// TestWhoWaitedForAMomentGoesFirst: while a large campaign is still looked at for the first time, those whose hour has come
// do not wait until that is over.
func TestWhoWaitedForAMomentGoesFirst(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, query := range []string{
		"INSERT INTO campaigns (name, status) VALUES ('Test', 'sending')",
		`INSERT INTO senders (address, display_name, rate_per_second, status) VALUES ('+14155238886', 'Shop', 80, 'active')`,
		`INSERT INTO messages (id, direction, purpose, campaign_id, contact_id, sender_id, status, not_before) OVERRIDING SYSTEM VALUE
			SELECT g, 'outbound', 'campaign', 1, g, 1, 'pending', CASE WHEN g = 90 THEN now() - interval '1 minute'
				WHEN g = 80 THEN now() - interval '1 second' WHEN g = 70 THEN now() + interval '1 hour' ELSE 'epoch' END
			FROM generate_series(1, 100) g`,
	} {
		_, err := d.NewRaw(query).Exec(t.Context())
		require.NoError(t, err)
	}
	claim := func(n int) (ids []int64) {
		rows, err := message.ClaimDue(t.Context(), d, 1, []message.Quota{{CampaignID: 1, N: n}}, time.Minute)
		require.NoError(t, err)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	require.ElementsMatch(t, []int64{90, 80, 1, 2}, claim(4), "then those that nobody has looked at")
	_, err := d.NewRaw("UPDATE messages SET not_before = now() - id * interval '1 second' WHERE id BETWEEN 11 AND 60").Exec(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []int64{60, 59, 58, 57, 56, 55, 3, 4}, claim(8), "a quarter stays for those")
	for range 12 { // of one at a time, chance decides
		require.Len(t, claim(1), 1)
	}
	require.Len(t, claim(1000), 100-1-4-8-12, "all but one, whose time has not come")
	require.Empty(t, claim(1000))
}
