package webhookevent

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/contact"
	"eventstream/server/jobs"
	"eventstream/server/merge"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// JoinArgs is the job that joins the addresses which receipts name. It knows the
// receipts by id, so that no number stands in a job.
type JoinArgs struct {
	Events []int64 `json:"events"`
}

// Kind names the job.
func (JoinArgs) Kind() string { return "address_join" }

// InsertOpts names its queue.
func (JoinArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueWebhooks} }

// joinLater has the addresses joined that these receipts name together, where they
// are not one contact's yet. Applying receipts locks messages, and contacts come
// before those.
func (a *Applier) joinLater(ctx context.Context, tx bun.Tx, events []*Event) error {
	if a.Merges == nil || a.Jobs == nil {
		return nil
	}
	named, of := a.namedBy(events)
	apart, err := a.Merges.Apart(ctx, tx, named)
	if err != nil || len(apart) == 0 {
		return err
	}
	ids := make([]int64, len(apart))
	for i, k := range apart {
		ids[i] = of[k].ID
	}
	return a.Jobs.Insert(ctx, tx, JoinArgs{ids})
}

// namedBy reads whom receipts name by more than one address.
func (a *Applier) namedBy(events []*Event) (named []merge.Named, of []*Event) {
	for _, e := range events {
		to, texts := a.Reader.To(e.Params)
		ids := contact.ReadIDs(texts)
		if !e.SignatureValid || len(ids) == 0 {
			continue
		}
		first, err := contact.DeliveredAddress(to)
		if err != nil {
			continue
		}
		if addresses := contact.Distinct(append([]contact.Address{first}, ids...)); len(addresses) > 1 {
			named, of = append(named, merge.Named{Addresses: addresses, At: e.Arrived(), Source: contact.SourceReceipt}), append(of, e)
		}
	}
	return named, of
}

// Join joins the addresses that stored receipts name.
func (a *Applier) Join(ctx context.Context, ids []int64) error {
	ctx = actor.With(ctx, actor.System)
	events, err := byIDs(ctx, a.DB, ids)
	if err != nil {
		return err
	}
	named, _ := a.namedBy(events)
	return a.Merges.JoinAll(ctx, named)
}
