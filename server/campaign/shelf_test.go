package campaign_test

import (
	"fmt"
	"strings"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/campaign"
	"eventstream/server/db"

	"github.com/stretchr/testify/require"
)

// found are the ids that a list shows, newest first.
func (p *planning) found(f campaign.Filter) (ids []int64) {
	p.Helper()
	page, err := p.s.List(p.ada, f, db.Page{First: new(50)})
	require.NoError(p, err)
	for _, c := range page.Items {
		ids = append(ids, c.ID)
	}
	n, err := p.s.Count(p.ada, f)
	require.NoError(p, err)
	require.EqualValues(p, len(ids), n)
	return ids
}

func TestWhatIsArchivedIsOutOfTheWay(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	id, other := p.draft(p.mia), p.draft(p.mia)
	require.Equal(t, []int64{other, id}, p.found(campaign.Filter{}))
	for range 2 { // whoever was second finds it done
		_, err := p.s.Archive(p.mia, id)
		require.NoError(t, err)
	}
	require.Equal(t, []int64{other}, p.found(campaign.Filter{}))
	require.Equal(t, []int64{id}, p.found(campaign.Filter{Archived: new(true)}))
	require.Equal(t, []int64{other, id}, p.found(campaign.Filter{Search: "spring"}), "a search finds it")
	require.Equal(t, []int64{other}, p.found(campaign.Filter{Search: "spring", Archived: new(false)}))

	_, err := p.s.Update(p.mia, id, campaign.Input{Name: new("Summer")})
	p.refused("bring it back first", err)
	_, err = p.s.Launch(p.mia, id, 0)
	p.refused("bring it back first", err)
	_, err = p.s.Schedule(p.mia, id, campaign.Schedule{Recurrence: &campaign.Recurrence{Frequency: campaign.Daily, Time: "09:00", Zone: "UTC"}})
	p.refused("bring it back first", err)
	copied, err := p.s.Duplicate(p.mia, id)
	require.NoError(t, err)
	require.Equal(t, []int64{copied.ID, other}, p.found(campaign.Filter{}), "its copy is not archived")
	c, err := p.s.Unarchive(p.mia, id)
	require.NoError(t, err)
	require.Nil(t, c.ArchivedAt)

	p.schedule(p.mia, id)
	_, err = p.s.Archive(p.mia, id)
	p.refused("only drafts and campaigns that have ended", err)
	_, err = p.s.Cancel(p.mia, id)
	require.NoError(t, err)
	_, err = p.s.Archive(p.mia, id)
	require.NoError(t, err)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	_, err = p.s.Launch(p.mia, other, 0)
	require.NoError(t, err)
	_, err = p.s.Archive(p.mia, other)
	p.refused("withdraw the request first", err)

	var trail []string
	require.NoError(t, p.db.NewRaw("SELECT action FROM audit_entries WHERE action LIKE 'campaign.%archive' ORDER BY id").Scan(t.Context(), &trail))
	require.Equal(t, []string{"campaign.archive", "campaign.archive", "campaign.unarchive", "campaign.archive"}, trail)
}

func TestCampaignsAreSortedByLabels(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	id, other := p.draft(p.mia), p.draft(p.mia)
	set := func(id int64, labels ...string) []string {
		t.Helper()
		c, err := p.s.SetLabels(p.mia, id, labels)
		require.NoError(t, err)
		return c.Labels
	}
	require.Equal(t, []string{"Sale", "New in"}, set(id, " Sale ", "New   in", "sale"))
	require.Equal(t, []string{"Sale"}, set(other, "SALE"), "as others spell it")
	labels, err := p.s.Labels(p.ada)
	require.NoError(t, err)
	require.Equal(t, []campaign.UsedLabel{{Name: "New in", Campaigns: 1}, {Name: "Sale", Campaigns: 2}}, labels)
	require.Equal(t, []int64{other, id}, p.found(campaign.Filter{Labels: []string{"Sale"}}))
	require.Equal(t, []int64{id}, p.found(campaign.Filter{Labels: []string{"Sale", "New in"}}))
	copied, err := p.s.Duplicate(p.mia, id)
	require.NoError(t, err)
	require.Equal(t, []int64{copied.ID, id}, p.found(campaign.Filter{Labels: []string{"New in"}}), "a copy keeps them")
	_, err = p.s.Update(p.mia, id, campaign.Input{Name: new("Summer")})
	require.NoError(t, err)
	require.Equal(t, []int64{copied.ID, id}, p.found(campaign.Filter{Labels: []string{"New in"}}), "and so does a change")

	_, err = p.s.SetLabels(p.mia, id, []string{strings.Repeat("x", 41)})
	p.refused("give 1 to 40 characters", err)
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprint(i))
	}
	_, err = p.s.SetLabels(p.mia, id, many)
	p.refused("11 labels are too many: a campaign has at most 10", err)
	p.exec("INSERT INTO campaigns (name, status, labels) SELECT 'x', 'draft', ARRAY['l' || g] FROM generate_series(1, 198) g")
	_, err = p.s.SetLabels(p.mia, other, []string{"One more"})
	p.refused(`there are 200 labels: use one of them instead of "One more"`, err)
	require.Equal(t, []string{"l7"}, set(other, "L7"))
	require.Empty(t, set(other))
	_, err = p.s.SetLabels(actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: adaID, Role: actor.RoleViewer}), id, nil)
	p.refused("needs the role marketer", err)
}
