package db

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// OldestPostgres is the oldest major version of Postgres that the engine runs
// on. make test-postgres runs the Go tests on it and on every later one.
const OldestPostgres = 15

// requireVersion refuses a server that is too old, before a statement fails for
// a reason that nobody would connect with it.
func requireVersion(ctx context.Context, pool *pgxpool.Pool) error {
	var number int
	var name string
	const query = "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
	if err := pool.QueryRow(ctx, query).Scan(&number, &name); err != nil {
		return fmt.Errorf("version of Postgres: %w", err)
	}
	return checkVersion(number, name)
}

// checkVersion takes the number as Postgres writes it, such as 150018, and the
// name that a person knows, such as "15.18 (Debian 15.18-1)".
func checkVersion(number int, name string) error {
	if number/10_000 < OldestPostgres {
		return fmt.Errorf("the database runs Postgres %s, and the engine needs Postgres %d or newer: upgrade the server, "+
			"or point DATABASE_URL at another one", name, OldestPostgres)
	}
	return nil
}
