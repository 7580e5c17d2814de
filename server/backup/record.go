// Package backup writes all that an installation's database holds into one file,
// and restores it.
package backup

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// recordsKept is how many records of backups stay.
const recordsKept = 1000

// Note remembers that a backup was made by another program, such as pg_dump, so
// that its age is known.
func Note(ctx context.Context, d *db.DB) error {
	return d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now, err := db.Now(ctx, tx)
		if err != nil {
			return err
		}
		return remember(ctx, tx, Record{TakenAt: now})
	})
}

func remember(ctx context.Context, tx bun.Tx, r Record) error {
	ctx = actor.With(ctx, actor.System)
	if err := insertRecord(ctx, tx, r); err != nil {
		return err
	}
	if err := keepRecords(ctx, tx, recordsKept); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.BackupCreate, "backup", 0,
		map[string]any{"taken_at": r.TakenAt.UTC().Format(time.RFC3339), "bytes": r.Bytes, "rows": r.Rows})
}
