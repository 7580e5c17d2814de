package proof

import (
	"context"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func contactOfMessage(ctx context.Context, idb bun.IDB, id int64) (*contact.Contact, error) {
	var ids []int64
	if err := idb.NewRaw("SELECT contact_id FROM messages WHERE id = ?", id).Scan(ctx, &ids); err != nil {
		return nil, db.Err(err)
	}
	if len(ids) == 0 {
		return nil, apperr.NotFound("message %v does not exist", id)
	}
	return contact.PersonOf(ctx, idb, ids[0])
}

func ledger(ctx context.Context, idb bun.IDB, contacts []int64) (rows []*consent.Event, err error) {
	err = idb.NewSelect().Model(&rows).Where("ce.contact_id = ANY (?)", pgdialect.Array(contacts)).
		OrderExpr("ce.occurred_at, ce.id").Scan(ctx)
	if err != nil {
		return nil, db.Err(err)
	}
	return rows, consent.WithTexts(ctx, idb, rows)
}
