package proof

import (
	"context"
	"database/sql"
	"errors"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func contactOf(ctx context.Context, idb bun.IDB, id int64) (*contact.Contact, error) {
	c := new(contact.Contact)
	err := idb.NewSelect().Model(c).Where("c.id = (SELECT coalesce(k.merged_into, k.id) FROM contacts k WHERE k.id = ?)", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, apperr.NotFound("contact", id)
	}
	return c, db.Err(err)
}

func contactOfMessage(ctx context.Context, idb bun.IDB, id int64) (*contact.Contact, error) {
	var ids []int64
	if err := idb.NewRaw("SELECT contact_id FROM messages WHERE id = ?", id).Scan(ctx, &ids); err != nil {
		return nil, db.Err(err)
	}
	if len(ids) == 0 {
		return nil, apperr.NotFound("message", id)
	}
	return contactOf(ctx, idb, ids[0])
}

// familyOf gives the contact and those that were merged into it.
func familyOf(ctx context.Context, idb bun.IDB, id int64) (ids []int64, err error) {
	err = idb.NewRaw("SELECT id FROM contacts WHERE id = ?0 OR merged_into = ?0 ORDER BY id", id).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func ledger(ctx context.Context, idb bun.IDB, contacts []int64) (rows []*consent.Event, err error) {
	err = idb.NewSelect().Model(&rows).Where("ce.contact_id = ANY (?)", pgdialect.Array(contacts)).
		OrderExpr("ce.occurred_at, ce.id").Scan(ctx)
	if err != nil {
		return nil, db.Err(err)
	}
	return rows, consent.WithTexts(ctx, idb, rows)
}
