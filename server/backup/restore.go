package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"eventstream/server/db"
	"eventstream/server/secret"

	"github.com/jackc/pgx/v5"
)

// RestoreOptions say what is restored with which keys.
type RestoreOptions struct {
	Path   string
	Keys   string       // a file of keys; "" is the one beside the archive if it is there, NoKeys none
	Secret *secret.Keys // of the installation that begins
	Tell   func(table string)
	Log    *slog.Logger
}

// Restore fills an empty database from a backup. The data comes in one transaction,
// which is committed only if all of it is what the backup's maker signed. From then
// on nothing is sent until somebody says that the original is stopped, see package
// hold. Sessions and one-time links are not restored: what was ended since would be
// alive again.
func Restore(ctx context.Context, d *db.DB, o RestoreOptions) (*Manifest, error) {
	archive, err := Open(o.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }()
	m := archive.Manifest
	k, err := withFile(o.Path, o.Keys, o.Secret)
	if err != nil {
		return nil, err
	}
	if err := archive.signed(k); err != nil {
		return nil, err
	}
	unknown, err := m.Schema.Unknown()
	if err != nil {
		return nil, err
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("the backup was made by a newer version, %s, which has migrations that this one does not know (%s): "+
			"restore it with that version", m.Engine, strings.Join(unknown, ", "))
	}
	if err := empty(ctx, d, m.Schema); err != nil {
		return nil, err
	}
	if err := d.MigrateTo(ctx, o.Log, m.Schema); err != nil {
		return nil, err
	}
	if err := load(ctx, d, archive, k, o); err != nil {
		return nil, fmt.Errorf("nothing was restored: %w", err)
	}
	return m, d.MigrateUp(ctx, o.Log)
}

// withFile gives the keys of this installation, which write, and those of the backup.
func withFile(archive, path string, own *secret.Keys) (*secret.Keys, error) {
	if path == "" {
		if path = archive + ".keys"; !exists(path) {
			path = NoKeys
		}
	}
	if path == NoKeys {
		return own, nil
	}
	theirs, err := ReadKeys(path)
	if err != nil {
		return nil, err
	}
	all := append(own.Masters(), theirs...)
	return secret.New(all[0], all[1:]...), nil
}

// Check reads a backup as a whole, with the keys as for Restore, and reports whether
// it is what its maker signed.
func Check(path, keyFile string, own *secret.Keys) (*Manifest, error) {
	archive, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }()
	k, err := withFile(path, keyFile, own)
	if err != nil {
		return nil, err
	}
	return archive.Manifest, archive.Verify(k)
}

// empty refuses a database that holds anything, or that was migrated further than
// the backup's.
func empty(ctx context.Context, d *db.DB, s db.Schema) error {
	now, err := schemaNow(ctx, d)
	if err != nil {
		return err
	}
	for _, name := range now.Migrations {
		if !slices.Contains(s.Migrations, name) {
			return fmt.Errorf("the database was migrated further (%s) than the one of the backup: give an empty one", name)
		}
	}
	if now.River > s.River {
		return errors.New("the database has newer tables of jobs than the one of the backup: give an empty one")
	}
	conn, err := d.Alone(ctx, "restore")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	filled, err := filledTables(ctx, conn)
	if err != nil {
		return err
	}
	if len(filled) > 0 {
		return fmt.Errorf("the database is not empty (%s): a restore overwrites nothing. Give an empty one",
			strings.Join(filled, ", "))
	}
	return nil
}

func load(ctx context.Context, d *db.DB, archive *Opened, k *secret.Keys, o RestoreOptions) (err error) {
	conn, err := d.Alone(ctx, "restore")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := sameTables(ctx, conn, archive.Manifest); err != nil {
		return err
	}
	// Triggers have done their work before: counters are in the backup, and so is
	// what may only be appended. References are checked when all is there.
	references, err := unbind(ctx, conn, archive.Manifest.Tables)
	if err != nil {
		return err
	}
	for _, t := range archive.Manifest.Tables {
		if o.Tell != nil {
			o.Tell(t.Name)
		}
		if err := archive.part(t, func(r io.Reader) (int64, error) { return copyIn(ctx, conn, t, r) }); err != nil {
			return err
		}
	}
	if err := setSequences(ctx, conn, archive.Manifest.Sequences); err != nil {
		return err
	}
	if err := settle(ctx, conn, archive.Manifest, k); err != nil {
		return err
	}
	if err := bind(ctx, conn, archive.Manifest.Tables, references); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// sameTables reports whether the tables that were made are those of the backup.
func sameTables(ctx context.Context, conn *pgx.Conn, m *Manifest) error {
	tables, err := tablesOf(ctx, conn)
	if err != nil {
		return err
	}
	made := map[string]Table{}
	for _, t := range tables {
		made[t.Name] = t
	}
	for _, t := range m.Tables {
		for _, c := range t.Columns {
			if !slices.Contains(made[t.Name].Columns, c) {
				return fmt.Errorf("this version makes no column %s.%s, which the backup has", t.Name, c)
			}
		}
		delete(made, t.Name)
	}
	for name := range made {
		return fmt.Errorf("the backup lacks the table %s", name)
	}
	return nil
}
