package db

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Beside opens a second, small pool to the same database. What must get through
// while every connection of d is taken (a lease that says that this process
// lives) has its own there. No statement on it runs longer than limit.
func (d *DB) Beside(ctx context.Context, conns int32, limit time.Duration, log *slog.Logger) (*DB, error) {
	cfg := d.Pool.Config()
	cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = conns, 0, 0
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = milliseconds(limit)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open a second pool: %w", err)
	}
	pools := newPools(pool, log)
	return &DB{DB: over(pools), Pool: pool, pools: pools}, nil
}
