// Package reconcile finds out what became of calls that got no answer. Twilio has
// no idempotent create: a call whose answer was lost may have been taken, and to
// make it again may send a message twice (twilio.com/docs/api/errors/20500). So an
// unknown message is looked for: by the receipt that carries our own id, which
// needs nobody here, and then in Twilio's log.
//
// The log proves presence where the text agrees. It hardly ever proves absence: it
// is paged and may be cut, an entry may lack its text, and a message that Twilio
// still queues may not be listed. Only when the answer was complete, no entry is
// left that could be this message, and so much time has passed that Twilio cannot
// have it queued any more, is the message sent again by itself. Until then it stays
// unknown, and after a while a person may decide.
package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/template"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"
)

const (
	lease      = "reconciliation"
	leaseTTL   = time.Minute
	batchSize  = 200
	atOnce     = 8                // questions to the provider
	clockSkew  = time.Minute      // between Postgres' clock and Twilio's
	callLength = 15 * time.Second // a call has ended by then, one way or the other
	longestGap = 10 * time.Minute // between two looks
	shortest   = 2 * time.Second
)

// Options are the parts of a Reconciler.
type Options struct {
	DB        *db.DB
	Hub       *pubsub.Hub
	Jobs      *jobs.Enqueuer
	Templates *template.Service
	Provider  message.Provider
	Live      bool // Provider is Twilio, not the sandbox: each looks for its own messages only
	Log       *slog.Logger
	Registry  prometheus.Registerer // nil: no metrics are served
	Owner     string                // this process, in leases

	// Validity is how long Twilio may keep a message queued, as it was sent along
	// (message.Outgoing), and LogLag how much later its log may show it. After
	// both, a message that is not in a complete answer was never taken.
	Validity, LogLag time.Duration
	// DecideAfter is how long a message stays unknown before a person may decide
	// and its campaign completes without it. The engine goes on looking.
	DecideAfter time.Duration
}

// Reconciler clears up. One process at a time does, by lease.
type Reconciler struct {
	Options

	outcomes *prometheus.CounterVec
}

// New makes a Reconciler.
func New(o Options) *Reconciler {
	r := &Reconciler{Options: o, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "campaign_reconciled_messages_total", Help: "Calls without answer that were cleared up, by outcome.",
	}, []string{"outcome"})}
	if o.Registry != nil {
		o.Registry.MustRegister(r.outcomes)
	}
	return r
}

// Run looks for all messages that are due. Several processes may call it; one of
// them works.
func (r *Reconciler) Run(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	for ctx.Err() == nil {
		due, err := message.UnknownDue(ctx, r.DB, provider.Of(r.Live))
		if err != nil || !due {
			return err
		}
		var rows []message.Unknown
		_, err = db.WithLease(ctx, r.DB, lease, r.Owner, leaseTTL, func(ctx context.Context) (err error) {
			rows, err = message.TakeUnknown(ctx, r.DB, provider.Of(r.Live), batchSize)
			if err == nil && len(rows) > 0 {
				r.batch(ctx, rows)
			}
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
	}
	return ctx.Err()
}

// batch looks for the messages of one batch, those of one sender to one address
// together: they may be mistaken for each other.
func (r *Reconciler) batch(ctx context.Context, rows []message.Unknown) {
	type pair struct{ sender, address string }
	groups := map[pair][]message.Unknown{}
	for _, row := range rows {
		key := pair{row.SenderAddress, row.Address}
		groups[key] = append(groups[key], row)
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, g := range groups {
		group.Go(func() error {
			if err := r.group(ctx, g); err != nil && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "messages stay unknown for now", "first", g[0].ID, "messages", len(g), "error",
					errors.Join(err, r.unanswered(ctx, g)))
			}
			return nil
		})
	}
	_ = group.Wait()
}

// unanswered notes that the log could not be asked about these messages: that must
// not keep them from a person's decision, nor from being asked about again.
func (r *Reconciler) unanswered(ctx context.Context, rows []message.Unknown) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		still, err := message.LockUnknown(ctx, tx, rows)
		if err != nil {
			return err
		}
		for _, u := range still {
			if err := r.later(ctx, tx, u); err != nil {
				return err
			}
		}
		return nil
	})
}

// later looks for a message again, the later the older its call is; from a certain
// age a person may decide meanwhile.
func (r *Reconciler) later(ctx context.Context, tx bun.Tx, u message.Unknown) error {
	age := time.Duration(u.Age * float64(time.Second))
	return message.LookAgain(ctx, tx, []int64{u.ID}, min(max(age/4, shortest), longestGap), age >= r.DecideAfter)
}

