package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insertEvents(ctx context.Context, tx bun.Tx, events []*Event) error {
	_, err := tx.NewInsert().Model(&events).Value("provider", "provider_now()").Returning("id").Exec(ctx)
	return db.Err(err)
}

// insertMany writes events by the thousand: arrays are read far faster than a
// statement with a value list for each row.
func insertMany(ctx context.Context, tx bun.Tx, events []*Event) error {
	n := len(events)
	ids, hashes := make([]int64, n), make([][]byte, n)
	status, purpose, source, evidence, at := make([]string, n), make([]string, n), make([]string, n), make([]string, n),
		make([]string, n)
	late := make([]bool, n)
	for i, e := range events {
		raw, err := json.Marshal(e.Evidence)
		if err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
		ids[i], hashes[i], status[i], purpose[i], source[i], evidence[i] = e.ContactID, e.AddressHash, string(e.Status),
			string(e.Purpose), string(e.Source), string(raw)
		late[i] = e.Late
		at[i] = e.OccurredAt.UTC().Format(time.RFC3339Nano)
	}
	var made []int64
	err := tx.NewRaw(`
		INSERT INTO consent_events (contact_id, address_hash, status, purpose, source, evidence, operator_id, occurred_at,
			late, provider)
		SELECT id, hash, status, purpose, source, evidence::jsonb, ?, at::timestamptz, late, (SELECT provider_now())
		FROM unnest(?::bigint[], ?::bytea[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bool[])
			WITH ORDINALITY AS u (id, hash, status, purpose, source, evidence, at, late, n) ORDER BY n
		RETURNING id`,
		events[0].OperatorID, pgdialect.Array(ids), pgdialect.Array(hashes), pgdialect.Array(status),
		pgdialect.Array(purpose), pgdialect.Array(source), pgdialect.Array(evidence), pgdialect.Array(at),
		pgdialect.Array(late)).Scan(ctx, &made)
	for i := range min(n, len(made)) { // numbers are drawn in the order of the arrays
		events[i].ID = made[i]
	}
	return db.Err(err)
}

// decisions gives the latest of each kind that the ledger has of contacts about
// marketing, with what was decided as one that was merged into them.
func decisions(ctx context.Context, tx bun.Tx, ids ...int64) (map[int64][]Decision, error) {
	var rows []*struct {
		ContactID int64
		Decision  `bun:",extend"`
	}
	err := tx.NewRaw(`SELECT DISTINCT ON (p.id, status, late)
			p.id AS contact_id, purpose, status, late, occurred_at AS at, consent_events.id AS seq
		FROM unnest(?::bigint[]) p (id)
			CROSS JOIN LATERAL (SELECT p.id UNION ALL SELECT c.id FROM contacts c WHERE c.merged_into = p.id) family (member)
			JOIN consent_events ON consent_events.contact_id = family.member
		WHERE status IN ('opted_in', 'opted_out') AND purpose = 'marketing' AND `+counts+`
		ORDER BY p.id, status, late, occurred_at DESC, consent_events.id DESC`, pgdialect.Array(ids)).Scan(ctx, &rows)
	latest := make(map[int64][]Decision, len(ids))
	for _, r := range rows {
		latest[r.ContactID] = append(latest[r.ContactID], r.Decision)
	}
	return latest, db.Err(err)
}

// RequestStatus is where a consent stands that its person has to confirm: package
// doubleoptin.
type RequestStatus string

// How a request ends.
const (
	RequestConfirmed RequestStatus = "confirmed"
	RequestDeclined  RequestStatus = "declined"
	RequestCanceled  RequestStatus = "canceled"
)

