package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// Pool says for what a connection is wanted. Each pool has connections of its own,
// so that none can take those of another: what people ask for must not keep out the
// webhooks, nor either of them the jobs.
type Pool int

const (
	// PoolJobs is for everything that names no pool: the engine's own work.
	PoolJobs Pool = iota
	// PoolInteractive is for what somebody waits for. Its statements end after
	// InteractiveLimit, and nobody has more than a part of its connections.
	PoolInteractive
	// PoolDownloads is for files that are made while they are sent.
	PoolDownloads
	// PoolEdge is for webhooks and for readiness: short, and never to be kept waiting.
	PoolEdge
)

// InteractiveLimit is the longest that a statement runs while somebody waits for it.
const InteractiveLimit = 10 * time.Second

// poolSize is how many connections a pool has, and how they are given out.
type poolSize struct {
	conns    int32
	each     int           // for one actor; 0: all
	limit    time.Duration // of a statement
	patience time.Duration // of an actor who has all of theirs in use
}

var poolSizes = map[Pool]poolSize{
	PoolInteractive: {conns: 12, each: 6, limit: InteractiveLimit, patience: 5 * time.Second},
	PoolDownloads:   {conns: 4, each: 2, limit: statementTimeout, patience: 5 * time.Second},
	PoolEdge:        {conns: 5, limit: 5 * time.Second},
}

// BesideJobs is how many connections the pools beside PoolJobs have.
func BesideJobs() (n int) {
	for _, size := range poolSizes {
		n += int(size.conns)
	}
	return n
}

func (p Pool) String() string {
	return [...]string{"jobs", "interactive", "downloads", "edge"}[p]
}

// Stats tells how each pool's connections are used.
func (d *DB) Stats() map[Pool]*pgxpool.Stat {
	out := map[Pool]*pgxpool.Stat{PoolJobs: d.Pool.Stat()}
	for name, own := range d.pools.others {
		out[name] = own.pool.Stat()
	}
	return out
}

type poolKey struct{}

// WithPool makes what is asked with ctx use the pool's connections.
func WithPool(ctx context.Context, name Pool) context.Context {
	return context.WithValue(ctx, poolKey{}, name)
}

// OpenPools gives pools their connections. The others share those of PoolJobs. Call it
// before anything else uses d.
func (d *DB) OpenPools(ctx context.Context, which ...Pool) error {
	for _, name := range which {
		size := poolSizes[name]
		cfg := d.Pool.Config()
		cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = size.conns, 0, 0
		cfg.ConnConfig.RuntimeParams["statement_timeout"] = milliseconds(size.limit)
		// Who goes away before the answer must not leave the statement running behind.
		cfg.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 2 * time.Second}
		}
		pool, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			return fmt.Errorf("open the connections of a pool: %w", err)
		}
		d.pools.open(name, pool, size)
	}
	return nil
}

// pools opens connections for database/sql, each from the pool that its context names.
type pools struct {
	slow   slowQueries
	jobs   driver.Connector
	others map[Pool]*ownPool
}

type ownPool struct {
	driver.Connector
	pool   *pgxpool.Pool
	shares *shares // nil: everybody may have all
}

func newPools(jobs *pgxpool.Pool, log *slog.Logger) *pools {
	return &pools{slow: slowQueries{log}, jobs: stdlib.GetPoolConnector(jobs), others: map[Pool]*ownPool{}}
}

func (p *pools) open(name Pool, pool *pgxpool.Pool, size poolSize) {
	own := &ownPool{Connector: stdlib.GetPoolConnector(pool), pool: pool}
	if size.each > 0 {
		own.shares = newShares(size.each, size.patience)
	}
	p.others[name] = own
}

func (p *pools) close() {
	if p == nil { // a handle that was put together by hand
		return
	}
	for _, own := range p.others {
		own.pool.Close()
	}
}

// sql makes a handle that keeps no connection: the pools do.
func (p *pools) sql() *sql.DB {
	d := sql.OpenDB(p)
	d.SetMaxIdleConns(0)
	return d
}

// Driver implements driver.Connector.
func (p *pools) Driver() driver.Driver { return p.jobs.Driver() }

// Connect implements driver.Connector.
func (p *pools) Connect(ctx context.Context) (driver.Conn, error) {
	name, _ := ctx.Value(poolKey{}).(Pool)
	own := p.others[name]
	if own == nil {
		return p.connect(ctx, p.jobs, func() {})
	}
	who := actor.From(ctx)
	switch who.Kind {
	case "", actor.KindSystem, actor.KindContact: // not somebody who asks again and again
		return p.connect(ctx, own, func() {})
	}
	if own.shares == nil {
		return p.connect(ctx, own, func() {})
	}
	giveBack, err := own.shares.take(ctx, who)
	if err != nil {
		return nil, err
	}
	return p.connect(ctx, own, giveBack)
}

// connect opens a connection, with what is done when it is closed.
func (p *pools) connect(ctx context.Context, from driver.Connector, giveBack func()) (driver.Conn, error) {
	opened, err := from.Connect(ctx)
	if err != nil {
		giveBack()
		return nil, err
	}
	return &conn{Conn: opened.(*stdlib.Conn), slow: p.slow, giveBack: giveBack}, nil //nolint:forcetypeassert // what it makes
}

// conn is a connection as the rest of the engine uses it.
type conn struct {
	*stdlib.Conn
	slow     slowQueries
	giveBack func()
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	defer c.giveBack()
	return c.Conn.Close()
}

// shares bounds how many connections one actor has at once.
type shares struct {
	each     int
	patience time.Duration

	mu    sync.Mutex
	taken map[holder]*share
}

// holder is an actor, whatever their role is at the moment.
type holder struct {
	kind actor.Kind
	id   int64
}

func newShares(each int, patience time.Duration) *shares {
	return &shares{each: each, patience: patience, taken: map[holder]*share{}}
}

type share struct {
	slots chan struct{}
	users int // connections and those who wait; 0: it may be forgotten
}

// take waits for one of the actor's connections to be free.
func (s *shares) take(ctx context.Context, a actor.Actor) (giveBack func(), err error) {
	who := holder{a.Kind, a.ID}
	s.mu.Lock()
	mine := s.taken[who]
	if mine == nil {
		mine = &share{slots: make(chan struct{}, s.each)}
		s.taken[who] = mine
	}
	mine.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(s.taken, who)
		}
	}
	select {
	case mine.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-mine.slots; leave() }), nil
	default:
	}
	tooLong := time.NewTimer(s.patience)
	defer tooLong.Stop()
	select {
	case mine.slots <- struct{}{}:
		return sync.OnceFunc(func() { <-mine.slots; leave() }), nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	case <-tooLong.C:
		leave()
		return nil, apperr.New(apperr.CodeRateLimited,
			"%d <question|questions> of yours to the database <is|are> under way and did not end for %s: ask fewer at once", s.each, s.patience)
	}
}
