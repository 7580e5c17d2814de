package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"eventstream/server/db"
	"eventstream/server/durable"
	"eventstream/server/secret"

	"github.com/joho/godotenv"
	"github.com/uptrace/bun"
)

// Options say what is written where.
type Options struct {
	// Path is the file to be made, or a directory, in which it gets a name by its time.
	Path string
	// Keys is where the file of keys goes: "" is beside the archive, NoKeys nowhere.
	Keys   string
	Engine string             // version of the program
	Tell   func(table string) // before each table; may be nil
	Secret *secret.Keys       //
	Now    func() time.Time   // for the name
	// Stored reads a file of the media library that lies in a bucket; the backup has it as if it lay in Postgres. One that is
	// missing there is fs.ErrNotExist.
	Stored func(ctx context.Context, id int64) ([]byte, error)
	During func(table string) // tests look in while a table is being written; may be nil
}

// NoKeys is Options.Keys of who keeps SECRET_KEY elsewhere.
const NoKeys = "none"

// Made is a backup that is whole and on the disk.
type Made struct {
	Path, Keys string
	Manifest   *Manifest
	Bytes      int64
	Missing    []string // files of the media library that are not where they should be
}

// Incomplete is an error where files are missing in it; nil where it is whole.
func (m *Made) Incomplete() error {
	if len(m.Missing) == 0 {
		return nil
	}
	return fmt.Errorf("the backup %s was written, but without files of the media library that are not in the bucket (%d): "+
		"check MEDIA_S3_BUCKET and MEDIA_S3_PREFIX, upload the files again or delete them in the library", m.Path, len(m.Missing))
}

// Write makes a backup of everything that was committed at one moment, while the
// engine goes on: it locks nothing but against changes of the schema.
func Write(ctx context.Context, d *db.DB, o Options) (_ *Made, err error) {
	if info, err := os.Stat(o.Path); err == nil && info.IsDir() {
		o.Path = filepath.Join(o.Path, "eventstream-"+o.Now().UTC().Format("20060102T150405Z")+".backup")
	}
	if o.Keys == "" {
		o.Keys = o.Path + ".keys"
	}
	if o.Keys != NoKeys && o.Keys == o.Path {
		return nil, errors.New("the keys go into a file of their own")
	}
	a, err := create(o.Path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.drop()
		}
	}()
	m, missing, err := fill(ctx, d, a, o)
	if err != nil {
		return nil, err
	}
	made := &Made{Path: o.Path, Manifest: m, Missing: missing}
	if o.Keys != NoKeys {
		if err := writeKeys(o.Keys, filepath.Base(o.Path), o.Secret); err != nil {
			return nil, err
		}
		made.Keys = o.Keys
	}
	if made.Bytes, err = a.finish(m, o.Secret); err != nil {
		if made.Keys != "" {
			_ = os.Remove(made.Keys)
		}
		return nil, err
	}
	rows := m.Rows()
	return made, d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return remember(ctx, tx, Record{TakenAt: m.TakenAt, Bytes: &made.Bytes, Rows: &rows})
	})
}

func fill(ctx context.Context, d *db.DB, a *archive, o Options) (_ *Manifest, missing []string, err error) {
	s, err := openSnapshot(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	defer s.close()
	m := &Manifest{Format: format, Engine: o.Engine}
	if err := s.describe(ctx, m); err != nil {
		return nil, nil, err
	}
	// Now its tables are locked against changes. One from just before is not in the snapshot.
	if now, err := schemaNow(ctx, d); err != nil || !slices.Equal(now.Migrations, m.Schema.Migrations) {
		return nil, nil, errors.Join(errors.New("the database was migrated at this very moment: try again"), err)
	}
	for i := range m.Tables {
		t := &m.Tables[i]
		if o.Tell != nil {
			o.Tell(t.Name)
		}
		t.Bytes, t.SHA256, err = a.part(partsIn+t.Name+partSuffix, func(w io.Writer) (err error) {
			if o.During != nil {
				o.During(t.Name)
			}
			if t.Rows, err = s.copyOut(ctx, *t, w); err != nil || t.Name != mediaTable {
				return err
			}
			var more int64
			more, missing, err = s.copyStored(ctx, *t, w, o.Stored)
			t.Rows += more
			return err
		})
		if err != nil {
			return nil, nil, fmt.Errorf("the table %s: %w", t.Name, err)
		}
	}
	// Sequences are no part of a snapshot: read now, they are behind nothing that is in it.
	return m, missing, s.sequences(ctx, m)
}

// writeKeys writes the keys as environment variables, for their owner alone.
func writeKeys(path, of string, k *secret.Keys) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	masters := k.Masters()
	_, err = fmt.Fprintf(f, "# The keys of %s. Whoever has both can read its secrets: keep them apart.\nSECRET_KEY=%s\n"+
		"SECRET_KEY_PREVIOUS=%s\n", of, masters[0], strings.Join(masters[1:], ","))
	return errors.Join(err, f.Sync(), f.Close(), durable.SyncDir(filepath.Dir(path)))
}

// ReadKeys reads what writeKeys wrote.
func ReadKeys(path string) ([]string, error) {
	values, err := godotenv.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if values["SECRET_KEY"] == "" {
		return nil, fmt.Errorf("%s holds no SECRET_KEY", path)
	}
	return append([]string{values["SECRET_KEY"]}, strings.FieldsFunc(values["SECRET_KEY_PREVIOUS"], func(r rune) bool { return r == ',' })...), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
