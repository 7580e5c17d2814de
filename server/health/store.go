package health

import (
	"context"

	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
)

func systemState(ctx context.Context, idb bun.IDB, h *Health) error {
	// Events have no index over their time; ids grow with it. So back walks the
	// ids in growing steps until the minute is over.
	err := idb.NewRaw(`
		WITH RECURSIVE back AS (
			(SELECT id, received_at, 250::bigint AS step FROM webhook_events ORDER BY id DESC LIMIT 1)
			UNION ALL
			SELECT coalesce(e.id, 0), coalesce(e.received_at, '-infinity'), b.step * 2 FROM back b LEFT JOIN LATERAL (
				SELECT id, received_at FROM webhook_events WHERE id <= b.id - b.step ORDER BY id DESC LIMIT 1) e ON true
			WHERE b.received_at > now() - interval '1 minute')
		SELECT
		(SELECT count(*) FROM leases WHERE name LIKE 'worker:%' AND expires_at >= now()),
		(SELECT coalesce(extract(epoch FROM clock_timestamp() - min(first.at)), 0)::float8
			FROM (VALUES ('inbound'), ('status')) k (kind),
			LATERAL (SELECT received_at AS at FROM webhook_events e WHERE e.kind = k.kind AND e.applied_at IS NULL
				AND e.next_attempt_at IS NULL ORDER BY e.id LIMIT 1) first),
		(SELECT coalesce(max(extract(epoch FROM clock_timestamp() - coalesce(served.at, ca.prepared_at))), 0)::float8
			FROM campaigns ca
			LEFT JOIN LATERAL (SELECT bucket + interval '10 seconds' AS at FROM message_series s
				WHERE s.campaign_id = ca.id AND s.measure IN ('at:accepted', 'failed', 'skipped') ORDER BY bucket DESC
					LIMIT 1) served ON true
			WHERE ca.status = 'sending' AND EXISTS (SELECT 1 FROM campaign_senders cs CROSS JOIN LATERAL (
				SELECT 1 FROM messages m WHERE m.work = 'send' AND m.sender_id = cs.sender_id AND m.campaign_id = ca.id
					AND m.not_before <= now()
				ORDER BY m.not_before, m.id LIMIT 1) due WHERE cs.campaign_id = ca.id)),
		(SELECT count(*) FROM webhook_events
			WHERE id >= (SELECT coalesce(min(id), 0) FROM back) AND received_at > now() - interval '1 minute'),
		(SELECT count(*) FROM (SELECT 1 FROM webhook_events WHERE applied_at IS NULL AND next_attempt_at IS NOT NULL LIMIT ?) parked)`, countLimit).
		Scan(ctx, &h.Workers, &h.WebhookLagSeconds, &h.DispatchLagSeconds, &h.WebhooksPerMinute, &h.WebhooksParked)
	if err != nil {
		return db.Err(err)
	}
	if h.MessagesUndecided, err = message.Undecided(ctx, idb, countLimit); err != nil {
		return err
	}
	// Each worker has a queue of its own for sending; together they are one thing.
	// Completed and canceled jobs are the many: states are named, so that River's
	// index over them answers.
	err = idb.NewRaw(`
		SELECT CASE WHEN queue LIKE 'worker\_%' THEN 'dispatch' ELSE queue END AS name,
			count(*) FILTER (WHERE state IN ('available', 'retryable', 'scheduled')) AS available,
			count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'discarded') AS failed
		FROM river_job WHERE state IN ('available', 'retryable', 'scheduled', 'running', 'discarded', 'pending')
		GROUP BY 1 ORDER BY 1`).Scan(ctx, &h.Queues)
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
