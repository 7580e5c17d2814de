// Command server is the whole engine: API, pages, workers and tools.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"eventstream/server/app"
	"eventstream/server/bench"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/db/embedded"
	"eventstream/server/demo"

	_ "time/tzdata" // zones must not depend on the machine

	"github.com/urfave/cli/v3"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // a tenth more throughput for some megabytes
	}
	if err := command().Run(context.Background(), os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func command() *cli.Command {
	both, serve, work := app.Roles{Serve: true, Work: true}, app.Roles{Serve: true}, app.Roles{Work: true}
	return &cli.Command{
		Name:           "server",
		Usage:          "personalised WhatsApp campaigns over Twilio",
		Version:        app.Version,
		DefaultCommand: "run",
		Commands: []*cli.Command{
			{Name: "run", Usage: "serve the API and pages, and work the jobs", Action: run(both)},
			{Name: "serve", Usage: "serve the API and pages only", Action: run(serve)},
			{Name: "work", Usage: "work the jobs only", Action: run(work)},
			{
				Name: "try", Usage: "try things out with the sandbox on a database of its own, beside one that is live",
				Flags:  []cli.Flag{&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8090", Usage: "where it listens"}},
				Action: try,
			},
			{
				Name: "migrate", Usage: "bring the database to the newest version, or take it back",
				Commands: []*cli.Command{
					{Name: "up", Usage: "apply what is missing", Action: withDB(app.Migrate)},
					{Name: "down", Usage: "take everything back; all data is lost", Action: withDB(migrateDown)},
				},
				DefaultCommand: "up",
			},
			importCommand(),
			{
				Name: "doctor", Usage: "examine the installation: configuration, Twilio, Postgres, disk, clocks, backups, mail",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print JSON"}},
				Action: examine,
			},
			{
				Name: "seed", Usage: "fill an empty database with demo contacts and six weeks of history, for the sandbox",
				Flags:  []cli.Flag{&cli.IntFlag{Name: "contacts", Value: demo.DefaultContacts, Usage: "how many, 100 to 100,000"}},
				Action: seed,
			},
			{
				Name: "operator", Usage: "who may sign in, when nobody can any more",
				Commands: []*cli.Command{{
					Name: "reset", Usage: "make an operator an active admin again and print a one-time link for a new password",
					ArgsUsage: "EMAIL", Action: resetOperator,
				}},
			},
			keysCommand(),
			backupCommand(),
			restoreCommand(),
			sendingCommand(),
			mediaCommand(),
			assignmentCommand(),
			auditCommand(),
			{
				Name: "bench", Usage: "measure the engine beside its ceilings, on a private Postgres of its own",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "write", Usage: "also write the report to this file"},
					&cli.IntFlag{Name: "people", Value: 50_000, Usage: "recipients of a sending case; 0: none"},
					&cli.IntSliceFlag{Name: "processes", Value: []int{1, 2, 4}, Usage: "worker processes of the sending cases"},
					&cli.IntSliceFlag{Name: "growth", Usage: "audiences of the growth table"},
					&cli.IntSliceFlag{Name: "pace", Usage: "rates of the pace table, messages a second"},
					&cli.IntFlag{Name: "engine", Usage: "recipients of the case beside the cheapest sink"},
					&cli.IntFlag{Name: "import", Usage: "rows of the import table"},
					&cli.IntFlag{Name: "links", Usage: "recipients of the campaign beside which links are opened"},
					&cli.IntFlag{Name: "webhooks", Usage: "recipients of the campaign beside which webhooks are answered"},
					&cli.IntSliceFlag{Name: "receipts", Usage: "status callbacks a second of the receipts table, beside as many as can be taken"},
					&cli.IntFlag{Name: "contacts", Usage: "contacts of the tables on segments and search"},
					&cli.BoolFlag{Name: "abuse", Usage: "the table of attacks"},
					&cli.IntSliceFlag{Name: "upkeep", Usage: "sizes of the table of periodic queries"},
				},
				Action: runBench,
				Commands: []*cli.Command{{
					Name: "bare", Usage: "one process of bare calls; the bench starts it", Hidden: true,
					Action: func(ctx context.Context, cmd *cli.Command) error {
						var job bench.BareJob
						if err := json.Unmarshal([]byte(cmd.Args().First()), &job); err != nil {
							return err
						}
						calls, rate, err := job.Run(ctx)
						fmt.Println(calls, rate)
						return err
					},
				}, {
					Name: "sink", Usage: "the cheapest Twilio there can be; the bench starts it", Hidden: true,
					Action: func(context.Context, *cli.Command) error { return bench.ServeSink(os.Stdin, os.Stdout) },
				}},
			},
			{Name: "version", Usage: "print the version", Action: func(context.Context, *cli.Command) error { fmt.Println(app.Version); return nil }},
		},
	}
}

