package consent

import (
	"context"
	"slices"

	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// SuppressedContacts tells which contacts must not be written to, and why: a suppression
// of any of a person's addresses holds for all of them.
func (s *Service) SuppressedContacts(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]Reasons, error) {
	rows, err := s.suppressionsOf(ctx, idb, ids)
	found := make(map[int64]Reasons, len(rows))
	for id, theirs := range rows {
		if len(theirs) > 0 {
			found[id] = reasonsOf(theirs)
		}
	}
	return found, err
}

func (s *Service) suppressionsOf(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]*Suppression, error) {
	of, err := contact.KeysOf(ctx, idb, ids)
	if err != nil {
		return nil, err
	}
	all := make([]string, 0, len(ids))
	for _, theirs := range of {
		all = append(all, theirs...)
	}
	rows, err := s.suppressionsBy(ctx, idb, all)
	found := make(map[int64][]*Suppression, len(ids))
	for _, id := range ids {
		found[id] = nil
		for _, key := range of[id] {
			found[id] = append(found[id], rows[key]...)
		}
		slices.SortFunc(found[id], stronger)
	}
	return found, err
}

// OwnOptIn reports whether it is by the person's own word that a contact is opted in.
func (s *Service) OwnOptIn(ctx context.Context, tx bun.Tx, c *contact.Contact) (bool, error) {
	if c.ConsentStatus != contact.ConsentOptedIn || c.ConsentAt == nil {
		return false, nil
	}
	return ownOptIn(ctx, tx, c.ID, *c.ConsentAt)
}
