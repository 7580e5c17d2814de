package audit

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	keyLock  = 7_239_011 // while the newest key is looked for, made or replaced
	treeLock = 7_239_012 // while the tree grows or is signed
)

func lockKeys(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", keyLock).Exec(ctx)
	return db.Err(err)
}

func lockTree(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", treeLock).Exec(ctx)
	return db.Err(err)
}

func keyRows(ctx context.Context, idb bun.IDB) (rows []*keyRow, err error) {
	err = idb.NewSelect().Model(&rows).Order("id").Scan(ctx)
	return rows, db.Err(err)
}

func insertKey(ctx context.Context, tx bun.Tx, row *keyRow) error {
	_, err := tx.NewInsert().Model(row).Returning("created_at").Exec(ctx)
	return db.Err(err)
}

// rotations gives the places in the chain where keys begin.
func rotations(ctx context.Context, idb bun.IDB) (map[string]int64, error) {
	var rows []struct {
		Key string
		Seq int64
	}
	err := idb.NewRaw(`SELECT changes ->> 'new' AS key, seq FROM audit_entries
		WHERE entity = 'audit' AND action = ? AND seq IS NOT NULL`, AuditKeyRotate.code).Scan(ctx, &rows)
	from := make(map[string]int64, len(rows))
	for _, r := range rows {
		from[r.Key] = r.Seq
	}
	return from, db.Err(err)
}

func handovers(ctx context.Context, idb bun.IDB) (rows []*Entry, err error) {
	err = idb.NewSelect().Model(&rows).ExcludeColumn("leaves").
		Where("entity = 'audit' AND action = ? AND seq IS NOT NULL", AuditKeyRotate.code).Order("seq").Scan(ctx)
	return rows, db.Err(err)
}

func entryAt(ctx context.Context, idb bun.IDB, seq int64) (*Entry, error) {
	e := new(Entry)
	err := idb.NewSelect().Model(e).ExcludeColumn("leaves").Where("seq = ?", seq).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // it is gone
	}
	return e, db.Err(err)
}

func treeSize(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT coalesce(max(n) + 1, 0) FROM audit_tree WHERE level = 0").Scan(ctx, &n)
	return n, db.Err(err)
}

// treeReader reads hashes of the tree by the library's numbering.
func treeReader(ctx context.Context, idb bun.IDB) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		levels, ns := make([]int, len(indexes)), make([]int64, len(indexes))
		for i, index := range indexes {
			levels[i], ns[i] = tlog.SplitStoredHashIndex(index)
		}
		var raw [][]byte
		err := idb.NewRaw(`SELECT t.hash FROM unnest(?::smallint[], ?::bigint[]) WITH ORDINALITY AS u (level, n, i)
			JOIN audit_tree t USING (level, n) ORDER BY u.i`, pgdialect.Array(levels), pgdialect.Array(ns)).Scan(ctx, &raw)
		if err != nil {
			return nil, db.Err(err)
		}
		if len(raw) != len(indexes) {
			return nil, errors.New("the Merkle tree lacks hashes: somebody removed them")
		}
		hashes := make([]tlog.Hash, len(raw))
		for i, h := range raw {
			copy(hashes[i][:], h)
		}
		return hashes, nil
	})
}

func insertTree(ctx context.Context, tx bun.Tx, fresh map[int64]tlog.Hash) error {
	var levels []int
	var ns []int64
	var hashes [][]byte
	for index, h := range fresh {
		level, n := tlog.SplitStoredHashIndex(index)
		levels, ns, hashes = append(levels, level), append(ns, n), append(hashes, h[:])
	}
	_, err := tx.NewRaw("INSERT INTO audit_tree (level, n, hash) SELECT * FROM unnest(?::smallint[], ?::bigint[], ?::bytea[])",
		pgdialect.Array(levels), pgdialect.Array(ns), pgdialect.Array(hashes)).Exec(ctx)
	return db.Err(err)
}

