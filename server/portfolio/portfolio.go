// Package portfolio keeps WhatsApp's limit of a business portfolio: how many different people its senders together may
// write to within 24 hours outside the window that a person's own message opens (Meta's messaging limits: 250, 2,000,
// 10,000, 100,000, or none; error 63018). Whoever is written to so takes a place for 24 hours. Places are taken in Postgres
// before the call, under one lock, so that any number of workers and campaigns together take no more than there are; what
// finds none waits until the next one becomes free that was promised to nobody else. Without a limit nothing is counted.
package portfolio

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/message"

	"github.com/uptrace/bun"
)

// Window is how long a person counts: 24 hours, and a minute for the way of a message through Twilio to WhatsApp, which
// counts from when it gets it.
const Window = 24*time.Hour + time.Minute

// turn is how long after a place became free it becomes free again, when somebody takes it at once: the call takes a moment.
const turn = Window + time.Minute

// MostPeople is the highest limit that there is.
const MostPeople = 100_000

// Limit is what is known of the limit.
type Limit struct {
	People  int  // within 24 hours; 0: no limit, or it is not known
	Known   bool // false: nobody set it, and Twilio does not tell it
	ByHand  bool // an operator set it, whatever Twilio tells
	Told    string
	ToldAt  *time.Time
	Counted int64 // people who count now; 0 without a limit
}

// Service keeps it.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Current is what is known of the limit, and how much of it is used.
func (s *Service) Current(ctx context.Context) (Limit, error) {
	row, err := read(ctx, s.db)
	if err != nil {
		return Limit{}, err
	}
	l := Limit{ByHand: row.ByHand != nil, Told: row.ToldText, ToldAt: row.ToldAt}
	if n := row.people(); n != nil {
		l.People, l.Known = *n, true
	}
	if l.People > 0 {
		l.Counted, err = counted(ctx, s.db)
	}
	return l, err
}

// Change sets the limit by hand.
type Change struct {
	People    *int
	Unlimited bool // there is none; without either it is what Twilio tells
}

// Validate checks it.
func (c Change) Validate() error {
	if c.People != nil && (*c.People < 1 || *c.People > MostPeople) {
		return apperr.Invalid("portfolioLimit.people", "%d is out of range: 1 to 100,000 people, or null for no limit", *c.People)
	}
	return nil
}

// Set changes the limit at once, also while sending. Admins only.
func (s *Service) Set(ctx context.Context, c Change) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	return s.change(ctx, func(row *row) {
		if row.ByHand = c.People; c.Unlimited {
			row.ByHand = new(int)
		}
	})
}

// Tell keeps what Twilio tells of the senders of the account, in its own words. They share one limit; where they are told
// different ones, the lowest counts, so that none is exceeded.
func (s *Service) Tell(ctx context.Context, texts []string) error {
	var told *int
	text := ""
	for _, t := range texts {
		n, ok := Parse(t)
		if ok && (told == nil || n > 0 && (*told == 0 || n < *told)) {
			told, text = &n, t
		}
	}
	if told == nil {
		return nil // it was not told: what was told before still counts
	}
	return s.change(actor.With(ctx, actor.System), func(row *row) {
		now := row.Now
		row.Told, row.ToldText, row.ToldAt = told, text, &now
	})
}

var people = regexp.MustCompile(`(?i)(?:^|[^0-9a-z])([0-9]+)(k?)(?:$|[^0-9a-z])`)

// Parse reads a limit in Twilio's words, such as "1K Customers/24hr" or "TIER_2K"; 0: none. The words are not listed
// anywhere: others, such as "Unavailable", tell nothing.
func Parse(text string) (n int, ok bool) {
	if strings.Contains(strings.ToLower(text), "unlimited") {
		return 0, true
	}
	m := people.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 || n > MostPeople {
		return 0, false
	}
	if m[2] != "" {
		n *= 1000
	}
	return n, n <= MostPeople
}

