package conversation

import (
	"context"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insertNote(ctx context.Context, tx bun.Tx, n *Note) error {
	_, err := tx.NewInsert().Model(n).Exec(ctx)
	return db.Err(err)
}

func notesOf(ctx context.Context, idb bun.IDB, p db.Page, ids []int64) (map[int64]db.Slice[*Note], error) {
	each, err := p.Apply(idb.NewSelect().Model((*Note)(nil)).Where("cn.conversation_id = parent.id"), "cn", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return nil, err
	}
	var rows []*Note
	err = idb.NewRaw("SELECT cn.* FROM unnest(?::bigint[]) AS parent (id) CROSS JOIN LATERAL (?) cn ORDER BY cn.id DESC",
		pgdialect.Array(ids), each).Scan(ctx, &rows)
	return db.CutEach(p, rows, func(n *Note) int64 { return n.ConversationID }), db.Err(err)
}

// lockAndCountLabels keeps two from going over the limit together.
func lockAndCountLabels(ctx context.Context, tx bun.Tx) (n int64, err error) {
	if _, err := tx.NewRaw("LOCK TABLE labels IN SHARE ROW EXCLUSIVE MODE").Exec(ctx); err != nil {
		return 0, db.Err(err)
	}
	n, err = tx.NewSelect().Model((*Label)(nil)).Count(ctx)
	return n, db.Err(err)
}

func insertLabel(ctx context.Context, tx bun.Tx, l *Label) error {
	_, err := tx.NewInsert().Model(l).Exec(ctx)
	return db.Err(err)
}

func updateLabel(ctx context.Context, tx bun.Tx, l *Label) error {
	_, err := tx.NewUpdate().Model(l).Column("name", "color").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

// removeLabel takes it off conversations in their order, which a cascade would not keep.
func removeLabel(ctx context.Context, tx bun.Tx, id int64) error {
	for _, sql := range []string{
		`DELETE FROM conversation_labels cl USING (
				SELECT conversation_id FROM conversation_labels WHERE label_id = ?0 ORDER BY conversation_id FOR UPDATE) l
			WHERE cl.label_id = ?0 AND cl.conversation_id = l.conversation_id`,
		"DELETE FROM labels WHERE id = ?0",
	} {
		if _, err := tx.NewRaw(sql, id).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	return nil
}

func labelForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Label, error) {
	l := new(Label)
	err := db.Err(tx.NewSelect().Model(l).Where("lb.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("label %v does not exist", id)
	}
	return l, err
}

func labels(ctx context.Context, idb bun.IDB) (rows []*Label, err error) {
	err = idb.NewSelect().Model(&rows).OrderExpr(`lower(lb.name) COLLATE "C", lb.id`).Scan(ctx)
	return rows, db.Err(err)
}

// labelsByIDs locks them against being deleted, where it is asked in a transaction that puts them on something.
func labelsByIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Label, err error) {
	q := idb.NewSelect().Model(&rows).Where("lb.id = ANY (?)", pgdialect.Array(ids)).Order("lb.id")
	if _, writes := idb.(bun.Tx); writes {
		q = q.For("KEY SHARE")
	}
	return rows, db.Err(q.Scan(ctx))
}

func labelsOf(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]*Label, error) {
	var rows []struct {
		ConversationID int64
		Label
	}
	err := idb.NewRaw(`SELECT cl.conversation_id, lb.* FROM conversation_labels cl JOIN labels lb ON lb.id = cl.label_id
		WHERE cl.conversation_id = ANY (?) ORDER BY lower(lb.name) COLLATE "C", lb.id`, pgdialect.Array(ids)).Scan(ctx, &rows)
	found := make(map[int64][]*Label, len(ids))
	for i := range rows {
		found[rows[i].ConversationID] = append(found[rows[i].ConversationID], &rows[i].Label)
	}
	return found, db.Err(err)
}

// relabel gives how many labels the conversation has then. The caller has locked it.
func relabel(ctx context.Context, tx bun.Tx, id int64, add, remove []int64) (n int, err error) {
	for _, sql := range []string{
		"DELETE FROM conversation_labels WHERE conversation_id = ?0 AND label_id = ANY (?2)",
		"INSERT INTO conversation_labels (conversation_id, label_id) SELECT ?0, unnest(?1::bigint[]) ON CONFLICT DO NOTHING",
	} {
		if _, err := tx.NewRaw(sql, id, pgdialect.Array(add), pgdialect.Array(remove)).Exec(ctx); err != nil {
			return 0, db.Err(err)
		}
	}
	err = tx.NewRaw("SELECT count(*) FROM conversation_labels WHERE conversation_id = ?", id).Scan(ctx, &n)
	return n, db.Err(err)
}

// lockAndCountCanned keeps two from going over the limit together.
func lockAndCountCanned(ctx context.Context, tx bun.Tx) (n int64, err error) {
	if _, err := tx.NewRaw("LOCK TABLE canned_replies IN SHARE ROW EXCLUSIVE MODE").Exec(ctx); err != nil {
		return 0, db.Err(err)
	}
	n, err = tx.NewSelect().Model((*Canned)(nil)).Count(ctx)
	return n, db.Err(err)
}

func insertCanned(ctx context.Context, tx bun.Tx, r *Canned) error {
	_, err := tx.NewInsert().Model(r).Exec(ctx)
	return db.Err(err)
}

func updateCanned(ctx context.Context, tx bun.Tx, r *Canned) error {
	_, err := tx.NewUpdate().Model(r).Column("name", "body").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

func removeCanned(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("DELETE FROM canned_replies WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

func cannedForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Canned, error) {
	r := new(Canned)
	err := db.Err(tx.NewSelect().Model(r).Where("cr.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("canned reply %v does not exist", id)
	}
	return r, err
}

func cannedByID(ctx context.Context, idb bun.IDB, id int64) (*Canned, error) {
	r := new(Canned)
	err := db.Err(idb.NewSelect().Model(r).Where("cr.id = ?", id).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("canned reply %v does not exist", id)
	}
	return r, err
}

func cannedAll(ctx context.Context, idb bun.IDB) (rows []*Canned, err error) {
	err = idb.NewSelect().Model(&rows).OrderExpr(`lower(cr.name) COLLATE "C", cr.id`).Scan(ctx)
	return rows, db.Err(err)
}

// wake asks by the transaction's time: the index serves no clock_timestamp(). One that the previous version opened when
// they wrote has its moment still, and stays as it is.
func wake(ctx context.Context, tx bun.Tx, limit int) (opened []int64, err error) {
	err = tx.NewRaw(`
		WITH due AS (
			SELECT id, status FROM conversations WHERE snoozed_until <= now() ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED),
		changed AS (
			UPDATE conversations co SET snoozed_until = NULL, status = 'open',
				unread = CASE WHEN due.status = 'closed' THEN greatest(co.unread, 1) ELSE co.unread END
			FROM due WHERE co.id = due.id RETURNING co.id)
		SELECT id FROM changed ORDER BY id`, limit).Scan(ctx, &opened)
	return opened, db.Err(err)
}

// countUnread counts to most and no further.
func countUnread(ctx context.Context, idb bun.IDB, most int) (n int, err error) {
	err = idb.NewRaw(`SELECT count(*) FROM (SELECT FROM conversations WHERE unread > 0 AND last_message_at IS NOT NULL LIMIT ?) u`,
		most).Scan(ctx, &n)
	return n, db.Err(err)
}

// openFor makes a contact's conversation where there is none, and gives its id.
func openFor(ctx context.Context, tx bun.Tx, contactID int64) (id int64, err error) {
	_, err = tx.NewRaw("INSERT INTO conversations (contact_id) VALUES (?) ON CONFLICT (contact_id) DO NOTHING", contactID).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	err = tx.NewRaw("SELECT id FROM conversations WHERE contact_id = ?", contactID).Scan(ctx, &id)
	return id, db.Err(err)
}
