package campaign_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/campaign"
	"eventstream/server/db/dbtest"
	"eventstream/server/gate"
	"eventstream/server/hours"
	"eventstream/server/pubsub"
	"eventstream/server/sender"

	"github.com/stretchr/testify/require"
)

// Who changes one default leaves the other alone, also while somebody else is
// changing that.
func TestADefaultThatIsNotNamedStays(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := campaign.NewService(campaign.Dependencies{DB: d, Now: time.Now})
	ctx := actor.With(t.Context(), actor.System)
	night := &hours.QuietHours{Start: "21:00", End: "08:00"}
	require.NoError(t, s.SetDefaults(ctx, campaign.DefaultsChange{QuietHours: &night}))
	other, err := d.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = other.NewRaw(`UPDATE settings SET value = jsonb_set(value, '{start}', '"22:00"') WHERE key = 'default_quiet_hours'`).Exec(ctx)
	require.NoError(t, err)
	most := &gate.FrequencyCap{Messages: 3, Days: 7}
	require.NoError(t, s.SetDefaults(ctx, campaign.DefaultsChange{FrequencyCap: &most}), "it need not even wait")
	require.NoError(t, other.Commit())
	both, err := s.Defaults(context.Background())
	require.NoError(t, err)
	require.Equal(t, "22:00", both.QuietHours.Start)
	require.Equal(t, most, both.FrequencyCap)
	var none *hours.QuietHours
	require.NoError(t, s.SetDefaults(ctx, campaign.DefaultsChange{QuietHours: &none}))
	both, err = s.Defaults(ctx)
	require.NoError(t, err)
	require.Nil(t, both.QuietHours)
	require.Equal(t, most, both.FrequencyCap)
}

// What is taken away leaves its old value in the trail, as what is set leaves its new one.
func TestTheTrailTellsOldAndNewValues(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ctx := actor.With(t.Context(), actor.System)
	senders := sender.NewService(d)
	s := campaign.NewService(campaign.Dependencies{
		DB: d, Now: time.Now, Senders: senders, Hub: pubsub.New(d.Pool, slog.New(slog.DiscardHandler)),
	})
	newest := func(action string) (changes string) {
		t.Helper()
		require.NoError(t, d.NewRaw("SELECT changes::text FROM audit_entries WHERE action = ? ORDER BY id DESC LIMIT 1", action).
			Scan(ctx, &changes))
		return changes
	}
	night, none := &hours.QuietHours{Start: "21:00", End: "08:00"}, (*hours.QuietHours)(nil)
	most, nomost := &gate.FrequencyCap{Messages: 3, Days: 7}, (*gate.FrequencyCap)(nil)
	require.NoError(t, s.SetDefaults(ctx, campaign.DefaultsChange{QuietHours: &night, FrequencyCap: &most}))
	require.JSONEq(t, `{"default_quiet_hours": {"from": null, "to": {"start": "21:00", "end": "08:00"}},
		"default_frequency_cap": {"from": null, "to": {"messages": 3, "days": 7}}}`, newest("settings.update"))
	require.NoError(t, s.SetDefaults(ctx, campaign.DefaultsChange{QuietHours: &none, FrequencyCap: &nomost}))
	require.JSONEq(t, `{"default_quiet_hours": {"from": {"start": "21:00", "end": "08:00"}, "to": null},
		"default_frequency_cap": {"from": {"messages": 3, "days": 7}, "to": null}}`, newest("settings.update"))
	require.NoError(t, senders.SetAccountRate(ctx, 40))
	require.NoError(t, senders.SetAccountRate(ctx, 20))
	require.JSONEq(t, `{"account_rate": {"from": 40, "to": 20}}`, newest("settings.update"))

	snd, err := senders.Create(ctx, sender.Input{Address: new("+4915112345678"), DisplayName: new("Shop")})
	require.NoError(t, err)
	_, err = senders.Update(ctx, snd.ID, sender.Input{RatePerSecond: new(10.0)})
	require.NoError(t, err)
	require.JSONEq(t, `{"rate": {"from": 80, "to": 10}}`, newest("sender.update"))
	_, err = senders.Pause(ctx, snd.ID, "holiday")
	require.NoError(t, err)
	_, err = senders.Resume(ctx, snd.ID)
	require.NoError(t, err)
	require.JSONEq(t, `{"status": {"from": "paused", "to": "active"}, "reason": {"from": "holiday", "to": ""}}`, newest("sender.resume"))

	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	c, err := s.Create(ctx, campaign.Input{
		Name: new("Spring"), QuietHours: night, FrequencyCap: most, RateLimitPerSecond: new(5.0), EndsAt: &ends,
	})
	require.NoError(t, err)
	_, err = s.Update(ctx, c.ID, campaign.Input{
		ClearQuietHours: true, ClearCap: true, ClearRateLimit: true, ClearThreshold: true, ClearEndsAt: true,
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"quiet_hours": {"from": {"start": "21:00", "end": "08:00"}, "to": null},
		"frequency_cap": {"from": {"messages": 3, "days": 7}, "to": null}, "rate": {"from": 5, "to": null},
		"error_threshold": {"from": 0.2, "to": null}, "ends_at": {"from": "`+ends.Format(time.RFC3339)+`", "to": null}}`,
		newest("campaign.update"))
	again, err := s.Duplicate(ctx, c.ID)
	require.NoError(t, err)
	require.Contains(t, newest("campaign.duplicate"), fmt.Sprintf(`"of": {"to": %d, "from": null}`, c.ID))
	_, err = s.Update(ctx, again.ID, campaign.Input{Name: new("Summer")})
	require.NoError(t, err)
	require.JSONEq(t, `{"name": {"from": "Copy of Spring", "to": "Summer"}}`, newest("campaign.update"))
	require.ErrorContains(t, audit.Record(ctx, d, audit.TopicUpdate, "thing", 1, nil), "RecordChange", "the only door")
}
