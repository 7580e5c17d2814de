package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// standing is what the campaign page shows beside the numbers.
type standing struct {
	Status                       string
	UndecidedSince, StartRetryAt *time.Time
	StartError                   *string
	RunsDone                     int
	Counts                       struct{ Unknown, Undecided, Redelivering int }
	Messages                     struct{ Nodes []attempted }
}

type attempted struct {
	ID, Status      string
	NotBefore       *time.Time
	NotBeforeReason *string
	DecisionSince   *time.Time
	Redeliveries    int
	EarlierAttempts []struct {
		Sid, Status, ErrorTitle          string
		ErrorCode                        int
		SubmittedAt, AcceptedAt, EndedAt *time.Time
	}
	Events   []struct{ Sid, Status string }
	Decision struct {
		Verdict string
		Steps   []struct{ Check, Detail string }
	}
}

func (e *env) standing(campaign string) standing {
	e.t.Helper()
	var out struct{ Node standing }
	e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign {
		status undecidedSince startError startRetryAt runsDone counts { unknown undecided redelivering }
		messages(first: 10) { nodes { id status notBefore notBeforeReason decisionSince redeliveries
			earlierAttempts { sid status errorCode errorTitle submittedAt acceptedAt endedAt } events { sid status }
			decision { verdict steps { check detail } } } }
	} } }`, map[string]any{"id": campaign})
	return out.Node
}

func TestAnAttemptThatFailedIsToldWithTheNextOne(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(1)
	declined := e.Sandbox.Settings()
	declined.UndeliveredRate, declined.UndeliveredCode, declined.ReadRate = 1, 63049, 0
	require.NoError(t, e.Sandbox.SetSettings(declined))
	camp := e.launch("declined", 1000)
	var c standing
	require.Eventually(t, func() bool {
		c = e.standing(camp)
		// The fields of one answer are read one after the other, while things go on.
		return c.Status == "COMPLETED" && c.Counts.Redelivering == 1 && c.Messages.Nodes[0].Status == "PENDING"
	}, patience, 50*time.Millisecond, "the campaign completes, and a retry waits")
	m := c.Messages.Nodes[0]
	require.Equal(t, "PENDING", m.Status)
	require.Equal(t, "redeliver", *m.NotBeforeReason)
	require.Greater(t, time.Until(*m.NotBefore), time.Hour)
	require.Equal(t, 1, m.Redeliveries)
	require.Len(t, m.EarlierAttempts, 1)
	first := m.EarlierAttempts[0]
	require.Equal(t, "UNDELIVERED", first.Status)
	require.Equal(t, 63049, first.ErrorCode)
	require.Contains(t, first.ErrorTitle, "declined marketing")
	require.NotNil(t, first.SubmittedAt)
	require.NotNil(t, first.AcceptedAt)
	require.NotNil(t, first.EndedAt)
	require.Contains(t, m.Decision.Verdict, "Attempt 1 failed with error 63049")
	require.Contains(t, m.Decision.Verdict, "The next one goes 20")

	// Its time comes, and this attempt arrives.
	declined.UndeliveredRate = 0
	require.NoError(t, e.Sandbox.SetSettings(declined))
	e.exec("UPDATE messages SET not_before = now() WHERE status = 'pending'")
	require.Eventually(t, func() bool {
		c = e.standing(camp)
		return c.Messages.Nodes[0].Status == "DELIVERED"
	}, patience, 50*time.Millisecond)
	require.Zero(t, c.Counts.Redelivering)
	m = c.Messages.Nodes[0]
	require.Len(t, m.EarlierAttempts, 1)
	require.Equal(t, first.Sid, m.Events[0].Sid, "each event says of which attempt it is")
	require.NotEqual(t, first.Sid, m.Events[len(m.Events)-1].Sid)
	require.Contains(t, m.Decision.Verdict, "Sent again, attempt 2")
	e.recount()
}

func TestMarksOnContactsSayHowLong(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(2)
	marked := e.Sandbox.Settings()
	marked.UndeliveredRate, marked.UndeliveredCode = 1, 63003
	require.NoError(t, e.Sandbox.SetSettings(marked))
	e.exec("UPDATE contacts SET marketing_eligible = false, ineligible_reason = 'Declined', ineligible_until = now() + interval '3 hours' WHERE id = 1")
	camp := e.launch("marks", 1000)
	e.await(camp, "COMPLETED")
	type contact struct {
		Reachable, MarketingEligible        bool
		UnreachableReason, IneligibleReason *string
		UnreachableUntil, IneligibleUntil   *time.Time
	}
	look := func(id string) (c contact) {
		var out struct{ Contact contact }
		e.do(&out, `query($id: ID!) { contact(id: $id) { reachable unreachableReason unreachableUntil marketingEligible ineligibleReason ineligibleUntil } }`, map[string]any{"id": id})
		return out.Contact
	}
	declined := look("Q29udGFjdDox")
	require.True(t, declined.Reachable)
	require.False(t, declined.MarketingEligible)
	require.Equal(t, "Declined", *declined.IneligibleReason)
	require.WithinDuration(t, time.Now().Add(3*time.Hour), *declined.IneligibleUntil, time.Hour)
	require.Eventually(t, func() bool { return !look("Q29udGFjdDoy").Reachable }, patience, 50*time.Millisecond)
	gone := look("Q29udGFjdDoy")
	require.Equal(t, "No WhatsApp at this number", *gone.UnreachableReason)
	require.WithinDuration(t, time.Now().AddDate(0, 0, 30), *gone.UnreachableUntil, 24*time.Hour)
	require.True(t, gone.MarketingEligible)
	require.Nil(t, gone.IneligibleUntil)
	// A mark whose time is over counts no more, also before it is taken back.
	e.exec("UPDATE contacts SET unreachable_until = now() - interval '1 second', ineligible_until = now() - interval '1 second'")
	require.True(t, look("Q29udGFjdDoy").Reachable)
	require.Nil(t, look("Q29udGFjdDoy").UnreachableUntil)
	require.Nil(t, look("Q29udGFjdDox").IneligibleReason)
}

func TestACampaignCompletesWithoutWhatNeedsADecision(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(5)
	silent := e.Sandbox.Settings()
	silent.ReadRate = 0 // no late receipt clears up what is made unknown below
	require.NoError(t, e.Sandbox.SetSettings(silent))
	camp := e.launch("undecided", 1000)
	e.await(camp, "COMPLETED")
	e.settled(camp)
	const unknown = `UPDATE messages SET status = 'unknown', lease_until = now() + interval '1 day', accepted_at = NULL, sent_at = NULL,
		delivered_at = NULL, read_at = NULL, `
	e.exec(unknown + "sid = NULL, decision_since = now() - interval '2 hours' WHERE id = 1")
	e.exec(unknown + "sid = NULL, decision_since = now(), redeliveries = 1 WHERE id = 2") // also a further attempt
	e.exec(unknown + "sid = NULL WHERE id = 3")                                           // the engine still looks for it
	e.exec(unknown + "sid = NULL, decision_since = now() WHERE id = 4")
	e.exec("UPDATE messages SET status = 'delivered', lease_until = NULL WHERE id = 4") // a receipt came after all
	e.recount()
	var c standing
	look := func() { c = e.standing(camp) }
	look()
	require.Equal(t, 3, c.Counts.Unknown)
	require.Equal(t, 2, c.Counts.Undecided, "of both kinds, and not what the engine still looks for")
	require.Zero(t, c.Counts.Redelivering, "each message counts once")
	require.WithinDuration(t, time.Now().Add(-2*time.Hour), *c.UndecidedSince, time.Hour)
	for _, m := range c.Messages.Nodes {
		require.Equal(t, m.ID == "TWVzc2FnZTox" || m.ID == "TWVzc2FnZToy", m.DecisionSince != nil, m.ID)
	}
	type listed struct {
		TotalCount int
		Nodes      []attempted
	}
	var lists struct {
		Messages     listed
		Node         struct{ Messages listed }
		SystemHealth struct{ MessagesUndecided int }
	}
	e.do(&lists, `query($id: ID!) { messages(filter: {needsDecision: true}) { totalCount nodes { id decision { verdict } } } systemHealth { messagesUndecided }
		node(id: $id) { ... on Campaign { messages(filter: {needsDecision: true}) { nodes { id } } } } }`,
		map[string]any{"id": camp})
	require.Len(t, lists.Messages.Nodes, 2)
	require.Equal(t, 2, lists.Messages.TotalCount)
	require.Len(t, lists.Node.Messages.Nodes, 2)
	require.Equal(t, 2, lists.SystemHealth.MessagesUndecided)
	require.Contains(t, lists.Messages.Nodes[0].Decision.Verdict, "A person has to decide")
	// One that the engine still looks for, and one that Twilio has, are not to be decided.
	var out struct{ MessageResolve struct{ Resolved int } }
	resolve := func(input map[string]any) int {
		e.do(&out, `mutation($i: MessageResolveInput!) { messageResolve(input: $i) { resolved } }`,
			map[string]any{"i": input})
		return out.MessageResolve.Resolved
	}
	require.Zero(t, resolve(map[string]any{
		"resolution": "SEND_AGAIN",
		"ids":        []any{"TWVzc2FnZToz", "TWVzc2FnZTo0", "TWVzc2FnZTo1"},
	}))
	require.Equal(t, 1, resolve(map[string]any{"resolution": "GIVE_UP", "ids": []any{"TWVzc2FnZTox"}}))
	require.Equal(t, 1, resolve(map[string]any{"resolution": "GIVE_UP", "campaignId": camp}))
	look()
	require.Zero(t, c.Counts.Undecided)
	require.Nil(t, c.UndecidedSince)
	e.recount()
}

func TestAStartThatFailedSaysWhyAndCanBeTriedAtOnce(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	const failed = `UPDATE campaigns SET next_run_at = now() - interval '1 minute', start_failures = 3, start_error = 'Postgres was busy',
		start_retry_at = now() + interval '1 hour' WHERE status = 'scheduled'`
	once := e.draft("once", nil)
	e.must("campaignSchedule", "campaign", map[string]any{"id": once, "at": time.Now().Add(time.Hour)})
	e.exec(failed)
	c := e.standing(once)
	require.Equal(t, "Postgres was busy", *c.StartError)
	require.WithinDuration(t, time.Now().Add(time.Hour), *c.StartRetryAt, 30*time.Minute)
	e.must("campaignSchedule", "campaign", map[string]any{"id": once, "at": time.Now().Add(time.Hour)})
	require.Nil(t, e.standing(once).StartError, "another plan is tried at its own time")
	require.Nil(t, e.standing(once).StartRetryAt)
	e.exec(failed)
	e.must("campaignLaunch", "campaign", map[string]any{"id": once})
	require.Equal(t, 3, e.await(once, "COMPLETED").Accepted)
	require.Nil(t, e.standing(once).StartError)

	// Of a recurring one the run starts that is due; the plan stays.
	daily := e.draft("daily", nil)
	e.must("campaignSchedule", "campaign", map[string]any{
		"id":         daily,
		"recurrence": map[string]any{"frequency": "DAILY", "time": "09:00", "zone": "Europe/Berlin"},
	})
	_, problems := e.mutate("campaignLaunch", "campaign", map[string]any{"id": daily})
	require.Contains(t, problems, "the campaign recurs")
	e.exec(failed)
	e.must("campaignLaunch", "campaign", map[string]any{"id": daily})
	c = e.standing(daily)
	require.Equal(t, "SCHEDULED", c.Status)
	require.Equal(t, 1, c.RunsDone)
	require.Nil(t, c.StartError)
}

func TestParkedWebhookEventsAreListedAndReplayed(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.exec(`INSERT INTO webhook_events (kind, sid, dedupe_key, params, headers, signature_valid, source, error, attempts, next_attempt_at)
		VALUES ('status', 'SM00000000000000000000000000000001', 'parked', '{"MessageStatus": "sent"}', '{}', true, 'spool', 'a parked error', 4, now() + interval '1 hour')`)
	type event struct {
		ID, Source, Error        string
		Attempts                 int
		NextAttemptAt, AppliedAt *time.Time
	}
	var out struct {
		WebhookEvents struct{ Nodes []event }
		SystemHealth  struct {
			WebhooksParked, SpoolBytes int
			SpoolOldestAt              *time.Time
		}
	}
	look := func() {
		e.do(&out, `{ webhookEvents(filter: {parked: true}) { nodes { id source error attempts nextAttemptAt appliedAt } }
			systemHealth { webhooksParked spoolBytes spoolOldestAt } }`, nil)
	}
	look()
	require.Len(t, out.WebhookEvents.Nodes, 1)
	parked := out.WebhookEvents.Nodes[0]
	require.Equal(t, "SPOOL", parked.Source)
	require.Equal(t, 4, parked.Attempts)
	require.Equal(t, "a parked error", parked.Error)
	require.NotNil(t, parked.NextAttemptAt)
	require.Equal(t, 1, out.SystemHealth.WebhooksParked)
	require.Zero(t, out.SystemHealth.SpoolBytes)
	require.Nil(t, out.SystemHealth.SpoolOldestAt)
	e.must("webhookEventReplay", "webhookEvent", map[string]any{"id": parked.ID})
	require.Eventually(t, func() bool {
		look()
		return len(out.WebhookEvents.Nodes) == 0
	}, patience, 50*time.Millisecond)
	require.Zero(t, out.SystemHealth.WebhooksParked)
	var after struct{ WebhookEvents struct{ Nodes []event } }
	require.Eventually(t, func() bool {
		e.do(&after, `{ webhookEvents { nodes { appliedAt error } } }`, nil)
		return after.WebhookEvents.Nodes[0].AppliedAt != nil
	}, patience, 50*time.Millisecond)
	require.Contains(t, after.WebhookEvents.Nodes[0].Error, "no message of ours")
}
