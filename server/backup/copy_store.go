package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"eventstream/server/db"
	"eventstream/server/keys"
	"eventstream/server/secret"

	"github.com/jackc/pgx/v5"
)

// left are tables that no backup holds: the lists of migrations, which a restore
// makes itself, and leases, which belong to processes that live.
var left = []string{"bun_migrations", "bun_migration_locks", "river_migration", "leases"}

// snapshot is one transaction that sees what was committed when it began.
type snapshot struct{ conn *pgx.Conn }

func openSnapshot(ctx context.Context, d *db.DB) (*snapshot, error) {
	conn, err := d.Alone(ctx, "backup")
	if err != nil {
		return nil, err
	}
	s := &snapshot{conn}
	if _, err := conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		s.close()
		return nil, fmt.Errorf("begin the snapshot: %w", err)
	}
	return s, nil
}

// close ends the connection, and with it the transaction.
func (s *snapshot) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
}

// describe says what there is to be copied.
func (s *snapshot) describe(ctx context.Context, m *Manifest) error {
	tables, err := tablesOf(ctx, s.conn)
	if err != nil {
		return err
	}
	if len(tables) == 0 {
		return errors.New("the database is empty")
	}
	for _, t := range tables {
		if _, err := s.conn.Exec(ctx, "LOCK TABLE "+ident(t.Name)+" IN ACCESS SHARE MODE"); err != nil {
			return fmt.Errorf("lock %s: %w", t.Name, err)
		}
	}
	m.Tables = tables
	if err := s.conn.QueryRow(ctx, "SELECT transaction_timestamp(), current_setting('server_version')").Scan(&m.TakenAt, &m.Postgres); err != nil {
		return err
	}
	if m.Schema, err = schemaOf(ctx, s.conn); err != nil {
		return err
	}
	if m.Addresses, err = addressKeys(ctx, s.conn); err != nil {
		return err
	}
	m.Secrets, err = secretsOf(ctx, s.conn)
	return err
}

func (s *snapshot) copyOut(ctx context.Context, t Table, w io.Writer) (rows int64, err error) {
	tag, err := s.conn.PgConn().CopyTo(ctx, w, "COPY "+ident(t.Name)+" ("+idents(t.Columns)+") TO STDOUT")
	return tag.RowsAffected(), err
}

// mediaTable has the files of the media library that lie in Postgres.
const mediaTable = "media_files"

// copyStored adds to it the files that lie in a bucket, so that a backup is whole without one.
func (s *snapshot) copyStored(
	ctx context.Context, t Table, w io.Writer, read func(context.Context, int64) ([]byte, error),
) (n int64, missing []string, err error) {
	type stored struct {
		ID   int64
		Name string
	}
	rows, err := s.conn.Query(ctx, `SELECT m.id, m.name FROM media m WHERE m.in_bucket AND m.deleted_at IS NULL
		AND NOT EXISTS (SELECT FROM media_files f WHERE f.media_id = m.id) ORDER BY m.id`)
	if err != nil {
		return 0, nil, err
	}
	files, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
	if err != nil {
		return 0, nil, err
	}
	if !slices.Equal(t.Columns, []string{"media_id", "data"}) {
		return 0, nil, fmt.Errorf("it has other columns (%s) than files of a bucket are written for", strings.Join(t.Columns, ", "))
	}
	for _, f := range files {
		if read == nil {
			return n, missing, errors.New("files of the media library lie in a bucket, and MEDIA_S3_BUCKET is not set")
		}
		data, err := read(ctx, f.ID)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, f.Name)
			continue
		}
		if err != nil {
			return n, missing, fmt.Errorf("the file %s of the media library: %w", f.Name, err)
		}
		if _, err := fmt.Fprintf(w, "%d\t\\\\x%x\n", f.ID, data); err != nil { // as COPY writes bytea
			return n, missing, err
		}
		n++
	}
	return n, missing, nil
}

func (s *snapshot) sequences(ctx context.Context, m *Manifest) error {
	rows, err := s.conn.Query(ctx, "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1")
	if err != nil {
		return err
	}
	m.Sequences, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Sequence])
	return err
}

// tablesOf are the tables of the schema in a stable order, with the columns that hold
// something of their own.
func tablesOf(ctx context.Context, conn *pgx.Conn) ([]Table, error) {
	rows, err := conn.Query(ctx, `SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '')
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relpersistence <> 't' AND c.relname <> ALL ($1)
		GROUP BY 1 ORDER BY 1`, left)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Table, err error) {
		return t, row.Scan(&t.Name, &t.Columns)
	})
}

func schemaOf(ctx context.Context, conn *pgx.Conn) (s db.Schema, err error) {
	err = conn.QueryRow(ctx, `SELECT (SELECT array_agg(name::text ORDER BY name) FROM bun_migrations),
		(SELECT max(version) FROM river_migration)`).Scan(&s.Migrations, &s.River)
	return s, err
}

func addressKeys(ctx context.Context, conn *pgx.Conn) ([]*keys.Address, error) {
	rows, err := conn.Query(ctx, "SELECT id, sealed, fingerprint, active_from, created_at FROM address_keys ORDER BY id DESC")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*keys.Address, error) {
		k := new(keys.Address)
		return k, row.Scan(&k.ID, &k.Sealed, &k.Fingerprint, &k.ActiveFrom, &k.CreatedAt)
	})
}

// secretsOf are the ids of the keys under which secrets lie.
func secretsOf(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	parts := make([]string, len(secret.Columns))
	for i, c := range secret.Columns {
		parts[i] = fmt.Sprintf("SELECT split_part(%s, '.', 2) FROM %s WHERE %[1]s <> ''", ident(c.Name), ident(c.Table))
	}
	rows, err := conn.Query(ctx, strings.Join(parts, " UNION ")+" ORDER BY 1")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = ident(n)
	}
	return strings.Join(quoted, ", ")
}
