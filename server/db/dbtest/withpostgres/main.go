// Withpostgres starts a private Postgres in a temporary directory, in memory
// where there is room, runs the command it is given with TEST_DATABASE_URL set,
// and cleans up.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"eventstream/server/db/embedded"
)

const prefix = "eventstream-test-"

func main() { os.Exit(run()) }

func run() int {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withpostgres COMMAND [ARGUMENT…]")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp(home(), prefix)
	if err != nil { // there is room in memory, but not for us
		dir, err = os.MkdirTemp("", prefix)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Each core runs another package, and another test of the two packages that start whole engines: app one, chaos three.
	// An engine takes some 50 connections.
	pg, err := embedded.Start(ctx, embedded.Options{
		DataDir: dir, Unsafe: true, MaxConns: 200 + 220*runtime.GOMAXPROCS(0), Log: slog.Default(),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		return 1
	}
	defer func() { _ = pg.Stop() }()
	cmd := exec.CommandContext(ctx, os.Args[1], os.Args[2:]...) //nolint:gosec // the caller's own command
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TEST_DATABASE_URL="+pg.URL)
	if err := cmd.Run(); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		return 1
	}
	return 0
}
