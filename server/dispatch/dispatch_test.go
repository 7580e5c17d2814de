package dispatch

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

func TestEachGetsOne(t *testing.T) {
	t.Parallel()
	e := setUp(t, 120)
	var both sync.WaitGroup
	for range 2 { // two worker processes
		both.Go(func() { require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1)) })
	}
	both.Wait()
	require.Equal(t, map[message.Status]int{message.StatusAccepted: 120}, e.statuses())
	require.Len(t, e.provider.to(), 120)
	require.EqualValues(t, 120, e.provider.calls.Load())
	require.NoError(t, e.opts.Campaigns.SettleDue(e.ctx)) // either worker may have left the end to the other one
	require.Equal(t, 1, e.count("SELECT count(*) FROM campaigns WHERE status = 'completed'"))
	require.Equal(t, 120, e.count("SELECT count(*) FROM messages WHERE fence = 1 AND attempts = 1 AND lease_until IS NULL AND body LIKE 'Hello Person %'"))
}

// TestAWorkerThatSleptDoesNotCall: it claimed, stalled until another took its
// messages over, and wakes before its calls.
func TestAWorkerThatSleptDoesNotCall(t *testing.T) {
	t.Parallel()
	e := setUp(t, 5)
	asleep := e.dispatcher(Hooks{Claimed: func([]message.Claimed) {
		// The lease ends and reconciliation finds that Twilio never took them.
		e.exec("UPDATE messages SET lease_until = now() - interval '1 second'")
		// Postgres' clock is what counts: for it the claim is old, though this
		// process' clocks stood still.
		e.exec("UPDATE messages SET submitted_at = now() - interval '150 seconds'")
		e.markLost()
		require.NoError(t, e.db.RunInTx(e.ctx, nil, func(ctx ctxt, tx bun.Tx) error {
			_, err := message.Requeue(ctx, tx, []int64{1, 2, 3, 4, 5}, "reconciled")
			return err
		}))
		require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
		require.EqualValues(t, 5, e.provider.calls.Load())
	}})
	rows, err := message.ClaimDue(e.ctx, e.db, 1, []message.Quota{{CampaignID: 1, N: 5}}, claimLease)
	require.NoError(t, err)
	for i := range rows {
		rows[i].Now = rows[i].Now.Add(-150 * time.Second) // claimed so long ago
	}
	asleep.send(e.ctx, e.batch(asleep, rows))
	require.EqualValues(t, 5, e.provider.calls.Load(), "it begins no call")
	require.Equal(t, map[message.Status]int{message.StatusAccepted: 5}, e.statuses(), "and takes nothing back")
	require.Equal(t, 5, e.count("SELECT count(*) FROM messages WHERE fence = 2 AND sid IS NOT NULL"))
}

// TestALateResultDoesNotUndoANewerClaim: the worker stalled between its call and
// the write.
func TestALateResultDoesNotUndoANewerClaim(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]func(*message.Result){
		"pending":  func(r *message.Result) { r.Status, r.SID, r.NoCall = message.StatusPending, "", true },
		"unknown":  func(r *message.Result) { r.Status, r.SID = message.StatusUnknown, "" },
		"failed":   func(r *message.Result) { r.Status, r.SID, r.Code = message.StatusFailed, "", 63003 },
		"accepted": func(*message.Result) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setUp(t, 3)
			d := e.dispatcher(Hooks{Answered: func(results []message.Result) {
				for i := range results {
					late(&results[i])
				}
				e.exec("UPDATE messages SET lease_until = now() - interval '1 second'")
				other := e.dispatcher(Hooks{})
				e.markLost()
				require.NoError(t, e.db.RunInTx(e.ctx, nil, func(ctx ctxt, tx bun.Tx) error {
					_, err := message.Requeue(ctx, tx, []int64{1, 2, 3}, "reconciled")
					return err
				}))
				require.NoError(t, other.Dispatch(e.ctx, 1))
			}})
			require.NoError(t, d.Dispatch(e.ctx, 1))
			require.Equal(t, map[message.Status]int{message.StatusAccepted: 3}, e.statuses())
			require.Equal(t, 3, e.count("SELECT count(*) FROM messages WHERE fence = 2 AND attempts = 2 AND error_code = 0"))
			stale := 0
			if name == "accepted" { // the window that no fence closes must not pass unseen
				stale = 3
			}
			require.Equal(t, stale, e.count("SELECT count(*) FROM audit_entries WHERE action = 'message.stale_accept'"))
		})
	}
}

