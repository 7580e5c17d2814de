package link

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db"
	"eventstream/server/pause"
	"eventstream/server/pubsub"
	"eventstream/server/spool"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
)

const (
	queueRoom  = 20_000
	maxGroup   = 500
	gather     = 100 * time.Millisecond // between two groups, so that they grow
	spoolAfter = 200 * time.Millisecond // a group that takes longer waits on disk, where it outlives the process
	storeLimit = 2 * time.Second        // a group that waits already, or for which there is no disk
	retryEvery = 500 * time.Millisecond
	adoptEvery = 10 * time.Second
	mostHeld   = 100_000 // besides the queue
)

// Click is one time that somebody opened the link of a message.
type Click struct {
	Key       string    `json:"k"` // the same wherever it waits: it counts once
	LinkID    int64     `json:"l"`
	MessageID int64     `json:"m"`
	At        time.Time `json:"t"`
}

// NewClick makes a click of now.
func NewClick(linkID, messageID int64, at time.Time) Click {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return Click{hex.EncodeToString(key), linkID, messageID, at}
}

// Counter stores clicks, for which nobody waits. While Postgres is away they lie in a spool on disk, and are stored once it
// is back; without a spool they wait in memory.
type Counter struct {
	CounterOptions

	queue chan Click
	held  []Click // without a spool: what could not be stored yet
	lost  prometheus.Counter
	bytes prometheus.GaugeFunc
}

// CounterOptions are what a Counter needs.
type CounterOptions struct {
	DB    *db.DB
	Hub   *pubsub.Hub
	Spool *spool.Spool // nil: clicks wait in memory
	Log   *slog.Logger
}

// NewCounter makes a Counter; Run it.
func NewCounter(o CounterOptions) *Counter {
	c := &Counter{
		CounterOptions: o, queue: make(chan Click, queueRoom),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "link_clicks_lost_total", Help: "Clicks that could be kept nowhere.",
		}),
	}
	c.bytes = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "link_click_spool_bytes", Help: "Clicks that are kept on disk because Postgres did not take them.",
	}, func() float64 {
		if c.Spool == nil {
			return 0
		}
		n, _ := c.Spool.State()
		return float64(n)
	})
	return c
}

// Register adds its metrics.
func (c *Counter) Register(to prometheus.Registerer) { to.MustRegister(c.lost, c.bytes) }

// Count takes a click and does not wait.
func (c *Counter) Count(click Click) {
	select {
	case c.queue <- click:
	default:
		c.lost.Inc()
	}
}

// Run stores clicks until ctx ends, then what still waits.
func (c *Counter) Run(ctx context.Context) {
	ctx = actor.With(ctx, actor.System)
	var loops sync.WaitGroup
	if c.Spool != nil {
		loops.Go(func() { c.watchSpool(ctx) })
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case first := <-c.queue:
			c.take(ctx, first)
			_ = pause.For(ctx, gather)
		case <-time.After(retryEvery):
			c.take(ctx)
		}
	}
	for len(c.queue) > 0 || len(c.held) > 0 {
		before := len(c.held)
		c.take(context.WithoutCancel(ctx))
		if c.Spool == nil && len(c.held) >= max(before, 1) { // Postgres is gone, and there is nowhere else
			c.lost.Add(float64(len(c.held)))
			break
		}
	}
	loops.Wait()
}

// take stores what waits, or keeps it where it waits for Postgres.
func (c *Counter) take(ctx context.Context, first ...Click) {
	group := slices.Concat(c.held, first)
	c.held = nil
	room := maxGroup
	if c.Spool == nil {
		room = mostHeld
	}
fill:
	for len(group) < room {
		select {
		case next := <-c.queue:
			group = append(group, next)
		default:
			break fill
		}
	}
	if len(group) == 0 {
		return
	}
	if c.Spool == nil {
		c.held = c.storeOrHold(ctx, group)
		return
	}
	if c.Spool.Empty() { // else Postgres is away, and each question takes its time
		err := c.store(ctx, group, spoolAfter)
		if err == nil {
			return
		}
	}
	if err := c.spool(group); err != nil {
		c.Log.ErrorContext(ctx, "clicks are lost: the spool does not take them", "clicks", len(group), "error", err)
		c.lost.Add(float64(len(group)))
	}
}

// storeOrHold stores clicks where there is no disk, and gives those back that Postgres does not take now.
func (c *Counter) storeOrHold(ctx context.Context, group []Click) []Click {
	for len(group) > 0 {
		n := min(maxGroup, len(group))
		rejected, err := c.storeApart(ctx, group[:n])
		c.lost.Add(float64(rejected))
		if err != nil {
			c.Log.WarnContext(ctx, "clicks are not stored yet", "clicks", len(group), "error", err)
			break
		}
		group = group[n:]
	}
	return group
}

func (c *Counter) spool(clicks []Click) error {
	records := make([][]byte, len(clicks))
	for i, click := range clicks {
		records[i], _ = json.Marshal(click) // texts and numbers always marshal
	}
	return c.Spool.Append(records)
}

// store counts clicks. Storing one twice is harmless.
func (c *Counter) store(ctx context.Context, clicks []Click, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var campaigns []int64
	err := c.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		campaigns, err = record(ctx, tx, clicks)
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(campaigns)
	if campaigns = slices.Compact(campaigns); len(campaigns) > 0 && campaigns[0] == 0 {
		campaigns = campaigns[1:]
	}
	if c.Hub != nil {
		c.Hub.Publish(pubsub.TopicCampaign, campaigns...)
	}
	return nil
}

// storeApart stores clicks, and counts those that Postgres cannot hold: they keep no other one waiting.
func (c *Counter) storeApart(ctx context.Context, clicks []Click) (rejected int, err error) {
	store := func(part []Click) error { return c.store(ctx, part, storeLimit) }
	err = db.StoreApart(clicks, store, func(click Click, err error) {
		c.Log.ErrorContext(ctx, "a click cannot be stored", "link", click.LinkID, "message", click.MessageID, "error", err)
		rejected++
	})
	return rejected, err
}

// watchSpool stores what lies on disk as soon as Postgres answers, and looks now and then for what another process left.
func (c *Counter) watchSpool(ctx context.Context) {
	adopted := time.Now()
	for ctx.Err() == nil {
		_ = pause.For(ctx, retryEvery)
		if !db.Fresh(adopted, adoptEvery) {
			adopted = time.Now()
			if err := c.Spool.Adopt(); err != nil {
				c.Log.ErrorContext(ctx, "the spool of clicks is not read", "error", err)
			}
		}
		if c.Spool.Empty() {
			continue
		}
		c.Spool.Seal()
		if err := c.replay(ctx); err != nil {
			c.Log.DebugContext(ctx, "clicks on disk are not stored yet", "error", err)
		}
	}
}

// replay stores all that is sealed.
func (c *Counter) replay(ctx context.Context) error {
	return c.Spool.Replay(func(records [][]byte) (damaged bool, err error) {
		var clicks []Click
		for _, raw := range records {
			var click Click
			if json.Unmarshal(raw, &click) != nil {
				damaged = true
				continue
			}
			clicks = append(clicks, click)
		}
		for part := range slices.Chunk(clicks, maxGroup) {
			rejected, err := c.storeApart(ctx, part)
			if err != nil {
				return damaged, err
			}
			damaged = damaged || rejected > 0
		}
		return damaged, nil
	})
}
