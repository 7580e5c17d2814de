package conversation

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// touch opens the contact's conversation and its window. waiting tells that somebody had to
// look at it already: something was unread, or it was open and the last word was theirs.
func touch(ctx context.Context, tx bun.Tx, contactID int64, at time.Time) (c *Conversation, waiting bool, err error) {
	var row struct {
		Conversation
		Waiting bool
	}
	err = tx.NewRaw(`
		WITH before AS (
			SELECT unread > 0 OR status = 'open' AND coalesce((SELECT m.direction = 'inbound' FROM messages m
				WHERE m.contact_id = ?0 AND `+message.Said+` ORDER BY m.id DESC LIMIT 1), false) AS waiting
			FROM conversations WHERE contact_id = ?0)
		INSERT INTO conversations AS co (contact_id, session_expires_at, unread, last_message_at) VALUES (?0, ?1, 1, ?2)
		ON CONFLICT (contact_id) DO UPDATE SET session_expires_at = greatest(co.session_expires_at,
			excluded.session_expires_at),
			unread = co.unread + 1, last_message_at = greatest(co.last_message_at, excluded.last_message_at), status = 'open',
			snoozed_until = NULL
		RETURNING *, coalesce((SELECT waiting FROM before), false) AS waiting`,
		contactID, at.Add(Window), at).Scan(ctx, &row)
	return &row.Conversation, row.Waiting, db.Err(err)
}

// putAway closes a conversation that nobody has to look at. The caller has just touched it.
func putAway(ctx context.Context, tx bun.Tx, c *Conversation) error {
	c.Status, c.Unread = StatusClosed, 0
	return save(ctx, tx, c)
}

// Remember opens the conversations of contacts who wrote then, and gives their ids. The
// window is open as long as it is for a message of that time; nothing is unread, and
// what is long past is closed. The caller has locked the contacts.
func Remember(ctx context.Context, tx bun.Tx, at map[int64]time.Time) (map[int64]int64, error) {
	if len(at) == 0 {
		return nil, nil //nolint:nilnil // nobody wrote
	}
	ids, times := slices.Sorted(maps.Keys(at)), make([]string, len(at))
	for i, id := range ids {
		times[i] = at[id].UTC().Format(time.RFC3339Nano)
	}
	var rows []struct{ ContactID, ID int64 }
	err := tx.NewRaw(`
		INSERT INTO conversations AS co (contact_id, session_expires_at, unread, last_message_at, status)
		SELECT u.id, u.at::timestamptz + make_interval(secs => ?2), 0, u.at::timestamptz,
			CASE WHEN u.at::timestamptz + make_interval(secs => ?2) > clock_timestamp() THEN 'open' ELSE 'closed' END
		FROM unnest(?0::bigint[], ?1::text[]) AS u (id, at) ORDER BY u.id
		ON CONFLICT (contact_id) DO UPDATE SET session_expires_at = greatest(co.session_expires_at, excluded.session_expires_at),
			last_message_at = greatest(co.last_message_at, excluded.last_message_at)
		RETURNING contact_id, id`, pgdialect.Array(ids), pgdialect.Array(times), Window.Seconds()).Scan(ctx, &rows)
	found := make(map[int64]int64, len(rows))
	for _, r := range rows {
		found[r.ContactID] = r.ID
	}
	return found, db.Err(err)
}

// SendersByAddress gives the senders by their addresses.
func SendersByAddress(ctx context.Context, idb bun.IDB) (map[string]int64, error) {
	var rows []struct {
		ID      int64
		Address string
	}
	err := idb.NewRaw("SELECT id, address FROM senders").Scan(ctx, &rows)
	found := make(map[string]int64, len(rows))
	for _, r := range rows {
		found[r.Address] = r.ID
	}
	return found, db.Err(err)
}

func byContacts(ctx context.Context, idb bun.IDB, contactIDs []int64) (rows []*Conversation, err error) {
	err = idb.NewSelect().Model(&rows).Where("co.contact_id = ANY (?)", pgdialect.Array(contactIDs)).Scan(ctx)
	return rows, db.Err(err)
}