// TestALateResultOfTheNewestClaimCounts: nobody took the message over, whatever
// reconciliation thought meanwhile.
func TestALateResultOfTheNewestClaimCounts(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]string{
		"its lease ended":        "UPDATE messages SET status = 'unknown', lease_until = now() + interval '1 hour'",
		"it was requeued":        "UPDATE messages SET status = 'pending', lease_until = NULL, not_before = now() + interval '1 hour'",
		"its campaign ended":     "UPDATE messages SET status = 'canceled', lease_until = NULL, ended_at = now()",
		"an operator gave it up": "UPDATE messages SET status = 'failed', lease_until = NULL, ended_at = now(), error_message = 'given up'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setUp(t, 2)
			require.NoError(t, e.dispatcher(Hooks{Answered: func([]message.Result) { e.exec(meanwhile) }}).Dispatch(e.ctx, 1))
			require.Equal(t, map[message.Status]int{message.StatusAccepted: 2}, e.statuses(), "Twilio has it: that is the truth")
			require.Equal(t, 2, e.count("SELECT count(*) FROM messages WHERE sid IS NOT NULL AND lease_until IS NULL AND ended_at IS NULL AND error_message = ''"))
			require.EqualValues(t, 2, e.provider.calls.Load())
		})
	}
}

// TestWhatStaysUnknownIsLookedForAgain: nothing in the engine's hands is without a
// moment at which somebody looks again.
func TestWhatStaysUnknownIsLookedForAgain(t *testing.T) {
	t.Parallel()
	e := setUp(t, 4)
	e.provider.meet = func(message.Outgoing) (message.Accepted, error) {
		return message.Accepted{}, message.NewSendError(message.CodeInfo{Class: message.ClassAmbiguous}, 0, "no answer", 0, nil)
	}
	// The results come when the leases have ended and the messages are unknown already.
	d := e.dispatcher(Hooks{Answered: func([]message.Result) {
		e.exec("UPDATE messages SET lease_until = now() - interval '1 second'")
		e.markLost()
	}})
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.Equal(t, map[message.Status]int{message.StatusUnknown: 4}, e.statuses())
	require.Equal(t, 4, e.count("SELECT count(*) FROM messages WHERE lease_until IS NOT NULL AND lease_until < now() + interval '1 minute'"))
	_, err := e.db.NewRaw("UPDATE messages SET lease_until = NULL WHERE id = 1").Exec(e.ctx)
	require.Error(t, err, "the database does not take it")
}

// TestAReceiptThatIsFasterKeepsTheLastWord, in campaigns and for single messages.
func TestAReceiptThatIsFasterKeepsTheLastWord(t *testing.T) {
	t.Parallel()
	for _, single := range []bool{false, true} {
		e := setUp(t, 1)
		id := int64(1)
		if single {
			id = e.reply(1, "Yes, we are open.")
		}
		e.provider.meet = func(out message.Outgoing) (message.Accepted, error) {
			e.exec("UPDATE messages SET status = 'delivered', sid = 'SMearly', accepted_at = now(), sent_at = now(), delivered_at = now(), lease_until = NULL WHERE id = ?", out.MessageID)
			return message.Accepted{}, message.NewSendError(message.CodeInfo{Class: message.ClassAmbiguous}, 0, "no answer", 0, nil)
		}
		e.deliver(single, id)
		require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE id = ? AND status = 'delivered' AND sid = 'SMearly' AND error_message = '' AND body <> ''", id), "single: %v", single)
	}
}

// TestErrorsHaveTheirEffects, in campaigns and for single messages alike.
func TestErrorsHaveTheirEffects(t *testing.T) {
	t.Parallel()
	for _, single := range []bool{false, true} {
		for name, c := range map[string]struct {
			info message.CodeInfo
			want string
		}{
			"opt-out":     {message.CodeInfo{Code: 21610, Title: "Recipient unsubscribed", Class: message.ClassPermanentContact, Effect: message.EffectOptOut}, "SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'"},
			"unreachable": {message.CodeInfo{Code: 63003, Title: "No WhatsApp", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable}, "SELECT count(*) FROM contacts WHERE NOT reachable"},
			"breaker":     {message.CodeInfo{Code: 63007, Title: "No sender", Class: message.ClassFixFirst, Scope: message.ScopeSender}, "SELECT count(*) FROM senders WHERE status = 'failed'"},
		} {
			e := setUp(t, 1)
			id := int64(1)
			if single {
				id = e.reply(1, "Yes, we are open.")
			}
			e.provider.meet = func(message.Outgoing) (message.Accepted, error) {
				return message.Accepted{}, message.NewSendError(c.info, 400, "refused", 0, nil)
			}
			e.deliver(single, id)
			require.Equal(t, 1, e.count(c.want), "%s, single: %v", name, single)
		}
	}
}

