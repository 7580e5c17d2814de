package db

import (
	"context"
	"fmt"
	"log/slog"

	"eventstream/migrations"

	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

// migrationLock is the advisory lock under which migrations run, so that
// several processes may start at once.
const migrationLock = 7_239_001

// MigrateUp brings River's tables and ours to the newest version.
func (d *DB) MigrateUp(ctx context.Context, log *slog.Logger) error {
	return d.withMigrationLock(ctx, func() error {
		river, err := rivermigrate.New(riverdatabasesql.New(d.DB.DB), nil)
		if err != nil {
			return fmt.Errorf("river migrations: %w", err)
		}
		if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("river migrations: %w", err)
		}
		m, err := d.migrator(ctx)
		if err != nil {
			return err
		}
		group, err := m.Migrate(ctx)
		if err != nil {
			return fmt.Errorf("migrate up: %w", err)
		}
		for _, step := range group.Migrations {
			log.InfoContext(ctx, "migrated up", "migration", step.Name+"_"+step.Comment)
		}
		return nil
	})
}

// MigrateDown takes back our last group of migrations; with all, every group
// and River's tables too.
func (d *DB) MigrateDown(ctx context.Context, all bool, log *slog.Logger) error {
	return d.withMigrationLock(ctx, func() error {
		m, err := d.migrator(ctx)
		if err != nil {
			return err
		}
		for {
			group, err := m.Rollback(ctx)
			if err != nil {
				return fmt.Errorf("migrate down: %w", err)
			}
			for _, step := range group.Migrations {
				log.InfoContext(ctx, "migrated down", "migration", step.Name+"_"+step.Comment)
			}
			if group.IsZero() || !all {
				break
			}
		}
		if !all {
			return nil
		}
		river, err := rivermigrate.New(riverdatabasesql.New(d.DB.DB), nil)
		if err != nil {
			return fmt.Errorf("river migrations: %w", err)
		}
		if _, err := river.Migrate(ctx, rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: -1}); err != nil {
			return fmt.Errorf("river migrations down: %w", err)
		}
		return nil
	})
}

// CheckMigrated refuses to go on with a schema that is behind.
func (d *DB) CheckMigrated(ctx context.Context) error {
	m, err := d.migrator(ctx)
	if err != nil {
		return err
	}
	steps, err := m.MigrationsWithStatus(ctx)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if missing := steps.Unapplied(); len(missing) > 0 {
		return fmt.Errorf("the database is %d migrations behind: run the command migrate first", len(missing))
	}
	return nil
}

func (d *DB) migrator(ctx context.Context) (*migrate.Migrator, error) {
	steps := migrate.NewMigrations()
	if err := steps.Discover(migrations.FS); err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	m := migrate.NewMigrator(d.DB, steps, migrate.WithMarkAppliedOnSuccess(true))
	if err := m.Init(ctx); err != nil {
		return nil, fmt.Errorf("init migrations: %w", err)
	}
	return m, nil
}

func (d *DB) withMigrationLock(ctx context.Context, fn func() error) error {
	conn, err := d.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := advisory(ctx, conn, "pg_advisory_lock"); err != nil {
		return err
	}
	defer func() { _ = advisory(context.WithoutCancel(ctx), conn, "pg_advisory_unlock") }()
	return fn()
}

func advisory(ctx context.Context, conn bun.Conn, function string) error {
	if _, err := conn.ExecContext(ctx, "SELECT ?(?)", bun.Safe(function), migrationLock); err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	return nil
}
