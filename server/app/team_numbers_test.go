package app_test

import (
	"fmt"
	"testing"
	"time"

	"eventstream/server/globalid"
	"eventstream/server/team"

	"github.com/stretchr/testify/require"
)

// teamNumbers are the addresses of the team's contacts.
func (e *env) teamNumbers() (addresses []string) {
	e.t.Helper()
	var out struct {
		TeamContacts []struct {
			Contact struct{ DisplayAddress string }
		}
	}
	e.do(&out, `{ teamContacts { contact { displayAddress } } }`, nil)
	for _, m := range out.TeamContacts {
		addresses = append(addresses, m.Contact.DisplayAddress)
	}
	return addresses
}

func (e *env) joinTeam(addresses ...string) {
	e.t.Helper()
	for _, a := range addresses {
		require.Empty(e.t, e.problem("teamContactAdd", map[string]any{"contactId": e.contactID(a)}))
	}
}

// TestACampaignGoesToTheTeamAsItStarts: one message of each variant to those who opted in, to nobody a second time, outside its numbers.
func TestACampaignGoesToTheTeamAsItStarts(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(5)
	const reached, beside, left, unsubscribed = "+4915100000000", "+4915100000001", "+4915100000002", "+4915100000003"
	e.joinTeam(reached, beside, left, unsubscribed)
	news := e.must("topicCreate", "topic", map[string]any{"name": "News", "keyword": "NEWS"})
	for _, a := range []string{reached, beside, left} {
		require.Empty(t, e.problem("contactTopicSet", map[string]any{"id": e.contactID(a), "topicId": news, "status": "SUBSCRIBED"}))
	}
	e.must("contactConsentSet", "contact", map[string]any{"id": e.contactID(left), "status": "OPTED_OUT", "evidence": map[string]any{"note": "asked by phone"}})

	a, b := e.approved("Hello {{name | you}}, this is A."), e.approved("Good day {{name | you}}, this is B.")
	camp := e.draft("with the team", map[string]any{
		"templateId": nil, "variants": []map[string]any{{"templateId": a}, {"templateId": b}}, "sendToTeam": true, "topicId": news,
		"query": map[string]any{"name": "Person 0"},
	})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Equal(t, 1, e.await(camp, "COMPLETED").Audience)
	id, err := globalid.Decode("id", "Campaign", camp)
	require.NoError(t, err)
	type sent struct{ Address, Purpose, Body string }
	var got []sent
	require.Eventually(t, func() bool {
		got = nil
		require.NoError(t, e.DB().NewRaw(`SELECT '+' || c.match_key AS address, m.purpose, m.body FROM messages m JOIN contacts c ON c.id = m.contact_id
			WHERE m.direction = 'outbound' AND m.sid IS NOT NULL ORDER BY 1, 2, m.body`).Scan(t.Context(), &got))
		return len(got) == 3
	}, patience, 50*time.Millisecond)
	require.Equal(t, "campaign", got[0].Purpose)
	require.Equal(t, []sent{
		{got[1].Address, "test", "Good day Person 1, this is B."}, {got[1].Address, "test", "Hello Person 1, this is A."},
	}, got[1:])
	var others int
	require.NoError(t, e.DB().NewRaw("SELECT count(*) FROM messages WHERE campaign_id IS DISTINCT FROM ? AND purpose = 'test'", id).Scan(t.Context(), &others))
	require.Equal(t, 2, others, "the team's stand outside the campaign, and nobody else gets one")
}

// TestTheTeamIsOfContacts: at most 20 of them, and who is erased or merged leaves no trace in it.
func TestTheTeamIsOfContacts(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(team.Max + 2)
	number := func(i int) string { return fmt.Sprintf("+4915%09d", 100000000+i) }
	for i := range team.Max {
		e.joinTeam(number(i))
	}
	e.joinTeam(number(0)) // once more changes nothing
	require.Len(t, e.teamNumbers(), team.Max)
	require.Contains(t, e.problem("teamContactAdd", map[string]any{"contactId": e.contactID(number(team.Max))}),
		"the team has 20 numbers already")
	require.Contains(t, e.problem("teamContactRemove", map[string]any{"contactId": e.contactID(number(team.Max))}), "is not one of the team's")
	require.Contains(t, e.problem("teamContactAdd", map[string]any{"contactId": "nobody"}), "contactId")

	require.Empty(t, e.problem("teamContactRemove", map[string]any{"contactId": e.contactID(number(0))}))
	e.must("contactMerge", "contact", map[string]any{"id": e.contactID(number(team.Max)), "mergeId": e.contactID(number(1))})
	_, problems := e.act("contactErase", map[string]any{"contacts": map[string]any{"ids": []any{e.contactID(number(2))}}, "expected": 1})
	require.Empty(t, problems)
	require.Eventually(t, func() bool { return len(e.teamNumbers()) == team.Max-2 }, patience, 50*time.Millisecond)
	require.NotContains(t, e.teamNumbers(), "erased")
}