// change changes the row, and where a limit begins to hold counts those who were written to before.
func (s *Service) change(ctx context.Context, fn func(*row)) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := lock(ctx, tx)
		if err != nil {
			return err
		}
		before := *r
		fn(r)
		if err := save(ctx, tx, r); err != nil {
			return err
		}
		if before.limit() == 0 && r.limit() > 0 {
			if err := countPast(ctx, tx); err != nil {
				return err
			}
		}
		if was, is := before.audited(), r.audited(); was["portfolio_limit"] != is["portfolio_limit"] ||
			was["portfolio_limit_told"] != is["portfolio_limit_told"] {
			return audit.RecordChange(ctx, tx, audit.SettingsUpdate, "settings", 1, was, is)
		}
		return nil
	})
}

// audited is the limit for the trail.
func (r *row) audited() map[string]any {
	out := map[string]any{"portfolio_limit": "as told", "portfolio_limit_told": r.ToldText}
	if r.ByHand != nil {
		out["portfolio_limit"] = strconv.Itoa(*r.ByHand)
	}
	return out
}

// Place is whether a person may be written to.
type Place struct {
	Held  bool
	Frees time.Time // of a place that is not held: when to ask again
	until time.Time // of a place that is held: until when; zero where there is no limit

	before *time.Time // until when it was held already; nil: it is new
}

// Reserve takes places for people who are about to be written to, in their order and in a transaction of its own, which
// holds no other lock. Whoever has one keeps it, for another 24 hours.
func (s *Service) Reserve(ctx context.Context, people []int64) (places map[int64]Place, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		places, err = reserve(ctx, tx, people)
		return err
	})
	return places, err
}

func reserve(ctx context.Context, tx bun.Tx, people []int64) (map[int64]Place, error) {
	r, err := lock(ctx, tx)
	if err != nil {
		return nil, err
	}
	places := make(map[int64]Place, len(people))
	limit := r.limit()
	if limit == 0 { // it was lifted a moment ago
		for _, id := range people {
			places[id] = Place{Held: true}
		}
		return places, nil
	}
	if err := forgetPast(ctx, tx, r.Now); err != nil {
		return nil, err
	}
	had, err := held(ctx, tx, people)
	if err != nil {
		return nil, err
	}
	taken, err := counted(ctx, tx)
	if err != nil {
		return nil, err
	}
	free := int64(limit) - taken
	var keep, wait []int64
	until := r.Now.Add(Window)
	for _, id := range people {
		if _, twice := places[id]; twice {
			continue
		}
		before, counts := had[id]
		switch {
		case counts:
			places[id] = Place{Held: true, until: until, before: &before}
		case free > 0:
			free--
			places[id] = Place{Held: true, until: until}
		default:
			places[id] = Place{}
			wait = append(wait, id)
			continue
		}
		keep = append(keep, id)
	}
	if err := take(ctx, tx, keep, until); err != nil {
		return nil, err
	}
	moments, err := promise(ctx, tx, r, len(wait))
	if err != nil {
		return nil, err
	}
	for i, id := range wait {
		places[id] = Place{Frees: moments[i]}
	}
	return places, nil
}

// promise gives the moments at which so many places become free that nobody was promised before. Behind the last one comes
// the first again, a turn later.
func promise(ctx context.Context, tx bun.Tx, r *row, n int) ([]time.Time, error) {
	if n == 0 {
		return nil, nil
	}
	last := r.PromisedUntil
	round := time.Duration(0) // how long after they become free for the first time
	if behind := last.Sub(r.Now); behind > 0 {
		round = behind - behind%turn
	} else {
		last, r.PromisedContact = r.Now, 0
	}
	var moments []time.Time
	after := place{last.Add(-round), r.PromisedContact}
	for len(moments) < n {
		next, err := nextFree(ctx, tx, after, n-len(moments))
		if err != nil {
			return nil, err
		}
		for _, h := range next {
			moments = append(moments, h.Until.Add(round))
			r.PromisedUntil, r.PromisedContact = h.Until.Add(round), h.ContactID
		}
		if len(next) == 0 && after.Until.Before(r.Now) { // nobody counts, and yet there is no place
			for len(moments) < n {
				moments = append(moments, r.Now.Add(round+turn))
			}
		}
		round += turn
		after = place{r.Now.Add(-time.Nanosecond), 0}
	}
	return moments, save(ctx, tx, r)
}

