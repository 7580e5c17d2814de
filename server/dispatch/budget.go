package dispatch

import (
	"context"
	"time"

	"eventstream/server/message"
	"eventstream/server/price"

	"github.com/uptrace/bun"
)

// reserve reserves what a batch may cost, before any of its calls, where a budget holds. It gives the messages for which there is
// enough; nil: no budget holds. The others are given back, and the campaign pauses, see stopped.
func (d *Dispatcher) reserve(ctx context.Context, b *batch, f *facts, l look) (map[int64]bool, error) {
	if b.campaign == nil || !l.budgeted[b.campaign.ID] {
		return nil, nil //nolint:nilnil // no budget is no error
	}
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	card, err := d.Prices.Card(ctx, d.DB)
	if err != nil {
		return nil, err
	}
	var list []message.Reservation
	for _, row := range b.rows {
		if b.ask(row, f).Status != message.StatusSubmitting {
			continue
		}
		category := price.CategoryService
		if text := b.content(row); text != nil {
			category = price.Category(text.category)
		}
		list = append(list, message.Reservation{
			Claim: row.Claim, Amount: card.Most(f.people[row.ContactID].Region, category, b.clock(), d.Validity+deliveryTime, row.Redeliveries),
		})
	}
	if len(list) == 0 {
		return map[int64]bool{}, nil
	}
	var taken map[int64]bool
	var refusal string
	err = d.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		taken, refusal, err = message.Reserve(ctx, tx, card, b.campaign.ID, list)
		return err
	})
	b.refusal = refusal
	return taken, err
}

// stopped pauses the campaign of a batch for whose messages there was not enough, once no call of the campaign is under way: those have
// reserved what they cost, and a pause would keep them from being made.
func (d *Dispatcher) stopped(ctx context.Context, b *batch) error {
	n, err := d.Campaigns.InFlight(ctx, b.campaign.ID)
	if err != nil || n > 0 {
		return err // they are claimed again in a moment, and then this is asked again
	}
	return d.Campaigns.PauseByEngine(ctx, b.campaign.ID, b.refusal)
}

// deliveryTime is how long after Twilio passed it on a message usually arrives at the latest. A rate that changes by then counts.
const deliveryTime = 24 * time.Hour

// How long what no budget has room for waits: until the campaign pauses, and where it is completed and cannot pause, with an attempt to be
// made again.
const (
	budgetPause = time.Second
	budgetWait  = 10 * time.Minute
)

// unaffordable is the result of a message for which there is not enough.
func (b *batch) unaffordable(r *message.Result) {
	wait := budgetPause
	if b.campaign.Status.Ended() {
		wait = budgetWait
	}
	r.Status, r.NotBefore, r.Reason = message.StatusPending, b.clock().Add(wait), "budget"
}

// release gives back what was reserved for calls that were not made, or that Twilio refused.
func (d *Dispatcher) release(ctx context.Context, tx bun.Tx, b *batch, results []message.Result) error {
	var free []int64
	for _, r := range results {
		if b.reserved[r.ID] && r.Status != message.StatusAccepted && r.Status != message.StatusUnknown {
			free = append(free, r.ID)
		}
	}
	if len(free) == 0 {
		return nil
	}
	return message.Release(ctx, tx, b.campaignID(), free)
}
