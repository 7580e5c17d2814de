package webhookevent

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestAnEventThatFailsStopsNobodyElse: neither receipts nor other contacts wait
// behind it.
func TestAnEventThatFailsStopsNobodyElse(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(1)
	e.failing(brokenFor("poison"))
	e.store(says("SMa1", person(1), "poison"), says("SMa2", person(1), "behind it"), says("SMb1", person(2), "hello"), status("SM0", "delivered"))
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, []string{"hello"}, e.texts(person(2)))
	require.Empty(t, e.texts(person(1)), "order per contact is kept")
	require.Equal(t, 1, e.number("SELECT count(*) FROM messages WHERE status = 'delivered'"))
	require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE sid = 'SMa1' AND applied_at IS NULL AND attempts = 1 AND next_attempt_at > now() AND error = ?", errBroken.Error()))
	require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE sid = 'SMa2' AND applied_at IS NULL AND attempts = 0 AND next_attempt_at IS NULL"), "what waits behind it has not failed")

	// An opt-out waits behind nothing.
	e.store(says("SMa3", person(1), "Stop."))
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
	require.Equal(t, []string{"Stop."}, e.texts(person(1)))

	// It is tried again when it is due, later each time.
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, 1, e.number("SELECT max(attempts) FROM webhook_events"), "not before it is due")
	e.due()
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, 2, e.number("SELECT max(attempts) FROM webhook_events"))
	require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE next_attempt_at BETWEEN now() + interval '3 seconds' AND now() + interval '5 seconds'"))

	// Once the fault is gone everything goes on, in order.
	e.failing(nil)
	e.due()
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, []string{"Stop.", "poison", "behind it"}, e.texts(person(1)))
	require.Zero(t, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL OR error <> '' OR next_attempt_at IS NOT NULL"))
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
}

// TestAStartBehindAParkedMessageDoesNotOvertakeAStop: the STOP did not wait, and
// the START that came before it is applied after it.
func TestAStartBehindAParkedMessageDoesNotOvertakeAStop(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.failing(brokenFor("poison"))
	e.store(says("SM1", person(1), "poison"), says("SM2", person(1), "START"), says("SM3", person(1), "STOP"))
	require.NoError(t, e.Apply(e.ctx))
	e.failing(nil)
	e.due()
	require.NoError(t, e.Apply(e.ctx))
	require.Zero(t, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL"))
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
}

func TestOnePoisonousReceiptParksAlone(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"in memory", "by the job"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, dbtest.New(t))
			const n = 40
			e.outbound(n)
			var events []*Event
			for i := range n {
				events = append(events, status(fmt.Sprintf("SM%d", i), "sent"))
				if i == 17 || i == 31 {
					events = append(events, status(fmt.Sprintf("SM%d", i), "explodes"))
				}
			}
			fresh, err := insert(e.ctx, e.DB, events)
			require.NoError(t, err)
			if at == "in memory" {
				require.NoError(t, e.applyReceipts(e.ctx, fresh))
			} else {
				require.NoError(t, e.Apply(e.ctx))
			}
			require.Equal(t, n, e.number("SELECT count(*) FROM messages WHERE status = 'sent'"))
			require.Equal(t, 2, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL AND error LIKE 'panic: %' AND next_attempt_at > now()"))
			require.Equal(t, n, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NOT NULL AND error = ''"))
			require.NoError(t, e.Apply(e.ctx), "a parked event is not looked at before it is due")
			require.Equal(t, 1, e.number("SELECT max(attempts) FROM webhook_events"))
		})
	}
}

func TestReceiptsWithoutEffectSayWhy(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(1)
	e.store(status("SM0", "sent"), status("SM0", "teleported"), status("SM_of_others", "read"))
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE error = 'unknown status word, kept without effect' AND applied_at IS NOT NULL"))
	require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE error = 'no message of ours has this SID' AND applied_at IS NOT NULL"))
}

func TestARepeatIsStoredOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	first, err := insert(e.ctx, e.DB, []*Event{says("SM1", person(1), "hello"), says("SM1", person(1), "hello"), status("SM1", "sent"), status("SM1", "read")})
	require.NoError(t, err)
	require.Len(t, first, 3)
	again, err := insert(e.ctx, e.DB, []*Event{status("SM1", "read"), says("SM1", person(1), "hello")})
	require.NoError(t, err)
	require.Empty(t, again)
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, []string{"hello"}, e.texts(person(1)))
}

// TestOneGroupKeepsTheOrderOfArrival, whatever the order of the SIDs.
func TestOneGroupKeepsTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	_, err := insert(e.ctx, e.DB, []*Event{says("SMz", person(1), "START"), says("SMy", person(1), "one"), says("SMx", person(1), "STOP"), says("SMa", person(2), "STOP"), says("SMb", person(2), "START")})
	require.NoError(t, err)
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, []string{"START", "one", "STOP"}, e.texts(person(1)))
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
	require.Equal(t, contact.ConsentOptedIn, e.consent(person(2)))
}

// TestManyProcessesKeepEachContactsOrder: several engines apply the same backlog
// at once while more of it comes.
func TestManyProcessesKeepEachContactsOrder(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := newEngine(t, d)
	const people, each, engines = 12, 8, 3
	want := map[string][]string{}
	write := func(round int) {
		var events []*Event
		for n := range each {
			for p := range people {
				text := fmt.Sprintf("%d/%d", round, n)
				want[person(p)] = append(want[person(p)], text)
				events = append(events, says(fmt.Sprintf("SM%d-%d-%d", (p*7+n*13)%97, p, round*each+n), person(p), text))
			}
		}
		_, err := insert(e.ctx, d, events)
		require.NoError(t, err)
	}
	write(0)
	var running sync.WaitGroup
	errs := make(chan error, engines)
	for range engines {
		other := newEngine(t, d)
		running.Go(func() {
			for range 4 {
				if err := other.Apply(other.ctx); err != nil {
					errs <- err
				}
			}
		})
	}
	write(1)
	running.Wait()
	require.NoError(t, e.Apply(e.ctx))
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	for p, texts := range want {
		require.Equal(t, texts, e.texts(p))
	}
	require.Zero(t, e.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
}

// TestAnOptOutWaitsForNobodyElse: a long backlog stands before it, and none of that
// can be finished.
func TestAnOptOutWaitsForNobodyElse(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	release := make(chan struct{})
	e.failing(func(in conversation.InboundMessage) error {
		if in.Body == "slow" {
			<-release
		}
		return nil
	})
	var events []*Event
	for i := range inboundLook + 10 {
		events = append(events, says(fmt.Sprintf("SM%d", i), person(i+1), "slow"))
	}
	last := person(len(events) + 1)
	events = append(events, says("SMa", last, "hello"), says("SMb", last, "STOP"), says("SMc", last, "bye"))
	fresh, err := insert(e.ctx, e.DB, events)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(e.ctx)
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx) })
	defer running.Wait()
	defer cancel()
	require.Eventually(t, e.runs.Load, time.Minute, time.Millisecond)
	e.offer(fresh)
	require.Eventually(t, func() bool { return len(e.texts(last)) == 3 }, time.Minute, 10*time.Millisecond)
	require.Equal(t, []string{"hello", "STOP", "bye"}, e.texts(last))
	require.Equal(t, contact.ConsentOptedOut, e.consent(last))
	require.Zero(t, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NOT NULL AND params ->> 'Body' = 'slow'"))
	close(release)
	require.Eventually(t, func() bool { return e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL") == 0 },
		time.Minute, 10*time.Millisecond)
}

// TestContactsAreAppliedAtOnce: one whose transaction stalls holds up no other.
func TestContactsAreAppliedAtOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	stalled, release := make(chan struct{}), make(chan struct{})
	e.failing(func(in conversation.InboundMessage) error {
		if in.Body == "slow" {
			close(stalled)
			<-release
		}
		return nil
	})
	e.store(says("SM1", person(1), "slow"), says("SM2", person(2), "STOP"))
	done := make(chan error, 1)
	go func() { done <- e.Apply(e.ctx) }()
	<-stalled
	require.Eventually(t, func() bool { return e.number("SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'") == 1 }, time.Minute, 5*time.Millisecond)
	close(release)
	require.NoError(t, <-done)
}

