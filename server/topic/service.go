package topic

import (
	"context"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Service keeps topics and subscriptions.
type Service struct {
	db  *db.DB
	hub *pubsub.Hub
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub) *Service { return &Service{db: d, hub: hub} }

// Create adds a topic.
func (s *Service) Create(ctx context.Context, in Input) (*Topic, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	t := new(Topic)
	if err := in.apply(t); err != nil {
		return nil, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := lockAndCount(ctx, tx)
		if err != nil {
			return err
		}
		if n >= maxTopics {
			return apperr.Conflict("there are %d topics already, no more are possible: delete one that is not used", n)
		}
		if err := ownWords(ctx, tx, in, t); err != nil {
			return err
		}
		if err := insert(ctx, tx, t); err != nil {
			return taken(t, err)
		}
		return audit.RecordChange(ctx, tx, audit.TopicCreate, "topic", t.ID, nil, t.audited())
	})
	return t, err
}

// Update changes what in names. Who is subscribed stays.
func (s *Service) Update(ctx context.Context, id int64, in Input) (*Topic, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var t *Topic
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if t, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		was := t.audited()
		if err := in.apply(t); err != nil {
			return err
		}
		if err := ownWords(ctx, tx, in, t); err != nil {
			return err
		}
		if err := update(ctx, tx, t); err != nil {
			return taken(t, err)
		}
		return audit.RecordChange(ctx, tx, audit.TopicUpdate, "topic", t.ID, was, t.audited())
	})
	return t, err
}

// ownWords keeps a keyword from being one of the phrases that the workspace added.
func ownWords(ctx context.Context, tx bun.Tx, in Input, t *Topic) error {
	if in.Keyword == nil || t.KeywordFolded == "" {
		return nil
	}
	reserved, err := consent.ReservedIn(ctx, tx, t.KeywordFolded)
	if err == nil && reserved {
		err = apperr.Invalid("keyword", "%q is one of the phrases in Settings, Keywords: choose another", t.Keyword)
	}
	return err
}

// audited is what a topic is set to, for the trail.
func (t *Topic) audited() map[string]any {
	return map[string]any{"name": t.Name, "keyword": t.Keyword, "description": t.Description}
}

func taken(t *Topic, err error) error {
	switch {
	case db.IsUnique(err) && strings.Contains(err.Error(), "topics_keyword_key"):
		return apperr.Invalid("keyword", "another topic has the keyword %q", t.Keyword)
	case db.IsUnique(err):
		return apperr.Invalid("name", "there is a topic named %q already", t.Name)
	}
	return err
}

// Delete removes a topic that no campaign or segment uses, with who was
// subscribed to it.
func (s *Service) Delete(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		t, err := forUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		users, err := usedBy(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		if len(users[id]) > 0 {
			return apperr.Conflict("this topic is used by %s", say.List(users[id]...))
		}
		counts, err := counts(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		if err := remove(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.TopicDelete, "topic", id, map[string]any{
			"name":        t.Name,
			"subscribers": counts[id].Subscribers, "left": counts[id].Left,
		})
	})
}

// List gives all topics by name.
func (s *Service) List(ctx context.Context) ([]*Topic, error) { return list(ctx, s.db) }

// ByIDs finds many; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]*Topic, error) {
	return byIDs(ctx, s.db, ids)
}

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*Topic, error) { return Find(ctx, s.db, id) }

// Find finds one in the caller's transaction.
func Find(ctx context.Context, idb bun.IDB, id int64) (*Topic, error) {
	found, err := byIDs(ctx, idb, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("topic %v does not exist", id)
	}
	return found[0], nil
}

// Book reads all topics, for whoever reads files.
func (s *Service) Book(ctx context.Context) (Book, error) {
	all, err := list(ctx, s.db)
	return newBook(all), err
}

// UsedBy names, for each of the topics, some campaigns and segments that need it.
func (s *Service) UsedBy(ctx context.Context, ids []int64) (map[int64][]say.Text, error) {
	return usedBy(ctx, s.db, ids)
}

// CountsOf counts the subscriptions of topics.
func (s *Service) CountsOf(ctx context.Context, ids []int64) (map[int64]Counts, error) {
	return counts(ctx, s.db, ids)
}

// Of gives the subscriptions of contacts, by contact and topic.
func (s *Service) Of(ctx context.Context, idb bun.IDB, contactIDs []int64) (map[int64]map[int64]*Subscription, error) {
	return of(ctx, idb, contactIDs)
}

