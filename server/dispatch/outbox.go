package dispatch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/actor"
	"eventstream/server/campaign"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/pause"
	"eventstream/server/provider"
	"eventstream/server/sender"
	"eventstream/server/template"

	"golang.org/x/sync/semaphore"
)

const (
	batchSeconds  = 0.1                    // a batch is what may go in this time…
	maxBatch      = 400                    // …but no more than this
	claimedAtOnce = 4 * maxBatch           // messages that an outbox holds at once
	planAge       = 200 * time.Millisecond // how long an outbox trusts what it read about its campaigns
	shift         = 10 * time.Minute       // then the job ends and another goes on
	maxFailures   = 20                     // in a row…
	failureStep   = 100 * time.Millisecond // …with a pause that grows by this
	idleWait      = 2 * time.Second        // waiting longer than this is left to the next job
)

// brake holds back new batches for a moment after the provider asked for it.
type brake struct{ until atomic.Int64 }

func (b *brake) pull(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for {
		old := b.until.Load()
		if old >= until || b.until.CompareAndSwap(old, until) {
			return
		}
	}
}

func (b *brake) wait() time.Duration { return time.Until(time.Unix(0, b.until.Load())) }

// content is what a version of a template says. That never changes; its category is WhatsApp's, and may.
type content struct {
	version  *template.Version
	compiled *template.Compiled
	category template.Category
	read     time.Time // the category
}

// categoryAge is how long a category is taken for what it was.
const categoryAge = 5 * time.Second

// source is a campaign that an outbox sends for.
type source struct {
	campaign *campaign.Campaign
	drained  bool // nothing was due when last asked
}

// outbox is one sender with the campaigns that send from it, in this process.
type outbox struct {
	sender  *sender.Sender
	sources []*source
	read    time.Time
	brake   brake
}

// Dispatch sends what is due from one sender until nothing is, or its shift is
// over. Every worker process has a job for every busy sender: rates, claims and
// pauses meet in Postgres, so that any number of them together send exactly
// what one would.
func (d *Dispatcher) Dispatch(ctx context.Context, senderID int64) error {
	ctx = actor.With(ctx, actor.System)
	if _, running := d.outs.LoadOrStore(senderID, true); running {
		return nil
	}
	defer d.outs.Delete(senderID)
	var batches sync.WaitGroup
	defer batches.Wait()
	o, failures := &outbox{}, 0
	// Counted in messages and not in batches: many campaigns that share a sender
	// give many small batches, and while Twilio answers slowly all of them must be
	// under way together for the sender to keep its pace.
	room := semaphore.NewWeighted(claimedAtOnce)
	for started := time.Now(); ctx.Err() == nil && time.Since(started) < shift; {
		if wait := max(d.brake.wait(), o.brake.wait()); wait > 0 {
			_ = pause.For(ctx, min(wait, time.Second))
			continue
		}
		if room.Acquire(ctx, maxBatch) != nil {
			break // the process stops
		}
		ready, wait, err := d.next(ctx, senderID, o)
		claimed := 0
		for _, b := range ready {
			claimed += len(b.rows)
		}
		room.Release(int64(maxBatch - claimed))
		if err != nil {
			// A database that is away for a moment must not cost the job's long
			// way round through River's retries.
			if failures++; failures > maxFailures {
				return err
			}
			d.Log.WarnContext(ctx, "dispatch tries again", "sender", senderID, "error", err)
			_ = pause.For(ctx, time.Duration(failures)*failureStep)
			continue
		}
		failures = 0
		for _, b := range ready {
			batches.Go(func() {
				defer room.Release(int64(len(b.rows)))
				d.send(context.WithoutCancel(ctx), b)
			})
		}
		switch {
		case wait < 0:
			return nil
		case len(ready) == 0:
			_ = pause.For(ctx, wait)
		}
	}
	return nil
}

