package contact

import (
	"context"
	"maps"
	"slices"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/pause"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// ErrMoved asks for another try: addresses changed hands while a lock was waited
// for. To lock the other contact now would go back in the order of locks.
var ErrMoved = apperr.New(apperr.CodeUnavailable, "the contact was merged meanwhile, try again")

// Patiently does again, so many times in all, what lost to another transaction: ErrMoved,
// a deadlock and the like.
func Patiently(ctx context.Context, tries int, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if try >= tries || !apperr.Is(err, apperr.CodeUnavailable) {
			return err
		}
		if err := pause.For(ctx, time.Duration(try)*10*time.Millisecond); err != nil {
			return err
		}
	}
}

// addressesOfEach are the addresses of contacts, found one contact after the other. With
// contact_id = ANY, Postgres reads the whole table for a batch while that was filled and not
// analyzed yet: it takes every contact for one of two hundred. See TestABatchReadsNoWholeTable.
const addressesOfEach = `(SELECT DISTINCT unnest(?::bigint[]) AS id) u
	CROSS JOIN LATERAL (SELECT * FROM contact_addresses WHERE contact_id = u.id OFFSET 0) AS a`

// AddressesOf gives all addresses of contacts, the preferred one first, then
// those seen last.
func AddressesOf(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]*Known, error) {
	var rows []*Known
	err := idb.NewSelect().Model(&rows).ModelTableExpr(addressesOfEach, pgdialect.Array(ids)).
		OrderExpr("a.contact_id, a.preferred DESC, a.last_seen_at DESC NULLS LAST, a.match_key").Scan(ctx)
	out := make(map[int64][]*Known, len(ids))
	for _, a := range rows {
		out[a.ContactID] = append(out[a.ContactID], a)
	}
	return out, db.Err(err)
}

// KeysOf gives the match keys of all addresses of contacts: opt-outs and
// suppressions of any of them hold for the person.
func KeysOf(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]string, error) {
	var rows []struct {
		ContactID int64
		MatchKey  string
	}
	err := idb.NewRaw("SELECT a.contact_id, a.match_key FROM "+addressesOfEach, pgdialect.Array(ids)).Scan(ctx, &rows)
	out := make(map[int64][]string, len(ids))
	for _, r := range rows {
		out[r.ContactID] = append(out[r.ContactID], r.MatchKey)
	}
	return out, db.Err(err)
}

// Family is true of the rows of a contact, the query's first argument, and of those who
// were merged into them.
const Family = "(contact_id = ?0 OR contact_id IN (SELECT id FROM contacts WHERE merged_into = ?0))"

// FamilyOf gives a contact and those that were merged into it.
func FamilyOf(ctx context.Context, idb bun.IDB, id int64) (ids []int64, err error) {
	err = idb.NewRaw("SELECT id FROM contacts WHERE id = ?0 OR merged_into = ?0 ORDER BY id", id).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// PersonOf finds who a contact is: one that was merged is who they were merged into.
func PersonOf(ctx context.Context, idb bun.IDB, id int64) (*Contact, error) {
	people, err := PeopleOf(ctx, idb, []int64{id})
	if err == nil && people[id] == nil {
		err = apperr.NotFound("contact %v does not exist", id)
	}
	return people[id], err
}

// KeysBeside gives a match key with those of all other addresses of its contact.
func KeysBeside(ctx context.Context, idb bun.IDB, key string) (keys []string, err error) {
	err = idb.NewRaw(`SELECT ?0 UNION SELECT o.match_key FROM contact_addresses a JOIN contact_addresses o ON o.contact_id = a.contact_id
		WHERE a.match_key = ?0`, key).Scan(ctx, &keys)
	return keys, db.Err(err)
}

// LockPeople locks contacts, and those whom they were merged into, in order of id.
// It tells for each who they are now.
func LockPeople(ctx context.Context, tx bun.Tx, ids []int64) (map[int64]int64, error) {
	before, err := personsOf(ctx, tx, ids, "")
	if err != nil || len(before) == 0 {
		return nil, err
	}
	now, err := personsOf(ctx, tx, slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Values(before)), inOrder)
	if err != nil {
		return nil, err
	}
	people := make(map[int64]int64, len(before))
	for id, person := range before {
		if people[id] = now[id]; now[id] != person {
			return nil, ErrMoved
		}
	}
	return people, nil
}

// PeopleOf finds many contacts in one query, by their ids: one that was merged is
// who they were merged into.
func PeopleOf(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]*Contact, error) {
	rows, err := ByIDs(ctx, idb, ids)
	if err != nil {
		return nil, err
	}
	people := make(map[int64]*Contact, len(rows))
	var persons []int64
	for _, c := range rows {
		people[c.ID] = c
		if c.MergedInto != nil {
			persons = append(persons, *c.MergedInto)
		}
	}
	if len(persons) == 0 {
		return people, nil
	}
	into, err := ByIDs(ctx, idb, persons)
	byID := make(map[int64]*Contact, len(into))
	for _, p := range into {
		byID[p.ID] = p
	}
	for _, c := range rows {
		if c.MergedInto != nil && byID[*c.MergedInto] != nil {
			people[c.ID] = byID[*c.MergedInto]
		}
	}
	return people, err
}

