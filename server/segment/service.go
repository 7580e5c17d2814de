package segment

import (
	"context"
	"encoding/json"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Segment is a saved query over contacts.
type Segment struct {
	bun.BaseModel `bun:"table:segments,alias:s"`

	ID          int64           `bun:",pk,autoincrement"`
	Name        string          //
	Description string          //
	Query       json.RawMessage `bun:"type:jsonb"` // in the form of Format
	LastCount   *int64          // members when last counted
	CountedAt   *time.Time      //
	CreatedAt   time.Time       `bun:",nullzero"`
	UpdatedAt   time.Time       `bun:",nullzero"`
}

// Service keeps segments and counts them.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Input is what a person sets; nil leaves a field as it is.
type Input struct {
	Name, Description *string
	Query             json.RawMessage
}

func (in Input) apply(s *Segment) error {
	var errs apperr.List
	if in.Name != nil {
		s.Name = contact.CleanText(*in.Name)
	}
	if in.Description != nil {
		s.Description = contact.CleanText(*in.Description)
	}
	if s.Name == "" || utf8.RuneCountInString(s.Name) > 100 {
		_ = errs.Add(apperr.Invalid("name", "give a name of 1 to 100 characters"))
	}
	if utf8.RuneCountInString(s.Description) > 1000 {
		_ = errs.Add(apperr.Invalid("description", "a description has at most 1,000 characters"))
	}
	if in.Query != nil {
		n, err := Parse(in.Query)
		_ = errs.Add(err)
		if err == nil {
			s.Query = Format(n)
		}
	}
	return errs.Err()
}

// Create saves a new segment.
func (s *Service) Create(ctx context.Context, in Input) (*Segment, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if in.Query == nil {
		in.Query = json.RawMessage(`{"all":[]}`)
	}
	seg := new(Segment)
	if err := in.apply(seg); err != nil {
		return nil, err
	}
	return seg, s.save(ctx, audit.SegmentCreate, func(ctx context.Context, tx bun.Tx) (*Segment, map[string]any, error) {
		return seg, nil, insert(ctx, tx, seg)
	})
}

// Update changes what in names.
func (s *Service) Update(ctx context.Context, id int64, in Input) (*Segment, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var seg *Segment
	err := s.save(ctx, audit.SegmentUpdate, func(ctx context.Context, tx bun.Tx) (_ *Segment, was map[string]any, err error) {
		if seg, err = byID(ctx, tx, id); err != nil {
			return nil, nil, err
		}
		was = seg.audited()
		if err := in.apply(seg); err != nil {
			return nil, nil, err
		}
		return seg, was, update(ctx, tx, seg)
	})
	if err != nil {
		return nil, err
	}
	return seg, nil
}

// audited is what a segment is set to, for the trail.
func (seg *Segment) audited() map[string]any {
	return map[string]any{"name": seg.Name, "description": seg.Description, "query": seg.Query}
}

// save has a segment written, which comes with what it was set to. Segments name one another, so one at a time is read,
// changed and checked: of two at once each could close the other's circle. They
// are counted after the commit, because that may take long on many contacts.
func (s *Service) save(ctx context.Context, action audit.Action,
	write func(context.Context, bun.Tx) (seg *Segment, was map[string]any, err error),
) error {
	var seg *Segment
	var was map[string]any
	var p Predicate
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if err := lockAll(ctx, tx); err != nil {
			return err
		}
		if seg, was, err = write(ctx, tx); err != nil {
			return err
		}
		n, err := Parse(seg.Query)
		if err != nil {
			return err
		}
		// After writing, so that a segment that names itself is found out and rolled back.
		if p, err = Compile(ctx, n, s.resolver(tx, seg.ID)); err != nil {
			return err
		}
		if err := s.checkThoseThatName(ctx, tx, seg.ID); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, action, "segment", seg.ID, was, seg.audited())
	})
	if db.IsUnique(err) {
		return apperr.Invalid("name", "there is a segment named %q already", seg.Name)
	}
	if err != nil {
		return err
	}
	if err := recount(ctx, s.db, seg, p); !apperr.Is(err, apperr.CodeUnavailable) {
		return err
	}
	return nil // it is saved; how many it has is not known yet
}

