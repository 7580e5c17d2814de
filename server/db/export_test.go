package db

import (
	"context"
	"io/fs"
	"log/slog"
	"time"
)

// CheckVersion is checkVersion for tests.
var CheckVersion = checkVersion

// OpenWithLimit opens with another limit of statements than statementTimeout.
func OpenWithLimit(ctx context.Context, url string, limit time.Duration) (*DB, error) {
	return open(ctx, url, 8, slog.New(slog.DiscardHandler), limit)
}

// MigrateFiles applies other migrations than the engine's, with limits so short
// that a test sees many attempts.
func (d *DB) MigrateFiles(ctx context.Context, files fs.FS, log *slog.Logger) error {
	return d.MigrateFilesPausing(ctx, files, log, 50*time.Millisecond)
}

// MigrateFilesPausing also chooses the pause between two attempts.
func (d *DB) MigrateFilesPausing(ctx context.Context, files fs.FS, log *slog.Logger, pause time.Duration) error {
	return d.migrateUp(ctx, log, migrateOptions{
		files: files, lockTimeout: 100 * time.Millisecond, pause: pause,
		maxPause: 2 * pause,
	})
}

// Connections is how many a pool has.
func Connections(name Pool) int32 { return poolSizes[name].conns }

// Share is how many of them one actor may have.
func Share(name Pool) int { return poolSizes[name].each }
