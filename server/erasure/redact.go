package erasure

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/message"

	"github.com/uptrace/bun"
)

// Redacting at the provider. Twilio names no limit for these calls beside the number of
// calls at once, and sending has the same account: so few at a time, and not many a
// second.
const (
	RedactBatch  = 50
	redactAtOnce = 4
	redactPause  = 50 * time.Millisecond // between calls: 20 a second

	claimFor    = 3 * time.Minute // longer than a run may take
	firstWait   = time.Minute     // Twilio asks to wait a minute after a message was sent (errors/20009)
	longestWait = 6 * time.Hour
	giveUpAfter = 15 * 24 * time.Hour // a message is final within 14 days (errors/20009)
)

// RedactorOptions say where texts are taken away.
type RedactorOptions struct {
	DB       *db.DB
	Provider message.Redactor
	Account  string // of the provider
	// Held tells that this may be a copy of an installation that still works: then
	// nothing is changed at the provider.
	Held func(ctx context.Context) (bool, error)
}

// Redactor takes the texts of erased people away at the provider, after the engine's
// own are gone. It never holds an erasure up.
type Redactor struct {
	RedactorOptions
	mu   sync.Mutex
	rest time.Time // until then the provider is left alone
}

// NewRedactor makes one.
func NewRedactor(o RedactorOptions) *Redactor { return &Redactor{RedactorOptions: o} }

// Run is the maintenance task: it asks for the next messages that are due. Those of
// another account than the one in use wait until it is, or are given up.
func (r *Redactor) Run(ctx context.Context, batch int) (int, error) {
	ctx = actor.With(ctx, actor.System)
	if err := r.giveUp(ctx); err != nil {
		return 0, err
	}
	if held, err := r.Held(ctx); err != nil || held || time.Now().Before(r.resting()) {
		return 0, err
	}
	rows, err := claimRedactions(ctx, r.DB, r.Account, batch)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	r.ask(ctx, rows)
	// What was answered is written also when the process is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return len(rows), r.settle(ctx, rows)
}

func (r *Redactor) resting() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rest
}

// ask asks the provider for each, until it says that it wants to be left alone.
func (r *Redactor) ask(ctx context.Context, rows []*redaction) {
	var calls sync.WaitGroup
	slots := make(chan struct{}, redactAtOnce)
	pace := time.NewTicker(redactPause)
	defer pace.Stop()
	for _, row := range rows {
		row.wait = firstWait // not asked
		if ctx.Err() != nil || time.Now().Before(r.resting()) {
			continue
		}
		<-pace.C
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			answer, err := r.Provider.Redact(ctx, row.SID)
			r.note(row, answer, err)
		})
	}
	calls.Wait()
}

// note writes down what came of one call.
func (r *Redactor) note(row *redaction, answer message.Redaction, err error) {
	row.Tries++
	row.wait = min(firstWait<<min(row.Tries-1, 16), longestWait)
	var failed *message.SendError
	switch {
	case errors.As(err, &failed):
		row.Reason = "Twilio did not answer"
		if failed.HTTPStatus != 0 {
			row.Reason = fmt.Sprintf("Twilio answered %d", failed.HTTPStatus)
		}
		row.wait = max(row.wait, failed.RetryAfter)
		r.mu.Lock()
		r.rest = time.Now().Add(max(failed.RetryAfter, failed.Info.Delay, 5*time.Second))
		r.mu.Unlock()
	case err != nil:
		row.Reason = "Twilio could not be asked"
	case answer.Outcome == message.RedactionBusy:
		row.Reason = "its delivery is not over"
	default:
		row.Outcome, row.Reason = string(answer.Outcome), answer.Reason
	}
}

// settle writes what came of a batch, and tells the audit trail of contacts of whom
// nothing waits any more.
func (r *Redactor) settle(ctx context.Context, rows []*redaction) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := saveRedactions(ctx, tx, rows); err != nil {
			return err
		}
		contacts := map[int64]bool{}
		for _, row := range rows {
			contacts[row.ContactID] = true
		}
		return conclude(ctx, tx, contacts)
	})
}

// giveUp refuses what waited for longer than any message takes to be final.
func (r *Redactor) giveUp(ctx context.Context) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		contacts, err := refuseOld(ctx, tx, r.Account, giveUpAfter, RedactBatch)
		if err != nil || len(contacts) == 0 {
			return err
		}
		return conclude(ctx, tx, contacts)
	})
}

// conclude records the result of each contact that has nothing waiting, and forgets
// the rows of those of whom nothing can come any more.
func conclude(ctx context.Context, tx bun.Tx, contacts map[int64]bool) error {
	results, err := results(ctx, tx, contacts)
	if err != nil {
		return err
	}
	for _, res := range results {
		changes := map[string]any{"done": res.Done, "gone": res.Gone, "refused": res.Refused}
		if err := audit.Record(ctx, tx, audit.ContactRedact, "contact", res.ContactID, changes); err != nil {
			return err
		}
	}
	return dropConcluded(ctx, tx, contacts)
}
