package auth

import (
	"context"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// lockProvider lets one sign-in at the provider decide at a time who somebody is.
func lockProvider(ctx context.Context, tx bun.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(7239103)")
	return db.Err(err)
}

func operatorBySubject(ctx context.Context, tx bun.Tx, issuer, subject string) (*Operator, error) {
	o := new(Operator)
	err := tx.NewSelect().Model(o).Where("oidc_issuer = ? AND oidc_subject = ? AND oidc_subject <> ''", issuer, subject).
		For("UPDATE").Scan(ctx)
	if err != nil {
		return nil, db.Err(err)
	}
	return o, nil
}

func linkOperator(ctx context.Context, tx bun.Tx, o *Operator) error {
	_, err := tx.NewUpdate().Model(o).Column("oidc_issuer", "oidc_subject").Set("updated_at = now()").WherePK().Exec(ctx)
	return db.Err(err)
}

// lastAdmin reports whether there is nobody else who administers; until the
// transaction ends, that stays so.
func lastAdmin(ctx context.Context, tx bun.Tx, id int64) (last bool, err error) {
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(7239101)"); err != nil { // the trigger's
		return false, db.Err(err)
	}
	err = tx.NewRaw(`SELECT role = 'admin' AND NOT EXISTS (
			SELECT 1 FROM operators WHERE id <> ?0 AND active AND role = 'admin' AND kind = 'person'
			AND (password_hash <> '' OR oidc_subject <> ''))
		FROM operators WHERE id = ?0`, id).Scan(ctx, &last)
	return last, db.Err(err)
}
