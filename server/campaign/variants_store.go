package campaign

import (
	"context"
	"strconv"
	"strings"
	"time"

	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func saveVariants(ctx context.Context, tx bun.Tx, campaignID int64, variants Variants) error {
	if _, err := tx.NewRaw("DELETE FROM campaign_variants WHERE campaign_id = ?", campaignID).Exec(ctx); err != nil {
		return db.Err(err)
	}
	for i, v := range variants {
		_, err := tx.NewRaw("INSERT INTO campaign_variants (campaign_id, position, template_id, sender_id, weight, template_version_id) VALUES (?, ?, ?, ?, ?, ?)",
			campaignID, i, v.TemplateID, v.SenderID, v.Weight, v.TemplateVersionID).Exec(ctx)
		if err != nil {
			return db.Err(err)
		}
	}
	return nil
}

func variantsOf(ctx context.Context, idb bun.IDB, campaignID int64) (Variants, error) {
	found, err := variantsOfAll(ctx, idb, []int64{campaignID})
	return found[campaignID], err
}

func variantsOfAll(ctx context.Context, idb bun.IDB, campaignIDs []int64) (map[int64]Variants, error) {
	var rows []struct {
		CampaignID int64
		Variant    `bun:",embed"`
	}
	err := idb.NewRaw("SELECT campaign_id, template_id, sender_id, weight, template_version_id FROM campaign_variants "+
		"WHERE campaign_id = ANY (?) ORDER BY campaign_id, position", pgdialect.Array(campaignIDs)).Scan(ctx, &rows)
	found := make(map[int64]Variants, len(campaignIDs))
	for _, id := range campaignIDs {
		found[id] = nil
	}
	for _, r := range rows {
		found[r.CampaignID] = append(found[r.CampaignID], r.Variant)
	}
	return found, db.Err(err)
}

// figuresOf reads the numbers of the variants of campaigns.
func figuresOf(ctx context.Context, idb bun.IDB, campaignIDs []int64) (map[int64][maxVariants]Figures, error) {
	var rows []struct {
		CampaignID int64
		Reason     string
		N          int64
	}
	err := idb.NewRaw("SELECT campaign_id, reason, n FROM message_counts WHERE campaign_id = ANY (?) AND measure = 'at:variant'",
		pgdialect.Array(campaignIDs)).Scan(ctx, &rows)
	found := make(map[int64][maxVariants]Figures, len(campaignIDs))
	for _, r := range rows {
		position, name, _ := strings.Cut(r.Reason, ":")
		i, bad := strconv.Atoi(position)
		if bad != nil || i < 0 || i >= maxVariants {
			continue
		}
		all := found[r.CampaignID]
		if into := all[i].field(name); into != nil {
			*into = r.N
		}
		found[r.CampaignID] = all
	}
	return found, db.Err(err)
}

func (f *Figures) field(name string) *int64 {
	return map[string]*int64{
		"recipients": &f.Recipients, "waiting": &f.Waiting, "tried": &f.Tried, "accepted": &f.Accepted, "sent": &f.Sent, "delivered": &f.Delivered,
		"read": &f.Read, "clicked": &f.Clicked, "replied": &f.Replied, "opted_out": &f.OptedOut, "failed": &f.Failed,
	}[name]
}

// noVariant is where reached counts the messages that take no part in a test.
const noVariant = -1

// reached counts by variant the recipients who reached each of some goals; who opted out has not.
func reached(ctx context.Context, idb bun.IDB, campaignID int64, goals ...Goal) (Reached, error) {
	found := make(Reached, len(goals))
	for i, goal := range goals {
		column := map[GoalEvent]string{GoalClick: "clicked_at", GoalReply: "replied_at"}[goal.Event]
		var rows []struct {
			Variant int
			N       int64
		}
		err := idb.NewRaw("SELECT coalesce(variant, ?) AS variant, count(*) AS n FROM messages WHERE campaign_id = ? AND "+column+" IS NOT NULL AND "+
			"opted_out_at IS NULL AND "+column+" <= coalesce(delivered_at, accepted_at) + make_interval(hours => ?) GROUP BY 1", noVariant, campaignID, goal.Hours).Scan(ctx, &rows)
		if err != nil {
			return nil, db.Err(err)
		}
		found[i] = make(map[int]int64, len(rows))
		for _, r := range rows {
			found[i][r.Variant] = r.N
		}
	}
	return found, nil
}

// wrote counts of those who were to get a campaign's message, and of those held out of them, who wrote between the audience was taken and a moment,
// whatever became of the message, without those who opted out in that time. It reads what came in during it.
func wrote(ctx context.Context, idb bun.IDB, c *Campaign, until time.Time) (treated, held int64, err error) {
	var rows []struct {
		Held bool
		N    int64
	}
	err = idb.NewRaw(`
		SELECT m.skip_reason = ? AS held, count(DISTINCT m.id) AS n
		FROM messages i JOIN messages m ON m.campaign_id = ? AND m.contact_id = i.contact_id
		WHERE i.direction = 'inbound' AND i.created_at BETWEEN ? AND ? AND i.purpose = 'inbound'
			AND (m.skip_reason = ? OR m.status <> 'skipped' OR m.fence > 0)
			AND NOT EXISTS (SELECT 1 FROM consent_events e WHERE e.contact_id = i.contact_id AND e.status = 'opted_out' AND e.occurred_at BETWEEN ? AND ?)
		GROUP BY 1`, message.SkipHoldout, c.ID, c.PreparedAt, until, message.SkipHoldout, c.PreparedAt, until).Scan(ctx, &rows)
	for _, r := range rows {
		if r.Held {
			held = r.N
		} else {
			treated = r.N
		}
	}
	return treated, held, db.Err(err)
}

// standingLift counts who was drawn for either side by the campaigns whose audience was taken within a time, and who of them wrote. It reads the
// messages of these campaigns, and what came in.
func standingLift(ctx context.Context, idb bun.IDB, from, to time.Time) (*StandingLift, error) {
	l := &StandingLift{}
	err := idb.NewRaw(`
		WITH taken AS (
			SELECT id, prepared_at FROM campaigns WHERE standing_holdout IS NOT NULL AND prepared_at >= ?0 AND prepared_at < ?1
		), drawn AS (
			SELECT m.contact_id, min(t.prepared_at) AS since, bool_or(m.skip_reason = ?2) AS held
			FROM taken t JOIN messages m ON m.campaign_id = t.id
			WHERE m.skip_reason IN (?2, ?3) OR m.status <> 'skipped' OR m.fence > 0
			GROUP BY m.contact_id
			HAVING bool_or(m.skip_reason = ?2) = bool_and(m.skip_reason = ?2)
		), wrote AS (
			SELECT DISTINCT d.contact_id
			FROM messages i JOIN drawn d ON d.contact_id = i.contact_id AND i.created_at >= d.since
			WHERE i.direction = 'inbound' AND i.purpose = 'inbound' AND i.created_at >= ?0 AND i.created_at < ?1
				AND NOT EXISTS (SELECT 1 FROM consent_events e
					WHERE e.contact_id = d.contact_id AND e.status = 'opted_out' AND e.occurred_at >= d.since AND e.occurred_at < ?1)
		)
		SELECT (SELECT count(*) FROM taken), count(*) FILTER (WHERE NOT held), count(w.contact_id) FILTER (WHERE NOT held),
			count(*) FILTER (WHERE held), count(w.contact_id) FILTER (WHERE held)
		FROM drawn d LEFT JOIN wrote w ON w.contact_id = d.contact_id`,
		from, to, message.SkipStandingHoldout, message.SkipHoldout).
		Scan(ctx, &l.Campaigns, &l.Treated.N, &l.Treated.X, &l.Held.N, &l.Held.X)
	return l, db.Err(err)
}

// openTests are the campaigns that send and have messages that wait for a winner, or may have.
func openTests(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT id FROM campaigns WHERE status = 'sending' AND prepared_at IS NOT NULL AND released_at IS NULL
		AND (variant_test ->> 'percent')::float8 < 100 ORDER BY id`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func released(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw("UPDATE campaigns SET released_at = clock_timestamp() WHERE id = ? AND released_at IS NULL", id).Exec(ctx)
	return db.Err(err)
}

func tested(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw("UPDATE campaigns SET tested_at = clock_timestamp() WHERE id = ? AND tested_at IS NULL", id).Exec(ctx)
	return db.Err(err)
}

// testsSender reports whether a test that has no winner yet compares a sender with others.
func testsSender(ctx context.Context, idb bun.IDB, campaignID, senderID int64) (tests bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM campaign_variants v JOIN campaigns ca ON ca.id = v.campaign_id "+
		"WHERE v.campaign_id = ? AND v.sender_id = ? AND ca.winner IS NULL)", campaignID, senderID).Scan(ctx, &tests)
	return tests, db.Err(err)
}
