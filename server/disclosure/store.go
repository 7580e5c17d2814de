package disclosure

import (
	"context"
	"encoding/json"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// section is one kind of data. Its query gives its rows behind a key, in order of the
// key, which is its first column and not told. ?0 are the ids of the contact and of
// those that were merged into it, ?1 the key of the last row that was read, ?2 how many
// rows, ?3 the hashes of their addresses.
type section struct {
	name, title, about string
	tables             []string
	query              string
}

// by says who did something, without naming them: operators are people too.
func by(kind string) string {
	return "CASE " + kind + ` WHEN 'contact' THEN 'this person' WHEN 'operator' THEN 'an operator'
		WHEN 'api_token' THEN 'a program' ELSE 'the system' END`
}

var sections = []section{
	{
		name: "contact", title: "Profile", about: "Who they are. Tags are among the attributes.", tables: []string{"contacts"},
		query: `SELECT id, address, kind, region, name, locale, time_zone AS "timeZone", time_zone_source AS "timeZoneSource",
			attributes, consent_status AS "consentStatus", consent_at AS "consentAt", utility_status AS "utilityStatus", reachable,
			unreachable_reason AS "unreachableReason", unreachable_until AS "unreachableUntil",
			marketing_eligible AS "marketingEligible", ineligible_reason AS "ineligibleReason",
			ineligible_until AS "ineligibleUntil", opt_out_review_at AS "optOutReviewAt",
			opt_in_request_at AS "optInRequestAt", last_inbound_at AS "lastInboundAt",
			merged_into AS "mergedInto", erased_at AS "erasedAt", created_at AS "createdAt", updated_at AS "updatedAt"
			FROM contacts WHERE id = ANY (?0) AND id > ?1 ORDER BY id LIMIT ?2`,
	},
	{
		name: "addresses", title: "Addresses", about: "Numbers and WhatsApp ids, and how they became known.",
		tables: []string{"contact_addresses"},
		query: `SELECT * FROM (SELECT row_number() OVER (ORDER BY NOT preferred, match_key), address, kind, source,
				preferred, first_seen_at AS "firstSeenAt", last_seen_at AS "lastSeenAt"
			FROM contact_addresses WHERE contact_id = ANY (?0)) a (key) WHERE key > ?1 ORDER BY key LIMIT ?2`,
	},
	{
		name: "topics", title: "Topics", about: "What they subscribed to or left. The history is under Changes.",
		tables: []string{"contact_topics"},
		query: `SELECT t.id, t.name AS topic, ct.status, ct.source, ct.since, ct.left_at AS "leftBeforeAt", ct.left_source AS "leftBeforeSource"
			FROM contact_topics ct JOIN topics t ON t.id = ct.topic_id
			WHERE ct.contact_id = ANY (?0) AND t.id > ?1 ORDER BY t.id LIMIT ?2`,
	},
	{
		name: "team", title: "Team", about: "Whether they are one of this company's own numbers, to which tests are sent.",
		tables: []string{"team_contacts"},
		query: `SELECT contact_id AS id, added_at AS "addedAt" FROM team_contacts WHERE contact_id = ANY (?0) AND contact_id > ?1
			ORDER BY contact_id LIMIT ?2`,
	},
	{
		name: "consents", title: "Consent", about: "Every time they agreed or refused, with what proves it.",
		tables: []string{"consent_events"},
		query: `SELECT e.id, e.occurred_at AS "decidedAt", e.created_at AS "knownSince", e.status, e.purpose, e.source, e.late,
			e.evidence || CASE WHEN t.id IS NULL THEN '{}' ELSE jsonb_build_object('text', t.content) END AS evidence,
			CASE WHEN e.operator_id IS NOT NULL THEN 'an operator' END AS "recordedBy"
			FROM consent_events e LEFT JOIN consent_texts t ON t.id = (e.evidence ->> 'textId')::bigint
			WHERE e.contact_id = ANY (?0) AND e.id > ?1 ORDER BY e.id LIMIT ?2`,
	},
	{
		name: "suppressions", title: "Suppressions", about: "Why they are not written to. Only a keyed hash of the address is kept.",
		tables: []string{"suppressed_addresses"},
		query: `SELECT id, reason, until, created_at AS since FROM suppressed_addresses
			WHERE address_hash = ANY (?3) AND (until IS NULL OR until > now()) AND id > ?1 ORDER BY id LIMIT ?2`,
	},
	{
		name: "optOutReviews", title: "Requests to stop that a person decided",
		about:  "Messages that may have asked for no more messages.",
		tables: []string{"opt_out_reviews"},
		query: `SELECT id, message_id AS message, language, created_at AS "createdAt", decided_at AS "decidedAt",
			opted_out AS "optedOut" FROM opt_out_reviews WHERE contact_id = ANY (?0) AND id > ?1 ORDER BY id LIMIT ?2`,
	},
	{
		name: "optInRequests", title: "Consents that waited for their confirmation",
		about:  "What was recorded and whether they confirmed it. Without a yes, what was recorded is deleted.",
		tables: []string{"opt_in_requests"},
		query: `SELECT id, status, source, evidence, CASE WHEN operator_id IS NOT NULL THEN 'an operator' END AS "recordedBy",
			created_at AS "createdAt", asked_at AS "askedAt", asked_key AS "askedAddress", language, message_id AS message, not_before AS "notBefore",
			expires_at AS "expiresAt", ended_at AS "endedAt"
			FROM opt_in_requests WHERE contact_id = ANY (?0) AND id > ?1 ORDER BY id LIMIT ?2`,
	},
	{
		name: "conversations", title: "Conversation", about: "Where the conversation with them stands.",
		tables: []string{"conversations"},
		query: `SELECT id, status, snoozed_until AS "snoozedUntil", unread, session_expires_at AS "sessionExpiresAt",
			last_message_at AS "lastMessageAt", created_at AS "createdAt", assignee_id IS NOT NULL AS assigned
			FROM conversations WHERE contact_id = ANY (?0) AND id > ?1 ORDER BY id LIMIT ?2`,
	},
	{
		name: "labels", title: "Labels", about: "Words under which operators sorted the conversation with them.",
		tables: []string{"conversation_labels"},
		query: `SELECT l.id, l.name AS label
			FROM conversation_labels cl JOIN labels l ON l.id = cl.label_id JOIN conversations co ON co.id = cl.conversation_id
			WHERE co.contact_id = ANY (?0) AND l.id > ?1 ORDER BY l.id LIMIT ?2`,
	},
	{
		name: "notes", title: "Notes", about: "What operators noted for one another about the conversation with them.",
		tables: []string{"conversation_notes"},
		query: `SELECT n.id, n.created_at AS "createdAt", CASE WHEN n.operator_id IS NULL THEN 'a program' ELSE 'an operator' END AS by,
			n.body AS text
			FROM conversation_notes n JOIN conversations co ON co.id = n.conversation_id
			WHERE co.contact_id = ANY (?0) AND n.id > ?1 ORDER BY n.id LIMIT ?2`,
	},
	{
		name: "imports", title: "Imports", about: "Files that named them. The rows that say they agreed are under Consent.",
		tables: []string{"import_contacts"},
		query: `SELECT i.id, i.file_name AS file, i.created_at AS "createdAt", i.status
			FROM import_contacts ic JOIN imports i ON i.id = ic.import_id
			WHERE ic.contact_id = ANY (?0) AND i.id > ?1 GROUP BY i.id ORDER BY i.id LIMIT ?2`,
	},
	{
		name: "changes", title: "Changes", about: "What the audit trail says about them: who changed what, and when.",
		tables: []string{"audit_entries"},
		query: `SELECT id, created_at AS at, action, ` + by("actor_kind") + ` AS by, changes
			FROM audit_entries WHERE entity = 'contact' AND entity_id = ANY (?0) AND id > ?1 ORDER BY id LIMIT ?2`,
	},
	{
		name: "erasure", title: "Erasure", about: "What is left to do about an erasure.", tables: []string{"erasures"},
		query: `SELECT contact_id, erased_at AS "erasedAt", cleared AS "textsCleared", watch_until AS "watchedUntil"
			FROM erasures WHERE contact_id = ANY (?0) AND contact_id > ?1 ORDER BY contact_id LIMIT ?2`,
	},
	{
		name: "messages", title: "Messages", about: "What was sent to them and what they wrote, with what became of it.",
		tables: []string{"messages", "message_attempts", "delivery_events", "clicks"},
		query: `SELECT m.id AS key, m.id, m.direction, m.purpose, ca.name AS campaign, t.name AS template, chr(65 + m.variant) AS variant, m.created_at AS "createdAt",
			m.body AS text, m.media, m.content, m.status,
			CASE WHEN m.operator_id IS NOT NULL THEN 'an operator' END AS by, m.skip_reason AS "skipReason", nullif(m.error_code, 0) AS "errorCode",
			m.error_message AS "errorMessage", s.address AS sender, m.sid, m.attempts, m.redeliveries,
			CASE WHEN m.not_before > 'epoch' AND m.not_before < '9999-01-01' THEN m.not_before END AS "notBefore", m.not_before_reason AS "notBeforeReason",
			m.deferred_reason AS "deferredReason", m.submitted_at AS "submittedAt", m.accepted_at AS "acceptedAt",
			m.sent_at AS "sentAt", m.delivered_at AS "deliveredAt", m.read_at AS "readAt", m.ended_at AS "endedAt",
			m.clicked_at AS "clickedAt", m.replied_at AS "repliedAt", m.opted_out_at AS "optedOutAt",
			(SELECT json_agg(json_build_object('at', e.occurred_at, 'knownSince', e.received_at, 'status', e.status,
					'errorCode', nullif(e.error_code, 0), 'sid', e.sid) ORDER BY e.id)
				FROM delivery_events e WHERE e.message_id = m.id) AS events,
			(SELECT json_agg(json_build_object('at', k.clicked_at, 'knownSince', k.received_at, 'button', l.title, 'address', l.destination)
					ORDER BY k.id)
				FROM clicks k LEFT JOIN links l ON l.id = k.link_id WHERE k.message_id = m.id) AS clicks,
			(SELECT json_agg(json_build_object('sid', a.sid, 'attempt', a.attempt, 'status', a.status,
					'errorCode', nullif(a.error_code, 0), 'submittedAt', a.submitted_at, 'acceptedAt', a.accepted_at,
					'endedAt', a.ended_at, 'supersededAt', a.superseded_at) ORDER BY a.attempt)
				FROM message_attempts a WHERE a.message_id = m.id) AS "earlierAttempts",
			(SELECT json_agg(json_build_object('at', e.created_at, 'action', e.action, 'by', ` + by("e.actor_kind") + `)
					ORDER BY e.id)
				FROM audit_entries e WHERE e.entity = 'message' AND e.entity_id = m.id) AS changes
			FROM messages m LEFT JOIN campaigns ca ON ca.id = m.campaign_id
			LEFT JOIN template_versions v ON v.id = m.template_version_id LEFT JOIN templates t ON t.id = v.template_id
			LEFT JOIN senders s ON s.id = m.sender_id
			WHERE m.contact_id = ANY (?0) AND m.id > ?1 ORDER BY m.id LIMIT ?2`,
	},
}

// read gives the next rows of a section, and the key of the last.
func read(ctx context.Context, idb bun.IDB, sec section, who *Subject, after int64) (out []row, last int64, err error) {
	rows, err := idb.QueryContext(ctx, sec.query, pgdialect.Array(who.family), after, slice, pgdialect.Array(who.hashes))
	if err != nil {
		return nil, 0, db.Err(err)
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, 0, db.Err(err)
	}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, 0, db.Err(err)
		}
		last, _ = values[0].(int64)
		r := make(row, 0, len(types)-1)
		for i, v := range values[1:] {
			r = append(r, field{types[i+1].Name(), value(v, types[i+1].DatabaseTypeName())})
		}
		out = append(out, r)
	}
	return out, last, db.Err(rows.Err())
}

// value makes of what the driver gives one of the kinds that documents know.
func value(v any, typ string) any {
	isJSON := typ == "JSON" || typ == "JSONB"
	switch v := v.(type) {
	case []byte:
		if isJSON {
			return json.RawMessage(append([]byte{}, v...))
		}
		return string(v)
	case string:
		if isJSON {
			return json.RawMessage(v)
		}
	case time.Time:
		return v.UTC()
	}
	return v
}
