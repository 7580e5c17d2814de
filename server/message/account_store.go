package message

import (
	"context"
	"slices"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Accounts tells the newest messages of contacts, or one of them, oldest first, and
// how many there are in all.
func Accounts(ctx context.Context, idb bun.IDB, contacts []int64, only *int64, limit int) (rows []*Account, total int64, err error) {
	err = idb.NewRaw(`
		SELECT m.id, m.direction, m.purpose, m.campaign_id AS campaign, coalesce(ca.name, '') AS campaign_name,
			CASE WHEN v.id IS NULL THEN '' ELSE t.name || ', version ' || v.version END AS template,
			m.body, m.status, m.skip_reason, m.error_code, m.created_at, m.submitted_at, m.accepted_at, m.delivered_at,
			m.read_at, m.ended_at, ARRAY(
				SELECT sid FROM message_attempts a WHERE a.message_id = m.id AND a.sid <> coalesce(m.sid, '')
				UNION SELECT m.sid WHERE m.sid IS NOT NULL ORDER BY 1)::text[] AS sids
		FROM messages m LEFT JOIN campaigns ca ON ca.id = m.campaign_id
		LEFT JOIN template_versions v ON v.id = m.template_version_id LEFT JOIN templates t ON t.id = v.template_id
		WHERE m.contact_id = ANY (?0::bigint[]) AND (?1::bigint IS NULL OR m.id = ?1) ORDER BY m.id DESC LIMIT ?2`,
		pgdialect.Array(contacts), only, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, 0, db.Err(err)
	}
	slices.Reverse(rows)
	err = idb.NewRaw("SELECT count(*) FROM messages WHERE contact_id = ANY (?0::bigint[]) AND (?1::bigint IS NULL OR id = ?1)",
		pgdialect.Array(contacts), only).Scan(ctx, &total)
	return rows, total, db.Err(err)
}
