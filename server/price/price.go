// Package price knows what a WhatsApp message costs: the card of rates with its dates and
// sources, which people may change, and the rules by which Meta and Twilio charge. Amounts
// are whole millionths of a currency, and no currency is ever turned into another: Meta has
// a card for each, and they do not agree by any rate of exchange.
package price

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/localtime"
)

// Micros is an amount of money in millionths of its currency.
type Micros int64

// String writes an amount as a decimal number with at least two digits behind the point.
func (m Micros) String() string {
	sign, n := "", uint64(m)
	if m < 0 {
		sign, n = "-", -n
	}
	frac := strings.TrimRight(fmt.Sprintf("%06d", n%unit), "0")
	for len(frac) < 2 {
		frac += "0"
	}
	return fmt.Sprintf("%s%d.%s", sign, n/unit, frac)
}

// Digits writes an amount in whole millionths.
func (m Micros) Digits() string { return strconv.FormatInt(int64(m), 10) }

const (
	unit = 1_000_000
	// maxRate is the most a message may cost in any currency; amounts of millions of messages
	// still fit.
	maxRate = 1_000_000 * unit
)

// ParseMicros reads a decimal number such as 0.0618. It never goes by way of a float.
func ParseMicros(s string, most Micros) (Micros, error) {
	whole, frac, point := strings.Cut(s, ".")
	if s == "" || len(whole) > 12 || point && frac == "" || !digits(whole) || !digits(frac) || whole == "" {
		return 0, apperr.Invalid("", "%q is not an amount: digits with a point, such as 0.0618", shorten(s))
	}
	if frac = strings.TrimRight(frac, "0"); len(frac) > 6 {
		return 0, apperr.Invalid("", "%q has more than six digits behind the point", shorten(s))
	}
	n := int64(0)
	for _, d := range whole + frac + strings.Repeat("0", 6-len(frac)) {
		n = n*10 + int64(d-'0')
		if n > int64(most) {
			return 0, apperr.Invalid("", "%q is out of range: 0 to %s", shorten(s), most)
		}
	}
	return Micros(n), nil
}

// ParseRate reads the price of one message.
func ParseRate(s string) (Micros, error) { return ParseMicros(s, maxRate) }

// ParseDay reads a day.
func ParseDay(s string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return day, apperr.Invalid("", "%q is no day: year-month-day, such as 2026-10-01", shorten(s))
	}
	return day, nil
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Category is what is charged: Meta's categories of messages, and Twilio's fees.
type Category string

// Categories.
const (
	CategoryMarketing      Category = "marketing"
	CategoryUtility        Category = "utility"
	CategoryAuthentication Category = "authentication"
	// CategoryInternational is authentication to users in countries where the business is not based,
	// for businesses that Meta told so.
	CategoryInternational Category = "authentication_international"
	// CategoryService is whatever is no template: replies, and texts within the 24-hour window.
	CategoryService Category = "service"
	// CategoryTwilioMessage is Twilio's fee for a message out or in, beside Meta's.
	CategoryTwilioMessage Category = "twilio_message"
	// CategoryTwilioFailed is Twilio's fee for a message that ends as failed.
	CategoryTwilioFailed Category = "twilio_failed"
)

// Categories are all there are.
var Categories = []Category{
	CategoryMarketing, CategoryUtility, CategoryAuthentication, CategoryInternational, CategoryService, CategoryTwilioMessage, CategoryTwilioFailed,
}

// Twilio reports whether it is a fee of Twilio's, which is the same in every market.
func (c Category) Twilio() bool { return c == CategoryTwilioMessage || c == CategoryTwilioFailed }

// Key names a rate without its date.
type Key struct {
	Market   string // "" for Twilio's fees
	Category Category
	From     int64 // the rate counts from so many charged messages of the month on; 0: from the first
	Currency string
}

// Rate is what one message costs from a day on.
type Rate struct {
	Key

	Since    time.Time // 00:00 UTC of the day; it begins in the time zone of the business account
	Price    Micros
	Doubtful bool   // the source does not settle it
	Source   string // where it is from
	Own      bool   // set here, and not delivered with the product
}

const (
	maxSource = 300
	// The card begins with the charge per message; before it Meta charged conversations.
	firstDay = "2025-07-01"
	lastDay  = "2100-01-01"
)

