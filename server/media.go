package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/media"

	"github.com/urfave/cli/v3"
)

func mediaCommand() *cli.Command {
	return &cli.Command{
		Name: "media", Usage: "the files of the media library",
		Commands: []*cli.Command{{
			Name:  "move",
			Usage: "bring all files to where new ones go, the bucket or Postgres (MEDIA_STORE), while they are served; to be repeated if it breaks off",
			Action: func(ctx context.Context, cmd *cli.Command) error {
				ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
				defer stop()
				return withDB(moveMedia)(ctx, cmd)
			},
		}},
	}
}

func moveMedia(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
	if err := d.CheckMigrated(ctx); err != nil {
		return err
	}
	library, err := app.NewMedia(cfg, d, log)
	if err != nil {
		return err
	}
	where := "Postgres"
	if cfg.Media.ToBucket() {
		where = "the bucket " + cfg.Media.Bucket
	}
	moved, err := library.Move(ctx, func(f *media.File) { fmt.Fprintf(os.Stderr, "%s (%d bytes)\n", f.Name, f.Size) })
	fmt.Printf("%d files moved to %s\n", moved, where)
	return err
}