// OfContacts is Of, to look at.
func (s *Service) OfContacts(ctx context.Context, contactIDs []int64) (map[int64]map[int64]*Subscription, error) {
	return of(ctx, s.db, contactIDs)
}

// Subscribed tells which of these contacts are subscribed.
func (s *Service) Subscribed(ctx context.Context, topicID int64, contactIDs []int64) (map[int64]bool, error) {
	return subscribed(ctx, s.db, topicID, contactIDs)
}

// Set subscribes one contact, or has them leave, for an operator or API client.
func (s *Service) Set(ctx context.Context, contactID, topicID int64, status Status) (*contact.Contact, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := status.Check(); err != nil {
		return nil, err
	}
	if _, err := s.ByID(ctx, topicID); err != nil {
		return nil, err
	}
	var c *contact.Contact
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = contact.ByIDForUpdate(ctx, tx, contactID); err != nil {
			return err
		}
		if c.ErasedAt != nil {
			return apperr.Conflict("this contact was erased")
		}
		_, err = s.Record(ctx, tx, contactID, topicID, status, consent.SourceOf(ctx), time.Time{})
		return err
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, contactID)
	return c, nil
}

// Record writes one person's choice in the caller's transaction, which holds
// the contact's lock, and tells whether it changed anything. at is when they
// chose; zero: now.
func (s *Service) Record(ctx context.Context, tx bun.Tx, contactID, topicID int64, status Status,
	source consent.Source, at time.Time,
) (changed bool, err error) {
	if at.IsZero() {
		if at, err = db.Now(ctx, tx); err != nil {
			return false, err
		}
	}
	if changed, err = set(ctx, tx, contactID, topicID, status, source, at); err != nil || !changed {
		return changed, err
	}
	return true, audit.Record(ctx, tx, audit.ContactTopic, "contact", contactID,
		map[string]any{"topic": topicID, "status": status, "source": source})
}

// LeftAt tells since when a contact has left a topic; nil when they have not.
func (s *Service) LeftAt(ctx context.Context, tx bun.Tx, contactID, topicID int64) (*time.Time, error) {
	return leftAt(ctx, tx, contactID, topicID)
}

// ByKeyword finds the topic that a contact's message names; nil when none.
func (s *Service) ByKeyword(ctx context.Context, idb bun.IDB, folded string) (*Topic, error) {
	return byKeyword(ctx, idb, folded)
}

// Pair is one contact and one topic.
type Pair struct{ ContactID, TopicID int64 }

// Pairs are many contacts with one topic.
func Pairs(topicID int64, contactIDs []int64) []Pair {
	pairs := make([]Pair, len(contactIDs))
	for i, id := range contactIDs {
		pairs[i] = Pair{id, topicID}
	}
	return pairs
}

// RecordBulk writes many choices in the caller's transaction, which holds the
// contacts' locks, and gives the contacts it changed. Who left is not brought
// back in bulk: that takes their own word, or an operator's for each of them.
func (s *Service) RecordBulk(ctx context.Context, tx bun.Tx, pairs []Pair, status Status,
	source consent.Source,
) ([]int64, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	return setMany(ctx, tx, pairs, status, source)
}

// Carry gives a merged contact's subscriptions to the one that stays. Where
// both know a topic, having left it wins.
func (s *Service) Carry(ctx context.Context, tx bun.Tx, keep, gone int64) error {
	return carry(ctx, tx, keep, gone)
}

// Forget drops the subscriptions of erased contacts.
func (s *Service) Forget(ctx context.Context, tx bun.Tx, contactIDs []int64) error {
	return forget(ctx, tx, contactIDs)
}

// OfSandbox counts the subscriptions by a message to the sandbox.
func OfSandbox(ctx context.Context, idb bun.IDB) (int64, error) { return ofSandbox(ctx, idb) }

// PeopleOfSandbox are the contacts who have such a subscription.
func PeopleOfSandbox(ctx context.Context, tx bun.Tx) ([]int64, error) {
	return peopleOfSandbox(ctx, tx)
}

// LeaveSandbox ends the subscriptions by a message to the sandbox, and tells how many these
// were: whoever had left before has left again. The caller has locked the contacts.
func LeaveSandbox(ctx context.Context, tx bun.Tx) (int64, error) { return leaveSandbox(ctx, tx) }
