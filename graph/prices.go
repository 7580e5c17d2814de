package graph

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"eventstream/graph/model"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/campaign"
	"eventstream/server/message"
	"eventstream/server/price"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
)

var theRateCard = audit.Thing{Entity: "rate_card", ID: 1}

func toMoney(m price.Micros, currency string) *model.Money {
	return &model.Money{Amount: m.String(), Currency: currency}
}

func toMessagePrice(p message.Price) *model.MessagePrice {
	if p.Category == "" || p.Twilio == nil {
		return nil
	}
	out := &model.MessagePrice{
		Twilio: toMoney(*p.Twilio, p.Currency), Market: p.Market, MarketName: price.Title(p.Market), Category: upper[model.PriceCategory](p.Category),
	}
	if p.Meta != nil {
		out.Meta, out.Total = toMoney(*p.Meta, p.Currency), toMoney(*p.Meta+*p.Twilio, p.Currency)
	}
	return out
}

func toPriceLine(c price.Charged) *model.PriceLine {
	return &model.PriceLine{
		Market: c.Market, MarketName: price.Title(c.Market), Category: upper[model.PriceCategory](c.Category), Messages: c.Messages, WithoutRate: c.Unknown,
		Meta: toMoney(c.Meta, c.Currency), Twilio: toMoney(c.Twilio, c.Currency), Total: toMoney(c.Meta+c.Twilio, c.Currency),
	}
}

// totals are the sums by currency, in the order in which the currencies come.
func totals(rows []price.Charged) []*model.Money {
	sums, order := map[string]price.Micros{}, []string{}
	for _, c := range rows {
		if _, ok := sums[c.Currency]; !ok {
			order = append(order, c.Currency)
		}
		sums[c.Currency] += c.Meta + c.Twilio
	}
	return mapped(order, func(currency string) *model.Money { return toMoney(sums[currency], currency) })
}

func toSpending(rows []price.Charged, compared []price.Compared) []*model.MonthSpending {
	out := []*model.MonthSpending{}
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Month.Equal(rows[0].Month) {
			n++
		}
		of := []*model.PriceComparison{}
		for _, c := range compared {
			if c.Month.Equal(rows[0].Month) {
				of = append(of, &model.PriceComparison{
					Messages: c.Messages, Here: toMoney(c.Charged, c.Currency), Reported: toMoney(c.Reported, c.Currency),
					Difference: toMoney(c.Reported-c.Charged, c.Currency),
				})
			}
		}
		out = append(out, &model.MonthSpending{
			Month: rows[0].Month.Format("2006-01"), Compared: of, Totals: totals(rows[:n]), Lines: mapped(rows[:n], toPriceLine),
		})
		rows = rows[n:]
	}
	return out
}

func toCost(c *campaign.Cost) *model.CostEstimate {
	if c == nil {
		return nil
	}
	return &model.CostEstimate{
		Low: toMoney(c.Low, c.Currency), High: toMoney(c.High, c.Currency), WithoutRate: c.WithoutRate, Notes: c.Notes,
		Lines: mapped(c.Lines, func(l campaign.CostLine) *model.CostLine {
			return &model.CostLine{
				Country: l.Region, Market: l.Market, MarketName: price.Title(l.Market), Category: upper[model.PriceCategory](l.Category), Recipients: l.Recipients,
				Each: toMoney(l.Each, c.Currency), Doubtful: l.Doubtful, Low: toMoney(l.Low, c.Currency), High: toMoney(l.High, c.Currency),
			}
		}),
	}
}

func toBudget(b *price.CampaignBudget) *model.Budget {
	if b == nil {
		return nil
	}
	return &model.Budget{
		Limit: toMoney(b.Limit, b.Currency), Charged: toMoney(b.Charged, b.Currency), Reserved: toMoney(b.Reserved, b.Currency),
	}
}

// budgetInput reads a budget; none says that it is given as null: none.
func (r *Resolver) budgetInput(ctx context.Context, field string, in graphql.Omittable[*string]) (b *price.Budget, none bool, err error) {
	if in.Value() == nil {
		return nil, in.IsSet(), nil
	}
	card, err := r.Prices.Current(ctx)
	if err == nil {
		b, err = price.ParseBudget(field, *in.Value(), card.Currency)
	}
	return b, false, err
}

func toReplyPrice(r price.Reply) *model.ReplyPrice {
	out := &model.ReplyPrice{Free: toMoney(r.Twilio, r.Currency), FreeLeft: r.FreeLeft, Market: r.Market}
	if r.Known {
		out.Total = toMoney(r.Total(), r.Currency)
	}
	return out
}

