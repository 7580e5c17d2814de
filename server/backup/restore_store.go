package backup

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"eventstream/server/audit"
	"eventstream/server/message"
	"eventstream/server/secret"

	"github.com/jackc/pgx/v5"
)

// idGap is how many ids of messages a restored installation leaves out. The original
// may have given them away since, and Twilio goes on to call us with them.
const idGap = 1_000_000

// filledTables are the tables in which somebody put something. What migrations put
// into tables that they make does not count: the backup has it too.
func filledTables(ctx context.Context, conn *pgx.Conn) (filled []string, err error) {
	tables, err := tablesOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if byMigrations[t.Name] {
			continue
		}
		var some bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+ident(t.Name)+")").Scan(&some); err != nil {
			return nil, err
		}
		if some {
			filled = append(filled, t.Name)
		}
	}
	return filled, nil
}

// byMigrations are the tables that have rows when nothing but migrations has run.
var byMigrations = map[string]bool{"portfolio": true, "rate_limits": true}

// unbind takes off what a table does when rows come, and empties it. It gives the
// statements that put references back.
func unbind(ctx context.Context, conn *pgx.Conn, tables []Table) (references []string, err error) {
	rows, err := conn.Query(ctx, `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
			format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY conrelid::regclass::text, conname`)
	if err != nil {
		return nil, err
	}
	var drop, add string
	var drops []string
	if _, err := pgx.ForEachRow(rows, []any{&drop, &add}, func() error {
		drops, references = append(drops, drop), append(references, add)
		return nil
	}); err != nil {
		return nil, err
	}
	for _, sql := range drops {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	for _, t := range tables {
		for _, sql := range []string{"ALTER TABLE " + ident(t.Name) + " DISABLE TRIGGER USER", "DELETE FROM " + ident(t.Name)} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return nil, err
			}
		}
	}
	return references, nil
}

func copyIn(ctx context.Context, conn *pgx.Conn, t Table, r io.Reader) (int64, error) {
	tag, err := conn.PgConn().CopyFrom(ctx, r, "COPY "+ident(t.Name)+" ("+idents(t.Columns)+") FROM STDIN")
	return tag.RowsAffected(), err
}

func setSequences(ctx context.Context, conn *pgx.Conn, sequences []Sequence) error {
	for _, s := range sequences {
		if s.Last == nil {
			continue
		}
		last := *s.Last
		if s.Name == "messages_id_seq" {
			last += idGap
		}
		if _, err := conn.Exec(ctx, "SELECT setval(to_regclass($1)::regclass, $2)", ident(s.Name), last); err != nil {
			return fmt.Errorf("the sequence %s: %w", s.Name, err)
		}
	}
	return nil
}

// settle makes a copy of what was an original: nothing is sent from it yet, nobody is
// signed in, and its secrets lie under its own key.
func settle(ctx context.Context, conn *pgx.Conn, m *Manifest, k *secret.Keys) error {
	if err := reseal(ctx, conn, k); err != nil {
		return err
	}
	// What lay in the bucket is in the backup. The objects are the original's.
	if slices.ContainsFunc(m.Tables, func(t Table) bool { return t.Name == "media" && slices.Contains(t.Columns, "in_bucket") }) {
		if _, err := conn.Exec(ctx, "UPDATE media SET in_bucket = false WHERE in_bucket"); err != nil {
			return err
		}
	}
	for _, sql := range []struct {
		text string
		args []any
	}{
		{text: "DELETE FROM sessions"},
		{text: "DELETE FROM password_links"},
		{text: "UPDATE inbound_checks SET next_at = now()"},
		{text: "DELETE FROM sending_hold"},
		{"INSERT INTO sending_hold (backup_at) VALUES ($1)", []any{m.TakenAt}},
		{`INSERT INTO audit_entries (actor_kind, action, entity, changes) VALUES ('system', $3, 'backup',
			jsonb_build_object('taken_at', $1::text, 'rows', $2::bigint))`, []any{m.TakenAt.UTC().Format(time.RFC3339), m.Rows(), audit.BackupRestore.String()}},
	} {
		if _, err := conn.Exec(ctx, sql.text, sql.args...); err != nil {
			return err
		}
	}
	return nil
}

func reseal(ctx context.Context, conn *pgx.Conn, k *secret.Keys) error {
	type row struct {
		ID     int64
		Sealed string
	}
	for _, c := range secret.Columns {
		rows, err := conn.Query(ctx, fmt.Sprintf("SELECT id::bigint, %s FROM %s WHERE %[1]s <> ''", ident(c.Name), ident(c.Table)))
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
		if err != nil {
			return err
		}
		for _, r := range all {
			plain, err := k.Open(c.Purpose(r.ID), r.Sealed)
			if err != nil {
				return fmt.Errorf("%s %d: %w", c, r.ID, err)
			}
			sealed, err := k.Seal(c.Purpose(r.ID), plain)
			if err != nil {
				return err
			}
			if _, err := conn.Exec(ctx, fmt.Sprintf("UPDATE %s SET %s = $1 WHERE id = $2", ident(c.Table), ident(c.Name)), sealed, r.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// bind puts back what unbind took off. A reference to what is not there is an error.
// Messages that were in a worker's hands are in nobody's now.
func bind(ctx context.Context, conn *pgx.Conn, tables []Table, references []string) error {
	for _, sql := range references {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if _, err := conn.Exec(ctx, "ALTER TABLE "+ident(t.Name)+" ENABLE TRIGGER USER"); err != nil {
			return err
		}
	}
	for _, sql := range []string{message.LoseClaims, "ANALYZE"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
