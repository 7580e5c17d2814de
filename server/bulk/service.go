package bulk

import (
	"context"
	"fmt"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/erasure"
	"eventstream/server/export"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

const actionLease = 8 * time.Second

// Dependencies are what the service needs.
type Dependencies struct {
	DB       *db.DB
	Hub      *pubsub.Hub
	Jobs     *jobs.Enqueuer
	Consents *consent.Service
	Segments *segment.Service
	Topics   *topic.Service
	Erasures *erasure.Service
	Exports  *export.Service
	Now      func() time.Time
	Owner    string // this process, in leases
}

// Service starts, works and shows bulk actions.
type Service struct {
	db       *db.DB
	hub      *pubsub.Hub
	jobs     *jobs.Enqueuer
	consents *consent.Service
	segments *segment.Service
	topics   *topic.Service
	erasures *erasure.Service
	exports  *export.Service
	now      func() time.Time
	owner    string
}

// NewService makes the service.
func NewService(d Dependencies) *Service {
	return &Service{
		db: d.DB, hub: d.Hub, jobs: d.Jobs, consents: d.Consents, segments: d.Segments, topics: d.Topics,
		erasures: d.Erasures, exports: d.Exports, now: d.Now, owner: d.Owner,
	}
}

// Start checks everything, counts the contacts, and enqueues the work.
// expected, unless nil, is the number a person was shown: when more would be
// touched, nothing is.
func (s *Service) Start(ctx context.Context, kind Kind, selection contact.Filter, o Options,
	expected *int64,
) (*Action, error) {
	role := actor.RoleMarketer
	if kind == KindErase {
		role = actor.RoleAdmin
	}
	if err := actor.Require(ctx, role); err != nil {
		return nil, err
	}
	var errs apperr.List
	_ = errs.Add(s.check(ctx, kind, &o))
	if len(selection.IDs) > maxSelected {
		_ = errs.Add(apperr.Invalid("contacts.ids",
			"%d ids are too many: at most %d, or a filter", len(selection.IDs), maxSelected))
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if err := s.segments.Narrow(ctx, s.db, &selection); err != nil {
		return nil, err
	}
	a := &Action{
		Kind: kind, Selection: selection, Options: o, Status: StatusPending, OperatorID: actor.OperatorID(ctx),
		APITokenID: actor.TokenID(ctx),
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if a.Total, a.Newest, err = contact.Extent(ctx, tx, selection); err != nil {
			return err
		}
		if a.Total == 0 {
			return apperr.Invalid("contacts", "no contact is selected")
		}
		if expected != nil && a.Total > *expected {
			return apperr.Invalid("expected",
				"%d <contact is|contacts are> selected by now, not %d: look again", a.Total, *expected)
		}
		if err := insert(ctx, tx, a); err != nil {
			return err
		}
		begun := map[string]any{"contacts": a.Total}
		if err := audit.Record(ctx, tx, trails[kind].start, "bulk_action", a.ID, begun); err != nil {
			return err
		}
		if kind == KindExport {
			return nil
		}
		return s.jobs.Insert(ctx, tx, RunArgs{ActionID: a.ID})
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Cancel stops an action; the contacts it has done stay so.
func (s *Service) Cancel(ctx context.Context, id int64) (*Action, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var a *Action
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if a, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		if a.Status.Ended() {
			return apperr.Conflict("the action is %s", a.Status)
		}
		return s.finish(ctx, tx, a, StatusCanceled, "")
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicBulk, id)
	return a, nil
}

func (s *Service) finish(ctx context.Context, tx bun.Tx, a *Action, status Status, failure string) error {
	now := s.now()
	a.Status, a.Failure, a.FinishedAt = status, failure, &now
	if err := save(ctx, tx, a); err != nil {
		return err
	}
	return audit.Record(ctx, tx, trails[a.Kind].ended[status], "bulk_action", a.ID,
		map[string]any{"done": a.Done, "changed": a.Changed})
}

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*Action, error) { return byID(ctx, s.db, id) }

// List gives a page, newest first.
func (s *Service) List(ctx context.Context, p db.Page) (db.Slice[*Action], error) {
	return list(ctx, s.db, p)
}

// Forgotten enqueues the actions that no job works, after a crash.
func (s *Service) Forgotten(ctx context.Context) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		ids, err := forgotten(ctx, tx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.jobs.Insert(ctx, tx, RunArgs{ActionID: id}); err != nil {
				return err
			}
		}
		return nil
	})
}

func leaseName(id int64) string { return fmt.Sprintf("bulk_action:%d", id) }
