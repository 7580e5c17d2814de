package price

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Service keeps the card, and what was charged by it.
type Service struct {
	db *db.DB

	mu   sync.Mutex
	card *Card
	read time.Time
}

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// cardAge is how old a card may be by which messages are charged: a change in another process counts
// after it.
const cardAge = 10 * time.Second

// Card is the card as it stands, at most ten seconds old. Inside a transaction, idb is the transaction.
func (s *Service) Card(ctx context.Context, idb bun.IDB) (*Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.card != nil && db.Fresh(s.read, cardAge) {
		return s.card, nil
	}
	began := time.Now()
	c, err := readCard(ctx, idb)
	if err == nil {
		s.card, s.read = c, began
	}
	return c, err
}

// Current is the card as it stands now, for whoever looks at it or changes it.
func (s *Service) Current(ctx context.Context) (*Card, error) { return readCard(ctx, s.db) }

func readCard(ctx context.Context, idb bun.IDB) (*Card, error) {
	settings, err := db.Setting[Settings](ctx, idb, settingName)
	if err != nil {
		return nil, err
	}
	if settings == nil {
		settings = &standard
	}
	own, err := ownRates(ctx, idb)
	if err != nil {
		return nil, err
	}
	return newCard(*settings, delivered, own)
}

const settingName = "prices"

// Change is what a person changes of the card. All of it is done, or nothing.
type Change struct {
	Currency, TimeZone *string
	Set                []Rate
	Remove             []Rate    // by key and day: rates that were set here
	File               io.Reader // nil: none
	FileName           string
	DryRun             bool // only the file is read, and nothing changed
}

// Changed is what came of it.
type Changed struct {
	Rates     int // set, removed or put back, those that stood so before not counted
	Unchanged int
	Faults    []Fault // lines of the file that cannot be read: then nothing was changed
	Faulty    int     // how many there are; Faults are the first
}

const maxSet = 200

// Update changes the card. Messages that were charged keep their price. Admins only.
func (s *Service) Update(ctx context.Context, c Change) (out Changed, err error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return out, err
	}
	rates, out, err := c.read()
	if err != nil || out.Faulty > 0 {
		return out, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := db.LockSetting(ctx, tx, settingName); err != nil {
			return err
		}
		was, err := readCard(ctx, tx)
		if err != nil {
			return err
		}
		settings := was.Settings
		if c.Currency != nil {
			settings.Currency = *c.Currency
		}
		if c.TimeZone != nil {
			settings.TimeZone = *c.TimeZone
		}
		if err := settings.check(); err != nil {
			return err
		}
		for _, r := range c.Remove {
			if !was.own(r) {
				return apperr.Invalid("remove", "no rate of %s from %s was set here", r.Key, r.Since.Format(time.DateOnly))
			}
		}
		news := slices.DeleteFunc(rates, func(r Rate) bool { return was.has(r) })
		out.Unchanged = out.Rates - len(news)
		out.Rates = len(news) + len(c.Remove)
		if c.DryRun {
			return nil
		}
		if err := removeRates(ctx, tx, c.Remove); err != nil {
			return err
		}
		if err := saveRates(ctx, tx, news); err != nil {
			return err
		}
		if err := db.SaveSetting(ctx, tx, settingName, settings); err != nil {
			return err
		}
		is, err := readCard(ctx, tx)
		if err != nil {
			return err
		}
		before, after := audited(was, is, slices.Concat(news, c.Remove))
		return audit.RecordChange(ctx, tx, audit.RateCardUpdate, "rate_card", 1, before, after)
	})
	s.mu.Lock()
	s.card = nil
	s.mu.Unlock()
	return out, err
}

