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
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM operators WHERE kind = 'person')").Scan(ctx, &any)
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

func operatorForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Operator, error) {
	o := new(Operator)
	if err := tx.NewSelect().Model(o).Where("id = ?", id).For("UPDATE").Scan(ctx); err != nil {
		return nil, db.Err(err)
	}
	return o, nil
}

// openPasswords lets the operator's password count for a while where passwords are off.
func openPasswords(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("UPDATE operators SET password_until = now() + make_interval(secs => ?) WHERE id = ?",
		ResetLength.Seconds(), id).Exec(ctx)
	return db.Err(err)
}

func updateOperator(ctx context.Context, tx bun.Tx, o *Operator) error {
	_, err := tx.NewUpdate().Model(o).Column("name", "role", "active", "password_hash").Set("updated_at = now()").
		WherePK().Exec(ctx)
	return db.Err(err)
}

func updateLanguage(ctx context.Context, tx bun.Tx, o *Operator) error {
	_, err := tx.NewUpdate().Model(o).Column("language").WherePK().Exec(ctx)
	return db.Err(err)
}

func listOperators(ctx context.Context, idb bun.IDB) (rows []*Operator, err error) {
	err = idb.NewSelect().Model(&rows).Order("name", "id").Scan(ctx)
	return rows, db.Err(err)
}

