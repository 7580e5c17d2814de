package audience

import (
	"context"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insert(ctx context.Context, tx bun.Tx, a *Action) error {
	_, err := tx.NewInsert().Model(a).Exec(ctx)
	return db.Err(err)
}

func save(ctx context.Context, tx bun.Tx, a *Action) error {
	_, err := tx.NewUpdate().Model(a).Column("status", "failure", "reached", "done", "changed", "started_at", "finished_at").WherePK().Exec(ctx)
	return db.Err(err)
}

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Action, error) {
	return found(ctx, tx.NewSelect().For("UPDATE"), id)
}

func byID(ctx context.Context, idb bun.IDB, id int64) (*Action, error) {
	return found(ctx, idb.NewSelect(), id)
}

func found(ctx context.Context, q *bun.SelectQuery, id int64) (*Action, error) {
	a := new(Action)
	err := db.Err(q.Model(a).Where("b.id = ?", id).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("bulk action", id)
	}
	return a, err
}

func list(ctx context.Context, idb bun.IDB, p db.Page) (db.Slice[*Action], error) {
	var rows []*Action
	q, err := p.Apply(idb.NewSelect().Model(&rows), "b", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Action]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Action]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func forgotten(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw(`
		SELECT id FROM bulk_actions b WHERE status IN ('pending', 'running') AND kind <> 'export'
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'bulk_action:' || b.id AND l.expires_at >= now())
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'bulk_action' AND j.state IN ('available', 'pending') AND (j.args ->> 'action_id')::bigint = b.id)`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// scrub takes texts, media and numbers out of what was said with contacts. What
// still waits to be sent is never sent: its contact is gone.
func scrub(ctx context.Context, tx bun.Tx, contacts []int64) error {
	for _, sql := range []string{
		"UPDATE messages SET status = 'canceled', ended_at = clock_timestamp() WHERE contact_id = ANY (?) AND work = 'send'",
		"UPDATE messages SET body = '', media = '[]' WHERE contact_id = ANY (?) AND (body <> '' OR media <> '[]')",
		`UPDATE webhook_events SET params = '{"erased": "true"}', headers = '{}' WHERE sid IN (SELECT sid FROM messages WHERE contact_id = ANY (?) AND sid IS NOT NULL)`,
		"UPDATE conversations SET session_expires_at = NULL, unread = 0, status = 'closed' WHERE contact_id = ANY (?)",
	} {
		if _, err := tx.NewRaw(sql, pgdialect.Array(contacts)).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	return nil
}

// scrubLate does so for what Twilio told after the erasure: receipts come for
// days.
func scrubLate(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw(`
		UPDATE webhook_events e SET params = '{"erased": "true"}', headers = '{}'
		FROM contacts c JOIN messages m ON m.contact_id = c.id
		WHERE c.erased_at > now() - interval '7 days' AND c.merged_into IS NULL AND e.sid = m.sid AND e.applied_at > c.erased_at AND NOT jsonb_exists(e.params, 'erased')`).Exec(ctx)
	return db.Err(err)
}

// moveMessages gives a contact's messages and conversation to another. Of a
// campaign that has both, each keeps its own; what waits there for the one that
// goes is canceled. It reports whether one is being handed over: then nothing
// may move.
func moveMessages(ctx context.Context, tx bun.Tx, keep, gone int64) (going bool, err error) {
	var work []string
	if err := tx.NewRaw("SELECT work FROM messages WHERE contact_id = ? AND work IS NOT NULL ORDER BY id FOR UPDATE", gone).Scan(ctx, &work); err != nil {
		return false, db.Err(err)
	}
	for _, w := range work {
		if w == "watch" {
			return true, nil
		}
	}
	for _, sql := range []string{
		"UPDATE messages m SET status = 'canceled', ended_at = clock_timestamp() WHERE contact_id = ?1 AND work = 'send' AND EXISTS (SELECT 1 FROM messages k WHERE k.campaign_id = m.campaign_id AND k.contact_id = ?0)",
		"UPDATE messages m SET contact_id = ?0 WHERE contact_id = ?1 AND NOT EXISTS (SELECT 1 FROM messages k WHERE k.campaign_id = m.campaign_id AND k.contact_id = ?0)",
		// The session window belongs to the number that wrote.
		"UPDATE conversations SET contact_id = ?0, session_expires_at = NULL WHERE contact_id = ?1 AND NOT EXISTS (SELECT 1 FROM conversations WHERE contact_id = ?0)",
		"UPDATE conversations k SET unread = k.unread + g.unread, last_message_at = greatest(k.last_message_at, g.last_message_at) FROM conversations g WHERE k.contact_id = ?0 AND g.contact_id = ?1",
		"UPDATE messages m SET conversation_id = k.id FROM conversations g, conversations k WHERE g.contact_id = ?1 AND k.contact_id = ?0 AND m.conversation_id = g.id",
		"DELETE FROM conversations WHERE contact_id = ?1",
		"INSERT INTO import_contacts (import_id, contact_id) SELECT import_id, ?0 FROM import_contacts WHERE contact_id = ?1 ON CONFLICT DO NOTHING",
	} {
		if _, err := tx.NewRaw(sql, keep, gone).Exec(ctx); err != nil {
			return false, db.Err(err)
		}
	}
	return false, nil
}
