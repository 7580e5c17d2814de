package dashboard

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

func campaignTotals(ctx context.Context, idb bun.IDB, d *Overview) error {
	return db.Err(idb.NewRaw(`SELECT count(*) FILTER (WHERE status IN ('preparing', 'sending', 'paused')), count(*),
			EXISTS (SELECT FROM links l JOIN campaigns c ON c.id = l.campaign_id WHERE c.track_links) FROM campaigns`).
		Scan(ctx, &d.CampaignsActive, &d.CampaignsTotal, &d.CountsClicks))
}

func period(ctx context.Context, idb bun.IDB, from, to time.Time) (Period, error) {
	var p Period
	var rows []struct {
		Measure string
		N       int64
	}
	err := idb.NewRaw("SELECT measure, sum(n) AS n FROM message_series WHERE bucket >= ? AND bucket < ? GROUP BY 1",
		from, to).Scan(ctx, &rows)
	for _, r := range rows {
		switch r.Measure {
		case "at:accepted":
			p.Accepted = r.N
			p.Tried += r.N
		case "at:refused":
			p.Tried += r.N
		case "at:delivered":
			p.Delivered = r.N
		case "at:read":
			p.Read = r.N
		case "at:clicked":
			p.Clicked = r.N
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

func troubled(ctx context.Context, idb bun.IDB, lately time.Duration) (ids []int64, err error) {
	err = idb.NewRaw(`
		SELECT id FROM campaigns
		WHERE archived_at IS NULL AND (status = 'paused' AND paused_by = 'engine' OR status = 'scheduled' AND start_error <> ''
			OR status = 'failed' AND updated_at > now() - make_interval(secs => ?))
		ORDER BY updated_at DESC, id DESC LIMIT 10`, lately.Seconds()).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func toApprove(ctx context.Context, idb bun.IDB, lately time.Duration) (ids []int64, err error) {
	err = idb.NewRaw(`
		SELECT id FROM campaigns
		WHERE approval = 'waiting' AND status IN ('draft', 'scheduled')
			OR approval = 'sent_back' AND status = 'draft' AND archived_at IS NULL AND approval_decided_at > now() - make_interval(secs => ?)
		ORDER BY approval = 'waiting' DESC, approval_asked_at DESC, id DESC LIMIT 10`, lately.Seconds()).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func attention(ctx context.Context, idb bun.IDB) (a Attention, err error) {
	err = idb.NewRaw(`
		SELECT (SELECT count(*) FROM (SELECT FROM opt_out_reviews WHERE decided_at IS NULL LIMIT 10000) r),
			(SELECT count(*) FROM templates t, LATERAL (SELECT approval_status FROM template_versions v
				WHERE v.template_id = t.id ORDER BY v.version DESC LIMIT 1) v
				WHERE t.deleted_at IS NULL AND v.approval_status = 'rejected'),
			(SELECT count(*) FROM senders WHERE status <> 'active'),
			(SELECT coalesce(sum(n), 0) FROM message_counts WHERE measure = 'at:undecided')`).
		Scan(ctx, &a.OptOutReviews, &a.TemplatesRejected, &a.SendersStopped, &a.Undecided)
	return a, db.Err(err)
}

type failure struct {
	Reason string
	N      int64
}

func failures(ctx context.Context, idb bun.IDB, campaignID *int64) (rows []failure, err error) {
	q := idb.NewSelect().TableExpr("message_counts").ColumnExpr("reason, sum(n) AS n").
		Where("measure IN ('failed', 'undelivered')").GroupExpr("reason").Having("sum(n) > 0").OrderExpr("n DESC")
	if campaignID != nil {
		q = q.Where("campaign_id = ?", *campaignID)
	}
	return rows, db.Err(q.Scan(ctx, &rows))
}
