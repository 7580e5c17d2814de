package message

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"eventstream/server/db"
	"eventstream/server/price"

	"github.com/uptrace/bun"
)

// end is how far a message got, as far as that is charged.
func (m *Message) end() price.End {
	switch {
	case m.Direction != Outbound || m.Purpose == PurposeHistory:
		return price.EndNone
	case m.DeliveredAt != nil:
		return price.EndDelivered
	case m.SID == nil: // Twilio refused the call, and charges nothing
		return price.EndNone
	case m.Status == StatusFailed:
		return price.EndFailed
	case m.Status == StatusUndelivered:
		return price.EndUndelivered
	}
	return price.EndNone
}

// endedAt is when it did.
func (m *Message) endedAt() time.Time {
	if m.DeliveredAt != nil {
		return *m.DeliveredAt
	}
	if m.EndedAt != nil {
		return *m.EndedAt
	}
	return time.Now()
}

// due reports whether its price is to be worked out: its end is known, and its price is not, or is of another end. What an
// earlier attempt cost may become known at any time.
func (m *Message) due(card *price.Card) bool {
	end := m.end()
	return end != price.EndNone && (end != m.Price.Category.End() || m.Redeliveries > 0 || !m.Price.Month.Equal(card.Month(m.endedAt())))
}

// priceFacts are what decides, beside messages, what they cost.
type priceFacts struct {
	regions    map[int64]string         // by contact
	categories map[int64]price.Category // by version of a template
	windows    map[int64]bool           // by message, where that mattered
	earlier    map[int64][]*Attempt     // by message
	free       map[*Message]bool
}

func (r *Receipts) factsOf(ctx context.Context, tx bun.Tx, card *price.Card, due []*Message) (f priceFacts, err error) {
	contacts := make([]int64, len(due))
	versions := map[int64]bool{}
	var within, again []int64
	for i, m := range due {
		contacts[i] = m.ContactID
		if m.TemplateVersionID != nil {
			versions[*m.TemplateVersionID] = true
			if !card.ServiceCharged(m.endedAt()) {
				within = append(within, m.ID)
			}
		}
		if m.Redeliveries > 0 {
			again = append(again, m.ID)
		}
	}
	f.regions, f.windows = make(map[int64]string, len(due)), map[int64]bool{}
	p := new(db.Pipeline)
	addRegions(p, contacts, f.regions)
	if len(within) > 0 {
		addWindows(p, within, f.windows)
	}
	if err := p.Send(ctx, tx); err != nil {
		return f, err
	}
	if f.categories, err = r.categories.of(ctx, tx, sortedKeys(versions)); err != nil {
		return f, err
	}
	if len(again) > 0 {
		if f.earlier, err = AttemptsOf(ctx, tx, again); err != nil {
			return f, err
		}
	}
	f.free, err = takeFree(ctx, tx, card, due)
	return f, err
}

// categories remembers those of templates for a moment: every batch of receipts is about the same few.
type categories struct {
	mu    sync.Mutex
	known map[int64]price.Category
	read  time.Time
}

const categoryAge = 10 * time.Second

func (c *categories) of(ctx context.Context, tx bun.Tx, versions []int64) (map[int64]price.Category, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !db.Fresh(c.read, categoryAge) {
		c.known, c.read = map[int64]price.Category{}, time.Now()
	}
	var missing []int64
	for _, v := range versions {
		if _, ok := c.known[v]; !ok {
			missing = append(missing, v)
		}
	}
	if len(missing) > 0 {
		found, err := categoriesOf(ctx, tx, missing)
		if err != nil {
			return nil, err
		}
		maps.Copy(c.known, found)
	}
	return maps.Clone(c.known), nil
}

