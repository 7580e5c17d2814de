package app_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

func (e *env) faults(change func(*sandbox.Settings)) {
	e.t.Helper()
	s := e.Sandbox.Settings()
	s.ReadRate = 0
	change(&s)
	require.NoError(e.t, e.Sandbox.SetSettings(s))
}

// TestReceiptsThatNeverCameAreAskedFor: every callback is lost.
func TestReceiptsThatNeverCameAreAskedFor(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(20)
	e.faults(func(s *sandbox.Settings) { s.CallbackLossRate, s.UndeliveredRate = 1, 0 })
	camp := e.launch("unheard", 1000)
	e.await(camp, "COMPLETED")
	require.Eventually(t, func() bool { // Twilio is through with them, and reported nothing
		for _, m := range e.Sandbox.Messages() {
			if m.Status != "delivered" {
				return false
			}
		}
		return true
	}, patience, 50*time.Millisecond)
	_, c := e.campaign(camp)
	require.Zero(t, c.Delivered)
	// the first age at which they are asked for
	e.exec("UPDATE messages SET accepted_at = accepted_at - interval '70 seconds'")
	require.Eventually(t, func() bool {
		e.exec("UPDATE receipt_checks SET next_at = now() WHERE next_at > now() + interval '2 seconds' AND next_at <> 'infinity' AND reached = 0")
		_, c := e.campaign(camp)
		return c.Delivered == 20
	}, patience, 500*time.Millisecond)
	require.Equal(t, 20, e.query("SELECT count(DISTINCT sid) FROM webhook_events WHERE source = 'log' AND kind = 'status'"), "marked as found late")
	e.recount()
}

// TestInboundMessagesThatNeverCameAreRead: the webhook of a STOP is lost.
func TestInboundMessagesThatNeverCameAreRead(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(1)
	e.faults(func(s *sandbox.Settings) { s.InboundLossRate = 1 })
	e.says("+4915100000000", "STOP")
	require.Zero(t, e.query("SELECT count(*) FROM webhook_events WHERE kind = 'inbound'"))
	require.Eventually(t, func() bool {
		e.exec("UPDATE inbound_checks SET next_at = now()")
		return e.query("SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'") == 1
	}, patience, 500*time.Millisecond)
	require.Equal(t, 1, e.query("SELECT count(*) FROM webhook_events WHERE kind = 'inbound' AND source = 'log'"))
	require.Equal(t, 1, e.query("SELECT count(*) FROM consent_events WHERE status = 'opted_out'"))
}

// TestWhatTwilioNeverTookIsSentAgain, and what it queues without showing is not.
func TestWhatTwilioNeverTookIsSentAgain(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(30)
	e.faults(func(s *sandbox.Settings) { s.HangRate, s.UndeliveredRate = 0.2, 0 }) // no answer, and nothing taken
	camp := e.launch("hangs", 1000)
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM messages WHERE status IN ('pending', 'submitting')") == 0
	}, patience, 100*time.Millisecond)
	e.faults(func(s *sandbox.Settings) { s.HangRate = 0 })
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Delivered == 30 }, patience,
		100*time.Millisecond)
	e.exact(camp)
}

// TestAnAnswerThatWasDroppedIsNotSentAgain: taken, but the network lost the answer
// and every callback; the log has no text to tell by. Nobody can know, so nobody
// gets two, the campaign completes, and a person decides.
func TestAnAnswerThatWasDroppedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	e.faults(func(s *sandbox.Settings) {
		s.DropAnswerRate, s.CallbackLossRate, s.RedactBodies, s.UndeliveredRate = 1, 1, true, 0
	})
	camp := e.launch("redacted", 1000)
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM messages WHERE decision_since IS NOT NULL") == 3 }, patience, 100*time.Millisecond)
	e.await(camp, "COMPLETED")
	require.Len(t, e.Sandbox.Messages(), 3, "one each")
	_, c := e.campaign(camp)
	require.Equal(t, 3, c.Unknown)
	var out struct {
		MessageResolve struct{ Resolved int }
	}
	e.do(&out, `mutation($i: MessageResolveInput!) { messageResolve(input: $i) { resolved userErrors { message } } }`,
		map[string]any{"i": map[string]any{"campaignId": camp, "resolution": "GIVE_UP"}})
	require.Equal(t, 3, out.MessageResolve.Resolved)
	e.recount()
}

