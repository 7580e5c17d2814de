package doubleoptin

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/template"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// insert writes requests and marks their contacts.
func insert(ctx context.Context, tx bun.Tx, rows []*Request) error {
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&rows).Returning("id").Exec(ctx); err != nil {
		return db.Err(err)
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ContactID
	}
	_, err := tx.NewRaw("UPDATE contacts SET opt_in_request_at = ?, updated_at = now() WHERE id = ANY (?)", rows[0].CreatedAt,
		pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// lastAsked tells when contacts were asked last by a request that ended without a yes.
func lastAsked(ctx context.Context, tx bun.Tx, ids []int64) (map[int64]time.Time, error) {
	var rows []struct {
		ContactID int64
		At        time.Time
	}
	err := tx.NewRaw(`SELECT contact_id, max(asked_at) AS at FROM opt_in_requests
		WHERE contact_id = ANY (?) AND asked_at IS NOT NULL AND status IN ('declined', 'expired', 'canceled') GROUP BY 1`, pgdialect.Array(ids)).Scan(ctx, &rows)
	at := make(map[int64]time.Time, len(rows))
	for _, r := range rows {
		at[r.ContactID] = r.At
	}
	return at, db.Err(err)
}

// openOf gives the request of a contact that is open; nil: none. The caller has locked
// the contact.
func openOf(ctx context.Context, tx bun.Tx, contactID int64) (*Request, error) {
	r := new(Request)
	err := tx.NewSelect().Model(r).Where("oir.contact_id = ? AND oir.status IN ('waiting', 'asked')", contactID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nobody asked
	}
	return r, db.Err(err)
}

// carry gives the requests of a contact to the one it was merged into. One that is open
// stays so only where the other has none.
func carry(ctx context.Context, tx bun.Tx, keep, gone int64) error {
	_, err := tx.NewRaw(`
		WITH carried AS (UPDATE opt_in_requests SET contact_id = ?0 WHERE contact_id = ?1 RETURNING status, created_at)
		UPDATE contacts c SET opt_in_request_at = coalesce(
			(SELECT created_at FROM carried WHERE status IN ('waiting', 'asked')), opt_in_request_at) WHERE c.id = ?0
			AND EXISTS (SELECT 1 FROM carried)`, keep, gone).Exec(ctx)
	return db.Err(err)
}

func forget(ctx context.Context, tx bun.Tx, ids []int64) error {
	_, err := tx.NewRaw("DELETE FROM opt_in_requests WHERE contact_id = ANY (?)", pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// due are contacts whose request may be asked. Forms come first: their people are there.
func due(ctx context.Context, idb bun.IDB, limit int) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT contact_id FROM opt_in_requests
		WHERE status = 'waiting' AND not_before <= clock_timestamp() AND expires_at > clock_timestamp()
		ORDER BY source <> 'form', not_before, id LIMIT ?`, limit).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// expired are contacts whose request is open after its time.
func expired(ctx context.Context, idb bun.IDB, limit int) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT contact_id FROM opt_in_requests
		WHERE `+isOpen+` AND expires_at <= clock_timestamp() ORDER BY expires_at, id LIMIT ?`, limit).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// expire ends those of these contacts' requests whose time is over. The caller has locked
// the contacts.
func expire(ctx context.Context, tx bun.Tx, ids []int64) error {
	var over []int64
	err := tx.NewRaw(`SELECT contact_id FROM opt_in_requests
		WHERE contact_id = ANY (?) AND `+isOpen+` AND expires_at <= clock_timestamp()`, pgdialect.Array(ids)).Scan(ctx, &over)
	if err != nil {
		return db.Err(err)
	}
	return consent.EndRequests(ctx, tx, over, StatusExpired)
}

// unreached are contacts whose question was sent a while ago and ended without reaching
// them. The others are looked at again later, so that each is read a few times in all.
func unreached(ctx context.Context, idb bun.IDB, limit int, again time.Duration) (ids []int64, err error) {
	err = idb.NewRaw(`
		WITH looked AS (
			UPDATE opt_in_requests SET not_before = clock_timestamp() + make_interval(secs => ?1) WHERE id IN (
				SELECT id FROM opt_in_requests WHERE status = 'asked' AND not_before <= clock_timestamp()
				ORDER BY not_before, id LIMIT ?0 FOR UPDATE SKIP LOCKED)
			RETURNING contact_id, message_id)
		SELECT l.contact_id FROM looked l JOIN messages m ON m.id = l.message_id
		WHERE m.status IN ('skipped', 'failed', 'undelivered', 'canceled', 'expired')`, limit, again.Seconds()).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// notAsked notes that a request's question did not reach anybody, so that it does not
// count among those that nobody repeats.
func notAsked(ctx context.Context, tx bun.Tx, r *Request) error {
	_, err := tx.NewRaw("UPDATE opt_in_requests SET asked_at = NULL WHERE id = ?", r.ID).Exec(ctx)
	return db.Err(err)
}

// Question is what the gate has to know of a message that asks.
type Question struct {
	Open     bool // its request waits for the answer, and is about whom the message would go to
	Expected bool // they have just filled in a form
}

// Questions tells about messages that ask, by their ids, at a moment.
func Questions(ctx context.Context, idb bun.IDB, messages []int64, at time.Time) (map[int64]Question, error) {
	if len(messages) == 0 {
		return nil, nil //nolint:nilnil // none asks
	}
	var rows []struct {
		MessageID int64
		Expected  bool
	}
	err := idb.NewRaw(`SELECT r.message_id, r.source = 'form' AND r.created_at > ?1::timestamptz - make_interval(secs => ?2) AS expected
		FROM opt_in_requests r JOIN contacts c ON c.id = r.contact_id AND c.match_key = r.asked_key
		WHERE r.message_id = ANY (?0) AND r.status = 'asked' AND r.expires_at > ?1`,
		pgdialect.Array(messages), at, expectedFor.Seconds()).Scan(ctx, &rows)
	found := make(map[int64]Question, len(rows))
	for _, r := range rows {
		found[r.MessageID] = Question{Open: true, Expected: r.Expected}
	}
	return found, db.Err(err)
}

// wait has a request looked at again later.
func wait(ctx context.Context, tx bun.Tx, r *Request, until time.Time) error {
	_, err := tx.NewRaw("UPDATE opt_in_requests SET not_before = ? WHERE id = ?", until, r.ID).Exec(ctx)
	return db.Err(err)
}

func saveAsked(ctx context.Context, tx bun.Tx, r *Request) error {
	_, err := tx.NewUpdate().Model(r).Column("status", "asked_at", "asked_key", "language", "message_id", "expires_at", "not_before").WherePK().Exec(ctx)
	return db.Err(err)
}

// theirConversation is that of a contact and the sender that they last wrote to; nil: there is none.
func theirConversation(ctx context.Context, tx bun.Tx, contactID int64) (conversation, sender *int64, err error) {
	var row struct{ ID, SenderID *int64 }
	err = tx.NewRaw(`SELECT co.id, (SELECT m.sender_id FROM messages m WHERE m.conversation_id = co.id AND m.direction = 'inbound'
			AND m.sender_id IN (SELECT s.id FROM senders s WHERE s.provider = provider_now()) ORDER BY m.id DESC LIMIT 1) AS sender_id
		FROM conversations co WHERE co.contact_id = ?`, contactID).Scan(ctx, &row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil
	}
	return row.ID, row.SenderID, db.Err(err)
}

// delivery is what became of a question.
type delivery struct {
	SID        string     `bun:"sid"`
	AcceptedAt *time.Time // nil: it did not go
	Last       bool       // nothing was sent to its contact since
}

func deliveryOf(ctx context.Context, tx bun.Tx, r *Request) (d delivery, err error) {
	err = tx.NewRaw(`SELECT q.sid, q.accepted_at, NOT EXISTS (SELECT 1 FROM messages m
			WHERE m.contact_id = ?1 AND m.direction = 'outbound' AND m.id > q.id AND m.purpose <> 'history'
				AND m.status NOT IN ('skipped', 'canceled', 'expired')) AS last
		FROM messages q WHERE q.id = ?0 AND q.sid IS NOT NULL AND q.status IN ('accepted', 'sent', 'delivered', 'read')`,
		r.MessageID, r.ContactID).Scan(ctx, &d)
	if errors.Is(err, sql.ErrNoRows) {
		return delivery{}, nil
	}
	return d, db.Err(err)
}

func ofContacts(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]*Request, error) {
	var rows []*Request
	err := idb.NewSelect().Model(&rows).DistinctOn("oir.contact_id").Where("oir.contact_id = ANY (?)", pgdialect.Array(ids)).
		Order("oir.contact_id", "oir.id DESC").Scan(ctx)
	found := make(map[int64]*Request, len(rows))
	for _, r := range rows {
		found[r.ContactID] = r
	}
	return found, db.Err(err)
}

func list(ctx context.Context, idb bun.IDB, status Status, p db.Page) (db.Slice[*Request], error) {
	var rows []*Request
	q, err := p.Apply(ofStatus(idb.NewSelect().Model(&rows), status), "oir", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Request]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Request]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func count(ctx context.Context, idb bun.IDB, status Status) (int64, error) {
	n, err := ofStatus(idb.NewSelect().Model((*Request)(nil)), status).Count(ctx)
	return n, db.Err(err)
}

func ofStatus(q *bun.SelectQuery, status Status) *bun.SelectQuery {
	if status == "" {
		return q
	}
	return q.Where("oir.status = ?", status)
}

// contactLocked gives who a contact is now, locked.
func contactLocked(ctx context.Context, tx bun.Tx, id int64) (*contact.Contact, error) {
	people, err := contact.LockPeople(ctx, tx, []int64{id})
	if err != nil {
		return nil, err
	}
	return contact.ByIDForUpdate(ctx, tx, people[id])
}

// isOpen are the requests that wait for an answer, or to be asked.
const isOpen = "status IN ('waiting', 'asked')"

func openRequests(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM opt_in_requests WHERE "+isOpen).Scan(ctx, &n)
	return n, db.Err(err)
}

func peopleAsked(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw("SELECT DISTINCT contact_id FROM opt_in_requests WHERE "+isOpen).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// lockOpen locks up to n contacts who have a request that is open.
func lockOpen(ctx context.Context, tx bun.Tx, n int) (ids []int64, err error) {
	err = tx.NewRaw(`SELECT id FROM contacts WHERE id IN (SELECT contact_id FROM opt_in_requests WHERE `+isOpen+`
		ORDER BY contact_id LIMIT ?) ORDER BY id FOR NO KEY UPDATE`, n).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func forgetSettings(ctx context.Context, tx bun.Tx) error {
	if err := db.LockSetting(ctx, tx, template.OptInSetting); err != nil {
		return err
	}
	_, err := tx.NewRaw("DELETE FROM settings WHERE key = ?", template.OptInSetting).Exec(ctx)
	return db.Err(err)
}