// charge gives messages their price once their end is known, and another one when they arrived after all. It
// tells what that adds to what was charged.
func (r *Receipts) charge(ctx context.Context, tx bun.Tx, card *price.Card, rows []*Message) (booked []price.Charged, err error) {
	var due []*Message
	for _, m := range rows {
		if m.due(card) {
			due = append(due, m)
		}
	}
	if len(due) == 0 {
		return nil, nil
	}
	f, err := r.factsOf(ctx, tx, card, due)
	if err != nil {
		return nil, err
	}
	for _, m := range due {
		sent := price.Sent{
			End: m.end(), At: m.endedAt(), Region: f.regions[m.ContactID], Category: price.CategoryService, WindowOpen: f.windows[m.ID],
			Free: f.free[m], NoAttempt: m.SID == nil,
		}
		if m.TemplateVersionID != nil {
			sent.Category = f.categories[*m.TemplateVersionID]
		}
		for _, a := range f.earlier[m.ID] {
			if m.SID == nil || a.SID != *m.SID {
				sent.Earlier = append(sent.Earlier, a.end())
			}
		}
		c := card.Charge(sent)
		if m.Price.Category != "" {
			booked = append(booked, m.charged(-1))
		}
		reserved := m.Price.Reserved
		month := card.Month(m.endedAt())
		m.Price = Price{Month: &month, Market: c.Market, Category: c.Category, Currency: card.Currency, Twilio: &c.Twilio, changed: true}
		if c.Known {
			m.Price.Meta = &c.Meta
		}
		entry := m.charged(1)
		if reserved != nil {
			entry.Released = *reserved
		}
		booked = append(booked, entry)
	}
	return booked, nil
}

// end is how far an attempt got, as far as that is charged.
func (a *Attempt) end() price.End {
	switch a.Status {
	case StatusFailed:
		return price.EndFailed
	case StatusDelivered, StatusRead:
		return price.EndDelivered
	}
	return price.EndUndelivered
}

// charged is the entry of a message in what was charged; sign -1 takes it away.
func (m *Message) charged(sign int64) price.Charged {
	c := price.Charged{
		Month: *m.Price.Month, Market: m.Price.Market, Category: m.Price.Category, Currency: m.Price.Currency, Messages: sign,
	}
	if m.CampaignID != nil {
		c.CampaignID = *m.CampaignID
	}
	if m.Price.Meta == nil {
		c.Unknown = sign
	} else {
		c.Meta = *m.Price.Meta * price.Micros(sign)
	}
	if m.Price.Twilio != nil {
		c.Twilio = *m.Price.Twilio * price.Micros(sign)
	}
	return c
}

// takeFree tells which service messages are among those of a sender's month that are free.
func takeFree(ctx context.Context, tx bun.Tx, card *price.Card, due []*Message) (map[*Message]bool, error) {
	type key struct {
		month  string
		sender int64
	}
	free, of := map[*Message]bool{}, map[key][]*Message{}
	for _, m := range due {
		switch {
		case m.TemplateVersionID != nil || m.SenderID == nil || m.end() != price.EndDelivered || !card.ServiceCharged(m.endedAt()):
		case m.Price.Category.End() == price.EndDelivered: // counted before
			free[m] = m.Price.Meta != nil && *m.Price.Meta == 0
		default:
			k := key{card.Month(m.endedAt()).Format(time.DateOnly), *m.SenderID}
			of[k] = append(of[k], m)
		}
	}
	keys := make([]key, 0, len(of))
	for k := range of {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int { // every transaction in the same order
		if a.sender != b.sender {
			return int(a.sender - b.sender)
		}
		return slices.Compare([]byte(a.month), []byte(b.month))
	})
	for _, k := range keys {
		n, err := price.TakeFree(ctx, tx, k.sender, card.Month(of[k][0].endedAt()), int64(len(of[k])))
		if err != nil {
			return nil, err
		}
		for _, m := range of[k][:n] {
			free[m] = true
		}
	}
	return free, nil
}

// InsertPast writes messages that have their whole story behind them, with what they cost, and fills their ids.
func (r *Receipts) InsertPast(ctx context.Context, tx bun.Tx, rows []*Message) error {
	card, err := r.prices.Card(ctx, tx)
	if err != nil {
		return err
	}
	charged, err := r.charge(ctx, tx, card, rows)
	if err != nil {
		return err
	}
	if err := insertStories(ctx, tx, rows); err != nil {
		return err
	}
	p := new(db.Pipeline)
	price.AddCharged(p, charged)
	return p.Send(ctx, tx)
}
