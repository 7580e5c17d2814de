package erasure

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// erasure is what is left to do about an erased contact.
type erasure struct {
	bun.BaseModel `bun:"table:erasures,alias:er"`

	ContactID  int64     `bun:",pk"`
	ErasedAt   time.Time //
	Reached    int64     // id of the last message cleared in this look
	WatchFrom  int64     // later looks begin with this message: no receipt comes for those before
	WatchUntil time.Time // the last look; nothing can come after it
	Cleared    bool      // all that was there has been cleared once
	NextLook   time.Time //
	ActionID   int64     // see Erase

	More bool `bun:"-"` // messages wait in this look
}

// enqueue notes what has to be cleared. A message that Twilio has may be spoken
// of for days: WhatsApp tells of reading whenever it happens, and nobody waits
// for more than a week.
func enqueue(ctx context.Context, tx bun.Tx, contacts []int64, action int64) error {
	_, err := tx.NewRaw(`
		INSERT INTO erasures (contact_id, erased_at, watch_from, watch_until, next_look, action_id)
		SELECT c.id, clock_timestamp(), coalesce(m.first, 0), coalesce(m.until, clock_timestamp()), clock_timestamp(), ?
		FROM unnest(?::bigint[]) c (id), LATERAL (
			SELECT min(id) AS first, max(coalesce(accepted_at, clock_timestamp())) + interval '7 days' AS until
			FROM messages WHERE contact_id = c.id AND (work = 'watch' OR accepted_at > now() - interval '7 days')) m
		ON CONFLICT (contact_id) DO UPDATE SET watch_from = least(erasures.watch_from, excluded.watch_from),
			watch_until = greatest(erasures.watch_until, excluded.watch_until), next_look = excluded.next_look,
			reached = 0, cleared = false, action_id = excluded.action_id`, action, pgdialect.Array(contacts)).Exec(ctx)
	return db.Err(err)
}

func notCleared(ctx context.Context, tx bun.Tx, contacts []int64, limit int) (rows []*erasure, err error) {
	err = tx.NewSelect().Model(&rows).Where("er.contact_id = ANY (?) AND NOT er.cleared", pgdialect.Array(contacts)).
		Order("er.contact_id").Limit(int64(limit)).For("UPDATE").Scan(ctx)
	return rows, db.Err(err)
}

// due asks by the transaction's time: the index serves no clock_timestamp().
func due(ctx context.Context, tx bun.Tx, limit int) (rows []*erasure, err error) {
	err = tx.NewSelect().Model(&rows).Where("er.next_look <= now()").
		Order("er.next_look").Limit(int64(limit)).For("UPDATE SKIP LOCKED").Scan(ctx)
	return rows, db.Err(err)
}

// saveLooks says when to look again: at once where messages are left, else after
// as long as the erasure is ago, a second at least and an hour at most.
func saveLooks(ctx context.Context, tx bun.Tx, rows []*erasure) error {
	n := len(rows)
	ids, reached, more := make([]int64, n), make([]int64, n), make([]bool, n)
	for i, e := range rows {
		ids[i], reached[i], more[i] = e.ContactID, e.Reached, e.More
	}
	for _, sql := range []string{
		`UPDATE erasures e SET
			reached = CASE WHEN u.more THEN u.reached ELSE greatest(e.watch_from - 1, 0) END,
			cleared = e.cleared OR NOT u.more,
			next_look = CASE WHEN u.more THEN clock_timestamp() ELSE
				least(greatest(e.watch_until, clock_timestamp() + interval '1 second'), clock_timestamp() +
					greatest(interval '1 second', least(interval '1 hour', clock_timestamp() - e.erased_at))) END
		FROM unnest(?0::bigint[], ?1::bigint[], ?2::boolean[]) AS u (id, reached, more) WHERE e.contact_id = u.id`,
		`DELETE FROM erasures e USING unnest(?0::bigint[], ?2::boolean[]) AS u (id, more)
			WHERE e.contact_id = u.id AND NOT u.more AND e.watch_until <= clock_timestamp()`,
	} {
		if _, err := tx.NewRaw(sql, pgdialect.Array(ids), pgdialect.Array(reached),
			pgdialect.Array(more)).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	return nil
}

// clearWebhooks takes what Twilio sent about messages. What waits to be applied
// is left for a later look: applying needs it.
func clearWebhooks(ctx context.Context, tx bun.Tx, sids []string) error {
	_, err := tx.NewRaw(`
		UPDATE webhook_events e SET params = '{"erased": "true"}', headers = '{}'
		FROM (
			SELECT id FROM webhook_events WHERE sid = ANY (?) AND applied_at IS NOT NULL AND NOT jsonb_exists(params, 'erased')
			ORDER BY id FOR UPDATE SKIP LOCKED) l
		WHERE e.id = l.id`, pgdialect.Array(sids)).Exec(ctx)
	return db.Err(err)
}

// closeConversations also takes what colleagues noted about the person, and their labels.
func closeConversations(ctx context.Context, tx bun.Tx, contacts []int64) error {
	for _, sql := range []string{
		`UPDATE conversations v SET session_expires_at = NULL, unread = 0, status = 'closed', snoozed_until = NULL
			FROM (SELECT id FROM conversations WHERE contact_id = ANY (?0) ORDER BY id FOR UPDATE) l
			WHERE v.id = l.id`,
		`UPDATE conversation_notes SET body = '' WHERE body <> '' AND conversation_id IN (
			SELECT id FROM conversations WHERE contact_id = ANY (?0))`,
		`DELETE FROM conversation_labels cl USING (
				SELECT conversation_id, label_id FROM conversation_labels
				WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = ANY (?0))
				ORDER BY conversation_id, label_id FOR UPDATE) l
			WHERE cl.conversation_id = l.conversation_id AND cl.label_id = l.label_id`,
	} {
		if _, err := tx.NewRaw(sql, pgdialect.Array(contacts)).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	return nil
}
