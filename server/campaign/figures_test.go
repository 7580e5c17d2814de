package campaign_test

import (
	"testing"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

type figures struct {
	*testing.T

	db *db.DB
	s  *campaign.Service
}

func newFigures(t *testing.T) figures {
	t.Helper()
	d := dbtest.New(t)
	return figures{t, d, campaign.NewService(campaign.Dependencies{DB: d})}
}

func (f figures) exec(sql string, args ...any) {
	f.Helper()
	_, err := f.db.NewRaw(sql, args...).Exec(f.Context())
	require.NoError(f, err)
}

// campaign makes one that ran from its launch on for so long.
func (f figures) campaign(launch time.Time, took time.Duration, rate *float64) (id int64) {
	f.Helper()
	require.NoError(f, f.db.NewRaw(`INSERT INTO campaigns (name, status, started_at, finished_at, rate_limit_per_second)
		VALUES ('c', 'completed', ?, ?, ?) RETURNING id`, launch, launch.Add(took), rate).Scan(f.Context(), &id))
	return id
}

// accepted has Twilio accept n messages in each of so many tens of seconds, one every so often.
func (f figures) accepted(id int64, from time.Time, tens int, every time.Duration, n int) {
	f.Helper()
	f.exec(`INSERT INTO message_series (campaign_id, bucket, measure, n)
		SELECT ?, ?::timestamptz + make_interval(secs => g * ?), 'at:accepted', ? FROM generate_series(0, ? - 1) g`,
		id, from, every.Seconds(), n, tens)
}

func TestTheAverageIsOverTheTimeInWhichACampaignSent(t *testing.T) {
	t.Parallel()
	f := newFigures(t)
	launch := time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)
	of := func(id int64) campaign.Throughput {
		got, err := f.s.ThroughputOf(t.Context(), []int64{id})
		require.NoError(t, err)
		return got[id]
	}
	// 100 every ten seconds for five minutes, eleven hours of quiet, five minutes more.
	night := f.campaign(launch, 12*time.Hour, nil)
	f.accepted(night, launch, 30, 10*time.Second, 100)
	f.accepted(night, launch.Add(11*time.Hour), 30, 10*time.Second, 100)
	require.Equal(t, campaign.Throughput{Average: 10, Peak: 10, Sending: 10 * time.Minute}, of(night))

	paused := f.campaign(launch, time.Hour, nil)
	f.accepted(paused, launch, 6, 10*time.Second, 10)
	f.accepted(paused, launch.Add(4*time.Minute), 6, 10*time.Second, 10)
	require.Equal(t, 2*time.Minute, of(paused).Sending, "a pause of three minutes is no sending")
	pace := 0.02
	slow := f.campaign(launch, 10*time.Hour, &pace)
	f.accepted(slow, launch, 500, 50*time.Second, 1)
	require.InDelta(t, pace, of(slow).Average, 0.001, "the time between two messages at a slow pace is")

	quick := f.campaign(launch, 4*time.Second, nil)
	f.accepted(quick, launch, 1, 10*time.Second, 20)
	require.Equal(t, campaign.Throughput{Average: 5, Peak: 5, Sending: 4 * time.Second}, of(quick))
	require.Zero(t, of(f.campaign(launch, time.Hour, nil)), "nothing went out")
}

func TestACampaignsSeriesHasNoGaps(t *testing.T) {
	t.Parallel()
	f := newFigures(t)
	launch := time.Date(2026, 3, 2, 20, 0, 3, 0, time.UTC)
	id := f.campaign(launch, 16*time.Second, nil)
	none, err := f.s.Series(t.Context(), id, nil, time.UTC)
	require.NoError(t, err)
	require.Empty(t, none)

	bucket := launch.Truncate(10 * time.Second)
	f.accepted(id, bucket, 2, 10*time.Second, 10)
	short, err := f.s.Series(t.Context(), id, nil, time.UTC)
	require.NoError(t, err)
	require.Len(t, short, 2)
	require.Equal(t, bucket, short[0].At.UTC())

	// The next morning somebody reads it.
	f.exec("INSERT INTO message_series (campaign_id, bucket, measure, n) VALUES (?, ?, 'at:read', 1)", id,
		bucket.Add(14*time.Hour))
	long, err := f.s.Series(t.Context(), id, nil, time.UTC)
	require.NoError(t, err)
	var accepted, read int64
	for i, p := range long {
		accepted, read = accepted+p.Accepted, read+p.Read
		require.Positive(t, p.Length)
		require.True(t, i == 0 || p.At.Equal(long[i-1].At.Add(long[i-1].Length)), "each step begins where the last ended")
	}
	require.Equal(t, []int64{20, 1}, []int64{accepted, read})
	require.EqualValues(t, 1, long[len(long)-1].Read, "it ends with the last that happened")

	one := 1
	hour, err := f.s.Series(t.Context(), id, &one, time.UTC)
	require.NoError(t, err)
	last := hour[len(hour)-1]
	require.Equal(t, bucket.Add(time.Hour), last.At.UTC().Add(last.Length))
	for _, wrong := range []int{0, -1, 8785} {
		_, err = f.s.Series(t.Context(), id, &wrong, time.UTC)
		require.ErrorContains(t, err, "1 to 8784")
	}
}

