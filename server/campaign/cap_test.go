package campaign_test

import (
	"testing"

	"eventstream/server/campaign"
	"eventstream/server/db/dbtest"
	"eventstream/server/gate"

	"github.com/stretchr/testify/require"
)

// What the sandbox took has reached nobody: it uses up no cap once Twilio is live. What
// another program sent, as a log brought it, has.
func TestACapCountsWhatReachedPeople(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	exec := func(sql string) {
		t.Helper()
		_, err := d.NewRaw(sql).Exec(t.Context())
		require.NoError(t, err)
	}
	exec(`INSERT INTO contacts (address, match_key, kind) VALUES ('+4915112340001', '+4915112340001', 'phone')`)
	exec(`INSERT INTO senders (address, display_name, rate_per_second, status) VALUES ('+14155238886', 'Shop', 80, 'active')`)
	exec(`INSERT INTO campaigns (name, status) VALUES ('Tried out', 'completed'), ('The next', 'sending')`)
	exec(`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, status, sid, accepted_at)
		VALUES ('outbound', 'campaign', 1, 1, 1, 'delivered', 'SM1', now()), ('outbound', 'history', NULL, 1, NULL, 'delivered', 'SM2', now())`)
	accepted := func() int {
		t.Helper()
		c := &campaign.Campaign{ID: 2, FrequencyCap: &gate.FrequencyCap{Messages: 3, Days: 7}}
		found, err := campaign.RecentOf(t.Context(), d, c, []int64{1})
		require.NoError(t, err)
		return found[1].Accepted
	}
	require.Equal(t, 2, accepted(), "the sandbox is in use, and counts its own")
	exec(`INSERT INTO provider_periods (provider, account, began_at) VALUES ('twilio', 'AC1', now())`)
	require.Equal(t, 1, accepted())
}