// EndRequests ends what waits for the confirmation of these contacts (package doubleoptin).
// What was recorded stays only with a yes. It belongs to the ledger, because whatever the
// person decides in another way answers the question, too. The caller has locked the
// contacts.
func EndRequests(ctx context.Context, tx bun.Tx, contactIDs []int64, as RequestStatus) error {
	_, err := tx.NewRaw(`
		WITH ended AS (UPDATE opt_in_requests SET status = ?1, ended_at = clock_timestamp(),
				evidence = CASE WHEN ?1 = 'confirmed' THEN evidence ELSE '{}' END
			WHERE contact_id = ANY (?0) AND status IN ('waiting', 'asked') RETURNING contact_id)
		UPDATE contacts c SET opt_in_request_at = NULL, updated_at = now() FROM ended WHERE c.id = ended.contact_id`,
		pgdialect.Array(contactIDs), as).Exec(ctx)
	return db.Err(err)
}

// ownOptIn reports whether a contact, or one that was merged into it, wrote START at that time or later.
func ownOptIn(ctx context.Context, tx bun.Tx, contactID int64, at time.Time) (own bool, err error) {
	err = tx.NewRaw(`SELECT EXISTS (SELECT 1 FROM consent_events WHERE status = 'opted_in' AND source = 'keyword' AND occurred_at >= ?1
		AND `+contact.Family+`)`, contactID, at).Scan(ctx, &own)
	return own, db.Err(err)
}

// eventsOfContacts gives the same page of each contact's ledger, with what was recorded
// of contacts that were merged into it.
func eventsOfContacts(ctx context.Context, idb bun.IDB, p db.Page, ids []int64) (map[int64]db.Slice[*Event], error) {
	each := withProvider(idb.NewSelect().Model((*Event)(nil))).
		Where("(ce.contact_id = parent.id OR ce.contact_id IN (SELECT id FROM contacts WHERE merged_into = parent.id))")
	each, err := p.Apply(each, "ce", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return nil, err
	}
	type ofParent struct {
		ParentID int64
		Event
	}
	var rows []*ofParent
	err = idb.NewRaw(`SELECT parent.id AS parent_id, ce.* FROM unnest(?::bigint[]) AS parent (id)
		CROSS JOIN LATERAL (?) ce ORDER BY ce.id DESC`, pgdialect.Array(ids), each).Scan(ctx, &rows)
	out := map[int64]db.Slice[*Event]{}
	for id, s := range db.CutEach(p, rows, func(r *ofParent) int64 { return r.ParentID }) {
		list := db.Slice[*Event]{HasNext: s.HasNext, HasPrior: s.HasPrior}
		for _, r := range s.Items {
			list.Items = append(list.Items, &r.Event)
		}
		out[id] = list
	}
	return out, db.Err(err)
}

func events(ctx context.Context, idb bun.IDB, f EventFilter, p db.Page) (db.Slice[*Event], error) {
	var rows []*Event
	q := withProvider(idb.NewSelect().Model(&rows))
	if f.ContactID != nil {
		q = q.Where(contact.Family, *f.ContactID)
	}
	if f.Purpose != nil {
		q = q.Where("ce.purpose = ?", *f.Purpose)
	}
	if f.Status != nil {
		q = q.Where("ce.status = ?", *f.Status)
	}
	if f.Source != nil {
		q = q.Where("ce.source = ?", *f.Source)
	}
	q, err := p.Apply(q, "ce", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Event]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Event]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

const sandboxPeople = `SELECT DISTINCT coalesce(c.merged_into, c.id) FROM consent_events JOIN contacts c ON c.id = consent_events.contact_id
	WHERE ` + ofSandbox + ` AND (c.erased_at IS NULL OR c.merged_into IS NOT NULL)`

func saidToSandbox(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM ("+sandboxPeople+") x").Scan(ctx, &n)
	return n, db.Err(err)
}

func peopleOfSandbox(ctx context.Context, tx bun.Tx) (ids []int64, err error) {
	err = tx.NewRaw(sandboxPeople).Scan(ctx, &ids)
	return ids, db.Err(err)
}

func lockThoseOfSandbox(ctx context.Context, tx bun.Tx) (rows []*contact.Contact, err error) {
	err = tx.NewSelect().Model(&rows).Where("c.id IN (" + sandboxPeople + ")").Order("c.id").For("NO KEY UPDATE").Scan(ctx)
	return rows, db.Err(err)
}
