package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"eventstream/migrations"
	"eventstream/server/pause"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/migrate"
)

// migrationLock is the advisory lock under which migrations run, so that
// several processes may start at once.
const migrationLock = 7_239_001

// migrationTable is bun's list of the migrations that were applied.
const migrationTable = "bun_migrations"

// migrateOptions are the limits of migrating. Tests choose other ones.
type migrateOptions struct {
	files fs.FS
	// lockTimeout is how long a migration waits for a table before it gives way.
	// Whatever comes after it queues up behind it meanwhile. Postgres interrupts an
	// autovacuum that is in the way after a second, so it is longer than that.
	lockTimeout time.Duration
	// pause lies between two attempts. It doubles up to maxPause.
	pause, maxPause time.Duration
}

var migrateDefaults = migrateOptions{
	files: migrations.FS, lockTimeout: 2 * time.Second, pause: 500 * time.Millisecond, maxPause: 30 * time.Second,
}

// MigrateUp brings River's tables and ours to the newest version. It waits, until
// ctx ends, for another process that migrates, and for tables that others have
// locked. What was applied by a newer version is left alone.
func (d *DB) MigrateUp(ctx context.Context, log *slog.Logger) error {
	return d.migrateUp(ctx, log, migrateDefaults)
}

func (d *DB) migrateUp(ctx context.Context, log *slog.Logger, opts migrateOptions) error {
	return d.migrate(ctx, log, opts, func(m *migrating) error {
		err := m.retry(ctx, "River's", func() error { return m.river(ctx, rivermigrate.DirectionUp, nil) })
		if err != nil {
			return err
		}
		return m.up(ctx)
	})
}

// MigrateDown takes back our last group of migrations; with all, every group
// and River's tables too.
func (d *DB) MigrateDown(ctx context.Context, all bool, log *slog.Logger) error {
	return d.migrate(ctx, log, migrateDefaults, func(m *migrating) error {
		for {
			more, err := m.down(ctx)
			if err != nil {
				return err
			}
			if !more || !all {
				break
			}
		}
		if !all {
			return nil
		}
		return m.retry(ctx, "River's", func() error {
			return m.river(ctx, rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: -1})
		})
	})
}

// CheckMigrated refuses to go on with a schema that is behind.
func (d *DB) CheckMigrated(ctx context.Context) error {
	m, err := newMigrator(d.DB, migrations.FS)
	if err != nil {
		return err
	}
	steps, err := m.MigrationsWithStatus(ctx)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42P01" { // the list itself is missing
		return errors.New("the database was never migrated: run the command migrate first")
	}
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if missing := steps.Unapplied(); len(missing) > 0 {
		return fmt.Errorf("the database is %d migrations behind: run the command migrate first", len(missing))
	}
	return nil
}

func newMigrator(b *bun.DB, files fs.FS, options ...migrate.MigratorOption) (*migrate.Migrator, error) {
	steps := migrate.NewMigrations()
	if err := steps.Discover(files); err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return migrate.NewMigrator(b, steps, options...), nil
}

// migrating is the one connection that holds the advisory lock and migrates. It
// is not one of the pool's: a statement may take as long as it has to, and waits
// for locks only briefly. Because it is one and the same, nothing can be changed
// after the lock was lost.
type migrating struct {
	db       *bun.DB
	pid      int // of its backend
	opts     migrateOptions
	log      *slog.Logger
	blockers atomic.Pointer[string] // who was in the way when last looked
}

func (d *DB) migrate(ctx context.Context, log *slog.Logger, opts migrateOptions, fn func(*migrating) error) error {
	cfg := d.conn.Copy()
	cfg.RuntimeParams["application_name"] = "eventstream migrations"
	cfg.RuntimeParams["statement_timeout"] = "0"
	cfg.RuntimeParams["lock_timeout"] = milliseconds(opts.lockTimeout)
	pool := sql.OpenDB(&singleConnector{Connector: stdlib.GetConnector(*cfg)})
	pool.SetMaxOpenConns(1)
	b := bun.NewDB(pool, pgdialect.New(), bun.WithDiscardUnknownColumns())
	defer func() { _ = b.Close() }() // which gives the lock back
	m := &migrating{db: b, opts: opts, log: log}
	if err := b.NewRaw("SELECT pg_backend_pid()").Scan(ctx, &m.pid); err != nil {
		return fmt.Errorf("connect for migrations: %w", err)
	}
	if err := m.lock(ctx); err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.watchBlockers(watching, d.DB)
	}()
	defer func() {
		stop()
		<-ended
	}()
	return fn(m)
}

