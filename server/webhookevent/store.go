package webhookevent

import (
	"context"
	"slices"
	"strconv"
	"time"

	"eventstream/server/db"
	"eventstream/server/jobs"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Advisory locks: one look at receipts that nobody applied, and the class of
// those of single contacts.
const (
	statusLock  = 7_239_003
	contactLock = 7_239_004
)

// insert writes events that are new, in one statement, and gives those. Ids and
// times go by the order of events, as they arrived; rows are written in order of
// their keys, so that two groups with the same events never wait for each other
// in a circle. Events whose signature had come with other parameters before are
// marked as misused, and told of.
func insert(ctx context.Context, idb bun.IDB, events []*Event) ([]*Event, error) {
	return insertWithin(ctx, idb, around{before: func(*db.Pipeline) {}, after: func(*db.Pipeline) {}}, events, false)
}

// around are statements that go in the same round trip as the insert.
type around struct{ before, after func(*db.Pipeline) }

// insertWithin is insert, with what is around it. With applied, receipts are
// marked as applied at once: the caller does that in the same transaction.
func insertWithin(ctx context.Context, idb bun.IDB, o around, events []*Event, applied bool) ([]*Event, error) {
	n := len(events)
	if n == 0 {
		return nil, nil
	}
	kinds, sids, keys, sources, of := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	params, headers, contacts := make([]string, n), make([]string, n), make([]string, n)
	ids, signed, urgent := make([]int64, n), make([]bool, n), make([]bool, n)
	arrived, happened := make([]string, n), make([]string, n)
	signatures, contents := make([]string, n), make([]int64, n)
	type name struct{ key, signature string }
	byName := make(map[name]*Event, n)
	for i, e := range events {
		e.misused = false
		kinds[i], sids[i], keys[i], sources[i], ids[i] = string(e.Kind), e.SID, e.DedupeKey, string(e.Source), e.MessageID
		of[i] = string(e.Provider)
		params[i], headers[i] = rawJSON(e.Params), rawJSON(e.Headers)
		contacts[i], signed[i], urgent[i] = e.ContactKey, e.SignatureValid, e.Urgent
		arrived[i], happened[i] = timestamp(e.ArrivedAt), timestamp(e.HappenedAt)
		signatures[i], contents[i] = e.SignatureKey, e.ContentKey
		if called := (name{e.DedupeKey, e.SignatureKey}); byName[called] == nil {
			byName[called] = e
		}
	}
	fresh, stored, p := make([]*Event, 0, n), make(map[*Event]bool, n), new(db.Pipeline)
	o.before(p)
	p.Query(func(row db.Row) error {
		var id int64
		var called name
		var at time.Time
		if err := row.Scan(&id, &called.key, &called.signature, &at); err != nil {
			return err
		}
		e := byName[called]
		e.ID, e.ReceivedAt = id, at
		fresh, stored[e] = append(fresh, e), true
		return nil
	}, `
		INSERT INTO webhook_events (id, kind, sid, dedupe_key, message_id, params, headers, signature_valid, source, contact_key,
			urgent, arrived_at, happened_at, received_at, applied_at, provider, signature_key, content_key)
		OVERRIDING SYSTEM VALUE
		SELECT id, kind, sid, dedupe_key, message_id, params::jsonb, headers::jsonb, signed, source, contact_key, urgent,
			nullif(arrived, '')::timestamptz, nullif(happened, '')::timestamptz, recorded,
			CASE WHEN kind = 'status' AND $1::bool THEN recorded END, nullif(provider, ''), signature, CASE WHEN signature IS NOT NULL THEN content END
		FROM (SELECT nextval('webhook_events_id_seq') AS id, clock_timestamp() AS recorded, u.*,
				nullif(u.signed_by, '')::uuid AS signature
			FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bool[], $9::text[], $10::text[], $11::bool[],
				$12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[]) WITH ORDINALITY
				AS u (kind, sid, dedupe_key, message_id, params, headers, signed, source, contact_key, urgent, arrived, happened,
					signed_by, content, provider, place)
			ORDER BY place OFFSET 0) x
		WHERE NOT EXISTS (SELECT 1 FROM webhook_signatures s WHERE s.signature_key = x.signature)
		ORDER BY dedupe_key, place ON CONFLICT DO NOTHING
		RETURNING id, dedupe_key, coalesce(replace(signature_key::text, '-', ''), ''), received_at`, applied, kinds, sids, keys, ids, params, headers, signed, sources, contacts, urgent,
		arrived, happened, signatures, contents, of)
	o.after(p)
	if err := p.Send(ctx, idb); err != nil {
		return nil, err
	}
	if len(fresh) == n {
		return fresh, nil
	}
	if err := repeated(ctx, idb, slices.DeleteFunc(slices.Clone(events), func(e *Event) bool { return stored[e] })); err != nil {
		return nil, err
	}
	p = new(db.Pipeline)
	o.after(p) // once more, behind what is noted of those
	return fresh, p.Send(ctx, idb)
}

// repeated looks after events that were not stored. One that brings something known under a signature of its own has
// that kept as well, so that no other request is made of it. One whose signature stands for another request is marked
// as misused, and a row without its parameters, which may be somebody's who was erased, tells of it: one for each
// signature, however often that is tried.
func repeated(ctx context.Context, idb bun.IDB, events []*Event) error {
	var signatures, keys []string
	var contents []int64
	for _, e := range events {
		if e.SignatureKey != "" {
			signatures, keys = append(signatures, e.SignatureKey), append(keys, e.DedupeKey)
			contents = append(contents, e.ContentKey)
		}
	}
	if len(signatures) == 0 {
		return nil
	}
	_, err := idb.NewRaw(`
		INSERT INTO webhook_signatures (signature_key, content_key, event_id)
		SELECT DISTINCT ON (u.signature) u.signature, u.content, k.id
		FROM unnest(?::uuid[], ?::text[], ?::bigint[]) WITH ORDINALITY AS u (signature, key, content, place)
		JOIN webhook_events k ON k.dedupe_key = u.key
		WHERE NOT EXISTS (SELECT 1 FROM webhook_events e WHERE e.signature_key = u.signature)
		ORDER BY u.signature, u.place ON CONFLICT DO NOTHING`,
		pgdialect.Array(signatures), pgdialect.Array(keys), pgdialect.Array(contents)).Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	var known []struct {
		Signature string
		Content   int64
	}
	err = idb.NewRaw(`
		SELECT replace(signature_key::text, '-', '') AS signature, content_key AS content FROM webhook_events
		WHERE signature_key = ANY (?0::uuid[])
		UNION ALL
		SELECT replace(signature_key::text, '-', ''), content_key FROM webhook_signatures
		WHERE signature_key = ANY (?0::uuid[])`,
		pgdialect.Array(signatures)).Scan(ctx, &known)
	if err != nil {
		return db.Err(err)
	}
	stands := make(map[string]int64, len(known))
	for _, k := range known {
		stands[k.Signature] = k.Content
	}
	var misused []string
	for _, e := range events {
		if content, ok := stands[e.SignatureKey]; ok && content != e.ContentKey {
			e.misused = true
			misused = append(misused, e.SignatureKey)
		}
	}
	if len(misused) == 0 {
		return nil
	}
	_, err = idb.NewRaw(`
		INSERT INTO webhook_events (kind, sid, dedupe_key, params, signature_valid, source, applied_at, error)
		SELECT e.kind, e.sid, 'misused:' || u.signature, '{}', false, 'live', clock_timestamp(),
			'refused: the signature of event ' || e.id || ' came again with other parameters'
		FROM unnest(?::uuid[]) AS u (signature)
		JOIN webhook_events e ON e.id = coalesce(
			(SELECT event_id FROM webhook_signatures s WHERE s.signature_key = u.signature),
			(SELECT id FROM webhook_events o WHERE o.signature_key = u.signature))
		ORDER BY u.signature ON CONFLICT DO NOTHING`, pgdialect.Array(misused)).Exec(ctx)
	return db.Err(err)
}

func timestamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// ready holds for events that wait and may be tried now: not parked, or due
// again, and not behind a parked one of the same contact.
const ready = `we.applied_at IS NULL AND (we.next_attempt_at IS NULL OR we.next_attempt_at <= now())
	AND (we.urgent OR we.contact_key = '' OR NOT EXISTS (SELECT 1 FROM webhook_events p
		WHERE p.contact_key = we.contact_key AND p.id < we.id AND p.applied_at IS NULL AND p.next_attempt_at > now()))`

// lockContactKey lets one transaction at a time apply what a contact wrote.
func lockContactKey(ctx context.Context, tx bun.Tx, key string) error {
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?, hashtext(?))", contactLock, key).Exec(ctx)
	return db.Err(err)
}

