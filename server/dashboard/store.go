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
		WITH s AS (
			SELECT date_bin(make_interval(secs => ?0), bucket, 'epoch') AS at, measure, sum(n) AS n FROM message_series
			WHERE bucket >= date_bin(make_interval(secs => ?0), ?1::timestamptz, 'epoch')
				AND bucket < ?2::timestamptz + make_interval(secs => ?0)
			GROUP BY 1, 2)
		SELECT g.at, coalesce(sum(n) FILTER (WHERE measure = 'at:accepted'), 0) AS accepted,
			coalesce(sum(n) FILTER (WHERE measure = 'at:delivered'), 0) AS delivered,
			coalesce(sum(n) FILTER (WHERE measure = 'at:read'), 0) AS read,
			coalesce(sum(n) FILTER (WHERE measure IN ('failed', 'undelivered')), 0) AS failed,
			coalesce(sum(n) FILTER (WHERE measure = 'received'), 0) AS received
		FROM generate_series(date_bin(make_interval(secs => ?0), ?1::timestamptz, 'epoch'), ?2::timestamptz,
			make_interval(secs => ?0)) AS g (at)
		LEFT JOIN s ON s.at = g.at
		GROUP BY 1 ORDER BY 1`, step.Seconds(), from, to).Scan(ctx, &rows)
	return rows, db.Err(err)
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
