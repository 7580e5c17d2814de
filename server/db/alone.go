package db

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Alone opens one connection that belongs to no pool and whose statements and
// transactions may take as long as they have to: for what copies whole tables.
func (d *DB) Alone(ctx context.Context, name string) (*pgx.Conn, error) {
	cfg := d.conn.Copy()
	cfg.RuntimeParams["application_name"] = "eventstream " + name
	cfg.RuntimeParams["statement_timeout"] = "0"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect for the %s: %w", name, err)
	}
	return conn, nil
}
