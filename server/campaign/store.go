package campaign

import (
	"context"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insert(ctx context.Context, tx bun.Tx, c *Campaign) error {
	_, err := tx.NewInsert().Model(c).Exec(ctx)
	return db.Err(err)
}

func save(ctx context.Context, tx bun.Tx, c *Campaign) error {
	_, err := tx.NewUpdate().Model(c).ExcludeColumn("id", "created_at", "created_by", "updated_at", "audience_cursor").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

func remove(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("DELETE FROM campaigns WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Campaign, error) {
	c := new(Campaign)
	err := db.Err(tx.NewSelect().Model(c).Where("ca.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("campaign", id)
	}
	return c, err
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Campaign, err error) {
	err = idb.NewSelect().Model(&rows).Where("ca.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	if len(f.Statuses) > 0 {
		q = q.Where("ca.status IN (?)", bun.List(f.Statuses))
	}
	if s := contact.CleanText(f.Search); s != "" {
		q = q.Where("strpos(lower(ca.name), lower(?)) > 0", s)
	}
	return q
}

func list(ctx context.Context, idb bun.IDB, f Filter, p db.Page) (db.Slice[*Campaign], error) {
	var rows []*Campaign
	q, err := p.Apply(filtered(idb.NewSelect().Model(&rows), f), "ca", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Campaign]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Campaign]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func count(ctx context.Context, idb bun.IDB, f Filter) (int64, error) {
	n, err := filtered(idb.NewSelect().Model((*Campaign)(nil)), f).Count(ctx)
	return n, db.Err(err)
}

// screen is the part of the gate that is asked of a whole audience at once; the
// rest is looked at when the message goes.
type screen struct {
	category template.Category
	topicID  *int64
}

// reason gives the skip reason in the gate's order; ” passes. It asks columns
// of contacts c and, with a topic, of what join joined.
func (s screen) reason() string {
	sql := `CASE WHEN c.consent_status = 'opted_out' THEN 'opted_out'`
	if s.topicID != nil {
		sql += ` WHEN ct.status IS DISTINCT FROM 'subscribed' THEN 'not_subscribed'`
	}
	sql += ` WHEN c.consent_status <> 'opted_in' THEN 'no_consent' WHEN NOT c.reachable THEN 'unreachable'`
	if s.category == template.CategoryMarketing {
		sql += ` WHEN NOT c.marketing_eligible OR c.region = 'US' THEN 'ineligible'`
	}
	return sql + ` ELSE '' END`
}

// join joins the contact's subscription to the topic, for contacts behind after.
func (s screen) join(after int64) (sql string, args []any) {
	if s.topicID == nil {
		return "", nil
	}
	return " LEFT JOIN contact_topics ct ON ct.contact_id = c.id AND ct.topic_id = ? AND ct.contact_id > ?", []any{*s.topicID, after}
}

// insertAudience writes the messages of the next n members behind the cursor,
// and deals them out to the senders in the deck. It gives the last contact
// looked at, and how many there were.
func insertAudience(ctx context.Context, tx bun.Tx, c *Campaign, p segment.Predicate, by screen, deck []int64, n int) (last int64, seen int, err error) {
	join, args := by.join(c.AudienceCursor)
	args = append(append(args, c.AudienceCursor), p.Args...)
	args = append(args, n, c.ID, pgdialect.Array(deck), len(deck), c.TemplateVersionID)
	err = tx.NewRaw(`
		WITH members AS MATERIALIZED (
			SELECT c.id, `+by.reason()+` AS reason FROM contacts c`+join+`
			WHERE c.id > ? AND c.erased_at IS NULL AND (`+p.SQL+`) ORDER BY c.id LIMIT ?),
		written AS (
			INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status, skip_reason, ended_at)
			SELECT 'outbound', 'campaign', ?, id, (?::bigint[])[1 + id % ?], ?, CASE WHEN reason = '' THEN 'pending' ELSE 'skipped' END, reason, CASE WHEN reason <> '' THEN now() END
			FROM members ORDER BY id ON CONFLICT (campaign_id, contact_id) DO NOTHING)
		SELECT coalesce(max(id), 0), count(*) FROM members`, args...).Scan(ctx, &last, &seen)
	return last, seen, db.Err(err)
}

func moveCursor(ctx context.Context, tx bun.Tx, id, cursor int64) error {
	_, err := tx.NewRaw("UPDATE campaigns SET audience_cursor = ? WHERE id = ?", cursor, id).Exec(ctx)
	return db.Err(err)
}

func audienceCounts(ctx context.Context, idb bun.IDB, p segment.Predicate, by screen) (map[string]int64, error) {
	var rows []struct {
		Reason string
		N      int64
	}
	join, args := by.join(0)
	err := idb.NewRaw("SELECT "+by.reason()+" AS reason, count(*) AS n FROM contacts c"+join+" WHERE c.erased_at IS NULL AND ("+p.SQL+") GROUP BY 1", append(args, p.Args...)...).Scan(ctx, &rows)
	counts := map[string]int64{}
	for _, r := range rows {
		counts[r.Reason] = r.N
	}
	return counts, db.Err(err)
}

// audienceSample draws from those whom the screen lets through.
func audienceSample(ctx context.Context, idb bun.IDB, p segment.Predicate, by screen, n int64) (rows []*contact.Contact, err error) {
	join, args := by.join(0)
	err = idb.NewSelect().Model(&rows).Join(join, args...).Where("c.erased_at IS NULL AND "+by.reason()+" = ''").Where("("+p.SQL+")", p.Args...).
		OrderExpr("hashint8(c.id)").Limit(n).Scan(ctx)
	return rows, db.Err(err)
}

// saveShares sets a campaign's senders.
func saveShares(ctx context.Context, tx bun.Tx, campaignID int64, shares Shares) error {
	weights := make([]int64, len(shares))
	for i, x := range shares {
		weights[i] = int64(x.Weight)
	}
	if _, err := tx.NewRaw("DELETE FROM campaign_senders WHERE campaign_id = ?", campaignID).Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("INSERT INTO campaign_senders (campaign_id, sender_id, weight, position) SELECT ?, u.s, u.w, u.o FROM unnest(?::bigint[], ?::int[]) WITH ORDINALITY u (s, w, o)",
		campaignID, pgdialect.Array(shares.senders()), pgdialect.Array(weights)).Exec(ctx)
	return db.Err(err)
}

func sharesOf(ctx context.Context, idb bun.IDB, campaignIDs []int64) (map[int64]Shares, error) {
	var rows []struct {
		CampaignID int64
		SenderID   int64
		Weight     int
	}
	err := idb.NewRaw("SELECT campaign_id, sender_id, weight FROM campaign_senders WHERE campaign_id = ANY (?) ORDER BY campaign_id, position", pgdialect.Array(campaignIDs)).Scan(ctx, &rows)
	found := make(map[int64]Shares, len(campaignIDs))
	for _, id := range campaignIDs {
		found[id] = Shares{}
	}
	for _, r := range rows {
		found[r.CampaignID] = append(found[r.CampaignID], Share{r.SenderID, r.Weight})
	}
	return found, db.Err(err)
}

// activeShares are a campaign's senders that send.
func activeShares(ctx context.Context, idb bun.IDB, campaignID int64) (shares Shares, err error) {
	err = idb.NewRaw(`SELECT cs.sender_id, cs.weight FROM campaign_senders cs JOIN senders s ON s.id = cs.sender_id
		WHERE cs.campaign_id = ? AND s.status = 'active' ORDER BY cs.position`, campaignID).Scan(ctx, &shares)
	return shares, db.Err(err)
}

// reassign deals what is pending with other senders out to these.
func reassign(ctx context.Context, tx bun.Tx, campaignID int64, shares Shares) error {
	deck := shares.deck()
	_, err := tx.NewRaw("UPDATE messages SET sender_id = (?::bigint[])[1 + contact_id % ?] WHERE campaign_id = ? AND work = 'send' AND sender_id <> ALL (?)",
		pgdialect.Array(deck), len(deck), campaignID, pgdialect.Array(shares.senders())).Exec(ctx)
	return db.Err(err)
}

// busy is a campaign that sends, and in how many seconds its next message from
// one sender is due; nil: none is pending there.
type busy struct {
	Campaign `bun:",extend"`

	DueIn *float64
}

func sendingFrom(ctx context.Context, idb bun.IDB, senderID int64) (rows []*busy, err error) {
	err = idb.NewRaw(`
		SELECT ca.*, (SELECT extract(epoch FROM m.not_before - clock_timestamp())::float8 FROM messages m
			WHERE m.work = 'send' AND m.sender_id = ?0 AND m.campaign_id = ca.id ORDER BY m.not_before, m.id LIMIT 1) AS due_in
		FROM campaigns ca JOIN campaign_senders cs ON cs.campaign_id = ca.id AND cs.sender_id = ?0 WHERE ca.status = 'sending' ORDER BY ca.id`, senderID).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// sendingIDs are the campaigns that send and still have messages of this sender.
func sendingIDs(ctx context.Context, idb bun.IDB, senderID int64) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT ca.id FROM campaigns ca WHERE ca.status = 'sending'
		AND EXISTS (SELECT 1 FROM messages m WHERE m.work = 'send' AND m.sender_id = ? AND m.campaign_id = ca.id) ORDER BY ca.id`, senderID).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// sendingWith are the campaigns that send the same template as like; all that
// send without it.
func sendingWith(ctx context.Context, idb bun.IDB, like *int64) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT id FROM campaigns WHERE status = 'sending'
		AND (?0::bigint IS NULL OR template_version_id = (SELECT template_version_id FROM campaigns WHERE id = ?0)) ORDER BY id`, like).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func isSending(ctx context.Context, idb bun.IDB, id int64) (yes bool, err error) {
	err = idb.NewRaw("SELECT status = 'sending' FROM campaigns WHERE id = ?", id).Scan(ctx, &yes)
	return yes, db.Err(err)
}

// overLimit is a campaign whose share of failures is over its threshold.
type overLimit struct {
	ID, Errors, Tried int64
	Threshold         float64
}

const triedColumns = `coalesce(sum(n) FILTER (WHERE measure IN ('failed', 'undelivered')), 0) AS errors, coalesce(sum(n) FILTER (WHERE measure IN ('at:accepted', 'at:refused')), 0) AS tried`

func overThreshold(ctx context.Context, idb bun.IDB, atLeast int) (rows []overLimit, err error) {
	err = idb.NewRaw(`
		SELECT ca.id, ca.error_threshold AS threshold, x.errors - ca.errors_before AS errors, x.tried - ca.tried_before AS tried
		FROM campaigns ca, LATERAL (SELECT `+triedColumns+` FROM message_counts WHERE campaign_id = ca.id) x
		WHERE ca.status = 'sending' AND x.tried - ca.tried_before >= ? AND x.errors - ca.errors_before > ca.error_threshold * (x.tried - ca.tried_before)`, atLeast).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// tried is what a campaign has tried so far, and how much of it failed.
func tried(ctx context.Context, idb bun.IDB, id int64) (errs, all int64, err error) {
	err = idb.NewRaw("SELECT "+triedColumns+" FROM message_counts WHERE campaign_id = ?", id).Scan(ctx, &errs, &all)
	return errs, all, db.Err(err)
}

// liveWorkers are the owner names of the worker processes that live.
func liveWorkers(ctx context.Context, idb bun.IDB) (owners []string, err error) {
	err = idb.NewRaw("SELECT owner FROM leases WHERE name LIKE ? AND expires_at >= clock_timestamp() ORDER BY owner", jobs.WorkerLease+"%").Scan(ctx, &owners)
	return owners, db.Err(err)
}

// call is a job that is missing: a queue and the sender it should look after.
type call struct {
	Queue    string
	SenderID int64
}

// missing are the dispatch jobs that living workers should have: one for each
// sender with something due.
func missing(ctx context.Context, idb bun.IDB, queues []string) (rows []call, err error) {
	err = idb.NewRaw(`
		SELECT q.queue, s.id AS sender_id FROM unnest(?::text[]) q (queue), senders s
		WHERE EXISTS (SELECT 1 FROM campaigns ca JOIN campaign_senders cs ON cs.campaign_id = ca.id WHERE ca.status = 'sending' AND cs.sender_id = s.id
				AND EXISTS (SELECT 1 FROM messages m WHERE m.work = 'send' AND m.sender_id = s.id AND m.campaign_id = ca.id AND (m.not_before <= now() OR ca.ends_at <= now())))
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'campaign_dispatch' AND j.queue = q.queue
				AND j.state IN ('available', 'running', 'scheduled', 'retryable', 'pending') AND (j.args ->> 'sender_id')::bigint = s.id)`, pgdialect.Array(queues)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// forgetWorkers deletes the jobs of workers that are dead: nobody else can work them.
func forgetWorkers(ctx context.Context, idb bun.IDB, queues []string) error {
	_, err := idb.NewRaw(`DELETE FROM river_job WHERE kind = 'campaign_dispatch' AND state IN ('available', 'running', 'scheduled', 'retryable', 'pending') AND queue <> ALL (?)`, pgdialect.Array(queues)).Exec(ctx)
	return db.Err(err)
}

// claimed is a message that is ours until its lease ends.
type claimed struct {
	ID         int64
	CampaignID int64
	ContactID  int64
	Attempts   int
	Now        time.Time // Postgres' clock
}

// claimRows takes as many due messages of each campaign as it was granted. A
// campaign that was paused meanwhile gives none.
func claimRows(ctx context.Context, idb bun.IDB, senderID int64, grants []sender.Grant, lease time.Duration) (rows []claimed, err error) {
	ids, counts := make([]int64, len(grants)), make([]int64, len(grants))
	for i, g := range grants {
		ids[i], counts[i] = *g.CampaignID, int64(g.Granted)
	}
	// The ids go through an array: a limit that is not a constant is taken for a
	// tenth of the table, and Postgres would read all of it for a slice.
	err = idb.NewRaw(`
		UPDATE messages m SET status = 'submitting', attempts = m.attempts + 1, submitted_at = clock_timestamp(),
			lease_until = clock_timestamp() + make_interval(secs => ?), not_before_reason = ''
		WHERE m.id = ANY (ARRAY(
			SELECT due.id FROM unnest(?::bigint[], ?::int[]) g (campaign_id, n) JOIN campaigns ca ON ca.id = g.campaign_id AND ca.status = 'sending'
				CROSS JOIN LATERAL (SELECT id FROM messages x WHERE x.work = 'send' AND x.sender_id = ? AND x.campaign_id = g.campaign_id AND x.not_before <= now()
					ORDER BY x.not_before, x.id LIMIT g.n FOR UPDATE SKIP LOCKED) due))
		RETURNING m.id, m.campaign_id, m.contact_id, m.attempts, clock_timestamp() AS now`,
		lease.Seconds(), pgdialect.Array(ids), pgdialect.Array(counts), senderID).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// unclaim gives messages back that no call was made for. Those of a campaign
// that was canceled meanwhile are canceled too.
func unclaim(ctx context.Context, idb bun.IDB, rows []claimed) error {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	_, err := idb.NewRaw(`
		UPDATE messages m SET lease_until = NULL, submitted_at = NULL, attempts = m.attempts - 1,
			status = CASE WHEN ca.status = 'canceled' THEN 'canceled' ELSE 'pending' END,
			ended_at = CASE WHEN ca.status = 'canceled' THEN clock_timestamp() END
		FROM campaigns ca WHERE ca.id = m.campaign_id AND m.id = ANY (?) AND m.status = 'submitting'`, pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// writeResults writes a slice in one statement. A callback that was faster
// than the answer to the call has the last word on the status.
func writeResults(ctx context.Context, tx bun.Tx, results []result, grace time.Duration) error {
	n := len(results)
	ids, codes, uncount := make([]int64, n), make([]int64, n), make([]bool, n)
	status, skips, sids, texts, bodies, notBefore, why := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, r := range results {
		ids[i], codes[i], uncount[i] = r.id, int64(r.code), r.uncount
		status[i], skips[i], sids[i], texts[i], bodies[i], why[i] = string(r.status), string(r.skip), r.sid, r.text, r.body, r.why
		notBefore[i] = "epoch"
		if !r.notBefore.IsZero() {
			notBefore[i] = r.notBefore.UTC().Format(time.RFC3339Nano)
		}
	}
	_, err := tx.NewRaw(`
		UPDATE messages m SET
			status = CASE WHEN m.status <> 'submitting' THEN m.status WHEN u.status = 'pending' AND ca.status = 'canceled' THEN 'canceled' ELSE u.status END,
			sid = coalesce(m.sid, nullif(u.sid, '')),
			body = u.body,
			skip_reason = u.skip,
			error_code = CASE WHEN m.status <> 'submitting' THEN m.error_code ELSE u.code END,
			error_message = CASE WHEN m.status <> 'submitting' THEN m.error_message ELSE u.text END,
			attempts = m.attempts - CASE WHEN u.uncount THEN 1 ELSE 0 END,
			not_before = u.not_before::timestamptz,
			not_before_reason = u.why,
			deferred_reason = CASE WHEN m.deferred_reason = '' AND u.status = 'pending' THEN u.why ELSE m.deferred_reason END,
			lease_until = CASE WHEN u.status = 'unknown' THEN clock_timestamp() + make_interval(secs => least(?, 5)) END,
			accepted_at = coalesce(m.accepted_at, CASE WHEN u.sid <> '' THEN clock_timestamp() END),
			ended_at = CASE WHEN m.status <> 'submitting' THEN m.ended_at
				WHEN u.status IN ('failed', 'skipped', 'expired') OR (u.status = 'pending' AND ca.status = 'canceled') THEN clock_timestamp() END
		FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::int[], ?::text[], ?::text[], ?::text[], ?::text[], ?::boolean[])
			AS u (id, status, skip, sid, code, text, body, not_before, why, uncount), campaigns ca
		WHERE m.id = u.id AND ca.id = m.campaign_id`,
		grace.Seconds(), pgdialect.Array(ids), pgdialect.Array(status), pgdialect.Array(skips), pgdialect.Array(sids), pgdialect.Array(codes),
		pgdialect.Array(texts), pgdialect.Array(bodies), pgdialect.Array(notBefore), pgdialect.Array(why), pgdialect.Array(uncount)).Exec(ctx)
	return db.Err(err)
}

// cancelSlice ends some of what has not been claimed; slices under way see the
// campaign's new status themselves. It reports how many there were.
func cancelSlice(ctx context.Context, idb bun.IDB, campaignID int64, n int) (int64, error) {
	res, err := idb.NewRaw(`UPDATE messages SET status = 'canceled', ended_at = clock_timestamp()
		WHERE id IN (SELECT id FROM messages WHERE campaign_id = ? AND work = 'send' ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED)`, campaignID, n).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	return res.RowsAffected()
}

// halfCanceled are campaigns that ended while messages of theirs are pending.
func halfCanceled(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT ca.id FROM campaigns ca WHERE ca.status IN ('canceled', 'failed') AND ca.updated_at > now() - interval '1 day'
		AND EXISTS (SELECT 1 FROM message_counts mc WHERE mc.campaign_id = ca.id AND mc.measure = 'pending' AND mc.n > 0)`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// expirePending ends what is pending of a campaign whose time is over, by
// Postgres' clock.
func expirePending(ctx context.Context, idb bun.IDB, campaignID int64) error {
	_, err := idb.NewRaw(`UPDATE messages m SET status = 'expired', ended_at = clock_timestamp() FROM campaigns ca
		WHERE ca.id = ? AND ca.ends_at <= clock_timestamp() AND m.campaign_id = ca.id AND m.work = 'send'`, campaignID).Exec(ctx)
	return db.Err(err)
}

// remaining tells from the counters how many messages may still go.
func remaining(ctx context.Context, idb bun.IDB, campaignID int64) (left int64, err error) {
	err = idb.NewRaw("SELECT coalesce(sum(n), 0) FROM message_counts WHERE campaign_id = ? AND measure IN ('pending', 'submitting', 'unknown')", campaignID).Scan(ctx, &left)
	return left, db.Err(err)
}

func inFlight(ctx context.Context, idb bun.IDB, campaignID int64) (n int64, err error) {
	err = idb.NewRaw("SELECT coalesce(sum(n), 0) FROM message_counts WHERE campaign_id = ? AND measure = 'submitting'", campaignID).Scan(ctx, &n)
	return n, db.Err(err)
}

// markUnknown finds messages whose worker died between claim and result.
func markUnknown(ctx context.Context, idb bun.IDB) (campaigns []int64, err error) {
	err = idb.NewRaw(`
		WITH orphans AS (
			UPDATE messages SET status = 'unknown', lease_until = clock_timestamp()
			WHERE id IN (SELECT id FROM messages WHERE work = 'watch' AND status = 'submitting' AND lease_until < now() ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED)
			RETURNING campaign_id)
		SELECT DISTINCT campaign_id FROM orphans WHERE campaign_id IS NOT NULL`).Scan(ctx, &campaigns)
	return campaigns, db.Err(err)
}

func unknownDue(ctx context.Context, idb bun.IDB) (due bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM messages WHERE work = 'watch' AND status = 'unknown' AND lease_until < now())").Scan(ctx, &due)
	return due, db.Err(err)
}

// unprepared are campaigns whose audience nobody takes. A job that was just
// enqueued shows in River's table, not yet in a lease.
func unprepared(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw(`
		SELECT ca.id FROM campaigns ca WHERE ca.status = 'preparing'
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'campaign_prepare:' || ca.id AND l.expires_at >= now())
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'campaign_prepare' AND j.state IN ('available', 'pending') AND (j.args ->> 'campaign_id')::bigint = ca.id)`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// finished are campaigns that send and have nothing left, or whose time is over.
func finished(ctx context.Context, idb bun.IDB) (rows []*Campaign, err error) {
	err = idb.NewRaw(`
		SELECT ca.* FROM campaigns ca WHERE ca.status = 'sending' AND (ca.ends_at <= now()
			OR NOT EXISTS (SELECT 1 FROM message_counts mc WHERE mc.campaign_id = ca.id AND mc.measure IN ('pending', 'submitting', 'unknown') AND mc.n > 0))`).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// forgottenSingles are messages outside campaigns that no job looks after.
func forgottenSingles(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw(`
		SELECT m.id FROM messages m WHERE m.work = 'send' AND m.campaign_id IS NULL AND m.not_before < now() AND m.created_at < now() - interval '5 seconds'
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'message_send' AND (j.args ->> 'message_id')::bigint = m.id
				AND (j.state IN ('available', 'scheduled', 'retryable', 'pending') OR (j.state = 'running' AND j.attempted_at > now() - interval '1 minute')))`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// unknownRow is a message whose call got no answer.
type unknownRow struct {
	ID          int64
	CampaignID  *int64
	Address     string
	Sender      string
	SubmittedAt time.Time
	Age         float64 // seconds since the call
}

// takeUnknown takes due ones for half a minute.
func takeUnknown(ctx context.Context, idb bun.IDB, n int) (rows []unknownRow, err error) {
	err = idb.NewRaw(`
		WITH taken AS (
			UPDATE messages SET lease_until = clock_timestamp() + interval '30 seconds'
			WHERE id IN (SELECT id FROM messages WHERE work = 'watch' AND status = 'unknown' AND lease_until < now() ORDER BY lease_until LIMIT ? FOR UPDATE SKIP LOCKED)
			RETURNING id, campaign_id, contact_id, sender_id, submitted_at)
		SELECT t.id, t.campaign_id, c.address, s.address AS sender, t.submitted_at, extract(epoch FROM clock_timestamp() - t.submitted_at)::float8 AS age
		FROM taken t JOIN contacts c ON c.id = t.contact_id JOIN senders s ON s.id = t.sender_id ORDER BY t.id`, n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func postpone(ctx context.Context, tx bun.Tx, id int64, d time.Duration) error {
	_, err := tx.NewRaw("UPDATE messages SET lease_until = clock_timestamp() + make_interval(secs => ?) WHERE id = ?", d.Seconds(), id).Exec(ctx)
	return db.Err(err)
}

func backToPending(ctx context.Context, tx bun.Tx, id int64, why string) error {
	_, err := tx.NewRaw(`
		UPDATE messages m SET lease_until = NULL, status = CASE WHEN ca.status IN ('canceled', 'failed') THEN 'canceled' ELSE 'pending' END,
			ended_at = CASE WHEN ca.status IN ('canceled', 'failed') THEN clock_timestamp() END, not_before = 'epoch', not_before_reason = ?
		FROM messages x LEFT JOIN campaigns ca ON ca.id = x.campaign_id WHERE x.id = m.id AND m.id = ?`, why, id).Exec(ctx)
	return db.Err(err)
}

// Counts are a campaign's numbers, from the counters.
type Counts struct {
	Audience, Pending, Submitting, Accepted, Sent, Delivered, Read, Failed, Undelivered, Canceled, Expired, Skipped, Unknown, Replied, OptedOut int64
}

// Reason is how many ended so for one reason.
type Reason struct {
	Measure string // skipped, failed or undelivered
	Reason  string // skip reason or error code
	N       int64
}

// Progress is a campaign's numbers with the reasons behind them.
type Progress struct {
	Counts
	Reasons   []Reason
	Deferrals []Reason // messages that had to wait, by the first reason
}

// ProgressOf reads the counters of many campaigns in one query.
func (s *Service) ProgressOf(ctx context.Context, ids []int64) (map[int64]*Progress, error) {
	var rows []struct {
		CampaignID int64
		Measure    string
		Reason     string
		N          int64
	}
	err := s.db.NewRaw("SELECT campaign_id, measure, reason, n FROM message_counts WHERE campaign_id = ANY (?) AND n <> 0 ORDER BY n DESC", pgdialect.Array(ids)).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	out := make(map[int64]*Progress, len(ids))
	for _, id := range ids {
		out[id] = &Progress{}
	}
	for _, r := range rows {
		p := out[r.CampaignID]
		if into := p.field(r.Measure); into != nil {
			*into += r.N
		}
		if len(r.Measure) < 3 || r.Measure[:3] != "at:" {
			p.Audience += r.N
		}
		switch message.Status(r.Measure) {
		case deferredMeasure:
			p.Deferrals = append(p.Deferrals, Reason{r.Measure, r.Reason, r.N})
		case message.StatusSkipped, message.StatusFailed, message.StatusUndelivered:
			p.Reasons = append(p.Reasons, Reason{r.Measure, r.Reason, r.N})
		}
	}
	return out, nil
}

const deferredMeasure = "at:deferred"

func (p *Progress) field(measure string) *int64 {
	return map[string]*int64{
		"pending": &p.Pending, "submitting": &p.Submitting, "unknown": &p.Unknown, "skipped": &p.Skipped, "failed": &p.Failed,
		"undelivered": &p.Undelivered, "canceled": &p.Canceled, "expired": &p.Expired, "at:accepted": &p.Accepted, "at:sent": &p.Sent,
		"at:delivered": &p.Delivered, "at:read": &p.Read, "at:replied": &p.Replied, "at:opted_out": &p.OptedOut,
	}[measure]
}

// SeriesPoint is what happened in ten seconds.
type SeriesPoint struct {
	At      time.Time // start of the ten seconds
	Measure string    // at:accepted, at:delivered…, failed, skipped
	N       int64
}

// Series gives what happened in a campaign, oldest first: in steps of ten
// seconds, or of a minute or an hour when it lasted longer.
func (s *Service) Series(ctx context.Context, id int64) (rows []SeriesPoint, err error) {
	err = s.db.NewRaw(`
		WITH span AS (SELECT max(bucket) - min(bucket) AS d FROM message_series WHERE campaign_id = ?0)
		SELECT date_bin(CASE WHEN d <= interval '20 minutes' THEN interval '10 seconds' WHEN d <= interval '6 hours' THEN interval '1 minute' ELSE interval '1 hour' END, bucket, 'epoch') AS at,
			measure, sum(n) AS n
		FROM message_series, span WHERE campaign_id = ?0 GROUP BY 1, 2 ORDER BY 1, 2`, id).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// RecentRate is how many messages a second Twilio accepted over the last ten
// to twenty seconds.
func (s *Service) RecentRate(ctx context.Context, id int64) (rate float64, err error) {
	err = s.db.NewRaw(`
		SELECT coalesce(sum(n) / greatest(extract(epoch FROM clock_timestamp() - min(bucket)), 1), 0)::float8 FROM message_series
		WHERE campaign_id = ? AND measure = 'at:accepted' AND bucket > clock_timestamp() - interval '20 seconds'`, id).Scan(ctx, &rate)
	return rate, db.Err(err)
}

// Throughput is how fast a campaign went, in messages a second that Twilio
// accepted: on average over the time in which it sent, and in its best ten
// seconds.
type Throughput struct{ Average, Peak float64 }

// ThroughputOf reads it from the series. A campaign that was done within ten
// seconds is measured by the time it took.
func (s *Service) ThroughputOf(ctx context.Context, ids []int64) (map[int64]Throughput, error) {
	var rows []struct {
		ID            int64
		Average, Peak float64
	}
	err := s.db.NewRaw(`
		SELECT ca.id, coalesce(x.n / greatest(least(x.buckets * 10, took), 1), 0)::float8 AS average, coalesce(x.best / greatest(least(10, took), 1), 0)::float8 AS peak
		FROM campaigns ca, LATERAL (SELECT sum(n) AS n, max(n) AS best, count(*) AS buckets FROM message_series WHERE campaign_id = ca.id AND measure = 'at:accepted') x,
			LATERAL (SELECT extract(epoch FROM coalesce(ca.finished_at, clock_timestamp()) - ca.started_at) AS took) y
		WHERE ca.id = ANY (?)`, pgdialect.Array(ids)).Scan(ctx, &rows)
	found := make(map[int64]Throughput, len(ids))
	for _, r := range rows {
		found[r.ID] = Throughput{r.Average, max(r.Peak, r.Average)} // one that straddles two tens
	}
	return found, db.Err(err)
}

// dueScheduled are the campaigns whose time has come, by Postgres' clock.
func dueScheduled(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw("SELECT id FROM campaigns WHERE status = 'scheduled' AND next_run_at <= clock_timestamp() ORDER BY next_run_at LIMIT 50").Scan(ctx, &ids)
	return ids, db.Err(err)
}

func runsOf(ctx context.Context, idb bun.IDB, parent int64, n int) (rows []*Campaign, err error) {
	err = idb.NewSelect().Model(&rows).Where("ca.parent_id = ?", parent).Order("ca.id DESC").Limit(int64(n)).Scan(ctx)
	return rows, db.Err(err)
}

// WaitingUntil tells when the next message of a campaign may go, if all that
// are pending wait; nil else.
func (s *Service) WaitingUntil(ctx context.Context, id int64) (at *time.Time, err error) {
	err = s.db.NewRaw(`
		SELECT CASE WHEN min(x.at) > clock_timestamp() THEN min(x.at) END FROM campaign_senders cs,
			LATERAL (SELECT m.not_before AS at FROM messages m WHERE m.work = 'send' AND m.sender_id = cs.sender_id AND m.campaign_id = cs.campaign_id ORDER BY m.not_before, m.id LIMIT 1) x
		WHERE cs.campaign_id = ?`, id).Scan(ctx, &at)
	return at, db.Err(err)
}

// lockUnknown locks messages whose call got no answer: of a campaign, or these.
func lockUnknown(ctx context.Context, tx bun.Tx, campaignID *int64, ids []int64) (rows []unknownRow, err error) {
	err = tx.NewRaw(`SELECT m.id, m.campaign_id FROM messages m WHERE m.work = 'watch' AND m.status = 'unknown' AND (m.campaign_id = ? OR m.id = ANY (?)) ORDER BY m.id LIMIT 10000 FOR UPDATE`,
		campaignID, pgdialect.Array(ids)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func giveUp(ctx context.Context, tx bun.Tx, ids []int64) error {
	_, err := tx.NewRaw(`UPDATE messages SET status = 'failed', error_message = 'No answer from Twilio; given up by an operator', lease_until = NULL, ended_at = clock_timestamp() WHERE id = ANY (?)`,
		pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// recentOf tells what other campaigns did with these contacts, as far as c's
// cap asks.
func recentOf(ctx context.Context, idb bun.IDB, c *Campaign, contactIDs []int64) (map[int64]Recent, error) {
	if c.FrequencyCap == nil {
		return nil, nil //nolint:nilnil // nothing counts
	}
	var rows []struct {
		ContactID          int64
		Accepted, InFlight int
	}
	err := idb.NewRaw(`
		SELECT contact_id, count(*) FILTER (WHERE accepted_at IS NOT NULL) AS accepted, count(*) FILTER (WHERE accepted_at IS NULL) AS in_flight
		FROM messages WHERE contact_id = ANY (?) AND campaign_id <> ? AND (accepted_at > clock_timestamp() - make_interval(days => ?) OR (accepted_at IS NULL AND work = 'watch'))
		GROUP BY 1`, pgdialect.Array(contactIDs), c.ID, c.FrequencyCap.Days).Scan(ctx, &rows)
	found := make(map[int64]Recent, len(rows))
	for _, r := range rows {
		found[r.ContactID] = Recent{r.Accepted, r.InFlight}
	}
	return found, db.Err(err)
}
