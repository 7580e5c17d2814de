package campaign

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"eventstream/server/price"
	"eventstream/server/say"
	"eventstream/server/template"
)

// Cost is what a campaign will cost if everybody whom it is sent to gets it.
type Cost struct {
	price.Range

	Currency    string
	Lines       []CostLine // the dearest first
	WithoutRate int64      // members in markets of which the card does not tell Meta's fee
	Notes       []say.Text
}

// CostLine is the part of a country.
type CostLine struct {
	price.Range

	Region     string // "": numbers of no country
	Market     string
	Category   price.Category
	Recipients int64
	Each       price.Micros // one message that arrives, by the list
	Doubtful   bool
}

// cost works it out from the countries of those whom the screen lets through, of whom willSend get it.
func (s *Service) cost(ctx context.Context, c *Campaign, category template.Category, regions map[string]int64, through, willSend int64) (*Cost, error) {
	card, err := s.prices.Card(ctx, s.db)
	if err != nil {
		return nil, err
	}
	at := s.now()
	if c.NextRunAt != nil && c.NextRunAt.After(at) {
		at = *c.NextRunAt
	} else if c.Schedule != nil && c.Schedule.At != nil && c.Schedule.At.After(at) {
		at = *c.Schedule.At
	}
	out := &Cost{Currency: card.Currency}
	for region, n := range regions {
		if through > 0 { // what the sample of the gate takes away, it takes from every country alike
			n = (n*willSend + through - 1) / through
		}
		list, each := card.Expected(region, price.Category(category), at)
		line := CostLine{
			Range: each.Times(n), Region: region, Market: list.Market, Category: list.Category, Recipients: n, Each: list.Total(),
			Doubtful: list.Doubtful,
		}
		if !list.Known {
			out.WithoutRate += n
		}
		out.Range = out.Plus(line.Range)
		out.Lines = append(out.Lines, line)
	}
	slices.SortFunc(out.Lines, func(a, b CostLine) int {
		return cmp.Or(cmp.Compare(b.High, a.High), cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Region, b.Region))
	})
	out.Notes = costNotes(out, card, price.Category(category), at)
	return out, nil
}

func costNotes(c *Cost, card *price.Card, category price.Category, at time.Time) (notes []say.Text) {
	notes = append(notes, say.New("Meta's list prices of %s and Twilio's fee of %s for each message. Meta charges only what arrives, so that "+
		"less is charged where messages fail.", say.Day(card.Day(at)), fmt.Sprint(card.Fee(at), " ", card.Currency)))
	if c.Low < c.High {
		switch category {
		case price.CategoryUtility:
			notes = append(notes, say.New("The lower amount is by the last tier of volume that is known; which one applies, Meta alone knows."))
		case price.CategoryAuthentication:
			notes = append(notes, say.New("The lower amount is by the last tier of volume that is known; the higher one is for businesses that Meta told to "+
				"pay its international rate."))
		}
	}
	if change, ok := card.NextChange(at); ok && change.Before(at.AddDate(0, 0, 14)) {
		notes = append(notes, say.New("Rates change on %s; what arrives from then on costs the new ones.", say.Day(change)))
	}
	return notes
}

// warnOfBudgets tells when a budget may end it before everybody got it.
func (s *Service) warnOfBudgets(ctx context.Context, c *Campaign, p *Preflight) error {
	warn := func(name string, left price.Micros, currency string) {
		if currency == p.Cost.Currency && p.Cost.High > left {
			p.Warnings = append(p.Warnings, say.New("it may cost up to %s %s, and %s leaves %s: it will pause when that is used up", p.Cost.High,
				currency, name, max(left, 0)))
		}
	}
	if c.Budget != nil {
		warn("its budget", *c.Budget, c.BudgetCurrency)
	}
	month, err := s.prices.ThisMonth(ctx, s.now())
	if err != nil || month == nil {
		return err
	}
	warn("the monthly budget", month.Limit-month.Charged-month.Reserved, month.Currency)
	return nil
}
