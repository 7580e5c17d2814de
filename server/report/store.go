package report

import (
	"context"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

func contactTotals(ctx context.Context, idb bun.IDB, d *Dashboard) error {
	return db.Err(idb.NewRaw(`SELECT count(*), count(*) FILTER (WHERE consent_status = 'opted_in'), count(*) FILTER (WHERE consent_status = 'opted_out'), count(*) FILTER (WHERE NOT reachable)
		FROM contacts WHERE erased_at IS NULL`).Scan(ctx, &d.Contacts, &d.OptedIn, &d.OptedOut, &d.Unreachable))
}

func campaignTotals(ctx context.Context, idb bun.IDB, d *Dashboard) error {
	return db.Err(idb.NewRaw("SELECT count(*) FILTER (WHERE status IN ('preparing', 'sending', 'paused')), count(*) FROM campaigns").Scan(ctx, &d.CampaignsActive, &d.CampaignsTotal))
}

func period(ctx context.Context, idb bun.IDB, from, to time.Time) (Period, error) {
	var p Period
	var rows []struct {
		Measure string
		N       int64
	}
	err := idb.NewRaw("SELECT measure, sum(n) AS n FROM message_series WHERE bucket >= ? AND bucket < ? GROUP BY 1", from, to).Scan(ctx, &rows)
	for _, r := range rows {
		switch r.Measure {
		case "at:accepted":
			p.Accepted = r.N
		case "at:delivered":
			p.Delivered = r.N
		case "at:read":
			p.Read = r.N
		case "at:replied":
			p.Replied = r.N
		case "at:opted_out":
			p.OptedOut = r.N
		case "failed", "undelivered":
			p.Failed += r.N
		case "received":
			p.Received = r.N
		}
	}
	return p, db.Err(err)
}

// volume gives some sixty steps over the range.
func volume(ctx context.Context, idb bun.IDB, from, to time.Time) (rows []Point, err error) {
	step := max(to.Sub(from)/60, 10*time.Second).Truncate(10 * time.Second)
	err = idb.NewRaw(`
		SELECT g.at, coalesce(sum(n) FILTER (WHERE measure = 'at:accepted'), 0) AS accepted, coalesce(sum(n) FILTER (WHERE measure = 'at:delivered'), 0) AS delivered,
			coalesce(sum(n) FILTER (WHERE measure = 'at:read'), 0) AS read, coalesce(sum(n) FILTER (WHERE measure IN ('failed', 'undelivered')), 0) AS failed,
			coalesce(sum(n) FILTER (WHERE measure = 'received'), 0) AS received
		FROM generate_series(date_bin(make_interval(secs => ?0), ?1::timestamptz, 'epoch'), ?2::timestamptz, make_interval(secs => ?0)) AS g (at)
		LEFT JOIN message_series s ON s.bucket >= g.at AND s.bucket < g.at + make_interval(secs => ?0)
		GROUP BY 1 ORDER BY 1`, step.Seconds(), from, to).Scan(ctx, &rows)
	return rows, db.Err(err)
}

type failure struct {
	Reason string
	N      int64
}

func failures(ctx context.Context, idb bun.IDB, campaignID *int64) (rows []failure, err error) {
	q := idb.NewSelect().TableExpr("message_counts").ColumnExpr("reason, sum(n) AS n").Where("measure IN ('failed', 'undelivered')").GroupExpr("reason").Having("sum(n) > 0").OrderExpr("n DESC")
	if campaignID != nil {
		q = q.Where("campaign_id = ?", *campaignID)
	}
	return rows, db.Err(q.Scan(ctx, &rows))
}

func systemState(ctx context.Context, idb bun.IDB, h *Health) error {
	err := idb.NewRaw(`SELECT
		(SELECT count(*) FROM leases WHERE name LIKE 'worker:%' AND expires_at >= now()),
		(SELECT coalesce(extract(epoch FROM clock_timestamp() - min(received_at)), 0)::float8 FROM webhook_events WHERE applied_at IS NULL AND next_attempt_at IS NULL),
		(SELECT coalesce(max(extract(epoch FROM clock_timestamp() - coalesce(served.at, ca.prepared_at))), 0)::float8 FROM campaigns ca
			LEFT JOIN LATERAL (SELECT max(bucket) + interval '10 seconds' AS at FROM message_series s WHERE s.campaign_id = ca.id AND s.measure IN ('at:accepted', 'failed', 'skipped')) served ON true
			WHERE ca.status = 'sending' AND EXISTS (SELECT 1 FROM campaign_senders cs JOIN messages m ON m.work = 'send' AND m.sender_id = cs.sender_id AND m.campaign_id = ca.id AND m.not_before <= now()
				WHERE cs.campaign_id = ca.id)),
		(SELECT count(*) FROM webhook_events WHERE id > (SELECT coalesce(max(id), 0) - 100000 FROM webhook_events) AND received_at > now() - interval '1 minute')`).
		Scan(ctx, &h.Workers, &h.WebhookLagSeconds, &h.DispatchLagSeconds, &h.WebhooksPerMinute)
	if err != nil {
		return db.Err(err)
	}
	// Each worker has a queue of its own for sending; together they are one thing.
	err = idb.NewRaw(`SELECT CASE WHEN queue LIKE 'worker\_%' THEN 'dispatch' ELSE queue END AS name, count(*) FILTER (WHERE state IN ('available', 'retryable', 'scheduled')) AS available,
		count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'discarded') AS failed
		FROM river_job WHERE state <> 'completed' GROUP BY 1 ORDER BY 1`).Scan(ctx, &h.Queues)
	return db.Err(err)
}

// Totals are numbers of the whole engine, for metrics.
type Totals struct {
	Messages  map[string]int64 // by status
	Campaigns map[string]int64 // by status
	Senders   map[string]int64 // by status
}

// Totals reads them from the counters.
func (s *Service) Totals(ctx context.Context) (*Totals, error) {
	var rows []struct {
		What, Word string
		N          int64
	}
	err := s.db.NewRaw(`
		SELECT 'message' AS what, measure AS word, sum(n) AS n FROM message_counts WHERE measure NOT LIKE 'at:%' GROUP BY 2
		UNION ALL SELECT 'campaign', status, count(*) FROM campaigns GROUP BY 2
		UNION ALL SELECT 'sender', status, count(*) FROM senders GROUP BY 2`).Scan(ctx, &rows)
	t := &Totals{Messages: map[string]int64{}, Campaigns: map[string]int64{}, Senders: map[string]int64{}}
	for _, r := range rows {
		map[string]map[string]int64{"message": t.Messages, "campaign": t.Campaigns, "sender": t.Senders}[r.What][r.Word] = r.N
	}
	return t, db.Err(err)
}

// timeline reads each source by its own index, newest n, and then the newest n
// of all.
func timeline(ctx context.Context, idb bun.IDB, contactID int64, before time.Time, n int) (rows []Happening, err error) {
	err = idb.NewRaw(`
		WITH newest AS MATERIALIZED (SELECT id, created_at, status FROM messages WHERE contact_id = ?0 ORDER BY id DESC LIMIT 500)
		(SELECT created_at AS at, 'message' AS kind, id, id AS message, status, 0 AS code, '' AS action, '' AS source, NULL::bigint AS actor
			FROM newest WHERE created_at < ?1 ORDER BY created_at DESC LIMIT ?2)
		UNION ALL
		(SELECT e.occurred_at, 'delivery', e.id, e.message_id, e.status, e.error_code, '', '', NULL
			FROM delivery_events e JOIN newest ON newest.id = e.message_id WHERE e.occurred_at < ?1 ORDER BY e.occurred_at DESC LIMIT ?2)
		UNION ALL
		(SELECT occurred_at, 'consent', id, 0, status, 0, '', source, operator_id
			FROM consent_events WHERE (contact_id = ?0 OR contact_id IN (SELECT id FROM contacts WHERE merged_into = ?0)) AND occurred_at < ?1 ORDER BY occurred_at DESC LIMIT ?2)
		UNION ALL
		(SELECT created_at, 'change', id, 0, '', 0, action, '', CASE WHEN actor_kind = 'operator' THEN actor_id END
			FROM audit_entries WHERE entity = 'contact' AND entity_id = ?0 AND action <> 'consent.set' AND created_at < ?1 ORDER BY id DESC LIMIT ?2)
		ORDER BY 1 DESC, 2, 3 DESC LIMIT ?2`, contactID, before, n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func outcomes(ctx context.Context, idb bun.IDB, campaign, before int64, n int) (rows []Outcome, err error) {
	err = idb.NewRaw(`
		SELECT m.contact_id, CASE WHEN c.erased_at IS NULL OR c.merged_into IS NOT NULL THEN c.address ELSE 'erased' END AS address, c.name, m.status, m.skip_reason, m.error_message,
			coalesce(m.sid, '') AS sid, m.body, m.error_code, m.attempts, m.created_at, m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.ended_at, m.replied_at, m.opted_out_at
		FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.campaign_id = ? AND m.contact_id < ? ORDER BY m.contact_id DESC LIMIT ?`, campaign, before, n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// decisionOf reads what was known when a message was decided: of the ledger, the
// newest event that had been recorded by then.
func decisionOf(ctx context.Context, idb bun.IDB, id int64) (*decided, error) {
	var rows []*decided
	err := idb.NewRaw(`
		SELECT m.status, m.skip_reason, m.purpose, m.direction, m.not_before, m.not_before_reason, m.deferred_reason, m.error_code, m.attempts, m.submitted_at, m.accepted_at, m.ended_at,
			coalesce(ca.name, '') AS campaign, ca.prepared_at, coalesce(s.name, '') AS segment, coalesce(tp.name, '') AS topic, coalesce((ca.frequency_cap ->> 'messages')::int, 0) AS cap_messages, coalesce((ca.frequency_cap ->> 'days')::int, 0) AS cap_days, coalesce(t.name, '') AS template, coalesce(v.version, 0) AS version,
			coalesce(e.status, '') AS consent_status, coalesce(e.source, '') AS consent_source, e.occurred_at AS consent_at, coalesce(e.evidence, '{}') AS evidence
		FROM messages m LEFT JOIN campaigns ca ON ca.id = m.campaign_id LEFT JOIN segments s ON s.id = ca.segment_id LEFT JOIN topics tp ON tp.id = ca.topic_id
		LEFT JOIN template_versions v ON v.id = m.template_version_id LEFT JOIN templates t ON t.id = v.template_id
		LEFT JOIN LATERAL (SELECT * FROM consent_events e WHERE e.contact_id = m.contact_id AND e.occurred_at <= coalesce(m.submitted_at, m.ended_at, now())
			ORDER BY (e.created_at <= coalesce(m.submitted_at, m.ended_at, now())) DESC, e.occurred_at DESC, e.id DESC LIMIT 1) e ON true
		WHERE m.id = ?`, id).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	if len(rows) == 0 {
		return nil, apperr.NotFound("message", id)
	}
	return rows[0], nil
}
