package dispatch

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/message"
	"eventstream/server/provider"
	"eventstream/server/sender"
)

// SendSingle sends one pending message outside campaigns now: a confirmation, a
// reply or a test. It goes the way of all messages: claim, gate, fence, call,
// result with its effects. A positive wait asks for another try after it.
func (d *Dispatcher) SendSingle(ctx context.Context, id int64) (wait time.Duration, err error) {
	ctx = actor.With(ctx, actor.System)
	began := time.Now()
	row, err := message.ClaimSingle(ctx, d.DB, id, provider.Of(d.Live), claimLease)
	if err != nil || row == nil {
		return 0, err
	}
	// From here on the message may be out: the context's end must not lose the answer.
	ctx = context.WithoutCancel(ctx)
	b, err := d.single(ctx, *row, began)
	if err != nil {
		d.giveBack(ctx, &batch{rows: []message.Claimed{*row}, began: began})
		return 0, err
	}
	// It does not wait for a slot: bulk makes room for it.
	if err := sender.Spend(ctx, d.DB, row.SenderID); err != nil {
		d.Log.WarnContext(ctx, "a single message was sent beside the pace", "sender", row.SenderID, "error", err)
	}
	results := d.send(ctx, b)
	if len(results) == 0 {
		return time.Second, nil // given back: the facts could not be read
	}
	if r := results[0]; r.Status == message.StatusPending {
		return max(r.NotBefore.Sub(b.clock()), time.Second), nil
	}
	return 0, nil
}

func (d *Dispatcher) single(ctx context.Context, row message.Claimed, began time.Time) (*batch, error) {
	snd, err := d.Senders.ByID(ctx, row.SenderID)
	if err != nil {
		return nil, err
	}
	b := &batch{sender: snd, brake: &brake{}, rows: []message.Claimed{row}, began: began, slot: began}
	return b, b.read(ctx, d)
}
