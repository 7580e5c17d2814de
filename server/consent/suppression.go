package consent

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Suppression is an address that must not be written to, whoever it belongs to.
type Suppression struct {
	bun.BaseModel `bun:"table:suppressions,alias:su"`

	ID          int64             `bun:",pk,autoincrement"`
	AddressHash []byte            // keys.Ring.Hash of the match key
	Reason      SuppressionReason //
	Until       *time.Time        // nil: for ever
	CreatedAt   time.Time         `bun:",nullzero"`
}

// byHand are the reasons that people give; the others follow from what
// happened.
var byHand = map[SuppressionReason]bool{
	SuppressedOperator: true, SuppressedComplaint: true, SuppressedBlocked: true,
	SuppressedInvalid: true,
}

// CheckSuppression checks what a person asks for.
func (s *Service) CheckSuppression(reason SuppressionReason, until *time.Time) error {
	var errs apperr.List
	if !byHand[reason] {
		_ = errs.Add(apperr.Invalid("reason", "%q is not given by hand: operator, complaint, blocked or invalid", reason))
	}
	if until != nil && !until.After(s.now()) {
		_ = errs.Add(apperr.Invalid("until", "%s is not in the future", until.UTC().Format(time.RFC3339)))
	}
	return errs.Err()
}

// Suppress keeps these match keys from being written to, in the caller's
// transaction, and tells for which that is news. A suppression that is there
// stays, but for one that ends: that gives way; and an erasure is for ever.
func (s *Service) Suppress(ctx context.Context, tx bun.Tx, matchKeys []string, reason SuppressionReason,
	until *time.Time,
) (map[string]bool, error) {
	ring, err := s.keys.Ring(ctx, tx)
	if err != nil {
		return nil, err
	}
	addresses := make([]spelled, len(matchKeys))
	for i, key := range matchKeys {
		addresses[i] = spelled{ring.Hash(key), ring.All(key)}
	}
	hashes, err := standing(ctx, tx, addresses)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]string, len(matchKeys))
	for i, key := range matchKeys {
		keys[string(hashes[i])] = key
	}
	written, err := suppressMany(ctx, tx, hashes, reason, until)
	news := make(map[string]bool, len(written))
	for _, h := range written {
		news[keys[string(h)]] = true
	}
	return news, err
}

// suppressionsBy finds the suppressions in force, by match key. Each address is
// looked for by every key that its hash may have been made with.
func (s *Service) suppressionsBy(ctx context.Context, idb bun.IDB, matchKeys []string) (map[string]*Suppression, error) {
	if len(matchKeys) == 0 {
		return nil, nil //nolint:nilnil // of nobody there is none
	}
	ring, err := s.keys.Ring(ctx, idb)
	if err != nil {
		return nil, err
	}
	var hashes [][]byte
	byHash := make(map[string]string, len(matchKeys))
	for _, key := range matchKeys {
		for _, h := range ring.All(key) {
			hashes = append(hashes, h)
			byHash[string(h)] = key
		}
	}
	rows, err := suppressions(ctx, idb, hashes)
	found := make(map[string]*Suppression, len(rows))
	for _, su := range rows {
		key := byHash[string(su.AddressHash)]
		if found[key] == nil || su.Reason == SuppressedErased {
			found[key] = su
		}
	}
	return found, err
}

// SuppressAddress suppresses one number, known or not.
func (s *Service) SuppressAddress(ctx context.Context, address, region string, reason SuppressionReason,
	until *time.Time,
) (*Suppression, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := s.CheckSuppression(reason, until); err != nil {
		return nil, err
	}
	a, err := contact.ParseAddress(address, region)
	if err != nil {
		return nil, err
	}
	var su *Suppression
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.Suppress(ctx, tx, []string{a.MatchKey}, reason, until); err != nil {
			return err
		}
		found, err := s.suppressionsBy(ctx, tx, []string{a.MatchKey})
		if err != nil {
			return err
		}
		if su = found[a.MatchKey]; su == nil {
			return apperr.Invalid("until", "it is over already")
		}
		return audit.Record(ctx, tx, "suppression.add", "suppression", su.ID, map[string]any{"reason": reason})
	})
	return su, err
}

// Unsuppress lifts what a person put there. An opt-out is lifted by the
// contact's own newer opt-in, an erasure by nobody.
func (s *Service) Unsuppress(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		su, err := suppressionForUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		switch su.Reason {
		case SuppressedOptedOut:
			return apperr.Conflict("this person opted out: record their new opt-in, with its evidence, instead")
		case SuppressedErased:
			return apperr.Conflict("this person was erased; only their own START brings them back")
		case SuppressedBlocked, SuppressedInvalid, SuppressedComplaint, SuppressedOperator:
		}
		if err := removeSuppression(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "suppression.remove", "suppression", id, map[string]any{"reason": su.Reason})
	})
}

// SuppressionsOf finds the suppressions in force of contacts, by contact id: that of
// any of their addresses, an erasure first.
func (s *Service) SuppressionsOf(ctx context.Context, contacts []*contact.Contact) (map[int64]*Suppression, error) {
	return s.suppressionsOf(ctx, s.db, contact.IDs(contacts))
}

// SuppressionFilter narrows the suppressions in force.
type SuppressionFilter struct {
	Reason  *SuppressionReason
	Address string // a number in any spelling, or a BSUID: is it, or another address of its contact, suppressed?
}

// Suppressions gives a page of those in force, newest first.
func (s *Service) Suppressions(ctx context.Context, f SuppressionFilter, p db.Page) (db.Slice[*Suppression], error) {
	var hashes [][]byte
	if f.Address != "" {
		a, err := contact.ParseAddress(f.Address, "")
		if err != nil {
			return db.Slice[*Suppression]{}, err
		}
		ring, err := s.keys.Ring(ctx, s.db)
		if err != nil {
			return db.Slice[*Suppression]{}, err
		}
		keys, err := contact.KeysBeside(ctx, s.db, a.MatchKey)
		if err != nil {
			return db.Slice[*Suppression]{}, err
		}
		for _, key := range keys {
			hashes = append(hashes, ring.All(key)...)
		}
	}
	return suppressionList(ctx, s.db, f.Reason, hashes, p)
}
