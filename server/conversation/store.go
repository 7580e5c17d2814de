package conversation

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// touch opens the contact's conversation and its window.
func touch(ctx context.Context, tx bun.Tx, contactID int64, at time.Time) (*Conversation, error) {
	c := new(Conversation)
	err := tx.NewRaw(`
		INSERT INTO conversations AS co (contact_id, session_expires_at, unread, last_message_at) VALUES (?0, ?1, 1, ?2)
		ON CONFLICT (contact_id) DO UPDATE SET session_expires_at = greatest(co.session_expires_at, excluded.session_expires_at),
			unread = co.unread + 1, last_message_at = greatest(co.last_message_at, excluded.last_message_at), status = 'open' RETURNING *`,
		contactID, at.Add(Window), at).Scan(ctx, c)
	return c, db.Err(err)
}

func byContacts(ctx context.Context, idb bun.IDB, contactIDs []int64) (rows []*Conversation, err error) {
	err = idb.NewSelect().Model(&rows).Where("co.contact_id = ANY (?)", pgdialect.Array(contactIDs)).Scan(ctx)
	return rows, db.Err(err)
}

func findSender(ctx context.Context, idb bun.IDB, address string) (*int64, error) {
	var id int64
	err := idb.NewRaw("SELECT id FROM senders ORDER BY address = ? DESC, id LIMIT 1", strings.TrimPrefix(address, "whatsapp:")).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // no sender at all: then nothing is answered
	}
	return &id, db.Err(err)
}

// claimSingle makes a pending message ours; nil when it is not pending.
func claimSingle(ctx context.Context, tx bun.Tx, id int64, lease time.Duration) (*message.Message, error) {
	m := new(message.Message)
	err := tx.NewRaw(`UPDATE messages SET status = 'submitting', attempts = attempts + 1, submitted_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => ?)
		WHERE id = ? AND status = 'pending' AND campaign_id IS NULL RETURNING *`, lease.Seconds(), id).Scan(ctx, m)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // somebody else has it, or it is done
	}
	return m, db.Err(err)
}

// finishSingle writes what became of it; a callback that was faster keeps the
// last word on the status.
func finishSingle(ctx context.Context, idb bun.IDB, m *message.Message, status message.Status, sid string, skip message.SkipReason, code int, text string) error {
	_, err := idb.NewRaw(`
		UPDATE messages SET status = CASE WHEN status = 'submitting' THEN ?1 ELSE status END, sid = coalesce(sid, nullif(?2, '')), body = ?3, skip_reason = ?4,
			error_code = ?5, error_message = ?6, lease_until = CASE WHEN ?1 = 'unknown' THEN clock_timestamp() + interval '5 seconds' END,
			accepted_at = coalesce(accepted_at, CASE WHEN ?2 <> '' THEN clock_timestamp() END),
			ended_at = CASE WHEN ?1 IN ('failed', 'skipped') THEN clock_timestamp() END
		WHERE id = ?0`, m.ID, status, sid, m.Body, skip, code, text).Exec(ctx)
	return db.Err(err)
}
