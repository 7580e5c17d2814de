package campaign

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
)

const (
	prepareSlice = 10_000
	workLease    = 8 * time.Second // of one campaign's preparing
)

// Engine does the work behind campaigns: it takes audiences, sends, and clears
// up after crashes. Several processes may each run one.
type Engine struct {
	db        *db.DB
	hub       *pubsub.Hub
	jobs      *jobs.Enqueuer
	service   *Service
	consents  *consent.Service
	templates *template.Service
	senders   *sender.Service
	topics    *topic.Service
	provider  message.Provider
	log       *slog.Logger
	now       func() time.Time
	owner     string        // this process, in leases
	grace     time.Duration // how long the provider's log may lag
	calls     *limiter      // calls to the provider at once
	brake     brake         // of the whole account
	lanes     sync.Map      // sender → true: those that this process dispatches
	letters   sync.Map      // template version → *letter
	metrics   *metrics
}

// EngineOptions are the Engine's parts.
type EngineOptions struct {
	DB             *db.DB
	Hub            *pubsub.Hub
	Jobs           *jobs.Enqueuer
	Service        *Service
	Consents       *consent.Service
	Templates      *template.Service
	Senders        *sender.Service
	Topics         *topic.Service
	Provider       message.Provider
	Log            *slog.Logger
	Now            func() time.Time
	Owner          string
	ReconcileGrace time.Duration // default 2 minutes
	Registry       prometheus.Registerer
}

// NewEngine makes an Engine.
func NewEngine(o EngineOptions) *Engine {
	if o.ReconcileGrace == 0 {
		o.ReconcileGrace = 2 * time.Minute
	}
	e := &Engine{
		db: o.DB, hub: o.Hub, jobs: o.Jobs, service: o.Service, consents: o.Consents, templates: o.Templates, senders: o.Senders, topics: o.Topics,
		provider: o.Provider, log: o.Log, now: o.Now, owner: o.Owner, grace: o.ReconcileGrace, calls: newLimiter(), metrics: newMetrics(),
	}
	if o.Registry != nil {
		e.metrics.register(o.Registry, e)
	}
	return e
}

func prepareLease(id int64) string { return fmt.Sprintf("campaign_prepare:%d", id) }

// Prepare writes a message for every member of the audience: pending, or
// skipped with its reason. It works in slices by contact id, each with its
// cursor in one transaction, so that it goes on where a crash stopped it, and
// running it again adds nobody twice.
func (e *Engine) Prepare(ctx context.Context, id int64) error {
	ctx = actor.With(ctx, actor.System)
	held, err := db.Lease(ctx, e.db, prepareLease(id), e.owner, workLease)
	if err != nil || !held {
		return err
	}
	defer func() { _ = db.Release(context.WithoutCancel(ctx), e.db, prepareLease(id), e.owner) }()
	for {
		if held, err := db.Lease(ctx, e.db, prepareLease(id), e.owner, workLease); err != nil || !held {
			return err
		}
		done, err := e.prepareSlice(ctx, id)
		if err != nil {
			return e.failPrepare(ctx, id, err)
		}
		e.hub.Publish(pubsub.TopicCampaign, id)
		if done {
			return nil
		}
	}
}

func (e *Engine) prepareSlice(ctx context.Context, id int64) (done bool, err error) {
	err = e.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := forUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.Status != StatusPreparing {
			done = true
			return nil
		}
		predicate, err := segment.CompileFrozen(ctx, c.AudienceQuery)
		if err != nil {
			return err
		}
		t, err := e.templates.ByID(ctx, *c.TemplateID)
		if err != nil {
			return err
		}
		shares, err := activeShares(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(shares) == 0 { // dispatch finds that out and says so
			shares = Shares{{SenderID: *c.SenderID, Weight: 1}}
		}
		last, seen, err := insertAudience(ctx, tx, c, predicate, screen{t.Category, c.TopicID}, shares.deck(), prepareSlice)
		if err != nil {
			return err
		}
		if seen > 0 {
			e.metrics.prepared.Add(float64(seen))
			return moveCursor(ctx, tx, id, last)
		}
		done = true
		now, err := db.Now(ctx, tx)
		if err != nil {
			return err
		}
		c.PreparedAt = &now
		c.Status = StatusSending
		if err := save(ctx, tx, c); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "campaign.prepared", "campaign", id, map[string]any{"from": StatusPreparing, "to": StatusSending}); err != nil {
			return err
		}
		return e.summon(ctx, tx, shares.senders()...)
	})
	return done, err
}

// failPrepare ends a campaign whose audience cannot be taken, with a reason
// that a marketer understands; passing troubles are left to the next try.
func (e *Engine) failPrepare(ctx context.Context, id int64, cause error) error {
	if !apperr.Is(cause, apperr.CodeInvalid) {
		return cause
	}
	_, err := e.service.move(ctx, id, "campaign.fail", StatusFailed, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		now, err := db.Now(ctx, tx)
		c.FinishedAt, c.Failure = &now, "The audience could not be taken: "+cause.Error()
		return err
	})
	return err
}
