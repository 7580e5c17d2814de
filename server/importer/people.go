package importer

import (
	"eventstream/server/consent"
	"eventstream/server/contact"
)

// severalContacts is why a row is rejected whose addresses are not one person's. A file
// proves less than WhatsApp does: people decide whether these are to be merged.
const severalContacts = "its number and its ids are of different contacts: merge those first, or correct the row"

func addressKeys(rows []*row) []string {
	keys := make([]string, 0, len(rows))
	for _, r := range rows {
		keys = append(keys, contact.Keys(r.addresses)...)
	}
	return keys
}

// place finds the place of an earlier row of the batch that is about the same person,
// else next. clash: two of them are.
func (r *row) place(of map[string]int, next int) (at int, clash bool) {
	at = next
	for _, a := range r.addresses {
		if known, ok := of[a.MatchKey]; ok {
			if at != next && at != known {
				return at, true
			}
			at = known
		}
	}
	return at, false
}

// inherit takes over the addresses of an earlier row of the same person.
func (r *row) inherit(earlier *row) {
	all := append([]contact.Address{r.address}, r.addresses...)
	if r.address.Kind != contact.KindPhone && earlier.address.Kind == contact.KindPhone {
		r.address = earlier.address
		all[0] = earlier.address
	}
	for _, a := range earlier.addresses {
		if a.Kind != contact.KindPhone {
			all = append(all, a)
		}
	}
	r.addresses = contact.Distinct(all)
}

// known finds the contact that has one of the row's addresses. clash: several have.
func (r *row) known(existing map[string]*contact.Contact) (c *contact.Contact, clash bool) {
	for _, a := range r.addresses {
		if k := existing[a.MatchKey]; k != nil {
			if c != nil && c != k {
				return nil, true
			}
			c = k
		}
	}
	return c, false
}

// suppressed reports whether one of the row's addresses must not be written to.
func (r *row) suppressed(of map[string]consent.Reasons) bool {
	for _, a := range r.addresses {
		if len(of[a.MatchKey]) > 0 {
			return true
		}
	}
	return false
}

// newAddresses are those that the rows bring: of new contacts the one that is written
// to, and what the rows name beside it. Who had no number is written to at the one that
// came.
func newAddresses(good []*row, existing map[string]*contact.Contact, created []*contact.Contact, mode Mode,
) (news []contact.NewAddress) {
	newcomers := make(map[string]*contact.Contact, len(created))
	for _, c := range created {
		newcomers[c.MatchKey] = c
	}
	for _, r := range good {
		c, clash := r.known(existing)
		switch {
		case clash, c != nil && mode == ModeCreateOnly:
			continue
		case c == nil:
			if c = newcomers[r.address.MatchKey]; c == nil { // the row was rejected
				continue
			}
			news = append(news, contact.NewAddress{Contact: c, Address: r.address, Preferred: true})
		}
		for _, a := range r.addresses {
			if existing[a.MatchKey] == nil && a.MatchKey != c.MatchKey {
				number := a.Kind == contact.KindPhone && c.Kind != contact.KindPhone
				news = append(news, contact.NewAddress{Contact: c, Address: a, Preferred: number})
			}
		}
	}
	return news
}
