package dashboard

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

func campaignTotals(ctx context.Context, idb bun.IDB, d *Overview) error {
	return db.Err(idb.NewRaw("SELECT count(*) FILTER (WHERE status IN ('preparing', 'sending', 'paused')), count(*) FROM campaigns").
		Scan(ctx, &d.CampaignsActive, &d.CampaignsTotal))
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
