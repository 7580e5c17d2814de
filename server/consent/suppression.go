package consent

import (
	"cmp"
	"context"
	"slices"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Suppression is one reason for which an address must not be written to, whoever it
// belongs to. An address may have several: each ends by itself, and lifting one
// leaves the others.
type Suppression struct {
	bun.BaseModel `bun:"table:suppressed_addresses,alias:su"`

	ID          int64             `bun:",pk,autoincrement"`
	AddressHash []byte            // keys.Ring.Hash of the match key
	Reason      SuppressionReason //
	Until       *time.Time        // nil: for ever
	CreatedAt   time.Time         `bun:",nullzero"`
}

// Reasons are those that are in force for an address or a person, the strongest
// first: an erasure, then the one that lasts longest. Nobody is written to who has any.
type Reasons []SuppressionReason

// Has reports whether one of them is this.
func (r Reasons) Has(reason SuppressionReason) bool { return slices.Contains(r, reason) }

// But gives the others.
func (r Reasons) But(reason SuppressionReason) (others Reasons) {
	for _, other := range r {
		if other != reason {
			others = append(others, other)
		}
	}
	return others
}

func reasonsOf(rows []*Suppression) (reasons Reasons) {
	for _, su := range rows {
		if !reasons.Has(su.Reason) {
			reasons = append(reasons, su.Reason)
		}
	}
	return reasons
}

// stronger is the order of Reasons, as strongest is in SQL.
func stronger(a, b *Suppression) int {
	if e := a.Reason == SuppressedErased; e != (b.Reason == SuppressedErased) {
		return map[bool]int{true: -1, false: 1}[e]
	}
	switch {
	case a.Until == nil && b.Until == nil, a.Until != nil && b.Until != nil && a.Until.Equal(*b.Until):
		return cmp.Compare(a.ID, b.ID)
	case a.Until == nil, b.Until != nil && a.Until.After(*b.Until):
		return -1
	}
	return 1
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
		_ = errs.Add(apperr.Invalid("until", "%s is not in the future", until))
	}
	return errs.Err()
}

// Suppress keeps these match keys from being written to, in the caller's
// transaction, and tells for which that changes something. Whatever else suppresses
// them stays; of the same reason's ends the later one holds.
func (s *Service) Suppress(ctx context.Context, tx bun.Tx, matchKeys []string, reason SuppressionReason,
	until *time.Time,
) (map[string]bool, error) {
	list := make([]Because, len(matchKeys))
	for i, key := range matchKeys {
		list[i] = Because{key, reason, until}
	}
	changed, err := s.SuppressAll(ctx, tx, list)
	news := make(map[string]bool, len(changed))
	for _, i := range changed {
		news[list[i].MatchKey] = true
	}
	return news, err
}

// Release lifts the opt-outs of made-up addresses: whoever has one really never said it.
func (s *Service) Release(ctx context.Context, tx bun.Tx, matchKeys []string) error {
	ring, err := s.keys.Ring(ctx, tx)
	if err != nil {
		return err
	}
	var hashes [][]byte
	for _, key := range matchKeys {
		hashes = append(hashes, ring.All(key)...)
	}
	return deleteSuppressions(ctx, tx, hashes, SuppressedOptedOut)
}

// Because is a match key that is to be suppressed, for what and until when.
type Because struct {
	MatchKey string
	Reason   SuppressionReason
	Until    *time.Time // nil: for ever
}

// SuppressAll is Suppress for many keys and reasons at once. It gives the places of those
// that change something.
func (s *Service) SuppressAll(ctx context.Context, tx bun.Tx, list []Because) (changed []int, err error) {
	ring, err := s.keys.Ring(ctx, tx)
	if err != nil {
		return nil, err
	}
	hashed := make([]because, len(list))
	for i, b := range list {
		hashed[i] = because{spelled{ring.Hash(b.MatchKey), ring.All(b.MatchKey)}, b.Reason, b.Until}
	}
	return suppressAll(ctx, tx, hashed)
}

// suppressionsBy finds the suppressions in force, by match key, the strongest first.
// Each address is looked for by every key that its hash may have been made with.
func (s *Service) suppressionsBy(ctx context.Context, idb bun.IDB, matchKeys []string) (map[string][]*Suppression, error) {
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
	found := make(map[string][]*Suppression, len(rows))
	for _, su := range rows {
		key := byHash[string(su.AddressHash)]
		found[key] = append(found[key], su)
	}
	return found, err
}

// Against finds the suppressions in force of one match key, the strongest first.
func (s *Service) Against(ctx context.Context, matchKey string) ([]*Suppression, error) {
	found, err := s.suppressionsBy(ctx, s.db, []string{matchKey})
	return found[matchKey], err
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
		i := slices.IndexFunc(found[a.MatchKey], func(su *Suppression) bool { return su.Reason == reason })
		if i < 0 {
			return apperr.Invalid("until", "it is over already")
		}
		su = found[a.MatchKey][i]
		return audit.Record(ctx, tx, audit.SuppressionAdd, "suppression", su.ID, map[string]any{"reason": reason})
	})
	return su, err
}

// Unsuppress lifts a reason that a person gave, and tells what else keeps the address
// from being written to. An opt-out is lifted by the contact's own newer opt-in, an
// erasure by their own START alone.
func (s *Service) Unsuppress(ctx context.Context, id int64) (remaining []*Suppression, err error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
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
		if remaining, err = suppressions(ctx, tx, [][]byte{su.AddressHash}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SuppressionRemove, "suppression", id,
			map[string]any{"reason": su.Reason, "remaining": reasonsOf(remaining)})
	})
	return remaining, err
}

// SuppressionsOf finds the suppressions in force of contacts, by contact id: those of
// all their addresses, the strongest first.
func (s *Service) SuppressionsOf(ctx context.Context, ids []int64) (map[int64][]*Suppression, error) {
	return s.suppressionsOf(ctx, s.db, ids)
}

// Beside finds, by id, what else suppresses the addresses of these suppressions.
func (s *Service) Beside(ctx context.Context, ids []int64) (map[int64][]*Suppression, error) {
	return beside(ctx, s.db, ids)
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
		keys, err := contact.KeysBeside(ctx, s.db, a.MatchKey)
		if err != nil {
			return db.Slice[*Suppression]{}, err
		}
		if hashes, err = s.Hashes(ctx, s.db, keys); err != nil {
			return db.Slice[*Suppression]{}, err
		}
	}
	return suppressionList(ctx, s.db, f.Reason, hashes, p)
}
