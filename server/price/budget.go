package price

import (
	"context"
	"fmt"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Budget is the most that may be spent, in the currency of the card when it was set.
type Budget struct {
	Limit    Micros `json:"limit"`
	Currency string `json:"currency"`
}

// maxBudget is the most that may be set as one.
const maxBudget Micros = 1_000_000_000 * unit

// ParseBudget reads an amount above 0.
func ParseBudget(field, s, currency string) (*Budget, error) {
	limit, err := ParseMicros(s, maxBudget)
	if err != nil {
		return nil, apperr.Blame(field, apperr.Text(err))
	}
	if limit == 0 {
		return nil, apperr.Invalid(field, "a budget is more than 0; none has no limit")
	}
	return &Budget{Limit: limit, Currency: currency}, nil
}

// Spent is what counts against a budget.
type Spent struct {
	Charged  Micros // what was delivered, failed or did not arrive
	Reserved Micros // the most that messages cost whose calls were made, and whose end is not known
}

// MonthlyBudget names the setting of the budget of a calendar month, of all campaigns together.
const MonthlyBudget = "monthly_budget"

// Monthly is the budget of each calendar month; nil: none.
func Monthly(ctx context.Context, idb bun.IDB) (*Budget, error) {
	return db.Setting[Budget](ctx, idb, MonthlyBudget)
}

// Open is what budgets leave to a campaign.
type Open struct {
	limits []limit
}

type limit struct {
	name   string
	budget Budget
	spent  Spent
}

// OpenFor locks what a campaign has reserved, and where there is a monthly budget whatever else reserves, and tells what is left. The caller
// holds the locks of the messages that it is about, and reserves in the same transaction.
func (c *Card) OpenFor(ctx context.Context, tx bun.Tx, campaign int64) (*Open, error) {
	monthly, err := lockMonthly(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := lockReserved(ctx, tx, campaign); err != nil {
		return nil, err
	}
	now, err := db.Now(ctx, tx)
	if err != nil {
		return nil, err
	}
	own, spent, err := budgetOf(ctx, tx, campaign)
	if err != nil {
		return nil, err
	}
	o := &Open{}
	if own != nil {
		o.limits = append(o.limits, limit{"the campaign's budget", *own, spent})
	}
	if monthly != nil {
		month, err := spentIn(ctx, tx, c.Month(now), monthly.Currency)
		if err != nil {
			return nil, err
		}
		o.limits = append(o.limits, limit{"the budget of " + c.Month(now).Format("January 2006"), *monthly, month})
	}
	return o, nil
}

// Take takes an amount from every budget, or says why there is not enough.
func (o *Open) Take(amount Micros, currency string) (refusal string) {
	for _, l := range o.limits {
		used := add(l.spent.Charged, l.spent.Reserved)
		switch {
		case l.budget.Currency != currency:
			return fmt.Sprintf("%s is in %s and messages are charged in %s. Set it anew, then resume.", capital(l.name), l.budget.Currency, currency)
		case amount > l.budget.Limit-used:
			return fmt.Sprintf("%s of %s %s is used up: %s was charged, %s is reserved for messages under way, and the next one costs up to %s. "+
				"Raise the budget, then resume.", capital(l.name), l.budget.Limit, currency, l.spent.Charged, l.spent.Reserved, amount)
		}
	}
	for i := range o.limits {
		o.limits[i].spent.Reserved += amount
	}
	return ""
}

func capital(s string) string { return string(s[0]-'a'+'A') + s[1:] }
