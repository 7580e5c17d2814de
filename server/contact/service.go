package contact

import (
	"context"
	"errors"
	"sort"
	"strings"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

// Service creates, changes and finds contacts.
type Service struct {
	db  *db.DB
	hub *pubsub.Hub
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub) *Service { return &Service{db: d, hub: hub} }

// Create adds a contact; conflict when its number is known in any spelling.
// after runs in the same transaction (to record consent, say).
func (s *Service) Create(ctx context.Context, address, region string, in Input,
	after func(context.Context, bun.Tx, *Contact) error,
) (*Contact, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	a, err := ParseAddress(address, region)
	if err != nil {
		return nil, err
	}
	c := New(a)
	if err := in.apply(c); err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		err := AddAddresses(ctx, tx, []NewAddress{{Contact: c, Address: a, Preferred: true}}, SourceOther, nil)
		if errors.Is(err, ErrMoved) {
			return apperr.Invalid("address", "there is a contact with the number %s already", a.Wire)
		}
		if err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.ContactCreate, "contact", c.ID, nil); err != nil {
			return err
		}
		if err := NoteAttributes(ctx, tx, keysOf(in.Attributes)); err != nil {
			return err
		}
		if after != nil {
			return after(ctx, tx, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, c.ID)
	return c, nil
}

// Update changes what in names.
func (s *Service) Update(ctx context.Context, id int64, in Input) (*Contact, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var c *Contact
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = ByIDForUpdate(ctx, tx, id); err != nil {
			return err
		}
		if c.ErasedAt != nil {
			return apperr.Conflict("this contact was erased")
		}
		if err := in.apply(c); err != nil {
			return err
		}
		if err := saveProfile(ctx, tx, c); err != nil {
			return err
		}
		if err := NoteAttributes(ctx, tx, keysOf(in.Attributes)); err != nil {
			return err
		}
		return audit.RecordFields(ctx, tx, audit.ContactUpdate, "contact", id, in.changed())
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, c.ID)
	return c, nil
}

func (in Input) changed() []string {
	var fields []string
	if in.Name != nil {
		fields = append(fields, "name")
	}
	if in.Locale != nil {
		fields = append(fields, "locale")
	}
	if in.TimeZone != nil {
		fields = append(fields, "timeZone")
	}
	for key := range in.Attributes {
		fields = append(fields, "attributes."+key)
	}
	sort.Strings(fields)
	return fields
}

// ByID finds one contact.
func (s *Service) ByID(ctx context.Context, id int64) (*Contact, error) {
	found, err := ByIDs(ctx, s.db, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("contact %v does not exist", id)
	}
	return found[0], nil
}

// ByIDs finds many; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]*Contact, error) {
	return ByIDs(ctx, s.db, ids)
}

// ByAddress finds a contact by its number in any spelling, or its BSUID.
func (s *Service) ByAddress(ctx context.Context, address string) (*Contact, error) {
	a, err := DeliveredAddress(address)
	if err != nil {
		return nil, err
	}
	return ByMatchKey(ctx, s.db, a.MatchKey)
}

// List gives a page of contacts.
func (s *Service) List(ctx context.Context, f Filter, o Order, p db.Page) (db.Slice[*Contact], error) {
	return list(ctx, s.db, f, o, p)
}

// Count tells how many contacts f matches.
func (s *Service) Count(ctx context.Context, f Filter) (int64, error) { return count(ctx, s.db, f) }

// FoldCounts adds up to limit changes of the counters together, and says how
// many. It is a maintenance task: the sum stays the same, and reading it cheap.
func (s *Service) FoldCounts(ctx context.Context, limit int) (int, error) {
	return fold(ctx, s.db, limit)
}

// Duplicates gives for each contact those who may be the same person, ten at most.
func (s *Service) Duplicates(ctx context.Context, ids []int64) (map[int64][]*Contact, error) {
	of, err := ByIDs(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	return duplicates(ctx, s.db, of)
}

// searchTerms reads a search box. digits are set when it holds a number in any
// spelling, or part of one: they look at the address.
func searchTerms(search string) (text, digits string) {
	text = CleanText(search)
	if a, err := ParseAddress(text, ""); err == nil {
		return text, strings.TrimPrefix(a.MatchKey, "+")
	}
	only := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case strings.ContainsRune("+()-. /", r):
			return -1
		}
		return 'x'
	}, text)
	if len(only) >= 3 && !strings.Contains(only, "x") {
		// 00 stands for +, and a national number begins with a 0 that its
		// international form lacks.
		if short := strings.TrimLeft(only, "0"); len(short) >= 3 {
			only = short
		}
		return text, only
	}
	return text, ""
}

// LiftMarks takes the marks back whose time is over: nobody is unreachable or
// without marketing for ever. Maintenance runs it.
func (s *Service) LiftMarks(ctx context.Context, n int) (int, error) { return LiftMarks(ctx, s.db, n) }
