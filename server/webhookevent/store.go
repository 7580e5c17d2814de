package webhookevent

import (
	"context"

	"eventstream/server/db"
	"eventstream/server/jobs"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const inboundLock = 7_239_003

// insert writes events that are new and reports how many those were.
func insert(ctx context.Context, tx bun.Tx, events []*Event) (int64, error) {
	n := len(events)
	kinds, sids, keys, params, headers := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	ids := make([]int64, n)
	for i, e := range events {
		kinds[i], sids[i], keys[i], ids[i] = string(e.Kind), e.SID, e.DedupeKey, e.MessageID
		params[i], headers[i] = rawJSON(e.Params), rawJSON(e.Headers)
	}
	res, err := tx.NewRaw(`
		INSERT INTO webhook_events (kind, sid, dedupe_key, message_id, params, headers, signature_valid)
		SELECT kind, sid, dedupe_key, message_id, params::jsonb, headers::jsonb, true
		FROM unnest(?::text[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::text[]) AS u (kind, sid, dedupe_key, message_id, params, headers)
		ORDER BY dedupe_key ON CONFLICT (dedupe_key) DO NOTHING`,
		pgdialect.Array(kinds), pgdialect.Array(sids), pgdialect.Array(keys), pgdialect.Array(ids), pgdialect.Array(params), pgdialect.Array(headers)).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	return res.RowsAffected()
}

func lockInbound(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", inboundLock).Exec(ctx)
	return db.Err(err)
}

func waitingEvents(ctx context.Context, tx bun.Tx, kind Kind, limit int64) (rows []*Event, err error) {
	err = tx.NewSelect().Model(&rows).Where("we.kind = ? AND we.applied_at IS NULL", kind).Order("we.id").Limit(limit).For("UPDATE SKIP LOCKED").Scan(ctx)
	return rows, db.Err(err)
}

func markApplied(ctx context.Context, tx bun.Tx, events []*Event) error {
	ids, errs := make([]int64, len(events)), make([]string, len(events))
	for i, e := range events {
		ids[i], errs[i] = e.ID, e.Error
	}
	_, err := tx.NewRaw("UPDATE webhook_events e SET applied_at = clock_timestamp(), error = u.error FROM unnest(?::bigint[], ?::text[]) AS u (id, error) WHERE e.id = u.id",
		pgdialect.Array(ids), pgdialect.Array(errs)).Exec(ctx)
	return db.Err(err)
}

// forgotten reports whether events wait longer than any job would let them.
func forgotten(ctx context.Context, tx bun.Tx) (left bool, err error) {
	err = tx.NewRaw("SELECT EXISTS (SELECT 1 FROM webhook_events WHERE applied_at IS NULL AND received_at < now() - interval '2 seconds')").Scan(ctx, &left)
	return left, db.Err(err)
}

func unmark(ctx context.Context, tx bun.Tx, id int64) (*Event, error) {
	e := new(Event)
	err := tx.NewRaw("UPDATE webhook_events SET applied_at = NULL, error = '' WHERE id = ? RETURNING *", id).Scan(ctx, e)
	return e, db.Err(err)
}

// Filter narrows a list of events.
type Filter struct {
	Kind     *Kind
	SID      string
	MatchKey string // of the contact it is about
	Waiting  bool   // not applied yet
	Failed   bool   // had no effect, for a reason
}

// List gives a page, newest first.
func (a *Applier) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Event], error) {
	var rows []*Event
	q := a.db.NewSelect().Model(&rows)
	if f.Kind != nil {
		q = q.Where("we.kind = ?", *f.Kind)
	}
	if f.SID != "" {
		q = q.Where("we.sid = ?", f.SID)
	}
	if f.MatchKey != "" {
		q = q.Where("we.sid IN (SELECT m.sid FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE c.match_key = ? AND m.sid IS NOT NULL)", f.MatchKey)
	}
	if f.Waiting {
		q = q.Where("we.applied_at IS NULL")
	}
	if f.Failed {
		q = q.Where("we.error <> ''")
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

// applyWaiting reports whether at least n jobs wait that will apply events.
func applyWaiting(ctx context.Context, idb bun.IDB, n int) (bool, error) {
	var found int
	err := idb.NewRaw("SELECT count(*) FROM (SELECT 1 FROM river_job WHERE state = 'available' AND queue = ? LIMIT ?) x", jobs.QueueWebhooks, n).Scan(ctx, &found)
	return found >= n, db.Err(err)
}
