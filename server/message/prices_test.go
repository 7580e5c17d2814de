package message_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"eventstream/server/message"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"
)

// totals are what was charged, as kept and as the messages say.
func (b *bed) totals(t require.TestingT) (kept, said string) {
	const sums = `SELECT coalesce(string_agg(concat_ws('|', month, campaign_id, market, category, currency, n, unknown, meta, twilio), ';'
		ORDER BY month, campaign_id, market, category), '') FROM `
	require.NoError(t, b.NewRaw(sums+`(SELECT month, campaign_id, market, category, currency, messages AS n, unknown, meta, twilio FROM price_totals
		WHERE messages <> 0) x`).Scan(b.ctx, &kept))
	require.NoError(t, b.NewRaw(sums+`(SELECT price_month AS month, coalesce(campaign_id, 0) AS campaign_id, price_market AS market,
		price_category AS category, price_currency AS currency, count(*) AS n, count(*) FILTER (WHERE price_meta IS NULL) AS unknown,
		coalesce(sum(price_meta), 0) AS meta, sum(price_twilio) AS twilio FROM messages WHERE price_category IS NOT NULL GROUP BY 1, 2, 3, 4, 5) x`).Scan(b.ctx, &said))
	return kept, said
}

// Whatever receipts say, in whatever order and however often, what is kept as charged is what the messages cost.
func TestWhatIsChargedIsTheSumOfWhatMessagesCost(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	rapid.Check(t, func(t *rapid.T) {
		var batch []message.Receipt
		for range rapid.IntRange(1, 4).Draw(t, "messages") {
			sid := rapid.StringMatching(`SM[0-9a-f]{32}`).Draw(t, "sid")
			b.sent(t, rapid.SampledFrom([]string{"+491511234", "+91987650", "+97150123", "+82101234"}).Draw(t, "number"), sid)
			for range rapid.IntRange(1, 4).Draw(t, "receipts") {
				s := rapid.SampledFrom([]message.Status{
					message.StatusSent, message.StatusDelivered, message.StatusRead, message.StatusFailed, message.StatusUndelivered,
				}).Draw(t, "status")
				batch = append(batch, told(sid, s, len(batch)))
			}
		}
		batch = rapid.Permutation(batch).Draw(t, "order")
		for part := range slices.Chunk(batch, rapid.IntRange(1, len(batch)).Draw(t, "at once")) {
			b.apply(t, part...)
		}
		kept, said := b.totals(t)
		require.Equal(t, said, kept)
	})
	require.Positive(t, b.number(t, "SELECT count(*) FROM messages WHERE price_category = 'service' AND price_meta > 0"))
	require.Positive(t, b.number(t, "SELECT count(*) FROM messages WHERE price_category = 'twilio_failed' AND price_twilio = 1000 AND price_meta = 0"))
}

// The free service messages of a number are counted once, however many arrive at the same time.
func TestTheFreeServiceMessagesOfANumberAreNoMoreThanThereAre(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	require.NoError(t, b.NewRaw("INSERT INTO senders (address, display_name, rate_per_second, status) VALUES ('+4930123456', 'x', 80, 'active') RETURNING 1").Scan(b.ctx, new(int)))
	month := noon.Format("2006-01") + "-01"
	_, err := b.NewRaw("INSERT INTO price_services (sender_id, month, messages) SELECT id, ?::date, 997 FROM senders", month).Exec(b.ctx)
	require.NoError(t, err)
	var receipts []message.Receipt
	for _, sid := range []string{"SM1", "SM2", "SM3", "SM4", "SM5", "SM6", "SM7", "SM8"} {
		m := b.sent(t, "+491511234", sid)
		_, err := b.NewRaw("UPDATE messages SET sender_id = (SELECT id FROM senders), campaign_id = NULL, purpose = 'reply' WHERE id = ?", m.ID).Exec(b.ctx)
		require.NoError(t, err)
		receipts = append(receipts, told(sid, message.StatusDelivered, 1))
	}
	var all sync.WaitGroup
	for pair := range slices.Chunk(receipts, 2) {
		all.Go(func() {
			err := b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) error {
				_, err := b.receipts.Apply(ctx, tx, pair)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 3, b.number(t, "SELECT count(*) FROM messages WHERE price_meta = 0"))
	require.Equal(t, 5, b.number(t, "SELECT count(*) FROM messages WHERE price_meta = 55000"))
	b.apply(t, receipts...)
	require.Equal(t, 1005, b.number(t, "SELECT messages FROM price_services"), "a receipt that comes again counts nothing")
}

// WhatsApp keeps a window for each contact and sender: what somebody wrote to one number makes nothing cheaper at another.
func TestAWindowBelongsToAContactAndASender(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	senders := make([]int64, 2)
	for i := range senders {
		require.NoError(t, b.NewRaw("INSERT INTO senders (address, display_name, rate_per_second) VALUES (?, 'Shop', 80) RETURNING id", fmt.Sprintf("+4930%07d", i)).
			Scan(b.ctx, &senders[i]))
	}
	m := b.sent(t, "+491511234", "SM1")
	_, err := b.NewRaw("UPDATE messages SET sender_id = ?, accepted_at = clock_timestamp() WHERE id = ?", senders[0], m.ID).Exec(b.ctx)
	require.NoError(t, err)
	open := func() (found map[int64]bool) {
		require.NoError(t, b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			found, err = message.WindowsThen(ctx, tx, []int64{m.ID})
			return err
		}))
		return found
	}
	for i, want := range []bool{false, true} { // they write to the other one first
		require.NoError(t, message.Insert(b.ctx, b.DB, &message.Message{
			Direction: message.Inbound, Purpose: message.PurposeInbound, ContactID: m.ContactID, SenderID: &senders[1-i], Status: message.StatusReceived,
			CreatedAt: time.Now().Add(-time.Hour),
		}))
		require.Equal(t, want, open()[m.ID])
	}
}
