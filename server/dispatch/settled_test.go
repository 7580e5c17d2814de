package dispatch

import (
	"testing"

	"eventstream/server/message"
	"eventstream/server/provider"

	"github.com/stretchr/testify/require"
)

// A receipt of an earlier attempt may come while the next one is claimed already.
func TestWhatWasDeliveredMeanwhileIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, settle := range map[string]string{
		"an earlier attempt was delivered": `UPDATE messages SET status = 'delivered', lease_until = NULL,
			accepted_at = now(), delivered_at = now() WHERE id = 2`,
		"it failed, and is sent again later": `UPDATE messages SET status = 'pending', lease_until = NULL, fence = fence + 1,
			not_before = now() + interval '4 hours' WHERE id = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setUp(t, 3)
			e.exec("UPDATE messages SET fence = 1, attempts = 1")
			require.NoError(t, e.dispatcher(Hooks{Claimed: func([]message.Claimed) { e.exec(settle) }}).Dispatch(e.ctx, 1))
			require.Equal(t, map[string]int{"+4915100000001": 1, "+4915100000003": 1}, e.provider.to())
			require.Equal(t, 2, e.count("SELECT count(*) FROM messages WHERE status = 'accepted'"))
			require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE id = 2 AND status IN ('delivered', 'pending') AND sid IS NULL"))
		})
	}
}

// Two accepted calls for one message never pass unseen, also when both belong to
// its newest claim: the first one's receipt came while the second was under way.
func TestASecondAcceptanceIsSeen(t *testing.T) {
	t.Parallel()
	e := setUp(t, 2)
	require.NoError(t, e.dispatcher(Hooks{Answered: func([]message.Result) {
		e.exec("UPDATE messages SET sid = 'SMfirst', status = 'sent', lease_until = NULL, accepted_at = now(), sent_at = now() WHERE id = 1")
	}}).Dispatch(e.ctx, 1))
	require.Equal(t, 1, e.count("SELECT count(*) FROM audit_entries WHERE action = 'message.stale_accept' AND entity_id = 1"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM audit_entries WHERE action = 'message.stale_accept'"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE id = 1 AND status = 'sent' AND sid = 'SMfirst'"))
}

// A decision was for the call before: a new claim begins anew.
func TestAClaimEndsTheDecisionAboutTheCallBefore(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	single := e.reply(1, "Yes.")
	e.exec("UPDATE messages SET decision_since = now()")
	rows, err := message.ClaimDue(e.ctx, e.db, 1, []message.Quota{{CampaignID: 1, N: 1}}, claimLease)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	one, err := message.ClaimSingle(e.ctx, e.db, single, provider.Sandbox, claimLease)
	require.NoError(t, err)
	require.NotNil(t, one)
	e.exec("UPDATE messages SET lease_until = now() - interval '1 second'")
	e.markLost()
	require.Equal(t, 2, e.count("SELECT count(*) FROM messages WHERE status = 'unknown' AND decision_since IS NULL"))
}

// An open decision of another campaign counts as a message that arrived: waiting
// for a person would keep this campaign from its end.
func TestAnOpenDecisionElsewhereHoldsNobodyBack(t *testing.T) {
	t.Parallel()
	e := setUp(t, 2)
	other := e.campaign()
	e.exec("UPDATE messages SET status = 'unknown', lease_until = now() + interval '1 day', decision_since = now() WHERE campaign_id = ? AND contact_id = 1",
		other)
	e.exec("UPDATE messages SET status = 'skipped', skip_reason = 'no_consent' WHERE campaign_id = ? AND contact_id = 2", other)
	e.exec("UPDATE campaigns SET frequency_cap = '{\"messages\": 1, \"days\": 7}' WHERE id = 1")
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE campaign_id = 1 AND contact_id = 1 AND status = 'skipped'"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE campaign_id = 1 AND contact_id = 2 AND status = 'accepted'"))
}