func (r *Reconciler) group(ctx context.Context, rows []message.Unknown) error {
	if rows[0].Gone {
		return r.erased(ctx, rows)
	}
	since := rows[0].SubmittedAt
	for i := range rows {
		if rows[i].SubmittedAt.Before(since) {
			since = rows[i].SubmittedAt
		}
		if rows[i].Body == "" { // its worker died before it could tell what it sent
			text, err := r.text(ctx, rows[i])
			if err != nil {
				return err
			}
			rows[i].Body = text
		}
	}
	addresses, err := r.addressesOf(ctx, rows[0])
	if err != nil {
		return err
	}
	all := message.LogAnswer{Complete: true}
	for _, to := range addresses {
		answer, err := r.Provider.Log(ctx, message.LogQuery{
			Direction: message.Outbound, From: rows[0].SenderAddress, To: to, Since: since.Add(-clockSkew),
		})
		if err != nil {
			return err
		}
		all.Entries, all.Complete = append(all.Entries, answer.Entries...), all.Complete && answer.Complete
	}
	return r.settle(ctx, rows, all)
}

// addressesOf are all addresses to which a message may have gone: its contact may
// have got another one, or have been merged, since it was sent.
func (r *Reconciler) addressesOf(ctx context.Context, row message.Unknown) ([]string, error) {
	people, err := contact.PeopleOf(ctx, r.DB, []int64{row.ContactID})
	if err != nil {
		return nil, err
	}
	addresses := []string{row.Address}
	if p := people[row.ContactID]; p != nil {
		known, err := contact.AddressesOf(ctx, r.DB, []int64{p.ID})
		if err != nil {
			return nil, err
		}
		for _, a := range known[p.ID] {
			if a.Address != row.Address {
				addresses = append(addresses, a.Address)
			}
		}
	}
	return addresses, nil
}

// text is what a message would have said: the log tells texts and not ids.
func (r *Reconciler) text(ctx context.Context, row message.Unknown) (string, error) {
	if row.TemplateVersionID == nil {
		return "", nil
	}
	v, err := r.Templates.Version(ctx, *row.TemplateVersionID)
	if err != nil {
		return "", err
	}
	compiled, err := v.Compile()
	if err != nil {
		return "", err
	}
	people, err := contact.ByIDs(ctx, r.DB, []int64{row.ContactID})
	if err != nil || len(people) == 0 {
		return "", err
	}
	return compiled.Render(people[0]).Text, nil
}

// settle applies what the log says to the messages that are still unknown.
func (r *Reconciler) settle(ctx context.Context, rows []message.Unknown, answer message.LogAnswer) error {
	touched := map[int64]bool{}
	outcomes := map[Outcome]int{}
	err := r.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		clear(outcomes)
		open, err := message.LockUnknown(ctx, tx, rows) // of the others a receipt was faster
		if err != nil {
			return err
		}
		sids := make([]string, len(answer.Entries))
		for i, e := range answer.Entries {
			sids[i] = e.SID
		}
		known, err := message.KnownSIDs(ctx, tx, sids)
		if err != nil {
			return err
		}
		inFlight, err := message.InFlightTo(ctx, tx, contactIDs(open))
		if err != nil {
			return err
		}
		answer.Entries = slices.DeleteFunc(slices.Clone(answer.Entries), func(e message.Logged) bool { return known[e.SID] })
		for _, d := range Match(open, answer, inFlight, r.Validity+r.LogLag) {
			if err := r.apply(ctx, tx, d); err != nil {
				return err
			}
			outcomes[d.Outcome]++
			if d.Unknown.CampaignID != nil {
				touched[*d.Unknown.CampaignID] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for o, n := range outcomes {
		r.outcomes.WithLabelValues(string(o)).Add(float64(n))
	}
	for id := range touched {
		r.Hub.Publish(pubsub.TopicCampaign, id)
	}
	return nil
}

func contactIDs(rows []message.Unknown) []int64 {
	ids := make([]int64, len(rows))
	for i, u := range rows {
		ids[i] = u.ContactID
	}
	return ids
}

func (r *Reconciler) apply(ctx context.Context, tx bun.Tx, d Decision) error {
	id := d.Unknown.ID
	switch d.Outcome {
	case Found:
		if err := message.Adopt(ctx, tx, d.Unknown.Claim, *d.Entry); err != nil {
			return err
		}
	case Absent:
		if err := requeue(ctx, tx, r.Jobs, []int64{id}, "reconciled"); err != nil {
			return err
		}
	case Undetermined:
		return r.later(ctx, tx, d.Unknown)
	}
	return audit.Record(ctx, tx, audit.MessageReconcile, "message", id, map[string]any{"outcome": d.Outcome})
}

// erased ends messages whose contact was erased: without an address nothing can be
// looked for, and nobody is left to send it to again.
func (r *Reconciler) erased(ctx context.Context, rows []message.Unknown) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		still, err := message.LockUnknown(ctx, tx, rows)
		if err != nil || len(still) == 0 {
			return err
		}
		ids := make([]int64, len(still))
		for i, u := range still {
			ids[i] = u.ID
		}
		if err := message.Abandon(ctx, tx, ids, "The contact was erased before Twilio's answer was known"); err != nil {
			return err
		}
		return audit.RecordEach(ctx, tx, audit.MessageReconcile, "message", ids)
	})
}

// normal is a text as it is compared: Twilio trims it and may change line ends.
func normal(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
