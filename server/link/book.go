package link

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/secret"
	"eventstream/server/template"

	"github.com/uptrace/bun"
	"golang.org/x/sync/singleflight"
)

const (
	// mostKept is how many links a server keeps in memory, the newest ones; older ones are asked for. About 100 MB.
	mostKept   = 250_000
	readEvery  = 2 * time.Second
	readAtOnce = 5000
	// overlap is how many ids behind the newest are read again: a transaction that began earlier may commit later.
	overlap    = 500
	askLimit   = 2 * time.Second // for one link that is not known here
	mostAsked  = 50              // questions for unknown links in a second
	fileName   = "links.jsonl"
	maxLine    = 64 << 10
	mostCopies = 2 // of each link in the file, by servers that share it, before it is written anew
)

// Book is where links lead to, as one server knows it.
type Book struct {
	db   bun.IDB
	keys *secret.Keys
	dir  string // "": nothing is kept on disk
	log  *slog.Logger

	asking singleflight.Group

	mu     sync.RWMutex
	links  map[int64]*entry
	order  []int64 // as they came
	newest int64

	file  sync.Mutex // one at a time writes to it
	asked struct {
		sync.Mutex
		second time.Time
		n      int
	}
}

// entry is a link whose key and address are read when somebody follows it.
type entry struct {
	once    sync.Once
	link    *Link
	address *template.Address
	fixed   string // "": it has placeholders
	err     error
}

// NewBook reads what was kept in a directory; "" keeps nothing on disk.
func NewBook(idb bun.IDB, k *secret.Keys, dir string, log *slog.Logger) (*Book, error) {
	b := &Book{db: idb, keys: k, dir: dir, log: log, links: map[int64]*entry{}}
	if dir == "" {
		return b, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("links on disk: %w", err)
	}
	return b, b.readFile()
}

// kept is a link as it lies on disk. Its key is encrypted there too.
type kept struct {
	ID          int64  `json:"i"`
	Destination string `json:"d"`
	Sealed      string `json:"s"`
}

func (b *Book) path() string { return filepath.Join(b.dir, fileName) }

// readFile takes over what is on disk. A torn line, of a process that died, is left out.
func (b *Book) readFile() error {
	file, err := os.Open(b.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("links on disk: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines, n := bufio.NewScanner(file), 0
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	var found []*Link
	for lines.Scan() {
		n++
		var k kept
		if json.Unmarshal(lines.Bytes(), &k) == nil && k.ID > 0 {
			found = append(found, &Link{ID: k.ID, Destination: k.Destination, Sealed: k.Sealed})
		}
	}
	slices.SortStableFunc(found, func(a, c *Link) int { return int(a.ID - c.ID) })
	b.add(found)
	if n > mostCopies*len(b.links)+readAtOnce {
		return b.rewrite()
	}
	return nil
}

// rewrite writes the file anew, each link once.
func (b *Book) rewrite() error {
	b.file.Lock()
	defer b.file.Unlock()
	b.mu.RLock()
	links := make([]*Link, 0, len(b.order))
	for _, id := range b.order {
		links = append(links, b.links[id].link)
	}
	b.mu.RUnlock()
	next := b.path() + ".new"
	if err := os.WriteFile(next, lines(links), 0o600); err != nil {
		return fmt.Errorf("links on disk: %w", err)
	}
	if err := os.Rename(next, b.path()); err != nil {
		return fmt.Errorf("links on disk: %w", err)
	}
	return nil
}

func lines(links []*Link) (out []byte) {
	for _, l := range links {
		line, _ := json.Marshal(kept{l.ID, l.Destination, l.Sealed}) // texts and a number always marshal
		out = append(append(out, line...), '\n')
	}
	return out
}

// add keeps links that are not known, and gives those.
func (b *Book) add(links []*Link) (fresh []*Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range links {
		if b.links[l.ID] == nil {
			b.links[l.ID] = &entry{link: l}
			b.order, fresh = append(b.order, l.ID), append(fresh, l)
		}
		b.newest = max(b.newest, l.ID)
	}
	for len(b.order) > mostKept {
		delete(b.links, b.order[0])
		b.order = b.order[1:]
	}
	return fresh
}

// keep writes links to the disk. Without it they are in memory all the same.
func (b *Book) keep(links []*Link) {
	if b.dir == "" || len(links) == 0 {
		return
	}
	b.file.Lock()
	defer b.file.Unlock()
	file, err := os.OpenFile(b.path(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.Write(lines(links))
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err != nil {
		b.log.Warn("links are not kept on disk", "file", b.path(), "error", err)
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

// Refresh reads the links that are new since the last time.
func (b *Book) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*askLimit)
	defer cancel()
	b.mu.RLock()
	from := b.newest - overlap
	b.mu.RUnlock()
	if from <= 0 {
		var err error
		if from, err = newestBut(ctx, b.db, mostKept); err != nil {
			return err
		}
	}
	for {
		found, err := after(ctx, b.db, from, readAtOnce)
		if err != nil {
			return err
		}
		b.keep(b.add(found))
		if len(found) < readAtOnce {
			return nil
		}
		from = found[len(found)-1].ID
	}
}

// find gives a link: from memory, or, where it is not known here, from Postgres. Not found: there is none.
func (b *Book) find(ctx context.Context, id int64) (*entry, error) {
	b.mu.RLock()
	e := b.links[id]
	b.mu.RUnlock()
	if e == nil {
		var err error
		if e, err = b.ask(ctx, id); err != nil {
			return nil, err
		}
	}
	e.once.Do(func() { e.read(b.keys) })
	return e, e.err
}

func (e *entry) read(k *secret.Keys) {
	if e.err = e.link.open(k); e.err != nil {
		return
	}
	if e.address, e.err = template.ParseAddress(e.link.Destination); e.err == nil && e.address.Fixed() {
		e.fixed, _ = e.address.For(nil)
	}
}

func (b *Book) ask(ctx context.Context, id int64) (*entry, error) {
	if !b.mayAsk() {
		return nil, apperr.New(apperr.CodeUnavailable, "too many links are asked for that are not known here")
	}
	found, err, _ := b.asking.Do(fmt.Sprint(id), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
		defer cancel()
		l, err := byID(ctx, b.db, id)
		if err != nil {
			return nil, apperr.Wrap(err, apperr.CodeUnavailable, "the link cannot be read now")
		}
		if l == nil {
			return nil, apperr.NotFound("link", id)
		}
		b.keep(b.add([]*Link{l}))
		return &entry{link: l}, nil
	})
	if err != nil {
		return nil, err
	}
	return found.(*entry), nil //nolint:forcetypeassert // nothing else is given
}

// mayAsk bounds what strangers with made-up tokens can ask of Postgres.
func (b *Book) mayAsk() bool {
	b.asked.Lock()
	defer b.asked.Unlock()
	if now := time.Now(); !db.Fresh(b.asked.second, time.Second) {
		b.asked.second, b.asked.n = now, 0
	}
	b.asked.n++
	return b.asked.n <= mostAsked
}
