package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func anyOperator(ctx context.Context, idb bun.IDB) (any bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM operators)").Scan(ctx, &any)
	return any, db.Err(err)
}

func lockOperators(ctx context.Context, tx bun.Tx) error {
	_, err := tx.ExecContext(ctx, "LOCK TABLE operators IN EXCLUSIVE MODE")
	return db.Err(err)
}

func insertOperator(ctx context.Context, idb bun.IDB, o *Operator) error {
	_, err := idb.NewInsert().Model(o).Exec(ctx)
	return db.Err(err)
}

func setActive(ctx context.Context, tx bun.Tx, id int64, active bool) (*Operator, error) {
	o := new(Operator)
	_, err := tx.NewUpdate().Model(o).Set("active = ?", active).Set("updated_at = now()").Where("id = ?",
		id).Returning("*").Exec(ctx)
	if err == nil && o.ID == 0 {
		err = sql.ErrNoRows
	}
	if err == nil && !active {
		_, err = tx.NewRaw("DELETE FROM sessions WHERE operator_id = ?", id).Exec(ctx)
	}
	return o, db.Err(err)
}

func listOperators(ctx context.Context, idb bun.IDB) (rows []*Operator, err error) {
	err = idb.NewSelect().Model(&rows).Order("name", "id").Scan(ctx)
	return rows, db.Err(err)
}

func operatorByID(ctx context.Context, idb bun.IDB, id int64) (*Operator, error) {
	o := new(Operator)
	return o, db.Err(idb.NewSelect().Model(o).Where("id = ?", id).Scan(ctx))
}

func operatorByEmail(ctx context.Context, idb bun.IDB, email string) (*Operator, error) {
	o := new(Operator)
	if err := idb.NewSelect().Model(o).Where("email = ?", email).Scan(ctx); err != nil {
		return nil, db.Err(err)
	}
	return o, nil
}

func insertSession(ctx context.Context, tx bun.Tx, hash []byte, operatorID int64, userAgent string,
	length time.Duration,
) error {
	_, err := tx.NewRaw("INSERT INTO sessions (token_hash, operator_id, user_agent, expires_at) VALUES (?, ?, ?, now() + make_interval(secs => ?))",
		hash, operatorID, userAgent, length.Seconds()).Exec(ctx)
	if err == nil {
		_, err = tx.NewRaw("UPDATE operators SET last_sign_in_at = now() WHERE id = ?", operatorID).Exec(ctx)
	}
	if err == nil {
		_, err = tx.NewRaw("DELETE FROM sessions WHERE expires_at < now()").Exec(ctx)
	}
	return db.Err(err)
}

func deleteSession(ctx context.Context, idb bun.IDB, hash []byte) error {
	_, err := idb.NewRaw("DELETE FROM sessions WHERE token_hash = ?", hash).Exec(ctx)
	return db.Err(err)
}

func sessionActor(ctx context.Context, idb bun.IDB, hash []byte) (actor.Actor, error) {
	a := actor.Actor{Kind: actor.KindOperator}
	err := idb.NewRaw(`SELECT o.id, o.role FROM sessions s JOIN operators o ON o.id = s.operator_id
		WHERE s.token_hash = ? AND s.expires_at > now() AND o.active`, hash).Scan(ctx, &a.ID, &a.Role)
	if errors.Is(err, sql.ErrNoRows) {
		return actor.Actor{}, nil
	}
	return a, db.Err(err)
}

func tokenActor(ctx context.Context, idb bun.IDB, hash []byte) (actor.Actor, error) {
	a := actor.Actor{Kind: actor.KindAPIToken}
	err := idb.NewRaw(`UPDATE api_tokens SET last_used_at = CASE WHEN last_used_at > now() - interval '1 minute' THEN last_used_at ELSE now() END
		WHERE token_hash = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) RETURNING id, role`,
		hash).Scan(ctx, &a.ID, &a.Role)
	if errors.Is(err, sql.ErrNoRows) {
		return actor.Actor{}, nil
	}
	return a, db.Err(err)
}

func insertToken(ctx context.Context, idb bun.IDB, t *Token) error {
	_, err := idb.NewInsert().Model(t).Exec(ctx)
	return db.Err(err)
}

func revokeToken(ctx context.Context, idb bun.IDB, id int64) (*Token, error) {
	t := new(Token)
	err := idb.NewRaw("UPDATE api_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = ? RETURNING *",
		id).Scan(ctx, t)
	return t, db.Err(err)
}

func listTokens(ctx context.Context, idb bun.IDB) (rows []*Token, err error) {
	err = idb.NewSelect().Model(&rows).Order("id DESC").Scan(ctx)
	return rows, db.Err(err)
}

func blockedFor(ctx context.Context, idb bun.IDB, keys []string) (time.Duration, error) {
	var seconds float64
	err := idb.NewRaw("SELECT coalesce(extract(epoch FROM max(blocked_until) - now()), 0)::float8 FROM sign_in_failures WHERE key = ANY (?)", pgdialect.Array(keys)).Scan(ctx, &seconds)
	return time.Duration(max(seconds, 0) * float64(time.Second)), db.Err(err)
}

// countFailure doubles the wait with each failure past the free ones; an hour
// of quiet starts anew.
func countFailure(ctx context.Context, idb bun.IDB, keys []string, free int, longest time.Duration) error {
	_, err := idb.NewRaw(`
		INSERT INTO sign_in_failures AS f (key, failures, blocked_until) SELECT k, 1, now() FROM unnest(?0::text[]) k
		ON CONFLICT (key) DO UPDATE SET updated_at = now(),
			failures = CASE WHEN f.updated_at < now() - interval '1 hour' THEN 1 ELSE f.failures + 1 END,
			blocked_until = CASE WHEN f.updated_at >= now() - interval '1 hour' AND f.failures + 1 >= ?1
				THEN now() + make_interval(secs => least(?2, power(2, least(f.failures + 1 - ?1, 20)))) ELSE now() END`,
		pgdialect.Array(keys), free, longest.Seconds()).Exec(ctx)
	return db.Err(err)
}

func forgetFailures(ctx context.Context, idb bun.IDB, keys []string) error {
	_, err := idb.NewRaw("DELETE FROM sign_in_failures WHERE key = ANY (?)", pgdialect.Array(keys)).Exec(ctx)
	return db.Err(err)
}