// singleConnector connects once. The second time would be after the connection
// with the advisory lock was lost.
type singleConnector struct {
	driver.Connector
	used atomic.Bool
}

func (c *singleConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.used.Swap(true) {
		return nil, errors.New("the connection that held the migration lock was lost")
	}
	return c.Connector.Connect(ctx)
}

// lock takes the advisory lock by trying and sleeping. A statement that waits for
// it would hold a snapshot, and CREATE INDEX CONCURRENTLY in the process that has
// the lock would wait for that snapshot to end: both for ever.
func (m *migrating) lock(ctx context.Context) error {
	for try := 0; ; try++ {
		var got bool
		err := m.db.NewRaw("SELECT pg_try_advisory_lock(?)", migrationLock).Scan(ctx, &got)
		if err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
		if got {
			return nil
		}
		if try == 0 {
			m.log.InfoContext(ctx, "another process migrates the database: waiting for it")
		}
		if err := sleep(ctx, min(m.opts.pause, time.Second)); err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
	}
}

// retry repeats a step that could not get its locks, for as long as ctx allows.
// Between two attempts nothing is locked, and whoever queued up goes on.
func (m *migrating) retry(ctx context.Context, name string, step func() error) error {
	for pause := m.opts.pause; ; pause = min(2*pause, m.opts.maxPause) {
		m.blockers.Store(nil)
		err := step()
		if err == nil {
			return nil
		}
		if !isLockConflict(err) {
			return fmt.Errorf("migration %s: %w", name, err)
		}
		held := "unknown"
		if b := m.blockers.Load(); b != nil {
			held = *b
		}
		m.log.WarnContext(ctx, "a migration could not lock a table and is tried again",
			"migration", name, "pause", pause, "held_by", held, "error", err)
		if sleep(ctx, pause) != nil {
			return fmt.Errorf("migration %s: %w", name, errors.Join(ctx.Err(), err))
		}
	}
}

// isLockConflict reports a lock timeout, a deadlock, or a conflict of
// serialization: states that pass.
func isLockConflict(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "55P03" || pg.Code == "40P01" || pg.Code == "40001")
}

// watchBlockers notes which sessions a migration waits for, and says so when it
// waits long: building an index concurrently waits for every older transaction.
func (m *migrating) watchBlockers(ctx context.Context, pool *bun.DB) {
	const report = 30 * time.Second
	reported := time.Now()
	for sleep(ctx, m.opts.lockTimeout/4) == nil {
		var by string
		err := pool.NewRaw(`SELECT coalesce(string_agg(format('%s (%s, %s)', pid, application_name, state), ', '), '')
			FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(?))`, m.pid).Scan(ctx, &by)
		if err != nil || by == "" {
			continue
		}
		m.blockers.Store(&by)
		if time.Since(reported) > report {
			m.log.WarnContext(ctx, "a migration waits for other sessions", "held_by", by)
			reported = time.Now()
		}
	}
}

func (m *migrating) river(ctx context.Context, direction rivermigrate.Direction, opts *rivermigrate.MigrateOpts) error {
	river, err := rivermigrate.New(riverdatabasesql.New(m.db.DB), nil)
	if err != nil {
		return err
	}
	_, err = river.Migrate(ctx, direction, opts)
	return err
}

// up applies what is missing, each migration by itself, so that a retry repeats
// no other one.
func (m *migrating) up(ctx context.Context) error {
	migrator, err := newMigrator(m.db, m.opts.files, m.hooks("up", func(
		ctx context.Context, conn bun.IConn, step *migrate.Migration,
	) error {
		_, err := conn.ExecContext(ctx, "INSERT INTO ? (name, group_id) VALUES (?, ?)",
			bun.Ident(migrationTable), step.Name, step.GroupID)
		return err
	})...)
	if err != nil {
		return err
	}
	if err := migrator.Init(ctx); err != nil {
		return fmt.Errorf("init migrations: %w", err)
	}
	steps, err := migrator.MigrationsWithStatus(ctx)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	group := steps.LastGroupID() + 1
	for _, step := range steps.Unapplied() {
		step.GroupID = group
		err := m.retry(ctx, step.String(), func() error {
			if err := m.dropInvalidIndexes(ctx, step.Name); err != nil {
				return err
			}
			return step.Up(ctx, migrator, &step)
		})
		if err != nil {
			return err
		}
		m.log.InfoContext(ctx, "migrated up", "migration", step.String())
	}
	return nil
}

