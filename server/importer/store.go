package importer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Reject is a row that was not taken, and why.
type Reject struct {
	bun.BaseModel `bun:"table:import_rows_rejected,alias:ir"`

	ID       int64    `bun:",pk,autoincrement"`
	ImportID int64    //
	Row      int64    // 1 = the first row under the header
	Line     int64    // line of the file
	Field    string   // column or field to blame
	Value    string   //
	Reason   string   //
	Record   []string `bun:"type:jsonb"` // the row as it came
}

func insert(ctx context.Context, idb bun.IDB, imp *Import) error {
	_, err := idb.NewInsert().Model(imp).Exec(ctx)
	return db.Err(err)
}

func setStatus(ctx context.Context, tx bun.Tx, imp *Import) error {
	_, err := tx.NewUpdate().Model(imp).Column("status", "failure", "size_bytes", "bytes_done", "rows_total",
		"started_at", "finished_at", "starts", "starts_row").WherePK().Exec(ctx)
	return db.Err(err)
}

// cameBack notes that whoever worked the import is still alive.
func cameBack(ctx context.Context, idb bun.IDB, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := idb.NewRaw("UPDATE imports SET starts = 0 WHERE id = ? AND starts > 0", id).Exec(ctx)
	return db.Err(err)
}

func insertChunk(ctx context.Context, idb bun.IDB, id int64, seq int, data []byte) error {
	_, err := idb.NewRaw("INSERT INTO import_chunks (import_id, seq, data) VALUES (?, ?, ?)", id, seq, data).Exec(ctx)
	return db.Err(err)
}

func dropChunks(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("DELETE FROM import_chunks WHERE import_id = ?", id).Exec(ctx)
	return db.Err(err)
}

// dropOldChunks forgets the files of dry runs that nobody confirmed, one a run.
// Only the files that are kept are looked through, by the first chunk of each.
func dropOldChunks(ctx context.Context, idb bun.IDB) (n int, err error) {
	err = idb.NewRaw(`
		WITH RECURSIVE kept AS (
			(SELECT import_id FROM import_chunks ORDER BY import_id LIMIT 1)
			UNION ALL
			SELECT (SELECT c.import_id FROM import_chunks c WHERE c.import_id > kept.import_id ORDER BY c.import_id LIMIT 1)
			FROM kept WHERE kept.import_id IS NOT NULL),
		gone AS (
			DELETE FROM import_chunks WHERE import_id = (
				SELECT i.id FROM kept JOIN imports i ON i.id = kept.import_id
				WHERE i.finished_at < now() - interval '1 day' ORDER BY i.id LIMIT 1)
			RETURNING import_id)
		SELECT count(DISTINCT import_id) FROM gone`).Scan(ctx, &n)
	return n, db.Err(err)
}

// startOver takes an import back to its beginning.
func startOver(ctx context.Context, tx bun.Tx, imp *Import) error {
	if _, err := tx.NewRaw("DELETE FROM import_rows_rejected WHERE import_id = ?", imp.ID).Exec(ctx); err != nil {
		return db.Err(err)
	}
	imp.Status, imp.Failure, imp.RowsTotal, imp.StartedAt, imp.FinishedAt = StatusPending, "", nil, nil, nil
	imp.Messages, imp.OptInRequests = nil, 0
	imp.BytesDone, imp.RowsDone, imp.Created, imp.Updated, imp.Unchanged, imp.Duplicates, imp.Rejected = 0, 0, 0, 0, 0,
		0, 0
	_, err := tx.NewUpdate().Model(imp).ExcludeColumn("id", "file_name", "size_bytes", "operator_id",
		"created_at").WherePK().Exec(ctx)
	return db.Err(err)
}

