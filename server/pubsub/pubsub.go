// Package pubsub wakes subscriptions in every process through Postgres'
// NOTIFY. Events carry ids only; whoever listens reads the rows. Publishing is
// coalesced, so that a campaign at full speed costs a few notifications a
// second, and never touches the transaction whose news it spreads.
package pubsub

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"eventstream/server/pause"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	channel  = "eventstream"
	interval = 150 * time.Millisecond // between two notifications of one topic
	maxIDs   = 400                    // ids in one notification; Postgres allows 8,000 bytes
	maxKept  = 10_000                 // ids of a topic that wait; beyond, "you may have missed something" says it all
	sendTime = 10 * time.Second       // for one round of notifications
	retry    = time.Second            // after one that failed
)

// Topics. Campaign and Import events carry the campaign's or import's id.
const (
	TopicCampaign     = "campaign"     // a campaign's state or counters changed
	TopicImport       = "import"       // an import's progress changed
	TopicDelivery     = "delivery"     // delivery events, by id
	TopicInbound      = "inbound"      // inbound messages, by id
	TopicContact      = "contact"      // contacts changed, by id
	TopicConversation = "conversation" // conversations changed, by id
	TopicBulk         = "bulk"         // a bulk action's progress changed
	TopicAccess       = "access"       // operators whose sessions, tokens, role or state changed, by id
)

type event struct {
	Topic string  `json:"t"`
	IDs   []int64 `json:"i"`
}

// Hub spreads events. Make one per process and Run it.
type Hub struct {
	pool *pgxpool.Pool
	log  *slog.Logger

	mu      sync.Mutex
	pending map[string]map[int64]struct{}
	subs    map[*subscription]struct{}
	kick    chan struct{}
}

type subscription struct {
	topic string
	ch    chan []int64
}

// New makes a hub; nothing is sent or received before Run.
func New(pool *pgxpool.Pool, log *slog.Logger) *Hub {
	return &Hub{
		pool: pool, log: log, kick: make(chan struct{}, 1),
		pending: map[string]map[int64]struct{}{}, subs: map[*subscription]struct{}{},
	}
}

// Publish tells every process that the things with these ids have news. Call
// it after the commit.
func (h *Hub) Publish(topic string, ids ...int64) {
	if len(ids) == 0 {
		return
	}
	h.mu.Lock()
	h.keep(topic, ids)
	h.mu.Unlock()
	h.wake()
}

func (h *Hub) wake() {
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

// everything stands among a topic's ids for more than could be kept.
const everything = 0

// keep adds ids to what waits, under the lock.
func (h *Hub) keep(topic string, ids []int64) {
	set := h.pending[topic]
	if set == nil {
		set = map[int64]struct{}{}
		h.pending[topic] = set
	}
	for _, id := range ids {
		set[id] = struct{}{}
	}
	if _, all := set[everything]; all || len(set) > maxKept {
		h.pending[topic] = map[int64]struct{}{everything: {}}
	}
}

// Subscribe gives the ids of one topic until ctx ends. A nil slice means that
// events may have been missed: read everything anew. A slow reader gets its
// events merged into such a nil rather than blocking anybody.
func (h *Hub) Subscribe(ctx context.Context, topic string) <-chan []int64 {
	s := &subscription{topic: topic, ch: make(chan []int64, 64)}
	h.mu.Lock()
	h.subs[s] = struct{}{}
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, s)
		close(s.ch)
	})
	return s.ch
}

// Run sends and receives until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { h.sendLoop(ctx) })
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := h.listen(ctx); err != nil && ctx.Err() == nil {
				h.log.WarnContext(ctx, "live events: lost the connection, trying again", "error", err)
				time.Sleep(time.Second)
			}
			h.deliver(event{})
		}
	})
	wg.Wait()
}

func (h *Hub) sendLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.kick:
		}
		wait := interval
		if err := h.Flush(ctx); err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "live events: not sent, trying again", "error", err)
			wait = retry
		}
		if pause.For(ctx, wait) != nil {
			return
		}
	}
}

// Flush sends what waits at once, for a command that does not Run. What cannot be
// sent waits on.
func (h *Hub) Flush(ctx context.Context) error {
	h.mu.Lock()
	batch := h.pending
	h.pending = map[string]map[int64]struct{}{}
	h.mu.Unlock()
	var payloads []string
	for topic, set := range batch {
		emit := func(ids []int64) {
			raw, _ := json.Marshal(event{Topic: topic, IDs: ids})
			payloads = append(payloads, string(raw))
		}
		if _, all := set[everything]; all {
			emit(nil)
			continue
		}
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(set)), maxIDs) {
			emit(ids)
		}
	}
	if len(payloads) == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	_, err := h.pool.Exec(limited, "SELECT pg_notify($1, p) FROM unnest($2::text[]) p", channel, payloads)
	if err == nil {
		return nil
	}
	h.mu.Lock()
	for topic, set := range batch {
		h.keep(topic, slices.Collect(maps.Keys(set)))
	}
	h.mu.Unlock()
	h.wake()
	return err
}

func (h *Hub) listen(ctx context.Context) error {
	pooled, err := h.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack()
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	h.deliver(event{}) // what happened while nobody listened
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		var e event
		if json.Unmarshal([]byte(n.Payload), &e) == nil {
			h.deliver(e)
		}
	}
}

// deliver hands e to its subscribers; an event without topic goes to all as
// "you may have missed something".
func (h *Hub) deliver(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if e.Topic != "" && e.Topic != s.topic {
			continue
		}
		select {
		case s.ch <- e.IDs:
		default:
			drain(s.ch)
			s.ch <- nil // never blocks: only deliver sends, and it holds the lock
		}
	}
}

func drain(ch chan []int64) {
	for {
		select {
		case <-ch:
		default:
			return
		}
	}
}
