package backup

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Record is a backup that was completed.
type Record struct {
	TakenAt    time.Time // what was committed until then is in it
	FinishedAt time.Time
	Bytes      *int64 // of the archive; nil: another program made it
	Rows       *int64
}

// Last is the newest backup that was completed; nil when there was none.
func Last(ctx context.Context, idb bun.IDB) (*Record, error) {
	r := new(Record)
	err := idb.NewRaw("SELECT taken_at, finished_at, bytes, rows FROM backups ORDER BY taken_at DESC LIMIT 1").Scan(ctx, r)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there was none
	}
	return r, db.Err(err)
}

func insertRecord(ctx context.Context, tx bun.Tx, r Record) error {
	_, err := tx.NewRaw("INSERT INTO backups (taken_at, bytes, rows) VALUES (?, ?, ?)", r.TakenAt, r.Bytes, r.Rows).Exec(ctx)
	return db.Err(err)
}

func keepRecords(ctx context.Context, tx bun.Tx, n int) error {
	_, err := tx.NewRaw("DELETE FROM backups WHERE id <= (SELECT max(id) FROM backups) - ?", n).Exec(ctx)
	return db.Err(err)
}

// schemaNow is how far a database was migrated; nothing when it never was.
func schemaNow(ctx context.Context, idb bun.IDB) (s db.Schema, err error) {
	var ours, rivers bool
	err = idb.NewRaw("SELECT to_regclass('bun_migrations') IS NOT NULL, to_regclass('river_migration') IS NOT NULL").Scan(ctx, &ours, &rivers)
	if err == nil && ours {
		err = idb.NewRaw("SELECT name FROM bun_migrations ORDER BY name").Scan(ctx, &s.Migrations)
	}
	if err == nil && rivers {
		err = idb.NewRaw("SELECT coalesce(max(version), 0) FROM river_migration").Scan(ctx, &s.River)
	}
	return s, db.Err(err)
}
