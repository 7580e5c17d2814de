package dispatch

import (
	"context"
	"sync"
	"testing"

	"eventstream/server/gate"
	"eventstream/server/message"
	"eventstream/server/portfolio"

	"github.com/stretchr/testify/require"
)

// Two campaigns and two workers write to no more people than WhatsApp lets the business write to within 24 hours. The others
// wait, each for a place of their own, and go when it is free.
func TestNoMorePeopleThanTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 250
	e := setUp(t, 400)
	second := e.campaign()
	e.exec("DELETE FROM messages WHERE campaign_id = 1 AND contact_id > 220 OR campaign_id = ? AND contact_id <= 180", second) // 40 get both
	e.exec("INSERT INTO conversations (contact_id, session_expires_at) SELECT id, now() + interval '20 hours' FROM contacts WHERE id <= 12")
	e.exec("INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+4930901820', 'Another', 80)")
	e.exec(`INSERT INTO messages (direction, purpose, contact_id, sender_id, status)
		SELECT 'inbound', 'inbound', id, CASE WHEN id <= 10 THEN 1 ELSE 2 END, 'received' FROM contacts WHERE id <= 12`)
	require.NoError(t, e.opts.Portfolio.Set(e.ctx, portfolio.Change{People: new(limit)}))
	workers := []*Dispatcher{e.dispatcher(Hooks{}), e.dispatcher(Hooks{})}
	dispatch := func() {
		t.Helper()
		var all sync.WaitGroup
		for _, d := range workers {
			all.Go(func() { _ = d.Dispatch(e.ctx, 1) })
		}
		all.Wait()
	}
	waiting := func() int {
		t.Helper()
		return e.count("SELECT count(*) FROM messages WHERE status = 'pending' AND not_before > now() AND not_before_reason = ?", gate.WaitsForRoom)
	}
	wake := func() int {
		t.Helper()
		n, err := e.opts.Portfolio.Wake(e.ctx, portfolio.WakeBatch)
		require.NoError(t, err)
		return n
	}
	dispatch()
	require.Len(t, e.provider.to(), limit+10, "ten wrote to the sender lately: they do not count; two wrote to another one")
	require.Equal(t, limit, e.count("SELECT count(*) FROM portfolio_people"))
	require.Equal(t, 440, e.statuses()[message.StatusAccepted]+waiting(), "nobody is skipped or failed")
	require.Zero(t, e.count("SELECT count(*) FROM messages m JOIN portfolio_people p USING (contact_id) WHERE m.status = 'pending'"),
		"who counts gets the other campaign's message too")
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE status = 'pending' AND not_before < now() + interval '23 hours'"),
		"they are asked about again when a place becomes free, and not before")
	calls := e.provider.calls.Load()
	require.Zero(t, wake(), "there is no place")
	dispatch()
	require.Equal(t, calls, e.provider.calls.Load())

	e.exec(`UPDATE portfolio_people SET until = now() - interval '1 second' WHERE contact_id IN
		(SELECT contact_id FROM portfolio_people ORDER BY until, contact_id LIMIT 60)`)
	require.Equal(t, 60, wake())
	require.Zero(t, wake(), "as many as places are free, once")
	dispatch()
	require.GreaterOrEqual(t, len(e.provider.to()), limit+10+50, "whoever gets both takes one place")
	require.LessOrEqual(t, len(e.provider.to()), limit+10+60)
	require.LessOrEqual(t, e.count("SELECT count(*) FROM portfolio_people WHERE until > now()"), limit)
	require.Positive(t, waiting())

	require.NoError(t, e.opts.Portfolio.Set(e.ctx, portfolio.Change{}))
	require.Equal(t, waiting(), wake(), "without a limit nothing waits for it")
	dispatch()
	require.Len(t, e.provider.to(), 400)
	require.Equal(t, 440, e.statuses()[message.StatusAccepted])
}

// What Twilio refused, and what was not called for, takes no place; who had one keeps it.
func TestAPlaceIsForWhatWasSent(t *testing.T) {
	t.Parallel()
	e := setUp(t, 8)
	require.NoError(t, e.opts.Portfolio.Set(e.ctx, portfolio.Change{People: new(4)}))
	e.exec("INSERT INTO portfolio_people (contact_id, until) VALUES (1, now() + interval '1 hour')")
	e.provider.meet = func(message.Outgoing) (message.Accepted, error) {
		return message.Accepted{}, message.NewSendError(message.CodeInfo{Code: 63024, Class: message.ClassPermanentMessage}, 400, "no", 0, nil)
	}
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Equal(t, 4, e.statuses()[message.StatusFailed], "one counted, and there were three places")
	require.Equal(t, 1, e.count("SELECT count(*) FROM portfolio_people WHERE contact_id = 1 AND until < now() + interval '61 minutes'"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM portfolio_people"))
	e.provider.meet = nil
	n, err := e.opts.Portfolio.Wake(e.ctx, portfolio.WakeBatch)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Equal(t, 3, e.statuses()[message.StatusAccepted])
	require.Equal(t, 1, e.statuses()[message.StatusPending])
}

// More wait than there are places: those for whom there is none within a day are told of the day after.
func TestWhoWaitsLongIsToldSo(t *testing.T) {
	t.Parallel()
	e := setUp(t, 9)
	require.NoError(t, e.opts.Portfolio.Set(e.ctx, portfolio.Change{People: new(2)}))
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Equal(t, 2, e.statuses()[message.StatusAccepted])
	var days []int
	require.NoError(t, e.db.NewRaw(`SELECT round(extract(epoch FROM not_before - now()) / 86400)::int FROM messages WHERE status = 'pending'
		ORDER BY not_before`).Scan(e.ctx, &days))
	require.Equal(t, []int{1, 1, 2, 2, 3, 3, 4}, days)
	limit, err := e.opts.Portfolio.Current(e.ctx)
	require.NoError(t, err)
	out, err := e.opts.Portfolio.Outlook(e.ctx, limit, 2)
	require.NoError(t, err)
	require.Equal(t, int64(7), out.Waiting)
	require.Equal(t, 5, int(out.WaitsFor.Hours()+1)/24, "two more come behind the seven")
	_, err = e.opts.Portfolio.Reserve(context.WithoutCancel(e.ctx), []int64{9})
	require.NoError(t, err)
}