// inboundQueues gives what waits of contacts, by contact, those first that have
// waited longest.
func inboundQueues(ctx context.Context, idb bun.IDB, limit int) (queues []queue, err error) {
	err = idb.NewRaw(`
		SELECT contact_key, array_agg(id ORDER BY id) AS ids
		FROM (SELECT we.contact_key, we.id FROM webhook_events we WHERE we.kind = 'inbound' AND `+ready+` ORDER BY we.id LIMIT ?) x
		GROUP BY 1 ORDER BY min(id)`, limit).Scan(ctx, &queues)
	return queues, db.Err(err)
}

// optOutQueues gives all that waits of contacts that opt out, as inboundQueues does:
// with what they wrote before, so that it stays in order.
func optOutQueues(ctx context.Context, idb bun.IDB, limit int) (queues []queue, err error) {
	err = idb.NewRaw(`
		SELECT x.contact_key, array_agg(we.id ORDER BY we.id) AS ids
		FROM (SELECT contact_key, min(id) AS first FROM (
				SELECT contact_key, id FROM webhook_events we WHERE we.kind = 'inbound' AND we.urgent AND `+ready+`
				ORDER BY we.id LIMIT ?) o GROUP BY 1) x
			JOIN webhook_events we ON we.contact_key = x.contact_key AND we.kind = 'inbound' AND `+ready+`
		GROUP BY x.contact_key, x.first ORDER BY x.first`, limit).Scan(ctx, &queues)
	return queues, db.Err(err)
}