// check refuses a rate that cannot be kept.
func (r Rate) check() error {
	var errs apperr.List
	if !slices.Contains(Categories, r.Category) {
		_ = errs.Add(apperr.Invalid("category", "%q is no category: %s", shorten(string(r.Category)), categoryNames))
	}
	switch {
	case r.Category.Twilio() && r.Market != "":
		_ = errs.Add(apperr.Invalid("market", "%q: Twilio's fees are the same in every market, leave it empty", shorten(r.Market)))
	case !r.Category.Twilio() && !IsMarket(r.Market):
		_ = errs.Add(apperr.Invalid("market", "%q is no market of Meta's card", shorten(r.Market)))
	}
	if r.From < 0 || r.From > 1_000_000_000_000 || r.From > 0 && r.Category != CategoryUtility && r.Category != CategoryAuthentication && r.Category != CategoryInternational {
		_ = errs.Add(apperr.Invalid("fromMessages", "%d: 0, or for utility and authentication the number of messages a tier begins with", r.From))
	}
	if !IsCurrency(r.Currency) {
		_ = errs.Add(apperr.Invalid("currency", "%q is no currency: three capital letters, such as USD", shorten(r.Currency)))
	}
	if r.Price < 0 || r.Price > maxRate {
		_ = errs.Add(apperr.Invalid("price", "%s is out of range: 0 to %s", r.Price, Micros(maxRate)))
	}
	if day := r.Since.Format(time.DateOnly); day < firstDay || day > lastDay {
		_ = errs.Add(apperr.Invalid("since", "%s is out of range: %s to %s", day, firstDay, lastDay))
	}
	if len([]rune(r.Source)) > maxSource {
		_ = errs.Add(apperr.Invalid("source", "a source has at most %d characters", maxSource))
	}
	return errs.Err()
}

