package topic

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/globalid"
	"eventstream/server/say"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insert(ctx context.Context, tx bun.Tx, t *Topic) error {
	_, err := tx.NewInsert().Model(t).Exec(ctx)
	return db.Err(err)
}

func update(ctx context.Context, tx bun.Tx, t *Topic) error {
	_, err := tx.NewUpdate().Model(t).Column("name", "description", "keyword",
		"keyword_folded").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

func remove(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("DELETE FROM topics WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

// lockAndCount keeps two from going over the limit together.
func lockAndCount(ctx context.Context, tx bun.Tx) (n int64, err error) {
	if _, err := tx.NewRaw("LOCK TABLE topics IN SHARE ROW EXCLUSIVE MODE").Exec(ctx); err != nil {
		return 0, db.Err(err)
	}
	n, err = tx.NewSelect().Model((*Topic)(nil)).Count(ctx)
	return n, db.Err(err)
}

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Topic, error) {
	t := new(Topic)
	err := db.Err(tx.NewSelect().Model(t).Where("tp.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("topic %v does not exist", id)
	}
	return t, err
}

func list(ctx context.Context, idb bun.IDB) (rows []*Topic, err error) {
	err = idb.NewSelect().Model(&rows).OrderExpr(`lower(tp.name) COLLATE "C", tp.id`).Scan(ctx)
	return rows, db.Err(err)
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Topic, err error) {
	err = idb.NewSelect().Model(&rows).Where("tp.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

func byKeyword(ctx context.Context, idb bun.IDB, folded string) (*Topic, error) {
	t := new(Topic)
	err := idb.NewSelect().Model(t).Where("tp.keyword_folded = ?", folded).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // they wrote something else
	}
	return t, db.Err(err)
}

func usedBy(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]say.Text, error) {
	named := make([]string, len(ids))
	for i, id := range ids {
		named[i] = `"` + globalid.Encode("Topic", id) + `"`
	}
	var rows []struct {
		ID           int64
		Entity, Name string
	}
	err := idb.NewRaw(`SELECT t.id, u.entity, u.name FROM unnest(?::bigint[], ?::text[]) AS t (id, named) CROSS JOIN LATERAL (
		SELECT 'campaign' AS entity, name FROM campaigns WHERE topic_id = t.id
		UNION ALL SELECT 'segment', name FROM segments WHERE strpos(query::text, t.named) > 0
		LIMIT 5) u`, pgdialect.Array(ids), pgdialect.Array(named)).Scan(ctx, &rows)
	out := map[int64][]say.Text{}
	for _, r := range rows {
		out[r.ID] = append(out[r.ID], audit.Named(r.Entity, r.Name))
	}
	return out, db.Err(err)
}

func counts(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]Counts, error) {
	var rows []struct {
		TopicID                    int64
		Subscribers, Reached, Left int64
	}
	err := idb.NewRaw(`
		SELECT ct.topic_id, count(*) FILTER (WHERE ct.status = 'subscribed') AS subscribers,
			count(*) FILTER (WHERE ct.status = 'subscribed' AND c.consent_status = 'opted_in' AND c.reachable) AS reached,
			count(*) FILTER (WHERE ct.status = 'left') AS "left"
		FROM contact_topics ct JOIN contacts c ON c.id = ct.contact_id WHERE ct.topic_id = ANY (?) GROUP BY 1`,
		pgdialect.Array(ids)).Scan(ctx, &rows)
	found := make(map[int64]Counts, len(ids))
	for _, id := range ids {
		found[id] = Counts{}
	}
	for _, r := range rows {
		found[r.TopicID] = Counts{r.Subscribers, r.Reached, r.Left}
	}
	return found, db.Err(err)
}

func of(ctx context.Context, idb bun.IDB, contactIDs []int64) (map[int64]map[int64]*Subscription, error) {
	var rows []*Subscription
	err := idb.NewSelect().Model(&rows).Where("ct.contact_id = ANY (?)", pgdialect.Array(contactIDs)).Scan(ctx)
	found := make(map[int64]map[int64]*Subscription, len(contactIDs))
	for _, id := range contactIDs {
		found[id] = map[int64]*Subscription{}
	}
	for _, r := range rows {
		found[r.ContactID][r.TopicID] = r
	}
	return found, db.Err(err)
}

func subscribed(ctx context.Context, idb bun.IDB, topicID int64, contactIDs []int64) (map[int64]bool, error) {
	var ids []int64
	err := idb.NewRaw("SELECT contact_id FROM contact_topics WHERE topic_id = ? AND contact_id = ANY (?) AND status = 'subscribed'", topicID, pgdialect.Array(contactIDs)).Scan(ctx, &ids)
	found := make(map[int64]bool, len(ids))
	for _, id := range ids {
		found[id] = true
	}
	return found, db.Err(err)
}

// hold keeps topics from being deleted until the transaction ends: deleting one
// takes its subscriptions in no order.
func hold(ctx context.Context, tx bun.Tx, topicIDs []int64) error {
	_, err := tx.NewRaw("SELECT id FROM topics WHERE id = ANY (?) ORDER BY id FOR KEY SHARE",
		pgdialect.Array(topicIDs)).Exec(ctx)
	return db.Err(err)
}

// holdThoseOf does so for all topics that contacts have to do with.
func holdThoseOf(ctx context.Context, tx bun.Tx, contactIDs []int64) error {
	_, err := tx.NewRaw(`SELECT id FROM topics WHERE id IN (SELECT topic_id FROM contact_topics WHERE contact_id = ANY (?))
		ORDER BY id FOR KEY SHARE`, pgdialect.Array(contactIDs)).Exec(ctx)
	return db.Err(err)
}

// saidToSandbox are subscriptions that rest on a message to the sandbox, where no person writes.
const saidToSandbox = `(ct.status = 'subscribed' AND ct.source = 'keyword' AND coalesce(ct.said_to, provider_at(ct.since)) = 'sandbox')`

// confirmed is where somebody subscribes in another way than by a message whoever had
// subscribed by one to the sandbox: with Twilio that counts, too.
const confirmed = "(" + saidToSandbox + " AND excluded.status = 'subscribed' AND excluded.source <> 'keyword')"

// anew is a choice in the place of an earlier one.
const anew = "status = excluded.status, source = excluded.source, since = excluded.since, said_to = excluded.said_to"

// set writes a choice. Who subscribes after they had left keeps when that was: it counts
// again once the subscription does not (leaveSandbox). Who leaves again has left since the later time: what
// becomes known afterwards is held against that.
func set(ctx context.Context, tx bun.Tx, contactID, topicID int64, status Status,
	source consent.Source, at time.Time,
) (changed bool, err error) {
	if err := hold(ctx, tx, []int64{topicID}); err != nil {
		return false, err
	}
	res, err := tx.NewRaw(`INSERT INTO contact_topics AS ct (topic_id, contact_id, status, source, since, said_to)
			VALUES (?0, ?1, ?2, ?3, ?4, CASE WHEN ?3 = 'keyword' THEN provider_now() END)
		ON CONFLICT (topic_id, contact_id) DO UPDATE SET `+anew+`,
			left_at = CASE WHEN ct.status = 'left' AND excluded.status = 'subscribed' THEN ct.since END,
			left_source = CASE WHEN ct.status = 'left' AND excluded.status = 'subscribed' THEN ct.source END
			WHERE ct.status <> excluded.status OR `+confirmed, topicID, contactID, status, source, at).Exec(ctx)
	if err != nil {
		return false, db.Err(err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 || status != StatusLeft {
		return n > 0, err
	}
	_, err = tx.NewRaw(`UPDATE contact_topics SET since = ? WHERE topic_id = ? AND contact_id = ? AND status = 'left'
		AND since < ?`, at, topicID, contactID, at).Exec(ctx)
	return false, db.Err(err)
}

func leftAt(ctx context.Context, tx bun.Tx, contactID, topicID int64) (*time.Time, error) {
	var at time.Time
	err := tx.NewRaw("SELECT since FROM contact_topics WHERE topic_id = ? AND contact_id = ? AND status = 'left'",
		topicID, contactID).Scan(ctx, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // they have not left it
	}
	return &at, db.Err(err)
}

// setMany leaves pairs out whose topic is gone by now.
func setMany(ctx context.Context, tx bun.Tx, pairs []Pair, status Status,
	source consent.Source,
) (changed []int64, err error) {
	contacts, topics := make([]int64, len(pairs)), make([]int64, len(pairs))
	for i, p := range pairs {
		contacts[i], topics[i] = p.ContactID, p.TopicID
	}
	if err := hold(ctx, tx, topics); err != nil {
		return nil, err
	}
	err = tx.NewRaw(`
		WITH written AS (
			INSERT INTO contact_topics AS ct (topic_id, contact_id, status, source, since)
			SELECT DISTINCT tp.id, u.contact_id, ?, ?, (SELECT clock_timestamp()) FROM unnest(?::bigint[], ?::bigint[]) u (contact_id, topic_id)
				JOIN topics tp ON tp.id = u.topic_id
			ON CONFLICT (topic_id, contact_id) DO UPDATE SET `+anew+`, left_at = NULL, left_source = NULL
				WHERE ct.status = 'subscribed' AND excluded.status = 'left' OR ct.left_at IS NULL AND `+confirmed+`
			RETURNING contact_id)
		SELECT DISTINCT contact_id FROM written ORDER BY 1`, status, source, pgdialect.Array(contacts),
		pgdialect.Array(topics)).Scan(ctx, &changed)
	return changed, db.Err(err)
}

func carry(ctx context.Context, tx bun.Tx, keep, gone int64) error {
	if err := holdThoseOf(ctx, tx, []int64{keep, gone}); err != nil {
		return err
	}
	_, err := tx.NewRaw(`INSERT INTO contact_topics AS ct (topic_id, contact_id, status, source, since, said_to, left_at, left_source)
		SELECT topic_id, ?0, status, source, since, said_to, left_at, left_source FROM contact_topics WHERE contact_id = ?1
		ON CONFLICT (topic_id, contact_id) DO UPDATE SET `+anew+`, left_at = NULL, left_source = NULL
			WHERE excluded.status = 'left' AND (ct.status = 'subscribed' OR ct.since < excluded.since) OR ct.left_at IS NULL AND `+confirmed,
		keep, gone).Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	return forget(ctx, tx, []int64{gone})
}

func forget(ctx context.Context, tx bun.Tx, contactIDs []int64) error {
	if err := holdThoseOf(ctx, tx, contactIDs); err != nil {
		return err
	}
	_, err := tx.NewRaw("DELETE FROM contact_topics WHERE contact_id = ANY (?)", pgdialect.Array(contactIDs)).Exec(ctx)
	return db.Err(err)
}

// peopleOfSandbox are those whose subscriptions leaveSandbox ends.
func peopleOfSandbox(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw("SELECT DISTINCT contact_id FROM contact_topics ct WHERE "+saidToSandbox).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func ofSandbox(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM contact_topics ct WHERE "+saidToSandbox).Scan(ctx, &n)
	return n, db.Err(err)
}

func leaveSandbox(ctx context.Context, tx bun.Tx) (ended int64, err error) {
	_, err = tx.NewRaw(`SELECT id FROM topics WHERE id IN (SELECT topic_id FROM contact_topics ct WHERE ` + saidToSandbox + `)
		ORDER BY id FOR KEY SHARE`).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	for _, end := range []string{
		`UPDATE contact_topics ct SET status = 'left', source = left_source, since = left_at, said_to = NULL, left_at = NULL,
			left_source = NULL WHERE left_at IS NOT NULL AND ` + saidToSandbox,
		"DELETE FROM contact_topics ct WHERE " + saidToSandbox,
	} {
		res, err := tx.NewRaw(end).Exec(ctx)
		if err != nil {
			return 0, db.Err(err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		ended += n
	}
	return ended, nil
}