func unkeyedOf(ctx context.Context, idb bun.IDB, size int64) (n int64, err error) {
	err = idb.NewRaw(`SELECT coalesce((SELECT seq - 1 FROM audit_entries WHERE seq IS NOT NULL AND mac IS NOT NULL
		ORDER BY seq LIMIT 1), ?)`, size).Scan(ctx, &n)
	return n, db.Err(err)
}

func checkpointDue(ctx context.Context, idb bun.IDB, every time.Duration) (due bool, err error) {
	err = idb.NewRaw(`SELECT EXISTS (SELECT 1 FROM audit_entries WHERE seq IS NOT NULL) AND NOT EXISTS
		(SELECT 1 FROM (SELECT created_at FROM audit_checkpoints ORDER BY id DESC LIMIT 1) l
			WHERE l.created_at > clock_timestamp() - make_interval(secs => ?))`, every.Seconds()).Scan(ctx, &due)
	return due, db.Err(err)
}

func insertCheckpoint(ctx context.Context, tx bun.Tx, c *Checkpoint, key int64, destinations []string) error {
	_, err := tx.NewRaw(`WITH made AS (
			INSERT INTO audit_checkpoints (size, note, key_id, created_at) VALUES (?, ?, ?, clock_timestamp()) RETURNING id)
		INSERT INTO audit_deliveries (checkpoint_id, destination) SELECT id, d FROM made, unnest(?::text[]) d`,
		c.Size, c.Note, key, pgdialect.Array(destinations)).Exec(ctx)
	return db.Err(err)
}

// checkpointNotes gives all, newest first.
func checkpointNotes(ctx context.Context, idb bun.IDB) (notes []string, err error) {
	err = idb.NewRaw("SELECT note FROM audit_checkpoints ORDER BY id DESC").Scan(ctx, &notes)
	return notes, db.Err(err)
}

// lastCheckpoint gives the newest; nil when there is none.
func lastCheckpoint(ctx context.Context, idb bun.IDB) (*Checkpoint, error) {
	var text string
	err := idb.NewRaw("SELECT note FROM audit_checkpoints ORDER BY id DESC LIMIT 1").Scan(ctx, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing was signed yet
	}
	if err != nil {
		return nil, db.Err(err)
	}
	return parseTrusted(text)
}

type waiting struct {
	CheckpointID int64
	Note         string
}

// claimDeliveries takes what is due for a place; who takes it has a minute.
func claimDeliveries(ctx context.Context, idb bun.IDB, destination string, limit int) (rows []waiting, err error) {
	err = idb.NewRaw(`
		WITH due AS (
			SELECT checkpoint_id FROM audit_deliveries
			WHERE destination = ? AND delivered_at IS NULL AND next_try <= now()
			ORDER BY checkpoint_id LIMIT ? FOR UPDATE SKIP LOCKED), taken AS (
			UPDATE audit_deliveries d SET next_try = clock_timestamp() + interval '1 minute' FROM due
			WHERE d.checkpoint_id = due.checkpoint_id AND d.destination = ? RETURNING d.checkpoint_id)
		SELECT t.checkpoint_id, c.note FROM taken t JOIN audit_checkpoints c ON c.id = t.checkpoint_id ORDER BY 1`,
		destination, limit, destination).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func delivered(ctx context.Context, idb bun.IDB, checkpoint int64, destination string) error {
	_, err := idb.NewRaw(`UPDATE audit_deliveries SET delivered_at = clock_timestamp(), attempts = attempts + 1, error = ''
		WHERE checkpoint_id = ? AND destination = ?`, checkpoint, destination).Exec(ctx)
	return db.Err(err)
}

// deliveryFailed notes why, and lets the place rest: what waits behind rests too.
func deliveryFailed(ctx context.Context, idb bun.IDB, checkpoint int64, destination, reason string) error {
	_, err := idb.NewRaw(`
		WITH failed AS (
			UPDATE audit_deliveries SET attempts = attempts + 1, failed_at = clock_timestamp(), error = left(?, 500)
			WHERE checkpoint_id = ? AND destination = ? RETURNING attempts)
		UPDATE audit_deliveries d SET next_try = clock_timestamp() +
			least(interval '1 hour', interval '30 seconds' * power(2, least(f.attempts - 1, 10)))
		FROM failed f WHERE d.destination = ? AND d.delivered_at IS NULL AND d.checkpoint_id <> ?`,
		reason, checkpoint, destination, destination, checkpoint).Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	_, err = idb.NewRaw(`UPDATE audit_deliveries SET next_try = clock_timestamp() +
			least(interval '1 hour', interval '30 seconds' * power(2, least(attempts - 1, 10)))
		WHERE checkpoint_id = ? AND destination = ?`, checkpoint, destination).Exec(ctx)
	return db.Err(err)
}

func deliveries(ctx context.Context, idb bun.IDB, destinations []string) (rows []Delivery, waiting int64, err error) {
	err = idb.NewRaw(`SELECT DISTINCT ON (destination) destination, delivered_at, attempts,
			CASE WHEN delivered_at IS NULL THEN failed_at END AS failed_at, error
		FROM audit_deliveries WHERE destination = ANY (?) ORDER BY destination, (error <> '') DESC, checkpoint_id DESC`,
		pgdialect.Array(destinations)).Scan(ctx, &rows)
	if err != nil {
		return nil, 0, db.Err(err)
	}
	err = idb.NewRaw("SELECT count(DISTINCT checkpoint_id) FROM audit_deliveries WHERE delivered_at IS NULL AND destination = ANY (?)",
		pgdialect.Array(destinations)).Scan(ctx, &waiting)
	return rows, waiting, db.Err(err)
}

func countAfter(ctx context.Context, idb bun.IDB, seq int64) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM audit_entries WHERE seq > ? OR seq IS NULL", seq).Scan(ctx, &n)
	return n, db.Err(err)
}

