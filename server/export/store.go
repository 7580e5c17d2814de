package export

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

func outcomes(ctx context.Context, idb bun.IDB, campaign, before int64, n int) (rows []outcome, err error) {
	err = idb.NewRaw(`
		SELECT m.contact_id, c.name, m.status, m.skip_reason, m.error_message, coalesce(m.sid, '') AS sid, m.body,
			m.error_code, m.attempts,
			CASE WHEN c.erased_at IS NULL OR c.merged_into IS NOT NULL THEN c.address ELSE 'erased' END AS address,
			m.created_at, m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.ended_at, m.clicked_at, m.replied_at, m.opted_out_at
		FROM messages m JOIN contacts c ON c.id = m.contact_id
		WHERE m.campaign_id = ? AND m.contact_id < ? ORDER BY m.contact_id DESC LIMIT ?`, campaign, before, n).Scan(ctx,
		&rows)
	return rows, db.Err(err)
}
