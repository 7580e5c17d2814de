package message

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// erasedUnknown is the error of a message whose outcome can no longer be found:
// Twilio's log is searched by address, and the address is gone.
const erasedUnknown = "The contact was erased before Twilio's answer was known"

// EraseOf ends what is not finished with contacts that are being erased: what
// waits is canceled, and what is unknown fails, since nobody can find it in
// Twilio's log any more. What a worker is handing over is left to its claim;
// should that become unknown, calling this again ends it. One statement, so that
// the counters are locked in their order.
func EraseOf(ctx context.Context, tx bun.Tx, contactIDs []int64) error {
	_, err := tx.NewRaw(`
		UPDATE messages m SET
			status = CASE WHEN m.status = 'pending' THEN 'canceled' ELSE 'failed' END,
			error_message = CASE WHEN m.status = 'pending' THEN m.error_message ELSE ?1 END,
			lease_until = NULL, decision_since = NULL, ended_at = clock_timestamp()
		FROM (
			SELECT id FROM messages WHERE contact_id = ANY (?0) AND status IN ('pending', 'unknown') AND work IS NOT NULL
			ORDER BY id FOR UPDATE) l
		WHERE m.id = l.id`, pgdialect.Array(contactIDs), erasedUnknown).Exec(ctx)
	return db.Err(err)
}

// Place is how far a contact's messages have been read, in order of id; After 0 is their
// beginning, also of history, whose ids are below zero.
type Place struct{ ContactID, After int64 }

// Trace is a message with the SIDs under which the provider speaks of it.
type Trace struct {
	ID        int64
	ContactID int64
	SIDs      []string  `bun:"sids,array"`
	At        time.Time // when the provider took it, or when it was made
}

// Traces reads the next messages of each contact, up to limit of each.
func Traces(ctx context.Context, tx bun.Tx, places []Place, limit int) (rows []Trace, err error) {
	contacts, after := make([]int64, len(places)), make([]int64, len(places))
	for i, p := range places {
		contacts[i], after[i] = p.ContactID, p.After
	}
	err = tx.NewRaw(`
		SELECT m.id, m.contact_id, coalesce(m.accepted_at, m.created_at) AS at,
			array_remove(ARRAY(SELECT a.sid FROM message_attempts a WHERE a.message_id = m.id) || m.sid, NULL) AS sids
		FROM unnest(?::bigint[], ?::bigint[]) p (contact_id, after),
			LATERAL (SELECT id, contact_id, sid, accepted_at, created_at FROM messages WHERE contact_id = p.contact_id AND (p.after = 0 OR id > p.after) ORDER BY id
				LIMIT ?) m
		ORDER BY m.id`, pgdialect.Array(contacts), pgdialect.Array(after), limit).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// ClearTexts takes what was said out of messages.
func ClearTexts(ctx context.Context, tx bun.Tx, ids []int64) error {
	_, err := tx.NewRaw(`
		UPDATE messages m SET body = '', media = '[]', content = NULL
		FROM (SELECT id FROM messages WHERE id = ANY (?) AND (body <> '' OR media <> '[]' OR content IS NOT NULL) ORDER BY id FOR UPDATE) l
		WHERE m.id = l.id`, pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// ClearTextsOf takes what was said out of all messages of contacts. They have few: who may
// have any number is cleared in batches, see Traces.
func ClearTextsOf(ctx context.Context, tx bun.Tx, contacts []int64) error {
	_, err := tx.NewRaw(`
		UPDATE messages m SET body = '', media = '[]', content = NULL
		FROM (SELECT id FROM messages WHERE contact_id = ANY (?) AND (body <> '' OR media <> '[]' OR content IS NOT NULL)
			ORDER BY id FOR UPDATE) l
		WHERE m.id = l.id`, pgdialect.Array(contacts)).Exec(ctx)
	return db.Err(err)
}

// Conversations says which conversation takes the place of which; From is 0
// when there was none.
type Conversations struct{ From, To int64 }

// Twice tells of which of these messages of a campaign the contact has another one, by
// who the contact is now.
func Twice(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]bool, error) {
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // of none
	}
	var rows []int64
	err := idb.NewRaw(`SELECT m.id FROM messages m JOIN contacts c ON c.id = m.contact_id
		JOIN messages o ON o.campaign_id = m.campaign_id AND o.contact_id = coalesce(c.merged_into, c.id) AND o.id <> m.id
		WHERE m.id = ANY (?)`, pgdialect.Array(ids)).Scan(ctx, &rows)
	found := make(map[int64]bool, len(rows))
	for _, id := range rows {
		found[id] = true
	}
	return found, db.Err(err)
}

// MoveToContact gives one contact's messages to another that stays, with their
// conversation, those in a worker's hands or unknown included: the log is asked
// for all addresses of a contact. Of a campaign that has both each keeps its own,
// and what still waits there for the one that goes is canceled.
func MoveToContact(ctx context.Context, tx bun.Tx, keep, gone int64, c Conversations) error {
	const twice = "EXISTS (SELECT 1 FROM messages k WHERE k.campaign_id = m.campaign_id AND k.contact_id = ?0)"
	for _, sql := range []string{
		// All at once and in order: what follows takes them in several turns.
		"SELECT 1 FROM messages WHERE contact_id = ?1 ORDER BY id FOR UPDATE",
		"UPDATE messages m SET status = 'canceled', ended_at = clock_timestamp() WHERE m.contact_id = ?1 AND m.work = 'send' AND " + twice,
		"UPDATE messages m SET conversation_id = ?3 WHERE m.contact_id = ?1 AND m.conversation_id = ?2",
		"UPDATE messages m SET contact_id = ?0 WHERE m.contact_id = ?1 AND NOT " + twice,
	} {
		if _, err := tx.NewRaw(sql, keep, gone, c.From, c.To).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	return nil
}
