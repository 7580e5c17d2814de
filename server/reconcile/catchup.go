package reconcile

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/provider"
	"eventstream/server/webhookevent"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
)

const (
	// AskBatch is how many messages one run asks for.
	AskBatch = 500
	// inboundOverlap is how far a reading of the log goes back behind the last one:
	// the log may show an entry late.
	inboundOverlap = time.Hour
	// readAgainFor is how old an inbound message may be for the log to be read once
	// more because it could not be.
	readAgainFor = 24 * time.Hour
	soon         = 10 * time.Minute
	// askingFor is how long the same messages are asked for while no answer comes.
	// Then they are left to their next age: they must not stop all others.
	askingFor = time.Hour
)

// CatchUpOptions are the parts of a CatchUp.
type CatchUpOptions struct {
	DB       *db.DB
	Provider message.Provider
	Live     bool // Provider is Twilio, not the sandbox: each is asked for its own messages only
	// Write makes an event durable and has it applied, as if its webhook had come.
	Write func(ctx context.Context, e *webhookevent.Event) error
	// Params are the parameters that the webhook of an entry would have had.
	Params   func(message.Logged) map[string]string
	Log      *slog.Logger
	Registry prometheus.Registerer // nil: no metrics are served

	// Ages are how old a message is when it is asked for, as long as nothing was
	// heard of its end; growing. Twilio advises to ask after twelve hours and at
	// least daily (docs: outbound-message-logging).
	Ages []time.Duration
	// InboundEvery is how often the log of what was sent to us is read.
	InboundEvery time.Duration
}

// CatchUp asks for what never came: Twilio calls a webhook once or a few times, and
// not at all when it cannot reach us. What is found takes the way of the webhook
// that was lost, marked as found in the log, so that it is applied by the same
// rules, and a webhook that comes after all changes nothing.
type CatchUp struct {
	CatchUpOptions

	found *prometheus.CounterVec
	mu    sync.Mutex
	stuck map[int64]place // passes that could not go on, by campaign
}

// place is behind which contact a pass stands, and since when it could not go on.
type place struct {
	reached int64
	since   time.Time
}

// NewCatchUp makes a CatchUp.
func NewCatchUp(o CatchUpOptions) *CatchUp {
	c := &CatchUp{CatchUpOptions: o, stuck: map[int64]place{}, found: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "webhook_found_in_log_total", Help: "Receipts and inbound messages that no webhook brought, by kind.",
	}, []string{"kind"})}
	if o.Registry != nil {
		o.Registry.MustRegister(c.found)
	}
	return c
}

// AskOutstanding asks Twilio for up to n messages of whose end nothing was heard,
// and gives how many it asked for. Maintenance runs it.
func (c *CatchUp) AskOutstanding(ctx context.Context, n int) (int, error) {
	ctx = actor.With(ctx, actor.System)
	first, last := c.Ages[0], c.Ages[len(c.Ages)-1]
	if err := openChecks(ctx, c.DB, provider.Of(c.Live), first, last); err != nil {
		return 0, err
	}
	check, err := takeCheck(ctx, c.DB, provider.Of(c.Live))
	if err != nil || check == nil {
		return 0, err
	}
	var rows []message.Outstanding
	if check.CampaignID == singles {
		if check.Base, err = message.FirstSingleSince(ctx, c.DB, check.Base, check.Now.Add(-last-time.Hour)); err != nil {
			return 0, err
		}
		rows, err = message.OutstandingSingles(ctx, c.DB, provider.Of(c.Live), max(check.Base, check.Reached), c.Ages, check.LastPass,
			check.PassBegan, n)
	} else {
		rows, err = message.OutstandingOf(ctx, c.DB, check.CampaignID, check.Reached, c.Ages, check.LastPass,
			check.PassBegan, n)
	}
	if err != nil {
		return 0, err
	}
	if err := c.askPatiently(ctx, check, rows); err != nil {
		return 0, err // the pass goes on here in a minute
	}
	if len(rows) == n {
		reached := rows[len(rows)-1].ContactID
		if check.CampaignID == singles {
			reached = rows[len(rows)-1].ID
		}
		return n, reachedCheck(ctx, c.DB, check, reached)
	}
	return len(rows), endPass(ctx, c.DB, check, c.pause(check))
}

