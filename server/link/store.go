package link

import (
	"context"
	"time"

	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const columns = "id, campaign_id, template_version_id, part, title, destination, tag"

// sealedKey gives the key of tokens, encrypted; "" where there is none.
func sealedKey(ctx context.Context, idb bun.IDB) (sealed string, err error) {
	err = idb.NewRaw("SELECT coalesce((SELECT sealed FROM link_keys WHERE id = ?), '')", keyID).Scan(ctx, &sealed)
	return sealed, db.Err(err)
}

// keepFirst keeps the first key, and gives the one that is kept: of two processes one was first.
func keepFirst(ctx context.Context, idb bun.IDB, sealed string) (kept string, err error) {
	if _, err = idb.NewRaw("INSERT INTO link_keys (id, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING", keyID, sealed).Exec(ctx); err != nil {
		return "", db.Err(err)
	}
	return sealedKey(ctx, idb)
}

// insert keeps a link with its count; one that is there stays.
func insert(ctx context.Context, idb bun.IDB, l *Link) error {
	_, err := idb.NewRaw(`
		WITH made AS (INSERT INTO links (campaign_id, template_version_id, part, title, destination, tag) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (coalesce(campaign_id, 0), template_version_id, part) DO NOTHING RETURNING id)
		INSERT INTO link_counts (link_id) SELECT id FROM made`,
		l.CampaignID, l.TemplateVersionID, l.Part, l.Title, l.Destination, l.Tag).Exec(ctx)
	return db.Err(err)
}

func ofVersion(ctx context.Context, idb bun.IDB, campaignID *int64, versionID int64) (map[string]*Link, error) {
	var rows []*Link
	err := idb.NewRaw("SELECT "+columns+" FROM links WHERE coalesce(campaign_id, 0) = coalesce(?, 0) AND template_version_id = ?",
		campaignID, versionID).Scan(ctx, &rows)
	found := make(map[string]*Link, len(rows))
	for _, l := range rows {
		found[l.Part] = l
	}
	return found, db.Err(err)
}

func removeOf(ctx context.Context, tx bun.Tx, campaignID int64) error {
	_, err := tx.NewRaw("DELETE FROM links WHERE campaign_id = ?", campaignID).Exec(ctx)
	return db.Err(err)
}

// after gives the links behind an id but for those that are known, in order.
func after(ctx context.Context, idb bun.IDB, id int64, known []int64, n int) (rows []*Link, err error) {
	err = idb.NewRaw("SELECT "+columns+" FROM links WHERE id > ? AND id <> ALL (?::bigint[]) ORDER BY id LIMIT ?",
		id, pgdialect.Array(known), n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// newestBut gives the id behind which the newest n links lie.
func newestBut(ctx context.Context, idb bun.IDB, n int) (id int64, err error) {
	err = idb.NewRaw("SELECT coalesce((SELECT id FROM links ORDER BY id DESC OFFSET ? LIMIT 1), 0)", n).Scan(ctx, &id)
	return id, db.Err(err)
}

// byID gives one link; nil when there is none.
func byID(ctx context.Context, idb bun.IDB, id int64) (*Link, error) {
	var rows []*Link
	err := idb.NewRaw("SELECT "+columns+" FROM links WHERE id = ?", id).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return rows[0], nil
}

func countedOf(ctx context.Context, idb bun.IDB, campaignIDs []int64) (map[int64][]*Counted, error) {
	var rows []*Counted
	err := idb.NewRaw(`SELECT l.id, l.campaign_id, l.template_version_id, l.part, l.title, l.destination, n.people, n.clicks, t.name AS template, t.language
		FROM links l JOIN link_counts n ON n.link_id = l.id JOIN template_versions v ON v.id = l.template_version_id
			JOIN templates t ON t.id = v.template_id WHERE l.campaign_id = ANY (?) ORDER BY l.id`,
		pgdialect.Array(campaignIDs)).Scan(ctx, &rows)
	found := make(map[int64][]*Counted, len(campaignIDs))
	for _, id := range campaignIDs {
		found[id] = nil
	}
	for _, r := range rows {
		found[*r.CampaignID] = append(found[*r.CampaignID], r)
	}
	return found, db.Err(err)
}

const (
	// MostOpened is how many openings of one link of a message are kept.
	MostOpened = 100
	mostTold   = 20 // of a message
)

// Opening is one time that somebody opened a link of a message.
type Opening struct {
	ID          int64
	MessageID   int64
	At          time.Time
	LinkID      int64
	Part        string
	Title       string // of the button
	Destination string
}

func openings(ctx context.Context, idb bun.IDB, messageIDs []int64) (map[int64][]*Opening, error) {
	var rows []*Opening
	err := idb.NewRaw(`
		SELECT c.id, c.message_id, c.clicked_at AS at, c.link_id, coalesce(l.part, '') AS part, coalesce(l.title, '') AS title,
			coalesce(l.destination, '') AS destination
		FROM unnest(?::bigint[]) u (id), LATERAL (SELECT * FROM clicks WHERE message_id = u.id ORDER BY clicked_at, id LIMIT ?) c
			LEFT JOIN links l ON l.id = c.link_id
		ORDER BY c.clicked_at, c.id`, pgdialect.Array(messageIDs), mostTold).Scan(ctx, &rows)
	found := make(map[int64][]*Opening, len(messageIDs))
	for _, id := range messageIDs {
		found[id] = nil
	}
	for _, r := range rows {
		found[r.MessageID] = append(found[r.MessageID], r)
	}
	return found, db.Err(err)
}

// record counts clicks in the caller's transaction. A click that is stored already counts no more. It gives the campaigns
// whose numbers change.
func record(ctx context.Context, tx bun.Tx, clicks []Click) (campaigns []int64, err error) {
	n := len(clicks)
	ids, at := make([]int64, n), make([]time.Time, n)
	for i, c := range clicks {
		ids[i], at[i] = c.MessageID, c.At
	}
	known, campaigns, err := message.MarkClicked(ctx, tx, ids, at)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	keys, links, times := make([]string, n), make([]int64, n), make([]string, n)
	for i, c := range clicks {
		keys[i], links[i], times[i] = c.Key, c.LinkID, c.At.UTC().Format(time.RFC3339Nano)
	}
	// Counts are locked first, so that two servers that store the first two clicks of one person see each other.
	var locked []int64
	if err := tx.NewRaw("SELECT link_id FROM link_counts WHERE link_id = ANY (?::bigint[]) ORDER BY link_id FOR NO KEY UPDATE",
		pgdialect.Array(links)).Scan(ctx, &locked); err != nil {
		return nil, db.Err(err)
	}
	_, err = tx.NewRaw(`
		WITH fresh AS (
			INSERT INTO clicks (key, link_id, message_id, clicked_at)
			SELECT key, link_id, message_id, at
			FROM (SELECT u.*, row_number() OVER (PARTITION BY u.link_id, u.message_id ORDER BY u.at) AS nth
				FROM unnest(?0::uuid[], ?1::bigint[], ?2::bigint[], ?3::timestamptz[]) u (key, link_id, message_id, at)) u
			WHERE u.message_id = ANY (?4::bigint[]) AND u.link_id = ANY (?5::bigint[])
				AND u.nth + (SELECT count(*) FROM clicks c WHERE c.message_id = u.message_id AND c.link_id = u.link_id) <= ?6
			ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING link_id, message_id),
		each AS (
			SELECT f.link_id, f.message_id, count(*) AS n,
				(NOT EXISTS (SELECT 1 FROM clicks c WHERE c.message_id = f.message_id AND c.link_id = f.link_id))::int AS is_first
			FROM fresh f GROUP BY 1, 2)
		UPDATE link_counts k SET clicks = k.clicks + s.clicks, people = k.people + s.people
		FROM (SELECT link_id, sum(n)::bigint AS clicks, sum(is_first)::bigint AS people FROM each GROUP BY 1) s WHERE k.link_id = s.link_id`,
		pgdialect.Array(keys), pgdialect.Array(links), pgdialect.Array(ids), pgdialect.Array(times), pgdialect.Array(known),
		pgdialect.Array(locked), MostOpened).Exec(ctx)
	return campaigns, db.Err(err)
}
