package demo

import (
	"context"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/importer"
	"eventstream/server/message"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const setting = "demo"

func marked(ctx context.Context, idb bun.IDB) (is bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM settings WHERE key = ?)", setting).Scan(ctx, &is)
	return is, db.Err(err)
}

// markedOrComing also sees a seed that waits or is under way.
func markedOrComing(ctx context.Context, idb bun.IDB) (is bool, err error) {
	err = idb.NewRaw(`SELECT EXISTS (SELECT 1 FROM settings WHERE key = ?)
		OR EXISTS (SELECT 1 FROM demo_runs WHERE kind = 'seed' AND status IN ('pending', 'running'))`, setting).Scan(ctx, &is)
	return is, db.Err(err)
}

func mark(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("INSERT INTO settings (key, value) VALUES (?, 'true') ON CONFLICT (key) DO NOTHING",
		setting).Exec(ctx)
	return db.Err(err)
}

func unmark(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("DELETE FROM settings WHERE key = ?", setting).Exec(ctx)
	return db.Err(err)
}

// lockContacts keeps others from adding some while demo data goes in.
func lockContacts(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("LOCK TABLE contacts IN SHARE ROW EXCLUSIVE MODE").Exec(ctx)
	return db.Err(err)
}

func anyContact(ctx context.Context, idb bun.IDB) (bool, error) {
	some, err := idb.NewSelect().Model((*contact.Contact)(nil)).Where("c.erased_at IS NULL").Exists(ctx)
	return some, db.Err(err)
}

func firstSender(ctx context.Context, tx bun.Tx) (id int64, err error) {
	err = tx.NewRaw("SELECT id FROM senders ORDER BY id LIMIT 1").Scan(ctx, &id)
	return id, db.Err(err)
}

func insertContacts(ctx context.Context, tx bun.Tx, rows []*contact.Contact) error {
	_, err := tx.NewInsert().Model(&rows).Returning("id").Exec(ctx)
	return db.Err(err)
}

// subscribedSince has the subscriptions of people begin when they came.
func subscribedSince(ctx context.Context, tx bun.Tx, rows []*contact.Contact) error {
	_, err := tx.NewRaw("UPDATE contact_topics ct SET since = c.created_at FROM contacts c WHERE c.id = ct.contact_id AND ct.contact_id BETWEEN ? AND ?", rows[0].ID, rows[len(rows)-1].ID).Exec(ctx)
	return db.Err(err)
}

func saveContacts(ctx context.Context, tx bun.Tx, rows []*contact.Contact) error {
	n := len(rows)
	ids, status, reasons := make([]int64, n), make([]string, n), make([]string, n)
	reachable, eligible := make([]bool, n), make([]bool, n)
	decided, wrote := make([]string, n), make([]string, n)
	for i, c := range rows {
		ids[i], status[i], reachable[i], reasons[i], eligible[i] = c.ID, string(c.ConsentStatus), c.Reachable,
			c.UnreachableReason, c.MarketingEligible
		decided[i], wrote[i] = stamp(c.ConsentAt), stamp(c.LastInboundAt)
	}
	_, err := tx.NewRaw(`
		UPDATE contacts c SET consent_status = u.status, consent_at = nullif(u.decided, '')::timestamptz,
			reachable = u.reachable, unreachable_reason = u.reason,
			marketing_eligible = u.eligible, last_inbound_at = nullif(u.wrote, '')::timestamptz
		FROM unnest(?::bigint[], ?::text[], ?::text[], ?::boolean[], ?::text[], ?::boolean[], ?::text[]) u (id, status, decided, reachable, reason, eligible, wrote) WHERE c.id = u.id`,
		pgdialect.Array(ids), pgdialect.Array(status), pgdialect.Array(decided), pgdialect.Array(reachable),
		pgdialect.Array(reasons), pgdialect.Array(eligible), pgdialect.Array(wrote)).Exec(ctx)
	return db.Err(err)
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func insertImport(ctx context.Context, tx bun.Tx, imp *importer.Import, rows []*contact.Contact) error {
	if _, err := tx.NewInsert().Model(imp).Returning("id").Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("INSERT INTO import_contacts (import_id, contact_id) SELECT ?, unnest(?::bigint[])", imp.ID,
		pgdialect.Array(contact.IDs(rows))).Exec(ctx)
	return db.Err(err)
}

// audienceAt are the contacts known at that time whom the predicate takes.
func audienceAt(ctx context.Context, tx bun.Tx, p contact.Predicate, at time.Time) (ids []int64, err error) {
	err = tx.NewSelect().Model((*contact.Contact)(nil)).Column("c.id").Where("c.created_at <= ?",
		at).Where("("+p.SQL+")", p.Args...).Order("c.id").Scan(ctx, &ids)
	return ids, db.Err(err)
}

func insertCampaign(ctx context.Context, tx bun.Tx, c *campaign.Campaign, sender int64) error {
	if _, err := tx.NewInsert().Model(c).Returning("id").Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("INSERT INTO campaign_senders (campaign_id, sender_id) VALUES (?, ?)", c.ID, sender).Exec(ctx)
	return db.Err(err)
}

func finishCampaign(ctx context.Context, tx bun.Tx, id int64, at time.Time) error {
	_, err := tx.NewRaw("UPDATE campaigns SET finished_at = ?0, updated_at = ?0 WHERE id = ?1", at, id).Exec(ctx)
	return db.Err(err)
}

func insertConversations(ctx context.Context, tx bun.Tx, rows []*conversation.Conversation) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&rows).Returning("id").Exec(ctx)
	return db.Err(err)
}

