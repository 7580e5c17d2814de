package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"eventstream/server/app"
	"eventstream/server/backup"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/secret"

	"github.com/urfave/cli/v3"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name: "backup", Usage: "write all of the database into one file, while the engine runs or not", ArgsUsage: "FILE|DIR",
		Flags: []cli.Flag{&cli.StringFlag{
			Name:  "keys",
			Usage: "where the keys go, a file for its owner alone; none: you keep SECRET_KEY yourself (default: FILE.keys)",
		}},
		Action: makeBackup,
		Commands: []*cli.Command{
			{
				Name: "check", Usage: "read a backup and hold it against its sums and signature", ArgsUsage: "FILE",
				Flags:  []cli.Flag{keysOfBackup},
				Action: checkBackup,
			},
			{
				Name: "note", Usage: "remember that a backup was made now by another program, such as pg_dump",
				Action: withDB(func(ctx context.Context, _ config.Config, d *db.DB, _ *slog.Logger) error {
					if err := d.CheckMigrated(ctx); err != nil {
						return err
					}
					return backup.Note(ctx, d)
				}),
			},
		},
	}
}

var keysOfBackup = &cli.StringFlag{
	Name:  "keys",
	Usage: "the file of keys that was written with the backup; none: SECRET_KEY and SECRET_KEY_PREVIOUS have them (default: FILE.keys if it is there)",
}

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "fill an empty database from a backup; nothing is sent from it until you say so", ArgsUsage: "FILE",
		Flags:  []cli.Flag{keysOfBackup},
		Action: restoreBackup,
	}
}

func makeBackup(ctx context.Context, cmd *cli.Command) error {
	path, err := oneFile(cmd, "name a file that is not there yet, or a directory: server backup /backups")
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return withKeys(func(ctx context.Context, d *db.DB, cfg config.Config, k *secret.Keys) error {
		began := time.Now()
		files, err := app.NewMedia(cfg, d, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		made, err := backup.Write(ctx, d, backup.Options{
			Path: path, Keys: cmd.String("keys"), Engine: app.Version, Secret: k, Now: time.Now, Tell: tellTable,
			Stored: files.Stored,
		})
		if err != nil {
			return err
		}
		for _, name := range made.Missing {
			fmt.Fprintf(os.Stderr, "warning: the file %s of the media library is not in the bucket, and not in the backup either\n", name)
		}
		fmt.Printf("%s: %d rows of %d tables, %d bytes, in %s\n", made.Path, made.Manifest.Rows(), len(made.Manifest.Tables),
			made.Bytes, time.Since(began).Round(time.Millisecond))
		if made.Keys != "" {
			fmt.Printf("%s: its keys. Keep them somewhere else.\n", made.Keys)
		}
		return made.Incomplete()
	})(ctx, cmd)
}

func tellTable(table string) { fmt.Fprintln(os.Stderr, table) }

func checkBackup(_ context.Context, cmd *cli.Command) error {
	path, err := oneFile(cmd, "name one file: server backup check FILE")
	if err != nil {
		return err
	}
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	k, err := cfg.Keys()
	if err != nil {
		return err
	}
	m, err := backup.Check(path, cmd.String("keys"), k)
	if err != nil {
		return err
	}
	fmt.Printf("whole: %d rows of %d tables, taken at %s by version %s\n", m.Rows(), len(m.Tables),
		m.TakenAt.UTC().Format(time.RFC3339), m.Engine)
	return nil
}

func restoreBackup(ctx context.Context, cmd *cli.Command) error {
	path, err := oneFile(cmd, "name one file: server restore FILE")
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return withDB(func(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
		k, err := cfg.Keys()
		if err != nil {
			return err
		}
		m, err := app.Restore(ctx, cfg, d, backup.RestoreOptions{
			Path: path, Keys: cmd.String("keys"), Secret: k, Tell: tellTable, Log: log,
		})
		if err != nil {
			return err
		}
		fmt.Printf("%d rows restored, as of %s. Nothing is sent until an admin says that the original is stopped: on the page "+
			"that the banner leads to, or with server sending release.\n", m.Rows(), m.TakenAt.UTC().Format(time.RFC3339))
		return nil
	})(ctx, cmd)
}
