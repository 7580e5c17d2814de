package message

import (
	"context"

	"eventstream/server/db"
	"eventstream/server/price"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Reservation is the most that a claimed message may cost.
type Reservation struct {
	Claim

	Amount price.Micros
}

// Reserve reserves for a campaign's claimed messages what they may cost, in their order, as far as budgets allow. It gives those for
// which there is enough, and why there is not for the others. What a message had reserved in an earlier claim counts. Locks go in the order
// messages, budgets, as everywhere.
func Reserve(ctx context.Context, tx bun.Tx, card *price.Card, campaign int64, list []Reservation) (taken map[int64]bool, refusal string, err error) {
	ids, fences := make([]int64, len(list)), make([]int64, len(list))
	for i, r := range list {
		ids[i], fences[i] = r.ID, int64(r.Fence)
	}
	var rows []struct {
		ID       int64
		Reserved int64
	}
	err = tx.NewRaw(`
		SELECT m.id, coalesce(m.price_reserved, 0) AS reserved FROM unnest(?::bigint[], ?::int[]) u (id, fence)
			JOIN messages m ON m.id = u.id AND m.id = ANY (?) AND m.fence = u.fence
		ORDER BY m.id FOR NO KEY UPDATE OF m`, pgdialect.Array(ids), pgdialect.Array(fences), pgdialect.Array(ids)).Scan(ctx, &rows)
	if err != nil {
		return nil, "", db.Err(err)
	}
	had := make(map[int64]price.Micros, len(rows))
	for _, r := range rows {
		had[r.ID] = price.Micros(r.Reserved)
	}
	open, err := card.OpenFor(ctx, tx, campaign)
	if err != nil {
		return nil, "", err
	}
	taken = make(map[int64]bool, len(list))
	var grow price.Micros
	var changed, amounts []int64
	for _, r := range list {
		before, ours := had[r.ID]
		if !ours {
			continue // another claim has it: nothing is sent under this one
		}
		if r.Amount > before {
			if refusal = open.Take(r.Amount-before, card.Currency); refusal != "" {
				break
			}
			grow += r.Amount - before
			changed, amounts = append(changed, r.ID), append(amounts, int64(r.Amount))
		}
		taken[r.ID] = true
	}
	if len(changed) > 0 {
		_, err = tx.NewRaw(`UPDATE messages m SET price_reserved = u.amount FROM unnest(?::bigint[], ?::bigint[]) u (id, amount)
			WHERE m.id = u.id AND m.id = ANY (?)`, pgdialect.Array(changed), pgdialect.Array(amounts), pgdialect.Array(changed)).Exec(ctx)
		if err != nil {
			return nil, "", db.Err(err)
		}
	}
	return taken, refusal, price.AddReserved(ctx, tx, map[int64]price.Micros{campaign: grow})
}

// Release gives back what messages have reserved that turned out to cost nothing: no call was made, or it was refused. A receipt that was
// faster than the answer has given it back already.
func Release(ctx context.Context, tx bun.Tx, campaign int64, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	var sum int64
	err := tx.NewRaw(`
		WITH held AS MATERIALIZED (SELECT id, price_reserved FROM messages WHERE id = ANY (?) AND price_reserved IS NOT NULL ORDER BY id FOR NO KEY UPDATE),
			freed AS (UPDATE messages m SET price_reserved = NULL FROM held h WHERE m.id = h.id RETURNING h.price_reserved)
		SELECT coalesce(sum(price_reserved), 0) FROM freed`, pgdialect.Array(ids)).Scan(ctx, &sum)
	if err != nil {
		return db.Err(err)
	}
	return price.AddReserved(ctx, tx, map[int64]price.Micros{campaign: price.Micros(-sum)})
}

// RecountReserved counts anew what a campaign's messages have reserved: a worker that died leaves what its messages had. The caller knows that
// nothing is being sent. What has ended without a call to Twilio costs nothing.
func RecountReserved(ctx context.Context, tx bun.Tx, campaign int64) error {
	var sum int64
	err := tx.NewRaw(`SELECT coalesce(sum(price_reserved), 0) FROM messages WHERE campaign_id = ? AND price_reserved IS NOT NULL
		AND NOT (sid IS NULL AND status IN ('failed', 'canceled', 'expired', 'skipped'))`, campaign).Scan(ctx, &sum)
	if err != nil {
		return db.Err(err)
	}
	return price.SetReserved(ctx, tx, campaign, price.Micros(sum))
}