// inboundToTry locks those of these events that may be tried, in order.
func inboundToTry(ctx context.Context, tx bun.Tx, ids []int64) (rows []*Event, err error) {
	err = tx.NewSelect().Model(&rows).Where("we.id = ANY (?)", pgdialect.Array(ids)).Where(ready).Order("we.id").For("UPDATE OF we").Scan(ctx)
	return rows, db.Err(err)
}

// lockStatuses reports whether the caller alone looks for receipts that nobody
// applied.
func lockStatuses(ctx context.Context, tx bun.Tx) (mine bool, err error) {
	err = tx.NewRaw("SELECT pg_try_advisory_xact_lock(?)", statusLock).Scan(ctx, &mine)
	return mine, db.Err(err)
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Event, err error) {
	err = idb.NewSelect().Model(&rows).Where("we.id = ANY (?)", pgdialect.Array(ids)).Order("we.id").Scan(ctx)
	return rows, db.Err(err)
}

func statusesToTry(ctx context.Context, tx bun.Tx, limit int64) (rows []*Event, err error) {
	err = tx.NewSelect().Model(&rows).Where("we.kind = 'status'").Where(ready).Order("we.id").Limit(limit).Scan(ctx)
	return rows, db.Err(err)
}

// markApplied notes that events were applied, and why some had no effect. It
// comes last in a transaction: events are locked after what they change.
func markApplied(ctx context.Context, tx bun.Tx, events []*Event) error {
	ids, errs, notices := make([]int64, len(events)), make([]string, len(events)), make([]string, len(events))
	for i, e := range events {
		ids[i], errs[i], notices[i] = e.ID, e.Error, e.Notice
	}
	_, err := tx.NewRaw(`
		UPDATE webhook_events e SET applied_at = clock_timestamp(), next_attempt_at = NULL, error = u.error, notice = u.notice
		FROM unnest(?::bigint[], ?::text[], ?::text[]) AS u (id, error, notice) WHERE e.id = u.id AND e.applied_at IS NULL`,
		pgdialect.Array(ids), pgdialect.Array(errs), pgdialect.Array(notices)).Exec(ctx)
	return db.Err(err)
}

