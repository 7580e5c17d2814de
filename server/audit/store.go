package audit

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/apperr"
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
	Entity     string
	EntityID   *int64
	Action     string
	OperatorID *int64     // who did it
	From, To   *time.Time // when, To excluded
}

// key is the order of the list. Whose entries and of which time come from indexes by the time of
// the entry, which is the order of the ids but for what was written at once.
func (f Filter) key() *db.Key {
	if f.OperatorID == nil && f.From == nil && f.To == nil {
		return &db.Key{Column: "id", Desc: true}
	}
	return &db.Key{Column: "created_at", Type: "timestamptz", Desc: true}
}

// CursorOf is an entry's place in the list.
func (f Filter) CursorOf(e *Entry) string {
	if f.key().Column == "id" {
		return db.Cursor("", e.ID)
	}
	return db.Cursor(e.CreatedAt.UTC().Format(time.RFC3339Nano), e.ID)
}

// List gives entries, newest first.
func (t *Trail) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Entry], error) {
	if f.From != nil && f.To != nil && !f.From.Before(*f.To) {
		return db.Slice[*Entry]{}, apperr.Invalid("to", "%s is not after %s", *f.To, *f.From)
	}
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
	if f.OperatorID != nil {
		q = q.Where("e.actor_kind = 'operator' AND e.actor_id = ?", *f.OperatorID)
	}
	if f.From != nil {
		q = q.Where("e.created_at >= ?", *f.From)
	}
	if f.To != nil {
		q = q.Where("e.created_at < ?", *f.To)
	}
	q, err := p.Apply(q, "e", f.key())
	if err != nil {
		return db.Slice[*Entry]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Entry]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}
