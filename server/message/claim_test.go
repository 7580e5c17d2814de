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
	require.Equal(t, []int64{90}, claim(1), "who waits longest")
	require.ElementsMatch(t, []int64{80, 1, 2}, claim(3), "then those that nobody has looked at")
	require.Len(t, claim(1000), 95)
	require.Empty(t, claim(1000), "one waits still")
}