// checkThoseThatName refuses a change of a segment that makes another one too large,
// which names it, however far round.
func (s *Service) checkThoseThatName(ctx context.Context, tx bun.Tx, id int64) error {
	seen, next := map[int64]bool{id: true}, []int64{id}
	for len(next) > 0 {
		id, next = next[0], next[1:]
		naming, err := namedBy(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, other := range naming {
			if seen[other.ID] {
				continue
			}
			seen[other.ID] = true
			next = append(next, other.ID)
			n, err := Parse(other.Query)
			if err == nil {
				_, err = Compile(ctx, n, s.resolver(tx, other.ID))
			}
			if apperr.Is(err, apperr.CodeInvalid) {
				return apperr.Invalid("query", "the segment %q names this one, and then: %s", other.Name, apperr.Text(err))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete removes a segment that no segment or campaign uses.
func (s *Service) Delete(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockAll(ctx, tx); err != nil {
			return err
		}
		users, err := usedBy(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		if len(users[id]) > 0 {
			return apperr.Conflict("this segment is used by %s", say.List(users[id]...))
		}
		name, err := remove(ctx, tx, id)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SegmentDelete, "segment", id, map[string]any{"name": name})
	})
}

// UsedBy names, for each of the segments, some campaigns and segments that need it.
func (s *Service) UsedBy(ctx context.Context, ids []int64) (map[int64][]say.Text, error) {
	return usedBy(ctx, s.db, ids)
}

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*Segment, error) { return byID(ctx, s.db, id) }

// Find finds one in the caller's transaction.
func Find(ctx context.Context, idb bun.IDB, id int64) (*Segment, error) { return byID(ctx, idb, id) }

// MatchesAny reports whether a query matches anybody, in the caller's transaction.
func (s *Service) MatchesAny(ctx context.Context, idb bun.IDB, query json.RawMessage) (bool, error) {
	p, err := s.Compile(ctx, idb, query)
	if err != nil {
		return false, err
	}
	return matchesAny(ctx, idb, p)
}

// ByIDs finds many; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]*Segment, error) {
	return byIDs(ctx, s.db, ids)
}

// List gives a page, newest first.
func (s *Service) List(ctx context.Context, search string, p db.Page) (db.Slice[*Segment], error) {
	return list(ctx, s.db, search, p)
}

// Count tells how many segments there are.
func (s *Service) Count(ctx context.Context, search string) (int64, error) {
	return countSegments(ctx, s.db, search)
}

// Preview is what a query matches now.
type Preview struct {
	Count     int64
	Reachable int64 // of Count: opted in, reachable
	ByConsent map[contact.ConsentStatus]int64
	Sample    []*contact.Contact
	Reasons   [][]Reason // of Sample, in its order
}

// Preview counts a query, saved or not, and gives a sample of up to 100.
func (s *Service) Preview(ctx context.Context, query json.RawMessage, sample int) (*Preview, error) {
	if sample < 0 || sample > 100 {
		return nil, apperr.Invalid("sample", "%d is out of range: 0 to 100", sample)
	}
	n, err := Parse(query)
	if err != nil {
		return nil, err
	}
	p, err := Compile(ctx, n, s.resolver(s.db, 0))
	if err != nil {
		return nil, err
	}
	out, err := preview(ctx, s.db, p, sample)
	if err == nil {
		out.Reasons, err = s.reasonsFor(ctx, s.db, n, out.Sample)
	}
	return out, err
}

// CountQuery counts what a query matches; nil counts everybody.
func (s *Service) CountQuery(ctx context.Context, query json.RawMessage) (int64, error) {
	if query == nil {
		query = json.RawMessage(`{"all":[]}`)
	}
	pre, err := s.Preview(ctx, query, 0)
	if err != nil {
		return 0, err
	}
	return pre.Count, nil
}

// Compile checks and compiles a query, with the segments it names read through idb.
func (s *Service) Compile(ctx context.Context, idb bun.IDB, query json.RawMessage) (Predicate, error) {
	n, err := Parse(query)
	if err != nil {
		return Predicate{}, err
	}
	return Compile(ctx, n, s.resolver(idb, 0))
}

// Narrow compiles the query of a filter of contacts, for whoever lists them.
func (s *Service) Narrow(ctx context.Context, idb bun.IDB, f *contact.Filter) error {
	f.Where = nil
	if len(f.Query) == 0 || string(f.Query) == "null" {
		f.Query = nil
		return nil
	}
	p, err := s.Compile(ctx, idb, f.Query)
	if err == nil {
		f.Where = &p
	}
	return err
}

// NarrowList is Narrow for a list that is read at once.
func (s *Service) NarrowList(ctx context.Context, f *contact.Filter) error {
	return s.Narrow(ctx, s.db, f)
}

// Freeze gives the query with the segments it names written out, so that later
// changes to them do not matter.
func (s *Service) Freeze(ctx context.Context, idb bun.IDB, query json.RawMessage) (json.RawMessage, error) {
	n, err := Parse(query)
	if err != nil {
		return nil, err
	}
	resolve := s.resolver(idb, 0)
	if _, err := Compile(ctx, n, resolve); err != nil { // also finds circles
		return nil, err
	}
	n, err = inline(ctx, n, resolve)
	if err != nil {
		return nil, err
	}
	return Format(n), nil
}

func inline(ctx context.Context, n Node, resolve Resolver) (Node, error) {
	each := func(parts []Node) ([]Node, error) {
		out := make([]Node, len(parts))
		for i, p := range parts {
			q, err := inline(ctx, p, resolve)
			if err != nil {
				return nil, err
			}
			out[i] = q
		}
		return out, nil
	}
	switch x := n.(type) {
	case All:
		parts, err := each(x.Parts)
		return All{parts}, err
	case Any:
		parts, err := each(x.Parts)
		return Any{parts}, err
	case Not:
		part, err := inline(ctx, x.Part, resolve)
		return Not{part}, err
	case InSegment:
		other, err := resolve(ctx, x.ID)
		if err != nil {
			return nil, err
		}
		return inline(ctx, other, resolve)
	}
	return n, nil
}

// CompileFrozen compiles what Freeze gave. Being frozen it may nest deeper than
// people may, so the limits do not apply.
func CompileFrozen(ctx context.Context, query json.RawMessage) (Predicate, error) {
	n, err := parseUnlimited(query)
	if err != nil {
		return Predicate{}, err
	}
	return compile(ctx, n, func(context.Context, int64) (Node, error) {
		return nil, apperr.New(apperr.CodeInternal, "a frozen query names a segment")
	}, noLimit)
}

// resolver reads segments by id; self is the one being saved, whose name in a
// query closes a circle.
func (s *Service) resolver(idb bun.IDB, self int64) Resolver {
	known := map[int64]Node{} // a query may name one again and again
	return func(ctx context.Context, id int64) (Node, error) {
		if id == self {
			return nil, apperr.Invalid("query", "the segment names itself")
		}
		if n := known[id]; n != nil {
			return n, nil
		}
		found, err := byIDs(ctx, idb, []int64{id})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, apperr.Invalid("query", "the query names a segment that does not exist")
		}
		n, err := Parse(found[0].Query)
		known[id] = n
		return n, err
	}
}
