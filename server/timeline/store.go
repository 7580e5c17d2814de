package timeline

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// timeline reads each source by its own index, newest n, and then the newest n
// of all.
func timeline(ctx context.Context, idb bun.IDB, contactID int64, before time.Time, n int) (rows []Entry, err error) {
	err = idb.NewRaw(`
		WITH newest AS MATERIALIZED (SELECT id, created_at, status FROM messages WHERE contact_id = ?0 ORDER BY id DESC
			LIMIT 500)
		(SELECT created_at AS at, 'message' AS kind, id, id AS message, status, 0 AS code, '' AS action, '' AS source,
			'' AS purpose, NULL::bigint AS actor
			FROM newest WHERE created_at < ?1 ORDER BY created_at DESC LIMIT ?2)
		UNION ALL
		(SELECT e.occurred_at, 'delivery', e.id, e.message_id, e.status, e.error_code, '', '', '', NULL
			FROM delivery_events e JOIN newest ON newest.id = e.message_id WHERE e.occurred_at < ?1 ORDER BY e.occurred_at DESC
				LIMIT ?2)
		UNION ALL
		(SELECT k.clicked_at, 'click', k.id, k.message_id, '', 0, coalesce(l.title, ''), coalesce(l.destination, ''), '', NULL
			FROM newest JOIN clicks k ON k.message_id = newest.id LEFT JOIN links l ON l.id = k.link_id
			WHERE k.clicked_at < ?1 ORDER BY k.clicked_at DESC LIMIT ?2)
		UNION ALL
		(SELECT occurred_at, 'consent', id, 0, status, 0, '', source, purpose, operator_id
			FROM consent_events WHERE (contact_id = ?0 OR contact_id IN (SELECT id FROM contacts WHERE merged_into = ?0))
				AND occurred_at < ?1 ORDER BY occurred_at DESC LIMIT ?2)
		UNION ALL
		(SELECT created_at, 'change', id, 0, '', 0, action, '', '', CASE WHEN actor_kind = 'operator' THEN actor_id END
			FROM audit_entries WHERE entity = 'contact' AND entity_id = ?0 AND action <> 'consent.set' AND created_at < ?1
				ORDER BY id DESC LIMIT ?2)
		ORDER BY 1 DESC, 2, 3 DESC LIMIT ?2`, contactID, before, n).Scan(ctx, &rows)
	return rows, db.Err(err)
}