// migrateDown takes everything back.
func migrateDown(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
	return app.AsOwner(ctx, cfg, d, log, func(owner *db.DB) error { return owner.MigrateDown(ctx, true, log) })
}

func seed(ctx context.Context, cmd *cli.Command) error {
	return withDB(func(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
		if err := app.Migrate(ctx, cfg, d, log); err != nil {
			return err
		}
		r, err := app.SeedDemo(ctx, cfg, d, log, cmd.Int("contacts"))
		if err == nil {
			fmt.Printf("%d contacts, %d campaigns and %d messages written\n", r.Contacts, r.Campaigns, r.Messages)
		}
		return err
	})(ctx, cmd)
}

// resetOperator is for who has the database but no way in.
func resetOperator(ctx context.Context, cmd *cli.Command) error {
	email := cmd.Args().First()
	if email == "" || cmd.Args().Len() > 1 {
		return errors.New("name the operator by email address: server operator reset ada@shop.example")
	}
	return withDB(func(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
		if err := d.CheckMigrated(ctx); err != nil {
			return err
		}
		link, err := app.ResetOperator(ctx, cfg, d, log, email)
		if err == nil {
			fmt.Printf("%s is an active admin. This link sets a new password; it works once, for a day:\n\n  %s\n\n", email, link)
		}
		return err
	})(ctx, cmd)
}

func logger(cfg config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked when it was read
	opts := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(os.Stderr, opts)
	if cfg.LogFormat == "json" {
		h = slog.NewJSONHandler(os.Stderr, opts)
	}
	log := slog.New(h)
	slog.SetDefault(log)
	return log
}

// run starts the engine. The first Ctrl-C stops it cleanly, a second at once.
func run(roles app.Roles) cli.ActionFunc {
	return func(ctx context.Context, _ *cli.Command) error {
		cfg, err := config.Load()
		if err != nil {
			return err
		}
		return runWith(ctx, cfg, roles)
	}
}

// try runs the sandbox beside an installation that is live: nothing of that one is touched,
// neither its database nor its keys, account, address or mail.
func try(ctx context.Context, cmd *cli.Command) error {
	cfg, err := config.LoadApart(cmd.String("listen"))
	if err != nil {
		return err
	}
	return runWith(ctx, cfg, app.Roles{Serve: true, Work: true})
}

func runWith(ctx context.Context, cfg config.Config, roles app.Roles) error {
	log := logger(cfg)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // from here on a second signal ends the process
		log.Info("stopping: slices under way are finished")
	}()
	for {
		err := runOnce(ctx, &cfg, roles, log)
		if !errors.Is(err, app.ErrProviderChanged) {
			return err
		}
		log.Info(err.Error())
	}
}

