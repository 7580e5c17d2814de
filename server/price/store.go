package price

import (
	"cmp"
	"context"
	"slices"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func ownRates(ctx context.Context, idb bun.IDB) ([]Rate, error) {
	var rows []struct {
		Market, Category, Currency, Source string
		FromMessages, Price                int64
		Since                              time.Time
		Doubtful                           bool
	}
	err := idb.NewRaw("SELECT market, category, currency, from_messages, since, price, doubtful, source FROM price_rates").Scan(ctx, &rows)
	rates := make([]Rate, len(rows))
	for i, r := range rows {
		rates[i] = Rate{
			Key: Key{r.Market, Category(r.Category), r.FromMessages, r.Currency}, Since: r.Since.UTC(), Price: Micros(r.Price),
			Doubtful: r.Doubtful, Source: r.Source, Own: true,
		}
	}
	return rates, db.Err(err)
}

// arrays are keys and days of rates, for unnest.
func arrays(rates []Rate) (markets, categories, currencies, days []string, from []int64) {
	for _, r := range rates {
		markets, categories, currencies = append(markets, r.Market), append(categories, string(r.Category)), append(currencies, r.Currency)
		days, from = append(days, r.Since.Format(time.DateOnly)), append(from, r.From)
	}
	return markets, categories, currencies, days, from
}

func saveRates(ctx context.Context, tx bun.Tx, rates []Rate) error {
	if len(rates) == 0 {
		return nil
	}
	markets, categories, currencies, days, from := arrays(rates)
	prices, doubts, sources := make([]int64, len(rates)), make([]bool, len(rates)), make([]string, len(rates))
	for i, r := range rates {
		prices[i], doubts[i], sources[i] = int64(r.Price), r.Doubtful, r.Source
	}
	_, err := tx.NewRaw(`
		INSERT INTO price_rates (market, category, currency, since, from_messages, price, doubtful, source)
		SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::date[], ?::bigint[], ?::bigint[], ?::boolean[], ?::text[])
		ON CONFLICT (market, category, from_messages, currency, since) DO UPDATE
			SET price = excluded.price, doubtful = excluded.doubtful, source = excluded.source, updated_at = clock_timestamp()`,
		pgdialect.Array(markets), pgdialect.Array(categories), pgdialect.Array(currencies), pgdialect.Array(days), pgdialect.Array(from),
		pgdialect.Array(prices), pgdialect.Array(doubts), pgdialect.Array(sources)).Exec(ctx)
	return db.Err(err)
}

func removeRates(ctx context.Context, tx bun.Tx, rates []Rate) error {
	if len(rates) == 0 {
		return nil
	}
	markets, categories, currencies, days, from := arrays(rates)
	_, err := tx.NewRaw(`
		DELETE FROM price_rates p USING unnest(?::text[], ?::text[], ?::text[], ?::date[], ?::bigint[]) u (market, category, currency, since, n)
		WHERE p.market = u.market AND p.category = u.category AND p.currency = u.currency AND p.since = u.since AND p.from_messages = u.n`,
		pgdialect.Array(markets), pgdialect.Array(categories), pgdialect.Array(currencies), pgdialect.Array(days),
		pgdialect.Array(from)).Exec(ctx)
	return db.Err(err)
}

// AddCharged adds to what was charged, or takes from it where a message turned out to cost something else. It is the last
// that a transaction does, and goes by the order of the rows, so that none waits for another crosswise.
func AddCharged(p *db.Pipeline, entries []Charged) {
	type key struct {
		month, market, category, currency string
		campaign                          int64
	}
	sums, released := map[key]*Charged{}, map[int64]Micros{}
	for _, e := range entries {
		released[e.CampaignID] -= e.Released
		k := key{e.Month.Format(time.DateOnly), e.Market, string(e.Category), e.Currency, e.CampaignID}
		if sums[k] == nil {
			sums[k] = &Charged{}
		}
		sums[k].Messages += e.Messages
		sums[k].Unknown += e.Unknown
		sums[k].Meta += e.Meta
		sums[k].Twilio += e.Twilio
	}
	keys := make([]key, 0, len(sums))
	for k, sum := range sums {
		if *sum != (Charged{}) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		addReserved(p, released)
		return
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.month, b.month), cmp.Compare(a.campaign, b.campaign), cmp.Compare(a.market, b.market),
			cmp.Compare(a.category, b.category), cmp.Compare(a.currency, b.currency))
	})
	n := len(keys)
	months, campaigns, markets, categories, currencies := make([]string, n), make([]int64, n), make([]string, n), make([]string, n), make([]string, n)
	messages, unknown, meta, twilio := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, k := range keys {
		months[i], campaigns[i], markets[i], categories[i], currencies[i] = k.month, k.campaign, k.market, k.category, k.currency
		messages[i], unknown[i], meta[i], twilio[i] = sums[k].Messages, sums[k].Unknown, int64(sums[k].Meta), int64(sums[k].Twilio)
	}
	p.Exec(`
		INSERT INTO price_totals AS t (month, campaign_id, market, category, currency, messages, unknown, meta, twilio)
		SELECT month::date, campaign, market, category, currency, messages, unknown, meta, twilio
		FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
			AS u (month, campaign, market, category, currency, messages, unknown, meta, twilio)
		ON CONFLICT (month, campaign_id, market, category, currency) DO UPDATE
			SET messages = t.messages + excluded.messages, unknown = t.unknown + excluded.unknown, meta = t.meta + excluded.meta,
				twilio = t.twilio + excluded.twilio`,
		months, campaigns, markets, categories, currencies, messages, unknown, meta, twilio)
	addReserved(p, released)
}

