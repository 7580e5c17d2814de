package merge

import (
	"context"

	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// joinConversations makes two contacts' conversations one, and says which it
// replaced. The window in which free text may be sent belongs to the account that
// wrote, so the other's is carried over only where both are one account.
func joinConversations(ctx context.Context, tx bun.Tx, keep, gone int64, sameAccount bool) (c message.Conversations, err error) {
	var rows []struct{ ID, ContactID int64 }
	err = tx.NewRaw("SELECT id, contact_id FROM conversations WHERE contact_id = ANY (?) ORDER BY id FOR UPDATE",
		pgdialect.Array([]int64{keep, gone})).Scan(ctx, &rows)
	if err != nil {
		return c, db.Err(err)
	}
	for _, r := range rows {
		if r.ContactID == gone {
			c.From = r.ID
		} else {
			c.To = r.ID
		}
	}
	if c.From == 0 {
		return message.Conversations{}, nil
	}
	if c.To == 0 {
		_, err = tx.NewRaw("UPDATE conversations SET contact_id = ?, session_expires_at = CASE WHEN ? THEN session_expires_at END WHERE id = ?",
			keep, sameAccount, c.From).Exec(ctx)
		return message.Conversations{}, db.Err(err)
	}
	_, err = tx.NewRaw(`
		UPDATE conversations k SET unread = k.unread + g.unread, last_message_at = greatest(k.last_message_at,
			g.last_message_at), assignee_id = coalesce(k.assignee_id, g.assignee_id),
			status = CASE WHEN 'open' IN (k.status, g.status) THEN 'open' ELSE k.status END,
			snoozed_until = CASE WHEN 'open' IN (k.status, g.status) THEN NULL ELSE least(k.snoozed_until, g.snoozed_until) END,
			session_expires_at = CASE WHEN ?2 THEN greatest(k.session_expires_at, g.session_expires_at) ELSE k.session_expires_at END
		FROM conversations g WHERE k.id = ?0 AND g.id = ?1`, c.To, c.From, sameAccount).Exec(ctx)
	if err != nil {
		return c, db.Err(err)
	}
	for _, sql := range []string{
		"UPDATE conversation_notes SET conversation_id = ?0 WHERE conversation_id = ?1",
		`INSERT INTO conversation_labels (conversation_id, label_id)
			SELECT ?0, label_id FROM conversation_labels WHERE conversation_id = ?1 ON CONFLICT DO NOTHING`,
		"DELETE FROM conversations WHERE id = ?1",
	} {
		if _, err := tx.NewRaw(sql, c.To, c.From).Exec(ctx); err != nil {
			return c, db.Err(err)
		}
	}
	return c, nil
}

// moveImports keeps segments that name an import true.
func moveImports(ctx context.Context, tx bun.Tx, keep, gone int64) error {
	_, err := tx.NewRaw(`INSERT INTO import_contacts (import_id, contact_id)
		SELECT import_id, ? FROM import_contacts WHERE contact_id = ? ON CONFLICT DO NOTHING`, keep, gone).Exec(ctx)
	return db.Err(err)
}
