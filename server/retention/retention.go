// Package retention takes away what is older than a workspace wants to keep it: for each
// kind of data a number of days, none by default. Rows that counters, caps, segments and
// repeated webhooks are answered by stay; what people said and what names them goes.
//
// The consent ledger and the audit trail are kept for ever: they are the proof. Files of
// imports go within a day of their import's end (package importer), exports are never
// stored, and what sign-in remembers ends by itself (package auth).
package retention

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Kind of data.
type Kind string

// Kinds.
const (
	MessageTexts   Kind = "message_texts"
	WebhookBodies  Kind = "webhook_bodies"
	DeliveryEvents Kind = "delivery_events"
	Clicks         Kind = "clicks"
	RejectedRows   Kind = "rejected_rows"
)

// Name is the kind as the API calls it.
func (k Kind) Name() string { return strings.ToUpper(string(k)) }

// Kinds are all of them, as people read them.
var Kinds = []Kind{MessageTexts, WebhookBodies, DeliveryEvents, Clicks, RejectedRows}

// MostDays is the longest time that can be asked for.
const MostDays = 3650

// Minimum is how many days a kind is kept at least, because the engine needs it.
var Minimum = map[Kind]int{
	// An unknown message is found in Twilio's log by its text, and a failed one is sent
	// again within days.
	MessageTexts: 30,
	// Receipts are repeated and come late for up to a week.
	WebhookBodies: 8,
	// Repeated receipts are known by them.
	DeliveryEvents: 30,
	// They may wait on the disk of a server, and count once.
	Clicks: 30,
	// Somebody has to correct them.
	RejectedRows: 1,
}

// Limits of the work.
const (
	Batch     = 5000 // rows looked at
	mostCount = 1_000_000
	counting  = 5 * time.Second // for each kind
	everyPass = 24 * time.Hour
)

// Rules say how many days each kind is kept; one that is missing is kept for ever.
type Rules map[Kind]int

// Rule is one of them with what came of it.
type Rule struct {
	Kind       Kind
	Days       int        // 0: for ever
	Removed    int64      // since it was counted, in all
	FinishedAt *time.Time // when all that was old had gone last
}

// Preview is what a rule would take away now.
type Preview struct {
	Kind  Kind
	Days  int
	Count int64
	// AtLeast: counting stopped at Count, or took too long.
	AtLeast bool
}

// Service takes away what is old.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{d} }

// Validate refuses what would take away what the engine or the law needs.
func (r Rules) Validate() error {
	var errs apperr.List
	for _, kind := range Kinds {
		if days, set := r[kind]; set && (days < Minimum[kind] || days > MostDays) {
			_ = errs.Add(apperr.Invalid("rules", "%d is out of range for %s: %d to %d days, or no rule to keep it", days, kind.Name(),
				Minimum[kind], MostDays))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(r)) {
		if !slices.Contains(Kinds, kind) {
			_ = errs.Add(apperr.Invalid("rules", "%q is no kind of data that is removed", kind.Name()))
		}
	}
	return errs.Err()
}

// Rules gives all kinds with what is set and what came of it.
func (s *Service) Rules(ctx context.Context) ([]Rule, error) {
	set, err := rules(ctx, s.db)
	if err != nil {
		return nil, err
	}
	passes, err := passes(ctx, s.db)
	if err != nil {
		return nil, err
	}
	out := make([]Rule, len(Kinds))
	for i, k := range Kinds {
		out[i] = Rule{Kind: k, Days: set[k]}
		if p := passes[k]; p != nil {
			out[i].Removed, out[i].FinishedAt = p.Total+p.Removed, p.FinishedAt
		}
	}
	return out, nil
}

// Preview counts what rules would take away now, and takes nothing.
func (s *Service) Preview(ctx context.Context, r Rules) (out []Preview, err error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	for _, k := range Kinds {
		if days, set := r[k]; set {
			p := Preview{Kind: k, Days: days}
			if p.Count, p.AtLeast, err = count(ctx, s.db, k, days); err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// Set puts rules in the place of those there are. What is old goes within a day.
func (s *Service) Set(ctx context.Context, r Rules) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if err := r.Validate(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := db.LockSetting(ctx, tx, setting); err != nil {
			return err
		}
		was, err := rules(ctx, tx)
		if err != nil {
			return err
		}
		if err := db.SaveSetting(ctx, tx, setting, r); err != nil {
			return err
		}
		if err := passesAtOnce(ctx, tx, r); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, audit.RetentionUpdate, "retention", 1, was, r)
	})
}

// Run is the maintenance task: a batch of each kind whose time has come. It says how
// many rows it looked at.
func (s *Service) Run(ctx context.Context, batch int) (looked int, err error) {
	ctx = actor.With(ctx, actor.System)
	set, err := rules(ctx, s.db)
	if err != nil {
		return 0, err
	}
	for _, k := range Kinds {
		if set[k] == 0 {
			continue
		}
		n, err := s.run(ctx, k, set[k], batch)
		if err != nil {
			return 0, err
		}
		looked = max(looked, n)
	}
	return looked, nil
}

// run does one batch. What it took away and how far it came are one transaction, so that
// a crash neither loses nor repeats a count; the audit trail has one entry for each pass
// that took something away.
func (s *Service) run(ctx context.Context, k Kind, days, batch int) (looked int, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		p, err := lockPass(ctx, tx, k)
		if err != nil || p == nil {
			return err
		}
		did, err := remove(ctx, tx, k, p.Reached, days, batch)
		if err != nil {
			return err
		}
		p.Removed += did.Removed
		if did.Looked > 0 {
			p.Reached = did.Reached
		}
		if done := did.Looked < batch || did.Young && p.Reached > 0; !done {
			looked = batch
			return savePass(ctx, tx, p)
		}
		if p.Removed > 0 {
			if err := audit.Record(ctx, tx, audit.RetentionRemove, "retention", 1, map[string]any{
				"kind": k, "days": days, "removed": p.Removed,
			}); err != nil {
				return err
			}
		}
		return endPass(ctx, tx, p)
	})
	return looked, err
}
