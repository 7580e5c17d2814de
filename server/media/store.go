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

func insert(ctx context.Context, tx bun.Tx, f *File) error {
	_, err := tx.NewInsert().Model(f).Exec(ctx)
	return db.Err(err)
}

func insertData(ctx context.Context, idb bun.IDB, id int64, data []byte) error {
	_, err := idb.NewRaw("INSERT INTO media_files (media_id, data) VALUES (?, ?) ON CONFLICT (media_id) DO NOTHING", id, data).Exec(ctx)
	return db.Err(err)
}

func removeData(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw("DELETE FROM media_files WHERE media_id = ?", id).Exec(ctx)
	return db.Err(err)
}

// remove keeps the description for the record; the file goes.
func remove(ctx context.Context, tx bun.Tx, id int64) error {
	if err := removeData(ctx, tx, id); err != nil {
		return err
	}
	_, err := tx.NewRaw("UPDATE media SET deleted_at = now() WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

// insertAnnounced writes a file that is none of the library yet: an object of it may be in the bucket.
func insertAnnounced(ctx context.Context, tx bun.Tx, f *File) error {
	f.InBucket = true
	_, err := tx.NewInsert().Model(f).Value("deleted_at", "now()").Exec(ctx)
	return db.Err(err)
}

// announce notes that there may soon be an object in the bucket.
func announce(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw("UPDATE media SET in_bucket = true WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

// gone notes that there is surely no object of it in the bucket.
func gone(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw("UPDATE media SET in_bucket = false WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

// appear makes a file that was written into the bucket one of the library; false: somebody took it for an upload that broke off,
// or is about to. It ends well before leftBehind begins, so that none of those files becomes one of the library.
func appear(ctx context.Context, tx bun.Tx, id int64) (bool, error) {
	res, err := tx.NewRaw("UPDATE media SET deleted_at = NULL WHERE id = ? AND in_bucket AND deleted_at > clock_timestamp() - interval '4 minutes'", id).Exec(ctx)
	if err != nil {
		return false, db.Err(err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// locked is a file that nobody deletes meanwhile; nil: it is gone.
func locked(ctx context.Context, tx bun.Tx, id int64) (*File, error) {
	f := new(File)
	return one(ctx, tx.NewSelect().Model(f).Where("f.id = ? AND f.deleted_at IS NULL", id).For("UPDATE"), f)
}

// moveLock is the advisory lock of a move.
const moveLock = 7_239_201

// moveHeld is that lock. It lives as long as its connection.
type moveHeld struct {
	check   func(context.Context) error // that the connection is there still
	release func()
}

// lockMove takes it; nil: somebody else has it.
func lockMove(ctx context.Context, d *db.DB) (*moveHeld, error) {
	conn, err := d.Alone(ctx, "move of the media library")
	if err != nil {
		return nil, err
	}
	h := &moveHeld{check: conn.Ping, release: func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
		defer cancel()
		_ = conn.Close(ctx)
	}}
	got := false
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", moveLock).Scan(&got); err != nil || !got {
		h.release()
		return nil, db.Err(err)
	}
	return h, nil
}

// held tells whether sending is held, as it is in a copy of which nobody has said yet that the original has ended.
func held(ctx context.Context, idb bun.IDB) (is bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM sending_hold)").Scan(ctx, &is)
	return is, db.Err(err)
}

// leftBehind are up to n deleted files of which objects may be left, in no order, so that those that cannot be deleted are not
// always first. Uploads that are under way have not ended for longer than any takes.
func leftBehind(ctx context.Context, idb bun.IDB, n int) (files []*File, err error) {
	err = idb.NewSelect().Model(&files).Where("f.in_bucket AND f.deleted_at < now() - interval '5 minutes'").OrderExpr("random()").Limit(int64(n)).Scan(ctx)
	return files, db.Err(err)
}

// inPostgres are the files behind an id that lie in Postgres, in order of id.
func inPostgres(ctx context.Context, idb bun.IDB, behind int64, n int) (files []*File, err error) {
	err = idb.NewSelect().Model(&files).Where("f.deleted_at IS NULL AND f.id > ?", behind).
		Where("EXISTS (SELECT FROM media_files d WHERE d.media_id = f.id)").Order("f.id").Limit(int64(n)).Scan(ctx)
	return files, db.Err(err)
}

// inBucket are the files behind an id of which there may be objects in the bucket, in order of id.
func inBucket(ctx context.Context, idb bun.IDB, behind int64, n int) (files []*File, err error) {
	err = idb.NewSelect().Model(&files).Where("f.deleted_at IS NULL AND f.in_bucket AND f.id > ?", behind).Order("f.id").Limit(int64(n)).Scan(ctx)
	return files, db.Err(err)
}

// stranded counts the files that are in the bucket alone.
func stranded(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw(`SELECT count(*) FROM media m WHERE m.in_bucket AND m.deleted_at IS NULL
		AND NOT EXISTS (SELECT FROM media_files f WHERE f.media_id = m.id)`).Scan(ctx, &n)
	return n, db.Err(err)
}

func fill(ctx context.Context, tx bun.Tx, forReplies bool) (files int, size int64, err error) {
	err = tx.NewRaw("SELECT count(*), coalesce(sum(size), 0)::bigint FROM media WHERE deleted_at IS NULL AND for_replies = ?", forReplies).
		Scan(ctx, &files, &size)
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
		err = apperr.NotFound("media %v does not exist", id)
	}
	return found, err
}

// bySum finds a file by what it holds: for a reply one of the library, too, but for the library none of replies.
func bySum(ctx context.Context, idb bun.IDB, sum []byte, forReply bool) (*File, error) {
	f := new(File)
	return one(ctx, idb.NewSelect().Model(f).Where("f.sha256 = ? AND f.deleted_at IS NULL AND f.for_replies <= ?", sum, forReply).
		Order("f.for_replies"), f)
}

func byToken(ctx context.Context, idb bun.IDB, token string) (*File, error) {
	f := new(File)
	return one(ctx, idb.NewSelect().Model(f).Where("f.token = ? AND f.deleted_at IS NULL", token), f)
}

// dataOf is what a file holds in Postgres; nil: it lies elsewhere.
func dataOf(ctx context.Context, idb bun.IDB, id int64) (data []byte, err error) {
	err = db.Err(idb.NewRaw("SELECT data FROM media_files WHERE media_id = ?", id).Scan(ctx, &data))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, nil
	}
	return data, err
}

// inDatabase tells whether Postgres has what a file holds.
func inDatabase(ctx context.Context, idb bun.IDB, id int64) (has bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM media_files WHERE media_id = ?)", id).Scan(ctx, &has)
	return has, db.Err(err)
}

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	q = q.Where("f.deleted_at IS NULL AND NOT f.for_replies")
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

// Shown notes that a reply shows a file, which ForReply gave.
func Shown(ctx context.Context, tx bun.Tx, id, messageID int64) error {
	_, err := tx.NewRaw("INSERT INTO reply_files (message_id, media_id) VALUES (?, ?)", messageID, id).Exec(ctx)
	return db.Err(err)
}

// awaited tells whether a reply with the file is yet to be sent, or may be sent again.
func awaited(ctx context.Context, tx bun.Tx, id int64) (is bool, err error) {
	err = tx.NewRaw(`SELECT EXISTS (SELECT FROM reply_files r JOIN messages m ON m.id = r.message_id
		WHERE r.media_id = ? AND m.work IS NOT NULL)`, id).Scan(ctx, &is)
	return is, db.Err(err)
}

// unshown are up to n files of replies that no message shows any more; a new one waits a day for its reply.
func unshown(ctx context.Context, tx bun.Tx, n int) (ids []int64, err error) {
	err = tx.NewRaw(`SELECT f.id FROM media f WHERE f.for_replies AND f.deleted_at IS NULL AND f.created_at < now() - interval '1 day'
			AND NOT EXISTS (SELECT FROM reply_files r JOIN messages m ON m.id = r.message_id
				WHERE r.media_id = f.id AND m.media <> '[]')
		ORDER BY f.id LIMIT ?`, n).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// removeName forgets what a file was called.
func removeName(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("UPDATE media SET name = '' WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}
