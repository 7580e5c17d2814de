package contact

import (
	"context"
	"slices"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// attributes are those that the registry knows, by key.
func attributes(ctx context.Context, idb bun.IDB) (map[string]*Attribute, error) {
	var rows []*Attribute
	err := idb.NewSelect().Model(&rows).OrderExpr("at.id").Limit(maxAttributeKeys).Scan(ctx)
	known := make(map[string]*Attribute, len(rows))
	for _, a := range rows {
		known[a.Key] = a
	}
	return known, db.Err(err)
}

// NoteAttributes has the registry know keys, in the caller's transaction. Of more than it keeps, the others are known
// by their values alone.
func NoteAttributes(ctx context.Context, tx bun.Tx, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	keys = slices.Sorted(slices.Values(keys)) // two transactions with the same new keys wait in one order
	_, err := tx.NewRaw(`INSERT INTO attributes (key) SELECT DISTINCT k FROM unnest(?::text[]) AS k
		WHERE NOT EXISTS (SELECT 1 FROM attributes a WHERE a.key = k)
			AND (SELECT count(*) FROM attributes) <= ? ORDER BY k LIMIT ? ON CONFLICT DO NOTHING`,
		pgdialect.Array(keys), maxAttributeKeys-len(keys), maxAttributeKeys).Exec(ctx)
	return db.Err(err)
}

// attributeForUpdate locks one for the rest of the transaction, and makes it where the registry does not know it yet.
func attributeForUpdate(ctx context.Context, tx bun.Tx, key string) (*Attribute, error) {
	if err := NoteAttributes(ctx, tx, []string{key}); err != nil {
		return nil, err
	}
	a := new(Attribute)
	err := db.Err(tx.NewSelect().Model(a).Where("at.key = ?", key).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.Conflict("there are %d attributes with a name already, no more are possible", maxAttributeKeys)
	}
	return a, err
}

func saveAttribute(ctx context.Context, tx bun.Tx, a *Attribute) error {
	_, err := tx.NewUpdate().Model(a).Column("name", "type", "description").Set("updated_at = now()").WherePK().Exec(ctx)
	return db.Err(err)
}

// sampledAttributes looks at 10,000 contacts spread evenly over the ids: of up to so many contacts the coverage is
// exact, of more it is estimated.
func sampledAttributes(ctx context.Context, idb bun.IDB) ([]*AttributeKey, error) {
	var rows []struct {
		Key      string
		Types    []string `bun:",array"`
		Coverage float64
		Samples  []string `bun:",array"`
	}
	err := idb.NewRaw(`
		WITH RECURSIVE bounds AS (SELECT coalesce(min(id), 0) AS low, coalesce(max(id), 0) AS high FROM contacts),
		sample AS (
			SELECT id, attributes FROM contacts, bounds
			WHERE erased_at IS NULL AND id = ANY (ARRAY(SELECT low + (high - low) * i / 9999
				FROM bounds, generate_series(0, 9999) i))),
		total AS (SELECT greatest(count(*), 1)::float8 AS n FROM sample),
		pairs AS (
			SELECT id, a.key AS key, a.value AS value, 1 AS depth FROM sample, jsonb_each(attributes) a
			UNION ALL
			SELECT id, p.key || '.' || a.key, a.value, depth + 1
			FROM pairs p, jsonb_each(CASE WHEN jsonb_typeof(p.value) = 'object' THEN p.value ELSE '{}' END) a WHERE depth < 4),
		leaves AS (
			SELECT id, key, value, CASE WHEN jsonb_typeof(value) = 'string' AND value #>> '{}' LIKE '____-__-__%'
				AND pg_input_is_valid(value #>> '{}', 'timestamptz') THEN 'date'
				ELSE jsonb_typeof(value) END AS type
			FROM pairs WHERE jsonb_typeof(value) <> 'object'),
		types AS (SELECT key, type, count(*) AS n FROM leaves GROUP BY 1, 2),
		texts AS (
			SELECT key, left(value #>> '{}', 80) AS text FROM leaves WHERE type <> 'array'
			UNION ALL SELECT key, left(e #>> '{}', 80) FROM leaves, jsonb_array_elements(CASE type WHEN 'array' THEN value
				ELSE '[]' END) e),
		ranked AS (SELECT key, text, count(*) AS n, row_number() OVER (PARTITION BY key
			ORDER BY count(*) DESC, text) AS place FROM texts GROUP BY 1, 2)
		SELECT key, array_agg(type ORDER BY n DESC, type) AS types, sum(n) / (SELECT n FROM total) AS coverage,
			(SELECT array_agg(text ORDER BY place) FROM ranked r WHERE r.key = t.key AND place <= 12
				AND text IS NOT NULL) AS samples
		FROM types t GROUP BY key ORDER BY coverage DESC, key LIMIT 200`).Scan(ctx, &rows)
	keys := make([]*AttributeKey, len(rows))
	for i, r := range rows {
		keys[i] = &AttributeKey{Attribute: Attribute{Key: r.Key}, Types: r.Types, Coverage: r.Coverage, Samples: r.Samples}
	}
	return keys, db.Err(err)
}
