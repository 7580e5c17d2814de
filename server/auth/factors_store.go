package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func security(ctx context.Context, idb bun.IDB) (Security, error) {
	set := Security{}
	set.SessionIdleHours, _ = strconv.Atoi(defaultIdleHours)
	var raw []byte
	err := idb.NewRaw("SELECT value FROM settings WHERE key = 'security'").Scan(ctx, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return set, nil
	}
	if err != nil {
		return set, db.Err(err)
	}
	return set, json.Unmarshal(raw, &set)
}

func lockSecurity(ctx context.Context, tx bun.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(7239102)")
	return db.Err(err)
}

func saveSecurity(ctx context.Context, tx bun.Tx, set Security) error {
	raw, err := json.Marshal(set)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw(`INSERT INTO settings (key, value) VALUES ('security', ?::jsonb)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, string(raw)).Exec(ctx)
	return db.Err(err)
}

func operatorIDs(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw("SELECT id FROM operators WHERE kind = 'person'").Scan(ctx, &ids)
	return ids, db.Err(err)
}

func factorsOf(ctx context.Context, idb bun.IDB, operator int64) (f Factors, err error) {
	err = idb.NewRaw(`SELECT totp_seed <> '', (SELECT count(*) FROM passkeys WHERE operator_id = o.id),
		(SELECT count(*) FROM recovery_codes WHERE operator_id = o.id AND used_at IS NULL)
		FROM operators o WHERE id = ?`, operator).Scan(ctx, &f.TOTP, &f.Passkeys, &f.RecoveryCodes)
	return f, db.Err(err)
}

func setTOTP(ctx context.Context, tx bun.Tx, operator int64, sealed string, step int64) error {
	_, err := tx.NewRaw("UPDATE operators SET totp_seed = ?, totp_step = ?, updated_at = now() WHERE id = ?", sealed, step,
		operator).Exec(ctx)
	return db.Err(err)
}

// takeTOTP reports whether the code of this period may be used: later ones only,
// from now on.
func takeTOTP(ctx context.Context, tx bun.Tx, operator, step int64) (bool, error) {
	return one(tx.NewRaw("UPDATE operators SET totp_step = ?0 WHERE id = ?1 AND totp_step < ?0", step, operator).Exec(ctx))
}

func one(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, db.Err(err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func insertRecoveryCodes(ctx context.Context, tx bun.Tx, operator int64, hashes [][]byte) error {
	_, err := tx.NewRaw("INSERT INTO recovery_codes (operator_id, code_hash) SELECT ?, h FROM unnest(?::bytea[]) h",
		operator, pgdialect.Array(hashes)).Exec(ctx)
	return db.Err(err)
}

func deleteRecoveryCodes(ctx context.Context, tx bun.Tx, operator int64) error {
	_, err := tx.NewRaw("DELETE FROM recovery_codes WHERE operator_id = ?", operator).Exec(ctx)
	return db.Err(err)
}

func takeRecoveryCode(ctx context.Context, tx bun.Tx, operator int64, hash []byte) (bool, error) {
	return one(tx.NewRaw(`UPDATE recovery_codes SET used_at = now()
		WHERE operator_id = ? AND code_hash = ? AND used_at IS NULL`, operator, hash).Exec(ctx))
}

// passkeyHandle gives an operator's handle: the one there is, or fresh.
func passkeyHandle(ctx context.Context, idb bun.IDB, operator int64, fresh []byte) (handle []byte, err error) {
	err = idb.NewRaw(`UPDATE operators SET passkey_handle = coalesce(passkey_handle, ?) WHERE id = ?
		RETURNING passkey_handle`, fresh, operator).Scan(ctx, &handle)
	return handle, db.Err(err)
}

func operatorByHandle(ctx context.Context, idb bun.IDB, handle []byte) (id int64, err error) {
	err = idb.NewRaw("SELECT id FROM operators WHERE passkey_handle = ?", handle).Scan(ctx, &id)
	return id, db.Err(err)
}

func passkeysOf(ctx context.Context, idb bun.IDB, operator int64) ([]*Passkey, error) {
	var rows []struct {
		ID, OperatorID int64
		Name           string
		Credential     json.RawMessage
		CreatedAt      time.Time
		LastUsedAt     *time.Time
	}
	err := idb.NewRaw(`SELECT id, operator_id, name, credential, created_at, last_used_at
		FROM passkeys WHERE operator_id = ? ORDER BY id DESC`, operator).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	keys := make([]*Passkey, len(rows))
	for i, r := range rows {
		keys[i] = &Passkey{
			ID: r.ID, OperatorID: r.OperatorID, Name: r.Name, CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt,
		}
		if err := json.Unmarshal(r.Credential, &keys[i].Credential); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func insertPasskey(ctx context.Context, tx bun.Tx, key *Passkey) error {
	raw, err := json.Marshal(key.Credential)
	if err != nil {
		return err
	}
	return db.Err(tx.NewRaw(`INSERT INTO passkeys (operator_id, credential_id, credential, name)
		VALUES (?, ?, ?::jsonb, ?) RETURNING id, created_at`,
		key.OperatorID, key.Credential.ID, string(raw), key.Name).Scan(ctx, &key.ID, &key.CreatedAt))
}

// usePasskey keeps the counter that came with the answer.
func usePasskey(ctx context.Context, tx bun.Tx, key *Passkey) error {
	raw, err := json.Marshal(key.Credential)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw("UPDATE passkeys SET credential = ?::jsonb, last_used_at = now() WHERE id = ?",
		string(raw), key.ID).Exec(ctx)
	return db.Err(err)
}

func deletePasskey(ctx context.Context, tx bun.Tx, operator, id int64) error {
	return db.Err(tx.NewRaw("DELETE FROM passkeys WHERE id = ? AND operator_id = ? RETURNING id", id, operator).
		Scan(ctx, &id))
}

func deletePasskeys(ctx context.Context, tx bun.Tx, operator int64) error {
	_, err := tx.NewRaw("DELETE FROM passkeys WHERE operator_id = ?", operator).Exec(ctx)
	return db.Err(err)
}

// spendStep reports whether the step had not been taken.
func spendStep(ctx context.Context, tx bun.Tx, hash []byte, remembered time.Duration) (bool, error) {
	return one(tx.NewRaw(`INSERT INTO spent_steps (hash, expires_at) VALUES (?, now() + make_interval(secs => ?))
		ON CONFLICT DO NOTHING`, hash, remembered.Seconds()).Exec(ctx))
}
