package reconcile

import (
	"testing"
	"time"

	"eventstream/server/message"
	"eventstream/server/price"

	"github.com/stretchr/testify/require"
)

// A few messages of each campaign are held against what Twilio's log says that they cost; it is asked again until it tells.
func TestTwiliosPricesStandBesideOurs(t *testing.T) {
	t.Parallel()
	e := catchUp(t)
	ctx := t.Context()
	for i := range 30 {
		e.message(1, i+1, message.StatusDelivered, 3*time.Hour)
	}
	e.exec(`UPDATE messages SET delivered_at = now() - interval '2 hours', price_month = date_trunc('month', now()), price_market = 'Germany',
		price_category = 'marketing', price_currency = 'USD', price_meta = 136500, price_twilio = 5000 WHERE contact_id <= 20`)
	e.exec("INSERT INTO price_totals (month, campaign_id, market, category, currency, messages, unknown, meta, twilio) SELECT date_trunc('month', now()), 1, 'Germany', 'marketing', 'USD', 20, 0, 20 * 136500, 20 * 5000")
	count := func(sql string) (n int) {
		require.NoError(t, e.db.NewRaw(sql).Scan(ctx, &n))
		return n
	}
	require.Eventually(t, func() bool { // each run draws from a random place on
		_, err := e.ReadPrices(ctx, PricesBatch)
		require.NoError(t, err)
		return count("SELECT count(*) FROM price_samples") >= 20
	}, time.Minute, time.Millisecond)
	require.Equal(t, 20, count("SELECT count(*) FROM price_samples"), "all that have a price, and no other")
	require.Equal(t, 20, count("SELECT count(*) FROM price_samples WHERE asked = 1 AND reported IS NULL"), "nothing was told, and it is not asked again within the hour")

	amount := price.Micros(5000)
	for i := range 10 {
		sid := "SM1-" + string(rune('1'+i%9))
		e.log.entries[sid] = message.Logged{SID: sid, Direction: message.Outbound, Price: &amount, PriceCurrency: "USD"}
	}
	e.exec("UPDATE price_samples SET asked_at = now() - interval '2 hours'")
	n, err := e.ReadPrices(ctx, PricesBatch)
	require.NoError(t, err)
	require.Equal(t, 20, n)
	found, err := price.NewService(e.db).Comparisons(ctx, time.Now(), 1)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, []any{int64(9), price.Micros(9 * 141500), price.Micros(9 * 5000)}, []any{found[0].Messages, found[0].Charged, found[0].Reported})
	for range 6 {
		e.exec("UPDATE price_samples SET asked_at = now() - interval '2 hours'")
		_, err = e.ReadPrices(ctx, PricesBatch)
		require.NoError(t, err)
	}
	require.Zero(t, count("SELECT count(*) FROM price_samples WHERE asked > 5"), "whoever tells nothing is left alone")
}
