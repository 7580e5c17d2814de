package dispatch

import (
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/message"
	"eventstream/server/price"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// stop has a contact opt out.
func (e *env) stop(contactID int64) {
	e.t.Helper()
	require.NoError(e.t, e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
		c, err := contact.ByIDForUpdate(ctx, tx, contactID)
		if err != nil {
			return err
		}
		return e.consents.Record(ctx, tx, c, consent.Change{
			Status: contact.ConsentOptedOut,
			Source: consent.SourceKeyword,
		})
	}))
}

// later makes Postgres' clock go on by so much in the eyes of a process, as it does
// while the process is stopped.
func (d *Dispatcher) later(by time.Duration) {
	d.watch.asking.Lock()
	defer d.watch.asking.Unlock()
	d.watch.last.began, d.watch.last.now = time.Now(), d.watch.last.now.Add(by)
}

// TestAWorkerThatStopsBeforeTheFirstByteDoesNotSend: everything was decided, and
// then the process was stopped until another had sent the messages.
func TestAWorkerThatStopsBeforeTheFirstByteDoesNotSend(t *testing.T) {
	t.Parallel()
	for _, single := range []bool{false, true} {
		e := setUp(t, 3)
		ids := []int64{1, 2, 3}
		if single {
			e.exec("UPDATE messages SET status = 'canceled'")
			ids = []int64{e.reply(1, "Yes, we are open.")}
		}
		var once atomic.Bool
		var d *Dispatcher
		takenOver := make(chan struct{})
		d = e.dispatcher(Hooks{BeforeByte: func(message.Claimed) {
			if !once.CompareAndSwap(false, true) {
				<-takenOver // all calls of the process stand still
				d.later(150 * time.Second)
				return
			}
			e.exec("UPDATE messages SET lease_until = now() - interval '1 second' WHERE status = 'submitting'")
			e.markLost()
			require.NoError(t, e.db.RunInTx(e.ctx, nil, func(ctx ctxt, tx bun.Tx) error {
				_, err := message.Requeue(ctx, tx, ids, "reconciled")
				return err
			}))
			e.deliver(single, ids[0])
			require.EqualValues(t, len(ids), e.provider.calls.Load(), "another sent them")
			close(takenOver)
			d.later(150 * time.Second)
		}})
		if single {
			_, err := d.SendSingle(e.ctx, ids[0])
			require.NoError(t, err)
		} else {
			rows, err := message.ClaimDue(e.ctx, e.db, 1, []message.Quota{{CampaignID: 1, N: 3}}, claimLease)
			require.NoError(t, err)
			d.send(e.ctx, e.batch(d, rows))
		}
		require.EqualValues(t, len(ids), e.provider.calls.Load(), "single %v: it sends nothing any more", single)
		require.Equal(t, len(ids), e.count("SELECT count(*) FROM messages WHERE status = 'accepted' AND fence = 2 "+
			"AND sid IS NOT NULL AND attempts = 2"), "and takes nothing back")
		require.Zero(t, e.count("SELECT count(*) FROM audit_entries WHERE action = 'message.stale_accept'"))
	}
}

// TestAStopBeforeTheFirstByteIsObeyed: the call waits for a connection when the STOP
// is stored.
func TestAStopBeforeTheFirstByteIsObeyed(t *testing.T) {
	t.Parallel()
	e := setUp(t, 2)
	d := e.dispatcher(Hooks{BeforeByte: func(m message.Claimed) {
		if m.ContactID == 2 {
			e.stop(2)
			time.Sleep(2 * factsAge) // well within a second after it
		}
	}})
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.NoError(t, d.Dispatch(e.ctx, 1)) // what was given back, if that came after the first one's last look
	require.Equal(t, map[string]int{"+4915100000001": 1}, e.provider.to())
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE contact_id = 2 AND status = 'skipped' AND "+
		"skip_reason = 'opted_out' AND attempts = 0"))
}

// TestAPauseBeforeTheFirstByteIsObeyed: what waits for a connection is given back.
func TestAPauseBeforeTheFirstByteIsObeyed(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	d := e.dispatcher(Hooks{BeforeByte: func(message.Claimed) {
		e.exec("UPDATE campaigns SET status = 'paused'")
		time.Sleep(2 * lookAge)
	}})
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.Zero(t, e.provider.calls.Load())
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE status = 'pending' AND attempts = 0 AND "+
		"lease_until IS NULL"))
}

