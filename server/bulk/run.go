package bulk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// Contacts of one batch. Erasing touches more tables, so its batches are smaller.
const (
	batchSize  = 1000
	eraseBatch = 200
)

// Run works an action from where it stands, in batches by contact id, each one
// transaction with its progress and one audit entry: a crash loses or repeats
// nothing.
func (s *Service) Run(ctx context.Context, id int64) error {
	_, err := db.WithLease(ctx, s.db, leaseName(id), s.owner, actionLease, func(ctx context.Context) error {
		for {
			going, err := s.batch(ctx, id)
			s.hub.Publish(pubsub.TopicBulk, id)
			if apperr.Is(err, apperr.CodeInvalid) { // a segment or import that the selection names is gone
				return s.fail(ctx, id, apperr.Text(err).String())
			}
			if err != nil || !going {
				return err
			}
		}
	})
	return err
}

func (s *Service) fail(ctx context.Context, id int64, why string) error {
	return s.db.Tx(actor.With(ctx, actor.System), func(ctx context.Context, tx bun.Tx) error {
		a, err := forUpdate(ctx, tx, id)
		if err != nil || a.Status.Ended() {
			return err
		}
		return s.finish(ctx, tx, a, StatusFailed, why)
	})
}

func (s *Service) batch(ctx context.Context, id int64) (going bool, err error) {
	var touched, erased []int64
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		a, err := forUpdate(ctx, tx, id)
		if err != nil || a.Status.Ended() {
			return err
		}
		ctx = actor.With(ctx, a.actor())
		if a.StartedAt == nil {
			now := s.now()
			a.StartedAt, a.Status = &now, StatusRunning
		}
		if err := s.segments.Narrow(ctx, tx, &a.Selection); err != nil {
			return err
		}
		rows, family, reached, err := s.lock(ctx, tx, a)
		if err != nil {
			return err
		}
		if reached == a.Reached {
			return s.finish(ctx, tx, a, StatusCompleted, "")
		}
		going, a.Reached = true, reached
		if len(rows) == 0 { // none of them is selected any more
			return save(ctx, tx, a)
		}
		if a.Kind == KindErase {
			touched, erased = contact.IDs(rows), contact.IDs(family)
			err = s.erasures.Erase(ctx, tx, family, a.ID)
		} else {
			touched, err = s.apply(ctx, tx, a, rows)
		}
		if err != nil {
			return err
		}
		a.Done += int64(len(rows))
		a.Changed += int64(len(touched))
		if err := save(ctx, tx, a); err != nil {
			return err
		}
		return audit.Record(ctx, tx, trails[a.Kind].batch, "bulk_action", a.ID, map[string]any{
			"contacts": len(rows), "changed": len(touched), "from": rows[0].ID, "to": a.Reached, "digest": digest(touched),
		})
	})
	if err != nil {
		return false, err
	}
	s.hub.Publish(pubsub.TopicContact, touched...)
	return going, s.erasures.Clear(ctx, erased)
}

// lock takes the next contacts of an action, locked in order of id, and says how
// far that reaches. Erasing also takes those that were merged into them: which
// those are shows only when the contacts are known, so they are read first,
// locked together, and then asked again whether they are still selected.
func (s *Service) lock(ctx context.Context, tx bun.Tx, a *Action) (rows, family []*contact.Contact, reached int64,
	err error,
) {
	reached = a.Reached
	if a.Kind != KindErase {
		rows, err = contact.Batch(ctx, tx, a.Selection, a.Reached, a.Newest, batchSize)
		if len(rows) > 0 {
			reached = rows[len(rows)-1].ID
		}
		return rows, nil, reached, err
	}
	next, err := contact.Stretch(ctx, tx, a.Selection, a.Reached, a.Newest, eraseBatch)
	if err != nil || len(next) == 0 {
		return nil, nil, reached, err
	}
	still := a.Selection
	still.IDs = contact.IDs(next)
	if family, err = contact.LockFamily(ctx, tx, still.IDs); err != nil {
		return nil, nil, reached, err
	}
	if rows, err = contact.Batch(ctx, tx, still, a.Reached, a.Newest, eraseBatch); err != nil {
		return nil, nil, reached, err
	}
	selected := map[int64]bool{}
	for _, c := range rows {
		selected[c.ID] = true
	}
	family = slices.DeleteFunc(family, func(c *contact.Contact) bool {
		return !selected[c.ID] && (c.MergedInto == nil || !selected[*c.MergedInto])
	})
	return rows, family, next[len(next)-1].ID, nil
}

