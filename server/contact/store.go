package contact

import (
	"context"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Insert writes a new contact and fills its id.
func Insert(ctx context.Context, idb bun.IDB, c *Contact) error {
	_, err := idb.NewInsert().Model(c).Exec(ctx)
	return db.Err(err)
}

func saveProfile(ctx context.Context, idb bun.IDB, c *Contact) error {
	_, err := idb.NewUpdate().Model(c).Column("name", "locale", "time_zone", "time_zone_source", "attributes").
		Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

// ByIDForUpdate locks the contact for the rest of the transaction.
func ByIDForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Contact, error) {
	c := new(Contact)
	err := tx.NewSelect().Model(c).Where("c.id = ?", id).For("UPDATE").Scan(ctx)
	if err = db.Err(err); apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("contact", id)
	}
	return c, err
}

// ByIDs finds many in one query.
func ByIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Contact, err error) {
	err = idb.NewSelect().Model(&rows).Where("c.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

// ByMatchKey finds the contact whose address means the same person.
func ByMatchKey(ctx context.Context, idb bun.IDB, key string) (*Contact, error) {
	c := new(Contact)
	err := db.Err(idb.NewSelect().Model(c).Where("c.match_key = ?", key).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("contact", key)
	}
	return c, err
}

// EnsureInbound finds the contact who wrote to us, or creates it, and locks
// it. An unknown writer has unknown consent.
func EnsureInbound(ctx context.Context, tx bun.Tx, a Address, name string) (*Contact, error) {
	c := New(a)
	c.Name = CleanText(name)
	if _, err := tx.NewInsert().Model(c).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return nil, db.Err(err)
	}
	found := new(Contact)
	err := tx.NewSelect().Model(found).Where("c.match_key = ?", a.MatchKey).For("UPDATE").Scan(ctx)
	return found, db.Err(err)
}

// TouchInbound notes that the contact just wrote, and that WhatsApp therefore
// reaches them.
func TouchInbound(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw(`UPDATE contacts SET last_inbound_at = clock_timestamp(), reachable = true, unreachable_reason = '' WHERE id = ?`, id).Exec(ctx)
	return db.Err(err)
}

// SetUnreachable flags contacts whose address Twilio refused for good.
func SetUnreachable(ctx context.Context, idb bun.IDB, ids []int64, reason string) error {
	_, err := idb.NewRaw("UPDATE contacts SET reachable = false, unreachable_reason = ?, updated_at = now() WHERE id = ANY (?) AND reachable", reason, pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// SetIneligible flags contacts to whom WhatsApp delivers no marketing.
func SetIneligible(ctx context.Context, idb bun.IDB, ids []int64) error {
	_, err := idb.NewRaw("UPDATE contacts SET marketing_eligible = false, updated_at = now() WHERE id = ANY (?) AND marketing_eligible", pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// SetConsent keeps the newest state of the ledger on the contact.
func SetConsent(ctx context.Context, idb bun.IDB, id int64, status ConsentStatus, at any) error {
	_, err := idb.NewRaw("UPDATE contacts SET consent_status = ?, consent_at = ?, updated_at = now() WHERE id = ?", status, at, id).Exec(ctx)
	return db.Err(err)
}

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	q = q.Where("c.erased_at IS NULL")
	if f.ConsentStatus != nil {
		q = q.Where("c.consent_status = ?", *f.ConsentStatus)
	}
	if f.Reachable != nil {
		q = q.Where("c.reachable = ?", *f.Reachable)
	}
	if f.Region != "" {
		q = q.Where("c.region = ?", strings.ToUpper(f.Region))
	}
	if strings.TrimSpace(f.Search) != "" {
		name, digits := searchTerms(f.Search)
		if digits != "" {
			q = q.Where("c.address LIKE ?0 OR c.match_key LIKE ?0", "%"+db.LikeEscape(digits)+"%")
		} else {
			q = q.Where("c.name ILIKE ?0 OR c.address ILIKE ?0", "%"+db.LikeEscape(name)+"%")
		}
	}
	return q
}

// CursorOf is a contact's place in a list sorted by o.
func CursorOf(c *Contact, o Order) string {
	if o == OrderName {
		return db.Cursor(strings.ToLower(c.Name), c.ID)
	}
	return db.Cursor("", c.ID)
}

func list(ctx context.Context, idb bun.IDB, f Filter, o Order, p db.Page) (db.Slice[*Contact], error) {
	// The id grows with created_at, so that newest and oldest need no second column.
	key := &db.Key{Column: "id", Desc: o != OrderOldest}
	var rows []*Contact
	q := filtered(idb.NewSelect().Model(&rows), f)
	if o == OrderName {
		q = q.ColumnExpr("c.*")
		key = &db.Key{Column: "name", Type: "text"}
		return listByName(ctx, q, &rows, p, key)
	}
	q, err := p.Apply(q, "c", key)
	if err != nil {
		return db.Slice[*Contact]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Contact]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

// listByName sorts without regard to case, on the index over lower(name).
func listByName(ctx context.Context, q *bun.SelectQuery, rows *[]*Contact, p db.Page, key *db.Key) (db.Slice[*Contact], error) {
	n, fromEnd, err := p.Size()
	if err != nil {
		return db.Slice[*Contact]{}, err
	}
	for field, cur := range map[string]string{"after": p.After, "before": p.Before} {
		if cur == "" {
			continue
		}
		value, id, err := db.ParseCursor(field, cur)
		if err != nil {
			return db.Slice[*Contact]{}, err
		}
		op := ">"
		if field == "before" {
			op = "<"
		}
		q = q.Where("(lower(c.name), c.id) "+op+" (?::"+key.Type+", ?)", value, id)
	}
	dir := "ASC"
	if fromEnd {
		dir = "DESC"
	}
	if err := q.OrderExpr("lower(c.name) " + dir + ", c.id " + dir).Limit(int64(n) + 1).Scan(ctx); err != nil {
		return db.Slice[*Contact]{}, db.Err(err)
	}
	return db.Cut(p, *rows), nil
}

func count(ctx context.Context, idb bun.IDB, f Filter) (int64, error) {
	n, err := filtered(idb.NewSelect().Model((*Contact)(nil)), f).Count(ctx)
	return n, db.Err(err)
}

func attributeKeys(ctx context.Context, idb bun.IDB) ([]AttributeKey, error) {
	var rows []struct {
		Key      string
		Types    []string `bun:",array"`
		Coverage float64
		Samples  []string `bun:",array"`
	}
	err := idb.NewRaw(`
		WITH bounds AS (SELECT coalesce(min(id), 0) AS low, greatest(coalesce(max(id), 0) - coalesce(min(id), 0), 1) AS span FROM contacts),
		sample AS (
			SELECT attributes FROM contacts, bounds
			WHERE erased_at IS NULL AND (span <= 10000 OR hashint8(id) % greatest((span / 10000)::int, 1) = 0) LIMIT 10000),
		total AS (SELECT greatest(count(*), 1)::float8 AS n FROM sample),
		pairs AS (SELECT a.key, jsonb_typeof(a.value) AS type, left(a.value #>> '{}', 80) AS text, count(*) AS n
			FROM sample, jsonb_each(attributes) a GROUP BY 1, 2, 3),
		ranked AS (SELECT *, row_number() OVER (PARTITION BY key ORDER BY n DESC, text) AS place FROM pairs)
		SELECT key, array_agg(DISTINCT type) AS types, sum(n) / (SELECT n FROM total) AS coverage,
			array_agg(text ORDER BY n DESC, text) FILTER (WHERE place <= 12 AND text IS NOT NULL) AS samples
		FROM ranked GROUP BY key ORDER BY coverage DESC, key LIMIT 200`).Scan(ctx, &rows)
	keys := make([]AttributeKey, len(rows))
	for i, r := range rows {
		keys[i] = AttributeKey(r)
	}
	return keys, db.Err(err)
}
