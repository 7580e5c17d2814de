package merge

import (
	"cmp"
	"context"
	"slices"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

// Named is who a signed webhook says that somebody is: the address that a message
// came from or went to, and whatever other addresses of theirs it names beside it.
type Named struct {
	Addresses []contact.Address
	Name      string // as WhatsApp shows it
	At        time.Time
	Source    contact.AddressSource
}

// SeveralError is why nobody is identified: these addresses belong to several
// contacts, who have to be joined first, in a transaction of its own.
type SeveralError struct{ Named Named }

func (*SeveralError) Error() string {
	return "these addresses are of several contacts who are one person"
}

// Identify finds the one contact to whom the addresses belong, or creates it,
// and locks it. Addresses that were not known become theirs. A number that
// WhatsApp names is written to rather than an id, and a newer number of the same
// account rather than the former one.
func (s *Service) Identify(ctx context.Context, tx bun.Tx, n Named) (*contact.Contact, error) {
	n.Addresses = contact.Distinct(n.Addresses)
	owners, err := contact.OwnersOf(ctx, tx, contact.Keys(n.Addresses))
	if err != nil {
		return nil, err
	}
	ids := ownerIDs(owners)
	switch {
	case len(ids) > 1:
		return nil, &SeveralError{n}
	case len(ids) == 0:
		return s.create(ctx, tx, n)
	case len(owners) == len(n.Addresses) && settled(n, owners):
		c, err := contact.ByIDForUpdate(ctx, tx, ids[0])
		if err != nil {
			return nil, err
		}
		// Who is written to elsewhere since is extended in another transaction: the family's
		// locks do not come after this one, now or with this transaction's next message.
		if key := expected(n); c.ErasedAt != nil || key != "" && key != c.MatchKey {
			return nil, contact.ErrMoved
		}
		return c, nil
	}
	return s.extend(ctx, tx, ids[0], n)
}

// settled reports whether nothing about a contact changes with a webhook that
// names only addresses that they have: it is the one that they are written to.
func settled(n Named, owners map[string]*contact.Known) bool {
	key := expected(n)
	return key == "" || owners[key].Preferred
}

// expected is the key of the address that a contact is written to if a webhook changes
// nothing about them; "" if it would not change that anyway.
func expected(n Named) string {
	for _, a := range n.Addresses {
		if a.Kind == contact.KindPhone {
			return a.MatchKey
		}
	}
	if len(n.Addresses) == 1 {
		return ""
	}
	return n.Addresses[0].MatchKey
}

func ownerIDs(owners map[string]*contact.Known) (ids []int64) {
	for _, a := range owners {
		if !slices.Contains(ids, a.ContactID) {
			ids = append(ids, a.ContactID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *Service) create(ctx context.Context, tx bun.Tx, n Named) (*contact.Contact, error) {
	first := n.Addresses[0]
	for _, a := range n.Addresses {
		if a.Kind == contact.KindPhone {
			first = a
		}
	}
	c := contact.New(first)
	c.Name = contact.CleanText(n.Name)
	return c, s.add(ctx, tx, c, first.MatchKey, n.Addresses, n)
}

// add gives a contact addresses that nobody has; preferred is the key of that which
// they are written to. Whoever is new is written with them.
func (s *Service) add(ctx context.Context, tx bun.Tx, c *contact.Contact, preferred string, news []contact.Address, n Named) error {
	created := c.ID == 0
	added := make([]contact.NewAddress, len(news))
	var kinds []contact.Kind
	for i, a := range news {
		added[i] = contact.NewAddress{Contact: c, Address: a, Preferred: a.MatchKey == preferred}
		if !created || !added[i].Preferred {
			kinds = append(kinds, a.Kind)
		}
	}
	if err := contact.AddAddresses(ctx, tx, added, n.Source, &n.At); err != nil || len(kinds) == 0 {
		return err
	}
	return audit.Record(ctx, tx, audit.ContactAddresses, "contact", c.ID, map[string]any{"added": kinds, "source": n.Source})
}

// extend locks the only owner of the addresses and gives them those that are new.
func (s *Service) extend(ctx context.Context, tx bun.Tx, id int64, n Named) (*contact.Contact, error) {
	family, err := contact.LockFamily(ctx, tx, []int64{id})
	if err != nil {
		return nil, err
	}
	c := byID(family, id)
	if c == nil || c.ErasedAt != nil {
		return nil, contact.ErrMoved
	}
	return c, s.settle(ctx, tx, c, n)
}

// settle makes the addresses those of a contact whose family is locked, and has
// the right one written to.
func (s *Service) settle(ctx context.Context, tx bun.Tx, c *contact.Contact, n Named) error {
	owners, err := contact.OwnersOf(ctx, tx, contact.Keys(n.Addresses))
	if err != nil {
		return err
	}
	var news []contact.Address
	for _, a := range n.Addresses {
		switch known := owners[a.MatchKey]; {
		case known == nil:
			news = append(news, a)
		case known.ContactID != c.ID:
			return contact.ErrMoved
		}
	}
	of, err := contact.AddressesOf(ctx, tx, []int64{c.ID})
	if err != nil {
		return err
	}
	all := of[c.ID]
	for _, a := range news {
		all = append(all, &contact.Known{MatchKey: a.MatchKey, Address: a.Wire, Kind: a.Kind})
	}
	better := preferable(c, all, n)
	preferred := c.MatchKey
	if better != nil {
		preferred = better.MatchKey
	}
	if err := s.add(ctx, tx, c, preferred, news, n); err != nil || better == nil {
		return err
	}
	if err := contact.Prefer(ctx, tx, c, better); err != nil { // unless it was new
		return err
	}
	return audit.Record(ctx, tx, audit.ContactAddress, "contact", c.ID, map[string]any{"kind": better.Kind, "source": n.Source})
}

// preferable is the address that a contact is written to from now on, if it is
// another one: a number before an id, an id before a parent's, and of two numbers
// the one that WhatsApp has named last together with an id. A number alone proves
// no change: its account may be another one's by now.
func preferable(c *contact.Contact, all []*contact.Known, n Named) *contact.Known {
	var now *contact.Known
	for _, a := range all {
		if a.MatchKey == c.MatchKey {
			now = a
		}
	}
	if now == nil {
		return nil
	}
	var best *contact.Known
	for _, named := range n.Addresses {
		for _, a := range all {
			if a.MatchKey == named.MatchKey && (best == nil || rank(a.Kind) < rank(best.Kind)) {
				best = a
			}
		}
	}
	switch {
	case best == nil || best == now || rank(best.Kind) > rank(now.Kind):
		return nil
	case rank(best.Kind) < rank(now.Kind):
		return best
	case n.Source != contact.SourceMessage, best.Kind == contact.KindPhone && len(n.Addresses) == 1:
		return nil
	case now.LastSeenAt != nil && now.LastSeenAt.After(n.At):
		return nil
	}
	return best
}

func rank(k contact.Kind) int {
	return slices.Index([]contact.Kind{contact.KindPhone, contact.KindBSUID, contact.KindParentBSUID}, k)
}

// Join makes one contact of all to whom the addresses belong, with the stricter
// consent: two at a time, each in a transaction of its own, since that ends with their
// messages, and nothing comes behind those in the order of locks. The contact that has
// a number stays, else the oldest one. Nobody is created.
func (s *Service) Join(ctx context.Context, n Named) error {
	n.Addresses = contact.Distinct(n.Addresses)
	for one := false; !one; {
		var ids []int64
		err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			people, err := lockOwners(ctx, tx, n)
			if err != nil {
				return err
			}
			ids = contact.IDs(people)
			if one = len(people) < 2; !one {
				return s.join(ctx, tx, people[0], people[1], true)
			}
			if len(people) == 0 {
				return nil
			}
			return s.settle(ctx, tx, people[0], n)
		})
		if err != nil {
			return err
		}
		s.hub.Publish(pubsub.TopicContact, ids...)
	}
	return nil
}

// lockOwners locks those to whom the addresses belong, with their families: first the
// one that stays.
func lockOwners(ctx context.Context, tx bun.Tx, n Named) ([]*contact.Contact, error) {
	owners, err := contact.OwnersOf(ctx, tx, contact.Keys(n.Addresses))
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	ids := ownerIDs(owners)
	family, err := contact.LockFamily(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	people := make([]*contact.Contact, 0, len(ids))
	for _, id := range ids {
		c := byID(family, id)
		if c == nil || c.ErasedAt != nil {
			return nil, contact.ErrMoved
		}
		people = append(people, c)
	}
	slices.SortStableFunc(people, func(a, b *contact.Contact) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.ID, b.ID))
	})
	return people, nil
}

