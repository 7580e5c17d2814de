package message

import (
	"context"
	"strings"
	"time"

	"eventstream/server/db"
	"eventstream/server/price"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// newPrice is a price that is to be saved, in one text, so that the receipts that change none cost next to nothing;
// "": it stays.
func (m *Message) newPrice() string {
	p := m.Price
	if !p.changed {
		return ""
	}
	amount := func(a *price.Micros) string {
		if a == nil {
			return ""
		}
		return a.Digits()
	}
	return strings.Join([]string{
		p.Month.Format(time.DateOnly), p.Market, string(p.Category), p.Currency, amount(p.Meta), amount(p.Twilio),
	}, "|")
}

// addRegions reads the countries of contacts' numbers.
func addRegions(p *db.Pipeline, contactIDs []int64, regions map[int64]string) {
	p.Query(func(row db.Row) error {
		var id int64
		var region string
		err := row.Scan(&id, &region)
		regions[id] = region
		return err
	}, "SELECT id, region FROM contacts WHERE id = ANY ($1)", contactIDs)
}

// categoriesOf are the categories of versions' templates.
func categoriesOf(ctx context.Context, tx bun.Tx, versionIDs []int64) (map[int64]price.Category, error) {
	var rows []struct {
		ID       int64
		Category string
	}
	err := tx.NewRaw("SELECT v.id, t.category FROM template_versions v JOIN templates t ON t.id = v.template_id WHERE v.id = ANY (?::bigint[])",
		pgdialect.Array(versionIDs)).Scan(ctx, &rows)
	categories := make(map[int64]price.Category, len(rows))
	for _, r := range rows {
		categories[r.ID] = price.Category(r.Category)
	}
	return categories, db.Err(err)
}

// addWindows tells to which of these messages somebody had written, to the same sender, within the 24 hours before they
// were accepted: WhatsApp keeps a window for each contact and sender.
func addWindows(p *db.Pipeline, ids []int64, open map[int64]bool) {
	p.Query(func(row db.Row) error {
		var id int64
		err := row.Scan(&id)
		open[id] = true
		return err
	}, `
		SELECT m.id FROM messages m WHERE m.id = ANY ($1) AND EXISTS (SELECT 1 FROM messages i
			WHERE i.contact_id = m.contact_id AND i.sender_id = m.sender_id AND i.direction = 'inbound'
				AND i.created_at BETWEEN m.accepted_at - interval '24 hours' AND m.accepted_at)`, ids)
}
