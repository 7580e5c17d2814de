package message

import (
	"context"
	"strconv"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Insert writes a new message and fills its id.
func Insert(ctx context.Context, idb bun.IDB, m *Message) error {
	if m.Media == nil {
		m.Media = []string{}
	}
	if m.NotBefore.IsZero() {
		m.NotBefore = time.Unix(0, 0)
	}
	_, err := idb.NewInsert().Model(m).Exec(ctx)
	return db.Err(err)
}

// Lock reads messages by our id or by SID and locks them in order of id, so
// that two batches never wait for each other.
func Lock(ctx context.Context, tx bun.Tx, ids []int64, sids []string) (rows []*Message, err error) {
	err = tx.NewSelect().Model(&rows).Where("m.id = ANY (?) OR m.sid = ANY (?)", pgdialect.Array(ids), pgdialect.Array(sids)).Order("m.id").For("UPDATE").Scan(ctx)
	return rows, db.Err(err)
}

// SaveProgress writes back what Advance changed.
func SaveProgress(ctx context.Context, tx bun.Tx, rows []*Message) error {
	if len(rows) == 0 {
		return nil
	}
	n := len(rows)
	ids, status, sids, codes, texts := make([]int64, n), make([]string, n), make([]string, n), make([]int64, n), make([]string, n)
	var times [5][]*time.Time
	for i := range times {
		times[i] = make([]*time.Time, n)
	}
	for i, m := range rows {
		ids[i], status[i], codes[i], texts[i] = m.ID, string(m.Status), int64(m.ErrorCode), m.ErrorMessage
		if m.SID != nil {
			sids[i] = *m.SID
		}
		times[0][i], times[1][i], times[2][i], times[3][i], times[4][i] = m.AcceptedAt, m.SentAt, m.DeliveredAt, m.ReadAt, m.EndedAt
	}
	_, err := tx.NewRaw(`
		UPDATE messages m SET status = u.status, sid = nullif(u.sid, ''), error_code = u.code, error_message = u.text,
			accepted_at = u.accepted, sent_at = u.sent, delivered_at = u.delivered, read_at = u.read, ended_at = u.ended,
			lease_until = CASE WHEN u.status IN ('submitting', 'unknown') THEN m.lease_until END
		FROM unnest(?::bigint[], ?::text[], ?::text[], ?::int[], ?::text[], ?::timestamptz[], ?::timestamptz[], ?::timestamptz[], ?::timestamptz[], ?::timestamptz[])
			AS u (id, status, sid, code, text, accepted, sent, delivered, read, ended)
		WHERE m.id = u.id`,
		pgdialect.Array(ids), pgdialect.Array(status), pgdialect.Array(sids), pgdialect.Array(codes), pgdialect.Array(texts),
		timeArray(times[0]), timeArray(times[1]), timeArray(times[2]), timeArray(times[3]), timeArray(times[4])).Exec(ctx)
	return db.Err(err)
}

// timeArray writes times with nulls as a Postgres array.
func timeArray(ts []*time.Time) string {
	buf := make([]byte, 0, len(ts)*34+2)
	buf = append(buf, '{')
	for i, t := range ts {
		if i > 0 {
			buf = append(buf, ',')
		}
		if t == nil {
			buf = append(buf, "NULL"...)
			continue
		}
		buf = append(buf, '"')
		buf = t.UTC().AppendFormat(buf, "2006-01-02T15:04:05.999999Z07:00")
		buf = append(buf, '"')
	}
	return string(append(buf, '}'))
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

// InsertEvents keeps the events that are new and gives their ids.
func InsertEvents(ctx context.Context, tx bun.Tx, events []*DeliveryEvent) (ids []int64, err error) {
	if len(events) == 0 {
		return nil, nil
	}
	err = tx.NewInsert().Model(&events).On("CONFLICT DO NOTHING").Returning("id").Scan(ctx, &ids)
	return ids, db.Err(err)
}

// ByIDs finds many; unknown ids are left out.
func ByIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Message, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = idb.NewSelect().Model(&rows).Where("m.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

// KnownSIDs tells which of these SIDs belong to messages of ours.
func KnownSIDs(ctx context.Context, idb bun.IDB, sids []string) (map[string]bool, error) {
	var found []string
	err := idb.NewRaw("SELECT sid FROM messages WHERE sid = ANY (?)", pgdialect.Array(sids)).Scan(ctx, &found)
	known := make(map[string]bool, len(found))
	for _, sid := range found {
		known[sid] = true
	}
	return known, db.Err(err)
}

// MarkReplied notes on the campaign message that the contact answered: the one
// they quoted, else the newest of the last seven days. It gives its campaign.
func MarkReplied(ctx context.Context, tx bun.Tx, contactID int64, quotedSID string, optedOut bool) (campaignID int64, err error) {
	var ids []int64
	err = tx.NewRaw(`
		UPDATE messages SET replied_at = coalesce(replied_at, clock_timestamp()), opted_out_at = CASE WHEN ?2 THEN coalesce(opted_out_at, clock_timestamp()) ELSE opted_out_at END
		WHERE id = (SELECT id FROM messages WHERE contact_id = ?0 AND direction = 'outbound' AND campaign_id IS NOT NULL AND accepted_at > now() - interval '7 days'
			ORDER BY (sid IS NOT DISTINCT FROM ?1) DESC, id DESC LIMIT 1) RETURNING campaign_id`, contactID, quotedSID, optedOut).Scan(ctx, &ids)
	if len(ids) > 0 {
		campaignID = ids[0]
	}
	return campaignID, db.Err(err)
}

// LastOutbound tells when the provider last accepted a message to each contact.
func (s *Store) LastOutbound(ctx context.Context, contactIDs []int64) (map[int64]*time.Time, error) {
	var rows []struct {
		ContactID int64
		At        *time.Time
	}
	err := s.db.NewRaw("SELECT contact_id, max(accepted_at) AS at FROM messages WHERE contact_id = ANY (?) AND direction = 'outbound' GROUP BY 1", pgdialect.Array(contactIDs)).Scan(ctx, &rows)
	found := make(map[int64]*time.Time, len(contactIDs))
	for _, id := range contactIDs {
		found[id] = nil
	}
	for _, r := range rows {
		found[r.ContactID] = r.At
	}
	return found, db.Err(err)
}

// Filter narrows a list of messages.
type Filter struct {
	CampaignID, ContactID *int64
	Direction             *Direction
	Status                *Status
	Said                  bool // only what was written or sent
}

// LastSaid gives the newest message with each contact that was written or sent.
func (s *Store) LastSaid(ctx context.Context, contactIDs []int64) (rows []*Message, err error) {
	err = s.db.NewRaw(`SELECT m.* FROM unnest(?::bigint[]) c (id), LATERAL (
		SELECT * FROM messages m WHERE m.contact_id = c.id AND (m.direction = 'inbound' OR m.body <> '') ORDER BY m.id DESC LIMIT 1) m`, pgdialect.Array(contactIDs)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// Store answers questions about messages.
type Store struct{ db *db.DB }

// NewStore makes a Store.
func NewStore(d *db.DB) *Store { return &Store{db: d} }

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	if f.CampaignID != nil {
		q = q.Where("m.campaign_id = ?", *f.CampaignID)
	}
	if f.ContactID != nil {
		q = q.Where("m.contact_id = ?", *f.ContactID)
	}
	if f.Direction != nil {
		q = q.Where("m.direction = ?", *f.Direction)
	}
	if f.Status != nil {
		q = q.Where("m.status = ?", *f.Status)
	}
	if f.Said {
		q = q.Where("(m.direction = 'inbound' OR m.body <> '')")
	}
	return q
}

// Key is what a list with this filter is sorted by. A campaign's messages go by
// contact, newest contact first: each has one, and the unique key serves it.
func (f Filter) Key() *db.Key {
	if f.CampaignID != nil {
		return &db.Key{Column: "contact_id", Type: "bigint", Desc: true}
	}
	return &db.Key{Column: "id", Desc: true}
}

// CursorOf is a message's place in a list with this filter.
func (f Filter) CursorOf(m *Message) string {
	if f.CampaignID != nil {
		return db.Cursor(strconv.FormatInt(m.ContactID, 10), m.ID)
	}
	return db.Cursor("", m.ID)
}

// List gives a page, newest first.
func (s *Store) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Message], error) {
	var rows []*Message
	q, err := p.Apply(filtered(s.db.NewSelect().Model(&rows), f), "m", f.Key())
	if err != nil {
		return db.Slice[*Message]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Message]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

// Count tells how many messages f matches. For a campaign without other
// conditions, or everything, the counters answer.
func (s *Store) Count(ctx context.Context, f Filter) (int64, error) {
	if f.ContactID != nil {
		n, err := filtered(s.db.NewSelect().Model((*Message)(nil)), f).Count(ctx)
		return n, db.Err(err)
	}
	q := s.db.NewSelect().TableExpr("message_counts AS mc").ColumnExpr("coalesce(sum(n), 0)").Where("measure NOT LIKE 'at:%'")
	if f.CampaignID != nil {
		q = q.Where("campaign_id = ?", *f.CampaignID)
	}
	if f.Status != nil {
		q = q.Where("measure = ?", *f.Status)
	}
	if f.Direction != nil && *f.Direction == Inbound {
		q = q.Where("measure = 'received'")
	} else if f.Direction != nil {
		q = q.Where("measure <> 'received'")
	}
	var n int64
	return n, db.Err(q.Scan(ctx, &n))
}

// ByID finds one.
func (s *Store) ByID(ctx context.Context, id int64) (*Message, error) {
	found, err := ByIDs(ctx, s.db, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("message", id)
	}
	return found[0], nil
}

// ByIDs finds many; unknown ids are left out.
func (s *Store) ByIDs(ctx context.Context, ids []int64) ([]*Message, error) {
	return ByIDs(ctx, s.db, ids)
}

// Events gives the history of messages at the provider, oldest first.
func (s *Store) Events(ctx context.Context, messageIDs []int64) (map[int64][]*DeliveryEvent, error) {
	var rows []*DeliveryEvent
	err := s.db.NewSelect().Model(&rows).Where("de.message_id = ANY (?)", pgdialect.Array(messageIDs)).Order("de.id").Scan(ctx)
	byMessage := map[int64][]*DeliveryEvent{}
	for _, e := range rows {
		byMessage[e.MessageID] = append(byMessage[e.MessageID], e)
	}
	return byMessage, db.Err(err)
}

// EventsByIDs finds delivery events, oldest first; of one campaign if named.
func (s *Store) EventsByIDs(ctx context.Context, ids []int64, campaignID *int64) (rows []*DeliveryEvent, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	q := s.db.NewSelect().Model(&rows).Where("de.id = ANY (?)", pgdialect.Array(ids)).Order("de.id")
	if campaignID != nil {
		q = q.Where("EXISTS (SELECT 1 FROM messages m WHERE m.id = de.message_id AND m.campaign_id = ?)", *campaignID)
	}
	return rows, db.Err(q.Scan(ctx))
}
