// Package team keeps which contacts are the team's own: tests go to them, and a campaign may go to them as it starts (a seed list).
package team

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

// Max is how many contacts are the team's at most: each gets a message of its own from a campaign, for each of its variants.
const Max = 20

// Member is a contact of the team.
type Member struct {
	bun.BaseModel `bun:"table:team_contacts,alias:tc"`

	ContactID int64     `bun:",pk"`
	AddedBy   *int64    // the operator; nil: a program
	AddedAt   time.Time `bun:",nullzero"`
}

// Service keeps the team's contacts.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// List gives the team's contacts, in the order in which they were added.
func (s *Service) List(ctx context.Context) ([]*Member, error) { return list(ctx, s.db) }

// Add makes a contact one of the team's. One who is already stays as they are.
func (s *Service) Add(ctx context.Context, contactID int64) (*Member, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var m *Member
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := contact.ByIDForUpdate(ctx, tx, contactID)
		if err != nil {
			return err
		}
		if c.ErasedAt != nil {
			return apperr.Conflict("this contact was erased: choose another")
		}
		members, err := lockedList(ctx, tx)
		if err != nil {
			return err
		}
		for _, x := range members {
			if x.ContactID == c.ID {
				m = x
				return nil
			}
		}
		if len(members) >= Max {
			return apperr.Conflict("the team has %d numbers already, no more are possible: remove one first", len(members))
		}
		m = &Member{ContactID: c.ID, AddedBy: actor.OperatorID(ctx)}
		if err := insert(ctx, tx, m); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.TeamAdd, "contact", c.ID, nil)
	})
	return m, err
}

// Remove takes a contact out of the team; nothing else about them changes.
func (s *Service) Remove(ctx context.Context, contactID int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := contact.ByIDForUpdate(ctx, tx, contactID)
		if err != nil {
			return err
		}
		n, err := remove(ctx, tx, []int64{c.ID})
		if err != nil {
			return err
		}
		if n == 0 {
			return apperr.NotFound("contact %v is not one of the team's", contactID)
		}
		return audit.Record(ctx, tx, audit.TeamRemove, "contact", c.ID, nil)
	})
}

// Forget takes contacts that are erased out of the team. Their rows are locked.
func Forget(ctx context.Context, tx bun.Tx, contactIDs []int64) error {
	_, err := remove(ctx, tx, contactIDs)
	return err
}

// Carry leaves the contact who is kept in the team where either was. Both rows are locked.
func Carry(ctx context.Context, tx bun.Tx, keep, gone int64) error { return carry(ctx, tx, keep, gone) }