// TestLateWordsAgainstLiveOnes is the rule of consent end to end.
func TestLateWordsAgainstLiveOnes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late, live string
		ago        time.Duration // the late one happened so long before the live one
		liveFirst  bool
		want       contact.ConsentStatus
	}{
		"START in one server's spool, STOP live at another":    {"START", "STOP", time.Minute, true, contact.ConsentOptedOut},
		"the same, the START stamped by a clock that is ahead": {"START", "STOP", -time.Minute, true, contact.ConsentOptedOut},
		"the same, replayed before the STOP":                   {"START", "STOP", time.Minute, false, contact.ConsentOptedOut},
		"STOP in a spool, START live long after it":            {"STOP", "START", time.Hour, true, contact.ConsentOptedIn},
		"the same, replayed before the START":                  {"STOP", "START", time.Hour, false, contact.ConsentOptedIn},
		"STOP in a spool, START live just after it":            {"STOP", "START", time.Minute, true, contact.ConsentOptedOut},
		"the same in the other order":                          {"STOP", "START", time.Minute, false, contact.ConsentOptedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, dbtest.New(t))
			late := says("SM1", person(1), c.late)
			at := time.Now().Add(-c.ago)
			late.Source, late.ArrivedAt = SourceSpool, &at
			live := says("SM2", person(1), c.live)
			order := []*Event{late, live}
			if c.liveFirst {
				order = []*Event{live, late}
			}
			for _, ev := range order {
				e.store(ev)
				require.NoError(t, e.Apply(e.ctx))
			}
			require.Equal(t, c.want, e.consent(person(1)))
			require.Equal(t, 2, e.number("SELECT count(*) FROM consent_events"), "the ledger has both")
			require.Equal(t, 1, e.number("SELECT count(*) FROM consent_events WHERE late"))
		})
	}
}

// TestAStartThatIsRecordedAgainDoesNotLiftAStop: it arrived before the STOP, but
// its group was rolled back and is recorded after it.
func TestAStartThatIsRecordedAgainDoesNotLiftAStop(t *testing.T) {
	t.Parallel()
	for _, words := range [][2]string{{"START", "STOP"}, {"START offers", "STOP offers"}} {
		e := newEngine(t, dbtest.New(t))
		_, err := e.DB.NewRaw("INSERT INTO topics (name, keyword, keyword_folded) VALUES ('Offers', 'OFFERS', 'offers')").Exec(e.ctx)
		require.NoError(t, err)
		start, stop := says("SM1", person(1), words[0]), says("SM2", person(1), words[1])
		first, second := time.Now().Add(-20*time.Millisecond), time.Now().Add(-10*time.Millisecond)
		start.ArrivedAt, stop.ArrivedAt = &first, &second
		e.store(stop)
		require.NoError(t, e.Apply(e.ctx))
		e.store(start)
		require.NoError(t, e.Apply(e.ctx))
		out := "SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'"
		if words[0] != "START" {
			out = "SELECT count(*) FROM contact_topics WHERE status = 'left'"
		}
		require.Equal(t, 1, e.number(out), words[0])
		again := says("SM3", person(1), words[0])
		at := time.Now()
		again.ArrivedAt = &at
		e.store(again)
		require.NoError(t, e.Apply(e.ctx))
		require.Zero(t, e.number(out), "one that comes after it brings them back")
	}
}

