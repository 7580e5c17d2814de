package app_test

import (
	"fmt"
	"testing"
	"time"

	"eventstream/server/hours"

	"github.com/stretchr/testify/require"
)

// A campaign that asks for it goes to each recipient in the hour in which they usually read; pre-flight tells how many have
// one, and the setting travels with copies, runs and the trail.
func TestEachRecipientGetsItAtTheirBestHour(t *testing.T) {
	t.Parallel()
	e := start(t)
	// Neither clock is put forward or back.
	zones := map[string]string{"own": "Asia/Kolkata", "others'": "America/Bogota"}
	for name, zone := range zones {
		e.must("contactCreate", "contact", map[string]any{
			"address": map[string]string{"own": "+4915112340001", "others'": "+4915112340002"}[name], "name": name, "timeZone": zone,
			"consent": map[string]any{"note": "on paper"},
		})
	}
	now := time.Now().UTC()
	read := func(name string, n int, ahead time.Duration) (hour int) {
		for week := range n {
			e.exec(`INSERT INTO messages (direction, purpose, contact_id, sender_id, status, created_at, accepted_at, read_at)
				SELECT 'outbound', 'reply', c.id, (SELECT min(id) FROM senders), 'read', x.at - interval '1 hour', x.at - interval '1 hour', x.at
				FROM contacts c, (SELECT ?::timestamptz AS at) x WHERE c.name = ?`, now.Add(ahead).AddDate(0, 0, -7*(week+1)), name)
		}
		zone, err := time.LoadLocation(zones[name])
		require.NoError(t, err)
		return now.Add(ahead).In(zone).Hour()
	}
	type outlook struct {
		CampaignPreflight struct {
			WillSend int
			Zones    []struct {
				Zone     *string
				Contacts int
			}
			WithinWindow int
			BestHours    *struct {
				Own, Workspace, AtOnce int
				WorkspaceHour          *int
				Hours                  []int
			}
		}
	}
	foreseen := func(id string) (o outlook) {
		e.do(&o, `query($id: ID!) { campaignPreflight(id: $id) { willSend bestHours { own workspace atOnce workspaceHour hours } zones { zone contacts } withinWindow } }`, map[string]any{"id": id})
		return o
	}
	plain := e.draft("plain", map[string]any{"quietHours": nil})
	require.Nil(t, foreseen(plain).CampaignPreflight.BestHours)

	camp := e.draft("best", map[string]any{"quietHours": nil, "bestHour": true})
	o := foreseen(camp).CampaignPreflight
	require.Equal(t, 2, o.WillSend)
	require.Equal(t, 2, o.BestHours.AtOnce, "nobody has read anything")
	require.Nil(t, o.BestHours.WorkspaceHour)
	require.Len(t, o.BestHours.Hours, 24)
	require.Len(t, o.Zones, 2)
	require.Equal(t, []any{"America/Bogota", 1, "Asia/Kolkata", 1}, []any{*o.Zones[0].Zone, o.Zones[0].Contacts, *o.Zones[1].Zone, o.Zones[1].Contacts})
	require.Zero(t, o.WithinWindow)
	e.exec("INSERT INTO conversations (contact_id, session_expires_at) SELECT id, now() + interval '1 hour' FROM contacts WHERE name = 'own'")
	require.Equal(t, 1, foreseen(camp).CampaignPreflight.WithinWindow)
	own := read("own", 20, 7*time.Hour)
	read("others'", 2, 4*time.Hour)
	o = foreseen(camp).CampaignPreflight
	require.Equal(t, []int{1, 1, 0}, []int{o.BestHours.Own, o.BestHours.Workspace, o.BestHours.AtOnce})
	require.Equal(t, own, *o.BestHours.WorkspaceHour)
	require.Equal(t, 2, o.BestHours.Hours[own], "each by their own clock")
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "endsAt": now.Add(5 * time.Hour)})
	late := foreseen(camp).CampaignPreflight.BestHours
	require.Positive(t, late.AtOnce, "their hour would come after the end")
	require.Zero(t, late.Own)
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "endsAt": nil})

	copied := e.must("campaignDuplicate", "campaign", map[string]any{"id": camp})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	type campaign struct {
		Node struct {
			BestHour      bool
			UsualHour     *int
			StartedAt     *time.Time
			WaitingReason *string
			Deferrals     []struct {
				Reason string
				Count  int
			}
			Messages struct {
				Nodes []struct {
					NotBefore       *time.Time
					NotBeforeReason *string
					Contact         struct{ Name string }
					Decision        struct {
						Verdict string
						Steps   []struct {
							Check, Detail string
							Passed        *bool
						}
					}
				}
			}
		}
	}
	var c campaign
	look := func(id string) {
		c = campaign{}
		e.do(&c, `query($id: ID!) { node(id: $id) { ... on Campaign { bestHour usualHour startedAt waitingReason deferrals { reason count }
			messages(first: 10) { nodes { notBefore notBeforeReason contact { name }
				decision { verdict steps { check passed detail } } } } } } }`, map[string]any{"id": id})
	}
	require.Eventually(t, func() bool {
		look(camp)
		return len(c.Node.Deferrals) == 1 && c.Node.Deferrals[0].Count == 2
	}, patience, 20*time.Millisecond)
	look(camp) // the parts of an answer are read one after the other
	require.True(t, c.Node.BestHour)
	require.Equal(t, own, *c.Node.UsualHour)
	require.Equal(t, hours.BestHour, c.Node.Deferrals[0].Reason)
	require.Equal(t, hours.BestHour, *c.Node.WaitingReason)
	require.Len(t, c.Node.Messages.Nodes, 2)
	for _, m := range c.Node.Messages.Nodes {
		zone, err := time.LoadLocation(zones[m.Contact.Name])
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%02d:00:00", own), m.NotBefore.In(zone).Format(time.TimeOnly))
		require.WithinRange(t, *m.NotBefore, *c.Node.StartedAt, c.Node.StartedAt.Add(24*time.Hour))
		require.Equal(t, hours.BestHour, *m.NotBeforeReason)
		verdict, detail := "when most contacts read; everything is checked again then", "They had read fewer than 3 messages in the 180 days before the campaign started, so that the hour counts"
		if m.Contact.Name == "own" {
			verdict, detail = "when they usually read (20 of their 20 reads in 180 days)", fmt.Sprintf("By their clock they usually read from %d:00 to %d:00: 20 of 20 reads", own, (own+1)%24)
		}
		require.Contains(t, m.Decision.Verdict, verdict)
		told := map[string]string{}
		for _, step := range m.Decision.Steps {
			told[step.Check] = step.Detail
			if step.Check == "Best hour" {
				require.False(t, *step.Passed)
			}
		}
		require.Contains(t, told["Best hour"], detail)
		require.Equal(t, "Not asked.", told["Consent"], "it may be otherwise at their hour")
	}
	_, problems := e.mutate("campaignUpdate", "campaign", map[string]any{"id": camp, "bestHour": false})
	require.Contains(t, problems, "only its name, rate")
	e.must("campaignCancel", "campaign", map[string]any{"id": camp})
	e.await(camp, "CANCELED")

	look(copied)
	require.True(t, c.Node.BestHour)
	require.Nil(t, c.Node.UsualHour, "it is known when it starts")
	e.must("campaignLaunch", "campaign", map[string]any{"id": copied, "undoSeconds": 60})
	look(copied)
	require.NotNil(t, c.Node.UsualHour)
	e.must("campaignLaunchUndo", "campaign", map[string]any{"id": copied})
	look(copied)
	require.Nil(t, c.Node.UsualHour)
	e.must("campaignSchedule", "campaign", map[string]any{"id": copied, "recurrence": map[string]any{
		"frequency": "DAILY", "time": "10:00", "zone": "UTC", "runs": 2,
	}})
	e.exec("UPDATE campaigns SET next_run_at = now() WHERE status = 'scheduled'")
	var recurring struct {
		Node struct {
			Runs []struct {
				BestHour  bool
				UsualHour *int
			}
		}
	}
	require.Eventually(t, func() bool {
		e.do(&recurring, `query($id: ID!) { node(id: $id) { ... on Campaign { runs { bestHour usualHour } } } }`, map[string]any{"id": copied})
		return len(recurring.Node.Runs) == 1
	}, patience, 20*time.Millisecond)
	require.True(t, recurring.Node.Runs[0].BestHour)
	require.Equal(t, own, *recurring.Node.Runs[0].UsualHour)
}
