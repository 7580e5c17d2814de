package message

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// MarkClicked notes on messages when somebody first opened a link of theirs; several times of one message may be given, and one
// that becomes known later may be earlier. It locks the messages in order of id, and gives the ids of those that there are: what
// is left of a person who was erased does not count. campaigns are those whose numbers change.
func MarkClicked(ctx context.Context, tx bun.Tx, ids []int64, at []time.Time) (known, campaigns []int64, err error) {
	var rows []struct {
		ID         int64
		CampaignID *int64
	}
	err = tx.NewRaw(`
		SELECT m.id, m.campaign_id FROM messages m JOIN contacts c ON c.id = m.contact_id
		WHERE m.id = ANY (?::bigint[]) AND m.direction = 'outbound' AND (c.erased_at IS NULL OR c.merged_into IS NOT NULL)
		ORDER BY m.id FOR NO KEY UPDATE OF m`, pgdialect.Array(ids)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, nil, db.Err(err)
	}
	for _, r := range rows {
		known = append(known, r.ID)
	}
	times := make([]*time.Time, len(at))
	for i := range at {
		times[i] = &at[i]
	}
	err = tx.NewRaw(`
		UPDATE messages m SET clicked_at = least(first.at, clock_timestamp())
		FROM (SELECT id, min(at) AS at FROM unnest(?0::bigint[], ?1::timestamptz[]) u (id, at) GROUP BY 1) first
		WHERE m.id = first.id AND m.id = ANY (?2::bigint[]) AND (m.clicked_at IS NULL OR m.clicked_at > first.at)
		RETURNING coalesce(m.campaign_id, 0)`,
		pgdialect.Array(ids), db.TimeArray(times), pgdialect.Array(known)).Scan(ctx, &campaigns)
	return known, campaigns, db.Err(err)
}