// TestADeclinedMarketingMessageIsSentAgainLater: 63049 outside the US.
func TestADeclinedMarketingMessageIsSentAgainLater(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(4)
	e.faults(func(s *sandbox.Settings) { s.UndeliveredRate, s.UndeliveredCode = 1, 63049 })
	camp := e.launch("declined", 1000)
	e.await(camp, "COMPLETED")
	waiting := func(n int) func() bool {
		return func() bool {
			return e.query("SELECT count(*) FROM messages WHERE status = 'pending' AND redeliveries = ? AND not_before > now() + interval '1 hour'", n) == 4
		}
	}
	require.Eventually(t, waiting(1), patience, 50*time.Millisecond, "the campaign is completed, four retries wait")
	e.exec("UPDATE messages SET not_before = now(), accepted_at = accepted_at - interval '4 hours'")
	require.Eventually(t, waiting(2), patience, 50*time.Millisecond,
		"the second attempt was declined too; the next waits longer")
	e.faults(func(s *sandbox.Settings) { s.UndeliveredRate = 0 })
	e.exec("UPDATE messages SET not_before = now()")
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Delivered == 4 }, patience, 50*time.Millisecond)
	require.Equal(t, 8, e.query("SELECT count(*) FROM message_attempts WHERE error_code = 63049"),
		"two attempts each, with SIDs of their own")
	require.Len(t, e.Sandbox.Messages(), 12)
	require.Zero(t, e.query("SELECT count(*) FROM contacts WHERE NOT marketing_eligible AND ineligible_until IS NULL"),
		"no mark is for ever")
	e.recount()
}

// TestManyRepliesAtOnceFreezeNothing: more requests than connections, each of which
// once asked for a second connection inside its transaction.
func TestManyRepliesAtOnceFreezeNothing(t *testing.T) {
	t.Parallel()
	const people = 60 // the pool has 40
	e := start(t)
	for i := range people {
		e.says(fmt.Sprintf("+4915%09d", 100000000+i), "Is it still there?")
	}
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM conversations") == people }, patience,
		50*time.Millisecond)
	var ids []string
	for after := ""; ; {
		var out struct {
			Conversations struct {
				Nodes    []struct{ ID string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		e.do(&out, `query($a: String) { conversations(first: 50, after: $a) { nodes { id } pageInfo { hasNextPage endCursor } } }`, map[string]any{"a": after})
		for _, n := range out.Conversations.Nodes {
			ids = append(ids, n.ID)
		}
		if !out.Conversations.PageInfo.HasNextPage {
			break
		}
		after = out.Conversations.PageInfo.EndCursor
	}
	require.Len(t, ids, people)
	var all sync.WaitGroup
	for range 2 {
		for _, id := range ids {
			all.Go(func() {
				_, _ = e.raw(`mutation($i: ConversationReplyInput!) { conversationReply(input: $i) { message { id } userErrors { message } } }`,
					map[string]any{"i": map[string]any{"id": id, "body": "Yes, it is."}})
			})
		}
	}
	// While they are under way; by the sandbox itself, since an operator who asks so much at once is held back.
	_, err := e.Sandbox.SendInbound(t.Context(), "+4915100000000", sandbox.PhoneNumber, "STOP", "")
	require.NoError(t, err)
	all.Wait()
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'") == 1 }, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM messages WHERE purpose = 'reply' AND status IN ('pending', 'submitting', 'unknown')") == 0
	}, patience, 50*time.Millisecond)
}
