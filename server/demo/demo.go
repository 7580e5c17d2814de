// Package demo fills an empty installation with believable contacts and six
// weeks of history, so that a newcomer sees every page with life in it. The
// same day gives the same data. It is for the sandbox alone: the numbers are
// made up and may belong to people who never agreed to anything.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/erasure"
	"eventstream/server/jobs"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/price"
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// How many contacts.
const (
	DefaultContacts = 50_000
	minContacts     = 100
	maxContacts     = 100_000
)

const (
	seed  = 20_260_401 // of all dice
	weeks = 6
)

// dice fall the same every time; each use has its own.
func dice(use uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, use)) //nolint:gosec // to be foreseen is the point
}

// Service seeds.
type Service struct {
	db        *db.DB
	hub       *pubsub.Hub
	consents  *consent.Service
	receipts  *message.Receipts
	segments  *segment.Service
	topics    *topic.Service
	templates *template.Service
	links     *link.Service
	erasures  *erasure.Service
	jobs      *jobs.Enqueuer
	owner     string
	now       func() time.Time
	recall    func(address string, at time.Time)
}

// Dependencies are the parts of a Service.
type Dependencies struct {
	DB        *db.DB
	Hub       *pubsub.Hub
	Consents  *consent.Service
	Segments  *segment.Service
	Topics    *topic.Service
	Templates *template.Service
	Links     *link.Service
	Erasures  *erasure.Service
	Jobs      *jobs.Enqueuer
	Owner     string // in leases
	Now       func() time.Time
	// Recall tells whoever plays Twilio of the inbound messages of the last day; nil:
	// nobody does.
	Recall func(address string, at time.Time)
}

// NewService makes the service.
func NewService(d Dependencies) *Service {
	return &Service{
		db: d.DB, hub: d.Hub, consents: d.Consents, receipts: message.NewReceipts(d.Consents, price.NewService(d.DB)), segments: d.Segments, topics: d.Topics, templates: d.Templates,
		links: d.Links, erasures: d.Erasures, jobs: d.Jobs, owner: d.Owner, now: d.Now, recall: d.Recall,
	}
}

// Result tells what was written.
type Result struct{ Contacts, Campaigns, Messages int }

// LastDay names the contacts who wrote in the last day, and when.
func LastDay(ctx context.Context, d *db.DB, tell func(address string, at time.Time)) error {
	return lastDay(ctx, d, tell)
}

// ErrLive refuses to send for real from a database that holds demo contacts.
var ErrLive = errors.New("this database holds demo contacts, whose made-up numbers may belong to strangers: remove the demo data in Settings first, or use another database with live Twilio credentials")

// Present reports whether demo data is here: it was written, and not removed since.
func Present(ctx context.Context, d *db.DB) (bool, error) { return marked(ctx, d) }

// Blocks reports whether demo data keeps the installation from going live: it is here, or a
// run is about to write it. The mark comes only with the data, when a seed commits.
func Blocks(ctx context.Context, idb bun.IDB) (bool, error) { return markedOrComing(ctx, idb) }

// OnlySandbox refuses to write demo data unless the sandbox is in use, and keeps it so until
// the transaction ends.
func OnlySandbox(ctx context.Context, tx bun.Tx) error {
	if _, err := provider.Hold(ctx, tx); err != nil {
		return err
	}
	now, err := provider.Current(ctx, tx)
	if err == nil && now != nil && now.Provider.Live() {
		return apperr.Conflict("demo data is for the sandbox alone, and this database sends over Twilio, account %s", now.Account)
	}
	return err
}

// Seed writes demo data at once, for the command line; see Start for the job. It takes
// some fifteen seconds for 50,000 contacts. Refused when there is any contact already.
func (s *Service) Seed(ctx context.Context, contacts int) (r Result, err error) {
	if err := s.checkSeed(ctx, contacts); err != nil {
		return r, err
	}
	if r, err = s.write(ctx, 0, contacts, func(float64) {}); err != nil {
		return r, err
	}
	return r, s.afterwards(ctx)
}

func (s *Service) checkSeed(ctx context.Context, contacts int) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if contacts < minContacts || contacts > maxContacts {
		return apperr.Invalid("contacts", "%d is out of range: %d to %d contacts", contacts, minContacts, maxContacts)
	}
	return s.onlyWhenEmpty(ctx, s.db)
}

// write writes all of it in one transaction, as the seed with that id; 0: a new one.
// It says how far it is, from 0 to 1.
func (s *Service) write(ctx context.Context, run int64, contacts int, tell func(float64)) (r Result, err error) {
	h := &history{s: s, now: s.now().UTC().Truncate(time.Hour), dice: dice(2), tell: tell}
	if err := h.write(ctx); err != nil { // templates go their own way to approval
		return r, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := OnlySandbox(ctx, tx); err != nil {
			return err
		}
		if err := lockContacts(ctx, tx); err != nil {
			return err
		}
		if err := s.onlyWhenEmpty(ctx, tx); err != nil {
			return err
		}
		if err := h.arrive(ctx, tx, contacts); err != nil {
			return err
		}
		for i := range plans {
			n, err := h.run(ctx, tx, &plans[i])
			if err != nil {
				return fmt.Errorf("%s: %w", plans[i].name, err)
			}
			r.Messages += n
			tell(arrived + (1-arrived)*float64(i+1)/float64(len(plans)))
		}
		if err := h.settle(ctx, tx); err != nil {
			return err
		}
		r.Contacts, r.Campaigns = contacts, len(plans)
		if err := written(ctx, tx, run, r, h.people); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.DemoSeed, "settings", 0, map[string]any{
			"contacts":  r.Contacts,
			"campaigns": r.Campaigns, "messages": r.Messages,
		})
	})
	return r, err
}

// arrived is the share of the work that is done when all contacts are there.
const arrived = 0.4

// afterwards makes known what was written. It may be done again.
func (s *Service) afterwards(ctx context.Context) error {
	for _, g := range groups { // counted when there was nobody yet
		seg, err := s.segment(ctx, g.name, g.description, json.RawMessage(g.query))
		if err != nil {
			return err
		}
		if _, err := s.segments.Update(ctx, seg.ID, segment.Input{}); err != nil {
			return err
		}
	}
	if s.recall != nil {
		if err := LastDay(ctx, s.db, s.recall); err != nil {
			return err
		}
	}
	s.hub.Publish(pubsub.TopicContact, 0)
	s.hub.Publish(pubsub.TopicCampaign, 0)
	return analyze(ctx, s.db)
}

func (s *Service) onlyWhenEmpty(ctx context.Context, idb bun.IDB) error {
	some, err := anyContact(ctx, idb)
	if err != nil {
		return err
	}
	if some {
		return apperr.Conflict("there are contacts already: demo data goes only where there are none")
	}
	return nil
}
