package message_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestATapCountsForTheMessageThatHasTheButton: however old it is and whichever attempt arrived, where the campaign tracks clicks;
// and no word that somebody writes does.
func TestATapCountsForTheMessageThatHasTheButton(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, sql := range []string{
		"INSERT INTO contacts (address, match_key, kind) SELECT a, a, 'phone' FROM (VALUES ('+4915112340001'), ('+4915112340002')) v (a)",
		"INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 80)",
		"INSERT INTO campaigns (name, status, track_links) VALUES ('Old', 'completed', true), ('Quiet', 'completed', false), ('New', 'sending', true)",
		`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, status, sid, accepted_at) VALUES
			('outbound', 'campaign', 1, 1, 1, 'delivered', 'SM1', now() - interval '30 days'),
			('outbound', 'campaign', 2, 1, 1, 'delivered', 'SM2', now() - interval '1 day'),
			('outbound', 'campaign', 3, 1, 1, 'delivered', 'SM4', now()),
			('outbound', 'reply', NULL, 1, 1, 'delivered', 'SM5', now())`,
		"INSERT INTO message_attempts (sid, message_id, attempt, status) VALUES ('SM3', 3, 1, 'undelivered')",
	} {
		_, err := d.NewRaw(sql).Exec(t.Context())
		require.NoError(t, err, sql)
	}
	at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for _, c := range []struct {
		says     string
		contact  int64
		quoted   string
		tapped   bool
		at       time.Time
		campaign int64
		clicked  []int // messages that count as clicked since
	}{
		{"words to the newest one", 1, "", false, at, 3, nil},
		{"words that quote one", 1, "SM1", false, at, 1, nil},
		{"another's message", 2, "SM1", true, at, 0, nil},
		{"a message that has no campaign", 1, "SM5", true, at, 3, nil},
		{"tracking is off", 1, "SM2", true, at, 2, nil},
		{"a month old", 1, "SM1", true, at, 1, []int{1}},
		{"an earlier attempt", 1, "SM3", true, at, 3, []int{1, 3}},
		{"once more, known later but tapped before", 1, "SM4", true, at.Add(-time.Hour), 3, []int{1, 3}},
	} {
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			campaign, err := message.MarkReplied(ctx, tx, c.contact, c.quoted, false, c.tapped, c.at)
			require.Equal(t, c.campaign, campaign, c.says)
			return err
		}))
		var clicked []int
		require.NoError(t, d.NewRaw("SELECT id FROM messages WHERE clicked_at IS NOT NULL ORDER BY id").Scan(t.Context(), &clicked))
		require.Equal(t, c.clicked, clicked, c.says)
	}
	var last time.Time
	require.NoError(t, d.NewRaw("SELECT clicked_at FROM messages WHERE id = 3").Scan(t.Context(), &last))
	require.True(t, at.Add(-time.Hour).Equal(last), "%s", last)
}

// TestClicksStandInTheSeriesWhenTheyHappened, also those that are known late, and in any order.
func TestClicksStandInTheSeriesWhenTheyHappened(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, sql := range []string{
		"INSERT INTO contacts (address, match_key, kind) SELECT '+491511234000' || g, '+491511234000' || g, 'phone' FROM generate_series(1, 4) g",
		"INSERT INTO campaigns (name, status) VALUES ('Sale', 'completed')",
		`INSERT INTO messages (direction, purpose, campaign_id, contact_id, status, accepted_at)
			SELECT 'outbound', 'campaign', 1, id, 'delivered', now() FROM contacts ORDER BY id`,
	} {
		_, err := d.NewRaw(sql).Exec(t.Context())
		require.NoError(t, err, sql)
	}
	noon := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	mark := func(campaigns int, ids []int64, minutes ...int) {
		t.Helper()
		times := make([]time.Time, len(minutes))
		for i, m := range minutes {
			times[i] = noon.Add(time.Duration(m) * time.Minute)
		}
		require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			_, changed, err := message.MarkClicked(ctx, tx, ids, times)
			require.Len(t, changed, campaigns)
			return err
		}))
		var differing int
		require.NoError(t, d.NewRaw(`SELECT count(*) FROM (SELECT bucket, n FROM message_series WHERE measure = 'at:clicked' AND n <> 0) s
			FULL JOIN (SELECT date_bin('10 seconds', clicked_at, 'epoch') AS bucket, count(*) AS n FROM messages
				WHERE clicked_at IS NOT NULL GROUP BY 1) m USING (bucket) WHERE s.n IS DISTINCT FROM m.n`).Scan(t.Context(), &differing))
		require.Zero(t, differing, "the series says what the messages say")
	}
	mark(2, []int64{1, 2, 1}, 30, 30, 20)
	mark(0, []int64{1}, 25) // it was opened before
	mark(2, []int64{1, 2, 3}, 10, 40, 30)
	mark(1, []int64{4}, 60*24*365*100) // the clock of a server is ahead: not after it became known
	var at []string
	require.NoError(t, d.NewRaw("SELECT to_char(clicked_at AT TIME ZONE 'UTC', 'HH24:MI') FROM messages WHERE id < 4 ORDER BY id").Scan(t.Context(), &at))
	require.Equal(t, "12:10 12:30 12:30", strings.Join(at, " "))
	var late int
	require.NoError(t, d.NewRaw("SELECT count(*) FROM messages WHERE clicked_at > now()").Scan(t.Context(), &late))
	require.Zero(t, late)
}
