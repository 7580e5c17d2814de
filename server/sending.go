package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"eventstream/server/actor"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/hold"

	"github.com/urfave/cli/v3"
)

func sendingCommand() *cli.Command {
	return &cli.Command{
		Name: "sending", Usage: "whether messages are sent, after a restore",
		Commands: []*cli.Command{
			{Name: "status", Usage: "tell whether sending is held, and why", Action: withHold(tellHold)},
			{
				Name: "release", Usage: "say that the original is stopped; sending begins when Twilio's log has told what it sent",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "stopped-at", Usage: "since when it is, as 2026-11-28T09:30:00Z (default: since now)"},
					&cli.BoolFlag{
						Name:  "without-log",
						Usage: "send at once, whatever Twilio's log says: what the original sent since the backup may be sent again",
					},
				},
				Action: func(ctx context.Context, cmd *cli.Command) error {
					return withHold(func(ctx context.Context, s *hold.Service) error { return release(ctx, cmd, s) })(ctx, cmd)
				},
			},
		},
		DefaultCommand: "status",
	}
}

// withHold opens the database beside a server that runs or not. Who ends the hold is a worker: it has Twilio's log.
func withHold(fn func(context.Context, *hold.Service) error) cli.ActionFunc {
	return withDB(func(ctx context.Context, _ config.Config, d *db.DB, log *slog.Logger) error {
		if err := d.CheckMigrated(ctx); err != nil {
			return err
		}
		return fn(actor.With(ctx, actor.System), hold.New(hold.Options{DB: d, Log: log}))
	})
}

func release(ctx context.Context, cmd *cli.Command, s *hold.Service) error {
	if cmd.Bool("without-log") {
		if cmd.String("stopped-at") != "" {
			return errors.New("without-log asks for no stopped-at: messages are sent at once")
		}
		return s.ReleaseNow(ctx)
	}
	var stoppedAt *time.Time
	if text := cmd.String("stopped-at"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return fmt.Errorf("stopped-at=%q: want a time such as 2026-11-28T09:30:00Z", text)
		}
		stoppedAt = &at
	}
	if _, err := s.Release(ctx, stoppedAt); err != nil {
		return err
	}
	return tellHold(ctx, s)
}

func tellHold(ctx context.Context, s *hold.Service) error {
	h, err := s.Current(ctx)
	if err != nil {
		return err
	}
	if h == nil {
		fmt.Println("messages are sent")
		return nil
	}
	fmt.Printf("nothing is sent: restored at %s from a backup of %s\n", h.HeldAt.UTC().Format(time.RFC3339), h.BackupAt.UTC().Format(time.RFC3339))
	if h.Notice != "" {
		fmt.Println(h.Notice)
	}
	if h.StoppedAt == nil {
		fmt.Println("Stop the original, then: server sending release")
		return nil
	}
	fmt.Printf("the original is stopped since %s; a worker releases when Twilio's log has told what it sent\n", h.StoppedAt.UTC().Format(time.RFC3339))
	return nil
}
