package audit

import (
	"context"
	"database/sql"
	"errors"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const sealLock = 7_239_002

func insert(ctx context.Context, idb bun.IDB, e *Entry) error {
	_, err := idb.NewInsert().Model(e).ExcludeColumn("created_at", "seq", "prev_hash", "hash", "mac", "key_id").Returning("NULL").Exec(ctx)
	return db.Err(err)
}

func insertEach(ctx context.Context, idb bun.IDB, e *Entry, ids []int64) error {
	_, err := idb.NewRaw("INSERT INTO audit_entries (actor_kind, actor_id, action, entity, entity_id, request_id) SELECT ?, ?, ?, ?, id, ? FROM unnest(?::bigint[]) id",
		e.ActorKind, e.ActorID, e.Action, e.Entity, e.RequestID, pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

func tryLock(ctx context.Context, tx bun.Tx) (mine bool, err error) {
	err = tx.NewRaw("SELECT pg_try_advisory_xact_lock(?)", sealLock).Scan(ctx, &mine)
	return mine, db.Err(err)
}

func newest(ctx context.Context, idb bun.IDB) (*Entry, error) {
	e := new(Entry)
	err := idb.NewSelect().Model(e).ExcludeColumn("leaves").Where("seq IS NOT NULL").OrderExpr("seq DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // an empty chain has no head
	}
	return e, db.Err(err)
}

func unsealed(ctx context.Context, idb bun.IDB, limit int64) (rows []*Entry, err error) {
	err = idb.NewSelect().Model(&rows).ExcludeColumn("leaves").Where("seq IS NULL").Order("id").Limit(limit).Scan(ctx)
	return rows, db.Err(err)
}

func writeSeals(ctx context.Context, tx bun.Tx, rows []*Entry, key int64) error {
	var ids, seqs []int64
	var prevs, hashes, macs [][]byte
	for _, e := range rows {
		ids, seqs = append(ids, e.ID), append(seqs, *e.Seq)
		prevs, hashes, macs = append(prevs, e.PrevHash), append(hashes, e.Hash), append(macs, e.Mac)
	}
	_, err := tx.NewRaw("SELECT audit_seal(?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[], ?::bytea[], ?)",
		pgdialect.Array(ids), pgdialect.Array(seqs), pgdialect.Array(prevs), pgdialect.Array(hashes),
		pgdialect.Array(macs), key).Exec(ctx)
	return db.Err(err)
}

func sealedAfter(ctx context.Context, idb bun.IDB, seq int64, limit int64) (rows []*Entry, err error) {
	err = idb.NewSelect().Model(&rows).ExcludeColumn("leaves").Where("seq > ?", seq).Order("seq").Limit(limit).Scan(ctx)
	return rows, db.Err(err)
}

func countUnsealed(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM audit_entries WHERE seq IS NULL").Scan(ctx, &n)
	return n, db.Err(err)
}

// Filter narrows a list of entries.
type Filter struct {
	Entity   string
	EntityID *int64
	Action   string
}

// List gives entries, newest first.
func (t *Trail) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Entry], error) {
	var rows []*Entry
	q := t.db.NewSelect().Model(&rows).ExcludeColumn("leaves")
	if f.Entity != "" {
		q = q.Where("e.entity = ?", f.Entity)
	}
	if f.EntityID != nil {
		q = q.Where("e.entity_id = ?", *f.EntityID)
	}
	if f.Action != "" {
		q = q.Where("e.action = ?", f.Action)
	}
	q, err := p.Apply(q, "e", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Entry]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Entry]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}
