package campaign

import (
	"context"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/segment"
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

// skipCase is the part of the gate that contacts' own columns answer, in the
// gate's order; ” passes. The rest is looked at when the message goes.
func skipCase(category template.Category) string {
	sql := `CASE WHEN c.consent_status = 'opted_out' THEN 'opted_out' WHEN c.consent_status <> 'opted_in' THEN 'no_consent' WHEN NOT c.reachable THEN 'unreachable'`
	if category == template.CategoryMarketing {
		sql += ` WHEN NOT c.marketing_eligible OR c.region = 'US' THEN 'ineligible'`
	}
	return sql + ` ELSE '' END`
}

// insertAudience writes the messages of the next n members behind the cursor.
// It gives the last contact looked at, and how many there were.
func insertAudience(ctx context.Context, tx bun.Tx, c *Campaign, p segment.Predicate, category template.Category, n int) (last int64, seen int, err error) {
	args := append([]any{c.AudienceCursor}, p.Args...)
	args = append(args, n, c.ID, c.SenderID, c.TemplateVersionID)
	err = tx.NewRaw(`
		WITH members AS (
			SELECT c.id, `+skipCase(category)+` AS reason FROM contacts c
			WHERE c.id > ? AND c.erased_at IS NULL AND (`+p.SQL+`) ORDER BY c.id LIMIT ?),
		written AS (
			INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status, skip_reason, ended_at)
			SELECT 'outbound', 'campaign', ?, id, ?, ?, CASE WHEN reason = '' THEN 'pending' ELSE 'skipped' END, reason, CASE WHEN reason <> '' THEN now() END
			FROM members ORDER BY id ON CONFLICT (campaign_id, contact_id) DO NOTHING)
		SELECT coalesce(max(id), 0), count(*) FROM members`, args...).Scan(ctx, &last, &seen)
	return last, seen, db.Err(err)
}

func moveCursor(ctx context.Context, tx bun.Tx, id, cursor int64) error {
	_, err := tx.NewRaw("UPDATE campaigns SET audience_cursor = ? WHERE id = ?", cursor, id).Exec(ctx)
	return db.Err(err)
}

func audienceCounts(ctx context.Context, idb bun.IDB, p segment.Predicate, category template.Category) (map[string]int64, error) {
	var rows []struct {
		Reason string
		N      int64
	}
	err := idb.NewRaw("SELECT "+skipCase(category)+" AS reason, count(*) AS n FROM contacts c WHERE c.erased_at IS NULL AND ("+p.SQL+") GROUP BY 1", p.Args...).Scan(ctx, &rows)
	counts := map[string]int64{}
	for _, r := range rows {
		counts[r.Reason] = r.N
	}
	return counts, db.Err(err)
}

func audienceSample(ctx context.Context, idb bun.IDB, p segment.Predicate, n int64) (rows []*contact.Contact, err error) {
	err = idb.NewSelect().Model(&rows).Where("c.erased_at IS NULL AND c.consent_status = 'opted_in'").Where("("+p.SQL+")", p.Args...).
		OrderExpr("hashint8(c.id)").Limit(n).Scan(ctx)
	return rows, db.Err(err)
}

// claimed is a message that is ours until its lease ends.
type claimed struct {
	ID        int64
	ContactID int64
	Attempts  int
}

func claimRows(ctx context.Context, idb bun.IDB, campaignID int64, n int, lease time.Duration) (rows []claimed, err error) {
	err = idb.NewRaw(`
		UPDATE messages m SET status = 'submitting', attempts = m.attempts + 1, submitted_at = clock_timestamp(),
			lease_until = clock_timestamp() + make_interval(secs => ?), not_before_reason = ''
		FROM (SELECT id FROM messages WHERE campaign_id = ? AND status = 'pending' AND not_before <= now()
			ORDER BY not_before, id LIMIT ? FOR UPDATE SKIP LOCKED) next
		WHERE m.id = next.id RETURNING m.id, m.contact_id, m.attempts`, lease.Seconds(), campaignID, n).Scan(ctx, &rows)
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

func touchOutbound(ctx context.Context, idb bun.IDB, contactIDs []int64) error {
	if len(contactIDs) == 0 {
		return nil
	}
	_, err := idb.NewRaw(`UPDATE contacts c SET last_outbound_at = clock_timestamp()
		FROM (SELECT id FROM contacts WHERE id = ANY (?) ORDER BY id FOR UPDATE) l WHERE l.id = c.id`, pgdialect.Array(contactIDs)).Exec(ctx)
	return db.Err(err)
}

// cancelPending ends what has not been claimed; slices under way see the
// campaign's new status themselves.
func cancelPending(ctx context.Context, tx bun.Tx, campaignID int64) error {
	_, err := tx.NewRaw("UPDATE messages SET status = 'canceled', ended_at = clock_timestamp() WHERE campaign_id = ? AND status = 'pending'", campaignID).Exec(ctx)
	return db.Err(err)
}

func expirePending(ctx context.Context, idb bun.IDB, campaignID int64) error {
	_, err := idb.NewRaw("UPDATE messages SET status = 'expired', ended_at = clock_timestamp() WHERE campaign_id = ? AND status = 'pending'", campaignID).Exec(ctx)
	return db.Err(err)
}

// remaining tells from the counters how many messages may still go, and in how
// many seconds the next of them is due; nil when none is pending.
func remaining(ctx context.Context, idb bun.IDB, campaignID int64) (left int64, due *float64, err error) {
	err = idb.NewRaw(`
		SELECT (SELECT coalesce(sum(n), 0) FROM message_counts WHERE campaign_id = ?0 AND measure IN ('pending', 'submitting', 'unknown')),
			(SELECT extract(epoch FROM min(not_before) - clock_timestamp())::float8 FROM messages WHERE campaign_id = ?0 AND status = 'pending')`, campaignID).Scan(ctx, &left, &due)
	return left, due, db.Err(err)
}

// markUnknown finds messages whose worker died between claim and result.
func markUnknown(ctx context.Context, idb bun.IDB) (campaigns []int64, err error) {
	err = idb.NewRaw(`
		WITH orphans AS (
			UPDATE messages SET status = 'unknown', lease_until = clock_timestamp()
			WHERE id IN (SELECT id FROM messages WHERE status = 'submitting' AND lease_until < now() ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED)
			RETURNING campaign_id)
		SELECT DISTINCT campaign_id FROM orphans WHERE campaign_id IS NOT NULL`).Scan(ctx, &campaigns)
	return campaigns, db.Err(err)
}

func unknownDue(ctx context.Context, idb bun.IDB) (due bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM messages WHERE status = 'unknown' AND lease_until < now())").Scan(ctx, &due)
	return due, db.Err(err)
}

// idleCampaigns are those that have something to do and no job that does it.
// A job that was just enqueued shows in River's table, not yet in a lease.
func idleCampaigns(ctx context.Context, idb bun.IDB) (rows []*Campaign, err error) {
	err = idb.NewRaw(`
		SELECT ca.id, ca.status FROM campaigns ca
		WHERE (ca.status = 'preparing' OR (ca.status = 'sending' AND (
				EXISTS (SELECT 1 FROM messages m WHERE m.campaign_id = ca.id AND m.status = 'pending' AND (m.not_before <= now() OR ca.ends_at <= now()))
				OR NOT EXISTS (SELECT 1 FROM message_counts mc WHERE mc.campaign_id = ca.id AND mc.measure IN ('pending', 'submitting', 'unknown') AND mc.n > 0))))
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = CASE ca.status WHEN 'preparing' THEN 'campaign_prepare:' ELSE 'campaign_dispatch:' END || ca.id AND l.expires_at >= now())
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = CASE ca.status WHEN 'preparing' THEN 'campaign_prepare' ELSE 'campaign_dispatch' END
				AND j.state IN ('available', 'pending') AND (j.args ->> 'campaign_id')::bigint = ca.id)`).Scan(ctx, &rows)
	return rows, db.Err(err)
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
			WHERE id IN (SELECT id FROM messages WHERE status = 'unknown' AND lease_until < now() ORDER BY lease_until LIMIT ? FOR UPDATE SKIP LOCKED)
			RETURNING id, campaign_id, contact_id, sender_id, submitted_at)
		SELECT t.id, t.campaign_id, c.address, s.address AS sender, t.submitted_at, extract(epoch FROM clock_timestamp() - t.submitted_at)::float8 AS age
		FROM taken t JOIN contacts c ON c.id = t.contact_id JOIN senders s ON s.id = t.sender_id ORDER BY t.id`, n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func postpone(ctx context.Context, tx bun.Tx, id int64, d time.Duration) error {
	_, err := tx.NewRaw("UPDATE messages SET lease_until = clock_timestamp() + make_interval(secs => ?) WHERE id = ?", d.Seconds(), id).Exec(ctx)
	return db.Err(err)
}

func backToPending(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw(`
		UPDATE messages m SET lease_until = NULL, status = CASE WHEN ca.status IN ('canceled', 'failed') THEN 'canceled' ELSE 'pending' END,
			ended_at = CASE WHEN ca.status IN ('canceled', 'failed') THEN clock_timestamp() END, not_before = 'epoch', not_before_reason = 'reconciled'
		FROM messages x LEFT JOIN campaigns ca ON ca.id = x.campaign_id WHERE x.id = m.id AND m.id = ?`, id).Exec(ctx)
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
	Reasons []Reason
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
		case message.StatusSkipped, message.StatusFailed, message.StatusUndelivered:
			p.Reasons = append(p.Reasons, Reason{r.Measure, r.Reason, r.N})
		}
	}
	return out, nil
}

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
