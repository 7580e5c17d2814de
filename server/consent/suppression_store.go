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

// standing gives each address the hash by which it is suppressed already, else the one of now: all
// reasons of an address have one hash, and no reason is there twice.
func standing(ctx context.Context, tx bun.Tx, addresses []spelled, reason SuppressionReason) ([][]byte, error) {
	hashes, earlier := make([][]byte, len(addresses)), [][]byte(nil)
	at := map[string]int{}
	for i, a := range addresses {
		hashes[i] = a.now
		for _, h := range a.all {
			if len(a.all) > 1 {
				earlier = append(earlier, h)
				at[string(h)] = i
			}
		}
	}
	if len(earlier) == 0 {
		return hashes, nil
	}
	var there [][]byte // of an address that two processes hashed by different keys, the one with this reason is last
	err := tx.NewRaw("SELECT address_hash FROM suppressed_addresses WHERE address_hash = ANY (?) ORDER BY reason = ?, id",
		pgdialect.Array(earlier), reason).Scan(ctx, &there)
	for _, h := range there {
		hashes[at[string(h)]] = h
	}
	return hashes, db.Err(err)
}

// suppressMany writes a reason for addresses, in order of hash, and gives those for which that
// changes something. Of two ends the later one holds; what has ended begins anew.
func suppressMany(ctx context.Context, tx bun.Tx, hashes [][]byte, reason SuppressionReason, until []*time.Time,
) (written [][]byte, err error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	ends := make([]*string, len(hashes))
	for i, at := range until {
		if at != nil {
			text := at.UTC().Format(time.RFC3339Nano)
			ends[i] = &text
		}
	}
	err = tx.NewRaw(`
		INSERT INTO suppressed_addresses AS su (address_hash, reason, until)
		SELECT DISTINCT ON (h) h, ?1, until::timestamptz FROM unnest(?0::bytea[], ?2::text[]) u (h, until)
		ORDER BY h, until::timestamptz DESC NULLS FIRST
		ON CONFLICT (address_hash, reason) DO UPDATE SET until = excluded.until,
			created_at = CASE WHEN `+inForce+` THEN su.created_at ELSE now() END
		WHERE su.until < coalesce(excluded.until, 'infinity')
		RETURNING address_hash`, pgdialect.Array(hashes), reason, pgdialect.Array(ends)).Scan(ctx, &written)
	return written, db.Err(err)
}

// optOut suppresses addresses that opted out.
func optOut(ctx context.Context, tx bun.Tx, addresses []spelled) error {
	hashes, err := standing(ctx, tx, addresses, SuppressedOptedOut)
	if err != nil {
		return err
	}
	_, err = suppressMany(ctx, tx, hashes, SuppressedOptedOut, nil)
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
	err = idb.NewSelect().Model(&rows).Where("su.address_hash = ANY (?)", pgdialect.Array(hashes)).Where(inForce).
		OrderExpr(strongest).Scan(ctx)
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
		return nil, apperr.NotFound("suppression", id)
	}
	return su, err
}

func removeSuppression(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("DELETE FROM suppressed_addresses WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
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
