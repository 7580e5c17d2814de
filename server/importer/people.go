package importer

import (
	"context"

	"eventstream/server/consent"
	"eventstream/server/contact"

	"github.com/uptrace/bun"
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
func (r *row) suppressed(of map[string]consent.SuppressionReason) bool {
	for _, a := range r.addresses {
		if of[a.MatchKey] != "" {
			return true
		}
	}
	return false
}

// addAddresses gives contacts what the rows name beside the address by which the
// contact was found or created. Who had no number is written to at the one that came.
func addAddresses(ctx context.Context, tx bun.Tx, good []*row, existing map[string]*contact.Contact,
	created []*contact.Contact, mode Mode,
) error {
	var owners map[string]*contact.Contact
	var ids []int64
	var news []contact.Address
	numbers := map[*contact.Contact]contact.Address{}
	for _, r := range good {
		if len(r.addresses) < 2 {
			continue
		}
		if owners == nil {
			owners = make(map[string]*contact.Contact, len(created))
			for _, c := range created {
				owners[c.MatchKey] = c
			}
		}
		c, clash := r.known(existing)
		switch {
		case clash, c != nil && mode == ModeCreateOnly:
			continue
		case c == nil:
			if c = owners[r.address.MatchKey]; c == nil { // the row was rejected
				continue
			}
		}
		for _, a := range r.addresses {
			if existing[a.MatchKey] == nil && a.MatchKey != c.MatchKey {
				ids, news = append(ids, c.ID), append(news, a)
				if a.Kind == contact.KindPhone && c.Kind != contact.KindPhone {
					numbers[c] = a
				}
			}
		}
	}
	written, err := contact.AddAddresses(ctx, tx, ids, news, contact.SourceImport, nil)
	if err != nil {
		return err
	}
	if len(written) < len(news) { // somebody has one of them since
		return contact.ErrMoved
	}
	for c, a := range numbers {
		if err := contact.Prefer(ctx, tx, c, &contact.Known{MatchKey: a.MatchKey, Address: a.Wire, Kind: a.Kind}); err != nil {
			return err
		}
	}
	return nil
}
