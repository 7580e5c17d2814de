package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insertEvents(ctx context.Context, tx bun.Tx, events []*Event) error {
	_, err := tx.NewInsert().Model(&events).Returning("id").Exec(ctx)
	return db.Err(err)
}

// insertMany writes events by the thousand: arrays are read far faster than a
// statement with a value list for each row.
func insertMany(ctx context.Context, tx bun.Tx, events []*Event) error {
	n := len(events)
	ids, hashes := make([]int64, n), make([][]byte, n)
	status, purpose, source, evidence, at := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range events {
		raw, err := json.Marshal(e.Evidence)
		if err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
		ids[i], hashes[i], status[i], purpose[i], source[i], evidence[i] = e.ContactID, e.AddressHash, string(e.Status), e.Purpose, string(e.Source), string(raw)
		at[i] = e.OccurredAt.UTC().Format(time.RFC3339Nano)
	}
	_, err := tx.NewRaw(`
		INSERT INTO consent_events (contact_id, address_hash, status, purpose, source, evidence, operator_id, occurred_at)
		SELECT id, hash, status, purpose, source, evidence::jsonb, ?, at::timestamptz
		FROM unnest(?::bigint[], ?::bytea[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[]) WITH ORDINALITY AS u (id, hash, status, purpose, source, evidence, at, n) ORDER BY n`,
		events[0].OperatorID, pgdialect.Array(ids), pgdialect.Array(hashes), pgdialect.Array(status), pgdialect.Array(purpose), pgdialect.Array(source), pgdialect.Array(evidence), pgdialect.Array(at)).Exec(ctx)
	return db.Err(err)
}

func upsertSuppression(ctx context.Context, tx bun.Tx, hash []byte, reason SuppressionReason) error {
	_, err := tx.NewRaw("INSERT INTO suppressions (address_hash, reason) VALUES (?, ?) ON CONFLICT (address_hash) DO NOTHING", hash, reason).Exec(ctx)
	return db.Err(err)
}

func deleteSuppression(ctx context.Context, tx bun.Tx, hash []byte, reason SuppressionReason) error {
	_, err := tx.NewRaw("DELETE FROM suppressions WHERE address_hash = ? AND reason = ?", hash, reason).Exec(ctx)
	return db.Err(err)
}

func followBulk(ctx context.Context, tx bun.Tx, in, out [][]byte) error {
	if len(out) > 0 {
		if _, err := tx.NewRaw("INSERT INTO suppressions (address_hash, reason) SELECT DISTINCT h, 'opted_out' FROM unnest(?::bytea[]) h ON CONFLICT (address_hash) DO NOTHING", pgdialect.Array(out)).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	if len(in) > 0 {
		if _, err := tx.NewRaw("DELETE FROM suppressions WHERE address_hash = ANY (?) AND reason = 'opted_out'", pgdialect.Array(in)).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	return nil
}

type suppression struct {
	AddressHash []byte
	Reason      SuppressionReason
}

func suppressions(ctx context.Context, idb bun.IDB, hashes [][]byte) (rows []suppression, err error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	err = idb.NewRaw("SELECT address_hash, reason FROM suppressions WHERE address_hash = ANY (?) AND (until IS NULL OR until > now())", pgdialect.Array(hashes)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func events(ctx context.Context, idb bun.IDB, contactID int64, p db.Page) (db.Slice[*Event], error) {
	var rows []*Event
	q, err := p.Apply(idb.NewSelect().Model(&rows).Where("ce.contact_id = ?", contactID), "ce", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Event]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Event]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}
