package sender

import (
	"context"
	"strconv"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// RateKey names a sender's row in rate_limits.
func RateKey(id int64) string { return "sender:" + strconv.FormatInt(id, 10) }

func insert(ctx context.Context, tx bun.Tx, s *Sender) error {
	if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
		return db.Err(err)
	}
	return SetRate(ctx, tx, s.RateKey(), s.RatePerSecond)
}

func save(ctx context.Context, tx bun.Tx, s *Sender) error {
	if _, err := tx.NewUpdate().Model(s).Column("display_name", "rate_per_second", "status", "paused_reason").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx); err != nil {
		return db.Err(err)
	}
	return SetRate(ctx, tx, s.RateKey(), s.RatePerSecond)
}

// SetRate sets the pace of one key of rate_limits.
func SetRate(ctx context.Context, idb bun.IDB, key string, perSecond float64) error {
	_, err := idb.NewRaw("INSERT INTO rate_limits (key, rate_per_second) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET rate_per_second = excluded.rate_per_second", key, perSecond).Exec(ctx)
	return db.Err(err)
}

// Reserve takes up to want slots from all the keys at once (GCRA in Postgres).
// With none free it tells how many seconds to wait.
func Reserve(ctx context.Context, idb bun.IDB, keys []string, want int, burstSeconds float64) (granted int, waitSeconds float64, err error) {
	err = idb.NewRaw("SELECT granted, wait_seconds FROM rate_reserve(?::text[], ?, ?)", pgdialect.Array(keys), want, burstSeconds).Scan(ctx, &granted, &waitSeconds)
	return granted, waitSeconds, db.Err(err)
}

// Refund gives slots back that were reserved and not used.
func Refund(ctx context.Context, idb bun.IDB, keys []string, n int) error {
	_, err := idb.NewRaw("UPDATE rate_limits SET tat = tat - make_interval(secs => ?::int / rate_per_second) WHERE key = ANY (?)", n, pgdialect.Array(keys)).Exec(ctx)
	return db.Err(err)
}

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Sender, error) {
	s := new(Sender)
	err := db.Err(tx.NewSelect().Model(s).Where("s.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("sender", id)
	}
	return s, err
}

func exists(ctx context.Context, idb bun.IDB, address string) (known bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM senders WHERE address = ?)", address).Scan(ctx, &known)
	return known, db.Err(err)
}

func list(ctx context.Context, idb bun.IDB) (rows []*Sender, err error) {
	err = idb.NewSelect().Model(&rows).Order("s.id").Scan(ctx)
	return rows, db.Err(err)
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Sender, err error) {
	err = idb.NewSelect().Model(&rows).Where("s.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}