// TakeFree counts n service messages of a sender in a month, and tells how many of them are free.
func TakeFree(ctx context.Context, tx bun.Tx, sender int64, month time.Time, n int64) (free int64, err error) {
	var total int64
	err = tx.NewRaw(`
		INSERT INTO price_services AS p (sender_id, month, messages) VALUES (?, ?::date, ?)
		ON CONFLICT (sender_id, month) DO UPDATE SET messages = p.messages + excluded.messages RETURNING messages`,
		sender, month.Format(time.DateOnly), n).Scan(ctx, &total)
	return min(max(FreeService-(total-n), 0), n), db.Err(err)
}

func servicesOf(ctx context.Context, idb bun.IDB, sender int64, month time.Time) (n int64, err error) {
	err = idb.NewRaw("SELECT coalesce(sum(messages), 0) FROM price_services WHERE sender_id = ? AND month = ?::date",
		sender, month.Format(time.DateOnly)).Scan(ctx, &n)
	return n, db.Err(err)
}

func chargedOf(ctx context.Context, idb bun.IDB, campaigns []int64) (map[int64][]Charged, error) {
	var rows []Charged
	err := idb.NewRaw(`
		SELECT campaign_id, market, category, currency, sum(messages) AS messages, sum(unknown) AS unknown, sum(meta) AS meta, sum(twilio) AS twilio FROM price_totals
		WHERE campaign_id = ANY (?) AND campaign_id > 0 GROUP BY 1, 2, 3, 4 HAVING sum(messages) > 0
		ORDER BY sum(meta + twilio) DESC, market, category`, pgdialect.Array(campaigns)).Scan(ctx, &rows)
	found := make(map[int64][]Charged, len(campaigns))
	for _, id := range campaigns {
		found[id] = nil // nothing yet
	}
	for _, r := range rows {
		found[r.CampaignID] = append(found[r.CampaignID], r)
	}
	return found, db.Err(err)
}

func chargedIn(ctx context.Context, idb bun.IDB, first, last time.Time) (rows []Charged, err error) {
	err = idb.NewRaw(`
		SELECT month, market, category, currency, sum(messages) AS messages, sum(unknown) AS unknown, sum(meta) AS meta, sum(twilio) AS twilio FROM price_totals
		WHERE month BETWEEN ?::date AND ?::date GROUP BY 1, 2, 3, 4 HAVING sum(messages) > 0
		ORDER BY month DESC, sum(meta + twilio) DESC, market, category`, first.Format(time.DateOnly), last.Format(time.DateOnly)).Scan(ctx, &rows)
	for i := range rows {
		rows[i].Month = rows[i].Month.UTC()
	}
	return rows, db.Err(err)
}

// received is how many messages came in, by the series that the dashboard shows.
func received(ctx context.Context, idb bun.IDB, from, to time.Time) (n int64, err error) {
	err = idb.NewRaw("SELECT coalesce(sum(n), 0) FROM message_series WHERE measure = 'received' AND bucket >= ? AND bucket < ?", from, to).Scan(ctx, &n)
	return n, db.Err(err)
}

// lockMonthly reads the monthly budget, and keeps others from reserving while there is one.
func lockMonthly(ctx context.Context, tx bun.Tx) (*Budget, error) {
	if _, err := tx.NewRaw("SELECT 1 FROM settings WHERE key = ? FOR NO KEY UPDATE", MonthlyBudget).Exec(ctx); err != nil {
		return nil, db.Err(err)
	}
	return Monthly(ctx, tx)
}

func lockReserved(ctx context.Context, tx bun.Tx, campaign int64) error {
	_, err := tx.NewRaw("INSERT INTO price_reservations (campaign_id, reserved) VALUES (?, 0) ON CONFLICT DO NOTHING", campaign).Exec(ctx)
	if err == nil {
		_, err = tx.NewRaw("SELECT 1 FROM price_reservations WHERE campaign_id = ? FOR NO KEY UPDATE", campaign).Exec(ctx)
	}
	return db.Err(err)
}