// TestASlowLookDoesNotLetOldFactsPass: Postgres takes long to say that the claim
// holds, and what was read of consent before that is old when it does.
func TestASlowLookDoesNotLetOldFactsPass(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	var d *Dispatcher
	var once atomic.Bool
	d = e.dispatcher(Hooks{BeforeLook: func(message.Claimed) {
		if !once.CompareAndSwap(false, true) {
			return
		}
		d.watch.asking.Lock() // another batch's look, that takes long
		go func() {
			defer d.watch.asking.Unlock()
			e.stop(1)
			time.Sleep(2 * factsAge)
		}()
	}})
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.NoError(t, d.Dispatch(e.ctx, 1))
	require.Zero(t, e.provider.calls.Load())
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE status = 'skipped' AND skip_reason = 'opted_out'"))
}

// TestReceiptsWhileTheResultIsWritten: for each status that a callback may bring
// between the answer to a call and its record, the callback has the last word.
func TestReceiptsWhileTheResultIsWritten(t *testing.T) {
	t.Parallel()
	for _, status := range []message.Status{
		message.StatusQueued, message.StatusSent, message.StatusDelivered,
		message.StatusRead, message.StatusUndelivered, message.StatusFailed,
	} {
		e := setUp(t, 1)
		receipts := message.NewReceipts(e.consents, price.NewService(e.db))
		d := e.dispatcher(Hooks{Answered: func(results []message.Result) {
			require.NoError(t, e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
				_, err := receipts.Apply(ctx, tx, []message.Receipt{{
					MessageID: results[0].ID,
					Event:     message.Event{SID: results[0].SID, Status: status, At: time.Now()},
				}})
				return err
			}))
		}})
		require.NoError(t, d.Dispatch(e.ctx, 1))
		require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE status = ? AND sid IS NOT NULL AND "+
			"accepted_at IS NOT NULL AND lease_until IS NULL", status), "%s", status)
	}
}

// TestASingleMessageDoesNotWaitForAJobThatFailedOften: an old worker that may not claim
// any more, or a database in trouble, has failed its job several times.
func TestASingleMessageDoesNotWaitForAJobThatFailedOften(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	id := e.reply(1, "Yes, we are open.")
	e.exec("UPDATE messages SET created_at = now() - interval '1 minute' WHERE id = ?", id)
	job := func(state string, wait time.Duration) {
		e.exec("DELETE FROM river_job")
		e.exec(`INSERT INTO river_job (kind, args, state, attempt, max_attempts, queue, scheduled_at)
			VALUES ('message_send', jsonb_build_object('message_id', ?::bigint), ?::river_job_state, 4, 8, 'replies', now() + make_interval(secs => ?))`, id, state, wait.Seconds())
	}
	jobs := func() int {
		require.NoError(t, e.dispatcher(Hooks{}).EnqueueLost(e.ctx))
		return e.count("SELECT count(*) FROM river_job WHERE kind = 'message_send'")
	}
	job("retryable", time.Second)
	require.Equal(t, 1, jobs(), "it is tried soon")
	job("scheduled", time.Hour)
	require.Equal(t, 1, jobs(), "somebody wanted that")
	job("retryable", 4*time.Minute)
	require.Equal(t, 2, jobs(), "another job sends it now")
	require.Equal(t, 2, jobs(), "and one is enough")
}

// TestWhatTheOriginalSentIsAskedForWhenItBecomesKnown: a batch that began before does
// not go on without it.
func TestWhatTheOriginalSentIsAskedForWhenItBecomesKnown(t *testing.T) {
	t.Parallel()
	e := setUp(t, 3)
	var d *Dispatcher
	d = e.dispatcher(Hooks{BeforeLook: func(message.Claimed) {
		e.exec(`INSERT INTO sent_elsewhere (sid, what, created_at) VALUES ('SMoriginal', 'what', now()) ON CONFLICT DO NOTHING`)
		d.watch.asking.Lock()
		defer d.watch.asking.Unlock()
		d.watch.last = look{}
	}})
	rows, err := message.ClaimDue(e.ctx, e.db, 1, []message.Quota{{CampaignID: 1, N: 3}}, claimLease)
	require.NoError(t, err)
	d.send(e.ctx, e.batch(d, rows))
	require.Zero(t, e.provider.calls.Load())
	require.Equal(t, 3, e.count("SELECT count(*) FROM messages WHERE status = 'pending'"))
}