func listColleagues(ctx context.Context, idb bun.IDB) (rows []*Operator, err error) {
	err = idb.NewSelect().Model(&rows).Where("active AND kind = ?", KindPerson).Order("name", "id").Scan(ctx)
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

// insertSession opens a session and fills in its id.
func insertSession(ctx context.Context, tx bun.Tx, hash []byte, s *Session) error {
	err := tx.NewRaw(`INSERT INTO sessions (token_hash, operator_id, user_agent, address, provider, expires_at)
		VALUES (?, ?, ?, ?, ?, now() + make_interval(secs => ?)) RETURNING id`,
		hash, s.OperatorID, s.UserAgent, s.Address, s.Provider, SessionLength.Seconds()).Scan(ctx, &s.ID)
	if err == nil {
		_, err = tx.NewRaw("UPDATE operators SET last_sign_in_at = now() WHERE id = ?", s.OperatorID).Exec(ctx)
	}
	return db.Err(err)
}

// deleteSession gives what it deleted, or nil.
func deleteSession(ctx context.Context, tx bun.Tx, hash []byte) (*Session, error) {
	s := new(Session)
	err := tx.NewRaw("DELETE FROM sessions WHERE token_hash = ? RETURNING id, operator_id", hash).
		Scan(ctx, &s.ID, &s.OperatorID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there was none
	}
	return s, db.Err(err)
}

func endSession(ctx context.Context, tx bun.Tx, operator, id int64) error {
	return db.Err(tx.NewRaw("DELETE FROM sessions WHERE id = ? AND operator_id = ? RETURNING id", id, operator).
		Scan(ctx, &id))
}

// endSessions ends all of an operator's sessions but the one that stays (0: none).
func endSessions(ctx context.Context, tx bun.Tx, operator, stays int64) error {
	_, err := tx.NewRaw("DELETE FROM sessions WHERE operator_id = ? AND id <> ?", operator, stays).Exec(ctx)
	return db.Err(err)
}

func confirmSession(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("UPDATE sessions SET authenticated_at = now() WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

func listSessions(ctx context.Context, idb bun.IDB, operator int64) (rows []*Session, err error) {
	err = idb.NewRaw(`SELECT id, operator_id, user_agent, address, created_at, last_seen_at, expires_at, authenticated_at
		FROM sessions WHERE operator_id = ? AND expires_at > now() AND last_seen_at > now() - `+idleLimit+`
		ORDER BY last_seen_at DESC, id DESC`, operator).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// idleLimit is how long a session lasts that nobody uses, see Security.
const idleLimit = `make_interval(hours => coalesce(
	(SELECT (value->>'session_idle_hours')::int FROM settings WHERE key = 'security'), ` + defaultIdleHours + `))`

// sessionActor reads who a session is; used notes that it was, to the minute.
func sessionActor(ctx context.Context, idb bun.IDB, hash []byte, used bool) (actor.Actor, error) {
	a := actor.Actor{Kind: actor.KindOperator}
	err := idb.NewRaw(`
		WITH found AS (
			SELECT o.id AS operator_id, o.role, s.id, s.last_seen_at,
				s.authenticated_at > now() - make_interval(secs => ?1) AS recent,
				o.totp_seed = '' AND EXISTS (SELECT 1 FROM settings
					WHERE key = 'security' AND jsonb_exists(value->'second_factor_roles', o.role))
				AND NOT s.provider
				AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.operator_id = o.id) AS lacking
			FROM sessions s JOIN operators o ON o.id = s.operator_id
			WHERE s.token_hash = ?0 AND s.expires_at > now() AND s.last_seen_at > now() - `+idleLimit+`
				AND o.active AND o.kind = 'person'),
		used AS (
			UPDATE sessions SET last_seen_at = now()
			WHERE ?2 AND id IN (SELECT id FROM found WHERE last_seen_at < now() - interval '1 minute'))
		SELECT operator_id, role, id, recent, lacking FROM found`,
		hash, RecentFor.Seconds(), used).Scan(ctx, &a.ID, &a.Role, &a.Session, &a.Recent, &a.Lacking)
	if errors.Is(err, sql.ErrNoRows) {
		return actor.Actor{}, nil
	}
	return a, db.Err(err)
}

// tokenActor reads who a token is: no more than its owner may do, and nobody
// once the owner is shut out.
func tokenActor(ctx context.Context, idb bun.IDB, hash []byte, used bool) (actor.Actor, error) {
	a := actor.Actor{Kind: actor.KindAPIToken, Scopes: actor.AllScopes}
	var ownerRole actor.Role
	var scopes []string
	err := idb.NewRaw(`
		WITH found AS (
			SELECT t.id, t.role, t.operator_id, t.scopes, t.last_used_at, o.role AS owner_role
			FROM api_tokens t JOIN operators o ON o.id = t.operator_id
			WHERE t.token_hash = ?0 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now()) AND o.active),
		used AS (
			UPDATE api_tokens SET last_used_at = now()
			WHERE ?1 AND id IN (
				SELECT id FROM found WHERE last_used_at IS NULL OR last_used_at < now() - interval '1 minute'))
		SELECT id, role, owner_role, operator_id, scopes FROM found`,
		hash, used).Scan(ctx, &a.ID, &a.Role, &ownerRole, &a.Owner, pgdialect.Array(&scopes))
	if errors.Is(err, sql.ErrNoRows) {
		return actor.Actor{}, nil
	}
	if err != nil {
		return actor.Actor{}, db.Err(err)
	}
	a.Role = a.Role.Lesser(ownerRole)
	if scopes != nil {
		a.Scopes, err = actor.ScopesOf(scopes)
	}
	return a, err
}

// seePlace remembers that an operator signed in from a network ("" is none that is known),
// and reports whether it was the first sign-in that is remembered, and whether the
// network is that of an earlier one.
func seePlace(ctx context.Context, tx bun.Tx, operator int64, network string) (first, here bool, err error) {
	err = tx.NewRaw(`
		WITH seen AS (
			INSERT INTO sign_in_places (operator_id, network) SELECT ?0, ?1 WHERE ?1 <> ''
			ON CONFLICT (operator_id, network) DO UPDATE SET last_at = now())
		SELECT count(*) = 0, coalesce(bool_or(network = ?1), false) FROM sign_in_places
		WHERE operator_id = ?0`, operator, network).Scan(ctx, &first, &here)
	return first, here, db.Err(err)
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

func tokenByID(ctx context.Context, idb bun.IDB, id int64) (*Token, error) {
	t := new(Token)
	return t, db.Err(idb.NewSelect().Model(t).Where("id = ?", id).Scan(ctx))
}

func insertLink(ctx context.Context, tx bun.Tx, hash []byte, operator int64, purpose Purpose, by *int64,
	length time.Duration,
) error {
	_, err := tx.NewRaw(`INSERT INTO password_links (token_hash, operator_id, purpose, created_by, expires_at)
		VALUES (?, ?, ?, ?, now() + make_interval(secs => ?))`, hash, operator, purpose, by, length.Seconds()).Exec(ctx)
	return db.Err(err)
}

func deleteLinks(ctx context.Context, tx bun.Tx, operator int64) error {
	_, err := tx.NewRaw("DELETE FROM password_links WHERE operator_id = ?", operator).Exec(ctx)
	return db.Err(err)
}

// linkByHash finds a link that still works; lock keeps others from using it.
func linkByHash(ctx context.Context, idb bun.IDB, hash []byte, lock bool) (*Link, error) {
	l, locking := new(Link), bun.Safe("")
	if lock {
		locking = "FOR UPDATE OF l"
	}
	err := idb.NewRaw(`SELECT l.purpose, l.operator_id, o.email, o.name, l.expires_at
		FROM password_links l JOIN operators o ON o.id = l.operator_id
		WHERE l.token_hash = ? AND l.expires_at > now() AND o.active ?`, hash, locking).
		Scan(ctx, &l.Purpose, &l.OperatorID, &l.Email, &l.Name, &l.ExpiresAt)
	if err != nil {
		return nil, db.Err(err)
	}
	return l, nil
}

// takeAttempt counts one for the key and gives how many there are in a row, or
// how long the key has to wait. Concurrent attempts queue up for the row: each
// sees those before it.
func takeAttempt(ctx context.Context, tx bun.Tx, key string, l limit) (n int, wait time.Duration, err error) {
	err = tx.NewRaw(`
		INSERT INTO sign_in_failures AS f (key, failures, blocked_until) VALUES (?0, 1,
			CASE WHEN ?1 <= 1 THEN now() + make_interval(secs => ?2) ELSE now() - interval '1 hour' END)
		ON CONFLICT (key) DO UPDATE SET updated_at = now(),
			failures = CASE WHEN f.updated_at < now() - interval '1 hour' THEN 1 ELSE f.failures + 1 END,
			blocked_until = CASE WHEN f.updated_at >= now() - interval '1 hour' AND f.failures + 1 >= ?1
				THEN now() + make_interval(secs => least(?3, ?2 * power(2, least(f.failures + 1 - ?1, 20))))
				ELSE now() - interval '1 hour' END
			WHERE f.blocked_until <= now()
		RETURNING failures`, key, l.free, l.base.Seconds(), l.longest.Seconds()).Scan(ctx, &n)
	if !errors.Is(err, sql.ErrNoRows) {
		return n, 0, db.Err(err)
	}
	var seconds float64
	err = tx.NewRaw("SELECT extract(epoch FROM blocked_until - now())::float8 FROM sign_in_failures WHERE key = ?", key).
		Scan(ctx, &seconds)
	return 0, max(time.Duration(seconds*float64(time.Second)), time.Millisecond), db.Err(err)
}

// giveBack takes one from the count, and the wait that it brought.
func giveBack(ctx context.Context, idb bun.IDB, key string, free int) error {
	_, err := idb.NewRaw(`UPDATE sign_in_failures SET failures = greatest(failures - 1, 0),
		blocked_until = CASE WHEN failures - 1 < ? THEN now() - interval '1 hour' ELSE blocked_until END
		WHERE key = ?`, free, key).Exec(ctx)
	return db.Err(err)
}

func forgetAttempts(ctx context.Context, tx bun.Tx, key string) error {
	_, err := tx.NewRaw("DELETE FROM sign_in_failures WHERE key = ?", key).Exec(ctx)
	return db.Err(err)
}

// purgeOld deletes what no longer counts.
func purgeOld(ctx context.Context, d *db.DB) error {
	for _, query := range []string{
		"DELETE FROM sign_in_failures WHERE updated_at < now() - interval '1 day'",
		"DELETE FROM sessions WHERE expires_at < now()",
		"DELETE FROM sign_in_places WHERE last_at < now() - interval '180 days'",
		"DELETE FROM spent_steps WHERE expires_at < now()",
		"DELETE FROM password_links WHERE expires_at < now() - interval '1 day'",
	} {
		if _, err := d.ExecContext(ctx, query); err != nil {
			return db.Err(err)
		}
	}
	return nil
}
