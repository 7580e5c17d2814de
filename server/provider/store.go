package provider

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

const periodLock = 7_239_013 // provider_hold takes it, too

func lock(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", periodLock).Exec(ctx)
	return db.Err(err)
}

func addHold(p *db.Pipeline, now *Name) {
	p.Query(func(row db.Row) error { return row.Scan((*string)(now)) }, "SELECT provider_hold()")
}

func begin(ctx context.Context, tx bun.Tx, n Name, account string) error {
	if err := lock(ctx, tx); err != nil {
		return err
	}
	res, err := tx.NewRaw(`INSERT INTO provider_periods (began_at, provider, account)
		SELECT CASE WHEN EXISTS (SELECT 1 FROM provider_periods) THEN clock_timestamp() ELSE '-infinity' END, ?0, ?1
		WHERE NOT EXISTS (SELECT 1 FROM (SELECT provider, account FROM provider_periods ORDER BY began_at DESC LIMIT 1) p
			WHERE p.provider = ?0 AND p.account = ?1)`,
		string(n), account).Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	if began, err := res.RowsAffected(); err != nil || began == 0 {
		return err
	}
	return mark(ctx, tx, n)
}

// mark gives what is there to the provider of the first period: an older version, which did
// not note who was in use, made it. With a second period there is nothing to do.
func mark(ctx context.Context, tx bun.Tx, n Name) error {
	for _, table := range []string{"senders", "campaigns", "template_versions"} {
		_, err := tx.NewRaw("UPDATE ?0 SET provider = ?1 WHERE provider <> ?1 AND (SELECT count(*) FROM provider_periods) = 1",
			bun.Ident(table), string(n)).Exec(ctx)
		if err != nil {
			return db.Err(err)
		}
	}
	return nil
}

func current(ctx context.Context, idb bun.IDB) (*Period, error) {
	p := new(Period)
	err := idb.NewRaw(`SELECT provider, account, greatest(began_at, 'epoch') AS began_at
		FROM provider_periods ORDER BY provider_periods.began_at DESC LIMIT 1`).Scan(ctx, p)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing was started yet
	}
	return p, db.Err(err)
}

func since(ctx context.Context, idb bun.IDB) (at *time.Time, err error) {
	err = idb.NewRaw(`SELECT nullif(min(began_at), '-infinity') FROM provider_periods WHERE began_at > coalesce(
		(SELECT max(began_at) FROM provider_periods WHERE provider <> provider_now()), '-infinity')`).Scan(ctx, &at)
	return at, db.Err(err)
}
