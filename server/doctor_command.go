package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/db/embedded"
	"eventstream/server/doctor"

	"github.com/urfave/cli/v3"
)

// examine prints what the doctor finds, and fails where a check has. It goes on
// without a database: that is one of the findings.
func examine(ctx context.Context, cmd *cli.Command) error {
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	d, stop, why := database(ctx, cfg, log)
	defer stop()
	findings := app.Examine(ctx, cfg, d, why, log)
	if cmd.Bool("json") {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(findings); err != nil {
			return err
		}
	} else {
		marks := map[doctor.State]string{
			doctor.OK: "ok      ", doctor.Warning: "WARNING ", doctor.Failed: "FAILED  ", doctor.NotApplicable: "-       ",
		}
		for _, f := range findings {
			fmt.Printf("%s %s: %s\n", marks[f.State], f.Title, f.Found)
			if !f.Advice.Empty() {
				fmt.Printf("         → %s\n", f.Advice)
			}
		}
	}
	if doctor.Worst(findings) == doctor.Failed {
		return errors.New("at least one check has failed")
	}
	return nil
}

// database opens the database, or says why it cannot be.
func database(ctx context.Context, cfg config.Config, log *slog.Logger) (d *db.DB, stop func(), why string) {
	stop = func() {}
	url := string(cfg.DatabaseURL)
	if url == "" {
		pg, err := embedded.Join(ctx, embedded.Options{DataDir: cfg.DataDir, Log: log})
		if err != nil {
			return nil, stop, err.Error()
		}
		stop = func() { _ = pg.Stop() }
		url = pg.URL
	}
	d, err := db.Open(ctx, url, 5, log)
	if err != nil {
		return nil, stop, "it does not answer, or refuses DATABASE_URL"
	}
	stopServer := stop
	return d, func() { d.Close(); stopServer() }, ""
}