// markProblems notes why some of the events that are marked as applied had no
// effect.
func markProblems(ctx context.Context, tx bun.Tx, events []*Event) error {
	var ids []int64
	var errs []string
	for _, e := range events {
		if e.Error != "" {
			ids, errs = append(ids, e.ID), append(errs, e.Error)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.NewRaw("UPDATE webhook_events e SET error = u.error FROM unnest(?::bigint[], ?::text[]) AS u (id, error) WHERE e.id = u.id",
		pgdialect.Array(ids), pgdialect.Array(errs)).Exec(ctx)
	return db.Err(err)
}

// limitLocks keeps the transaction's statements from waiting long for others.
func limitLocks(p *db.Pipeline, limit time.Duration) {
	p.Exec("SELECT set_config('lock_timeout', $1, true)", strconv.FormatInt(limit.Milliseconds(), 10))
}

func park(ctx context.Context, idb bun.IDB, id int64, why string, wait time.Duration) error {
	_, err := idb.NewRaw(`
		UPDATE webhook_events SET attempts = attempts + 1, error = left(?, 1000),
			next_attempt_at = clock_timestamp() + make_interval(secs => ?) WHERE id = ? AND applied_at IS NULL`,
		why, wait.Seconds(), id).Exec(ctx)
	return db.Err(err)
}

// forgotten reports whether events wait that should have been applied by now, and no
// job waits that will look at them.
func forgotten(ctx context.Context, tx bun.Tx) (left bool, err error) {
	err = tx.NewRaw("SELECT EXISTS (SELECT 1 FROM webhook_events we WHERE "+ready+" AND we.received_at < now() - interval '2 seconds')"+
		" AND NOT EXISTS (SELECT 1 FROM river_job WHERE state = 'available' AND queue = ? AND kind = ?)", jobs.QueueWebhooks, ApplyArgs{}.Kind()).
		Scan(ctx, &left)
	return left, db.Err(err)
}

func unmark(ctx context.Context, tx bun.Tx, id int64) (*Event, error) {
	e := new(Event)
	err := tx.NewRaw("UPDATE webhook_events SET applied_at = NULL, next_attempt_at = NULL, error = '' WHERE id = ? RETURNING *", id).Scan(ctx, e)
	return e, db.Err(err)
}

// Filter narrows a list of events.
type Filter struct {
	Kind     *Kind
	SID      string
	MatchKey string // of the contact it is about
	Waiting  bool   // not applied yet
	Failed   bool   // had no effect, for a reason
	Parked   bool   // could not be applied, and is tried again later
	Flagged  bool   // was applied, and has a notice
}

// List gives a page, newest first.
func (a *Applier) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Event], error) {
	var rows []*Event
	q := a.DB.NewSelect().Model(&rows)
	if f.Kind != nil {
		q = q.Where("we.kind = ?", *f.Kind)
	}
	if f.SID != "" {
		q = q.Where("we.sid = ?", f.SID)
	}
	if f.MatchKey != "" {
		q = q.Where(`we.sid IN (SELECT m.sid FROM messages m JOIN contact_addresses c ON c.contact_id = m.contact_id
			WHERE c.match_key = ? AND m.sid IS NOT NULL)`, f.MatchKey)
	}
	if f.Waiting {
		q = q.Where("we.applied_at IS NULL")
	}
	if f.Failed {
		q = q.Where("we.error <> ''")
	}
	if f.Parked {
		q = q.Where("we.applied_at IS NULL AND we.next_attempt_at IS NOT NULL")
	}
	if f.Flagged {
		q = q.Where("we.notice <> ''")
	}
	q, err := p.Apply(q, "we", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Event]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Event]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}
