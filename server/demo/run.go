package demo

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Kind of a run.
type Kind string

// Kinds.
const (
	KindSeed   Kind = "seed"
	KindRemove Kind = "remove"
)

// Status of a run.
type Status string

// Statuses.
const (
	StatusPending   Status = "pending"
	StatusRunning   Status = "running"
	StatusCompleted Status = "completed"
	StatusFailed    Status = "failed"
)

// Run is one writing or erasing of demo data, worked as a job.
type Run struct {
	bun.BaseModel `bun:"table:demo_runs,alias:dr"`

	ID           int64      `bun:",pk,autoincrement"`
	Kind         Kind       //
	Status       Status     //
	Contacts     int        // to write, or to erase
	Campaigns    int        //
	Messages     int        // once they are written
	Progress     float64    // 0 to 1
	Failure      string     // for people
	FirstContact *int64     // of a seed, once its contacts are there
	LastContact  *int64     //
	OperatorID   *int64     // who asked
	APITokenID   *int64     `bun:"api_token_id"`
	CreatedAt    time.Time  `bun:",nullzero"`
	StartedAt    *time.Time //
	FinishedAt   *time.Time //
}

// RunArgs is the job that works a run.
type RunArgs struct {
	RunID int64 `json:"run_id"`
}

// Kind names the job.
func (RunArgs) Kind() string { return "demo_run" }

// InsertOpts names its queue.
func (RunArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobs.QueueImports} }

// State is what there is of demo data.
type State struct {
	Present  bool  // a database with it refuses live credentials
	Contacts int64 // that are there and not erased
	Run      *Run  // the newest; nil: there was none
}

// StateOf reads it.
func (s *Service) StateOf(ctx context.Context) (State, error) { return state(ctx, s.db) }

// Start begins to write demo data, as a job. Refused when there is any contact already.
func (s *Service) Start(ctx context.Context, contacts int) (*Run, error) {
	if err := s.checkSeed(ctx, contacts); err != nil {
		return nil, err
	}
	return s.enqueue(ctx, &Run{Kind: KindSeed, Contacts: contacts, Campaigns: len(plans)})
}

// StartRemoval begins to erase the demo contacts, as a job. contacts is how many there
// are, as whoever asks has seen.
func (s *Service) StartRemoval(ctx context.Context, contacts int64) (*Run, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	now, err := state(ctx, s.db)
	if err != nil {
		return nil, err
	}
	if !now.Present {
		return nil, apperr.Conflict("there is no demo data")
	}
	if now.Contacts != contacts {
		return nil, apperr.Invalid("contacts", "%d is not how many demo contacts there are: %d", contacts, now.Contacts)
	}
	return s.enqueue(ctx, &Run{Kind: KindRemove, Contacts: int(min(contacts, math.MaxInt32))})
}

func (s *Service) enqueue(ctx context.Context, r *Run) (*Run, error) {
	r.Status, r.OperatorID, r.APITokenID = StatusPending, actor.OperatorID(ctx), actor.TokenID(ctx)
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if r.Kind == KindSeed {
			if err := OnlySandbox(ctx, tx); err != nil {
				return err
			}
		}
		if err := insertRun(ctx, tx, r); apperr.Is(err, apperr.CodeConflict) {
			return apperr.Conflict("demo data is being written or removed already")
		} else if err != nil {
			return err
		}
		return s.jobs.Insert(ctx, tx, RunArgs{RunID: r.ID})
	})
	return r, err
}

// lease is how long a run's job may be silent before another takes over.
const lease = 8 * time.Second

// Work works a run. Contacts and history are written in one transaction, all or
// nothing; contacts are erased in batches. A job that takes over after a crash goes on
// where that stands.
func (s *Service) Work(ctx context.Context, id int64) error {
	_, err := db.WithLease(ctx, s.db, leaseOf(id), s.owner, lease, func(ctx context.Context) error {
		r, err := s.begin(ctx, id)
		if err != nil || r == nil {
			return err
		}
		ctx = actor.With(ctx, actor.Starter(r.OperatorID, r.APITokenID, actor.RoleAdmin))
		if r.Kind == KindRemove {
			err = s.remove(ctx, r)
		} else {
			err = s.fill(ctx, r)
		}
		if apperr.Is(err, apperr.CodeConflict) || apperr.Is(err, apperr.CodeInvalid) {
			return fail(ctx, s.db, id, apperr.Text(err).String())
		}
		return err
	})
	return err
}

// begin gives a run that is to be worked; nil: it has ended. A seed that waited while
// Twilio became the provider fails.
func (s *Service) begin(ctx context.Context, id int64) (r *Run, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if r, err = begin(ctx, tx, id); err != nil || r == nil || r.Kind != KindSeed {
			return err
		}
		err := OnlySandbox(ctx, tx)
		if apperr.Is(err, apperr.CodeConflict) {
			r = nil
			return fail(ctx, tx, id, apperr.Text(err).String())
		}
		return err
	})
	return r, err
}

// Forgotten enqueues the run that no job works, after a crash.
func (s *Service) Forgotten(ctx context.Context) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		ids, err := forgotten(ctx, tx)
		for _, id := range ids {
			if err := s.jobs.Insert(ctx, tx, RunArgs{RunID: id}); err != nil {
				return err
			}
		}
		return err
	})
}

func (s *Service) fill(ctx context.Context, r *Run) error {
	if r.FirstContact == nil { // else a job before this one wrote all of it
		var done atomic.Uint64 // of 1, as a float's bits: the transaction tells nobody how far it is
		stop := s.report(ctx, r.ID, &done)
		_, err := s.write(ctx, r.ID, r.Contacts, func(part float64) { done.Store(math.Float64bits(part)) })
		stop()
		if err != nil {
			return err
		}
	}
	if err := s.afterwards(ctx); err != nil {
		return err
	}
	return complete(ctx, s.db, r.ID)
}

// report writes down how far a run is, until stopped.
func (s *Service) report(ctx context.Context, id int64, done *atomic.Uint64) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = progress(ctx, s.db, id, math.Float64frombits(done.Load())) // the next one says it
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// removeBatch is how many contacts are erased in one transaction.
const removeBatch = 200

func (s *Service) remove(ctx context.Context, r *Run) error {
	for {
		var ids []int64
		err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			if ids, err = demoContacts(ctx, tx, removeBatch); err != nil || len(ids) == 0 {
				return err
			}
			family, err := contact.LockFamily(ctx, tx, ids)
			if err != nil {
				return err
			}
			if err := s.erasures.EraseInvented(ctx, tx, family); err != nil {
				return err
			}
			return advance(ctx, tx, r.ID, len(ids))
		})
		if err != nil {
			return err
		}
		s.hub.Publish(pubsub.TopicContact, ids...)
		if len(ids) == 0 {
			break
		}
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := unmark(ctx, tx); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.DemoRemove, "settings", 0, map[string]any{"contacts": r.Contacts}); err != nil {
			return err
		}
		return complete(ctx, tx, r.ID)
	})
}