func saveProblem(ctx context.Context, idb bun.IDB, name, text string) error {
	_, err := idb.NewRaw(`INSERT INTO audit_problems (name, error) VALUES (?, ?) ON CONFLICT (name)
		DO UPDATE SET error = excluded.error, latest = clock_timestamp()`, name, text).Exec(ctx)
	return db.Err(err)
}

func dropProblem(ctx context.Context, idb bun.IDB, name string) error {
	_, err := idb.NewRaw("DELETE FROM audit_problems WHERE name = ?", name).Exec(ctx)
	return db.Err(err)
}

func problem(ctx context.Context, idb bun.IDB, name string) (text string, err error) {
	err = idb.NewRaw("SELECT coalesce((SELECT error FROM audit_problems WHERE name = ?), '')", name).Scan(ctx, &text)
	return text, db.Err(err)
}

// About gives the sealed entries about a contact and about messages, for a proof:
// those about them alone, and those about many of which they are one, with leaves.
func (t *Trail) About(ctx context.Context, contacts, messages, campaigns, events []int64) (rows []*Entry, err error) {
	err = t.db.NewRaw(`
		SELECT e.* FROM audit_entries e WHERE e.seq IS NOT NULL AND (
			e.entity = 'contact' AND e.entity_id = ANY (?0::bigint[]) OR e.entity = 'message' AND e.entity_id = ANY (?1::bigint[])
			OR e.id IN (
				SELECT b.id FROM unnest(?2::bigint[], ?1::bigint[]) AS m (campaign, message) JOIN audit_entries b
					ON b.entity = 'campaign' AND b.entity_id = m.campaign AND b.action = 'campaign.batch'
					AND m.message BETWEEN (b.changes ->> 'first')::bigint AND (b.changes ->> 'last')::bigint)
			OR e.id IN (
				SELECT b.id FROM unnest(?3::bigint[]) AS v (event) CROSS JOIN LATERAL (
					SELECT b.id, b.changes FROM audit_entries b
					WHERE b.entity = 'consent_events' AND b.entity_id <= v.event ORDER BY b.entity_id DESC LIMIT 20) b
				WHERE (b.changes ->> 'last')::bigint >= v.event))
		ORDER BY e.seq`,
		pgdialect.Array(contacts), pgdialect.Array(messages), pgdialect.Array(campaigns), pgdialect.Array(events)).Scan(ctx, &rows)
	return rows, db.Err(err)
}
