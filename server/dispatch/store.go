package dispatch

import (
	"context"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/provider"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// lookAt asks Postgres for its clock, which of these campaigns may send, and whether
// anything may.
func lookAt(ctx context.Context, idb bun.IDB, campaigns []int64) (l look, err error) {
	var row struct {
		Now             time.Time
		Held, Elsewhere bool
		Limited         bool
		IDs             []int64 `bun:"ids,array"`
		Budgeted        []int64 `bun:"budgeted,array"`
	}
	err = idb.NewRaw(`SELECT clock_timestamp() AS now, EXISTS (SELECT 1 FROM sending_hold) AS held,
		EXISTS (SELECT 1 FROM sent_elsewhere) AS elsewhere,
		EXISTS (SELECT 1 FROM portfolio WHERE coalesce(by_hand, told) > 0) AS limited,
		ARRAY(SELECT id FROM campaigns WHERE id = ANY (?) AND status IN ('sending', 'completed')) AS ids,
		ARRAY(SELECT id FROM campaigns WHERE id = ANY (?) AND (budget IS NOT NULL
			OR EXISTS (SELECT 1 FROM settings WHERE key = 'monthly_budget' AND value <> 'null'))) AS budgeted`,
		pgdialect.Array(campaigns), pgdialect.Array(campaigns)).Scan(ctx, &row)
	l = look{now: row.Now, held: row.Held, elsewhere: row.Elsewhere, limited: row.Limited, sending: make(map[int64]bool, len(campaigns)), budgeted: map[int64]bool{}}
	for _, id := range row.Budgeted {
		l.budgeted[id] = true
	}
	for _, id := range campaigns { // whoever was asked about is in it
		l.sending[id] = false
	}
	for _, id := range row.IDs {
		l.sending[id] = true
	}
	return l, db.Err(err)
}

// due is a campaign that has something to send, and in how many seconds its next
// message from one sender may go; nil: none is pending there.
type due struct {
	campaign.Campaign `bun:",extend"`

	DueIn *float64
}

// busyWith walks the index of pending work from campaign to campaign: as many steps
// as there are campaigns, however many messages wait.
const busyWith = `
	WITH RECURSIVE busy AS (
		(SELECT campaign_id FROM messages WHERE work = 'send' AND sender_id = ?0 AND campaign_id IS NOT NULL
			ORDER BY campaign_id LIMIT 1)
		UNION ALL
		SELECT (SELECT m.campaign_id FROM messages m WHERE m.work = 'send' AND m.sender_id = ?0
			AND m.campaign_id > b.campaign_id ORDER BY m.campaign_id LIMIT 1)
		FROM busy b WHERE b.campaign_id IS NOT NULL)`

// dueFrom are the campaigns that send from a sender, and the completed ones that
// have messages to redeliver there; none while sending is held.
func dueFrom(ctx context.Context, idb bun.IDB, senderID int64) (rows []*due, err error) {
	err = idb.NewRaw(busyWith+`
		SELECT ca.*, (SELECT extract(epoch FROM m.not_before - clock_timestamp())::float8 FROM messages m
			WHERE m.work = 'send' AND m.sender_id = ?0 AND m.campaign_id = ca.id ORDER BY m.not_before, m.id LIMIT 1) AS due_in
		FROM campaigns ca
		WHERE NOT EXISTS (SELECT 1 FROM sending_hold) AND (ca.status = 'sending' AND EXISTS (SELECT 1 FROM campaign_senders cs WHERE cs.campaign_id = ca.id AND cs.sender_id = ?0)
			OR ca.status = 'completed' AND ca.id IN (SELECT campaign_id FROM busy))
		ORDER BY ca.id`, senderID).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// campaignsWith are the campaigns that have pending messages of a sender.
func campaignsWith(ctx context.Context, idb bun.IDB, senderID int64) (ids []int64, err error) {
	err = idb.NewRaw(busyWith+`
		SELECT ca.id FROM campaigns ca WHERE ca.status IN ('sending', 'completed') AND ca.id IN (SELECT campaign_id FROM busy) ORDER BY ca.id`, senderID).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// overLimit is a campaign whose share of failures is over its threshold.
type overLimit struct {
	ID, Errors, Tried int64
	Threshold         float64
}

func overThreshold(ctx context.Context, idb bun.IDB, atLeast int) (rows []overLimit, err error) {
	err = idb.NewRaw(`
		SELECT ca.id, ca.error_threshold AS threshold, x.errors - ca.errors_before AS errors, x.tried - ca.tried_before AS tried
		FROM campaigns ca, LATERAL (SELECT `+campaign.TriedColumns+` FROM message_counts WHERE campaign_id = ca.id) x
		WHERE ca.status = 'sending' AND x.tried - ca.tried_before >= ? AND x.errors - ca.errors_before > ca.error_threshold * (x.tried - ca.tried_before)`,
		atLeast).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// sendingWith are the campaigns that send this version of a template; all that
// send without it.
func sendingWith(ctx context.Context, idb bun.IDB, versionID *int64) (ids []int64, err error) {
	err = idb.NewRaw("SELECT id FROM campaigns WHERE status = 'sending' AND (?0::bigint IS NULL OR template_version_id = ?0 OR id IN (SELECT campaign_id FROM campaign_languages WHERE template_version_id = ?0)) ORDER BY id", versionID).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func versionOf(ctx context.Context, idb bun.IDB, campaignID int64) (id *int64, err error) {
	err = idb.NewRaw("SELECT template_version_id FROM campaigns WHERE id = ?", campaignID).Scan(ctx, &id)
	return id, db.Err(err)
}

// missingJob is a dispatch job that should be there: a queue, and the sender that
// it should look after.
type missingJob struct {
	Queue    string
	SenderID int64
}

// missingJobs are the dispatch jobs that living workers should have: one for each
// sender of the provider with something due.
func missingJobs(ctx context.Context, idb bun.IDB, queues []string, of provider.Name) (rows []missingJob, err error) {
	err = idb.NewRaw(`
		WITH RECURSIVE busy AS (
			(SELECT sender_id, campaign_id FROM messages WHERE work = 'send' AND campaign_id IS NOT NULL ORDER BY sender_id, campaign_id LIMIT 1)
			UNION ALL
			SELECT n.sender_id, n.campaign_id FROM busy b, LATERAL (
				SELECT m.sender_id, m.campaign_id FROM messages m
				WHERE m.work = 'send' AND m.campaign_id IS NOT NULL AND (m.sender_id, m.campaign_id) > (b.sender_id, b.campaign_id)
				ORDER BY m.sender_id, m.campaign_id LIMIT 1) n)
		SELECT q.queue, s.sender_id FROM unnest(?::text[]) q (queue), (
			SELECT DISTINCT b.sender_id FROM busy b JOIN campaigns ca ON ca.id = b.campaign_id
				JOIN senders x ON x.id = b.sender_id AND x.provider = ? WHERE ca.status IN ('sending', 'completed')
				AND (ca.ends_at <= now() OR EXISTS (SELECT 1 FROM messages m WHERE m.work = 'send' AND m.sender_id = b.sender_id AND m.campaign_id = b.campaign_id
					AND m.not_before <= now()))) s
		WHERE NOT EXISTS (SELECT 1 FROM sending_hold)
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'campaign_dispatch' AND j.queue = q.queue
			AND j.state IN ('available', 'running', 'scheduled', 'retryable', 'pending') AND (j.args ->> 'sender_id')::bigint = s.sender_id)`,
		pgdialect.Array(queues), string(of)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// forgetWorkers deletes the jobs of workers that are dead: nobody else can work them.
func forgetWorkers(ctx context.Context, idb bun.IDB, queues []string) error {
	_, err := idb.NewRaw(`DELETE FROM river_job WHERE kind = 'campaign_dispatch' AND state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
		AND queue <> ALL (?)`, pgdialect.Array(queues)).Exec(ctx)
	return db.Err(err)
}

// lostSingles are messages outside campaigns that are due and that no job looks after
// soon: River lets a job that failed wait longer each time, up to hours.
func lostSingles(ctx context.Context, idb bun.IDB, of provider.Name) (ids []int64, err error) {
	err = idb.NewRaw(`
		SELECT m.id FROM senders s CROSS JOIN LATERAL (
			SELECT x.id, x.created_at FROM messages x WHERE x.work = 'send' AND x.sender_id = s.id AND x.campaign_id IS NULL AND x.not_before < now()
			ORDER BY x.not_before, x.id LIMIT 1000) m
		WHERE s.provider = ? AND m.created_at < now() - interval '5 seconds' AND NOT EXISTS (SELECT 1 FROM sending_hold)
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'message_send' AND (j.args ->> 'message_id')::bigint = m.id
				AND (j.state IN ('available', 'scheduled', 'pending') OR (j.state = 'retryable' AND j.scheduled_at < now() + interval '5 seconds')
					OR (j.state = 'running' AND j.attempted_at > now() - interval '1 minute')))`, string(of)).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// recentOf tells what other campaigns did with these contacts, as far as c's cap asks.
func recentOf(ctx context.Context, idb bun.IDB, c *campaign.Campaign, contactIDs []int64) (map[int64]gate.Recent, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // only campaigns have caps
	}
	return campaign.RecentOf(ctx, idb, c, contactIDs)
}