// pause is how long after a pass the next begins: the longer nothing was sent, the
// longer. Negative: nothing more can become known.
func (c *CatchUp) pause(k *check) time.Duration {
	first, last := c.Ages[0], c.Ages[len(c.Ages)-1]
	if k.CampaignID == singles {
		return first
	}
	idle := k.Now.Sub(k.ActiveAt)
	if idle > last+last/4 {
		return -1
	}
	return min(max(idle/4, first/2), 6*time.Hour)
}

// askPatiently asks for these messages. An error means that they are to be asked for
// again: none of them was answered, and that not for long yet.
func (c *CatchUp) askPatiently(ctx context.Context, k *check, rows []message.Outstanding) error {
	answered, err := c.ask(ctx, rows)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.stuck[k.CampaignID]
	delete(c.stuck, k.CampaignID)
	if err == nil {
		return nil
	}
	if answered == 0 {
		if at.since.IsZero() || at.reached != k.Reached {
			at = place{reached: k.Reached, since: k.Now}
		}
		if k.Now.Sub(at.since) < askingFor {
			c.stuck[k.CampaignID] = at
			return err
		}
	}
	c.Log.WarnContext(ctx, "some messages could not be asked for; they are at their next age", "campaign", k.CampaignID,
		"messages", len(rows)-answered, "error", err)
	return nil
}

// ask reads each message in the log, and stores what is news as an event. It tells
// how many could be asked for, and why the first of the others could not.
func (c *CatchUp) ask(ctx context.Context, rows []message.Outstanding) (answered int, err error) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	var news, done atomic.Int64
	for _, m := range rows {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			entry, err := c.Provider.Fetch(ctx, m.SID)
			if err != nil {
				return err
			}
			if entry != nil && entry.Status != m.Status && message.Newer(m.Status, entry.Status) {
				e := webhookevent.FromLog(*entry, c.Params(*entry))
				e.MessageID = m.ID
				e.DedupeKey = "log:" + e.DedupeKey // a webhook that had no effect must not stand in its way
				if err := c.Write(ctx, e); err != nil {
					return err
				}
				news.Add(1)
			}
			done.Add(1)
			return nil
		})
	}
	err = group.Wait()
	c.found.WithLabelValues("status").Add(float64(news.Load()))
	return int(done.Load()), err
}

// ReadInbound reads Twilio's log of what was sent to one of our senders, and takes
// in what no webhook brought. It gives how many senders it read. Maintenance runs
// it.
func (c *CatchUp) ReadInbound(ctx context.Context, _ int) (int, error) {
	ctx = actor.With(ctx, actor.System)
	check, err := takeInboundCheck(ctx, c.DB, provider.Of(c.Live))
	if err != nil || check == nil {
		return 0, err
	}
	answer, err := c.Provider.Log(ctx, message.LogQuery{
		Direction: message.Inbound, To: check.Address,
		Since: check.ReadUntil.Add(-inboundOverlap),
	})
	if err != nil {
		return 0, err
	}
	sids := make([]string, len(answer.Entries))
	for i, e := range answer.Entries {
		sids[i] = e.SID
	}
	known, err := message.KnownSIDs(ctx, c.DB, sids)
	if err != nil {
		return 0, err
	}
	// a STOP and its START in their order
	slices.SortStableFunc(answer.Entries, func(a, b message.Logged) int { return a.Created.Compare(b.Created) })
	until, again := check.Now, c.InboundEvery
	for _, listed := range answer.Entries {
		if known[listed.SID] {
			continue
		}
		entry, err := c.Provider.Fetch(ctx, listed.SID) // the list lacks the media
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil: // the others must not wait for it; the next reading begins with it
			c.Log.WarnContext(ctx, "an inbound message could not be read from the log", "sender", check.SenderID, "sid", listed.SID, "error", err)
			if check.Now.Sub(listed.Created) < readAgainFor && listed.Created.Before(until) {
				until, again = listed.Created, min(again, soon)
			}
			continue
		}
		if entry == nil {
			continue // deleted meanwhile
		}
		if err := c.Write(ctx, webhookevent.FromLog(*entry, c.Params(*entry))); err != nil {
			return 0, err
		}
		c.found.WithLabelValues("inbound").Inc()
	}
	if !answer.Complete {
		c.Log.WarnContext(ctx, "the log of inbound messages was cut; it is read again from the same moment", "sender",
			check.SenderID, "entries", len(answer.Entries))
		until = check.ReadUntil
	}
	return 1, inboundRead(ctx, c.DB, check, until, again)
}
