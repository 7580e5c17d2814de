package merge_test

import (
	"context"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/contact"
	"eventstream/server/db/dbtest"
	"eventstream/server/merge"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

func address(t *testing.T, text string) contact.Address {
	t.Helper()
	a, err := contact.ParseAddress(text, "")
	require.NoError(t, err)
	return a
}

// waits returns once so many locks of this database are waited for.
func (e *env) waits(n int) {
	e.Helper()
	require.Eventually(e, func() bool {
		return e.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) >= n
	}, time.Minute, 5*time.Millisecond)
}

func (e *env) begin() bun.Tx {
	e.Helper()
	tx, err := e.d.BeginTx(e.Context(), nil)
	require.NoError(e, err)
	e.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func (e *env) identify(wrote chan<- error, named ...contact.Address) {
	go func() {
		ctx := actor.With(context.Background(), actor.System)
		wrote <- e.d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := e.s.Identify(ctx, tx, merge.Named{Addresses: named, At: time.Now(), Source: contact.SourceMessage})
			return err
		})
	}()
}

// Who gets a new number, and is written to there from now on, and who comes into being
// by that number, wait for each other at one place only.
func TestTwoWhoGetOneNumberWaitAtOnePlace(t *testing.T) {
	t.Parallel()
	e := over(t, dbtest.New(t))
	e.exec("INSERT INTO contacts (address, match_key, kind) VALUES ('DE.1', 'DE.1', 'bsuid')")
	number := address(t, "+4915112340001")
	gate := e.begin() // between the address and the row of the contact
	_, err := gate.NewRaw("LOCK TABLE audit_entries IN SHARE ROW EXCLUSIVE MODE").Exec(t.Context())
	require.NoError(t, err)
	wrote := make(chan error, 2)
	e.identify(wrote, number, address(t, "DE.1"))
	e.waits(1)
	e.identify(wrote, number)
	e.waits(2)
	require.NoError(t, gate.Commit())
	for range 2 {
		if err := <-wrote; err != nil {
			require.ErrorIs(t, err, contact.ErrMoved)
		}
	}
	require.Equal(t, 1, e.count("SELECT count(*) FROM contacts WHERE address = '+4915112340001'"))
	require.Equal(t, 2, e.count("SELECT count(*) FROM contact_addresses WHERE contact_id = 1"))
}

// Who is written to elsewhere while the lock of their contact is waited for is taken up anew: the
// next message of the same transaction would take the locks of the family after that of the contact.
func TestWhoIsWrittenToElsewhereMeanwhileIsTakenUpAnew(t *testing.T) {
	t.Parallel()
	e := over(t, dbtest.New(t))
	former, newer, id := address(t, "+4915112340001"), address(t, "+4915112340002"), address(t, "DE.1")
	wrote := make(chan error, 1)
	e.identify(wrote, former, id)
	require.NoError(t, <-wrote)
	gate := e.begin()
	_, err := e.s.Identify(actor.With(t.Context(), actor.System), gate, merge.Named{
		Addresses: []contact.Address{newer, id}, At: time.Now().Add(time.Hour), Source: contact.SourceMessage,
	})
	require.NoError(t, err)
	e.identify(wrote, former)
	e.waits(1)
	require.NoError(t, gate.Commit())
	require.ErrorIs(t, <-wrote, contact.ErrMoved)
	e.identify(wrote, former)
	require.NoError(t, <-wrote)
	require.Equal(t, 1, e.count("SELECT count(*) FROM contacts WHERE address = '+4915112340002'"))
}

