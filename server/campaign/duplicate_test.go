package campaign_test

import (
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/campaign"
	"eventstream/server/db/dbtest"
	"eventstream/server/pubsub"
	"eventstream/server/sender"

	"github.com/stretchr/testify/require"
)

// TestADuplicateHasNoSenderThatWasRetired: what was tried out is made anew for Twilio, with senders of it alone.
func TestADuplicateHasNoSenderThatWasRetired(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ctx := actor.With(t.Context(), actor.System)
	s := campaign.NewService(campaign.Dependencies{
		DB: d, Now: time.Now, Senders: sender.NewService(d), Hub: pubsub.New(d.Pool, slog.New(slog.DiscardHandler)),
	})
	for _, sql := range []string{
		"INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Sandbox', 80), ('+4930901820', 'Shop', 80)",
		"INSERT INTO campaigns (name, status) VALUES ('Alone', 'draft'), ('Several', 'draft')",
		"INSERT INTO campaign_senders (campaign_id, sender_id, weight, position) VALUES (1, 1, 1, 1), (2, 1, 1, 1), (2, 2, 3, 2)",
		"UPDATE campaigns SET sender_id = 1 WHERE id = 1",
	} {
		_, err := d.NewRaw(sql).Exec(ctx)
		require.NoError(t, err, sql)
	}
	duplicated := func(id int64) (alone *int64, shares campaign.Shares) {
		t.Helper()
		c, err := s.Duplicate(ctx, id)
		require.NoError(t, err)
		c, err = s.ByID(ctx, c.ID)
		require.NoError(t, err)
		found, err := s.SharesOf(ctx, []int64{c.ID})
		require.NoError(t, err)
		return c.SenderID, found[c.ID]
	}
	alone, shares := duplicated(1)
	require.Equal(t, int64(1), *alone)
	require.Equal(t, campaign.Shares{{SenderID: 1, Weight: 1}}, shares)
	for _, sql := range []string{
		"INSERT INTO provider_periods (provider, account, began_at) VALUES ('twilio', 'AC1', now())",
		"UPDATE senders SET provider = 'twilio' WHERE id = 2",
	} {
		_, err := d.NewRaw(sql).Exec(ctx)
		require.NoError(t, err, sql)
	}
	alone, shares = duplicated(1)
	require.Nil(t, alone)
	require.Empty(t, shares)
	_, shares = duplicated(2)
	require.Equal(t, campaign.Shares{{SenderID: 2, Weight: 3}}, shares)
}
