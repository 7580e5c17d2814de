package campaign

import (
	"context"
	"slices"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/series"

	"github.com/uptrace/bun/dialect/pgdialect"
)

// maxSeriesHours is how much of a campaign's time Series shows on request: a year.
const maxSeriesHours = 366 * 24

// Series gives what happened in a campaign, oldest first and without gaps, from its
// launch until it ended and the last receipt came, or until now; only its first
// hours, if hours is not nil.
func (s *Service) Series(ctx context.Context, id int64, hours *int, zone *time.Location) ([]series.Point, error) {
	if hours != nil && (*hours < 1 || *hours > maxSeriesHours) {
		return nil, apperr.Invalid("hours", "%d is out of range: 1 to %d hours", *hours, maxSeriesHours)
	}
	var from, to *time.Time
	err := s.db.NewRaw(`
		SELECT CASE WHEN x.first IS NOT NULL THEN least(ca.started_at, x.first) END,
			CASE WHEN ca.finished_at IS NULL THEN greatest(clock_timestamp(), x.last) ELSE greatest(ca.finished_at, x.last) END
		FROM campaigns ca, LATERAL (SELECT min(bucket) AS first, max(bucket) + interval '10 seconds' AS last
			FROM message_series WHERE campaign_id = ca.id) x
		WHERE ca.id = ?`, id).Scan(ctx, &from, &to)
	if err != nil || from == nil {
		return nil, db.Err(err)
	}
	start, end := from.Truncate(series.Resolution), *to
	if hours != nil {
		if part := start.Add(time.Duration(*hours) * time.Hour); part.Before(end) {
			end = part
		}
	}
	return series.Of(ctx, s.db, id, start, end, zone)
}

// RecentRate is how many messages a second Twilio accepted over the last ten
// to twenty seconds.
func (s *Service) RecentRate(ctx context.Context, id int64) (rate float64, err error) {
	err = s.db.NewRaw(`
		SELECT coalesce(sum(n) / greatest(extract(epoch FROM clock_timestamp() - min(bucket)), 1), 0)::float8
			FROM message_series
		WHERE campaign_id = ? AND measure = 'at:accepted' AND bucket > now() - interval '20 seconds'`, id).Scan(ctx, &rate)
	return rate, db.Err(err)
}

// Throughput is how fast a campaign went, in messages a second that Twilio
// accepted: on average over the time in which it sent, and in its best ten
// seconds.
type Throughput struct {
	Average, Peak float64
	Sending       time.Duration // in which it sent
}

// ThroughputOf reads it from the series. A campaign sends for as long as messages
// follow one another within twenty seconds, or within three times the pace that it
// was given where that is slower: hours and pauses that held it do not count. One
// that was done within ten seconds is measured by the time it took.
func (s *Service) ThroughputOf(ctx context.Context, ids []int64) (map[int64]Throughput, error) {
	var rows []struct {
		ID                     int64
		Average, Peak, Seconds float64
	}
	err := s.db.NewRaw(`
		SELECT ca.id, coalesce(x.n / greatest(least(x.sending, took), 1), 0)::float8 AS average,
			coalesce(x.best / greatest(least(10, took), 1), 0)::float8 AS peak,
			coalesce(least(coalesce(x.sending, 0), took), 0)::float8 AS seconds
		FROM campaigns ca, LATERAL (
				SELECT sum(n) AS n, max(n) AS best,
					sum(CASE WHEN gap <= greatest(20, 3 / ca.rate_limit_per_second) THEN gap ELSE 10 END) AS sending
				FROM (SELECT n, extract(epoch FROM bucket - lag(bucket) OVER (ORDER BY bucket)) AS gap FROM message_series
					WHERE campaign_id = ca.id AND measure = 'at:accepted') b) x,
			LATERAL (SELECT extract(epoch FROM coalesce(ca.finished_at, clock_timestamp()) - ca.started_at) AS took) y
		WHERE ca.id = ANY (?)`, pgdialect.Array(ids)).Scan(ctx, &rows)
	found := make(map[int64]Throughput, len(ids))
	for _, r := range rows {
		sending := time.Duration(r.Seconds * float64(time.Second))
		found[r.ID] = Throughput{r.Average, max(r.Peak, r.Average), sending} // one that straddles two tens
	}
	return found, db.Err(err)
}

