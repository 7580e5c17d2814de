// Package merge joins two contacts that are one person. It is one transaction
// over everything that hangs on a contact, because half a merge would write to
// somebody twice or lose an opt-out.
package merge

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/message"
	"eventstream/server/optout"
	"eventstream/server/pubsub"
	"eventstream/server/team"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// Service merges.
type Service struct {
	db       *db.DB
	hub      *pubsub.Hub
	consents *consent.Service
	topics   *topic.Service
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub, consents *consent.Service, topics *topic.Service) *Service {
	return &Service{db: d, hub: hub, consents: consents, topics: topics}
}

// Merge joins two contacts that are one person, as an operator says. The kept
// one's values win, the other's fill the gaps; addresses, messages, conversation
// and ledger go along. What comes from the other number reaches the kept contact;
// it is written to at the address that it had.
func (s *Service) Merge(ctx context.Context, keepID, goneID int64) (*contact.Contact, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if keepID == goneID {
		return nil, apperr.Invalid("mergeId", "a contact is not merged with itself")
	}
	var kept *contact.Contact
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		family, err := contact.LockFamily(ctx, tx, []int64{keepID, goneID})
		if err != nil {
			return err
		}
		kept = byID(family, keepID)
		gone := byID(family, goneID)
		if kept == nil {
			return apperr.NotFound("contact %v does not exist", keepID)
		}
		if gone == nil {
			return apperr.NotFound("contact %v does not exist", goneID)
		}
		if kept.ErasedAt != nil || gone.ErasedAt != nil {
			return apperr.Conflict("one of these contacts was erased or merged before")
		}
		return s.join(ctx, tx, kept, gone, kept.Kind == contact.KindBSUID || gone.Kind == contact.KindBSUID)
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, keepID, goneID)
	return kept, nil
}

func byID(rows []*contact.Contact, id int64) *contact.Contact {
	for _, c := range rows {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// join makes gone a part of kept. sameAccount: WhatsApp says so, or one of the two is
// known by its id alone. The caller holds the locks of both families.
func (s *Service) join(ctx context.Context, tx bun.Tx, kept, gone *contact.Contact, sameAccount bool) error {
	if err := s.topics.Carry(ctx, tx, kept.ID, gone.ID); err != nil {
		return err
	}
	if err := team.Carry(ctx, tx, kept.ID, gone.ID); err != nil {
		return err
	}
	own, err := s.consents.OwnOptIn(ctx, tx, gone)
	if err != nil {
		return err
	}
	kept.Absorb(gone)
	if err := contact.SaveMerged(ctx, tx, kept, gone); err != nil {
		return err
	}
	if err := s.carryConsent(ctx, tx, kept, gone, own, sameAccount); err != nil {
		return err
	}
	if err := s.consents.CarryUtility(ctx, tx, kept, gone, sameAccount); err != nil {
		return err
	}
	if err := optout.Carry(ctx, tx, kept, gone.ID); err != nil {
		return err
	}
	if err := doubleoptin.Carry(ctx, tx, kept, gone.ID, sameAccount); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, audit.ContactMerge, "contact", kept.ID, map[string]any{"merged": gone.ID}); err != nil {
		return err
	}
	// Conversation and messages come last, see server/db/order.go.
	conversations, err := joinConversations(ctx, tx, kept.ID, gone.ID, sameAccount)
	if err != nil {
		return err
	}
	if err := moveImports(ctx, tx, kept.ID, gone.ID); err != nil {
		return err
	}
	return message.MoveToContact(ctx, tx, kept.ID, gone.ID, conversations)
}

// carryConsent leaves the stricter of two decisions: an opt-out of either holds for
// the person, whatever address it came from, unless they have opted in later by
// their own word (START). What an import or an operator recorded of one address
// says nothing against an opt-out by another. An opt-in was given for a number
// (47 CFR 64.1200(f)(9) asks for the number in the agreement), so that it only goes
// along where the two are one WhatsApp account. Nothing depends on which of the two
// is kept, nor on when it became known that they are one.
func (s *Service) carryConsent(ctx context.Context, tx bun.Tx, kept, gone *contact.Contact, goneOwn, sameAccount bool) error {
	record := func(status contact.ConsentStatus, at time.Time, own bool) error {
		source := consent.SourceProvider
		if own {
			source = consent.SourceKeyword
		}
		return s.consents.Record(ctx, tx, kept, consent.Change{
			Status: status, Source: source, OccurredAt: at,
			Evidence: consent.Evidence{Note: "decided as the contact that was merged into this one"},
		})
	}
	if gone.ConsentAt == nil {
		return nil
	}
	in, out := contact.ConsentOptedIn, contact.ConsentOptedOut
	at := *gone.ConsentAt
	switch {
	case gone.ConsentStatus == out && kept.ConsentStatus == in:
		own, err := s.consents.OwnOptIn(ctx, tx, kept)
		if err != nil {
			return err
		}
		since := *kept.ConsentAt
		if own && since.After(at) {
			if err := record(out, at, false); err != nil {
				return err
			}
			return record(in, since, true) // it lifts what stands against the other addresses
		}
		if !at.After(since) { // the opt-out wins, whatever the times are: it stands anew
			at = since.Add(time.Microsecond)
		}
		return record(out, at, false)
	case gone.ConsentStatus == out:
		return record(out, at, false)
	case gone.ConsentStatus == in && kept.ConsentStatus == out:
		if sameAccount && goneOwn && at.After(*kept.ConsentAt) {
			return record(in, at, true)
		}
	case gone.ConsentStatus == in && sameAccount:
		return record(in, at, goneOwn)
	}
	return nil
}
