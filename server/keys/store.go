package keys

import (
	"context"
	"time"

	"eventstream/server/db"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
)

// addressKey is a key by which addresses are hashed, as it lies in the database.
type addressKey struct {
	ID          int64
	Sealed      string
	Fingerprint string
	ActiveFrom  time.Time
	CreatedAt   time.Time
	InForce     bool // it has begun to write, if no newer one has
}

func addressKeys(ctx context.Context, idb bun.IDB) (rows []*addressKey, err error) {
	err = idb.NewRaw(`SELECT id, sealed, fingerprint, active_from, created_at, active_from <= clock_timestamp() AS in_force
		FROM address_keys ORDER BY id DESC`).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func insertFirst(ctx context.Context, idb bun.IDB, sealed, fingerprint string) error {
	_, err := idb.NewRaw(`INSERT INTO address_keys (id, sealed, fingerprint, active_from) VALUES (1, ?, ?, clock_timestamp())
		ON CONFLICT DO NOTHING`, sealed, fingerprint).Exec(ctx)
	return db.Err(err)
}

func insertKey(ctx context.Context, tx bun.Tx, id int64, sealed, fingerprint string, after time.Duration) error {
	_, err := tx.NewRaw(`INSERT INTO address_keys (id, sealed, fingerprint, active_from)
		VALUES (?, ?, ?, clock_timestamp() + make_interval(secs => ?))`, id, sealed, fingerprint, after.Seconds()).Exec(ctx)
	return db.Err(err)
}

func lockKeys(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("LOCK TABLE address_keys IN SHARE ROW EXCLUSIVE MODE").Exec(ctx)
	return db.Err(err)
}

// hashesExist reports whether an earlier version may have hashed addresses here, or
// may be doing so.
func hashesExist(ctx context.Context, idb bun.IDB) (yes bool, err error) {
	err = idb.NewRaw(`SELECT EXISTS (SELECT 1 FROM operators) OR EXISTS (SELECT 1 FROM contacts)
		OR EXISTS (SELECT 1 FROM suppressed_addresses) OR EXISTS (SELECT 1 FROM consent_events)`).Scan(ctx, &yes)
	return yes, db.Err(err)
}

func suppressionsExist(ctx context.Context, idb bun.IDB) (yes bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM suppressed_addresses)").Scan(ctx, &yes)
	return yes, db.Err(err)
}

// sample is an address with the hash that was made of it.
type sample struct {
	MatchKey    string
	AddressHash []byte
}

// hashSamples are the newest hashes of which the address is still there.
func hashSamples(ctx context.Context, idb bun.IDB) (rows []sample, err error) {
	err = idb.NewRaw(`SELECT c.match_key, e.address_hash FROM (SELECT * FROM consent_events ORDER BY id DESC LIMIT 500) e
		JOIN contacts c ON c.id = e.contact_id WHERE c.erased_at IS NULL`).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func usesOf(ctx context.Context, idb bun.IDB, c secret.Column) (rows []Use, err error) {
	err = idb.NewRaw("SELECT split_part(?0, '.', 2) AS key, count(*) AS rows FROM ?1 WHERE ?0 <> '' GROUP BY 1 ORDER BY 1",
		bun.Ident(c.Name), bun.Ident(c.Table)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// sealedRow is one secret.
type sealedRow struct {
	ID     int64
	Sealed string
}

// underOther locks up to n secrets that lie under another key, in order of id.
func underOther(ctx context.Context, tx bun.Tx, c secret.Column, newest string, after int64, n int,
) (rows []sealedRow, err error) {
	err = tx.NewRaw(`SELECT id, ?0 AS sealed FROM ?1 WHERE ?0 <> '' AND split_part(?0, '.', 2) <> ?2 AND id > ?3
		ORDER BY id LIMIT ?4 FOR NO KEY UPDATE`, bun.Ident(c.Name), bun.Ident(c.Table), newest, after, n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func reseal(ctx context.Context, tx bun.Tx, c secret.Column, id int64, sealed string) error {
	_, err := tx.NewRaw("UPDATE ? SET ? = ? WHERE id = ?", bun.Ident(c.Table), bun.Ident(c.Name), sealed, id).Exec(ctx)
	return db.Err(err)
}
