package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheRowsOfAReportNameExactlyTheirPeople compares, for a row of exclusions and one
// of failures, what the report counts, the list of messages, the segment and the
// audience of a draft to these people.
func TestTheRowsOfAReportNameExactlyTheirPeople(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(40)
	faults := e.Sandbox.Settings()
	faults.UndeliveredRate, faults.UndeliveredCode = 0.5, 63032
	require.NoError(t, e.Sandbox.SetSettings(faults))
	first := e.launch("first", 1000)
	require.Equal(t, 40, e.await(first, "COMPLETED").Accepted)
	var failed int
	require.Eventually(t, func() bool {
		var out struct{ ErrorReport []struct{ Code, Count int } }
		e.do(&out, `query($id: ID!) { errorReport(filter: {campaignId: $id}) { code count } }`, map[string]any{"id": first})
		if len(out.ErrorReport) == 1 {
			failed = out.ErrorReport[0].Count
			require.Equal(t, 63032, out.ErrorReport[0].Code)
		}
		var n struct{ Node struct{ Counts counts } }
		e.do(&n, `query($id: ID!) { node(id: $id) { ... on Campaign { counts { delivered undelivered } } } }`,
			map[string]any{"id": first})
		return failed > 0 && n.Node.Counts.Delivered+failed == 40
	}, patience, 50*time.Millisecond)

	people := func(filter, query map[string]any) (messages, members int) {
		var out struct {
			Messages struct {
				TotalCount int
				Nodes      []struct{ Contact struct{ ID string } }
			}
			ContactCount int
		}
		e.do(&out, `query($f: MessageFilter!, $q: SegmentQuery!) {
			messages(filter: $f, first: 100) { totalCount nodes { contact { id } } } contactCount(query: $q) }`,
			map[string]any{"f": filter, "q": query})
		require.Len(t, out.Messages.Nodes, out.Messages.TotalCount)
		return out.Messages.TotalCount, out.ContactCount
	}
	query := map[string]any{"event": "failed", "campaign": first, "reason": "63032"}
	messages, members := people(map[string]any{"campaignId": first, "errorCode": 63032}, query)
	require.Equal(t, []int{failed, failed}, []int{messages, members})
	messages, members = people(map[string]any{"campaignId": first, "errorCode": 63024},
		map[string]any{"event": "failed", "campaign": first, "reason": "63024"})
	require.Zero(t, messages+members, "another code is another row")

	// Who had one message has had enough: the second campaign excludes those whom the first reached.
	second := e.draft("second", map[string]any{"frequencyCap": map[string]any{"messages": 1, "days": 7}})
	e.must("campaignLaunch", "campaign", map[string]any{"id": second})
	require.Equal(t, 40, e.await(second, "COMPLETED").Skipped)
	skipped := 40 - failed // the others are excluded since Meta runs an experiment with them
	query = map[string]any{"event": "skipped", "campaign": second, "reason": "frequency_cap"}
	messages, members = people(map[string]any{"campaignId": second, "skipReason": "frequency_cap"}, query)
	require.Equal(t, []int{skipped, skipped}, []int{messages, members})

	again := e.draft("again", map[string]any{"query": query})
	var out struct {
		CampaignPreflight struct{ Audience, WillSend int }
	}
	e.do(&out, `query($id: ID!) { campaignPreflight(id: $id) { audience willSend } }`, map[string]any{"id": again})
	require.Equal(t, skipped, out.CampaignPreflight.Audience)
}
