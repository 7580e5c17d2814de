package reconcile

import (
	"context"
	"time"

	"eventstream/server/db"
	"eventstream/server/provider"

	"github.com/uptrace/bun"
)

// singles stands for the messages outside campaigns.
const singles = 0

// check is how far a campaign's messages were asked for.
type check struct {
	CampaignID int64
	PassBegan  time.Time
	LastPass   time.Time
	Reached    int64     // last contact of the pass under way; of singles: last message
	Base       int64     // of singles: messages up to here are too old
	Now        time.Time // Postgres' clock
	ActiveAt   time.Time // when its newest message was accepted, or it began
}

// openChecks begins to ask for the campaigns of a provider that were active of late and
// have messages of whose end nothing was heard.
func openChecks(ctx context.Context, idb bun.IDB, of provider.Name, first, last time.Duration) error {
	_, err := idb.NewRaw(`
		INSERT INTO receipt_checks AS rc (campaign_id, pass_began, last_pass, next_at)
		SELECT x.id, now(), now() - make_interval(secs => ?1), now() + make_interval(secs => ?0) FROM (
			SELECT 0::bigint AS id
			UNION ALL
			SELECT ca.id FROM campaigns ca
			WHERE ca.provider = ?2 AND (ca.status IN ('sending', 'paused') OR ca.finished_at > now() - make_interval(secs => ?1))
				AND EXISTS (SELECT 1 FROM message_counts mc WHERE mc.campaign_id = ca.id
					AND mc.measure IN ('accepted', 'queued', 'sending', 'sent') AND mc.n > 0)) x
		ON CONFLICT (campaign_id) DO UPDATE SET next_at = excluded.next_at, pass_began = excluded.pass_began WHERE rc.next_at = 'infinity'`,
		first.Seconds(), last.Seconds(), string(of)).Exec(ctx)
	return db.Err(err)
}