// Waiting is when the next message of a campaign may go, and why not before.
type Waiting struct {
	Until  *time.Time // nil: nothing waits, or nobody knows for how long
	Reason string     // "": some may go now, or none is pending
}

// WaitingOf tells of campaigns whether all that is pending waits, and until when.
func (s *Service) WaitingOf(ctx context.Context, ids []int64) (map[int64]Waiting, error) {
	var rows []struct {
		CampaignID int64
		At         *time.Time
		Reason     string
	}
	err := s.db.NewRaw(`
		SELECT DISTINCT ON (cs.campaign_id) cs.campaign_id, CASE WHEN x.at > clock_timestamp() THEN x.reason ELSE '' END AS reason,
			CASE WHEN x.reason = ? THEN ca.tested_at + make_interval(mins => (ca.variant_test ->> 'afterMinutes')::int)
				WHEN x.reason = ? THEN NULL WHEN x.at > clock_timestamp() THEN x.at END AS at
		FROM campaigns ca JOIN campaign_senders cs ON cs.campaign_id = ca.id,
			LATERAL (SELECT m.not_before AS at, m.not_before_reason AS reason FROM messages m
				WHERE m.work = 'send' AND m.sender_id = cs.sender_id AND m.campaign_id = cs.campaign_id
				ORDER BY m.not_before, m.id LIMIT 1) x
		WHERE cs.campaign_id = ANY (?) ORDER BY cs.campaign_id, x.at`, message.WaitsForWinner, message.WaitsForPilot, pgdialect.Array(ids)).Scan(ctx, &rows)
	found := make(map[int64]Waiting, len(ids))
	for _, id := range ids {
		found[id] = Waiting{}
	}
	for _, r := range rows {
		if r.Reason != "" || r.At != nil {
			found[r.CampaignID] = Waiting{r.At, r.Reason}
		}
	}
	return found, db.Err(err)
}

// Tap is a button of a campaign's messages, or an entry of their list, with how many people chose it.
type Tap struct {
	Title  string
	People int64
}

// mostTaps is how many buttons are told: a carousel of ten cards has at most twenty.
const mostTaps = 30

// Taps tells which buttons of a campaign's messages people tapped, the most frequent first. Who taps one twice counts once.
func (s *Service) Taps(ctx context.Context, id int64) (taps []Tap, err error) {
	err = s.db.NewRaw(`
		SELECT i.content #>> '{choice,text}' AS title, count(DISTINCT o.id) AS people
		FROM messages o JOIN messages i ON i.contact_id = o.contact_id AND i.id > o.id AND i.direction = 'inbound'
			AND i.content #>> '{quoted,messageId}' = o.id::text
		WHERE o.campaign_id = ? AND o.replied_at IS NOT NULL AND i.content ->> 'kind' IN ('button', 'list')
			AND i.content #>> '{choice,text}' <> ''
		GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?`, id, mostTaps).Scan(ctx, &taps)
	return taps, db.Err(err)
}

// CountsClicks tells of each campaign whether what it sends has something to tap that is
// counted: a link that tracks clicks, or a button that answers. Without, or where clicks
// are not noted, that nobody clicked says nothing.
func (s *Service) CountsClicks(ctx context.Context, ids []int64) (map[int64]bool, error) {
	var counting []int64
	err := s.db.NewRaw(`
		SELECT c.id FROM campaigns c WHERE c.id = ANY(?) AND c.track_links AND (EXISTS (SELECT FROM links WHERE campaign_id = c.id)
			OR EXISTS (SELECT FROM template_versions v WHERE (v.id = c.template_version_id
				OR v.id IN (SELECT template_version_id FROM campaign_variants WHERE campaign_id = c.id
					UNION ALL SELECT template_version_id FROM campaign_languages WHERE campaign_id = c.id))
				AND jsonb_path_exists(v.parts, '$.**.type ? (@ == "quick_reply")')))`,
		pgdialect.Array(ids)).Scan(ctx, &counting)
	all := make(map[int64]bool, len(ids))
	for _, id := range ids {
		all[id] = slices.Contains(counting, id)
	}
	return all, db.Err(err)
}
