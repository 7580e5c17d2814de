package app

import (
	"context"
	"fmt"
	"log/slog"

	"eventstream/server/config"
	"eventstream/server/db"
)

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
	owner, err := db.Open(ctx, string(cfg.MigrateDatabaseURL), 2, log)
	if err != nil {
		return fmt.Errorf("MIGRATE_DATABASE_URL: %w", err)
	}
	defer owner.Close()
	if err := owner.MigrateUp(ctx, log); err != nil {
		return err
	}
	return owner.Grant(ctx, role)
}