// actor is who started the action.
func (a *Action) actor() actor.Actor {
	return actor.Starter(a.OperatorID, a.APITokenID, actor.RoleAdmin)
}

// source is how subscriptions say who started the action.
func (a *Action) source() consent.Source {
	if a.OperatorID != nil {
		return consent.SourceOperator
	}
	return consent.SourceAPI
}

// digest proves which contacts a batch changed without an entry for each.
func digest(ids []int64) string {
	h := sha256.New()
	for _, id := range ids {
		_ = binary.Write(h, binary.BigEndian, id) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// apply does the action to locked contacts and gives those it changed.
func (s *Service) apply(ctx context.Context, tx bun.Tx, a *Action, rows []*contact.Contact) (changed []int64,
	err error,
) {
	switch a.Kind {
	case KindTag:
		return s.tag(ctx, tx, a.Options, rows)
	case KindTopic:
		pairs := topic.Pairs(a.Options.TopicID, contact.IDs(rows))
		return s.topics.RecordBulk(ctx, tx, pairs, a.Options.Status, a.source())
	case KindConsent:
		return s.setConsent(ctx, tx, *a.Options.Consent, rows)
	case KindSuppress:
		keys := make([]string, len(rows))
		for i, c := range rows {
			keys[i] = c.MatchKey
		}
		taken, err := s.consents.Suppress(ctx, tx, keys, a.Options.Reason, a.Options.Until)
		for _, c := range rows {
			if taken[c.MatchKey] {
				changed = append(changed, c.ID)
			}
		}
		return changed, err
	case KindErase: // see batch
	case KindExport: // by its download
	}
	return nil, nil
}

func (s *Service) tag(ctx context.Context, tx bun.Tx, o Options, rows []*contact.Contact) ([]int64, error) {
	var changed []*contact.Contact
	for _, c := range rows {
		had := c.Tags()
		tags := slices.DeleteFunc(slices.Clone(had), func(t string) bool {
			return slices.Contains(o.RemoveTags, t)
		})
		for _, t := range o.AddTags {
			if !slices.Contains(tags, t) && len(tags) < maxTags {
				tags = append(tags, t)
			}
		}
		if slices.Equal(had, tags) {
			continue
		}
		if c.Attributes == nil {
			c.Attributes = map[string]any{}
		}
		c.Attributes[tagsKey] = tags
		if len(tags) == 0 {
			delete(c.Attributes, tagsKey)
		}
		if c.TooLarge() {
			continue
		}
		changed = append(changed, c)
	}
	return contact.IDs(changed), contact.SaveAttributes(ctx, tx, changed)
}

// setConsent records a decision for many. Who opted out is not brought back in
// bulk: that takes their own word, or an operator's for each of them.
func (s *Service) setConsent(ctx context.Context, tx bun.Tx, ch consent.Change, rows []*contact.Contact) ([]int64,
	error,
) {
	if ch.Purpose == consent.PurposeUtility {
		return s.consents.RecordUtility(ctx, tx, ch, rows)
	}
	newer := consent.Decision{Status: ch.Status, At: ch.OccurredAt, Late: ch.Late}
	var bulk []consent.Bulk
	var changed []int64
	for _, c := range rows {
		back := ch.Status == contact.ConsentOptedIn && c.ConsentStatus == contact.ConsentOptedOut
		late := c.ConsentAt != nil && !consent.Supersedes(newer, consent.Decision{
			Status: c.ConsentStatus, At: *c.ConsentAt, Late: true, // for all that is known here
		})
		if c.ConsentStatus == ch.Status || back || late {
			continue
		}
		bulk = append(bulk, consent.Bulk{ContactID: c.ID, MatchKey: c.MatchKey, Change: ch})
		changed = append(changed, c.ID)
	}
	if len(changed) == 0 {
		return nil, nil
	}
	if err := s.consents.RecordBulk(ctx, tx, bulk); err != nil {
		return nil, err
	}
	return changed, contact.SetConsents(ctx, tx, changed, ch.Status, ch.OccurredAt)
}
