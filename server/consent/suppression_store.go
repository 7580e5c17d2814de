package consent

import (
	"context"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// inForce is the condition of a suppression that has not ended, and strongest the order in
// which several of one address are told: an erasure first, then the one that lasts longest.
const (
	inForce   = "(su.until IS NULL OR su.until > now())"
	strongest = "su.reason <> 'erased', su.until DESC NULLS FIRST, su.id"
)

// spelled is an address as it would be hashed now, and by all keys that there were.
type spelled struct {
	now []byte
	all [][]byte
}

// because is a reason for which a spelled address is suppressed, and until when; nil: for ever.
type because struct {
	spelled
	reason SuppressionReason
	until  *time.Time
}

// standing gives each address the hash by which it is suppressed already, else the one of now: all
// reasons of an address have one hash, and no reason is there twice.
func standing(ctx context.Context, tx bun.Tx, list []because) ([][]byte, error) {
	hashes, earlier := make([][]byte, len(list)), [][]byte(nil)
	of := map[string][]int{}
	for i, b := range list {
		hashes[i] = b.now
		for _, h := range b.all {
			if len(b.all) > 1 {
				earlier = append(earlier, h)
				of[string(h)] = append(of[string(h)], i)
			}
		}
	}
	if len(earlier) == 0 {
		return hashes, nil
	}
	var there []struct {
		AddressHash []byte
		Reason      SuppressionReason
	}
	err := tx.NewRaw("SELECT address_hash, reason FROM suppressed_addresses WHERE address_hash = ANY (?) ORDER BY id",
		pgdialect.Array(earlier)).Scan(ctx, &there)
	same := map[int]bool{} // the hash has this reason; two processes may have hashed by different keys for a moment
	for _, row := range there {
		for _, i := range of[string(row.AddressHash)] {
			if equal := row.Reason == list[i].reason; equal || !same[i] {
				hashes[i], same[i] = row.AddressHash, equal
			}
		}
	}
	return hashes, db.Err(err)
}

// suppressAll writes reasons for addresses in one statement, in order of hash, so that two who
// write the same ones never wait for each other, and gives the places of those for which that changes
// something. Of two ends the later one holds; what has ended begins anew.
func suppressAll(ctx context.Context, tx bun.Tx, list []because) (changed []int, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	hashes, err := standing(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	type named struct {
		hash   string
		reason SuppressionReason
	}
	reasons, ends, of := make([]string, len(list)), make([]*string, len(list)), make(map[named]int, len(list))
	for i, b := range list {
		reasons[i] = string(b.reason)
		of[named{string(hashes[i]), b.reason}] = i
		if b.until != nil {
			text := b.until.UTC().Format(time.RFC3339Nano)
			ends[i] = &text
		}
	}
	var written []struct {
		AddressHash []byte
		Reason      SuppressionReason
	}
	err = tx.NewRaw(`
		INSERT INTO suppressed_addresses AS su (address_hash, reason, until)
		SELECT DISTINCT ON (h, reason) h, reason, until::timestamptz
		FROM unnest(?::bytea[], ?::text[], ?::text[]) u (h, reason, until)
		ORDER BY h, reason, until::timestamptz DESC NULLS FIRST
		ON CONFLICT (address_hash, reason) DO UPDATE SET until = excluded.until,
			created_at = CASE WHEN `+inForce+` THEN su.created_at ELSE now() END
		WHERE su.until < coalesce(excluded.until, 'infinity')
		RETURNING address_hash, reason`, pgdialect.Array(hashes), pgdialect.Array(reasons), pgdialect.Array(ends)).Scan(ctx, &written)
	for _, row := range written {
		changed = append(changed, of[named{string(row.AddressHash), row.Reason}])
	}
	return changed, db.Err(err)
}

// optOut suppresses addresses that opted out.
func optOut(ctx context.Context, tx bun.Tx, addresses []spelled) error {
	list := make([]because, len(addresses))
	for i, a := range addresses {
		list[i] = because{spelled: a, reason: SuppressedOptedOut}
	}
	_, err := suppressAll(ctx, tx, list)
	return err
}

// deleteSuppressions lifts these reasons of addresses, and no other.
func deleteSuppressions(ctx context.Context, tx bun.Tx, hashes [][]byte, reasons ...SuppressionReason) error {
	if len(hashes) == 0 {
		return nil
	}
	_, err := tx.NewRaw("DELETE FROM suppressed_addresses WHERE address_hash = ANY (?) AND reason = ANY (?)", pgdialect.Array(hashes),
		pgdialect.Array(reasons)).Exec(ctx)
	return db.Err(err)
}

// suppressions are those in force of hashes, the strongest first.
func suppressions(ctx context.Context, idb bun.IDB, hashes [][]byte) (rows []*Suppression, err error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	// One after the other: Postgres reads the whole table for = ANY while that is not analyzed yet.
	err = idb.NewSelect().Model(&rows).ModelTableExpr(`(SELECT DISTINCT unnest(?::bytea[]) AS hash) u
		CROSS JOIN LATERAL (SELECT * FROM suppressed_addresses WHERE address_hash = u.hash OFFSET 0) AS su`, pgdialect.Array(hashes)).
		Where(inForce).OrderExpr(strongest).Scan(ctx)
	return rows, db.Err(err)
}

// beside are the suppressions in force of the same addresses, by id, the strongest first.
func beside(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]*Suppression, error) {
	var rows []struct {
		Of int64
		Suppression
	}
	err := idb.NewRaw(`SELECT s.id AS of, su.* FROM suppressed_addresses s JOIN suppressed_addresses su ON su.address_hash = s.address_hash
		WHERE s.id = ANY (?) AND su.id <> s.id AND `+inForce+" ORDER BY "+strongest, pgdialect.Array(ids)).Scan(ctx, &rows)
	of := make(map[int64][]*Suppression, len(ids))
	for _, id := range ids {
		of[id] = nil
	}
	for i := range rows {
		of[rows[i].Of] = append(of[rows[i].Of], &rows[i].Suppression)
	}
	return of, db.Err(err)
}

func suppressionForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Suppression, error) {
	su := new(Suppression)
	err := db.Err(tx.NewSelect().Model(su).Where("su.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("suppression %v does not exist", id)
	}
	return su, err
}

func removeSuppression(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("DELETE FROM suppressed_addresses WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

// suppressionStretch are those in force behind an id, in order of id.
func suppressionStretch(ctx context.Context, idb bun.IDB, after, n int64) (rows []*Suppression, err error) {
	err = idb.NewSelect().Model(&rows).Where("su.id > ?", after).Where(inForce).Order("su.id").Limit(n).Scan(ctx)
	return rows, db.Err(err)
}

func suppressionList(ctx context.Context, idb bun.IDB, reason *SuppressionReason, hashes [][]byte,
	p db.Page,
) (db.Slice[*Suppression], error) {
	var rows []*Suppression
	q := idb.NewSelect().Model(&rows).Where(inForce)
	if reason != nil {
		q = q.Where("su.reason = ?", *reason)
	}
	if hashes != nil {
		q = q.Where("su.address_hash = ANY (?)", pgdialect.Array(hashes))
	}
	q, err := p.Apply(q, "su", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Suppression]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Suppression]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}
