package explain

import (
	"context"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// decisionOf reads what was known when a message was decided: of the ledger, the
// newest event that had been recorded by then.
func decisionOf(ctx context.Context, idb bun.IDB, id int64) (*decided, error) {
	var rows []*decided
	err := idb.NewRaw(`
		SELECT m.status, m.skip_reason, m.purpose, m.direction, m.not_before, m.not_before_reason, m.deferred_reason,
			m.error_code, m.error_message, m.attempts, m.redeliveries, m.sid, m.decision_since,
			m.submitted_at, m.accepted_at, m.ended_at,
			m.contact_id, coalesce(m.campaign_id, 0) AS campaign_id, coalesce(ca.name, '') AS campaign, ca.prepared_at, coalesce(s.name, '') AS segment, coalesce(tp.name, '') AS topic,
				coalesce((ca.frequency_cap ->> 'messages')::int, 0) AS cap_messages, coalesce((ca.frequency_cap ->> 'days')::int,
				0) AS cap_days, coalesce(t.name, '') AS template, coalesce(v.version, 0) AS version,
			coalesce(e.status, '') AS consent_status, coalesce(e.purpose, '') AS consent_purpose, coalesce(e.source, '') AS consent_source, e.occurred_at AS consent_at,
				coalesce(e.evidence || CASE WHEN ct.id IS NULL THEN '{}' ELSE jsonb_build_object('text', ct.content) END,
				'{}') AS evidence
		FROM messages m LEFT JOIN campaigns ca ON ca.id = m.campaign_id LEFT JOIN segments s ON s.id = ca.segment_id LEFT
			JOIN topics tp ON tp.id = ca.topic_id
		LEFT JOIN template_versions v ON v.id = m.template_version_id LEFT JOIN templates t ON t.id = v.template_id
		LEFT JOIN LATERAL (SELECT * FROM consent_events e WHERE e.contact_id = m.contact_id
			AND (e.purpose = 'marketing' OR t.category = 'utility' AND e.status = 'opted_out' AND m.skip_reason = 'opted_out')
			AND e.occurred_at <= coalesce(m.submitted_at, m.ended_at, now())
			ORDER BY (e.created_at <= coalesce(m.submitted_at, m.ended_at, now())) DESC, e.occurred_at DESC, e.id DESC
				LIMIT 1) e ON true
		LEFT JOIN consent_texts ct ON ct.id = (e.evidence ->> 'textId')::bigint
		WHERE m.id = ?`, id).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	if len(rows) == 0 {
		return nil, apperr.NotFound("message %v does not exist", id)
	}
	return rows[0], nil
}
