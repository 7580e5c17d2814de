package app

import (
	"context"
	"fmt"
	"log/slog"

	"eventstream/server/backup"
	"eventstream/server/config"
	"eventstream/server/db"
)

// Restore fills an empty database from a backup, as the owner of the tables, and gives
// the engine's role its rights.
func Restore(ctx context.Context, cfg config.Config, d *db.DB, o backup.RestoreOptions) (m *backup.Manifest, err error) {
	err = AsOwner(ctx, cfg, d, o.Log, func(owner *db.DB) error {
		m, err = backup.Restore(ctx, owner, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, Migrate(ctx, cfg, d, o.Log)
}

// AsOwner does something to the database as the owner of its tables: whom
// MIGRATE_DATABASE_URL names, else the role that d works as.
func AsOwner(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger, do func(owner *db.DB) error) error {
	if cfg.MigrateDatabaseURL == "" {
		return do(d)
	}
	owner, err := db.Open(ctx, string(cfg.MigrateDatabaseURL), 5, log)
	if err != nil {
		return fmt.Errorf("MIGRATE_DATABASE_URL: %w", err)
	}
	defer owner.Close()
	return do(owner)
}

// Migrate brings the schema to the newest version: as the owner of the tables where
// MIGRATE_DATABASE_URL names one, who then gives the engine's role its rights. A role
// that does not own the tables only looks whether they are new enough.
func Migrate(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
	if cfg.MigrateDatabaseURL == "" {
		owns, err := d.Owns(ctx)
		if err != nil {
			return err
		}
		if !owns {
			return d.CheckMigrated(ctx)
		}
		return d.MigrateUp(ctx, log)
	}
	role, err := db.RoleOf(string(cfg.DatabaseURL))
	if err != nil {
		return err
	}
	return AsOwner(ctx, cfg, d, log, func(owner *db.DB) error {
		if err := owner.MigrateUp(ctx, log); err != nil {
			return err
		}
		return owner.Grant(ctx, role)
	})
}
