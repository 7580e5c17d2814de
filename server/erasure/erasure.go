// Package erasure takes everything personal from contacts (GDPR Art. 17):
// profile, number and topics, texts of messages, what Twilio sent about them.
// What stays is the rows themselves without a person, counters, the consent
// ledger with the keyed hash of the number (Art. 17(3)(e), as proof), and a
// suppression of that hash, so that no old list brings them back.
//
// Erasing has two halves. The first, in the transaction of whoever erases, makes
// the contact nobody and stops what still waits for them. The second clears
// texts and stored webhooks: in batches that commit, because a contact may have
// any number of messages, and again for some days, because receipts that name
// the number come late. The table erasures says what is left of it; a contact
// leaves the table when nothing can come any more, so that looking costs the
// same however many were ever erased.
package erasure

import (
	"context"
	"slices"
	"strings"

	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/message"
	"eventstream/server/team"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// Limits of one batch of clearing.
const (
	ClearBatch    = 100  // contacts
	clearMessages = 5000 // shared out among them
)

// Service erases.
type Service struct {
	db       *db.DB
	consents *consent.Service
	topics   *topic.Service
}

// NewService makes the service.
func NewService(d *db.DB, consents *consent.Service, topics *topic.Service) *Service {
	return &Service{db: d, consents: consents, topics: topics}
}

// Erase makes contacts nobody, and those that were merged into them. The
// caller's transaction holds the locks of all of them, see contact.LockFamily;
// after its commit Clear takes their texts.
//
// action is the bulk action that asked, under which the result at the provider is
// counted; 0: none.
func (s *Service) Erase(ctx context.Context, tx bun.Tx, family []*contact.Contact, action int64) error {
	keys, err := keysOf(ctx, tx, family)
	if err != nil {
		return err
	}
	if _, err := s.consents.Suppress(ctx, tx, keys, consent.SuppressedErased, nil); err != nil {
		return err
	}
	ids := contact.IDs(family)
	if err := s.forget(ctx, tx, ids); err != nil {
		return err
	}
	if err := enqueue(ctx, tx, ids, action); err != nil {
		return err
	}
	return endMessages(ctx, tx, ids)
}

// EraseInvented makes contacts nobody who never were anybody: made-up ones. No
// suppression of theirs stays, since the number may be a real person's; their texts go
// at once, and the provider is asked for nothing, because it never had them.
func (s *Service) EraseInvented(ctx context.Context, tx bun.Tx, family []*contact.Contact) error {
	keys, err := keysOf(ctx, tx, family)
	if err != nil {
		return err
	}
	if err := s.consents.Release(ctx, tx, keys); err != nil {
		return err
	}
	ids := contact.IDs(family)
	if err := s.forget(ctx, tx, ids); err != nil {
		return err
	}
	if err := endMessages(ctx, tx, ids); err != nil {
		return err
	}
	return message.ClearTextsOf(ctx, tx, ids)
}

// keysOf gives the keys of all addresses that contacts have or had; of one that is erased
// already, nothing.
func keysOf(ctx context.Context, tx bun.Tx, family []*contact.Contact) (keys []string, err error) {
	of, err := contact.KeysOf(ctx, tx, contact.IDs(family))
	for _, theirs := range of {
		keys = append(keys, theirs...)
	}
	for _, c := range family {
		if !strings.HasPrefix(c.MatchKey, "erased:") && !slices.Contains(keys, c.MatchKey) {
			keys = append(keys, c.MatchKey)
		}
	}
	return keys, err
}

// forget takes what is known of contacts, but for their messages.
func (s *Service) forget(ctx context.Context, tx bun.Tx, ids []int64) error {
	if err := s.topics.Forget(ctx, tx, ids); err != nil {
		return err
	}
	if err := doubleoptin.Forget(ctx, tx, ids); err != nil {
		return err
	}
	if err := team.Forget(ctx, tx, ids); err != nil {
		return err
	}
	if err := contact.Erase(ctx, tx, ids); err != nil {
		return err
	}
	return closeConversations(ctx, tx, ids)
}

// endMessages records the erasure, and ends what waits for contacts that are nobody now.
func endMessages(ctx context.Context, tx bun.Tx, ids []int64) error {
	if err := audit.RecordEach(ctx, tx, audit.ContactErase, "contact", ids); err != nil {
		return err
	}
	return message.EraseOf(ctx, tx, ids)
}

// Clear takes the texts of erased contacts, all that are there now.
func (s *Service) Clear(ctx context.Context, contactIDs []int64) error {
	for n := 1; n > 0 && len(contactIDs) > 0; {
		var err error
		n, err = s.clear(ctx, func(ctx context.Context, tx bun.Tx) ([]*erasure, error) {
			return notCleared(ctx, tx, contactIDs, ClearBatch)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ClearDue is the maintenance task: it goes on where a Clear was broken off, and
// looks again for what came late, at up to limit contacts whose turn it is. The
// looks grow rarer, from a second to an hour, until no receipt can come any more.
// It says how many it looked at.
func (s *Service) ClearDue(ctx context.Context, limit int) (int, error) {
	return s.clear(ctx, func(ctx context.Context, tx bun.Tx) ([]*erasure, error) {
		return due(ctx, tx, limit)
	})
}

func (s *Service) clear(ctx context.Context, which func(context.Context, bun.Tx) ([]*erasure, error)) (n int,
	err error,
) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		rows, err := which(ctx, tx)
		if n = len(rows); err != nil || n == 0 {
			return err
		}
		places, contacts := make([]message.Place, n), make([]int64, n)
		for i, e := range rows {
			places[i], contacts[i] = message.Place{ContactID: e.ContactID, After: e.Reached}, e.ContactID
		}
		if err := message.EraseOf(ctx, tx, contacts); err != nil { // what became unknown since
			return err
		}
		each := clearMessages / n
		found, err := message.Traces(ctx, tx, places, each)
		if err != nil {
			return err
		}
		actions := make(map[int64]int64, n)
		for _, e := range rows {
			actions[e.ContactID] = e.ActionID
		}
		if err := askFor(ctx, tx, found, actions); err != nil {
			return err
		}
		var ids []int64
		var sids []string
		last, count := map[int64]int64{}, map[int64]int{}
		for _, m := range found {
			ids, sids = append(ids, m.ID), append(sids, m.SIDs...)
			last[m.ContactID] = m.ID
			count[m.ContactID]++
		}
		if err := message.ClearTexts(ctx, tx, ids); err != nil {
			return err
		}
		if err := clearWebhooks(ctx, tx, sids); err != nil {
			return err
		}
		for _, e := range rows {
			e.More = count[e.ContactID] >= each
			if last[e.ContactID] != 0 {
				e.Reached = last[e.ContactID]
			}
		}
		if err := saveLooks(ctx, tx, rows); err != nil {
			return err
		}
		looked := make(map[int64]bool, n)
		for _, id := range contacts {
			looked[id] = true
		}
		return dropConcluded(ctx, tx, looked)
	})
	return n, err
}
