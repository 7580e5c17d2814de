package db

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"

	"eventstream/migrations"

	"github.com/riverqueue/river/rivermigrate"
	"github.com/uptrace/bun/migrate"
)

// Schema is how far a database was migrated.
type Schema struct {
	Migrations []string `json:"migrations"` // names of ours
	River      int      `json:"river"`      // River's version
}

// Unknown gives the migrations of s that this program does not have: a newer one
// made them.
func (s Schema) Unknown() (unknown []string, err error) {
	steps := migrate.NewMigrations()
	if err := steps.Discover(migrations.FS); err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	known := map[string]bool{}
	for _, step := range steps.Sorted() {
		known[step.Name] = true
	}
	for _, name := range s.Migrations {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown, nil
}

// MigrateTo brings an empty database to a schema that an earlier version of this
// program, or this one, had.
func (d *DB) MigrateTo(ctx context.Context, log *slog.Logger, s Schema) error {
	opts := migrateDefaults
	opts.files = some{migrations.FS, s.Migrations}
	return d.migrate(ctx, log, opts, func(m *migrating) error {
		err := m.retry(ctx, "River's", func() error {
			return m.river(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: s.River})
		})
		if err != nil {
			return err
		}
		return m.up(ctx)
	})
}

// some are the files of some migrations.
type some struct {
	fs.FS
	names []string
}

// ReadDir leaves out the files of other migrations.
func (s some) ReadDir(dir string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(s.FS, dir)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool {
		name, _, _ := strings.Cut(e.Name(), "_")
		return !e.IsDir() && strings.HasSuffix(e.Name(), ".sql") && !slices.Contains(s.names, name)
	}), nil
}
