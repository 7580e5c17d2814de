package optout

import (
	"context"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/globalid"

	"github.com/uptrace/bun"
)

// note opens a review unless one is open, and marks the contact.
func note(ctx context.Context, tx bun.Tx, contactID, messageID int64, language string) error {
	_, err := tx.NewRaw(`
		WITH noted AS (
			INSERT INTO opt_out_reviews (contact_id, message_id, language) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING created_at)
		UPDATE contacts c SET opt_out_review_at = noted.created_at, updated_at = now() FROM noted WHERE c.id = ?`,
		contactID, messageID, language, contactID).Exec(ctx)
	return db.Err(err)
}

// closeOpen ends what is open of a contact as opted out.
func closeOpen(ctx context.Context, tx bun.Tx, contactID int64) error {
	_, err := tx.NewRaw(`
		WITH closed AS (UPDATE opt_out_reviews SET decided_at = clock_timestamp(), opted_out = true
			WHERE decided_at IS NULL AND `+contact.Family+`
			RETURNING contact_id)
		UPDATE contacts c SET opt_out_review_at = NULL, updated_at = now() WHERE c.id = ?0 AND EXISTS (SELECT 1 FROM closed)`,
		contactID).Exec(ctx)
	return db.Err(err)
}

// carry gives the reviews of a contact to the one it was merged into. One is open of a
// contact at a time: another one waits where it is until that is decided.
func carry(ctx context.Context, tx bun.Tx, keep, gone int64) error {
	_, err := tx.NewRaw(`UPDATE opt_out_reviews r SET contact_id = ?0 WHERE r.contact_id = ?1 AND (r.decided_at IS NOT NULL
		OR NOT EXISTS (SELECT 1 FROM opt_out_reviews k WHERE k.contact_id = ?0 AND k.decided_at IS NULL))`, keep, gone).Exec(ctx)
	return db.Err(err)
}

// saveDecision writes what was decided about a contact's message. The mark stays on
// the contact while a message of theirs waits that was written to one merged into them.
func saveDecision(ctx context.Context, tx bun.Tx, r *Review, contactID int64) error {
	if _, err := tx.NewUpdate().Model(r).Column("decided_at", "opted_out", "operator_id").WherePK().Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw(`
		WITH next AS (
			UPDATE opt_out_reviews SET contact_id = ?0 WHERE id = (
				SELECT min(id) FROM opt_out_reviews WHERE decided_at IS NULL AND id <> ?1
					AND `+contact.Family+`)
			RETURNING created_at)
		UPDATE contacts SET opt_out_review_at = (SELECT created_at FROM next), updated_at = now() WHERE id = ?0`,
		contactID, r.ID).Exec(ctx)
	return db.Err(err)
}

// wordsOf gives what the message says, and its SID.
func wordsOf(ctx context.Context, tx bun.Tx, messageID int64) (body, sid string, err error) {
	err = tx.NewRaw("SELECT body, coalesce(sid, '') FROM messages WHERE id = ?", messageID).Scan(ctx, &body, &sid)
	return body, sid, db.Err(err)
}

func byID(ctx context.Context, idb bun.IDB, id int64) (*Review, error) {
	r := new(Review)
	err := db.Err(idb.NewSelect().Model(r).Where("r.id = ?", id).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.Invalid("id", "there is no review %s", globalid.Encode("OptOutReview", id))
	}
	return r, err
}

func open(ctx context.Context, idb bun.IDB, p db.Page) (db.Slice[*Review], error) {
	var rows []*Review
	q, err := p.Apply(idb.NewSelect().Model(&rows).Where("r.decided_at IS NULL"), "r", &db.Key{Column: "id"})
	if err != nil {
		return db.Slice[*Review]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Review]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func countOpen(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM opt_out_reviews WHERE decided_at IS NULL").Scan(ctx, &n)
	return n, db.Err(err)
}

func ofContacts(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]*Review, error) {
	var rows []*Review
	err := idb.NewSelect().Model(&rows).Where("r.decided_at IS NULL AND r.contact_id IN (?)", bun.List(ids)).Scan(ctx)
	found := make(map[int64]*Review, len(rows))
	for _, r := range rows {
		found[r.ContactID] = r
	}
	return found, db.Err(err)
}
