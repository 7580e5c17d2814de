package segment

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/globalid"
	"eventstream/server/say"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// lockAll lets one transaction at a time change segments; reading goes on.
func lockAll(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("LOCK TABLE segments IN SHARE ROW EXCLUSIVE MODE").Exec(ctx)
	return db.Err(err)
}

func byID(ctx context.Context, idb bun.IDB, id int64) (*Segment, error) {
	found, err := byIDs(ctx, idb, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("segment %v does not exist", id)
	}
	return found[0], nil
}

func insert(ctx context.Context, tx bun.Tx, s *Segment) error {
	_, err := tx.NewInsert().Model(s).Returning("id, created_at, updated_at").Exec(ctx)
	return db.Err(err)
}

func update(ctx context.Context, tx bun.Tx, s *Segment) error {
	_, err := tx.NewUpdate().Model(s).Column("name", "description",
		"query").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

func remove(ctx context.Context, tx bun.Tx, id int64) (name string, err error) {
	err = tx.NewRaw("DELETE FROM segments WHERE id = ? RETURNING name", id).Scan(ctx, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", apperr.NotFound("segment %v does not exist", id)
	}
	return name, db.Err(err)
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Segment, err error) {
	err = idb.NewSelect().Model(&rows).Where("s.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

func searched(q *bun.SelectQuery, search string) *bun.SelectQuery {
	if search = contact.CleanText(search); search != "" {
		q = q.Where("strpos(lower(s.name), ?) > 0", strings.ToLower(search))
	}
	return q
}

func list(ctx context.Context, idb bun.IDB, search string, p db.Page) (db.Slice[*Segment], error) {
	var rows []*Segment
	q, err := p.Apply(searched(idb.NewSelect().Model(&rows), search), "s", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Segment]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Segment]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func countSegments(ctx context.Context, idb bun.IDB, search string) (int64, error) {
	n, err := searched(idb.NewSelect().Model((*Segment)(nil)), search).Count(ctx)
	return n, db.Err(err)
}

// usedBy names the campaigns and segments that need the segment.
func usedBy(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]say.Text, error) {
	named := make([]string, len(ids))
	for i, id := range ids {
		named[i] = `"` + globalid.Encode("Segment", id) + `"`
	}
	var rows []struct {
		ID           int64
		Entity, Name string
	}
	err := idb.NewRaw(`SELECT t.id, u.entity, u.name FROM unnest(?::bigint[], ?::text[]) AS t (id, named) CROSS JOIN LATERAL (
		SELECT 'campaign' AS entity, name FROM campaigns WHERE segment_id = t.id
		UNION ALL SELECT 'segment', name FROM segments
			WHERE id <> t.id AND strpos(query::text, t.named) > 0
		LIMIT 5) u`, pgdialect.Array(ids), pgdialect.Array(named)).Scan(ctx, &rows)
	out := map[int64][]say.Text{}
	for _, r := range rows {
		out[r.ID] = append(out[r.ID], audit.Named(r.Entity, r.Name))
	}
	return out, db.Err(err)
}

// namedBy finds the segments whose query names the segment.
func namedBy(ctx context.Context, idb bun.IDB, id int64) (rows []*Segment, err error) {
	err = idb.NewSelect().Model(&rows).Where("s.id <> ? AND strpos(s.query::text, ?) > 0", id,
		`"`+globalid.Encode("Segment", id)+`"`).OrderExpr("s.id").Scan(ctx)
	return rows, db.Err(err)
}

// recount keeps the number of members, unless the query was changed again while
// they were counted.
func recount(ctx context.Context, idb bun.IDB, s *Segment, p Predicate) error {
	var n int64
	var at time.Time
	err := idb.NewRaw("SELECT count(*), now() FROM contacts c WHERE c.erased_at IS NULL AND ("+p.SQL+")",
		p.Args...).Scan(ctx, &n, &at)
	if err != nil {
		return db.Err(err)
	}
	s.LastCount, s.CountedAt = &n, &at
	_, err = idb.NewRaw("UPDATE segments SET counted_at = ?, last_count = ? WHERE id = ? AND updated_at = ?", at, n,
		s.ID, s.UpdatedAt).Exec(ctx)
	return db.Err(err)
}

func preview(ctx context.Context, idb bun.IDB, p Predicate, sample int) (*Preview, error) {
	out := &Preview{ByConsent: map[contact.ConsentStatus]int64{}}
	var rows []struct {
		Status    contact.ConsentStatus
		N         int64
		Reachable int64
	}
	err := idb.NewRaw("SELECT consent_status AS status, count(*) AS n, count(*) FILTER (WHERE reachable AND consent_status = 'opted_in') AS reachable FROM contacts c WHERE c.erased_at IS NULL AND ("+p.SQL+") GROUP BY 1", p.Args...).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	for _, r := range rows {
		out.Count += r.N
		out.Reachable += r.Reachable
		out.ByConsent[r.Status] = r.N
	}
	if sample > 0 {
		err = idb.NewSelect().Model(&out.Sample).Where("c.erased_at IS NULL").Where("("+p.SQL+")",
			p.Args...).OrderExpr("c.id DESC").Limit(int64(sample)).Scan(ctx)
	}
	return out, db.Err(err)
}

// evaluated is one contact's row of conditions and values.
type evaluated struct {
	id      int64
	matches []bool
	values  []*string
}

// evaluate selects n pairs of a condition and a value for some contacts.
func evaluate(ctx context.Context, idb bun.IDB, pairs Predicate, n int, ids any) ([]evaluated, error) {
	rows, err := idb.QueryContext(ctx, "SELECT c.id"+pairs.SQL+" FROM contacts c WHERE c.id = ANY (?)",
		append(append([]any{}, pairs.Args...), ids)...)
	if err != nil {
		return nil, db.Err(err)
	}
	defer func() { _ = rows.Close() }()
	var out []evaluated
	for rows.Next() {
		e := evaluated{matches: make([]bool, n), values: make([]*string, n)}
		into := []any{&e.id}
		for i := range n {
			into = append(into, &e.matches[i], &e.values[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, db.Err(err)
		}
		out = append(out, e)
	}
	return out, db.Err(rows.Err())
}

func matchesAny(ctx context.Context, idb bun.IDB, p Predicate) (any bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM contacts c WHERE c.erased_at IS NULL AND ("+p.SQL+"))",
		p.Args...).Scan(ctx, &any)
	return any, db.Err(err)
}
