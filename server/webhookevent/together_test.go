package webhookevent

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// a group that is large enough to be applied as it is stored: one receipt for
// each message, a repeat, an unknown word, a message of somebody else, and an
// inbound message.
func group(n int) []*Event {
	var events []*Event
	for i := range n {
		events = append(events, status(fmt.Sprintf("SM%d", i), "delivered"))
	}
	return append(events, status("SM0", "delivered"), status("SM0", "teleported"), status("SM_of_others", "read"), says("SMin", person(1), "hello"))
}

func TestALargeGroupIsAppliedAsItIsStored(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(together)
	w := NewWriter(WriterOptions{DB: e.DB, Applier: e.Applier, Reader: reader{}, Log: quiet, Now: time.Now})
	require.NoError(t, w.store(e.ctx, group(together)))
	require.Zero(t, w.apart.Load(), "it was not done in two steps")
	require.Equal(t, together, e.number("SELECT count(*) FROM messages WHERE status = 'delivered'"))
	require.Equal(t, together, e.number("SELECT count(*) FROM delivery_events d JOIN webhook_events w ON w.id = d.webhook_event_id AND w.sid = d.sid"))
	require.Equal(t, together+2, e.number("SELECT count(*) FROM webhook_events WHERE kind = 'status' AND applied_at IS NOT NULL"))
	require.Equal(t, 2, e.number("SELECT count(*) FROM webhook_events WHERE error <> ''"))
	require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE kind = 'inbound' AND applied_at IS NULL"))
	require.Empty(t, e.hand, "receipts are not handed over once more")
	require.Len(t, e.inbound.wake, 1, "the inbound message is")
	require.NoError(t, w.store(e.ctx, group(together)), "all of it once more changes nothing")
	require.Equal(t, together, e.number("SELECT count(*) FROM delivery_events"))
}

// TestAGroupThatCannotBeAppliedIsStoredAllTheSame: a poisonous event, and a
// message that somebody else keeps locked.
func TestAGroupThatCannotBeAppliedIsStoredAllTheSame(t *testing.T) {
	t.Parallel()
	t.Run("poison", func(t *testing.T) {
		t.Parallel()
		e := newEngine(t, dbtest.New(t))
		e.outbound(together)
		w := NewWriter(WriterOptions{DB: e.DB, Applier: e.Applier, Reader: reader{}, Log: quiet, Now: time.Now})
		require.NoError(t, w.store(e.ctx, append(group(together), status("SM1", "explodes"))))
		require.NoError(t, e.Apply(e.ctx))
		require.Equal(t, together, e.number("SELECT count(*) FROM messages WHERE status = 'delivered'"))
		require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL"))
		require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE error LIKE 'panic: %' AND next_attempt_at IS NOT NULL"))
	})
	t.Run("a locked message", func(t *testing.T) {
		t.Parallel()
		e := newEngine(t, dbtest.New(t))
		e.outbound(together)
		w := NewWriter(WriterOptions{DB: e.DB, Applier: e.Applier, Reader: reader{}, Log: quiet, Now: time.Now})
		require.NoError(t, e.DB.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
			if _, err := message.Lock(ctx, tx, nil, []string{"SM3"}); err != nil {
				return err
			}
			return w.store(e.ctx, group(together)) // answered while the lock is held
		}))
		require.NotZero(t, w.apart.Load(), "the next ones do not try that")
		require.Equal(t, together+3, e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL"))
		require.NoError(t, e.Apply(e.ctx))
		require.Equal(t, together, e.number("SELECT count(*) FROM messages WHERE status = 'delivered'"))
	})
}

// held is a reader that reads no status before it is let go.
type held struct {
	reader

	reached chan struct{}
	release chan struct{}
}

func (h held) Status(p map[string]string) (message.Event, message.CodeInfo, bool) {
	if p["MessageSid"] == "SM0" {
		select {
		case h.reached <- struct{}{}:
		default:
		}
		<-h.release
	}
	return h.reader.Status(p)
}

// twoGroups writes two groups that come one after the other, the first of which names SM0, and lets the first be applied once
// both are inserted.
func twoGroups(e *engine, first, second []*Event) {
	e.t.Helper()
	h := held{reached: make(chan struct{}, 1), release: make(chan struct{})}
	e.Reader = h
	w := NewWriter(WriterOptions{DB: e.DB, Applier: e.Applier, Reader: reader{}, Log: quiet, Now: time.Now})
	answers := make(chan error, 2)
	write := func(events []*Event) {
		w.inserting.Lock()
		answers <- w.storeInTurn(e.ctx, events, sync.OnceFunc(w.inserting.Unlock))
	}
	go write(first)
	<-h.reached
	go write(second)
	require.Eventually(e.t, func() bool {
		return e.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`) == 2
	}, time.Minute, 10*time.Millisecond, "both are inserted, and one waits until the other is applied")
	close(h.release)
	require.NoError(e.t, <-answers)
	require.NoError(e.t, <-answers)
}

// TestWhatAPersonWritesWaitsForNoReceipts: both stages of receipts are taken for as long as the test lasts, and an inbound
// message is stored, and answered, all the same.
func TestWhatAPersonWritesWaitsForNoReceipts(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(1)
	w := NewWriter(WriterOptions{DB: e.DB, Applier: e.Applier, Reader: reader{}, Log: quiet, Now: time.Now})
	w.inserting.Lock()
	w.applying.Lock()
	running, end := context.WithCancel(e.ctx)
	var loops sync.WaitGroup
	loops.Go(func() { w.Run(running) })
	receipt := make(chan error, 1)
	go func() { receipt <- w.Write(e.ctx, status("SM0", "delivered")) }()
	limited, cancel := context.WithTimeout(e.ctx, time.Minute)
	defer cancel()
	require.NoError(t, w.Write(limited, says("SMin", person(1), "STOP")))
	require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE kind = 'inbound'"))
	require.Empty(t, receipt, "the receipt still waits")
	w.applying.Unlock()
	w.inserting.Unlock()
	require.NoError(t, <-receipt)
	end()
	loops.Wait()
}

// delivered are receipts of a group's messages, from number first on.
func delivered(first int) (events []*Event) {
	for i := range together {
		events = append(events, status(fmt.Sprintf("SM%d", first+i), "delivered"))
	}
	return events
}

// TestAGroupIsInsertedWhileAnotherIsApplied: of two groups that come together, the second does not wait with its insert
// until the first is done.
func TestAGroupIsInsertedWhileAnotherIsApplied(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(2 * together)
	twoGroups(e, delivered(0), delivered(together))
	require.Equal(t, 2*together, e.number("SELECT count(*) FROM messages WHERE status = 'delivered'"))
}

// TestAGroupKeepsItsPlaceWhenItCannotBeApplied: the next group has been inserted by then, and what a person wrote stays in
// the order in which it came.
func TestAGroupKeepsItsPlaceWhenItCannotBeApplied(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(2 * together)
	twoGroups(e, append(group(together), says("SM_first", person(1), "STOP"), status("SM1", "explodes")),
		append(delivered(together), says("SM_second", person(1), "START")))
	require.Equal(t, 1, e.number(`SELECT count(*) FROM webhook_events a JOIN webhook_events b ON b.sid = 'SM_second'
		WHERE a.sid = 'SM_first' AND a.id < b.id AND a.received_at < b.received_at`))
	require.Equal(t, together+3, e.number("SELECT count(*) FROM webhook_events WHERE kind = 'status' AND applied_at IS NULL"),
		"the receipts of the first wait, those of the second are applied")
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, 2*together, e.number("SELECT count(*) FROM messages WHERE status = 'delivered'"))
}
