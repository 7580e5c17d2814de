package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/uptrace/bun"
)

// Pipeline is statements that are sent together and answered in one round trip. It is for batches, many times a
// second.
//
// bun writes values into a statement's text. For a few values that costs little, but the arrays of a batch make texts
// of a hundred kilobytes, which Postgres copies, scans and parses each time. The statements of a pipeline have $1, $2,
// … in their text and their values beside it in binary form. And each round trip costs a busy process some
// milliseconds: the answer waits until its goroutine's turn has come.
//
// Postgres keeps nothing of these statements between two uses, so that each is planned for the tables as they are: a
// plan that was made while a table was small would read all of it once it has grown.
type Pipeline struct {
	statements []statement
}

type statement struct {
	query string
	args  []any
	scan  func(Row) error
}

// Row is one row of an answer.
type Row = pgx.Row

// Exec adds a statement whose rows, if it has any, nobody wants. Values are of plain types that pgx knows, or slices of
// them.
func (p *Pipeline) Exec(query string, args ...any) { p.Query(nil, query, args...) }

// Query adds a statement and what is done with each of its rows.
func (p *Pipeline) Query(scan func(Row) error, query string, args ...any) {
	p.statements = append(p.statements, statement{query, args, scan})
}

// Send runs the statements, in order, and reads their rows. It ends at the first error, after which a transaction is as
// broken as by any other statement.
func (p *Pipeline) Send(ctx context.Context, idb bun.IDB) error {
	if len(p.statements) == 0 {
		return nil
	}
	to, err := plain(idb)
	if err == nil {
		_, err = to.ExecContext(ctx, "", p)
	}
	return Err(err)
}

// plain gives the handle of database/sql under one of bun.
func plain(idb bun.IDB) (interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, error,
) {
	switch of := idb.(type) {
	case bun.Tx:
		return of.Tx, nil
	case *DB:
		return of.DB.DB, nil
	case *bun.DB:
		return of.DB, nil
	case bun.Conn:
		return of.Conn, nil
	}
	return nil, fmt.Errorf("a %T takes no pipeline", idb)
}

// ExecContext implements driver.ExecerContext. database/sql does not show the connection of a transaction: a pipeline
// reaches it as the only value of a statement without text.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 1 {
		if p, ok := args[0].Value.(*Pipeline); ok {
			return driver.ResultNoRows, p.send(ctx, c.Conn.Conn(), c.slow)
		}
	}
	return c.Conn.ExecContext(ctx, query, args)
}

func (p *Pipeline) send(ctx context.Context, to *pgx.Conn, slow slowQueries) (err error) {
	if to.IsClosed() {
		return driver.ErrBadConn
	}
	batch, types := new(pgconn.Batch), to.TypeMap()
	for _, s := range p.statements {
		values, oids, formats, err := encode(types, s.args)
		if err != nil {
			return err
		}
		batch.ExecParams(s.query, values, oids, formats, []int16{pgtype.BinaryFormatCode})
	}
	began, i := time.Now(), 0
	answers := to.PgConn().ExecBatch(ctx, batch)
	for ; answers.NextResult(); i++ {
		if err = p.statements[i].read(pgx.RowsFromResultReader(types, answers.ResultReader())); err != nil {
			break
		}
		slow.look(ctx, p.statements[i].query, began)
		began = time.Now()
	}
	if ended := answers.Close(); err == nil {
		err = ended
	}
	if err != nil && i < len(p.statements) { // a statement that failed may have taken long, too
		slow.look(ctx, p.statements[i].query, began)
	}
	if pgconn.SafeToRetry(err) { // nothing was sent
		return driver.ErrBadConn
	}
	return err
}

func (s statement) read(rows pgx.Rows) error {
	defer rows.Close()
	for rows.Next() {
		if s.scan == nil {
			continue
		}
		if err := s.scan(rows); err != nil {
			return err
		}
	}
	rows.Close()
	return rows.Err()
}

// encode gives values in binary form, with the types that pgx has for those of Go.
func encode(types *pgtype.Map, args []any) (values [][]byte, oids []uint32, formats []int16, err error) {
	values, oids, formats = make([][]byte, len(args)), make([]uint32, len(args)), make([]int16, len(args))
	for i, arg := range args {
		arg = storable(arg)
		t, ok := types.TypeForValue(arg)
		if !ok {
			return nil, nil, nil, fmt.Errorf("$%d is a %T, for which Postgres has no type", i+1, arg)
		}
		oids[i], formats[i] = t.OID, pgtype.BinaryFormatCode
		if values[i], err = types.Encode(t.OID, pgtype.BinaryFormatCode, arg, []byte{}); err != nil {
			return nil, nil, nil, fmt.Errorf("$%d: %w", i+1, err)
		}
	}
	return values, oids, formats, nil
}

// storable makes texts among the values such that Postgres can hold them, as bun does.
func storable(arg any) any {
	switch v := arg.(type) {
	case string:
		return Storable(v)
	case []string:
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = Storable(s)
		}
		return out
	}
	return arg
}
