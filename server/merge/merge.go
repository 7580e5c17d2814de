// Package merge joins two contacts that are one person. It is one transaction
// over everything that hangs on a contact, because half a merge would write to
// somebody twice or lose an opt-out.
package merge

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/pubsub"
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

// Merge joins two contacts that are one person. The kept one's values win, the
// other's fill the gaps; messages, conversation and ledger go along. The other
// number stays known: what comes from it reaches the kept contact, and nothing
// is sent to it any more.
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
		var gone *contact.Contact
		for _, c := range family {
			switch c.ID {
			case keepID:
				kept = c
			case goneID:
				gone = c
			}
		}
		if kept == nil {
			return apperr.NotFound("contact", keepID)
		}
		if gone == nil {
			return apperr.NotFound("contact", goneID)
		}
		if kept.ErasedAt != nil || gone.ErasedAt != nil {
			return apperr.Conflict("one of these contacts was erased or merged before")
		}
		if err := s.topics.Carry(ctx, tx, keepID, goneID); err != nil {
			return err
		}
		if err := s.carryConsent(ctx, tx, kept, gone); err != nil {
			return err
		}
		number := gone.Address
		kept.Absorb(gone)
		if err := contact.SaveMerged(ctx, tx, kept, gone); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "contact.merge", "contact", keepID, map[string]any{"merged": goneID}); err != nil {
			return err
		}
		// Conversation and messages come last, see server/db/order.go.
		conversations, err := joinConversations(ctx, tx, keepID, goneID)
		if err != nil {
			return err
		}
		if err := moveImports(ctx, tx, keepID, goneID); err != nil {
			return err
		}
		busy, err := message.MoveToContact(ctx, tx, keepID, goneID, conversations)
		if err == nil && busy {
			err = apperr.Conflict("a message to %s is being handed over this moment: try again when it is through", number)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, keepID, goneID)
	return kept, nil
}

// carryConsent takes the other's decision over where the law lets it. An
// opt-out binds whatever number it came from. An opt-in was given for a number
// (47 CFR 64.1200(f)(9) asks for the number in the agreement), so it only goes
// along where one of the two is the WhatsApp account itself, a BSUID.
func (s *Service) carryConsent(ctx context.Context, tx bun.Tx, kept, gone *contact.Contact) error {
	newer := gone.ConsentAt != nil && (kept.ConsentAt == nil || gone.ConsentAt.After(*kept.ConsentAt))
	if !newer || gone.ConsentStatus == kept.ConsentStatus {
		return nil
	}
	sameAccount := kept.Kind == contact.KindBSUID || gone.Kind == contact.KindBSUID
	if gone.ConsentStatus == contact.ConsentOptedIn && (!sameAccount || kept.ConsentStatus == contact.ConsentOptedOut) {
		return nil
	}
	return s.consents.Record(ctx, tx, kept, consent.Change{
		Status: gone.ConsentStatus, Source: consent.SourceOperator, OccurredAt: *gone.ConsentAt,
		Evidence: consent.Evidence{Note: "decided as the contact that was merged into this one"},
	})
}
