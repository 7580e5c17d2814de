package health_test

import (
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/health"
	"eventstream/server/say"

	"github.com/stretchr/testify/require"
)

// What waits and what came is told exactly, however few or many there are.
func TestWebhooksAreCounted(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := health.NewService(d)
	look := func() *health.Health {
		h, err := s.Look(t.Context(), say.Raw("a provider"))
		require.NoError(t, err)
		return h
	}
	h := look()
	require.Zero(t, h.WebhooksPerMinute)
	require.Zero(t, h.WebhookLagSeconds)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := d.NewRaw(sql, args...).Exec(t.Context())
		require.NoError(t, err)
	}
	const add = `INSERT INTO webhook_events (kind, sid, dedupe_key, params, signature_valid, received_at, applied_at)
		SELECT ?0, 's', ?0 || gen_random_uuid(), '{}', true, now() - make_interval(secs => ?2), CASE WHEN ?3 THEN now() END FROM generate_series(1, ?1::int)`
	exec(add, "status", 3, 10, true)
	require.EqualValues(t, 3, look().WebhooksPerMinute, "none is older")
	exec("TRUNCATE webhook_events")
	exec(add, "status", 5000, 3600, true)
	exec(add, "status", 4321, 10, true)
	require.EqualValues(t, 4321, look().WebhooksPerMinute)
	require.Zero(t, look().WebhookLagSeconds)
	exec(add, "status", 1, 40, false)
	exec(add, "inbound", 1, 20, false)
	h = look()
	require.InDelta(t, 40, h.WebhookLagSeconds, 15, "the oldest of both kinds")
	require.Contains(t, h.Checks, health.Check{
		Name: "Workers", Level: health.LevelBad, Detail: say.New("%d running", int64(0)),
		Advice: say.New("Nobody works the jobs: start a worker (run or work)."),
	})
}

// What is parked and what the spool holds is told, with what to do about it.
func TestParkedAndSpooledWebhooksAreTold(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := health.NewService(d)
	look := func() (*health.Health, map[string]health.Check) {
		h, err := s.Look(t.Context(), say.Raw("a provider"))
		require.NoError(t, err)
		checks := map[string]health.Check{}
		for _, c := range h.Checks {
			checks[string(c.Name)] = c
		}
		return h, checks
	}
	h, checks := look()
	require.Zero(t, h.WebhooksParked)
	require.Equal(t, health.LevelOK, checks["Webhooks to retry"].Level)
	require.NotContains(t, checks, "Webhooks kept on disk", "this process keeps none")
	_, err := d.NewRaw(`INSERT INTO webhook_events (kind, sid, dedupe_key, params, signature_valid, next_attempt_at, applied_at)
		SELECT 'status', 's', 'k' || i, '{}', true, CASE WHEN i <= 101 THEN now() END, CASE WHEN i > 150 THEN now() END
		FROM generate_series(1, 200) i`).Exec(t.Context())
	require.NoError(t, err)
	held, since := int64(0), time.Time{}
	s.WatchSpool(func() (int64, time.Time) { return held, since })
	h, checks = look()
	require.EqualValues(t, 101, h.WebhooksParked)
	require.Equal(t, health.LevelBad, checks["Webhooks to retry"].Level)
	require.Equal(t, health.Check{Name: "Webhooks kept on disk", Level: health.LevelOK, Detail: say.New("none")}, checks["Webhooks kept on disk"])
	require.Nil(t, h.SpoolOldestAt)
	held, since = 2000, time.Now().Add(-time.Second)
	h, checks = look()
	require.EqualValues(t, 2000, h.SpoolBytes)
	require.Equal(t, since, *h.SpoolOldestAt)
	require.Equal(t, health.LevelWarn, checks["Webhooks kept on disk"].Level)
	require.Contains(t, checks["Webhooks kept on disk"].Detail.String(), "2 KiB wait")
	since = since.Add(-time.Hour)
	_, checks = look()
	require.Equal(t, health.LevelBad, checks["Webhooks kept on disk"].Level)
}