// findSender gives the sender with this address, else the first one: what is written to a number that we do not know,
// because Twilio was set up with it before we were, is answered from one that we have. nil: there is no sender at all,
// and nothing is answered.
func findSender(ctx context.Context, idb bun.IDB, address string) (id *int64, known bool, err error) {
	var row struct {
		ID    int64
		Known bool
	}
	err = idb.NewRaw("SELECT id, address = ?0 AS known FROM senders WHERE provider = provider_now() ORDER BY address = ?0 DESC, id LIMIT 1",
		strings.TrimPrefix(address, "whatsapp:")).Scan(ctx, &row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return &row.ID, row.Known, db.Err(err)
}

// OpenWindows tells for which of these contacts free text may go at the moment.
func OpenWindows(ctx context.Context, idb bun.IDB, contactIDs []int64, at time.Time) (map[int64]bool, error) {
	rows, err := byContacts(ctx, idb, contactIDs)
	open := make(map[int64]bool, len(rows))
	for _, c := range rows {
		open[c.ContactID] = c.Open(at)
	}
	return open, err
}

func list(ctx context.Context, idb bun.IDB, f Filter, p db.Page) (db.Slice[*Conversation], error) {
	var rows []*Conversation
	q, err := p.Apply(filtered(idb.NewSelect().Model(&rows), f), "co",
		&db.Key{Column: "last_message_at", Type: "timestamptz", Desc: true})
	if err != nil {
		return db.Slice[*Conversation]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Conversation]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func count(ctx context.Context, idb bun.IDB, f Filter) (int64, error) {
	n, err := filtered(idb.NewSelect().Model((*Conversation)(nil)), f).Count(ctx)
	return n, db.Err(err)
}

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	q = q.Where("co.last_message_at IS NOT NULL")
	if f.Status != "" {
		q = q.Where("co.status = ?", f.Status)
	}
	if f.Snoozed != nil {
		q = q.Where("(co.status = 'closed' AND co.snoozed_until IS NOT NULL) = ?", *f.Snoozed)
	}
	for _, label := range f.Labels {
		q = q.Where("EXISTS (SELECT 1 FROM conversation_labels cl WHERE cl.conversation_id = co.id AND cl.label_id = ?)", label)
	}
	if f.Unread {
		q = q.Where("co.unread > 0")
	}
	if f.AssigneeID != nil {
		q = q.Where("coalesce(co.assignee_id, 0) = ?", *f.AssigneeID)
	}
	if where := contact.SearchPredicate(f.Search); where != nil {
		q = q.Where("EXISTS (SELECT 1 FROM contacts c WHERE c.id = co.contact_id AND "+where.SQL+")", where.Args...)
	}
	return q
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Conversation, err error) {
	err = idb.NewSelect().Model(&rows).Where("co.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

func byIDForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Conversation, error) {
	c := new(Conversation)
	err := tx.NewSelect().Model(c).Where("co.id = ?", id).For("UPDATE").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, apperr.NotFound("conversation %v does not exist", id)
	}
	return c, db.Err(err)
}

func save(ctx context.Context, tx bun.Tx, c *Conversation) error {
	_, err := tx.NewUpdate().Model(c).Column("unread", "status", "assignee_id", "snoozed_until").WherePK().Exec(ctx)
	return db.Err(err)
}

// answered notes that an operator wrote: what came before is read.
func answered(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("UPDATE conversations SET unread = 0, status = 'open', snoozed_until = NULL, last_message_at = greatest(last_message_at, clock_timestamp()) WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

// replySender is the number they last wrote to.
func replySender(ctx context.Context, tx bun.IDB, conversation int64) (*int64, error) {
	var id *int64
	err := tx.NewRaw("SELECT sender_id FROM messages WHERE contact_id = (SELECT contact_id FROM conversations WHERE id = ?) AND direction = 'inbound' AND sender_id IN (SELECT s.id FROM senders s WHERE s.provider = provider_now()) ORDER BY id DESC LIMIT 1", conversation).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		id, _, err := findSender(ctx, tx, "")
		return id, err
	}
	return id, db.Err(err)
}

func activeOperator(ctx context.Context, idb bun.IDB, id int64) (active bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM operators WHERE id = ? AND active)", id).Scan(ctx, &active)
	return active, db.Err(err)
}

// CloseWindows closes the windows of all conversations, and tells how many were open: what
// was written to one provider opens none at another.
func CloseWindows(ctx context.Context, tx bun.Tx) (int64, error) {
	res, err := tx.NewRaw(`UPDATE conversations SET session_expires_at = NULL
		WHERE id IN (SELECT id FROM conversations WHERE session_expires_at > now() ORDER BY id FOR NO KEY UPDATE)`).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	return res.RowsAffected()
}

// WindowsOpen counts the conversations whose window is open.
func WindowsOpen(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM conversations WHERE session_expires_at > now()").Scan(ctx, &n)
	return n, db.Err(err)
}