// TestAStopIsObeyedInsideABatch: consent is given back while the batch waits for
// its calls; no call begins a second after it.
func TestAStopIsObeyedInsideABatch(t *testing.T) {
	t.Parallel()
	for name, no := range map[string]struct {
		do   func(*env)
		want message.SkipReason
	}{
		"opted out": {func(e *env) {
			require.NoError(e.t, e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
				c, err := contact.ByIDForUpdate(ctx, tx, 2)
				if err != nil {
					return err
				}
				return e.consents.Record(ctx, tx, c, consent.Change{Status: contact.ConsentOptedOut, Source: consent.SourceKeyword})
			}))
		}, message.SkipOptedOut},
		"suppressed": {func(e *env) {
			require.NoError(e.t, e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
				_, err := e.consents.Suppress(ctx, tx, []string{"+4915100000002"}, consent.SuppressedComplaint, nil)
				return err
			}))
		}, message.SkipSuppressed},
		"erased": {func(e *env) { e.exec("UPDATE contacts SET erased_at = now() WHERE id = 2") }, message.SkipErased},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setUp(t, 2)
			var once atomic.Bool
			d := e.dispatcher(Hooks{BeforeLook: func(m message.Claimed) {
				if m.ContactID == 2 && once.CompareAndSwap(false, true) {
					no.do(e)                 // committed while the batch is under way…
					time.Sleep(2 * factsAge) // …and a moment later, well within a second,
				} // the call would begin
			}})
			require.NoError(t, d.Dispatch(e.ctx, 1))
			require.Equal(t, map[string]int{"+4915100000001": 1}, e.provider.to())
			require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE contact_id = 2 AND status = 'skipped' AND skip_reason = ?", no.want))
		})
	}
	require.Less(t, factsAge+lookAge, time.Second, "the promise: no message a second after the STOP")
}

// TestAPauseBeginsNoFurtherCall: the status is looked at before each call.
func TestAPauseBeginsNoFurtherCall(t *testing.T) {
	t.Parallel()
	e := setUp(t, 3)
	d := e.dispatcher(Hooks{BeforeLook: func(m message.Claimed) {
		if m.ContactID == 2 {
			e.exec("UPDATE campaigns SET status = 'paused'")
			time.Sleep(2 * lookAge)
		}
	}})
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.EqualValues(t, 1, e.provider.calls.Load())
	require.Equal(t, map[message.Status]int{message.StatusAccepted: 1, message.StatusPending: 2}, e.statuses())
	require.Equal(t, 2, e.count("SELECT count(*) FROM messages WHERE status = 'pending' AND attempts = 0 AND lease_until IS NULL"), "no call was made: it does not count")
}

