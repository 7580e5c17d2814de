package dispatch

import (
	"sync"
	"testing"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/message"
	"eventstream/server/price"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// each is what one of the tests' messages costs: utility in Germany, and Twilio's fee.
const each = 60_000

func (e *env) budget(campaign int64, limit int) {
	e.t.Helper()
	e.exec("UPDATE campaigns SET budget = ?, budget_currency = 'USD' WHERE id = ?", limit, campaign)
}

// run sends with so many worker processes at once until nothing waits in a campaign that sends. A dispatcher that leaves a
// campaign to another's calls may be the last one: maintenance then starts one anew.
func (e *env) run(workers int, h Hooks) {
	e.t.Helper()
	for e.count("SELECT count(*) FROM messages m JOIN campaigns c ON c.id = m.campaign_id WHERE m.work = 'send' AND c.status = 'sending'") > 0 {
		var all sync.WaitGroup
		for range workers {
			d := e.dispatcher(h)
			all.Go(func() {
				if err := d.Dispatch(e.ctx, 1); err != nil {
					e.t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// reserved is what is kept as reserved, and what the messages say.
func (e *env) reserved() (kept, said int) {
	e.t.Helper()
	return e.count("SELECT coalesce(sum(reserved), 0) FROM price_reservations"), e.count("SELECT coalesce(sum(price_reserved), 0) FROM messages")
}

// report applies a receipt for each of these that was accepted.
func (e *env) report(receipts *message.Receipts, status func(i int) message.Status, sids []string) {
	e.t.Helper()
	var batch []message.Receipt
	for i, sid := range sids {
		batch = append(batch, message.Receipt{Event: message.Event{SID: sid, Status: status(i), At: time.Now()}})
	}
	require.NoError(e.t, e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
		_, err := receipts.Apply(ctx, tx, batch)
		return err
	}))
}

func (e *env) sids() (sids []string) {
	e.t.Helper()
	require.NoError(e.t, e.db.NewRaw("SELECT sid FROM messages WHERE sid IS NOT NULL AND price_category IS NULL ORDER BY id").Scan(e.ctx, &sids))
	return sids
}

func TestABudgetStopsACampaignBeforeItIsOverspent(t *testing.T) {
	t.Parallel()
	e := setUp(t, 200)
	e.budget(1, 25*each+each/2)
	e.run(3, Hooks{})
	require.EqualValues(t, 25, e.provider.calls.Load(), "three workers at once spend no more than one would")
	c, err := e.opts.Campaigns.ByID(e.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, campaign.StatusPaused, c.Status)
	require.Equal(t, campaign.PausedByEngine, c.PausedBy)
	require.Equal(t, "The campaign's budget of 1.53 USD is used up: 0.00 was charged, 1.50 is reserved for messages under way, and the next one costs "+
		"up to 0.06. Raise the budget, then resume.", c.PausedReason)
	require.Equal(t, 175, e.statuses()[message.StatusPending], "nobody is lost")
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE status = 'pending' AND (price_reserved IS NOT NULL OR attempts > 0 OR lease_until IS NOT NULL)"))
	kept, said := e.reserved()
	require.Equal(t, []int{25 * each, 25 * each}, []int{kept, said})

	// What fails costs less than was reserved, and makes room once somebody resumes.
	receipts := message.NewReceipts(e.consents, price.NewService(e.db))
	e.report(receipts, func(i int) message.Status {
		if i < 5 {
			return message.StatusFailed
		}
		return message.StatusDelivered
	}, e.sids())
	kept, said = e.reserved()
	require.Equal(t, []int{0, 0}, []int{kept, said})
	require.Equal(t, 20*each+5*1000, e.count("SELECT sum(meta + twilio) FROM price_totals"))
	_, err = e.opts.Campaigns.Resume(e.ctx, 1)
	require.NoError(t, err)
	e.run(3, Hooks{})
	require.EqualValues(t, 30, e.provider.calls.Load())

	e.budget(1, 100*each)
	_, err = e.opts.Campaigns.Resume(e.ctx, 1)
	require.NoError(t, err)
	e.run(3, Hooks{})
	kept, _ = e.reserved()
	require.LessOrEqual(t, e.count("SELECT sum(meta + twilio) FROM price_totals")+kept, 100*each)
	require.Greater(t, e.count("SELECT sum(meta + twilio) FROM price_totals")+kept, 99*each, "it is spent as far as it goes")
}

func TestCampaignsTogetherDoNotOverspendTheMonth(t *testing.T) {
	t.Parallel()
	e := setUp(t, 100)
	e.campaign()
	e.campaign()
	limit := price.Micros(120 * each)
	monthly := &price.Budget{Limit: limit, Currency: "USD"}
	require.NoError(t, e.opts.Campaigns.SetDefaults(e.ctx, campaign.DefaultsChange{MonthlyBudget: &monthly}))
	receipts := message.NewReceipts(e.consents, price.NewService(e.db))
	h := Hooks{Answered: func(results []message.Result) { // some receipts are faster than the answers
		var batch []message.Receipt
		for _, r := range results {
			if r.SID != "" && r.ID%2 == 0 {
				batch = append(batch, message.Receipt{MessageID: r.ID, Event: message.Event{SID: r.SID, Status: message.StatusDelivered, At: time.Now()}})
			}
		}
		if err := e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
			_, err := receipts.Apply(ctx, tx, batch)
			return err
		}); err != nil {
			e.t.Error(err)
		}
	}}
	e.run(4, h)
	require.EqualValues(t, 120, e.provider.calls.Load())
	require.Equal(t, 3, e.count("SELECT count(*) FROM campaigns WHERE status = 'paused' AND paused_by = 'engine' AND paused_reason LIKE 'The budget of %'"))
	kept, said := e.reserved()
	require.Equal(t, said, kept)
	require.Equal(t, 120*each, e.count("SELECT sum(meta + twilio) FROM price_totals")+kept)
	require.Equal(t, 180, e.statuses()[message.StatusPending])

	// Answers to people go on.
	id := e.reply(1, "Yes, we are open.")
	_, err := e.dispatcher(Hooks{}).SendSingle(e.ctx, id)
	require.NoError(t, err)
	require.EqualValues(t, 121, e.provider.calls.Load())
}

func TestWhatTwilioRefusesSpendsNothing(t *testing.T) {
	t.Parallel()
	e := setUp(t, 40)
	e.budget(1, 10*each)
	e.provider.meet = func(out message.Outgoing) (message.Accepted, error) {
		if e.provider.calls.Load()%2 == 0 {
			return message.Accepted{}, message.NewSendError(message.CodeInfo{Code: 63016, Class: message.ClassPermanentMessage}, 400, "no", 0, nil)
		}
		return message.Accepted{SID: "SM" + out.To, Status: message.StatusAccepted}, nil
	}
	e.run(2, Hooks{})
	for range 6 { // each time somebody resumes, what was refused has made room
		if _, err := e.opts.Campaigns.Resume(e.ctx, 1); err != nil {
			break
		}
		e.run(2, Hooks{})
	}
	kept, said := e.reserved()
	require.Equal(t, []int{10 * each, 10 * each}, []int{kept, said})
	require.Equal(t, 10, e.statuses()[message.StatusAccepted])
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE status = 'failed' AND price_reserved IS NOT NULL"))
}

// A worker that dies between reserving and its calls leaves what its messages had reserved: they have it still when they are claimed again.
func TestWhatADeadWorkerHadReservedIsNotReservedTwice(t *testing.T) {
	t.Parallel()
	e := setUp(t, 10)
	e.budget(1, 10*each)
	card, err := price.NewService(e.db).Current(e.ctx)
	require.NoError(t, err)
	for range 2 {
		rows, err := message.ClaimDue(e.ctx, e.db, 1, []message.Quota{{CampaignID: 1, N: 10}}, time.Minute)
		require.NoError(t, err)
		require.Len(t, rows, 10)
		list := make([]message.Reservation, len(rows))
		for i, r := range rows {
			list[i] = message.Reservation{Claim: r.Claim, Amount: each}
		}
		require.NoError(t, e.db.Tx(e.ctx, func(ctx ctxt, tx bun.Tx) error {
			taken, refusal, err := message.Reserve(ctx, tx, card, 1, list)
			require.Len(t, taken, 10)
			require.Empty(t, refusal)
			return err
		}))
		e.exec("UPDATE messages SET status = 'pending', lease_until = NULL") // what happens to them when nobody answers for them
	}
	e.run(1, Hooks{})
	require.EqualValues(t, 10, e.provider.calls.Load())
	kept, said := e.reserved()
	require.Equal(t, []int{10 * each, 10 * each}, []int{kept, said})
}
