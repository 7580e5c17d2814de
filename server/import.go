package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/importer"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v3"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "take in a file of contacts from this machine", ArgsUsage: "FILE",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "tell what would come of it, and write nothing"},
			&cli.StringFlag{Name: "mode", Value: string(importer.ModeUpsert), Usage: "upsert, create_only or update_only"},
			&cli.StringFlag{Name: "region", Usage: "country of national numbers, such as DE"},
			&cli.StringFlag{Name: "consent", Value: "columns", Usage: "columns, all or none"},
			&cli.StringFlag{Name: "consent-text", Usage: "what these people agreed to, and where; a column of another consent, such as to a newsletter, counts only with it"},
			&cli.StringFlag{Name: "numbers", Usage: "how numbers without + are meant: national or international"},
			&cli.StringFlag{Name: "date-order", Usage: "of dates such as 03/04/2025: dmy or mdy"},
			&cli.StringFlag{Name: "sheet", Usage: "of a workbook; else the first with anything in it"},
			&cli.StringMapFlag{
				Name:  "map",
				Usage: "COLUMN=field, such as Tel=address or Ort=attributes.city; columns left out are guessed",
			},
			&cli.StringFlag{
				Name: "rejects", Usage: "write the rejected rows to this file, CSV or .xlsx, to be corrected and imported again",
			},
		},
		Action: runImport,
	}
}

func runImport(ctx context.Context, cmd *cli.Command) error {
	path, err := oneFile(cmd, "name one file: server import FILE")
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return withDB(func(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
		if err := app.Migrate(ctx, cfg, d, log); err != nil {
			return err
		}
		imports, err := app.NewImporter(ctx, cfg, d, log)
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		req := importer.Request{
			FileName: filepath.Base(path), Mapping: map[string]importer.Field{}, DefaultRegion: cmd.String("region"),
			Mode:    importer.Mode(cmd.String("mode")),
			Consent: importer.ConsentChoice{Source: cmd.String("consent"), Text: cmd.String("consent-text")},
			DryRun:  cmd.Bool("dry-run"), Sheet: cmd.String("sheet"),
			Numbers: contact.Reading(cmd.String("numbers")), DateOrder: importer.DateOrder(cmd.String("date-order")),
		}
		for column, field := range cmd.StringMap("map") {
			req.Mapping[column] = importer.Field(field)
		}
		bar := progressbar.NewOptions64(1, progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionSetDescription(req.FileName), progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100e6), progressbar.OptionClearOnFinish())
		imp, err := imports.Import(ctx, req, file, func(i *importer.Import) {
			bar.ChangeMax64(max(i.SizeBytes, 1))
			_ = bar.Set64(i.BytesDone) // a bar that cannot be drawn stops nothing
		})
		_ = bar.Finish()
		if err != nil {
			return err
		}
		return report(ctx, imports, imp, cmd.String("rejects"))
	})(ctx, cmd)
}

func report(ctx context.Context, imports *app.Importer, imp *importer.Import, rejects string) error {
	if imp.Status != importer.StatusCompleted {
		return fmt.Errorf("the import is %s: %s", imp.Status, imp.Failure)
	}
	would := ""
	if imp.Options.DryRun {
		would = "would be "
	}
	columns := make([]string, len(imp.Options.Columns))
	for i, c := range imp.Options.Columns {
		columns[i] = fmt.Sprintf("%s → %s", c.Name, c.Field)
	}
	if o := imp.Options; o.Source != "" || o.Sheet != "" {
		fmt.Println(strings.TrimSpace("read as an export of " + o.Source + " " + o.Sheet))
	}
	for _, w := range imp.Options.Warnings {
		fmt.Fprintln(os.Stderr, w)
	}
	fmt.Printf("%s\n%d rows: %d %screated, %d updated, %d unchanged, %d duplicates, %d rejected\n",
		strings.Join(columns, ", "), imp.RowsDone, imp.Created, would, imp.Updated, imp.Unchanged, imp.Duplicates,
		imp.Rejected)
	if imp.Rejected == 0 || rejects == "" {
		return nil
	}
	out, err := os.Create(rejects)
	if err != nil {
		return err
	}
	if err := imports.WriteRejects(ctx, imp.ID, rejects, out); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}