func TestWhatACampaignWaitsFor(t *testing.T) {
	t.Parallel()
	f := newFigures(t)
	f.exec(`INSERT INTO contacts (address, match_key, kind) SELECT g, g, 'phone' FROM generate_series(1, 4) g;
		INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 80);
		INSERT INTO campaigns (name, status) SELECT g, 'sending' FROM generate_series(1, 3) g;
		INSERT INTO campaign_senders (campaign_id, sender_id) SELECT g, 1 FROM generate_series(1, 3) g;
		INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, status, not_before, not_before_reason)
		VALUES ('outbound', 'campaign', 1, 1, 1, 'pending', now() + interval '2 hours', 'us-tcpa'),
			('outbound', 'campaign', 1, 2, 1, 'pending', now() + interval '1 hour', 'quiet_hours'),
			('outbound', 'campaign', 2, 3, 1, 'pending', now() + interval '1 hour', 'quiet_hours'),
			('outbound', 'campaign', 2, 4, 1, 'pending', now() - interval '1 hour', '')`)
	got, err := f.s.WaitingOf(t.Context(), []int64{1, 2, 3})
	require.NoError(t, err)
	require.Equal(t, "quiet_hours", got[1].Reason)
	require.NotNil(t, got[1].Until)
	require.Zero(t, got[2], "one may go")
	require.Zero(t, got[3], "none is left")
}

func TestClicksCountWhereSomethingCanBeTapped(t *testing.T) {
	t.Parallel()
	f := newFigures(t)
	launch := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	version := func(parts string) (id int64) {
		require.NoError(t, f.db.NewRaw(`WITH t AS (INSERT INTO templates (name, language, category)
				VALUES ('t' || (SELECT count(*) FROM templates), 'en', 'marketing') RETURNING id)
			INSERT INTO template_versions (template_id, version, kind, body, variables, parts)
			SELECT id, 1, 'text', 'x', '[]', ? FROM t RETURNING id`, parts).Scan(t.Context(), &id))
		return id
	}
	sent := func(version int64) int64 {
		id := f.campaign(launch, time.Hour, nil)
		f.exec("UPDATE campaigns SET template_version_id = ? WHERE id = ?", version, id)
		return id
	}
	reply := `{"type": "quick_reply", "title": "Yes"}`
	plain := version(`{"buttons": [{"type": "url", "title": "Shop", "url": "https://shop.example"}]}`)
	link, text, answer := sent(plain), sent(plain), sent(version(`{"buttons": [`+reply+`]}`))
	card := sent(version(`{"cards": [{"body": "x", "media": {}, "buttons": [` + reply + `]}]}`))
	variant, unnoted := f.campaign(launch, time.Hour, nil), sent(plain)
	f.exec(`INSERT INTO links (campaign_id, template_version_id, part, title, destination, tag)
		VALUES (?0, ?1, 'buttons.0', 'Shop', 'https://shop.example', 1), (?2, ?1, 'buttons.0', 'Shop', 'https://shop.example', 2)`,
		link, plain, unnoted)
	f.exec("UPDATE campaigns SET track_links = false WHERE id = ?", unnoted)
	f.exec(`INSERT INTO campaign_variants (campaign_id, position, template_id, weight, template_version_id)
		SELECT ?, 0, template_id, 1, id FROM template_versions WHERE parts @> '{"buttons": [{"type": "quick_reply"}]}'`, variant)
	counts, err := f.s.CountsClicks(t.Context(), []int64{link, text, answer, card, variant, unnoted})
	require.NoError(t, err)
	require.Equal(t, map[int64]bool{link: true, text: false, answer: true, card: true, variant: true, unnoted: false}, counts)
}
