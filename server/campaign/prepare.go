package campaign

import (
	"context"
	"fmt"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/say"
	"eventstream/server/segment"
	"eventstream/server/template"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
)

const (
	prepareSlice = 10_000
	prepareTTL   = 8 * time.Second // of the lease on one campaign's preparation
)

// Preparer takes the audiences of launched campaigns. Several processes may each
// run one.
type Preparer struct {
	db        *db.DB
	hub       *pubsub.Hub
	jobs      *jobs.Enqueuer
	service   *Service
	templates *template.Service
	owner     string // this process, in leases
	prepared  prometheus.Counter
}

// PreparerOptions are the parts of a Preparer.
type PreparerOptions struct {
	DB        *db.DB
	Hub       *pubsub.Hub
	Jobs      *jobs.Enqueuer
	Service   *Service
	Templates *template.Service
	Owner     string
	Registry  prometheus.Registerer // nil: no metrics are served
}

// NewPreparer makes a Preparer.
func NewPreparer(o PreparerOptions) *Preparer {
	e := &Preparer{
		db: o.DB, hub: o.Hub, jobs: o.Jobs, service: o.Service, templates: o.Templates, owner: o.Owner,
		prepared: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "campaign_prepared_recipients_total",
			Help: "Members of audiences written as messages.",
		}),
	}
	if o.Registry != nil {
		o.Registry.MustRegister(e.prepared)
	}
	return e
}

func prepareLease(id int64) string { return fmt.Sprintf("campaign_prepare:%d", id) }

// Prepare writes a message for every member of the audience: pending, or
// skipped with its reason. It works in slices by contact id, each with its
// cursor in one transaction, so that it goes on where a crash stopped it, and
// running it again adds nobody twice.
func (e *Preparer) Prepare(ctx context.Context, id int64) error {
	ctx = actor.With(ctx, actor.System)
	_, err := db.WithLease(ctx, e.db, prepareLease(id), e.owner, prepareTTL, func(ctx context.Context) error {
		for {
			done, err := e.prepareSlice(ctx, id)
			if err != nil {
				return e.failPrepare(ctx, id, err)
			}
			e.hub.Publish(pubsub.TopicCampaign, id)
			if done {
				return nil
			}
		}
	})
	return err
}

func (e *Preparer) prepareSlice(ctx context.Context, id int64) (done bool, err error) {
	err = e.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := forUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.Status != StatusPreparing {
			done = true
			return nil
		}
		if c.UndoUntil != nil {
			now, err := db.Now(ctx, tx)
			if err != nil {
				return err
			}
			if c.UndoUntil.After(now) {
				done = true
				return nil
			}
		}
		predicate, err := segment.CompileFrozen(ctx, c.AudienceQuery)
		if err != nil {
			return err
		}
		t, err := template.Find(ctx, tx, *c.TemplateID)
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
		variants, err := variantsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		said, err := frozenWordings(ctx, tx, c, t, variants)
		if err != nil {
			return err
		}
		drawn, err := drawsOf(ctx, tx, c, t.Category, variants)
		if err != nil {
			return err
		}
		by := screen{t.Category, c.TopicID}
		taken, err := message.EnqueueAudience(ctx, tx, message.Audience{
			CampaignID: c.ID, Version: choose(said), Members: predicate, Join: by.join(c.AudienceCursor),
			SkipReason: by.reason(), Pilot: c.Pilot, Draw: drawn.sql(), Tests: len(variants) > 0, Rotation: shares.rotation(), Senders: variants.senders(),
		}, c.AudienceCursor, prepareSlice)
		if err != nil {
			return err
		}
		if taken.Seen > 0 {
			e.prepared.Add(float64(taken.Seen))
			return take(ctx, tx, id, taken)
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
		if err := audit.Record(ctx, tx, audit.CampaignPrepared, "campaign", id,
			map[string]any{"from": StatusPreparing, "to": StatusSending}); err != nil {
			return err
		}
		v, err := unsendable(ctx, tx, c)
		if err != nil {
			return err
		}
		if reason := c.PausedReason; reason != "" || v != nil { // withdrawn or moved while the audience was taken
			if reason == "" {
				reason = fmt.Sprintf("WhatsApp has %s the template “%s”.", v.ApprovalStatus, t.Name)
			}
			_, err := moveTx(ctx, tx, id, audit.CampaignPause, StatusPaused, func(_ context.Context, _ bun.Tx, c *Campaign) error {
				c.PausedBy, c.PausedReason = PausedByEngine, reason
				return nil
			})
			return err
		}
		if err := e.sendToTeam(ctx, tx, c, by, said, variants, shares); err != nil {
			return err
		}
		return WakeWorkers(ctx, tx, e.jobs, shares.senders()...)
	})
	return done, err
}

// failPrepare ends a campaign whose audience cannot be taken, with a reason
// that a marketer understands; passing troubles are left to the next try.
func (e *Preparer) failPrepare(ctx context.Context, id int64, cause error) error {
	if !apperr.Is(cause, apperr.CodeInvalid) {
		return cause
	}
	_, err := e.service.move(ctx, id, audit.CampaignFail, StatusFailed,
		func(_ context.Context, _ bun.Tx, c *Campaign) error {
			c.Failure = say.New("The audience could not be taken: %s", apperr.Text(cause)).String()
			return nil
		})
	return err
}

// EnqueueLost enqueues the jobs of campaigns whose audience nobody takes.
// Maintenance runs it.
func (e *Preparer) EnqueueLost(ctx context.Context) error {
	return e.db.Tx(actor.With(ctx, actor.System), func(ctx context.Context, tx bun.Tx) error {
		waiting, err := unprepared(ctx, tx)
		if err != nil {
			return err
		}
		for _, id := range waiting {
			if err := e.jobs.Insert(ctx, tx, PrepareArgs{CampaignID: id}); err != nil {
				return err
			}
		}
		return nil
	})
}