// down takes the last group back and reports whether there was one.
func (m *migrating) down(ctx context.Context) (bool, error) {
	migrator, err := newMigrator(m.db, m.opts.files, m.hooks("down", func(
		ctx context.Context, conn bun.IConn, step *migrate.Migration,
	) error {
		_, err := conn.ExecContext(ctx, "DELETE FROM ? WHERE name = ?", bun.Ident(migrationTable), step.Name)
		return err
	})...)
	if err != nil {
		return false, err
	}
	if err := migrator.Init(ctx); err != nil {
		return false, fmt.Errorf("init migrations: %w", err)
	}
	steps, err := migrator.MigrationsWithStatus(ctx)
	if err != nil {
		return false, fmt.Errorf("read migrations: %w", err)
	}
	group := steps.LastGroup()
	for i := len(group.Migrations) - 1; i >= 0; i-- {
		step := group.Migrations[i]
		err := m.retry(ctx, step.String(), func() error { return step.Down(ctx, migrator, &step) })
		if err != nil {
			return false, err
		}
		m.log.InfoContext(ctx, "migrated down", "migration", step.String())
	}
	return !group.IsZero(), nil
}

// hooks set the limit of locks before a migration, and note after it that it was
// applied or taken back. In a transaction the note commits with the change: a
// process that is killed leaves either both or neither.
func (m *migrating) hooks(direction string, note migrate.MigrationHook) []migrate.MigratorOption {
	before := func(ctx context.Context, conn bun.IConn, step *migrate.Migration) error {
		text, err := m.text(step.Name, direction)
		if err != nil {
			return err
		}
		limit := m.opts.lockTimeout
		if concurrently.MatchString(text) {
			// It waits for older transactions and nobody waits for it. With a limit it would
			// leave an invalid index behind each time, and never be done on a busy table.
			limit = 0
		}
		_, err = conn.ExecContext(ctx, "SELECT set_config('lock_timeout', ?, false)", milliseconds(limit))
		return err
	}
	return []migrate.MigratorOption{migrate.BeforeMigration(before), migrate.AfterMigration(note)}
}

var (
	concurrently = regexp.MustCompile(`(?i)\bINDEX\s+CONCURRENTLY\b`)
	builtIndex   = regexp.MustCompile(`(?i)\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)`)
	sqlComment   = regexp.MustCompile(`--[^\n]*`)
)

// text is a migration's SQL without its comments.
func (m *migrating) text(name, direction string) (string, error) {
	files, err := fs.Glob(m.opts.files, name+"_*."+direction+".sql")
	if err != nil || len(files) == 0 {
		return "", err
	}
	raw, err := fs.ReadFile(m.opts.files, files[0])
	return sqlComment.ReplaceAllString(string(raw), ""), err
}

// dropInvalidIndexes drops what an earlier, interrupted attempt at this migration
// left behind: an index that costs every write and helps no query, and whose name
// is in the way of IF NOT EXISTS.
func (m *migrating) dropInvalidIndexes(ctx context.Context, name string) error {
	text, err := m.text(name, "up")
	if err != nil {
		return err
	}
	for _, match := range builtIndex.FindAllStringSubmatch(text, -1) {
		index := strings.ToLower(match[1])
		var invalid bool
		err := m.db.NewRaw("SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(?) AND NOT indisvalid)",
			index).
			Scan(ctx, &invalid)
		if err != nil {
			return err
		}
		if !invalid {
			continue
		}
		m.log.WarnContext(ctx, "an index was left half-built: it is dropped and built again", "index", index)
		if _, err := m.db.ExecContext(ctx, "SET lock_timeout = 0"); err != nil {
			return err
		}
		if _, err := m.db.ExecContext(ctx, "DROP INDEX CONCURRENTLY IF EXISTS ?", bun.Ident(index)); err != nil {
			return err
		}
	}
	return nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// sleep waits for about d, so that processes that began together part.
func sleep(ctx context.Context, d time.Duration) error {
	return pause.For(ctx, d/2+rand.N(d)) //nolint:gosec // no secret
}