// OfMessage finds whom a message was written to, or who they are since they were merged; nil: nobody, or nobody any more.
func OfMessage(ctx context.Context, idb bun.IDB, messageID int64) (*Contact, error) {
	var rows []*Contact
	err := idb.NewSelect().Model(&rows).
		Join("JOIN contacts AS was ON c.id = coalesce(was.merged_into, was.id)").Join("JOIN messages AS m ON m.contact_id = was.id").
		Where("m.id = ? AND m.direction = 'outbound' AND c.erased_at IS NULL", messageID).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return rows[0], nil
}

// OwnersOf finds whose these addresses are, by match key.
func OwnersOf(ctx context.Context, idb bun.IDB, keys []string) (map[string]*Known, error) {
	var rows []*Known
	err := idb.NewSelect().Model(&rows).Where("a.match_key = ANY (?)", pgdialect.Array(keys)).Scan(ctx)
	out := make(map[string]*Known, len(rows))
	for _, a := range rows {
		out[a.MatchKey] = a
	}
	return out, db.Err(err)
}

// ByMatchKeys finds contacts by any of their addresses, by match key; with lock it locks them
// in order of id. ErrMoved: an address changed hands while its lock was waited for.
func ByMatchKeys(ctx context.Context, tx bun.Tx, keys []string, lock bool) (map[string]*Contact, error) {
	owners, err := OwnersOf(ctx, tx, keys)
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	ids := make([]int64, 0, len(owners))
	for _, a := range owners {
		ids = append(ids, a.ContactID)
	}
	var rows []*Contact
	q := tx.NewSelect().Model(&rows).Where("c.id = ANY (?)", pgdialect.Array(ids)).Order("c.id")
	if lock {
		q = q.For("NO KEY UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, db.Err(err)
	}
	byID := make(map[int64]*Contact, len(rows))
	for _, c := range rows {
		if c.ErasedAt != nil { // merged or erased while its lock was waited for
			return nil, ErrMoved
		}
		if c.Attributes == nil {
			c.Attributes = map[string]any{}
		}
		byID[c.ID] = c
	}
	byKey := make(map[string]*Contact, len(owners))
	for key, a := range owners {
		byKey[key] = byID[a.ContactID]
	}
	return byKey, nil
}

// AddressStretch gives the addresses behind a match key, in order of key.
func AddressStretch(ctx context.Context, idb bun.IDB, after string, n int64) (rows []*Known, err error) {
	err = idb.NewSelect().Model(&rows).Where("a.match_key > ?", after).Order("a.match_key").Limit(n).Scan(ctx)
	return rows, db.Err(err)
}

// Prefer has a contact be written to at another of their addresses. The caller
// holds the locks of the family: a merged contact may have the address of its
// own row, and takes the former one in exchange.
func Prefer(ctx context.Context, tx bun.Tx, c *Contact, a *Known) error {
	if c.MatchKey == a.MatchKey {
		return nil
	}
	read, err := DeliveredAddress(a.Address)
	if err != nil {
		read = Address{} // then neither its region nor its zone is known
	}
	former := *c
	c.Address, c.MatchKey, c.Kind, c.Region = a.Address, a.MatchKey, a.Kind.ofContact(), read.Region
	if c.TimeZoneSource != ZoneDeclared {
		c.TimeZone, c.TimeZoneSource = read.TimeZone, ZoneUnknown
		if read.TimeZone != "" {
			c.TimeZoneSource = ZoneNumber
		}
	}
	var holder int64
	err = tx.NewRaw("SELECT coalesce(min(id), 0) FROM contacts WHERE (match_key = ? OR address = ?) AND id <> ?",
		a.MatchKey, a.Address, c.ID).Scan(ctx, &holder)
	if err != nil {
		return db.Err(err)
	}
	if holder != 0 {
		if _, err := tx.NewRaw("UPDATE contacts SET address = 'moved:' || id, match_key = 'moved:' || id WHERE id = ?",
			holder).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	_, err = tx.NewUpdate().Model(c).Column("address", "match_key", "kind", "region", "time_zone", "time_zone_source").
		Set("updated_at = now()").WherePK().Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	if holder != 0 {
		if _, err := tx.NewRaw("UPDATE contacts SET address = ?, match_key = ?, kind = ?, region = ? WHERE id = ?",
			former.Address, former.MatchKey, former.Kind, former.Region, holder).Exec(ctx); err != nil {
			return db.Err(err)
		}
	}
	_, err = tx.NewRaw("UPDATE contact_addresses SET preferred = (match_key = ?0) WHERE contact_id = ?1 AND preferred <> (match_key = ?0)",
		c.MatchKey, c.ID).Exec(ctx)
	return db.Err(err)
}

// SearchAddresses finds contacts c by an address that is not the preferred one: that one is
// found by the indexes over contacts. condition is about contact_addresses, with
// placeholders.
func SearchAddresses(condition string) string {
	return "c.id = ANY (ARRAY(SELECT contact_id FROM contact_addresses WHERE NOT preferred AND " + condition + "))"
}
