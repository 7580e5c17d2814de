package reconcile

import (
	"context"
	"sync/atomic"

	"eventstream/server/actor"
	"eventstream/server/provider"

	"golang.org/x/sync/errgroup"
)

// PricesBatch is how many messages one run asks for.
const PricesBatch = 50

// ReadPrices asks Twilio what messages cost, for up to n of a sample of each campaign's, to hold our prices against. Twilio tells a price
// only some time after a message was sent (messaging/api/message-resource). It gives how many it asked for; maintenance runs it.
func (c *CatchUp) ReadPrices(ctx context.Context, n int) (int, error) {
	ctx = actor.With(ctx, actor.System)
	if err := drawSamples(ctx, c.DB, provider.Of(c.Live)); err != nil {
		return 0, err
	}
	rows, err := takeSamples(ctx, c.DB, provider.Of(c.Live), n)
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	var done atomic.Int64
	for _, s := range rows {
		group.Go(func() error {
			entry, err := c.Provider.Fetch(ctx, s.SID)
			if err != nil || entry == nil || entry.Price == nil {
				return err
			}
			done.Add(1)
			return sampleReported(ctx, c.DB, s.MessageID, int64(*entry.Price), entry.PriceCurrency)
		})
	}
	return len(rows), group.Wait()
}
