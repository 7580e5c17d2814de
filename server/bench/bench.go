// Package bench measures the engine beside its ceilings: both in the same run
// on the same machine, since machines are noisy and only ratios travel.
package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"eventstream/server/db/embedded"
	"eventstream/server/rig"

	"github.com/jackc/pgx/v5"
)

// Bench is one run: a private Postgres with fsync on, and a fresh database and
// data directory for each case.
type Bench struct {
	dir   string
	pg    *embedded.Server
	cases int
	log   func(format string, args ...any)
}

// New starts the run's Postgres.
func New(ctx context.Context, log func(format string, args ...any)) (*Bench, error) {
	dir, err := os.MkdirTemp("", "eventstream-bench-")
	if err != nil {
		return nil, err
	}
	pg, err := embedded.Start(ctx, embedded.Options{DataDir: dir, MaxConns: 300, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &Bench{dir: dir, pg: pg, log: log}, nil
}

// Close stops Postgres and removes everything.
func (b *Bench) Close() {
	_ = b.pg.Stop()
	_ = os.RemoveAll(b.dir)
}

// fresh gives an installation of its own, with env for each of its processes;
// release it when the case is over.
func (b *Bench) fresh(ctx context.Context, env ...string) (r *rig.Rig, release func(), err error) {
	b.cases++
	name := fmt.Sprintf("bench_%d", b.cases)
	if err := b.admin(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(b.pg.URL)
	if err != nil {
		return nil, nil, err
	}
	u.Path = "/" + name
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	dir := filepath.Join(b.dir, name)
	if r, err = rig.New(ctx, rig.Options{Binary: self, DatabaseURL: u.String(), DataDir: dir, Env: env}); err != nil {
		return nil, nil, err
	}
	return r, func() {
		r.Close()
		_ = b.admin(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		_ = os.RemoveAll(dir)
	}, nil
}

func (b *Bench) admin(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, b.pg.URL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// Table is a part of the report.
type Table struct {
	Title string
	Intro string
	Head  []string
	Rows  [][]string
}

// Markdown writes it as docs/benchmarks.md holds it.
func (t Table) Markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "## %s\n\n%s\n\n| %s |\n|%s\n", t.Title, t.Intro, strings.Join(t.Head, " | "), strings.Repeat("---|", len(t.Head)))
	for _, row := range t.Rows {
		fmt.Fprintf(&out, "| %s |\n", strings.Join(row, " | "))
	}
	return out.String()
}

// Machine describes where the figures come from.
func Machine() string {
	model := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if name, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores (%s), %s, %s", runtime.NumCPU(), model, runtime.Version(), time.Now().UTC().Format(time.DateOnly))
}
