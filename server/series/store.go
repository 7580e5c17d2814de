package series

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Of reads what happened in a campaign from one moment to another.
func Of(ctx context.Context, idb bun.IDB, campaignID int64, from, to time.Time, zone *time.Location) ([]Point, error) {
	return read(ctx, idb, &campaignID, from, to, zone)
}

// All reads what happened to all messages.
func All(ctx context.Context, idb bun.IDB, from, to time.Time, zone *time.Location) ([]Point, error) {
	return read(ctx, idb, nil, from, to, zone)
}

func read(ctx context.Context, idb bun.IDB, campaignID *int64, from, to time.Time, zone *time.Location) ([]Point, error) {
	starts := Starts(from, to, zone)
	points := make([]Point, len(starts))
	for i, at := range starts {
		end := to
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		points[i] = Point{At: at, Length: end.Sub(at)}
	}
	var rows []struct {
		Step    int
		Measure string
		N       int64
	}
	q := idb.NewSelect().TableExpr("message_series").
		ColumnExpr("width_bucket(bucket, ?::timestamptz[]) AS step, measure, sum(n) AS n", pgdialect.Array(starts)).
		Where("bucket >= ? AND bucket < ?", from, to).GroupExpr("1, 2")
	if campaignID != nil {
		q = q.Where("campaign_id = ?", *campaignID)
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, db.Err(err)
	}
	for _, r := range rows {
		p := &points[r.Step-1]
		switch r.Measure {
		case "at:accepted":
			p.Accepted = r.N
		case "at:sent":
			p.Sent = r.N
		case "at:delivered":
			p.Delivered = r.N
		case "at:read":
			p.Read = r.N
		case "at:clicked":
			p.Clicked = r.N
		case "failed", "undelivered":
			p.Failed += r.N
		case "received":
			p.Received = r.N
		}
	}
	return points, nil
}
