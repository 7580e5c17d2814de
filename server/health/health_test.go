package health_test

import (
	"testing"

	"eventstream/server/db/dbtest"
	"eventstream/server/health"

	"github.com/stretchr/testify/require"
)

// What waits and what came is told exactly, however few or many there are.
func TestWebhooksAreCounted(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := health.NewService(d)
	look := func() *health.Health {
		h, err := s.Look(t.Context(), "a provider")
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
		Name: "Workers", Level: health.LevelBad, Detail: "0 alive", Advice: "Nobody works the jobs: start a worker (run or work).",
	})
}