func toRateCard(c *price.Card, at time.Time) *model.RateCard {
	day := c.Day(at)
	rates, next := c.Valid(day)
	return &model.RateCard{
		Day: day.Format(time.DateOnly), Currency: c.Currency, TimeZone: c.TimeZone, Rules: mapped(price.Rules, func(f say.Format) say.Text { return say.New(f) }),
		Rates: mapped(rates, func(r price.Rate) *model.Rate {
			out := &model.Rate{
				Market: r.Market, Category: upper[model.PriceCategory](r.Category), FromMessages: r.From, Price: toMoney(r.Price, r.Currency),
				Since: r.Since.Format(time.DateOnly), Doubtful: r.Doubtful, Source: r.Source, Own: r.Own,
			}
			if n, ok := next[r.Key]; ok {
				out.Next = &model.RateChange{Since: n.Since.Format(time.DateOnly), Price: toMoney(n.Price, n.Currency)}
			}
			return out
		}),
		Markets: mapped(price.Markets(day), func(m price.Market) *model.Market {
			out := &model.Market{Name: m.Name, Title: price.Title(m.Name), Countries: m.Regions, Note: said(say.New(m.Note))}
			if out.Countries == nil {
				out.Countries = []string{}
			}
			return out
		}),
	}
}

// rateCard is the card as it stands, of a moment; nil is now.
func (r *Resolver) rateCard(ctx context.Context, at *time.Time) (*model.RateCard, error) {
	c, err := r.Prices.Current(ctx)
	if err != nil {
		return nil, err
	}
	moment := r.Now()
	if at != nil {
		moment = *at
	}
	return toRateCard(c, moment), nil
}

// rateFile is the whole card as CSV.
func (r *Resolver) rateFile(ctx context.Context) (string, error) {
	c, err := r.Prices.Current(ctx)
	if err != nil {
		return "", err
	}
	var file bytes.Buffer
	err = price.WriteFile(&file, c.All())
	return file.String(), err
}

// updateRateCard reads the input and has the card changed.
func (r *Resolver) updateRateCard(ctx context.Context, in model.RateCardUpdateInput) (price.Changed, error) {
	card, err := r.Prices.Current(ctx)
	if err != nil {
		return price.Changed{}, err
	}
	currency := card.Currency // of rates that name none
	if v := in.Currency.Value(); v != nil {
		currency = *v
	}
	change := price.Change{Currency: in.Currency.Value(), TimeZone: in.TimeZone.Value(), DryRun: yes(in.DryRun.Value())}
	var errs apperr.List
	for i, x := range in.Set.Value() {
		rate, list := toRate(x.Market.Value(), x.Category, x.FromMessages.Value(), x.Currency.Value(), x.Since, currency)
		if rate.Price, err = price.ParseRate(x.Price); err != nil {
			list = append(list, apperr.Blame("price", apperr.Text(err)))
		}
		rate.Doubtful, rate.Source = yes(x.Doubtful.Value()), text(x.Source.Value())
		change.Set = append(change.Set, rate)
		errs = append(errs, inEntry("set", i, list)...)
	}
	for i, x := range in.Remove.Value() {
		rate, list := toRate(x.Market.Value(), x.Category, x.FromMessages.Value(), x.Currency.Value(), x.Since, currency)
		change.Remove = append(change.Remove, rate)
		errs = append(errs, inEntry("remove", i, list)...)
	}
	if err := errs.Err(); err != nil {
		return price.Changed{}, err
	}
	if f := in.File.Value(); f != nil {
		change.File, change.FileName = f.File, f.Filename
	}
	return r.Prices.Update(ctx, change)
}

func toRate(market *string, category model.PriceCategory, from *int64, currency *string, since, standard string) (rate price.Rate, errs apperr.List) {
	rate = price.Rate{Own: true, Key: price.Key{
		Market: text(market), Category: lower[price.Category](category), Currency: standard,
	}}
	if currency != nil {
		rate.Currency = *currency
	}
	if from != nil {
		rate.From = *from
	}
	day, err := price.ParseDay(since)
	if err != nil {
		errs = append(errs, apperr.Blame("since", apperr.Text(err)))
	}
	rate.Since = day
	return rate, errs
}

// inEntry puts the place of an entry before the fields of its errors.
func inEntry(list string, i int, errs apperr.List) apperr.List {
	for _, e := range errs {
		e.Field = append([]string{list, strconv.Itoa(i)}, e.Field...)
	}
	return errs
}
