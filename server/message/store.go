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

func insertStories(ctx context.Context, tx bun.Tx, rows []*Message) error {
	_, err := tx.NewInsert().Model(&rows).Returning("id").Exec(ctx)
	return db.Err(err)
}

// ByIDs finds many; unknown ids are left out.
func ByIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Message, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = idb.NewSelect().Model(&rows).Where("m.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

// Quote fills in what is known of a quoted message, where it is one with this contact.
func Quote(ctx context.Context, tx bun.Tx, contactID int64, q *Quoted) error {
	const shown = 200 // characters
	var rows []struct {
		ID   int64
		Body string
	}
	err := tx.NewRaw(`SELECT id, left(body, ?) AS body FROM messages WHERE sid = ? AND contact_id = ?`, shown, q.SID, contactID).Scan(ctx, &rows)
	if len(rows) > 0 {
		q.MessageID, q.Body = rows[0].ID, rows[0].Body
	}
	return db.Err(err)
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
	NeedsDecision         bool // only what a person has to decide about
	SkipReason            *SkipReason
	ErrorCode             *int // of failed and undelivered ones
}

// Said is true of messages m that were written or sent: a text, or a file.
const Said = `(m.direction = 'inbound' OR m.body <> '' OR m.media <> '[]')`

// LastSaid gives the newest message with each contact that was written or sent.
func (s *Store) LastSaid(ctx context.Context, contactIDs []int64) (rows []*Message, err error) {
	err = s.db.NewRaw(`SELECT m.* FROM unnest(?::bigint[]) c (id), LATERAL (
		SELECT * FROM messages m WHERE m.contact_id = c.id AND `+Said+` ORDER BY m.id DESC LIMIT 1) m`, pgdialect.Array(contactIDs)).Scan(ctx, &rows)
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
	if f.NeedsDecision {
		q = q.Where(needsDecision)
	}
	if f.SkipReason != nil {
		q = q.Where("m.status = 'skipped' AND m.skip_reason = ?", *f.SkipReason)
	}
	if f.ErrorCode != nil {
		q = q.Where("m.status IN ('failed', 'undelivered') AND m.error_code = ?", *f.ErrorCode)
	}
	if f.Said {
		q = q.Where(Said)
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

// ListOfContacts gives the same page of each contact's messages, newest first.
func (s *Store) ListOfContacts(ctx context.Context, f Filter, p db.Page,
	contactIDs []int64,
) (map[int64]db.Slice[*Message], error) {
	each := filtered(s.db.NewSelect().Model((*Message)(nil)), f).Where("m.contact_id = parent.id")
	each, err := p.Apply(each, "m", f.Key())
	if err != nil {
		return nil, err
	}
	var rows []*Message
	err = s.db.NewRaw("SELECT m.* FROM unnest(?::bigint[]) AS parent (id) CROSS JOIN LATERAL (?) m ORDER BY m.id DESC",
		pgdialect.Array(contactIDs), each).Scan(ctx, &rows)
	return db.CutEach(p, rows, func(m *Message) int64 { return m.ContactID }), db.Err(err)
}

// Count tells how many messages f matches. For a campaign without other
// conditions, or everything, the counters answer.
func (s *Store) Count(ctx context.Context, f Filter) (int64, error) {
	if f.ContactID != nil || f.NeedsDecision {
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
	if f.SkipReason != nil {
		q = q.Where("measure = 'skipped' AND reason = ?", *f.SkipReason)
	}
	if f.ErrorCode != nil {
		q = q.Where("measure IN ('failed', 'undelivered') AND reason = ?", strconv.Itoa(*f.ErrorCode))
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
		return nil, apperr.NotFound("message %v does not exist", id)
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
	err := s.db.NewSelect().Model(&rows).Where("de.message_id = ANY (?)",
		pgdialect.Array(messageIDs)).Order("de.id").Scan(ctx)
	byMessage := map[int64][]*DeliveryEvent{}
	for _, e := range rows {
		byMessage[e.MessageID] = append(byMessage[e.MessageID], e)
	}
	return byMessage, db.Err(err)
}

// RecentEvents gives delivery events as they were recorded, newest first.
func (s *Store) RecentEvents(ctx context.Context, p db.Page) (db.Slice[*DeliveryEvent], error) {
	var rows []*DeliveryEvent
	q, err := p.Apply(s.db.NewSelect().Model(&rows), "de", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*DeliveryEvent]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*DeliveryEvent]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
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