// Apart tells which of these people have addresses that are not known to be one
// contact's yet. Those of whom nobody is known are left out.
func (s *Service) Apart(ctx context.Context, idb bun.IDB, all []Named) (apart []int, err error) {
	var keys []string
	for _, n := range all {
		keys = append(keys, contact.Keys(n.Addresses)...)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	owners, err := contact.OwnersOf(ctx, idb, keys)
	for i, n := range all {
		if known, one := belong(n, owners); known && !one {
			apart = append(apart, i)
		}
	}
	return apart, err
}

// belong tells whether somebody has one of the addresses, and whether one
// contact has all of them.
func belong(n Named, owners map[string]*contact.Known) (known, one bool) {
	var id int64
	one = true
	for _, a := range n.Addresses {
		switch o := owners[a.MatchKey]; {
		case o == nil:
			one = false
		case !known:
			known, id = true, o.ContactID
		case o.ContactID != id:
			one = false
		}
	}
	return known, one
}

// JoinAll joins what receipts name, most of which is an id of a contact that has
// none yet: those are written together, the others one by one.
func (s *Service) JoinAll(ctx context.Context, all []Named) error {
	var left []Named
	const tries = 10 // somebody may take an address meanwhile
	err := contact.Patiently(ctx, tries, func() (err error) {
		left, err = s.addAll(ctx, all)
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range left {
		if err := contact.Patiently(ctx, tries, func() error { return s.Join(ctx, n) }); err != nil {
			return err
		}
	}
	return nil
}

// addAll gives contacts the addresses that nobody has, and tells who has to be
// joined: those whose addresses are of several, and whoever is not written to at
// their number.
func (s *Service) addAll(ctx context.Context, all []Named) (left []Named, err error) {
	ctx = actor.With(ctx, actor.System)
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		left = nil
		var keys []string
		for i := range all {
			all[i].Addresses = contact.Distinct(all[i].Addresses)
			keys = append(keys, contact.Keys(all[i].Addresses)...)
		}
		owners, err := contact.OwnersOf(ctx, tx, keys)
		if err != nil {
			return err
		}
		before := ownerIDs(owners)
		if err := contact.LockAll(ctx, tx, before); err != nil {
			return err
		}
		if owners, err = contact.OwnersOf(ctx, tx, keys); err != nil {
			return err
		}
		if slices.ContainsFunc(ownerIDs(owners), func(id int64) bool { return !slices.Contains(before, id) }) {
			return contact.ErrMoved
		}
		var ids []int64
		var news []contact.NewAddress
		taken := map[string]int64{}
		at := time.Time{}
		for _, n := range all {
			of := ownersOf(n, owners)
			if len(of) == 0 {
				continue
			}
			simple := len(of) == 1
			for _, a := range n.Addresses {
				if o := owners[a.MatchKey]; o == nil {
					id, twice := taken[a.MatchKey]
					simple = simple && (!twice || id == of[0]) && a.Kind != contact.KindPhone
				}
			}
			if !simple {
				left = append(left, n)
				continue
			}
			if n.At.After(at) {
				at = n.At
			}
			for _, a := range n.Addresses {
				if _, twice := taken[a.MatchKey]; owners[a.MatchKey] == nil && !twice {
					taken[a.MatchKey] = of[0]
					ids = append(ids, of[0])
					news = append(news, contact.NewAddress{Contact: &contact.Contact{ID: of[0]}, Address: a})
				}
			}
		}
		if len(news) == 0 {
			return nil
		}
		if err := contact.AddAddresses(ctx, tx, news, contact.SourceReceipt, &at); err != nil {
			return err
		}
		slices.Sort(ids)
		return audit.RecordEach(ctx, tx, audit.ContactAddresses, "contact", slices.Compact(ids))
	})
	return left, err
}

func ownersOf(n Named, owners map[string]*contact.Known) (of []int64) {
	for _, a := range n.Addresses {
		if o := owners[a.MatchKey]; o != nil && !slices.Contains(of, o.ContactID) {
			of = append(of, o.ContactID)
		}
	}
	return of
}
