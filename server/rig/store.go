package rig

import (
	"context"
	"time"
)

// Seed adds n contacts who opted in, German mobile numbers from the first on.
// They are written as an import would leave them.
func (r *Rig) Seed(ctx context.Context, first, n int) error {
	const slice = 20_000
	for done := 0; done < n; done += slice {
		_, err := r.DB.NewRaw(`
			WITH people AS (
				INSERT INTO contacts (address, match_key, kind, region, time_zone, time_zone_source, name, attributes,
					consent_status, consent_at)
				SELECT a, a, 'phone', 'DE', 'Europe/Berlin', 'number', 'Person ' || i,
					jsonb_build_object('city', (ARRAY['Berlin', 'Hamburg', 'Köln', 'München'])[1 + i % 4], 'points', i % 1000),
						'opted_in', now()
				FROM (SELECT i, '+49151' || lpad(i::text, 8, '0') AS a FROM generate_series(?::int, ?::int) i) x
				RETURNING id)
			INSERT INTO consent_events (contact_id, address_hash, status, source, evidence, occurred_at)
			SELECT id, sha256(id::text::bytea), 'opted_in', 'import', '{"file": "seed"}', now() FROM people`,
			first+done, first+min(done+slice, n)-1).Exec(ctx)
		if err != nil {
			return err
		}
	}
	_, err := r.DB.NewRaw("ANALYZE contacts").Exec(ctx)
	return err
}

// Number answers a question that has one number for an answer.
func (r *Rig) Number(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = r.DB.NewRaw(sql, args...).Scan(ctx, &n)
	return n, err
}

// Unbridle lifts every rate, so that the engine is what limits.
func (r *Rig) Unbridle(ctx context.Context) error {
	_, err := r.DB.NewRaw("UPDATE senders SET rate_per_second = 1e6").Exec(ctx)
	if err == nil {
		_, err = r.DB.NewRaw("UPDATE rate_limits SET rate_per_second = 1e6").Exec(ctx)
	}
	return err
}

// Times are a campaign's moments.
type Times struct {
	Audience, Accepted        int64
	Prepare, Send             float64 // seconds
	Started, FirstSubmit, End time.Time
}

// TimesOf measures a campaign by what its messages say.
func (r *Rig) TimesOf(ctx context.Context, campaign int64) (t Times, err error) {
	err = r.DB.NewRaw(`
		SELECT count(*) AS audience, count(m.sid) AS accepted, extract(epoch
			FROM ca.prepared_at - ca.started_at)::float8 AS prepare,
			extract(epoch FROM max(m.accepted_at) - min(m.submitted_at))::float8 AS send, ca.started_at AS started,
				min(m.submitted_at) AS first_submit, max(m.accepted_at) AS end
		FROM messages m JOIN campaigns ca ON ca.id = m.campaign_id WHERE ca.id = ? GROUP BY ca.id`, campaign).Scan(ctx, &t)
	return t, err
}

// ContentSID is Twilio's id of the newest approved template.
func (r *Rig) ContentSID(ctx context.Context) (sid string, err error) {
	err = r.DB.NewRaw("SELECT content_sid FROM template_versions WHERE approval_status = 'approved' ORDER BY id DESC LIMIT 1").Scan(ctx, &sid)
	return sid, err
}

// Rows answers a question with many rows.
func (r *Rig) Rows(ctx context.Context, into any, sql string, args ...any) error {
	return r.DB.NewRaw(sql, args...).Scan(ctx, into)
}

// Seconds answers a question that has a duration for an answer.
func (r *Rig) Seconds(ctx context.Context, sql string, args ...any) (s float64, err error) {
	err = r.DB.NewRaw(sql, args...).Scan(ctx, &s)
	return s, err
}

// SeedBook writes n contacts with attributes of many types, and for one in five
// of them a message of the last sixty days that was read.
func (r *Rig) SeedBook(ctx context.Context, n int) error {
	const slice = 50_000
	for first := 1; first <= n; first += slice {
		_, err := r.DB.NewRaw(`
			WITH people AS (
				INSERT INTO contacts (address, match_key, kind, region, time_zone, time_zone_source, name, locale, attributes,
					consent_status, consent_at, reachable, created_at, last_inbound_at)
				SELECT a, a, 'phone', 'DE', 'Europe/Berlin', 'number',
					(ARRAY['Anna','Ben','Clara','David','Emma','Finn','Greta','Hannah','Ida','Jonas','Karl','Lena','Mia','Noah','Oskar','Paula'])[1 + i % 16] || ' ' ||
					(ARRAY['Müller','Schmidt','Schneider','Fischer','Weber','Meyer','Wagner','Becker','Schulz','Hoffmann','Koch','Bauer','Richter','Klein','Wolf'])[1 + (i * 7) % 15] || ' ' || i,
					'de', jsonb_build_object('city', (ARRAY['Berlin','Hamburg','Köln','München','Leipzig','Bremen','Dresden','Essen'])[1 + (i * 13) % 8], 'points', (i * 31) % 5000,
						'plan', (ARRAY['free','pro','enterprise'])[1 + i % 3], 'email', 'person' || i || '@mail.example', 'signed_up',
							to_char(date '2024-01-01' + (i % 900), 'YYYY-MM-DD'),
						'tags', jsonb_build_array((ARRAY['vip','newsletter','b2b','lead'])[1 + i % 4])),
					(ARRAY['opted_in','opted_in','opted_in','unknown','opted_out'])[1 + i % 5],
						now() - (i % 1000) * interval '1 hour', i % 50 <> 0,
					now() - (i % 700) * interval '1 day', CASE WHEN i % 10 = 0 THEN now() - (i % 90) * interval '1 day' END
				FROM (SELECT i, '+49151' || lpad(i::text, 8, '0') AS a FROM generate_series(?::int, ?::int) i) x
				RETURNING id)
			INSERT INTO messages (direction, purpose, contact_id, status, created_at, accepted_at, sent_at, delivered_at,
				read_at)
			SELECT 'outbound', 'test', id, 'read', t, t, t, t, t FROM (SELECT id, now() - (id % 60) * interval '1 day' AS t FROM people WHERE id % 5 = 0) x`,
			first, min(first+slice-1, n)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	_, err := r.DB.NewRaw("VACUUM ANALYZE contacts, messages").Exec(ctx)
	return err
}
