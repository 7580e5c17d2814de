package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestASecondPersonApproves: what is launched over the API waits for another person too, and what they see is what they approve.
func TestASecondPersonApproves(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.must("contactCreate", "contact", map[string]any{"address": "+4915112345678", "consent": map[string]any{"note": "on paper"}})
	template := e.must("templateCreate", "template", map[string]any{"name": "Hello", "body": "Hello."})
	segment := e.must("segmentCreate", "segment", map[string]any{"name": "All", "query": map[string]any{"all": []any{}}})
	rule := map[string]any{"campaignApproval": map[string]any{"role": "MARKETER"}}
	require.Contains(t, e.problem("settingsUpdate", rule), "campaignApproval: two people are needed")
	mia, _ := e.person("mia", "ADMIN")
	require.Empty(t, e.problem("settingsUpdate", rule))
	machine := mia.token("role: MARKETER")
	id := machine.must("campaignCreate", "campaign", map[string]any{"name": "Spring", "templateId": template, "segmentId": segment, "quietHours": nil})
	type approval struct {
		Status   string
		Revision int
		Approval *struct {
			State                   string
			StartsAtOnce, MayDecide bool
			AskedBy, DecidedBy      *struct{ Name string }
			Reason                  *string
			Approvers               []struct{ Name string }
		}
	}
	seen := func(who *env) approval {
		t.Helper()
		var out struct{ Node approval }
		who.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { status revision
			approval { state startsAtOnce mayDecide askedBy { name } decidedBy { name } reason approvers { name } } } } }`, map[string]any{"id": id})
		return out.Node
	}
	require.Nil(t, seen(e).Approval)
	require.Eventually(t, func() bool { return machine.problem("campaignLaunch", map[string]any{"id": id}) == "" }, patience, 50*time.Millisecond,
		"WhatsApp approves the template")
	waits := seen(e)
	require.Equal(t, "DRAFT", waits.Status)
	require.Equal(t, "WAITING", waits.Approval.State)
	require.True(t, waits.Approval.StartsAtOnce)
	require.True(t, waits.Approval.MayDecide)
	require.Equal(t, "mia", waits.Approval.AskedBy.Name, "whose token it is")
	require.NotEmpty(t, waits.Approval.Approvers)
	require.False(t, seen(mia).Approval.MayDecide)
	var lists struct {
		Campaigns struct{ Nodes []struct{ ID string } }
		Attention struct{ Approvals []struct{ ID string } }
	}
	e.do(&lists, `{ campaigns(filter: {approval: [WAITING]}) { nodes { id } } attention { approvals { id } } }`, nil)
	require.Equal(t, id, lists.Campaigns.Nodes[0].ID)
	require.Equal(t, id, lists.Attention.Approvals[0].ID)

	approve := `mutation { campaignApprove(input: {id: "` + id + `", expectedVersion: 1}) { userErrors { message } } }`
	require.Equal(t, "FORBIDDEN", e.token("role: ADMIN").refused(approve), "no machine approves")
	require.Contains(t, mia.problem("campaignApprove", map[string]any{"id": id, "expectedVersion": waits.Revision}), "you asked for it")
	require.Contains(t, e.problem("campaignSendBack", map[string]any{"id": id, "reason": ""}), "reason: say in 1 to 500 characters")
	require.Empty(t, e.problem("campaignSendBack", map[string]any{"id": id, "reason": "Not today."}))
	back := seen(mia)
	require.Equal(t, "SENT_BACK", back.Approval.State)
	require.Equal(t, "Not today.", *back.Approval.Reason)
	mia.must("campaignLaunch", "campaign", map[string]any{"id": id})
	waits = seen(e)
	mia.must("campaignUpdate", "campaign", map[string]any{"id": id, "name": "Summer"})
	require.Nil(t, seen(e).Approval, "what is changed is asked for anew")
	mia.must("campaignLaunch", "campaign", map[string]any{"id": id})
	require.Contains(t, e.problem("campaignApprove", map[string]any{"id": id, "expectedVersion": waits.Revision}), "expectedVersion: mia changed this")
	require.Equal(t, "DRAFT", seen(e).Status)
	require.Empty(t, e.problem("campaignApprove", map[string]any{"id": id, "expectedVersion": seen(e).Revision}))
	require.Eventually(t, func() bool { return seen(e).Status == "COMPLETED" }, patience, 50*time.Millisecond)
	require.Equal(t, "APPROVED", seen(mia).Approval.State)
}