var categoryNames = func() string {
	names := make([]string, len(Categories))
	for i, c := range Categories {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}()

// IsCurrency reports whether s can be a currency by ISO 4217.
func IsCurrency(s string) bool {
	return len(s) == 3 && !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// Card is all rates, in the currency in which the business is billed, by the calendar of
// its account. It does not change: a new one is made when a rate is set.
type Card struct {
	Settings

	rates map[Key][]Rate // by day, the newest first
	keys  []Key
	zone  *time.Location
}

// Settings are what the card is read by.
type Settings struct {
	Currency string `json:"currency"` // in which Meta's and Twilio's fees are billed
	TimeZone string `json:"timeZone"` // of the business account at Meta: its days and months are charged
}

// check refuses what cannot be.
func (s Settings) check() error {
	var errs apperr.List
	if !IsCurrency(s.Currency) {
		_ = errs.Add(apperr.Invalid("currency", "%q is no currency: three capital letters, such as USD", shorten(s.Currency)))
	}
	if zone, err := time.LoadLocation(s.TimeZone); err != nil || zone == time.Local || s.TimeZone == "" {
		_ = errs.Add(apperr.Invalid("timeZone", "%q is no time zone: an IANA name, such as Europe/Berlin", shorten(s.TimeZone)))
	}
	return errs.Err()
}

var standard = Settings{Currency: "USD", TimeZone: "UTC"}

// newCard puts rates in order; of two for the same day the later in the list counts.
func newCard(s Settings, lists ...[]Rate) (*Card, error) {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("the time zone of prices: %w", err)
	}
	c := &Card{Settings: s, rates: map[Key][]Rate{}, zone: zone}
	for _, list := range lists {
		for _, r := range list {
			of := c.rates[r.Key]
			if i := slices.IndexFunc(of, func(o Rate) bool { return o.Since.Equal(r.Since) }); i >= 0 {
				of[i] = r
				continue
			}
			c.rates[r.Key] = append(of, r)
		}
	}
	for k, of := range c.rates {
		slices.SortFunc(of, func(a, b Rate) int { return b.Since.Compare(a.Since) })
		c.keys = append(c.keys, k)
	}
	slices.SortFunc(c.keys, func(a, b Key) int {
		return strings.Compare(fmt.Sprint(a.Market, "\x00", slices.Index(Categories, a.Category), "\x00", a.Currency, "\x00", a.From+1e13),
			fmt.Sprint(b.Market, "\x00", slices.Index(Categories, b.Category), "\x00", b.Currency, "\x00", b.From+1e13))
	})
	return c, nil
}

// Day is the day of the business account that a moment falls on.
func (c *Card) Day(at time.Time) time.Time {
	y, m, d := at.In(c.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Month is the first day of its month.
func (c *Card) Month(at time.Time) time.Time {
	day := c.Day(at)
	return day.AddDate(0, 0, 1-day.Day())
}

// Begins is the moment at which a day of the business account begins.
func (c *Card) Begins(day time.Time) time.Time {
	return localtime.Of(day.Year(), day.Month(), day.Day(), 0, c.zone)
}

// Valid are the rates that hold on a day, in the order of market and category, with those that are
// known to follow.
func (c *Card) Valid(day time.Time) (rates []Rate, next map[Key]Rate) {
	next = map[Key]Rate{}
	for _, k := range c.keys {
		for _, r := range c.rates[k] {
			if !r.Since.After(day) {
				if k.Market == "" || inMarket(k.Market, day) {
					rates = append(rates, r)
				}
				break
			}
			next[k] = r
		}
	}
	return rates, next
}

// NextChange is the day after a moment on which some rate in the business' currency changes next.
func (c *Card) NextChange(at time.Time) (day time.Time, ok bool) {
	today := c.Day(at)
	for k, rates := range c.rates {
		if k.Currency != c.Currency {
			continue
		}
		for i, r := range rates {
			if r.Since.After(today) && (!ok || r.Since.Before(day)) && (i+1 == len(rates) || rates[i+1].Price != r.Price) {
				day, ok = r.Since, true
			}
		}
	}
	return day, ok
}

// rate finds the rate of a key on a day.
func (c *Card) rate(k Key, day time.Time) (Rate, bool) {
	for _, r := range c.rates[k] {
		if !r.Since.After(day) {
			return r, true
		}
	}
	return Rate{}, false
}

// lowest is the rate of the last tier of volume that is known on a day.
func (c *Card) lowest(k Key, list Micros, day time.Time) Micros {
	low := list
	for _, o := range c.keys {
		if o.Market == k.Market && o.Category == k.Category && o.Currency == k.Currency && o.From > 0 {
			if r, ok := c.rate(o, day); ok {
				low = min(low, r.Price)
			}
		}
	}
	return low
}

// charged is the day from which messages within the window and texts are charged.
var charged = time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC)

// FreeService is how many service messages of a sender's number are free in each calendar month,
// since they are charged.
const FreeService = 1000

// Charge is what a message costs.
type Charge struct {
	Market   string
	Category Category
	Meta     Micros // Meta's fee, which Twilio passes on
	Twilio   Micros // Twilio's own
	Known    bool   // the card has Meta's rate; else Meta is 0
	Doubtful bool   // the sources do not settle Meta's rate
}

// Total is both fees.
func (c Charge) Total() Micros { return c.Meta + c.Twilio }

// Delivered is the charge of a message that arrived at a moment.
func (c *Card) Delivered(region string, category Category, windowOpen bool, at time.Time) Charge {
	day := c.Day(at)
	charge := Charge{Market: MarketOf(region, day), Category: category, Twilio: c.fee(CategoryTwilioMessage, day)}
	r, ok := c.rate(Key{Market: charge.Market, Category: category, Currency: c.Currency}, day)
	if charge.Known = ok; ok {
		charge.Meta, charge.Doubtful = r.Price, r.Doubtful
	}
	if day.Before(charged) && (category == CategoryService || category == CategoryUtility && windowOpen) {
		charge.Meta, charge.Known = 0, true
	}
	return charge
}

// End is how far a message got that Twilio took.
type End int

// Ends. What was sent, and of which nothing more is known, is not charged yet.
const (
	EndNone End = iota
	EndFailed
	EndUndelivered
	EndDelivered
)

// End is the end for which a message of the category was charged.
func (c Category) End() End {
	switch c {
	case "":
		return EndNone
	case CategoryTwilioFailed:
		return EndFailed
	case CategoryTwilioMessage:
		return EndUndelivered
	}
	return EndDelivered
}

// Sent is a message whose end is known.
type Sent struct {
	End      End
	At       time.Time // when it ended so
	Region   string    // of the recipient's number
	Category Category  // of Meta's

	WindowOpen bool // they had written within 24 hours before it
	Free       bool // it is one of the sender's free service messages of the month

	Earlier   []End // of attempts that another one replaced
	NoAttempt bool  // none of its own is known: one of the earlier ones arrived
}

// Charge is what it costs. Only what arrives costs Meta's fee, once however many attempts arrived. Twilio lowers its own for
// the status failed alone, so that what was sent and never arrived is taken to cost Twilio's fee for a message.
func (c *Card) Charge(s Sent) Charge {
	day := c.Day(s.At)
	charge := Charge{Market: MarketOf(s.Region, day), Known: true, Twilio: c.attempt(s.End, day)}
	switch s.End {
	case EndDelivered:
		charge = c.Delivered(s.Region, s.Category, s.WindowOpen, s.At)
		if s.Free {
			charge.Meta, charge.Known = 0, true
		}
	case EndFailed:
		charge.Category = CategoryTwilioFailed
	case EndUndelivered:
		charge.Category = CategoryTwilioMessage
	case EndNone:
	}
	if s.NoAttempt {
		charge.Twilio = 0
	}
	for _, end := range s.Earlier {
		charge.Twilio += c.attempt(end, day)
	}
	return charge
}

// attempt is Twilio's fee for one that ended so.
func (c *Card) attempt(end End, day time.Time) Micros {
	switch end {
	case EndNone:
		return 0
	case EndFailed:
		return c.fee(CategoryTwilioFailed, day)
	case EndUndelivered, EndDelivered:
	}
	return c.fee(CategoryTwilioMessage, day)
}

// ServiceCharged reports whether service messages are charged at a moment.
func (c *Card) ServiceCharged(at time.Time) bool { return !c.Day(at).Before(charged) }

// Fee is Twilio's fee for a message out or in.
func (c *Card) Fee(at time.Time) Micros { return c.fee(CategoryTwilioMessage, c.Day(at)) }

func (c *Card) fee(category Category, day time.Time) Micros {
	r, _ := c.rate(Key{Category: category, Currency: c.Currency}, day)
	return r.Price
}

// Range is between which amounts one message that arrives costs.
type Range struct{ Low, High Micros }

// Expected tells what a message that arrives at a moment will cost: at most by the list, for whoever
// pays the international rate, and at least in the last tier of volume, or within an open window while
// that was free.
func (c *Card) Expected(region string, category Category, at time.Time) (list Charge, r Range) {
	list = c.Delivered(region, category, false, at)
	day := c.Day(at)
	key := Key{Market: list.Market, Category: category, Currency: c.Currency}
	low := c.lowest(key, list.Meta, day)
	if category == CategoryUtility && day.Before(charged) || category == CategoryService {
		low = 0
	}
	high := list.Meta
	if category == CategoryAuthentication {
		key.Category = CategoryInternational
		if abroad, ok := c.rate(key, day); ok {
			high = max(high, abroad.Price)
		}
	}
	return list, Range{low + list.Twilio, high + list.Twilio}
}

// Most is the most that a message may be charged whose call begins at a moment and that arrives within so long, after so many attempts
// that another one replaced.
func (c *Card) Most(region string, category Category, at time.Time, within time.Duration, earlier int) Micros {
	most := max(c.Delivered(region, category, false, at).Total(), c.Delivered(region, category, false, at.Add(within)).Total())
	return most + max(c.Fee(at), c.Fee(at.Add(within))).Times(int64(earlier))
}

// add adds without running over: amounts are bounded, their number is not.
func add(a, b Micros) Micros {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Times is n messages of an amount.
func (m Micros) Times(n int64) Micros {
	if m > 0 && n > math.MaxInt64/int64(m) {
		return math.MaxInt64
	}
	return Micros(int64(m) * n)
}

// Plus adds amounts; what does not fit is the most that does.
func (m Micros) Plus(o Micros) Micros { return add(m, o) }

// Plus adds ranges.
func (r Range) Plus(o Range) Range { return Range{add(r.Low, o.Low), add(r.High, o.High)} }

// Times is the range of n messages.
func (r Range) Times(n int64) Range { return Range{r.Low.Times(n), r.High.Times(n)} }