// runOnce starts the engine and runs it until it is told to stop, or has to start again with
// another provider, at the same address.
func runOnce(ctx context.Context, cfg *config.Config, roles app.Roles, log *slog.Logger) error {
	a, err := app.New(ctx, *cfg, roles, log)
	if err != nil {
		return err
	}
	defer a.Close()
	if roles.Serve {
		address, hint := a.Open(ctx)
		fmt.Printf("\n  Event Stream Engine %s\n\n  Open      %s\n  Sign in   %s\n  Messages  %s\n\n"+
			"  Ctrl-C stops it cleanly, a second Ctrl-C at once.\n\n", app.Version, address, hint, a.Provider())
		cfg.ListenAddr = a.ListenAddr()
	} else {
		log.Info("working", "messages", a.Provider())
	}
	return a.Run(ctx)
}

// withDB gives a command the configuration and the database, beside a server that
// runs or not.
func withDB(fn func(context.Context, config.Config, *db.DB, *slog.Logger) error) cli.ActionFunc {
	return func(ctx context.Context, _ *cli.Command) error {
		cfg, err := config.Load()
		if err != nil {
			return err
		}
		log := logger(cfg)
		url := string(cfg.DatabaseURL)
		if url == "" {
			pg, err := embedded.Join(ctx, embedded.Options{DataDir: cfg.DataDir, Log: log})
			if err != nil {
				return err
			}
			defer func() { _ = pg.Stop() }()
			url = pg.URL
		}
		d, err := db.Open(ctx, url, 5, log)
		if err != nil {
			return err
		}
		defer d.Close()
		return fn(ctx, cfg, d, log)
	}
}

// oneFile is the file that a command is about.
func oneFile(cmd *cli.Command, otherwise string) (string, error) {
	path := cmd.Args().First()
	if path == "" || cmd.Args().Len() != 1 {
		return "", errors.New(otherwise)
	}
	return path, nil
}

func runBench(ctx context.Context, cmd *cli.Command) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := bench.New(ctx, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	defer b.Close()
	var tables []bench.Table
	if people := cmd.Int("people"); people > 0 {
		if tables, err = b.Send(ctx, bench.SendOptions{People: people, Processes: cmd.IntSlice("processes"), Growth: cmd.IntSlice("growth")}); err != nil {
			return err
		}
	}
	if people := cmd.Int("engine"); people > 0 {
		engine, err := b.Engine(ctx, people)
		if err != nil {
			return err
		}
		tables = append(tables, engine...)
	}
	if rows := cmd.Int("import"); rows > 0 {
		table, err := b.Import(ctx, rows)
		if err != nil {
			return err
		}
		tables = append(tables, table)
	}
	if people := cmd.Int("webhooks"); people > 0 {
		table, err := b.Webhooks(ctx, people)
		if err != nil {
			return err
		}
		tables = append(tables, table)
	}
	if people := cmd.Int("links"); people > 0 {
		table, err := b.Links(ctx, people)
		if err != nil {
			return err
		}
		tables = append(tables, table)
	}
	if rates := cmd.IntSlice("receipts"); len(rates) > 0 {
		table, err := b.Receipts(ctx, rates)
		if err != nil {
			return err
		}
		tables = append(tables, table)
	}
	if n := cmd.Int("contacts"); n > 0 {
		audience, err := b.Audience(ctx, n)
		if err != nil {
			return err
		}
		tables = append(tables, audience...)
	}
	if rates := cmd.IntSlice("pace"); len(rates) > 0 {
		pace, err := b.Pace(ctx, rates)
		if err != nil {
			return err
		}
		tables = append(tables, pace)
	}
	if sizes := cmd.IntSlice("upkeep"); len(sizes) > 0 {
		upkeep, err := b.Upkeep(ctx, sizes)
		if err != nil {
			return err
		}
		tables = append(tables, upkeep)
	}
	if cmd.Bool("abuse") {
		abuse, err := b.Abuse(ctx)
		if err != nil {
			return err
		}
		tables = append(tables, abuse)
	}
	report := bench.Report(tables)
	fmt.Print(report)
	if path := cmd.String("write"); path != "" {
		return os.WriteFile(path, []byte(report), 0o644)
	}
	return nil
}