func saveConversations(ctx context.Context, tx bun.Tx, rows []*conversation.Conversation) error {
	n := len(rows)
	ids, unread, status := make([]int64, n), make([]int64, n), make([]string, n)
	until, last := make([]string, n), make([]string, n)
	for i, t := range rows {
		ids[i], unread[i], status[i] = t.ID, int64(t.Unread), t.Status
		until[i], last[i] = stamp(t.SessionExpiresAt), stamp(t.LastMessageAt)
	}
	_, err := tx.NewRaw(`
		UPDATE conversations co SET unread = u.unread, status = u.status, session_expires_at = u.until::timestamptz,
			last_message_at = u.last::timestamptz
		FROM unnest(?::bigint[], ?::int[], ?::text[], ?::text[], ?::text[]) u (id, unread, status, until, last) WHERE co.id = u.id`,
		pgdialect.Array(ids), pgdialect.Array(unread), pgdialect.Array(status), pgdialect.Array(until),
		pgdialect.Array(last)).Exec(ctx)
	return db.Err(err)
}

// insertDeliveries writes what Twilio would have reported of the messages.
func insertDeliveries(ctx context.Context, tx bun.Tx, rows []*message.Message) error {
	var (
		ids, codes       []int64
		sids, status, at []string
	)
	add := func(m *message.Message, s message.Status, t *time.Time, code int) {
		if t != nil {
			ids, codes, sids, status, at = append(ids, m.ID), append(codes, int64(code)), append(sids, *m.SID),
				append(status, string(s)), append(at, stamp(t))
		}
	}
	for _, m := range rows {
		if m.SID == nil || m.Direction == message.Inbound {
			continue
		}
		add(m, message.StatusSent, m.SentAt, 0)
		add(m, message.StatusDelivered, m.DeliveredAt, 0)
		add(m, message.StatusRead, m.ReadAt, 0)
		if m.Status == message.StatusUndelivered {
			add(m, m.Status, m.EndedAt, m.ErrorCode)
		}
	}
	_, err := tx.NewRaw(`
		INSERT INTO delivery_events (message_id, sid, status, error_code, occurred_at, received_at)
		SELECT id, sid, status, code, at::timestamptz, at::timestamptz
		FROM unnest(?::bigint[], ?::text[], ?::text[], ?::int[], ?::text[]) WITH ORDINALITY u (id, sid, status, code, at, n) ORDER BY n`,
		pgdialect.Array(ids), pgdialect.Array(sids), pgdialect.Array(status), pgdialect.Array(codes),
		pgdialect.Array(at)).Exec(ctx)
	return db.Err(err)
}

// rebuildSeries puts into the series when things happened: the trigger put them
// where the clock was when the rows were written.
func rebuildSeries(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.NewRaw("DELETE FROM message_series").Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw(`
		INSERT INTO message_series (campaign_id, bucket, measure, n)
		SELECT coalesce(m.campaign_id, 0), date_bin('10 seconds', k.at, 'epoch'), k.measure, count(*)
		FROM messages m, LATERAL (VALUES ('at:accepted', m.accepted_at), ('at:sent', m.sent_at), ('at:delivered',
			m.delivered_at), ('at:read', m.read_at),
			('at:clicked', m.clicked_at), ('at:replied', m.replied_at), ('at:opted_out', m.opted_out_at), (CASE
				WHEN m.status IN ('failed', 'undelivered', 'skipped') THEN m.status END, m.ended_at),
			(CASE WHEN m.status = 'received' THEN m.status END, m.created_at)) k (measure, at)
		WHERE k.measure IS NOT NULL AND k.at IS NOT NULL GROUP BY 1, 2, 3`).Exec(ctx)
	return db.Err(err)
}

func analyze(ctx context.Context, idb bun.IDB) error {
	_, err := idb.NewRaw("ANALYZE contacts, messages, delivery_events, clicks").Exec(ctx)
	return db.Err(err)
}

func lastDay(ctx context.Context, idb bun.IDB, tell func(address string, at time.Time)) error {
	var rows []struct {
		Address       string
		LastInboundAt time.Time
	}
	err := idb.NewRaw("SELECT address, last_inbound_at FROM contacts WHERE last_inbound_at > now() - interval '1 day'").Scan(ctx, &rows)
	for _, r := range rows {
		tell(r.Address, r.LastInboundAt)
	}
	return db.Err(err)
}