func discard(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw("DELETE FROM imports WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Import, error) {
	imp := new(Import)
	err := db.Err(tx.NewSelect().Model(imp).Where("i.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("import %v does not exist", id)
	}
	return imp, err
}

func byID(ctx context.Context, idb bun.IDB, id int64) (*Import, error) {
	imp := new(Import)
	err := db.Err(idb.NewSelect().Model(imp).Where("i.id = ?", id).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("import %v does not exist", id)
	}
	return imp, err
}

func list(ctx context.Context, idb bun.IDB, p db.Page) (db.Slice[*Import], error) {
	var rows []*Import
	q, err := p.Apply(idb.NewSelect().Model(&rows), "i", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Import]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Import]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func count(ctx context.Context, idb bun.IDB) (int64, error) {
	n, err := idb.NewSelect().Model((*Import)(nil)).Count(ctx)
	return n, db.Err(err)
}

func addProgress(ctx context.Context, tx bun.Tx, id int64, t Import) error {
	_, err := tx.NewRaw(`UPDATE imports SET bytes_done = ?, rows_done = rows_done + ?, created = created + ?, updated = updated + ?, unchanged = unchanged + ?,
		duplicates = duplicates + ?, rejected = rejected + ?, opt_in_requests = opt_in_requests + ?, messages = coalesce(?::jsonb, messages) WHERE id = ?`, t.BytesDone, t.RowsDone,
		t.Created, t.Updated, t.Unchanged, t.Duplicates, t.Rejected, t.OptInRequests, rawMessages(t.Messages), id).Exec(ctx)
	return db.Err(err)
}

func rawMessages(m *Messages) *string {
	if m == nil {
		return nil
	}
	raw, _ := json.Marshal(m)
	text := string(raw)
	return &text
}

// membersAfter gives the next of those whom an import touched.
func membersAfter(ctx context.Context, tx bun.Tx, importID, after int64, limit int) (ids []int64, err error) {
	err = tx.NewRaw("SELECT contact_id FROM import_contacts WHERE import_id = ? AND contact_id > ? ORDER BY contact_id LIMIT ?",
		importID, after, limit).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func insertRejects(ctx context.Context, tx bun.Tx, rejects []*Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&rejects).Returning("NULL").Exec(ctx)
	return db.Err(err)
}

func rejectsAfter(ctx context.Context, idb bun.IDB, importID, after, limit int64) (rows []*Reject, err error) {
	err = idb.NewSelect().Model(&rows).Where("ir.import_id = ? AND ir.id > ?", importID,
		after).Order("ir.id").Limit(limit).Scan(ctx)
	return rows, db.Err(err)
}

func forgotten(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw(`
		SELECT i.id FROM imports i WHERE i.status IN ('pending', 'running')
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'contact_import:' || i.id AND l.expires_at >= now())
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'contact_import' AND j.state IN ('available', 'pending')
				AND (j.args ->> 'import_id')::bigint = i.id)
		ORDER BY i.id LIMIT 100`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func touchedBefore(ctx context.Context, tx bun.Tx, importID int64,
	contacts map[string]*contact.Contact,
) (map[int64]bool, error) {
	ids := make([]int64, 0, len(contacts))
	for _, c := range contacts {
		ids = append(ids, c.ID)
	}
	var found []int64
	err := tx.NewRaw("SELECT contact_id FROM import_contacts WHERE import_id = ? AND contact_id = ANY (?)", importID,
		pgdialect.Array(ids)).Scan(ctx, &found)
	touched := make(map[int64]bool, len(found))
	for _, id := range found {
		touched[id] = true
	}
	return touched, db.Err(err)
}

func insertMembers(ctx context.Context, tx bun.Tx, importID int64, members []*contact.Contact) error {
	_, err := tx.NewRaw("INSERT INTO import_contacts (import_id, contact_id) SELECT ?, id FROM unnest(?::bigint[]) id ON CONFLICT DO NOTHING", importID, pgdialect.Array(contact.IDs(members))).Exec(ctx)
	return db.Err(err)
}

// chunkReader reads the file back out of Postgres.
type chunkReader struct {
	ctx      context.Context
	db       bun.IDB
	importID int64
	seq      int
	rest     []byte
	read     int64
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		err := r.db.NewRaw("SELECT data FROM import_chunks WHERE import_id = ? AND seq = ?", r.importID, r.seq).Scan(r.ctx,
			&r.rest)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, db.Err(err)
		}
		r.seq++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.read += int64(n)
	return n, nil
}
