// Package optout has people decide about messages that may ask for an opt-out: those
// that are too long or too unclear to act by themselves (47 CFR 64.1200(a)(10) takes
// any reasonable means of asking). Until somebody has decided, campaigns leave the
// contact out.
package optout

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

// Review is a message about which somebody has to decide, or has decided.
type Review struct {
	bun.BaseModel `bun:"table:opt_out_reviews,alias:r"`

	ID         int64      `bun:",pk,autoincrement"`
	ContactID  int64      //
	MessageID  int64      // the inbound message
	Language   string     // of the words that were noticed, ISO 639-1
	CreatedAt  time.Time  `bun:",nullzero"`
	DecidedAt  *time.Time // nil: open
	OptedOut   *bool      // what was decided
	OperatorID *int64     // who did
}

// Service keeps reviews and decides them.
type Service struct {
	db       *db.DB
	hub      *pubsub.Hub
	consents *consent.Service
	now      func() time.Time
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub, consents *consent.Service, now func() time.Time) *Service {
	return &Service{db: d, hub: hub, consents: consents, now: now}
}

// Note has a message looked at. A contact of whom one is open already needs no other,
// and one who opted out needs none. The caller has locked the contact.
func Note(ctx context.Context, tx bun.Tx, c *contact.Contact, messageID int64, language string) error {
	if c.ConsentStatus == contact.ConsentOptedOut {
		return nil
	}
	return note(ctx, tx, c.ID, messageID, language)
}

// Close ends what is open of a contact who has opted out meanwhile. The caller has
// locked the contact.
func Close(ctx context.Context, tx bun.Tx, contactID int64) error {
	return closeOpen(ctx, tx, contactID)
}

// Carry takes the reviews of a contact along that is merged into another; of one who
// has opted out none stays open. The caller has locked both.
func Carry(ctx context.Context, tx bun.Tx, kept *contact.Contact, gone int64) error {
	if err := carry(ctx, tx, kept.ID, gone); err != nil {
		return err
	}
	if kept.ConsentStatus == contact.ConsentOptedOut {
		return closeOpen(ctx, tx, kept.ID)
	}
	return nil
}

// Decide opts the contact out because of the message, or lets things be. Once decided
// it stays: a conflict says who was faster.
func (s *Service) Decide(ctx context.Context, id int64, optOut bool) (*Review, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var r *Review
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if r, err = byID(ctx, tx, id); err != nil {
			return err
		}
		people, err := contact.LockPeople(ctx, tx, []int64{r.ContactID})
		if err != nil {
			return err
		}
		c, err := contact.ByIDForUpdate(ctx, tx, people[r.ContactID])
		if err != nil {
			return err
		}
		if r, err = byID(ctx, tx, id); err != nil { // as it stands now that the contact is locked
			return err
		}
		if r.DecidedAt != nil {
			return apperr.Conflict("this message was decided about already")
		}
		body, sid, err := wordsOf(ctx, tx, r.MessageID)
		if err != nil {
			return err
		}
		now := s.now()
		r.DecidedAt, r.OptedOut, r.OperatorID = &now, &optOut, actor.OperatorID(ctx)
		if err := saveDecision(ctx, tx, r, c.ID); err != nil {
			return err
		}
		if optOut {
			err := s.consents.Record(ctx, tx, c, consent.Change{
				Status: contact.ConsentOptedOut, Source: consent.SourceOf(ctx), // now, by Postgres' clock
				Evidence: consent.Evidence{
					Text: body, MessageSID: sid, Language: r.Language, Rule: consent.RuleSentence, Note: "A person read the message and decided.",
				},
			})
			if err != nil {
				return err
			}
			if err := closeOpen(ctx, tx, c.ID); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.OptOutReviewDecide, "contact", c.ID, map[string]any{"opted_out": optOut, "message": r.MessageID})
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, r.ContactID)
	return r, nil
}

// Open gives a page of those about which nobody has decided, oldest first.
func (s *Service) Open(ctx context.Context, p db.Page) (db.Slice[*Review], error) {
	return open(ctx, s.db, p)
}

// CountOpen tells how many are open.
func (s *Service) CountOpen(ctx context.Context) (int64, error) { return countOpen(ctx, s.db) }

// OfContacts gives what is open of these contacts, by contact.
func (s *Service) OfContacts(ctx context.Context, ids []int64) (map[int64]*Review, error) {
	return ofContacts(ctx, s.db, ids)
}
