package link

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/template"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/uptrace/bun"
	"golang.org/x/sync/singleflight"
)

const (
	// mostKept is how many links a server keeps in memory, the newest ones; older ones are asked for. About 100 MB.
	mostKept   = 250_000
	readEvery  = 2 * time.Second
	readAtOnce = 5000
	// overlap is how many ids behind the newest are looked at again: a transaction that began earlier may commit later.
	overlap    = 500
	askLimit   = 2 * time.Second // for one link that is not known here
	mostAsked  = 50              // questions for unknown links in a second
	mostAbsent = 10_000          // links of which it is known that they are gone
)

// Book is where links lead to, as one server knows it. It lies in memory: a server does not start without Postgres, and reads
// it then.
type Book struct {
	db  bun.IDB
	log *slog.Logger

	asking singleflight.Group

	reading sync.Mutex // one Refresh at a time
	started bool       // where to begin is known
	cursor  int64      // links until here were read; moved by Refresh alone

	mu     sync.RWMutex
	links  map[int64]*entry
	order  []int64                   // as they came
	absent *lru.LRU[name, time.Time] // when Postgres said that there is no such link

	asked struct {
		sync.Mutex
		second time.Time
		n      int
	}
}

// name is what a token says of its link.
type name struct{ id, tag int64 }

// entry is a link whose address is read when somebody follows it.
type entry struct {
	once    sync.Once
	link    *Link
	address *template.Address
	fixed   string // "": it has placeholders
	err     error
}

// NewBook makes one that is empty; Run it.
func NewBook(idb bun.IDB, log *slog.Logger) *Book {
	b := &Book{db: idb, log: log, links: map[int64]*entry{}}
	b.absent, _ = lru.NewLRU[name, time.Time](mostAbsent, nil) // it refuses no positive size
	return b
}

// add keeps links. One that has another tag than the link that was known by its id takes its place.
func (b *Book) add(links []*Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range links {
		known := b.links[l.ID]
		if known == nil {
			b.order = append(b.order, l.ID)
		}
		if known == nil || known.link.Tag != l.Tag {
			b.links[l.ID] = &entry{link: l}
		}
	}
	for len(b.order) > mostKept {
		delete(b.links, b.order[0])
		b.order = b.order[1:]
	}
}

// Run reads new links until ctx ends.
func (b *Book) Run(ctx context.Context) {
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	for {
		if err := b.Refresh(ctx); err != nil && ctx.Err() == nil {
			b.log.DebugContext(ctx, "new links are not read yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Refresh reads the links that are new since the last time; the first time the newest ones.
func (b *Book) Refresh(ctx context.Context) error {
	b.reading.Lock()
	defer b.reading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*askLimit)
	defer cancel()
	if !b.started {
		from, err := newestBut(ctx, b.db, mostKept)
		if err != nil {
			return err
		}
		b.cursor, b.started = from, true
	}
	from := max(b.cursor-overlap, 0)
	known := b.known(from, b.cursor)
	for {
		found, err := after(ctx, b.db, from, known, readAtOnce)
		if err != nil {
			return err
		}
		b.add(found)
		if len(found) > 0 {
			from = found[len(found)-1].ID
			b.cursor = max(b.cursor, from)
		}
		if len(found) < readAtOnce {
			return nil
		}
	}
}

// known gives the ids behind one and until another that need not be read.
func (b *Book) known(behind, until int64) []int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	ids := make([]int64, 0, until-behind)
	for id := behind + 1; id <= until; id++ {
		if b.links[id] != nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// find gives the link of a genuine token: from memory, or, where it is not known here, from Postgres. Not found: there is none
// any more.
func (b *Book) find(ctx context.Context, id, tag int64) (*entry, error) {
	e := b.get(id, tag)
	if e == nil {
		var err error
		if e, err = b.ask(ctx, name{id, tag}); err != nil {
			return nil, err
		}
	}
	e.once.Do(e.read)
	return e, e.err
}

func (b *Book) get(id, tag int64) *entry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if e := b.links[id]; e != nil && e.link.Tag == tag {
		return e
	}
	return nil
}

func (e *entry) read() {
	if e.address, e.err = template.ParseAddress(e.link.Destination); e.err == nil && e.address.Fixed() {
		e.fixed, _ = e.address.For(nil)
		e.fixed = InASCII(e.fixed)
	}
}

func (b *Book) ask(ctx context.Context, n name) (*entry, error) {
	if b.gone(n) {
		return nil, apperr.NotFound("link %v does not exist", n.id)
	}
	if !b.mayAsk() {
		return nil, apperr.New(apperr.CodeUnavailable, "too many links are asked for that are not known here")
	}
	_, err, _ := b.asking.Do(strconv.FormatInt(n.id, 10), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
		defer cancel()
		l, err := byID(ctx, b.db, n.id)
		if err == nil && l != nil {
			b.add([]*Link{l})
		}
		return nil, err
	})
	if err != nil {
		return nil, apperr.Wrap(err, apperr.CodeUnavailable, "the link cannot be read now")
	}
	if e := b.get(n.id, n.tag); e != nil {
		return e, nil
	}
	b.mu.Lock()
	b.absent.Add(n, time.Now())
	b.mu.Unlock()
	return nil, apperr.NotFound("link %v does not exist", n.id)
}

// gone reports whether Postgres said within the last minute that there is no such link.
func (b *Book) gone(n name) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	since, ok := b.absent.Get(n)
	return ok && db.Fresh(since, time.Minute)
}

// mayAsk bounds what is asked of Postgres.
func (b *Book) mayAsk() bool {
	b.asked.Lock()
	defer b.asked.Unlock()
	if now := time.Now(); !db.Fresh(b.asked.second, time.Second) {
		b.asked.second, b.asked.n = now, 0
	}
	b.asked.n++
	return b.asked.n <= mostAsked
}