// TestASIDThatAnotherHolds: reconciliation gave the call of this message to an
// equal one; the batch is written all the same, and this one is looked for.
func TestASIDThatAnotherHolds(t *testing.T) {
	t.Parallel()
	e := setUp(t, 3)
	e.campaign()
	e.exec("UPDATE messages SET status = 'accepted', sid = 'SM00000000000000000000000000000002' WHERE campaign_id = 2 AND contact_id = 1")
	e.exec("UPDATE messages SET status = 'canceled' WHERE campaign_id = 2 AND contact_id <> 1")
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Equal(t, 2, e.count("SELECT count(*) FROM messages WHERE campaign_id = 1 AND status = 'accepted'"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE campaign_id = 1 AND status = 'unknown' AND sid IS NULL AND lease_until IS NOT NULL"))
}

// TestTwilioThatHangsDoesNotHoldABatchForEver: the limiter is full of calls that
// get no answer; others are given back when their claim is too old to call.
func TestTwilioThatHangsDoesNotHoldABatchForEver(t *testing.T) {
	t.Parallel()
	e := setUp(t, 3)
	d := e.dispatcher(Hooks{})
	for range firstLimit { // calls that hang
		require.True(t, d.limiter.acquire(e.ctx))
	}
	rows, err := message.ClaimDue(e.ctx, e.db, 1, []message.Quota{{CampaignID: 1, N: 3}}, claimLease)
	require.NoError(t, err)
	b := e.batch(d, rows)
	b.began = time.Now().Add(-callWindow + 50*time.Millisecond)
	d.send(e.ctx, b)
	require.Zero(t, e.provider.calls.Load())
	require.Equal(t, map[message.Status]int{message.StatusPending: 3}, e.statuses())
}

// TestACampaignCompletesWithoutWhatWaitsForDays: a decision that is due, and
// messages to be redelivered; those still go when their time comes.
func TestACampaignCompletesWithoutWhatWaitsForDays(t *testing.T) {
	t.Parallel()
	e := setUp(t, 3)
	e.exec("UPDATE messages SET status = 'unknown', lease_until = now() + interval '1 hour', decision_since = now() WHERE id = 1")
	e.exec("UPDATE messages SET redeliveries = 1, not_before = now() + interval '1 hour' WHERE id = 2")
	d := e.dispatcher(Hooks{})
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.NoError(t, e.opts.Campaigns.SettleDue(e.ctx))
	require.Equal(t, 1, e.count("SELECT count(*) FROM campaigns WHERE status = 'completed'"))
	require.EqualValues(t, 1, e.provider.calls.Load())
	e.exec("UPDATE messages SET not_before = now() WHERE id = 2")
	require.NoError(t, e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
		_, err := message.Requeue(ctx, tx, []int64{1}, "reconciled")
		return err
	}))
	e.exec("INSERT INTO leases (name, owner, expires_at) VALUES ('worker:test', 'test', now() + interval '1 hour')")
	require.NoError(t, d.EnqueueLost(e.ctx))
	require.Equal(t, 1, e.count("SELECT count(*) FROM river_job WHERE kind = 'campaign_dispatch'"), "maintenance finds them")
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.EqualValues(t, 3, e.provider.calls.Load())
	require.Equal(t, map[message.Status]int{message.StatusAccepted: 3}, e.statuses())
}

// TestTheOldVersionCannotClaim: its connections do not say that they know fences.
func TestTheOldVersionCannotClaim(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	conn, err := e.db.Conn(e.ctx)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.ExecContext(e.ctx, "SELECT set_config('eventstream.fenced', '', false)")
	require.NoError(t, err)
	_, err = conn.ExecContext(e.ctx, "UPDATE messages SET status = 'submitting', attempts = attempts + 1, lease_until = now() WHERE id = 1")
	require.ErrorContains(t, err, "without a fence")
	_, err = conn.ExecContext(e.ctx, "UPDATE messages SET status = 'pending', not_before = now(), skip_reason = '' WHERE id = 1")
	require.ErrorContains(t, err, "without a fence")
	_, err = conn.ExecContext(e.ctx, "UPDATE messages SET delivered_at = now() WHERE id = 1")
	require.NoError(t, err, "receipts go on")
	_, err = conn.ExecContext(e.ctx, "SELECT set_config('eventstream.fenced', '1', false)")
	require.NoError(t, err)
}

// TestManyCampaignsOfASenderAreUnderWayTogether: each has a small batch, and while
// the provider is slow none waits for another's to end.
func TestManyCampaignsOfASenderAreUnderWayTogether(t *testing.T) {
	t.Parallel()
	const campaigns = 12
	e := setUp(t, 1)
	for range campaigns - 1 {
		e.campaign()
	}
	var begun, alone atomic.Int64
	all := make(chan struct{})
	e.provider.meet = func(message.Outgoing) (message.Accepted, error) {
		n := begun.Add(1)
		if n == campaigns {
			close(all)
		}
		select {
		case <-all:
		case <-time.After(time.Minute): // only a failure waits so long
			alone.Add(1)
		}
		return message.Accepted{SID: fmt.Sprintf("SM%032d", n), Status: message.StatusAccepted}, nil
	}
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Zero(t, alone.Load(), "calls that ended before the last campaign's began")
	require.Equal(t, map[message.Status]int{message.StatusAccepted: campaigns}, e.statuses())
}