// Release gives back places that were taken for calls that were not made, or that were refused: the caller's transaction has
// no further locks to take. What was taken over meanwhile stays taken.
func Release(ctx context.Context, tx bun.Tx, places map[int64]Place) error {
	var back []int64
	for id, p := range places {
		if p.Held && !p.until.IsZero() {
			back = append(back, id)
		}
	}
	if len(back) == 0 {
		return nil
	}
	if _, err := lock(ctx, tx); err != nil {
		return err
	}
	return giveBack(ctx, tx, back, places)
}

// Room tells of a person who is not about to be written to whether they could be; People 0: there is no limit.
func (s *Service) Room(ctx context.Context, contactID int64) (people int, p Place, err error) {
	r, err := read(ctx, s.db)
	if err != nil || r.limit() == 0 {
		return 0, Place{Held: true}, err
	}
	had, err := held(ctx, s.db, []int64{contactID})
	if err != nil {
		return 0, p, err
	}
	until, counts := had[contactID]
	taken, err := counted(ctx, s.db)
	if err != nil || counts && until.After(r.Now) || taken < int64(r.limit()) {
		return r.limit(), Place{Held: true}, err
	}
	next, err := nextFree(ctx, s.db, place{r.Now, 0}, 1)
	p.Frees = r.Now.Add(Window)
	if len(next) > 0 {
		p.Frees = next[0].Until
	}
	return r.limit(), p, err
}

// Forget begins anew with nobody counted, for another account: what Twilio told of the other one goes too.
func Forget(ctx context.Context, tx bun.Tx) error { return forget(ctx, tx) }

// Wake lets messages go on that wait for places which are free now: the limit was raised, or a campaign that they were
// promised to is paused or ended. Maintenance runs it.
func (s *Service) Wake(ctx context.Context, n int) (int, error) {
	r, err := read(ctx, s.db)
	if err != nil {
		return 0, err
	}
	places := int64(n)
	if limit := r.limit(); limit > 0 {
		taken, err := counted(ctx, s.db)
		if err != nil {
			return 0, err
		}
		if places = min(places, int64(limit)-taken); places <= 0 {
			return 0, nil
		}
	}
	return message.Wake(ctx, s.db, gate.WaitsForRoom, int(places))
}

// WakeBatch is how many messages are woken at once.
const WakeBatch = 5000

// Outlook is when a number of people will have been written to.
type Outlook struct {
	Limit          // as it is now
	Waiting  int64 // messages of all campaigns that wait for a place already
	Needed   int64 // places that it takes
	WaitsFor time.Duration
}

// Outlook foresees what a campaign meets that needs so many places of the current limit, where one holds.
func (s *Service) Outlook(ctx context.Context, l Limit, needed int64) (o Outlook, err error) {
	o = Outlook{Limit: l, Needed: needed}
	if o.Waiting, err = waiting(ctx, s.db); err != nil {
		return o, err
	}
	o.WaitsFor, err = s.lastPlace(ctx, l, o.Waiting+needed)
	return o, err
}

// lastPlace is in how long the last of so many places becomes free.
func (s *Service) lastPlace(ctx context.Context, l Limit, n int64) (time.Duration, error) {
	free := max(int64(l.People)-l.Counted, 0)
	n -= free
	if n <= 0 {
		return 0, nil
	}
	// Those who count now come first, then those who take what is free now, then the first again.
	rounds, place := (n-1)/int64(l.People), (n-1)%int64(l.People)
	wait := time.Duration(rounds) * turn
	if place >= l.Counted {
		return wait + Window, nil
	}
	in, err := freesIn(ctx, s.db, place)
	return wait + in, err
}

// Counting gives those of these people who count now.
func (s *Service) Counting(ctx context.Context, people []int64) (map[int64]bool, error) {
	had, err := held(ctx, s.db, people)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]bool, len(had))
	for id := range had {
		out[id] = true
	}
	return out, nil
}
