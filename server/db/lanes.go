package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// Lane says for what a connection is wanted. Each lane has connections of its own,
// so that none can take those of another: what people ask for must not keep out the
// webhooks, nor either of them the jobs.
type Lane int

const (
	// LaneJobs is for everything that names no lane: the engine's own work.
	LaneJobs Lane = iota
	// LaneInteractive is for what somebody waits for. Its statements end after
	// InteractiveLimit, and nobody has more than a part of its connections.
	LaneInteractive
	// LaneDownloads is for files that are made while they are sent.
	LaneDownloads
	// LaneEdge is for webhooks and for readiness: short, and never to be kept waiting.
	LaneEdge
)

// InteractiveLimit is the longest that a statement runs while somebody waits for it.
const InteractiveLimit = 10 * time.Second

// laneSize is how many connections a lane has, and how they are given out.
type laneSize struct {
	conns    int32
	each     int           // for one actor; 0: all
	limit    time.Duration // of a statement
	patience time.Duration // of an actor who has all of theirs in use
}

var laneSizes = map[Lane]laneSize{
	LaneInteractive: {conns: 12, each: 6, limit: InteractiveLimit, patience: 5 * time.Second},
	LaneDownloads:   {conns: 3, each: 2, limit: statementTimeout, patience: 5 * time.Second},
	LaneEdge:        {conns: 5, limit: 5 * time.Second},
}

func (l Lane) String() string {
	return [...]string{"jobs", "interactive", "downloads", "edge"}[l]
}

// Stats tells how each lane's connections are used.
func (d *DB) Stats() map[Lane]*pgxpool.Stat {
	out := map[Lane]*pgxpool.Stat{LaneJobs: d.Pool.Stat()}
	for lane, own := range d.lanes.others {
		out[lane] = own.pool.Stat()
	}
	return out
}

type laneKey struct{}

// WithLane makes what is asked with ctx use the lane's connections.
func WithLane(ctx context.Context, lane Lane) context.Context {
	return context.WithValue(ctx, laneKey{}, lane)
}

// OpenLanes gives lanes their connections. The others share those of LaneJobs. Call it
// before anything else uses d.
func (d *DB) OpenLanes(ctx context.Context, which ...Lane) error {
	for _, lane := range which {
		size := laneSizes[lane]
		cfg := d.Pool.Config()
		cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = size.conns, 0, 0
		cfg.ConnConfig.RuntimeParams["statement_timeout"] = milliseconds(size.limit)
		// Who goes away before the answer must not leave the statement running behind.
		cfg.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 2 * time.Second}
		}
		pool, err := pgxpool.NewWithConfig(ctx, cfg)
		if err != nil {
			return fmt.Errorf("open the connections of a lane: %w", err)
		}
		d.lanes.open(lane, pool, size)
	}
	return nil
}

// lanes opens connections for database/sql, each from the lane that its context names.
type lanes struct {
	jobs   driver.Connector
	others map[Lane]*ownLane
}

type ownLane struct {
	driver.Connector
	pool   *pgxpool.Pool
	shares *shares // nil: everybody may have all
}

func newLanes(jobs *pgxpool.Pool) *lanes {
	return &lanes{jobs: stdlib.GetPoolConnector(jobs), others: map[Lane]*ownLane{}}
}

func (l *lanes) open(lane Lane, pool *pgxpool.Pool, size laneSize) {
	own := &ownLane{Connector: stdlib.GetPoolConnector(pool), pool: pool}
	if size.each > 0 {
		own.shares = newShares(size.each, size.patience)
	}
	l.others[lane] = own
}

func (l *lanes) close() {
	if l == nil { // a handle that was put together by hand
		return
	}
	for _, own := range l.others {
		own.pool.Close()
	}
}

// sql makes a handle that keeps no connection: the pools do.
func (l *lanes) sql() *sql.DB {
	d := sql.OpenDB(l)
	d.SetMaxIdleConns(0)
	return d
}

// Driver implements driver.Connector.
func (l *lanes) Driver() driver.Driver { return l.jobs.Driver() }

// Connect implements driver.Connector.
func (l *lanes) Connect(ctx context.Context) (driver.Conn, error) {
	lane, _ := ctx.Value(laneKey{}).(Lane)
	own := l.others[lane]
	if own == nil {
		return l.jobs.Connect(ctx)
	}
	who := actor.From(ctx)
	if own.shares == nil || who.Kind != actor.KindOperator && who.Kind != actor.KindAPIToken {
		return own.Connect(ctx)
	}
	giveBack, err := own.shares.take(ctx, who)
	if err != nil {
		return nil, err
	}
	conn, err := own.Connect(ctx)
	if err != nil {
		giveBack()
		return nil, err
	}
	return &sharedConn{Conn: conn.(*stdlib.Conn), giveBack: giveBack}, nil //nolint:forcetypeassert // what it makes
}

// sharedConn is a connection that counts against its actor's share until it is closed.
type sharedConn struct {
	*stdlib.Conn
	giveBack func()
}

// Close implements driver.Conn.
func (c *sharedConn) Close() error {
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
			"%d questions of yours to the database are under way and did not end for %s: ask fewer at once", s.each, s.patience)
	}
}