// New contacts are taken in the order of their addresses, whatever order they come in.
func TestNewContactsWaitInOrder(t *testing.T) {
	t.Parallel()
	e := over(t, dbtest.New(t))
	numbers := []contact.Address{address(t, "+4915112340001"), address(t, "+4915112340002"), address(t, "+4915112340003")}
	insert := func(ctx context.Context, tx bun.Tx, order ...int) error {
		var news []contact.NewAddress
		for _, i := range order {
			news = append(news, contact.NewAddress{Contact: contact.New(numbers[i]), Address: numbers[i], Preferred: true})
		}
		return contact.AddAddresses(ctx, tx, news, contact.SourceImport, nil)
	}
	gate := e.begin()
	require.NoError(t, insert(t.Context(), gate, 1))
	done := make(chan error, 2)
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}} {
		go func() {
			done <- e.d.Tx(context.Background(), func(ctx context.Context, tx bun.Tx) error { return insert(ctx, tx, order...) })
		}()
	}
	e.waits(2)
	require.NoError(t, gate.Rollback())
	first, second := <-done, <-done
	if first != nil { // whoever commits may tell it later than the other one hears of it
		first, second = second, first
	}
	require.NoError(t, first)
	require.ErrorIs(t, second, contact.ErrMoved)
	require.Equal(t, 3, e.count("SELECT count(*) FROM contacts c JOIN contact_addresses a ON a.contact_id = c.id AND a.preferred"))
}

// Several contacts become one without going back in the order of locks: their
// addresses are settled before anything of messages is held.
func TestJoiningHoldsNoMessagesWhileItWaitsForPeople(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.exec("INSERT INTO contacts (id, address, match_key, kind) OVERRIDING SYSTEM VALUE VALUES (4, 'DE.4', 'DE.4', 'bsuid')")
	e.exec("UPDATE contacts SET address = '+4915112340001', match_key = '+4915112340001' WHERE id = 1")
	e.exec("UPDATE contact_addresses SET match_key = '+4915112340001', address = '+4915112340001' WHERE contact_id = 1")
	e.exec("INSERT INTO contact_addresses (match_key, contact_id, address, kind, source, preferred) VALUES ('+4915112340009', 1, '+4915112340009', 'phone', 'message', false)")
	e.message(nil, 4, "delivered", nil)
	holder := e.begin() // as one does who writes a message to them
	_, err := holder.NewRaw("SELECT 1 FROM contacts WHERE id = 1 FOR KEY SHARE").Exec(t.Context())
	require.NoError(t, err)
	joined := make(chan error, 1)
	go func() {
		joined <- e.s.Join(actor.With(context.Background(), actor.System), merge.Named{
			Addresses: []contact.Address{address(t, "+4915112340009"), address(t, "DE.4")},
			At:        time.Now(), Source: contact.SourceMessage,
		})
	}()
	e.waits(1)
	_, err = holder.NewRaw("SELECT 1 FROM messages WHERE direction = 'outbound' FOR UPDATE").Exec(t.Context())
	require.NoError(t, err, "whoever it waits for waits for nothing of it")
	require.NoError(t, holder.Commit())
	require.NoError(t, <-joined)
	require.Equal(t, 1, e.count("SELECT count(*) FROM contacts WHERE address = '+4915112340009' AND id = 1"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE contact_id = 1"))
}

// The messages of one who is merged are taken in order, whatever becomes of each.
func TestMessagesOfAMergeAreLockedInOrder(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.message(5, 1, "delivered", nil)
	e.message(nil, 2, "delivered", nil) // taken along
	e.message(5, 2, "pending", nil)     // canceled
	holder := e.begin()
	_, err := holder.NewRaw("SELECT 1 FROM messages WHERE contact_id = 2 AND campaign_id IS NULL FOR UPDATE").Exec(t.Context())
	require.NoError(t, err)
	merged := make(chan error, 1)
	go func() {
		_, err := e.s.Merge(actor.With(context.Background(), actor.System), 1, 2)
		merged <- err
	}()
	e.waits(1)
	_, err = holder.NewRaw("SELECT 1 FROM messages WHERE contact_id = 2 AND campaign_id = 5 FOR UPDATE").Exec(t.Context())
	require.NoError(t, err)
	require.NoError(t, holder.Commit())
	require.NoError(t, <-merged)
}