// budgetOf is a campaign's budget, nil for none, and what counts against it, at one moment.
func budgetOf(ctx context.Context, idb bun.IDB, campaign int64) (*Budget, Spent, error) {
	found, err := budgetsOf(ctx, idb, []int64{campaign})
	b := found[campaign]
	if err != nil || b == nil {
		return nil, Spent{}, err
	}
	return &b.Budget, b.Spent, nil
}

// CampaignBudget is a campaign's budget with what counts against it.
type CampaignBudget struct {
	Budget
	Spent
}

func budgetsOf(ctx context.Context, idb bun.IDB, campaigns []int64) (map[int64]*CampaignBudget, error) {
	var rows []struct {
		ID                int64
		Budget            *int64
		BudgetCurrency    string
		Charged, Reserved int64
	}
	err := idb.NewRaw(`
		SELECT ca.id, ca.budget, ca.budget_currency,
			(SELECT coalesce(sum(meta + twilio), 0) FROM price_totals t WHERE t.campaign_id = ca.id AND t.currency = ca.budget_currency) AS charged,
			coalesce((SELECT reserved FROM price_reservations r WHERE r.campaign_id = ca.id), 0) AS reserved
		FROM campaigns ca WHERE ca.id = ANY (?)`, pgdialect.Array(campaigns)).Scan(ctx, &rows)
	found := make(map[int64]*CampaignBudget, len(campaigns))
	for _, id := range campaigns {
		found[id] = nil // none
	}
	for _, r := range rows {
		if r.Budget != nil {
			found[r.ID] = &CampaignBudget{Budget{Micros(*r.Budget), r.BudgetCurrency}, Spent{Micros(r.Charged), Micros(r.Reserved)}}
		}
	}
	return found, db.Err(err)
}

// spentIn is what counts against the budget of a month: what was charged in it, and all that is reserved, which is charged when it arrives.
func spentIn(ctx context.Context, idb bun.IDB, month time.Time, currency string) (s Spent, err error) {
	err = idb.NewRaw(`
		SELECT (SELECT coalesce(sum(meta + twilio), 0) FROM price_totals WHERE month = ?::date AND currency = ?) AS charged,
			(SELECT coalesce(sum(reserved), 0) FROM price_reservations WHERE reserved > 0) AS reserved`,
		month.Format(time.DateOnly), currency).Scan(ctx, &s)
	return s, db.Err(err)
}

// AddReserved changes what campaigns have reserved. It is the last that a transaction does, in the order of the campaigns.
func AddReserved(ctx context.Context, tx bun.Tx, by map[int64]Micros) error {
	p := new(db.Pipeline)
	addReserved(p, by)
	return p.Send(ctx, tx)
}

func addReserved(p *db.Pipeline, by map[int64]Micros) {
	ids := make([]int64, 0, len(by))
	for id, n := range by {
		if n != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	amounts := make([]int64, len(ids))
	for i, id := range ids {
		amounts[i] = int64(by[id])
	}
	p.Exec(`
		INSERT INTO price_reservations AS r (campaign_id, reserved) SELECT * FROM unnest($1::bigint[], $2::bigint[])
		ON CONFLICT (campaign_id) DO UPDATE SET reserved = r.reserved + excluded.reserved`, ids, amounts)
}

// SetReserved sets what a campaign has reserved, after it was counted anew.
func SetReserved(ctx context.Context, tx bun.Tx, campaign int64, reserved Micros) error {
	_, err := tx.NewRaw(`
		INSERT INTO price_reservations (campaign_id, reserved) VALUES (?, ?)
		ON CONFLICT (campaign_id) DO UPDATE SET reserved = excluded.reserved`, campaign, int64(reserved)).Exec(ctx)
	return db.Err(err)
}

func comparedSince(ctx context.Context, idb bun.IDB, first time.Time) (rows []Compared, err error) {
	err = idb.NewRaw(`
		SELECT month, currency, count(*) AS messages, sum(charged) AS charged, sum(reported) AS reported FROM price_samples
		WHERE reported IS NOT NULL AND reported_currency = currency AND month >= ?::date GROUP BY 1, 2 ORDER BY 1 DESC, 2`,
		first.Format(time.DateOnly)).Scan(ctx, &rows)
	for i := range rows {
		rows[i].Month = rows[i].Month.UTC()
	}
	return rows, db.Err(err)
}

func reportedOf(ctx context.Context, idb bun.IDB, messages []int64) (map[int64]*Reported, error) {
	var rows []struct {
		MessageID, Reported int64
		ReportedCurrency    string
	}
	err := idb.NewRaw("SELECT message_id, reported, reported_currency FROM price_samples WHERE message_id = ANY (?) AND reported IS NOT NULL",
		pgdialect.Array(messages)).Scan(ctx, &rows)
	found := make(map[int64]*Reported, len(messages))
	for _, id := range messages {
		found[id] = nil
	}
	for _, r := range rows {
		found[r.MessageID] = &Reported{Micros(r.Reported), r.ReportedCurrency}
	}
	return found, db.Err(err)
}