// TestWithoutASpoolTheClockIsWatchedToo: arrival is by Postgres' clock.
func TestWithoutASpoolTheClockIsWatchedToo(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	var off atomic.Int64
	w := NewWriter(WriterOptions{
		DB: e.DB, Reader: reader{}, Log: e.Log, Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) },
	})
	w.every = 5 * time.Millisecond
	ctx, stop := context.WithCancel(e.ctx)
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	defer running.Wait()
	defer stop()
	off.Store(int64(-time.Minute))
	require.Eventually(t, func() bool { return time.Duration(w.ahead.Load()) > 50*time.Second }, time.Minute, 5*time.Millisecond)
}

// TestARepeatedStopCounts: a START that came late is held against the newest
// STOP, also where that changed nothing.
func TestARepeatedStopCounts(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	first := says("SM1", person(1), "STOP")
	e.store(first)
	_, err := e.DB.NewRaw("UPDATE webhook_events SET received_at = now() - interval '1 hour'").Exec(e.ctx)
	require.NoError(t, err)
	require.NoError(t, e.Apply(e.ctx))
	e.store(says("SM2", person(1), "STOP"))
	require.NoError(t, e.Apply(e.ctx))
	late := says("SM3", person(1), "START")
	at := time.Now().Add(-10 * time.Minute)
	late.Source, late.ArrivedAt = SourceSpool, &at
	e.store(late)
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
}

func TestReplayByHand(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	_, err := e.Replay(actor.With(e.ctx, actor.Actor{}), 1)
	require.Error(t, err, "not for everybody")
	e.failing(brokenFor("poison"))
	e.store(says("SM1", person(1), "poison"))
	require.NoError(t, e.Apply(e.ctx))
	e.failing(nil)
	var again *Event
	require.NoError(t, e.DB.RunInTx(e.ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		again, err = unmark(ctx, tx, int64(e.number("SELECT id FROM webhook_events")))
		return err
	}))
	require.Empty(t, again.Error)
	require.Equal(t, 1, again.Attempts, "how often it failed stays known")
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, []string{"poison"}, e.texts(person(1)))
}

// TestAServerAppliesWhatItStores, without a job.
func TestAServerAppliesWhatItStores(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(1)
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	w := NewWriter(WriterOptions{DB: e.DB, Applier: e.Applier, Reader: reader{}, Log: e.Log, Now: time.Now})
	running.Go(func() { w.Run(ctx) })
	running.Go(func() { e.Run(ctx) })
	require.NoError(t, w.Write(ctx, says("SMin", person(1), "STOP")))
	require.NoError(t, w.Write(ctx, status("SM0", "read")))
	require.Eventually(t, func() bool {
		return e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NOT NULL AND error = ''") == 2
	}, time.Minute, 5*time.Millisecond)
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
	require.Equal(t, 1, e.number("SELECT count(*) FROM messages WHERE status = 'read'"))
	require.Zero(t, e.number("SELECT count(*) FROM river_job"))
}

// TestASlowAnswerMovesNoClock that it agrees with: under load one takes a second, of which it tells nothing.
func TestASlowAnswerMovesNoClock(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	after := asked.Add
	for name, c := range map[string]struct{ known, there, answered, want time.Duration }{
		"the same clock, answered late":        {0, time.Millisecond, 900 * time.Millisecond, 0},
		"the same clock, asked late":           {0, 899 * time.Millisecond, 900 * time.Millisecond, 0},
		"it is a minute ahead":                 {0, time.Minute + 5*time.Millisecond, 10 * time.Millisecond, time.Minute},
		"it is a minute ahead, as known":       {time.Minute, time.Minute + time.Millisecond, time.Second, time.Minute},
		"it is a minute behind":                {0, -time.Minute + 5*time.Millisecond, 10 * time.Millisecond, -time.Minute},
		"it has drifted from what was known":   {time.Minute, time.Minute + 205*time.Millisecond, 10 * time.Millisecond, time.Minute + 200*time.Millisecond},
		"what was known is on the very border": {10 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 10 * time.Millisecond},
	} {
		require.Equal(t, c.want, aheadBy(c.known, asked, after(c.there), after(c.answered)), name)
	}
}
