// Package db opens Postgres once for everybody: one pgx pool under bun and
// River, with errors translated for the domains.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"eventstream/server/apperr"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// DB is bun over one pool, or over one for each kind of work.
type DB struct {
	*bun.DB
	Pool  *pgxpool.Pool
	conn  *pgx.ConnConfig // how the pool connects; migrations connect likewise, with other limits
	pools *pools
}

// Open connects and waits up to ten seconds for Postgres to answer. It refuses a
// server that is older than OldestPostgres.
func Open(ctx context.Context, url string, maxConns int32, log *slog.Logger) (*DB, error) {
	return open(ctx, url, maxConns, log, statementTimeout)
}

// statementTimeout ends a statement that takes too long. Migrations have none.
const statementTimeout = time.Minute

func open(ctx context.Context, url string, maxConns int32, log *slog.Logger, limit time.Duration) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL: not a Postgres URL") // the cause may hold the password
	}
	// bun writes values into the statement, so preparing each would cost a
	// round trip and a cache entry for nothing.
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.ConnConfig.Tracer = slowQueries{log}
	cfg.MaxConns = maxConns
	cfg.ConnConfig.RuntimeParams["application_name"] = "eventstream"
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	cfg.ConnConfig.RuntimeParams["eventstream.fenced"] = "1" // see messages_writer_check
	cfg.ConnConfig.RuntimeParams["eventstream.draws"] = "1"  // see campaigns_draws_check
	// Our queries are short: compiling one costs more than it saves, and the
	// planner's guess that it pays grows with the tables.
	cfg.ConnConfig.RuntimeParams["jit"] = "off"
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = milliseconds(limit)
	cfg.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open Postgres: %w", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		err = pool.Ping(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			pool.Close()
			return nil, fmt.Errorf("reach Postgres: %w", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if err := requireVersion(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	pools := newPools(pool, log)
	return &DB{DB: over(pools), Pool: pool, conn: cfg.ConnConfig.Copy(), pools: pools}, nil
}

// over makes bun's handle over pools. While the next version migrates, this one
// reads on: columns that it does not know are no error.
func over(pools *pools) *bun.DB {
	return bun.NewDB(pools.sql(), pgdialect.New(), bun.WithDiscardUnknownColumns())
}

// Close closes bun's handle and the pools.
func (d *DB) Close() {
	_ = d.DB.Close()
	d.pools.close()
	d.Pool.Close()
}

// Tx runs fn in one transaction and translates the error of the commit too.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return Err(d.RunInTx(ctx, nil, fn))
}

// Err translates what Postgres says into apperr, and leaves the rest alone.
func Err(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*apperr.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[apperr.List](err); ok {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return apperr.Wrap(err, apperr.CodeUnavailable, "this took too long")
	}
	if errors.Is(err, sql.ErrNoRows) {
		return apperr.Wrap(err, apperr.CodeNotFound, "it does not exist")
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case "23505":
			return apperr.Wrap(err, apperr.CodeConflict, "it exists already")
		case "23503":
			return apperr.Wrap(err, apperr.CodeConflict, "it is in use, or what it points to does not exist")
		case "57014":
			return apperr.Wrap(err, apperr.CodeUnavailable, "this took too long")
		case "40001", "40P01", "53300", "57P01", "57P02", "57P03":
			return apperr.Wrap(err, apperr.CodeUnavailable, "the database is busy, try again")
		}
		if strings.HasPrefix(pg.Code, "22") && !errors.As(err, new(dataError)) { // its message quotes the value
			err = dataError{pg}
		}
		if unkeepable(pg.Code) {
			return apperr.Wrap(err, apperr.CodeInvalid, "a value of the request cannot be kept in the database")
		}
		return err
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return apperr.Wrap(err, apperr.CodeUnavailable, "the database is away, try again")
	}
	return err
}

// dataError is what Postgres says of a value that it cannot take, without the value.
type dataError struct{ pg *pgconn.PgError }

func (e dataError) Error() string {
	return fmt.Sprintf("%s: Postgres cannot take a value (SQLSTATE %s, %s)", e.pg.Severity, e.pg.Code, e.pg.Routine)
}

// Unwrap gives Postgres' own error.
func (e dataError) Unwrap() error { return e.pg }

// unkeepable reports whether Postgres refused a value: its encoding or its range, or
// because it outgrows an index or a row. What comes in is checked before; this is for
// what was forgotten there.
func unkeepable(code string) bool {
	switch code {
	case "22001", "22003", "22007", "22008", "22021", "22P02", "22P03", "22P05", "54000":
		return true
	}
	return false
}

// Storable drops what no text in Postgres can hold: bytes that are no UTF-8, and NUL.
func Storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// LikeEscape makes a text stand for itself in a LIKE pattern.
func LikeEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// IsUnique reports whether err broke a unique constraint.
func IsUnique(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23505"
}

// Refused reports whether Postgres answered that it cannot hold these values, as opposed to
// being away or in trouble.
func Refused(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "54"))
}

// StoreApart stores items together, and halves what Postgres refuses until the items that it
// cannot hold are alone: those are rejected, and take no others with them.
func StoreApart[T any](items []T, store func([]T) error, reject func(T, error)) error {
	err := store(items)
	switch {
	case err == nil || !Refused(err):
		return err
	case len(items) == 1:
		reject(items[0], err)
		return nil
	}
	half := len(items) / 2
	if err := StoreApart(items[:half], store, reject); err != nil {
		return err
	}
	return StoreApart(items[half:], store, reject)
}

// TimeArray writes times as a Postgres array, to the microsecond; nil is null.
func TimeArray(ts []*time.Time) string {
	buf := make([]byte, 0, len(ts)*34+2)
	buf = append(buf, '{')
	for i, t := range ts {
		if i > 0 {
			buf = append(buf, ',')
		}
		if t == nil {
			buf = append(buf, "NULL"...)
			continue
		}
		buf = append(buf, '"')
		buf = t.UTC().AppendFormat(buf, "2006-01-02T15:04:05.999999Z07:00")
		buf = append(buf, '"')
	}
	return string(append(buf, '}'))
}