// takeCheck takes one that is due; nobody else takes it for a minute.
func takeCheck(ctx context.Context, idb bun.IDB, of provider.Name) (c *check, err error) {
	var rows []*check
	err = idb.NewRaw(`
		UPDATE receipt_checks rc SET next_at = clock_timestamp() + interval '1 minute', pass_began = CASE WHEN rc.reached = 0
			THEN clock_timestamp() ELSE rc.pass_began END
		WHERE rc.campaign_id = (SELECT r.campaign_id FROM receipt_checks r WHERE r.next_at <= now()
			AND (r.campaign_id = 0 OR r.campaign_id IN (SELECT x.id FROM campaigns x WHERE x.provider = ?))
			ORDER BY r.next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING rc.campaign_id, rc.pass_began, rc.last_pass, rc.reached, rc.base, clock_timestamp() AS now,
			coalesce((SELECT max(s.bucket) FROM message_series s WHERE s.campaign_id = rc.campaign_id
				AND s.measure = 'at:accepted'),
				(SELECT ca.started_at FROM campaigns ca WHERE ca.id = rc.campaign_id), clock_timestamp()) AS active_at`,
		string(of)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return rows[0], nil
}

// reachedCheck notes how far a pass is, and goes on at once.
func reachedCheck(ctx context.Context, idb bun.IDB, c *check, reached int64) error {
	_, err := idb.NewRaw("UPDATE receipt_checks SET reached = ?, next_at = clock_timestamp() WHERE campaign_id = ?",
		reached, c.CampaignID).Exec(ctx)
	return db.Err(err)
}

// endPass ends a pass; the next one begins after so long. Negative: never.
func endPass(ctx context.Context, idb bun.IDB, c *check, after time.Duration) error {
	_, err := idb.NewRaw(`UPDATE receipt_checks SET reached = 0, base = ?, last_pass = pass_began,
		next_at = CASE WHEN ? < 0 THEN 'infinity' ELSE clock_timestamp() + make_interval(secs => ?) END WHERE campaign_id = ?`,
		c.Base, after.Seconds(), max(after, 0).Seconds(), c.CampaignID).Exec(ctx)
	return db.Err(err)
}

// inboundCheck is how far the log of what was sent to a sender was read.
type inboundCheck struct {
	SenderID  int64
	Address   string
	ReadUntil time.Time
	Now       time.Time
}

// takeInboundCheck takes a sender of a provider's whose log is due; nobody else takes it for ten
// minutes.
func takeInboundCheck(ctx context.Context, idb bun.IDB, of provider.Name) (c *inboundCheck, err error) {
	_, err = idb.NewRaw(`INSERT INTO inbound_checks (sender_id, read_until, next_at) SELECT s.id, s.created_at, now() FROM senders s
		WHERE s.address LIKE '+%' ON CONFLICT DO NOTHING`).Exec(ctx)
	if err != nil {
		return nil, db.Err(err)
	}
	var rows []*inboundCheck
	err = idb.NewRaw(`
		UPDATE inbound_checks ic SET next_at = clock_timestamp() + interval '10 minutes' FROM senders s
		WHERE s.id = ic.sender_id AND ic.sender_id = (SELECT i.sender_id FROM inbound_checks i JOIN senders x ON x.id = i.sender_id
			WHERE i.next_at <= now() AND x.provider = ? ORDER BY i.next_at LIMIT 1 FOR UPDATE OF i SKIP LOCKED)
		RETURNING ic.sender_id, s.address, ic.read_until, clock_timestamp() AS now`, string(of)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return rows[0], nil
}

func inboundRead(ctx context.Context, idb bun.IDB, c *inboundCheck, until time.Time, after time.Duration) error {
	_, err := idb.NewRaw("UPDATE inbound_checks SET read_until = ?, next_at = clock_timestamp() + make_interval(secs => ?) WHERE sender_id = ?",
		until, after.Seconds(), c.SenderID).Exec(ctx)
	return db.Err(err)
}

// sample is a message that Twilio is asked about what it cost.
type sample struct {
	MessageID int64
	SID       string `bun:"sid"`
}

// drawSamples draws some messages, at random, of campaigns that were charged this month or in the one before and have few yet. It reads a stretch of
// each campaign, however large that is.
func drawSamples(ctx context.Context, idb bun.IDB, of provider.Name) error {
	_, err := idb.NewRaw(`
		INSERT INTO price_samples (message_id, campaign_id, sid, month, currency, charged)
		SELECT m.id, m.campaign_id, m.sid, m.price_month, m.price_currency, m.price_meta + m.price_twilio
		FROM (SELECT t.campaign_id FROM price_totals t WHERE t.campaign_id IN (SELECT ca.id FROM campaigns ca WHERE ca.provider = ?) AND t.month > now() - interval '62 days'
				GROUP BY 1 HAVING (SELECT count(*) FROM price_samples s WHERE s.campaign_id = t.campaign_id) < 40 ORDER BY random() LIMIT 5) c,
			LATERAL (SELECT min(contact_id) AS lo, max(contact_id) AS hi FROM messages WHERE campaign_id = c.campaign_id) span,
			LATERAL (SELECT span.lo + floor(random() * (span.hi - span.lo + 1))::bigint AS start) point,
			LATERAL (SELECT x.* FROM (SELECT * FROM messages WHERE campaign_id = c.campaign_id AND contact_id >= point.start ORDER BY contact_id LIMIT 500) x
				WHERE x.sid IS NOT NULL AND x.price_meta IS NOT NULL AND x.delivered_at BETWEEN now() - interval '7 days' AND now() - interval '1 hour'
				LIMIT 10) m
		ON CONFLICT DO NOTHING`, string(of)).Exec(ctx)
	return db.Err(err)
}

// takeSamples takes messages of which Twilio told no price yet, and notes that it is asked: five times at most, an hour between.
func takeSamples(ctx context.Context, idb bun.IDB, of provider.Name, n int) (rows []sample, err error) {
	err = idb.NewRaw(`
		UPDATE price_samples p SET asked = p.asked + 1, asked_at = clock_timestamp()
		WHERE p.message_id = ANY (ARRAY(SELECT message_id FROM price_samples WHERE reported IS NULL AND asked < 5
			AND campaign_id IN (SELECT ca.id FROM campaigns ca WHERE ca.provider = ?)
			AND (asked_at IS NULL OR asked_at < now() - interval '1 hour') ORDER BY asked, message_id LIMIT ? FOR UPDATE SKIP LOCKED))
		RETURNING p.message_id, p.sid`, string(of), n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func sampleReported(ctx context.Context, idb bun.IDB, id, price int64, currency string) error {
	_, err := idb.NewRaw("UPDATE price_samples SET reported = ?, reported_currency = ? WHERE message_id = ?", price, currency, id).Exec(ctx)
	return db.Err(err)
}