// next takes slots and claims as many messages; they are submitting, durably,
// before anything is sent. A negative wait means that the outbox is empty.
func (d *Dispatcher) next(ctx context.Context, senderID int64, o *outbox) (ready []*batch, wait time.Duration, err error) {
	if time.Since(o.read) > planAge {
		if err := d.plan(ctx, senderID, o); err != nil {
			return nil, 0, err
		}
	}
	if o.sender.Status != sender.StatusActive || len(o.sources) == 0 {
		return nil, -1, nil
	}
	var ids []int64
	byID := map[int64]*source{}
	for _, x := range o.sources {
		if !x.drained {
			ids = append(ids, x.campaign.ID)
			byID[x.campaign.ID] = x
		}
	}
	if len(ids) == 0 {
		return nil, planAge / 2, nil
	}
	want := min(max(int(o.sender.RatePerSecond*batchSeconds), len(ids)), maxBatch)
	grants, waitSeconds, err := sender.Take(ctx, d.DB, senderID, ids, want, batchSeconds)
	if err != nil {
		return nil, 0, err
	}
	if len(grants) == 0 {
		return nil, min(time.Duration(waitSeconds*float64(time.Second)), time.Second), nil
	}
	began := time.Now()
	quotas := make([]message.Quota, len(grants))
	for i, g := range grants {
		quotas[i] = message.Quota{CampaignID: *g.CampaignID, N: g.Granted}
	}
	rows, err := message.ClaimDue(ctx, d.DB, senderID, quotas, claimLease)
	if err != nil {
		return nil, 0, err
	}
	unused := map[int64]int{}
	for _, g := range grants {
		x := byID[*g.CampaignID]
		b := &batch{
			campaign: x.campaign, sender: o.sender, brake: &o.brake, began: began,
			slot: began.Add(seconds(g.StartSeconds)), step: seconds(g.StepSeconds),
		}
		for _, r := range rows {
			if *r.CampaignID == *g.CampaignID {
				b.rows = append(b.rows, r)
			}
		}
		if n := g.Granted - len(b.rows); n > 0 {
			unused[*g.CampaignID] = n
			x.drained = true
		}
		if len(b.rows) == 0 {
			continue
		}
		if err := b.read(ctx, d); err != nil {
			d.Log.ErrorContext(ctx, "a batch is given back: its template cannot be read", "campaign", b.campaignID(), "error", err)
			unused[*g.CampaignID] += len(b.rows)
			d.giveBack(ctx, b)
			continue
		}
		ready = append(ready, b)
	}
	if err := sender.Refund(ctx, d.DB, senderID, unused); err != nil {
		d.Log.WarnContext(ctx, "slots not given back", "sender", senderID, "error", err) // what was claimed goes out
	}
	return ready, 0, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// plan reads the outbox's sender and the campaigns that have something to send
// from it.
func (d *Dispatcher) plan(ctx context.Context, senderID int64, o *outbox) error {
	snd, err := d.Senders.ByID(ctx, senderID)
	if err != nil {
		return err
	}
	if snd.Provider != provider.Of(d.Live) {
		o.sender, o.sources, o.read = snd, nil, time.Now()
		return nil
	}
	if snd.Status != sender.StatusActive {
		o.sender, o.sources, o.read = snd, nil, time.Now()
		campaigns, err := campaignsWith(ctx, d.DB, senderID)
		if err != nil {
			return err
		}
		return d.Campaigns.SenderStopped(ctx, snd, campaigns)
	}
	busy, err := dueFrom(ctx, d.DB, senderID)
	if err != nil {
		return err
	}
	var sources []*source
	for _, c := range busy {
		if c.DueIn == nil || *c.DueIn > idleWait.Seconds() {
			if err := d.Campaigns.Settle(ctx, &c.Campaign); err != nil {
				return err
			}
			continue
		}
		sources = append(sources, &source{campaign: &c.Campaign, drained: *c.DueIn > 0})
	}
	o.sender, o.sources, o.read = snd, sources, time.Now()
	return nil
}

// linked is a version of a template in a campaign; 0: outside campaigns.
type linked struct{ campaign, version int64 }

// mostTexts is how many texts a process remembers, and as many times the links of one.
const mostTexts = 10_000

// linksOf gives the links of a text, in the order of its compiled links. They were made at launch and never change.
func (d *Dispatcher) linksOf(ctx context.Context, c *campaign.Campaign, text *content) ([]*link.Link, error) {
	if len(text.compiled.Links) == 0 {
		return nil, nil
	}
	of, id, utm := linked{version: text.version.ID}, (*int64)(nil), link.UTM{}
	if c != nil {
		of.campaign, id, utm = c.ID, &c.ID, c.Parameters()
	}
	if known, ok := d.links.Get(of); ok {
		return known, nil
	}
	links, err := d.Links.Of(ctx, id, of.version, text.compiled, utm)
	if err == nil {
		d.links.Add(of, links)
	}
	return links, err
}

func (d *Dispatcher) contentOf(ctx context.Context, versionID int64) (*content, error) {
	text := &content{read: time.Now()}
	if before, ok := d.texts.Get(versionID); ok {
		if time.Since(before.read) < categoryAge {
			return before, nil
		}
		text.version, text.compiled = before.version, before.compiled
	} else {
		v, err := d.Templates.Version(ctx, versionID)
		if err != nil {
			return nil, err
		}
		text.version = v
		if text.compiled, err = v.Compile(); err != nil {
			return nil, err
		}
	}
	var err error
	if text.category, err = template.CategoryOf(ctx, d.DB, text.version.TemplateID); err != nil {
		return nil, err
	}
	d.texts.Add(versionID, text)
	return text, nil
}
