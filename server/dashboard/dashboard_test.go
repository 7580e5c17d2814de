package dashboard_test

import (
	"testing"
	"time"

	"eventstream/server/dashboard"
	"eventstream/server/db/dbtest"
	"eventstream/server/message"
	"eventstream/server/series"

	"github.com/stretchr/testify/require"
)

func TestTheDashboardCountsARangeAndTheOneBefore(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := d.NewRaw(sql, args...).Exec(t.Context())
		require.NoError(t, err)
	}
	s := dashboard.NewService(d, func(code int) message.CodeInfo { return message.CodeInfo{Code: code} })
	to := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	from := to.Add(-24 * time.Hour)
	empty, err := s.Read(t.Context(), from, to, time.UTC, dashboard.Whole)
	require.NoError(t, err)
	require.Zero(t, empty.Now)
	require.NotEmpty(t, empty.Series, "a chart has its steps though nothing happened")

	exec(`INSERT INTO contacts (address, match_key, kind, consent_status)
		SELECT g, g, 'phone', CASE WHEN g <= 3 THEN 'opted_in' ELSE 'opted_out' END FROM generate_series(1, 5) g`)
	exec("INSERT INTO campaigns (name, status) VALUES ('a', 'sending'), ('b', 'completed')")
	exec(`INSERT INTO message_series (campaign_id, bucket, measure, n)
		SELECT campaign, ?0::timestamptz - make_interval(hours => h), measure, n
		FROM (VALUES (1, 1, 'at:accepted', 10), (2, 2, 'at:accepted', 5), (1, 1, 'at:delivered', 8), (1, 1, 'failed', 1),
			(1, 1, 'undelivered', 1), (1, 1, 'at:refused', 1), (1, 1, 'at:clicked', 2), (1, 30, 'at:clicked', 3), (0, 3, 'received', 4), (1, 30, 'at:accepted', 7), (1, 60, 'at:accepted', 99))
			AS v (campaign, h, measure, n)`, to)
	o, err := s.Read(t.Context(), from, to, time.UTC, dashboard.Whole)
	require.NoError(t, err)
	require.Equal(t, dashboard.Period{Accepted: 15, Tried: 16, Delivered: 8, Failed: 2, Clicked: 2, Received: 4}, o.Now)
	require.Equal(t, dashboard.Period{Accepted: 7, Tried: 7, Clicked: 3}, o.Before, "the same length before it, and nothing older")
	require.EqualValues(t, []int64{5, 3, 2}, []int64{o.Contacts, o.OptedIn, o.OptedOut})
	require.EqualValues(t, []int64{1, 2}, []int64{o.CampaignsActive, o.CampaignsTotal})
	var sum series.Point
	for i, p := range o.Series {
		sum.Accepted += p.Accepted
		sum.Delivered += p.Delivered
		sum.Clicked += p.Clicked
		sum.Failed += p.Failed
		sum.Received += p.Received
		require.True(t, i == 0 || p.At.After(o.Series[i-1].At))
	}
	require.Equal(t, series.Point{Accepted: 15, Delivered: 8, Clicked: 2, Failed: 2, Received: 4}, sum, "the chart shows the same")

	require.False(t, o.CountsClicks, "no campaign has a link")
	exec(`INSERT INTO templates (name, language, category) VALUES ('a', 'en', 'marketing');
		INSERT INTO template_versions (template_id, version, kind, body, variables) VALUES (1, 1, 'text', 'x', '[]');
		INSERT INTO links (campaign_id, template_version_id, part, title, destination, tag)
			VALUES (NULL, 1, 'buttons.0', 'Shop', 'https://shop.example', 1), (1, 1, 'buttons.0', 'Shop', 'https://shop.example', 2);
		UPDATE campaigns SET track_links = false WHERE id = 1`)
	o, err = s.Read(t.Context(), from, to, time.UTC, dashboard.Whole)
	require.NoError(t, err)
	require.False(t, o.CountsClicks, "a message outside campaigns, and a campaign that does not want to know")
	exec("UPDATE campaigns SET track_links = true WHERE id = 1")
	o, err = s.Read(t.Context(), from, to, time.UTC, dashboard.Whole)
	require.NoError(t, err)
	require.True(t, o.CountsClicks)
}

