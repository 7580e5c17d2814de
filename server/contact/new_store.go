package contact

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// NewAddress is an address that nobody has, and the contact who gets it. A contact
// without an id is new.
type NewAddress struct {
	Contact *Contact
	Address
	Preferred bool // they are written to there from now on; of a new contact, one is
}

// AddAddresses gives contacts addresses that nobody has, and writes those who are
// new. The caller has locked the others. ErrMoved: somebody has one of them since.
//
// It is the only way in, and a transaction takes it once: all addresses are written
// first, in order of key, so that whoever has to wait for one of them holds none that
// comes behind it. The rows of contacts have a unique address too, which nobody else
// has at hand by then.
func AddAddresses(ctx context.Context, tx bun.Tx, news []NewAddress, source AddressSource, seen *time.Time) error {
	if len(news) == 0 {
		return nil
	}
	var created []*Contact
	for _, n := range news {
		if n.Contact.ID == 0 && n.Preferred {
			created = append(created, n.Contact)
		}
	}
	news = slices.Clone(news)
	slices.SortFunc(news, func(a, b NewAddress) int { return strings.Compare(a.MatchKey, b.MatchKey) })
	if err := giveIDs(ctx, tx, created); err != nil {
		return err
	}
	if err := insertAddresses(ctx, tx, news, source, seen); err != nil {
		return err
	}
	if err := insertContacts(ctx, tx, created); err != nil {
		return err
	}
	for _, n := range news {
		if !n.Preferred || n.Contact.MatchKey == n.MatchKey {
			continue
		}
		if err := Prefer(ctx, tx, n.Contact, &Known{MatchKey: n.MatchKey, Address: n.Wire, Kind: n.Kind}); err != nil {
			return err
		}
	}
	return nil
}

func giveIDs(ctx context.Context, tx bun.Tx, created []*Contact) error {
	if len(created) == 0 {
		return nil
	}
	var ids []int64
	// The sequence is looked up once: as an argument of nextval it would be for every row.
	// The setting has contact_addresses_of_new leave the rows alone, whose addresses are written before them.
	err := tx.NewRaw(`SELECT nextval(s.id) FROM (SELECT pg_get_serial_sequence('contacts', 'id')::regclass AS id,
		set_config('eventstream.addresses', 'written', true) OFFSET 0) s, generate_series(1, ?)`, len(created)).Scan(ctx, &ids)
	if err != nil {
		return db.Err(err)
	}
	for i, c := range created {
		c.ID = ids[i]
	}
	return nil
}

func insertAddresses(ctx context.Context, tx bun.Tx, news []NewAddress, source AddressSource, seen *time.Time) error {
	keys, ids, wires := make([]string, len(news)), make([]int64, len(news)), make([]string, len(news))
	kinds, preferred := make([]string, len(news)), make([]bool, len(news))
	for i, n := range news {
		keys[i], ids[i], wires[i] = n.MatchKey, n.Contact.ID, n.Wire
		kinds[i], preferred[i] = string(n.Kind), n.Preferred
	}
	res, err := tx.NewRaw(`
		INSERT INTO contact_addresses (match_key, contact_id, address, kind, source, preferred, first_seen_at, last_seen_at)
		SELECT u.key, u.id, u.wire, u.kind, ?5, u.preferred, clock_timestamp(), ?6::timestamptz
		FROM unnest(?0::text[], ?1::bigint[], ?2::text[], ?3::text[], ?4::boolean[])
			WITH ORDINALITY AS u (key, id, wire, kind, preferred, n)
		ORDER BY u.n ON CONFLICT DO NOTHING`,
		pgdialect.Array(keys), pgdialect.Array(ids), pgdialect.Array(wires), pgdialect.Array(kinds),
		pgdialect.Array(preferred), source, seen).Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	if n, err := res.RowsAffected(); err != nil || n < int64(len(news)) {
		return ErrMoved
	}
	return nil
}

// insertContacts writes new contacts, whose ids are given and whose addresses are written.
func insertContacts(ctx context.Context, tx bun.Tx, created []*Contact) error {
	if len(created) == 0 {
		return nil
	}
	var rows []struct {
		ID                   int64
		CreatedAt, UpdatedAt time.Time
	}
	err := tx.NewRaw(`
		INSERT INTO contacts (id, address, match_key, kind, region, time_zone, time_zone_source, name, locale, attributes,
			consent_status, consent_at) OVERRIDING SYSTEM VALUE
		SELECT id, address, match_key, kind, region, tz, tzs, name, locale, attributes::jsonb, status,
			nullif(at, '')::timestamptz FROM `+laidOut+` RETURNING id, created_at, updated_at`, columnsOf(created)...).Scan(ctx, &rows)
	if db.IsUnique(err) {
		return ErrMoved
	}
	if err != nil {
		return db.Err(err)
	}
	byID := make(map[int64]*Contact, len(created))
	for _, c := range created {
		byID[c.ID] = c
	}
	for _, r := range rows {
		byID[r.ID].CreatedAt, byID[r.ID].UpdatedAt = r.CreatedAt, r.UpdatedAt
	}
	return nil
}

// Update writes what a file says of contacts, whom the caller has locked.
func Update(ctx context.Context, tx bun.Tx, contacts []*Contact) error {
	if len(contacts) == 0 {
		return nil
	}
	_, err := tx.NewRaw(`
		UPDATE contacts c SET time_zone = u.tz, time_zone_source = u.tzs, name = u.name, locale = u.locale,
			attributes = u.attributes::jsonb,
			consent_status = u.status, consent_at = nullif(u.at, '')::timestamptz, updated_at = now()
		FROM `+laidOut+` WHERE c.id = u.id`, columnsOf(contacts)...).Exec(ctx)
	return db.Err(err)
}

// laidOut are contacts as rows, out of the arrays that columnsOf gives.
const laidOut = `unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
	?::text[], ?::text[], ?::text[]) AS u (id, address, match_key, kind, region, tz, tzs, name, locale, attributes, status, at)`

func columnsOf(contacts []*Contact) []any {
	ids := make([]int64, len(contacts))
	cols := make([][]string, 11)
	for i := range cols {
		cols[i] = make([]string, len(contacts))
	}
	for i, c := range contacts {
		attrs, _ := json.Marshal(c.Attributes)
		at := ""
		if c.ConsentAt != nil {
			at = c.ConsentAt.UTC().Format(time.RFC3339Nano)
		}
		ids[i] = c.ID
		for j, v := range []string{
			c.Address, c.MatchKey, string(c.Kind), c.Region, c.TimeZone, string(c.TimeZoneSource), c.Name, c.Locale,
			string(attrs), string(c.ConsentStatus), at,
		} {
			cols[j][i] = v
		}
	}
	args := []any{pgdialect.Array(ids)}
	for _, col := range cols {
		args = append(args, pgdialect.Array(col))
	}
	return args
}
