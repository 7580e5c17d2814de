package message

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// WroteTo gives those of these contacts who wrote to a sender in the 24 hours before a moment, less the minutes that a message
// to them may take.
func WroteTo(ctx context.Context, idb bun.IDB, contacts []int64, senderID int64, at time.Time) (map[int64]bool, error) {
	const span = 24*time.Hour - 5*time.Minute
	var found []int64
	err := idb.NewRaw(`SELECT DISTINCT contact_id FROM messages WHERE contact_id = ANY (?) AND direction = 'inbound' AND sender_id = ?
		AND created_at > ?`, pgdialect.Array(contacts), senderID, at.Add(-span)).Scan(ctx, &found)
	wrote := make(map[int64]bool, len(found))
	for _, id := range found {
		wrote[id] = true
	}
	return wrote, db.Err(err)
}

// Wake makes up to n messages of campaigns due that wait for a reason, the earliest first, less those that are due already.
// Only what sends is woken: the index leads from campaign to campaign that has messages waiting, however many wait.
func Wake(ctx context.Context, idb bun.IDB, reason string, n int) (woken int, err error) {
	res, err := idb.NewRaw(`
		WITH RECURSIVE busy AS (
			(SELECT campaign_id FROM messages WHERE work = 'send' AND not_before_reason = ?0 AND campaign_id IS NOT NULL
				ORDER BY campaign_id LIMIT 1)
			UNION ALL
			SELECT (SELECT m.campaign_id FROM messages m WHERE m.work = 'send' AND m.not_before_reason = ?0
				AND m.campaign_id > b.campaign_id ORDER BY m.campaign_id LIMIT 1)
			FROM busy b WHERE b.campaign_id IS NOT NULL),
		sending AS MATERIALIZED (SELECT ca.id FROM busy b JOIN campaigns ca ON ca.id = b.campaign_id AND ca.status IN ('sending', 'completed')),
		due AS MATERIALIZED (
			SELECT coalesce(sum(d.n), 0) AS n FROM sending s, LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM messages m
				WHERE m.work = 'send' AND m.not_before_reason = ?0 AND m.campaign_id = s.id AND m.not_before <= now() LIMIT ?1) x) d),
		next AS MATERIALIZED (
			SELECT w.id FROM sending s, LATERAL (SELECT m.id, m.not_before FROM messages m WHERE m.work = 'send' AND m.not_before_reason = ?0
				AND m.campaign_id = s.id AND m.not_before > now() ORDER BY m.not_before, m.id LIMIT ?1) w
			ORDER BY w.not_before, w.id LIMIT greatest(?1 - (SELECT n FROM due), 0)),
		locked AS MATERIALIZED (SELECT m.id FROM messages m WHERE m.id IN (SELECT id FROM next) AND m.work = 'send' AND m.not_before_reason = ?0
			ORDER BY m.id FOR NO KEY UPDATE SKIP LOCKED)
		UPDATE messages m SET not_before = now() FROM locked l WHERE m.id = l.id`, reason, n).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	rows, err := res.RowsAffected()
	return int(rows), err
}
