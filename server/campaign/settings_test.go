package campaign_test

import (
	"context"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/campaign"
	"eventstream/server/db/dbtest"
	"eventstream/server/gate"
	"eventstream/server/hours"

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
