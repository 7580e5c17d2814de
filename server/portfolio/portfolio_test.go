package portfolio_test

import (
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db/dbtest"
	"eventstream/server/portfolio"

	"github.com/stretchr/testify/require"
)

func TestTwiliosWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"1K Customers/24hr": 1000, "10K Customers/24hr": 10_000, "100K Customers/24hr": 100_000, "250 Customers/24hr": 250, "TIER_2K": 2000,
		"Unlimited": 0, "Unlimited Customers/24hr": 0,
	} {
		n, ok := portfolio.Parse(text)
		require.True(t, ok, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "Unavailable", "TIER_NOT_SET", "0 Customers", "5000000 Customers/24hr", "500K"} {
		_, ok := portfolio.Parse(text)
		require.False(t, ok, text)
	}
}

// What Twilio tells counts until somebody sets it by hand; whoever was written to before it was known counts too.
func TestTheLimitThatIsToldAndSet(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ctx := actor.With(t.Context(), actor.System)
	s := portfolio.NewService(d)
	for _, sql := range []string{
		`INSERT INTO contacts (address, match_key, kind) SELECT '+4915112340' || lpad(i::text, 3, '0'), '+4915112340' || lpad(i::text, 3, '0'), 'phone'
			FROM generate_series(1, 6) i`,
		`INSERT INTO senders (address, display_name, rate_per_second, status) VALUES ('+14155238886', 'Shop', 80, 'active')`,
		`INSERT INTO templates (name, language, category) VALUES ('Hello', 'en', 'utility')`,
		`INSERT INTO template_versions (template_id, version, kind, body, variables, approval_status) VALUES (1, 1, 'text', 'Hello.', '[]', 'approved')`,
		`INSERT INTO campaigns (name, status, started_at) VALUES ('One', 'sending', now())`,
		// Yesterday, the day before, in their window, by hand outside it.
		`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status, sid, accepted_at)
			SELECT 'outbound', 'campaign', 1, i, 1, 1, 'delivered', 'SM' || i, now() - CASE i WHEN 2 THEN interval '25 hours' ELSE interval '2 hours' END
			FROM generate_series(1, 3) i`,
		`INSERT INTO messages (direction, purpose, contact_id, sender_id, status, created_at) VALUES ('inbound', 'inbound', 3, 1, 'received', now() - interval '5 hours')`,
		`INSERT INTO messages (direction, purpose, contact_id, sender_id, template_version_id, status, sid, accepted_at)
			VALUES ('outbound', 'reply', 4, 1, 1, 'delivered', 'SM4', now())`,
	} {
		_, err := d.NewRaw(sql).Exec(ctx)
		require.NoError(t, err, sql)
	}
	current := func() portfolio.Limit {
		t.Helper()
		l, err := s.Current(ctx)
		require.NoError(t, err)
		return l
	}
	require.False(t, current().Known)
	require.NoError(t, s.Tell(ctx, []string{"Unavailable"}))
	require.False(t, current().Known)
	require.NoError(t, s.Tell(ctx, []string{"10K Customers/24hr", "Unavailable", "1K Customers/24hr"}))
	l := current()
	require.Equal(t, 1000, l.People, "the lowest, for none is exceeded then")
	require.Equal(t, "1K Customers/24hr", l.Told)
	require.Equal(t, int64(2), l.Counted, "the first and the fourth")
	people, place, err := s.Room(ctx, 5)
	require.NoError(t, err)
	require.Equal(t, 1000, people)
	require.True(t, place.Held)

	require.Error(t, s.Set(actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleMarketer}), portfolio.Change{}))
	require.NoError(t, s.Set(ctx, portfolio.Change{People: new(2)}))
	require.True(t, current().ByHand)
	_, place, err = s.Room(ctx, 5)
	require.NoError(t, err)
	require.False(t, place.Held)
	require.WithinDuration(t, time.Now().Add(22*time.Hour), place.Frees, 10*time.Minute)
	_, place, err = s.Room(ctx, 1)
	require.NoError(t, err)
	require.True(t, place.Held, "they count already")
	require.NoError(t, s.Set(ctx, portfolio.Change{Unlimited: true}))
	l = current()
	require.True(t, l.Known && l.People == 0)
	require.NoError(t, s.Set(ctx, portfolio.Change{}))
	require.Equal(t, 1000, current().People, "as told again")
	var changes int
	require.NoError(t, d.NewRaw("SELECT count(*) FROM audit_entries WHERE action = 'settings.update'").Scan(ctx, &changes))
	require.Equal(t, 4, changes)
}