func TestWhyMessagesFailed(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := dashboard.NewService(d, func(code int) message.CodeInfo { return message.CodeInfo{Code: code} })
	_, err := d.NewRaw(`INSERT INTO contacts (address, match_key, kind) SELECT g, g, 'phone' FROM generate_series(1, 12) g;
		INSERT INTO campaigns (name, status) VALUES ('a', 'completed'), ('b', 'completed');
		INSERT INTO messages (direction, purpose, campaign_id, contact_id, status, error_code)
		SELECT 'outbound', 'campaign', CASE WHEN g <= 8 THEN 1 ELSE 2 END, g, CASE WHEN g = 1 THEN 'undelivered' ELSE 'failed' END,
			CASE WHEN g <= 6 THEN 63024 ELSE 63016 END FROM generate_series(1, 12) g`).Exec(t.Context())
	require.NoError(t, err)
	bucket := func(code int, n int64, share float64) dashboard.ErrorBucket {
		return dashboard.ErrorBucket{Info: message.CodeInfo{Code: code}, Count: n, Share: share}
	}
	one, other := int64(1), int64(2)
	rows, err := s.Errors(t.Context(), &one)
	require.NoError(t, err)
	require.Equal(t, []dashboard.ErrorBucket{bucket(63024, 6, 0.75), bucket(63016, 2, 0.25)}, rows, "most frequent first")
	rows, err = s.Errors(t.Context(), &other)
	require.NoError(t, err)
	require.Equal(t, []dashboard.ErrorBucket{bucket(63016, 4, 1)}, rows)
	rows, err = s.Errors(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, 0.5, rows[0].Share)
}

func TestWhatNeedsAttention(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := dashboard.NewService(d, nil)
	got, err := s.Attention(t.Context())
	require.NoError(t, err)
	require.Equal(t, dashboard.Attention{}, got)
	_, err = d.NewRaw(`
		INSERT INTO contacts (address, match_key, kind) SELECT g, g, 'phone' FROM generate_series(1, 5) g;
		INSERT INTO campaigns (name, status, paused_by, start_error, updated_at) VALUES ('by the engine', 'paused', 'engine', '', now()),
			('by an operator', 'paused', 'operator', '', now()), ('cannot start', 'scheduled', '', 'no segment', now() - interval '1 hour'),
			('starts', 'scheduled', '', '', now()), ('failed', 'failed', '', '', now() - interval '2 hours'),
			('failed long ago', 'failed', '', '', now() - interval '8 days'), ('done', 'completed', '', '', now());
		INSERT INTO opt_out_reviews (contact_id, message_id, decided_at) VALUES (1, 1, NULL), (2, 2, now());
		INSERT INTO senders (address, display_name, rate_per_second, status) VALUES ('+14155238886', 'Shop', 80, 'active'),
			('+14155238887', 'Old', 80, 'failed');
		INSERT INTO templates (name, language, category, deleted_at)
			SELECT g, 'en', 'marketing', CASE WHEN g = 3 THEN now() END FROM generate_series(1, 3) g;
		INSERT INTO template_versions (template_id, version, kind, body, variables, approval_status)
			SELECT t, v, 'text', 'x', '[]', CASE WHEN t = 1 AND v = 1 OR t <> 1 AND v = 2 THEN 'rejected' ELSE 'approved' END
			FROM generate_series(1, 3) t, generate_series(1, 2) v;
		INSERT INTO message_counts (campaign_id, measure, n) VALUES (1, 'at:undecided', 3), (2, 'at:undecided', 1)`).Exec(t.Context())
	require.NoError(t, err)
	_, err = d.NewRaw(`INSERT INTO campaigns (name, status, approval, approval_asked_at, approval_decided_at) VALUES
		('sent back', 'draft', 'sent_back', now(), now()), ('sent back long ago', 'draft', 'sent_back', now(), now() - interval '8 days'),
		('launched', 'draft', 'waiting', now(), NULL), ('scheduled', 'scheduled', 'waiting', now() - interval '1 hour', NULL),
		('canceled', 'canceled', 'waiting', now(), NULL)`).Exec(t.Context())
	require.NoError(t, err)
	got, err = s.Attention(t.Context())
	require.NoError(t, err)
	require.Equal(t, dashboard.Attention{
		Approvals: []int64{10, 11, 8}, Campaigns: []int64{1, 3, 5}, OptOutReviews: 1, TemplatesRejected: 1, SendersStopped: 1, Undecided: 4,
	}, got, "the newest version of the first template is approved, the third is deleted")
}
