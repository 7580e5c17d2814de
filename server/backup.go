package main

import (
	"context"
	"log/slog"

	"eventstream/server/backup"
	"eventstream/server/db"

	"github.com/urfave/cli/v3"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name: "backup", Usage: "backups of the database",
		Commands: []*cli.Command{{
			Name: "note", Usage: "remember that a backup was made now by another program, such as pg_dump",
			Action: withDB(func(ctx context.Context, d *db.DB, _ *slog.Logger) error {
				if err := d.CheckMigrated(ctx); err != nil {
					return err
				}
				return backup.Note(ctx, d)
			}),
		}},
	}
}