// read takes the rates together, from the list and the file, and checks them.
func (c Change) read() (rates []Rate, out Changed, err error) {
	var errs apperr.List
	if len(c.Set)+len(c.Remove) > maxSet {
		return nil, out, apperr.Invalid("set", "at most %d rates at once; a file takes more", maxSet)
	}
	seen := map[string]bool{}
	for i, r := range c.Set {
		id := fmt.Sprint(r.Key, r.Since)
		if seen[id] {
			_ = errs.Add(apperr.Invalid(fmt.Sprintf("set.%d", i), "the same rate is set twice from the same day"))
		}
		seen[id] = true
		if list, ok := r.check().(apperr.List); ok { //nolint:errorlint // it is made right there
			for _, e := range list {
				e.Field = append([]string{"set", fmt.Sprint(i)}, e.Field...)
				_ = errs.Add(e)
			}
		}
	}
	if err := errs.Err(); err != nil {
		return nil, out, err
	}
	rates = slices.Clone(c.Set)
	if c.File != nil {
		if len(c.Set)+len(c.Remove) > 0 {
			return nil, out, apperr.Invalid("file", "give a file or single rates, not both")
		}
		name := []rune(c.FileName)
		read, faults, err := readFile(c.File, "file "+string(name[:min(len(name), 100)]))
		if err != nil {
			return nil, out, err
		}
		out.Faulty, out.Faults = len(faults), faults[:min(len(faults), maxFaults)]
		rates = read
	}
	out.Rates = len(rates)
	return rates, out, nil
}

func (k Key) String() string {
	s := k.Market + " " + string(k.Category) + " " + k.Currency
	if k.Market == "" {
		s = string(k.Category) + " " + k.Currency
	}
	if k.From > 0 {
		s += fmt.Sprintf(" from %d messages", k.From)
	}
	return s
}

// own reports whether the rate of that key and day was set here.
func (c *Card) own(r Rate) bool {
	return slices.ContainsFunc(c.rates[r.Key], func(o Rate) bool { return o.Since.Equal(r.Since) && o.Own })
}

// has reports whether it stands so already: a file that was exported and comes back changes nothing.
func (c *Card) has(r Rate) bool {
	return slices.ContainsFunc(c.rates[r.Key], func(o Rate) bool {
		return o.Since.Equal(r.Since) && o.Price == r.Price && o.Doubtful == r.Doubtful && o.Source == r.Source
	})
}

// audited are the card before and after, as far as it was changed. Of very many rates, their number and
// the hash of their list stand there: the file has them.
func audited(was, is *Card, changed []Rate) (before, after map[string]any) {
	before = map[string]any{"currency": was.Currency, "timeZone": was.TimeZone}
	after = map[string]any{"currency": is.Currency, "timeZone": is.TimeZone}
	if len(changed) > maxSet {
		hash := sha256.New()
		_ = WriteFile(hash, changed)
		after["rates"] = map[string]any{"count": len(changed), "sha256": hex.EncodeToString(hash.Sum(nil))}
		return before, after
	}
	for _, r := range changed {
		name := r.Key.String() + " since " + r.Since.Format(time.DateOnly)
		before[name], after[name] = was.told(r), is.told(r)
	}
	return before, after
}

func (c *Card) told(r Rate) any {
	for _, o := range c.rates[r.Key] {
		if o.Since.Equal(r.Since) {
			return map[string]any{"price": o.Price.String(), "doubtful": o.Doubtful, "source": o.Source}
		}
	}
	return nil
}

// Charged is what messages of one kind cost.
type Charged struct {
	Month      time.Time
	CampaignID int64 // 0: outside campaigns
	Market     string
	Category   Category
	Currency   string
	Messages   int64
	Unknown    int64 // of them: the card did not tell Meta's fee
	Meta       Micros
	Twilio     Micros
	Released   Micros // what they had reserved of a budget, and have no more
}

// Of gives what campaigns cost, by market and category, the dearest first.
func (s *Service) Of(ctx context.Context, campaigns []int64) (map[int64][]Charged, error) {
	return chargedOf(ctx, s.db, campaigns)
}

