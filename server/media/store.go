package media

import (
	"context"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// lockLibrary lets one transaction at a time change what is in it, so that its bounds hold.
func lockLibrary(ctx context.Context, tx bun.Tx) error {
	return db.LockSetting(ctx, tx, "media_library")
}

func insert(ctx context.Context, tx bun.Tx, f *File, data []byte) error {
	if _, err := tx.NewInsert().Model(f).Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("INSERT INTO media_files (media_id, data) VALUES (?, ?)", f.ID, data).Exec(ctx)
	return db.Err(err)
}

// remove keeps the description for the record; the file goes.
func remove(ctx context.Context, tx bun.Tx, id int64) error {
	if _, err := tx.NewRaw("DELETE FROM media_files WHERE media_id = ?", id).Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("UPDATE media SET deleted_at = now() WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

func fill(ctx context.Context, tx bun.Tx) (files int, size int64, err error) {
	err = tx.NewRaw("SELECT count(*), coalesce(sum(size), 0)::bigint FROM media WHERE deleted_at IS NULL").Scan(ctx, &files, &size)
	return files, size, db.Err(err)
}

func one(ctx context.Context, q *bun.SelectQuery, f *File) (*File, error) {
	err := db.Err(q.Limit(1).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func byID(ctx context.Context, idb bun.IDB, id int64) (*File, error) {
	f := new(File)
	found, err := one(ctx, idb.NewSelect().Model(f).Where("f.id = ? AND f.deleted_at IS NULL", id), f)
	if err == nil && found == nil {
		err = apperr.NotFound("media", id)
	}
	return found, err
}

func bySum(ctx context.Context, idb bun.IDB, sum []byte) (*File, error) {
	f := new(File)
	return one(ctx, idb.NewSelect().Model(f).Where("f.sha256 = ? AND f.deleted_at IS NULL", sum), f)
}

func byToken(ctx context.Context, idb bun.IDB, token string) (*File, error) {
	f := new(File)
	return one(ctx, idb.NewSelect().Model(f).Where("f.token = ? AND f.deleted_at IS NULL", token), f)
}

func dataOf(ctx context.Context, idb bun.IDB, id int64) (data []byte, err error) {
	err = idb.NewRaw("SELECT data FROM media_files WHERE media_id = ?", id).Scan(ctx, &data)
	return data, db.Err(err)
}

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	q = q.Where("f.deleted_at IS NULL")
	if f.Kind != nil {
		q = q.Where("f.kind = ?", *f.Kind)
	}
	if s := strings.TrimSpace(f.Search); s != "" {
		q = q.Where("strpos(lower(f.name), ?) > 0", strings.ToLower(s))
	}
	return q
}

func list(ctx context.Context, idb bun.IDB, f Filter, p db.Page) (db.Slice[*File], error) {
	var rows []*File
	q, err := p.Apply(filtered(idb.NewSelect().Model(&rows), f), "f", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*File]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*File]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func count(ctx context.Context, idb bun.IDB, f Filter) (int64, error) {
	n, err := filtered(idb.NewSelect().Model((*File)(nil)), f).Count(ctx)
	return n, db.Err(err)
}
