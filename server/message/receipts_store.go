package message

import (
	"cmp"
	"context"
	"slices"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Lock reads messages by our id or by SID and locks them in order of id, so
// that two batches never wait for each other.
func Lock(ctx context.Context, tx bun.Tx, ids []int64, sids []string) (rows []*Message, err error) {
	err = tx.NewSelect().Model(&rows).Where("m.id = ANY (?) OR m.sid = ANY (?)", pgdialect.Array(ids),
		pgdialect.Array(sids)).Order("m.id").For("UPDATE").Scan(ctx)
	return rows, db.Err(err)
}

// addProgress writes back what Advance changed.
func addProgress(p *db.Pipeline, rows []*Message) {
	if len(rows) == 0 {
		return
	}
	n := len(rows)
	ids, status, sids, codes, texts := make([]int64, n), make([]string, n), make([]string, n), make([]int64, n),
		make([]string, n)
	var times [5][]*time.Time
	for i := range times {
		times[i] = make([]*time.Time, n)
	}
	prices := make([]string, n)
	for i, m := range rows {
		prices[i] = m.newPrice()
		ids[i], status[i], codes[i], texts[i] = m.ID, string(m.Status), int64(m.ErrorCode), m.ErrorMessage
		if m.SID != nil {
			sids[i] = *m.SID
		}
		times[0][i], times[1][i], times[2][i], times[3][i], times[4][i] = m.AcceptedAt, m.SentAt, m.DeliveredAt, m.ReadAt,
			m.EndedAt
	}
	p.Exec(`
		UPDATE messages m SET status = u.status, sid = nullif(u.sid, ''), error_code = u.code, error_message = u.text,
			accepted_at = u.accepted, sent_at = u.sent, delivered_at = u.delivered, read_at = u.read, ended_at = u.ended,
			lease_until = CASE WHEN u.status IN ('submitting', 'unknown') THEN m.lease_until END,
			price_month = CASE WHEN u.price = '' THEN m.price_month ELSE split_part(u.price, '|', 1)::date END,
			price_market = CASE WHEN u.price = '' THEN m.price_market ELSE split_part(u.price, '|', 2) END,
			price_category = CASE WHEN u.price = '' THEN m.price_category ELSE split_part(u.price, '|', 3) END,
			price_currency = CASE WHEN u.price = '' THEN m.price_currency ELSE split_part(u.price, '|', 4) END,
			price_meta = CASE WHEN u.price = '' THEN m.price_meta ELSE nullif(split_part(u.price, '|', 5), '')::bigint END,
			price_reserved = CASE WHEN u.price = '' THEN m.price_reserved END,
			price_twilio = CASE WHEN u.price = '' THEN m.price_twilio ELSE nullif(split_part(u.price, '|', 6), '')::bigint END
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::timestamptz[],
			$8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[])
			AS u (id, status, sid, code, text, accepted, sent, delivered, read, ended, price)
		WHERE m.id = u.id`,
		ids, status, sids, codes, texts, times[0], times[1], times[2], times[3], times[4], prices)
}

// DeliveryEvent is one row of a message's history at the provider.
type DeliveryEvent struct {
	bun.BaseModel `bun:"table:delivery_events,alias:de"`

	ID             int64     `bun:",pk,autoincrement"`
	MessageID      int64     //
	SID            string    `bun:"sid"`
	Status         Status    //
	ErrorCode      int       //
	WebhookEventID *int64    //
	OccurredAt     time.Time //
	ReceivedAt     time.Time `bun:",nullzero"`
}

// addHistory keeps the events that are new, in one order for every writer,
// and gives their ids.
func addHistory(p *db.Pipeline, events []*DeliveryEvent, ids *[]int64) {
	if len(events) == 0 {
		return
	}
	slices.SortStableFunc(events, func(a, b *DeliveryEvent) int {
		return cmp.Or(cmp.Compare(a.SID, b.SID), cmp.Compare(a.Status, b.Status), cmp.Compare(a.ErrorCode, b.ErrorCode))
	})
	n := len(events)
	messages, sids, status, codes := make([]int64, n), make([]string, n), make([]string, n), make([]int64, n)
	webhooks, at := make([]int64, n), make([]*time.Time, n)
	for i, e := range events {
		messages[i], sids[i], status[i], codes[i], at[i] = e.MessageID, e.SID, string(e.Status), int64(e.ErrorCode),
			&e.OccurredAt
		if e.WebhookEventID != nil {
			webhooks[i] = *e.WebhookEventID
		}
	}
	p.Query(func(row db.Row) error {
		var id int64
		err := row.Scan(&id)
		*ids = append(*ids, id)
		return err
	}, `
		INSERT INTO delivery_events (message_id, sid, status, error_code, webhook_event_id, occurred_at)
		SELECT message_id, sid, status, code, nullif(webhook, 0), at
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::timestamptz[])
			AS u (message_id, sid, status, code, webhook, at)
		ON CONFLICT DO NOTHING RETURNING id`,
		messages, sids, status, codes, webhooks, at)
}

// KnownSIDs tells which of these SIDs belong to messages of ours, as their present
// attempt or an earlier one.
func KnownSIDs(ctx context.Context, idb bun.IDB, sids []string) (map[string]bool, error) {
	var found []string
	err := idb.NewRaw("SELECT sid FROM messages WHERE sid = ANY (?0::text[]) UNION ALL SELECT sid FROM message_attempts WHERE sid = ANY (?0::text[])",
		pgdialect.Array(sids)).Scan(ctx, &found)
	known := make(map[string]bool, len(found))
	for _, sid := range found {
		known[sid] = true
	}
	return known, db.Err(err)
}

// MarkReplied notes on the campaign message that the contact answered: the one they quoted, however old it is and whichever
// attempt they got, else the newest of the last seven days. Whoever answered by a button of the message has clicked, too, where
// its campaign tracks that: at is when. It gives its campaign.
func MarkReplied(ctx context.Context, tx bun.Tx, contactID int64, quotedSID string,
	optedOut, tapped bool, at time.Time,
) (campaignID int64, err error) {
	const ofCampaign = "contact_id = ?0 AND direction = 'outbound' AND campaign_id IS NOT NULL"
	var ids []int64
	err = tx.NewRaw(`
		WITH answered AS (SELECT id, quoted FROM (
			SELECT id, true AS quoted FROM messages WHERE sid = ?1 AND `+ofCampaign+`
			UNION ALL SELECT id, true FROM messages WHERE id IN (SELECT message_id FROM message_attempts WHERE sid = ?1) AND `+ofCampaign+`
			UNION ALL (SELECT id, false FROM messages WHERE `+ofCampaign+` AND accepted_at > now() - interval '7 days'
				ORDER BY id DESC LIMIT 1)) found ORDER BY quoted DESC, id DESC LIMIT 1)
		UPDATE messages m SET replied_at = coalesce(m.replied_at, clock_timestamp()),
			opted_out_at = CASE WHEN ?2 THEN coalesce(m.opted_out_at, clock_timestamp()) ELSE m.opted_out_at END,
			clicked_at = CASE WHEN ?3 AND answered.quoted AND (SELECT c.track_links FROM campaigns c WHERE c.id = m.campaign_id)
				THEN least(m.clicked_at, ?4::timestamptz, clock_timestamp()) ELSE m.clicked_at END
		FROM answered WHERE m.id = answered.id RETURNING m.campaign_id`, contactID, quotedSID, optedOut, tapped, at).Scan(ctx, &ids)
	if len(ids) > 0 {
		campaignID = ids[0]
	}
	return campaignID, db.Err(err)
}

// locate tells to which messages these SIDs belong, without a lock: as their
// present attempt, else as an old one.
func locate(ctx context.Context, tx bun.Tx, sids []string) (map[string]place, error) {
	found, p := make(map[string]place, len(sids)), new(db.Pipeline)
	addLocate(p, sids, found)
	return found, p.Send(ctx, tx)
}

func addLocate(p *db.Pipeline, sids []string, found map[string]place) {
	if len(sids) == 0 {
		return
	}
	p.Query(func(row db.Row) error {
		var sid string
		var at place
		if err := row.Scan(&sid, &at.MessageID, &at.ContactID, &at.Old); err != nil {
			return err
		}
		if before, ok := found[sid]; !ok || before.Old {
			found[sid] = at
		}
		return nil
	}, `
		SELECT m.sid, m.id, m.contact_id, false FROM messages m WHERE m.sid = ANY ($1)
		UNION ALL
		SELECT a.sid, m.id, m.contact_id, true FROM message_attempts a JOIN messages m ON m.id = a.message_id
		WHERE a.sid = ANY ($1)`, sids)
}

func contactsOf(ctx context.Context, tx bun.Tx, messageIDs []int64) (ids []int64, err error) {
	if len(messageIDs) == 0 {
		return nil, nil
	}
	err = tx.NewRaw("SELECT contact_id FROM messages WHERE id = ANY (?::bigint[])",
		pgdialect.Array(messageIDs)).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// addLock locks messages in order of id, those with an id and those to which a SID belongs or belonged, and reads what
// receipts change and what they need to know for that. Their keys do not change, so whoever only points to them need not
// wait.
func addLock(p *db.Pipeline, ids []int64, sids []string, messages map[int64]*Message) {
	p.Query(func(row db.Row) error {
		m := new(Message)
		err := row.Scan(&m.ID, (*string)(&m.Direction), (*string)(&m.Purpose), &m.CampaignID, &m.ContactID, &m.SenderID,
			&m.TemplateVersionID, (*string)(&m.Status), &m.SID, &m.ErrorCode, &m.ErrorMessage, &m.LeaseUntil, &m.Redeliveries,
			&m.AcceptedAt, &m.SentAt, &m.DeliveredAt, &m.ReadAt, &m.EndedAt, &m.Price.Month, &m.Price.Market,
			(*string)(&m.Price.Category), &m.Price.Currency, &m.Price.Meta, &m.Price.Twilio,
			&m.Price.Reserved)
		messages[m.ID] = m
		return err
	}, `
		SELECT m.id, m.direction, m.purpose, m.campaign_id, m.contact_id, m.sender_id, m.template_version_id, m.status, m.sid,
			m.error_code, m.error_message, m.lease_until, m.redeliveries, m.accepted_at, m.sent_at, m.delivered_at, m.read_at,
			m.ended_at, m.price_month, coalesce(m.price_market, ''), coalesce(m.price_category, ''), coalesce(m.price_currency, ''),
			m.price_meta, m.price_twilio, m.price_reserved
		FROM messages m WHERE m.id = ANY (ARRAY(
			SELECT unnest($1::bigint[]) UNION SELECT id FROM messages WHERE sid = ANY ($2)
			UNION SELECT message_id FROM message_attempts WHERE sid = ANY ($2)))
		ORDER BY m.id FOR NO KEY UPDATE`, ids, sids)
}

// redeliveryFacts reads what decides whether failed messages are sent again,
// in order of id, with the time by Postgres' clock.
func redeliveryFacts(ctx context.Context, tx bun.Tx, ids []int64) (rows []redeliveryFact, err error) {
	err = tx.NewRaw(`
		SELECT m.id, m.redeliveries, c.region, ca.status AS campaign_status, ca.ends_at, clock_timestamp() AS now
		FROM messages m JOIN contacts c ON c.id = m.contact_id JOIN campaigns ca ON ca.id = m.campaign_id
		WHERE m.id = ANY (?::bigint[]) ORDER BY m.id`, pgdialect.Array(ids)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// requeue archives the attempt that messages failed with and makes them pending
// again. The code of that attempt stays visible until the next one is accepted.
// With the attempt its claim ends: receipts may be faster than the answer to the
// call, and what the worker then writes must not bring the attempt back.
func requeue(ctx context.Context, tx bun.Tx, rows []*Message, delays []time.Duration) error {
	if len(rows) == 0 {
		return nil
	}
	n := len(rows)
	ids, sids, codes, texts, seconds := make([]int64, n), make([]string, n), make([]int64, n), make([]string, n),
		make([]float64, n)
	status := make([]string, n)
	var times [3][]*time.Time
	for i := range times {
		times[i] = make([]*time.Time, n)
	}
	for i, m := range rows {
		ids[i], sids[i], codes[i], texts[i], seconds[i] = m.ID, *m.SID, int64(m.ErrorCode), m.ErrorMessage,
			delays[i].Seconds()
		status[i] = string(m.Status)
		times[0][i], times[1][i], times[2][i] = m.AcceptedAt, m.SentAt, m.EndedAt
	}
	_, err := tx.NewRaw(`
		INSERT INTO message_attempts (sid, message_id, attempt, status, error_code, submitted_at, accepted_at, ended_at)
		SELECT u.sid, m.id, m.fence, u.status, u.code, m.submitted_at, u.accepted, u.ended
		FROM unnest(?::bigint[], ?::text[], ?::text[], ?::int[], ?::timestamptz[], ?::timestamptz[])
			AS u (id, sid, status, code, accepted, ended) JOIN messages m ON m.id = u.id ORDER BY u.sid
		ON CONFLICT (sid) DO NOTHING`,
		pgdialect.Array(ids), pgdialect.Array(sids), pgdialect.Array(status), pgdialect.Array(codes),
		db.TimeArray(times[0]), db.TimeArray(times[2])).Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	_, err = tx.NewRaw(`
		UPDATE messages m SET status = 'pending', sid = NULL, lease_until = NULL, ended_at = NULL,
			accepted_at = u.accepted, sent_at = u.sent, error_code = u.code, error_message = u.text,
			not_before = clock_timestamp() + make_interval(secs => u.seconds), not_before_reason = 'redeliver',
			redeliveries = m.redeliveries + 1, fence = m.fence + 1
		FROM unnest(?::bigint[], ?::int[], ?::text[], ?::float8[], ?::timestamptz[], ?::timestamptz[])
			AS u (id, code, text, seconds, accepted, sent)
		WHERE m.id = u.id`,
		pgdialect.Array(ids), pgdialect.Array(codes), pgdialect.Array(texts), pgdialect.Array(seconds),
		db.TimeArray(times[0]), db.TimeArray(times[1])).Exec(ctx)
	return db.Err(err)
}

// saveAttempts notes what became of old attempts.
func saveAttempts(ctx context.Context, tx bun.Tx, byID map[string]Status) error {
	if len(byID) == 0 {
		return nil
	}
	sids := sortedKeys(byID)
	status := make([]string, len(sids))
	for i, sid := range sids {
		status[i] = string(byID[sid])
	}
	ranks := make([]int64, len(sids))
	for i, sid := range sids {
		ranks[i] = int64(rank[byID[sid]])
	}
	order, names := make([]int64, 0, len(rank)), make([]string, 0, len(rank))
	for _, s := range sortedKeys(rank) {
		order, names = append(order, int64(rank[s])), append(names, string(s))
	}
	_, err := tx.NewRaw(`
		UPDATE message_attempts a SET status = u.status FROM unnest(?::text[], ?::text[], ?::int[]) AS u (sid, status, rank)
		WHERE a.sid = u.sid AND u.rank > (SELECT coalesce(max(r.rank), 0) FROM unnest(?::text[], ?::int[]) AS r (status, rank)
			WHERE r.status = a.status)`,
		pgdialect.Array(sids), pgdialect.Array(status), pgdialect.Array(ranks), pgdialect.Array(names),
		pgdialect.Array(order)).Exec(ctx)
	return db.Err(err)
}