// Months gives what was charged in the last so many months, by month, market, category and currency; the newest month and the
// dearest first. What came in is charged by Twilio alone, and counted by the moment it came.
func (s *Service) Months(ctx context.Context, now time.Time, n int) ([]Charged, error) {
	card, err := s.Card(ctx, s.db)
	if err != nil {
		return nil, err
	}
	last := card.Month(now)
	first := last.AddDate(0, 1-n, 0)
	rows, err := chargedIn(ctx, s.db, first, last)
	if err != nil {
		return nil, err
	}
	for month := last; !month.Before(first); month = month.AddDate(0, -1, 0) {
		n, err := received(ctx, s.db, card.Begins(month), card.Begins(month.AddDate(0, 1, 0)))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			fee := card.fee(CategoryTwilioMessage, month)
			rows = append(rows, Charged{
				Month: month, Category: CategoryInbound, Currency: card.Currency, Messages: n, Twilio: fee.Times(n),
			})
		}
	}
	slices.SortStableFunc(rows, func(a, b Charged) int { return b.Month.Compare(a.Month) })
	return rows, nil
}

// Compared is what Twilio reported for some messages of a month, beside what they cost by the card.
type Compared struct {
	Month             time.Time
	Currency          string
	Messages          int64
	Charged, Reported Micros
}

// Comparisons are those of the last so many months, by month and currency; what Twilio reported in another currency is left out.
func (s *Service) Comparisons(ctx context.Context, now time.Time, n int) ([]Compared, error) {
	card, err := s.Card(ctx, s.db)
	if err != nil {
		return nil, err
	}
	return comparedSince(ctx, s.db, card.Month(now).AddDate(0, 1-n, 0))
}

// Reported is what Twilio said that a message cost.
type Reported struct {
	Amount   Micros
	Currency string
}

// ReportedOf gives it for messages; nil for those that were not asked for, or of which it told none.
func (s *Service) ReportedOf(ctx context.Context, messages []int64) (map[int64]*Reported, error) {
	return reportedOf(ctx, s.db, messages)
}

// CategoryInbound stands for what came in, where charges are told. It has no rate of its own.
const CategoryInbound Category = "inbound"

// FreeLeft tells how many service messages of a sender are still free this month.
func (s *Service) FreeLeft(ctx context.Context, sender int64, at time.Time) (int64, error) {
	card, err := s.Card(ctx, s.db)
	if err != nil || card.Day(at).Before(charged) {
		return 0, err
	}
	used, err := servicesOf(ctx, s.db, sender, card.Month(at))
	return max(FreeService-used, 0), err
}

// Reply is what a text to somebody costs now, when it arrives.
type Reply struct {
	Charge

	Currency string
	FreeLeft int64 // how many of the sender's are still free this month
}

// ReplyTo tells it, for the country of a number and the sender from which it goes; nil: there is none.
func (s *Service) ReplyTo(ctx context.Context, region string, sender *int64, at time.Time) (Reply, error) {
	card, err := s.Card(ctx, s.db)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Charge: card.Delivered(region, CategoryService, true, at), Currency: card.Currency}
	if sender != nil {
		r.FreeLeft, err = s.FreeLeft(ctx, *sender, at)
	}
	return r, err
}

// Budgets gives the budgets of campaigns with what counts against them; nil for those without.
func (s *Service) Budgets(ctx context.Context, campaigns []int64) (map[int64]*CampaignBudget, error) {
	return budgetsOf(ctx, s.db, campaigns)
}

// ThisMonth is the monthly budget with what counts against it; nil: there is none.
func (s *Service) ThisMonth(ctx context.Context, now time.Time) (*CampaignBudget, error) {
	b, err := Monthly(ctx, s.db)
	if err != nil || b == nil {
		return nil, err
	}
	card, err := s.Card(ctx, s.db)
	if err != nil {
		return nil, err
	}
	spent, err := spentIn(ctx, s.db, card.Month(now), b.Currency)
	return &CampaignBudget{*b, spent}, err
}
