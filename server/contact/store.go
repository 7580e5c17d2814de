package contact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func saveProfile(ctx context.Context, idb bun.IDB, c *Contact) error {
	_, err := idb.NewUpdate().Model(c).Column("name", "locale", "time_zone", "time_zone_source", "attributes").
		Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

// ByIDForUpdate locks the contact for the rest of the transaction.
func ByIDForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Contact, error) {
	c := new(Contact)
	err := tx.NewSelect().Model(c).Where("c.id = ?", id).For("NO KEY UPDATE").Scan(ctx)
	if err = db.Err(err); apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("contact %v does not exist", id)
	}
	return c, err
}

// IDs are those of rows, in their order.
func IDs(rows []*Contact) []int64 {
	ids := make([]int64, len(rows))
	for i, c := range rows {
		ids[i] = c.ID
	}
	return ids
}

// ByIDs finds many in one query.
func ByIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Contact, err error) {
	err = idb.NewSelect().Model(&rows).Where("c.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

// Spread gives up to n contacts from all over the table, at equal steps of their ids: as many look-ups, however many
// contacts there are. Who was erased or merged is left out.
func Spread(ctx context.Context, idb bun.IDB, n int) (rows []*Contact, err error) {
	err = idb.NewSelect().Model(&rows).Where(`c.erased_at IS NULL AND c.id = ANY (ARRAY(
		SELECT x.id FROM (SELECT min(id) AS first, max(id) AS last FROM contacts) a, generate_series(0, ?0 - 1) step,
			LATERAL (SELECT id FROM contacts WHERE id >= a.first + (a.last - a.first) * step / greatest(?0 - 1, 1) ORDER BY id LIMIT 1) x))`,
		int64(n)).Scan(ctx)
	return rows, db.Err(err)
}

// ByMatchKey finds the contact who has this address, whichever of theirs it is.
func ByMatchKey(ctx context.Context, idb bun.IDB, key string) (*Contact, error) {
	c := new(Contact)
	err := db.Err(idb.NewSelect().Model(c).Where("c.id = (SELECT a.contact_id FROM contact_addresses a WHERE a.match_key = ?)",
		key).Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("contact %v does not exist", key)
	}
	return c, err
}

// LockAll locks contacts in order of id for the rest of the transaction.
func LockAll(ctx context.Context, tx bun.Tx, ids []int64) error {
	_, err := personsOf(ctx, tx, ids, inOrder)
	return err
}

const inOrder = " ORDER BY id FOR NO KEY UPDATE"

// personsOf tells for each contact who they are: themselves, or whom they were merged into.
func personsOf(ctx context.Context, tx bun.Tx, ids []int64, lock string) (map[int64]int64, error) {
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // nobody is asked for
	}
	var rows []struct{ ID, Person int64 }
	err := tx.NewRaw("SELECT id, coalesce(merged_into, id) AS person FROM contacts WHERE id = ANY (?::bigint[])"+lock,
		pgdialect.Array(ids)).Scan(ctx, &rows)
	persons := make(map[int64]int64, len(rows))
	for _, r := range rows {
		persons[r.ID] = r.Person
	}
	return persons, db.Err(err)
}

// TouchInbound notes that the contact just wrote, so that WhatsApp reaches them,
// and by which addresses WhatsApp knew them then.
func TouchInbound(ctx context.Context, tx bun.Tx, id int64, keys []string, at time.Time) error {
	_, err := tx.NewRaw(`
		WITH seen AS (UPDATE contact_addresses SET last_seen_at = greatest(last_seen_at, ?) WHERE match_key = ANY (?) AND contact_id = ?)
		UPDATE contacts SET last_inbound_at = clock_timestamp(), reachable = true, unreachable_reason = '',
			unreachable_until = NULL WHERE id = ?`, at, pgdialect.Array(keys), id, id).Exec(ctx)
	return db.Err(err)
}

// TouchInboundThen notes when contacts wrote, out of what is known late. The caller has
// locked them.
func TouchInboundThen(ctx context.Context, tx bun.Tx, at map[int64]time.Time) error {
	ids, times := make([]int64, 0, len(at)), make([]string, 0, len(at))
	for id, t := range at {
		ids, times = append(ids, id), append(times, t.UTC().Format(time.RFC3339Nano))
	}
	_, err := tx.NewRaw(`UPDATE contacts c SET last_inbound_at = greatest(c.last_inbound_at, u.at::timestamptz)
		FROM unnest(?::bigint[], ?::text[]) AS u (id, at) WHERE c.id = u.id`, pgdialect.Array(ids), pgdialect.Array(times)).Exec(ctx)
	return db.Err(err)
}

// SetUnreachable flags contacts whose address Twilio refused, for so long; 0 is
// without an end. A mark that lasts longer stays. The caller has locked them.
func SetUnreachable(ctx context.Context, idb bun.IDB, ids []int64, reason string, lasts time.Duration) error {
	_, err := idb.NewRaw(`
		UPDATE contacts SET reachable = false, unreachable_reason = ?0, updated_at = now(),
			unreachable_until = CASE WHEN ?1::float8 > 0 THEN clock_timestamp() + make_interval(secs => ?1) END
		WHERE id = ANY (?2::bigint[]) AND (reachable OR (unreachable_until IS NOT NULL
			AND (?1::float8 = 0 OR unreachable_until < clock_timestamp() + make_interval(secs => ?1))))`,
		reason, lasts.Seconds(), pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// SetIneligible flags contacts to whom WhatsApp delivers no marketing, for so
// long; 0 is without an end. A mark that lasts longer stays. The caller has
// locked them.
func SetIneligible(ctx context.Context, idb bun.IDB, ids []int64, reason string, lasts time.Duration) error {
	_, err := idb.NewRaw(`
		UPDATE contacts SET marketing_eligible = false, ineligible_reason = ?0, updated_at = now(),
			ineligible_until = CASE WHEN ?1::float8 > 0 THEN clock_timestamp() + make_interval(secs => ?1) END
		WHERE id = ANY (?2::bigint[]) AND (marketing_eligible OR (ineligible_until IS NOT NULL
			AND (?1::float8 = 0 OR ineligible_until < clock_timestamp() + make_interval(secs => ?1))))`,
		reason, lasts.Seconds(), pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// SetConsent keeps the newest state of the ledger on the contact.
func SetConsent(ctx context.Context, idb bun.IDB, id int64, status ConsentStatus, at any) error {
	_, err := idb.NewRaw("UPDATE contacts SET consent_status = ?, consent_at = ?, updated_at = now() WHERE id = ?",
		status, at, id).Exec(ctx)
	return db.Err(err)
}

// SetUtility keeps where the contact stands with utility messages, by what was recorded of
// those alone.
func SetUtility(ctx context.Context, tx bun.Tx, ids []int64, status ConsentStatus) error {
	_, err := tx.NewRaw("UPDATE contacts SET utility_status = ?, updated_at = now() WHERE id = ANY (?)", status, pgdialect.Array(ids)).Exec(ctx)
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
	if f.IDs != nil {
		q = q.Where("c.id = ANY (?)", pgdialect.Array(f.IDs))
	}
	if f.Where != nil {
		q = q.Where("("+f.Where.SQL+")", f.Where.Args...)
	}
	if where := SearchPredicate(f.Search); where != nil {
		q = q.Where(where.SQL, where.Args...)
	}
	return q
}

// maxSearchWords is how many words of a search count.
const maxSearchWords = 8

// SearchPredicate looks for a number in any spelling, for one word anywhere in name,
// number and attributes, or for the beginnings of several words in any order, by the
// trigram indexes. Those know nothing shorter than three letters: such a word alone is
// the beginning of a name. nil is no search.
func SearchPredicate(search string) *Predicate {
	text, digits := searchTerms(search)
	words := strings.Fields(text)
	words = words[:min(len(words), maxSearchWords)]
	switch {
	case len(words) == 0:
		return nil
	case digits != "":
		return &Predicate{
			SQL: "(c.address LIKE ? OR c.match_key = ? OR " + SearchAddresses("(address LIKE ? OR match_key = ?)") +
				" OR attribute_text(c.attributes) ILIKE ?)",
			Args: []any{"%" + digits + "%", "+" + digits, "%" + digits + "%", "+" + digits, "%" + db.LikeEscape(text) + "%"},
		}
	case len(words) == 1 && utf8.RuneCountInString(text) < 3:
		return &Predicate{SQL: `lower(c.name) COLLATE "C" LIKE ?`, Args: []any{db.LikeEscape(strings.ToLower(text)) + "%"}}
	}
	if len(words) == 1 {
		like := "%" + db.LikeEscape(text) + "%"
		return &Predicate{
			SQL: "(c.name ILIKE ? OR c.address ILIKE ? OR " + SearchAddresses("address ILIKE ?") +
				" OR attribute_text(c.attributes) ILIKE ?)",
			Args: []any{like, like, like, like},
		}
	}
	every, args := make([]string, len(words)), make([]any, 0, 3*len(words))
	for i, word := range words {
		begins := wordBeginning(word)
		every[i] = "(c.name ~* ? OR attribute_text(c.attributes) ~* ?"
		args = append(args, begins, begins)
		if utf8.RuneCountInString(word) >= 3 { // two digits stand in most numbers
			like := "%" + db.LikeEscape(word) + "%"
			every[i] += " OR c.address ILIKE ? OR " + SearchAddresses("address ILIKE ?")
			args = append(args, like, like)
		}
		every[i] += ")"
	}
	return &Predicate{SQL: "(" + strings.Join(every, " AND ") + ")", Args: args}
}

// wordBeginning is a regular expression for words that begin so.
func wordBeginning(word string) string {
	var out strings.Builder
	for i, r := range word {
		plain := unicode.IsLetter(r) || unicode.IsDigit(r) || r > unicode.MaxASCII
		if i == 0 && plain {
			out.WriteString(`\m`)
		}
		if !plain {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// CursorOf is a contact's place in a list sorted by o.
func CursorOf(c *Contact, o Order) string {
	if o == OrderName || o == OrderNameDesc {
		return db.Cursor(strings.ToLower(c.Name), c.ID)
	}
	return db.Cursor("", c.ID)
}

func list(ctx context.Context, idb bun.IDB, f Filter, o Order, p db.Page) (db.Slice[*Contact], error) {
	// The id grows with created_at, so that newest and oldest need no second column.
	key := &db.Key{Column: "id", Desc: o != OrderOldest}
	var rows []*Contact
	q := filtered(idb.NewSelect().Model(&rows), f)
	if o == OrderName || o == OrderNameDesc {
		q = q.ColumnExpr("c.*")
		key = &db.Key{Column: "name", Type: "text", Desc: o == OrderNameDesc}
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
func listByName(ctx context.Context, q *bun.SelectQuery, rows *[]*Contact, p db.Page,
	key *db.Key,
) (db.Slice[*Contact], error) {
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
		if (field == "before") != key.Desc {
			op = "<"
		}
		q = q.Where(`(lower(c.name) COLLATE "C", c.id) `+op+" (?::"+key.Type+", ?)", value, id)
	}
	dir := "ASC"
	if fromEnd != key.Desc {
		dir = "DESC"
	}
	if err := q.OrderExpr(`lower(c.name) COLLATE "C" ` + dir + ", c.id " + dir).Limit(int64(n) + 1).Scan(ctx); err != nil {
		return db.Slice[*Contact]{}, db.Err(err)
	}
	return db.Cut(p, *rows), nil
}

// MaxCount is where counting what a search finds ends: people look at the
// first page and refine, and the exact number of "a" in a million is dear.
const MaxCount = 10_000

func count(ctx context.Context, idb bun.IDB, f Filter) (n int64, err error) {
	q := filtered(idb.NewSelect().Model((*Contact)(nil)), f)
	if f.Region == "" && strings.TrimSpace(f.Search) == "" && f.IDs == nil && f.Where == nil {
		return counted(ctx, idb, f)
	}
	if strings.TrimSpace(f.Search) == "" {
		exact, err := q.Count(ctx)
		return exact, db.Err(err)
	}
	err = idb.NewSelect().ColumnExpr("count(*)").TableExpr("(?) AS found", q.ColumnExpr("1").Limit(MaxCount+1)).Scan(ctx,
		&n)
	return n, db.Err(err)
}

// identifying are attributes of which two people rarely share a value.
var identifying = []string{"email", "e-mail", "mail", "external_id", "customer_id", "crm_id", "member_id"}

// commonName is how many contacts may share a name before it says nothing about
// who they are.
const commonName = 4

// mostDuplicates is how many are shown of those who may be the same person.
const mostDuplicates = 10

// duplicates finds, for many contacts at once, those who may be the same person: the same
// name, unless it is a common one, or the same value of an identifying attribute.
func duplicates(ctx context.Context, idb bun.IDB, of []*Contact) (map[int64][]*Contact, error) {
	var ids, marked []int64
	var names, marks []string
	for _, c := range of {
		ids, names = append(ids, c.ID), append(names, c.Name)
		for key, v := range c.Attributes {
			if s, ok := v.(string); ok && s != "" && slices.Contains(identifying, strings.ToLower(key)) {
				mark, err := json.Marshal(map[string]any{key: v})
				if err != nil {
					return nil, fmt.Errorf("compare attributes: %w", err)
				}
				marked, marks = append(marked, c.ID), append(marks, string(mark))
			}
		}
	}
	var pairs []struct{ Of, ID int64 }
	err := idb.NewRaw(`
		WITH wanted AS MATERIALIZED (SELECT * FROM unnest(?0::bigint[], ?1::text[]) AS w (id, name)),
		marks AS MATERIALIZED (SELECT * FROM unnest(?2::bigint[], ?3::text[]::jsonb[]) AS m (id, mark))
		SELECT w.id AS of, d.id FROM wanted w CROSS JOIN LATERAL (
			SELECT x.id FROM (
				SELECT c.id FROM contacts c
				WHERE w.name <> '' AND lower(c.name) COLLATE "C" = lower(w.name) COLLATE "C"
					AND (SELECT count(*) FROM (SELECT 1 FROM contacts n
						WHERE lower(n.name) COLLATE "C" = lower(w.name) COLLATE "C" AND n.erased_at IS NULL
						LIMIT ?4 + 1) x) <= ?4
				UNION
				SELECT c.id FROM marks m JOIN contacts c ON c.attributes @> m.mark WHERE m.id = w.id
			) x JOIN contacts c ON c.id = x.id
			WHERE c.erased_at IS NULL AND c.id <> w.id ORDER BY x.id LIMIT ?5) d
		ORDER BY w.id, d.id`,
		pgdialect.Array(ids), pgdialect.Array(names), pgdialect.Array(marked), pgdialect.Array(marks), commonName,
		mostDuplicates).Scan(ctx, &pairs)
	if err != nil {
		return nil, db.Err(err)
	}
	found := make([]int64, len(pairs))
	for i, p := range pairs {
		found[i] = p.ID
	}
	people, err := ByIDs(ctx, idb, found)
	byID := make(map[int64]*Contact, len(people))
	for _, c := range people {
		byID[c.ID] = c
	}
	out := map[int64][]*Contact{}
	for _, p := range pairs {
		if c := byID[p.ID]; c != nil {
			out[p.Of] = append(out[p.Of], c)
		}
	}
	return out, err
}

// Batch locks up to size contacts of a filter with ids above after, up to
// newest, in order of id.
func Batch(ctx context.Context, tx bun.Tx, f Filter, after, newest int64, size int) (rows []*Contact, err error) {
	err = filtered(tx.NewSelect().Model(&rows), f).Where("c.id > ? AND c.id <= ?", after,
		newest).OrderExpr("c.id").Limit(int64(size)).For("NO KEY UPDATE OF c").Scan(ctx)
	return rows, db.Err(err)
}

// Stretch is Batch without locks, for reading.
func Stretch(ctx context.Context, idb bun.IDB, f Filter, after, newest int64, size int) (rows []*Contact, err error) {
	err = filtered(idb.NewSelect().Model(&rows), f).Where("c.id > ? AND c.id <= ?", after,
		newest).OrderExpr("c.id").Limit(int64(size)).Scan(ctx)
	return rows, db.Err(err)
}

// Extent counts exactly how many contacts f matches, and gives the newest id of
// all contacts.
func Extent(ctx context.Context, idb bun.IDB, f Filter) (n, newest int64, err error) {
	err = filtered(idb.NewSelect().Model((*Contact)(nil)),
		f).ColumnExpr("count(*), (SELECT coalesce(max(id), 0) FROM contacts)").Scan(ctx, &n, &newest)
	return n, newest, db.Err(err)
}

// KeysIn names all attributes that contacts of f have, at the top level.
func KeysIn(ctx context.Context, idb bun.IDB, f Filter) (keys []string, err error) {
	err = filtered(idb.NewSelect().TableExpr("contacts AS c, jsonb_object_keys(c.attributes) AS k"),
		f).ColumnExpr("DISTINCT k").OrderExpr("k").Scan(ctx, &keys)
	return keys, db.Err(err)
}

// SaveAttributes writes the attributes of many.
func SaveAttributes(ctx context.Context, tx bun.Tx, rows []*Contact) error {
	ids, attrs := make([]int64, len(rows)), make([]string, len(rows))
	for i, c := range rows {
		raw, err := json.Marshal(c.Attributes)
		if err != nil {
			return fmt.Errorf("attributes: %w", err)
		}
		ids[i], attrs[i] = c.ID, string(raw)
	}
	_, err := tx.NewRaw("UPDATE contacts c SET attributes = u.attrs::jsonb, updated_at = now() FROM unnest(?::bigint[], ?::text[]) AS u (id, attrs) WHERE c.id = u.id",
		pgdialect.Array(ids), pgdialect.Array(attrs)).Exec(ctx)
	return db.Err(err)
}

// SetConsents is SetConsent for many.
func SetConsents(ctx context.Context, tx bun.Tx, ids []int64, status ConsentStatus, at time.Time) error {
	_, err := tx.NewRaw("UPDATE contacts SET consent_status = ?, consent_at = ?, updated_at = now() WHERE id = ANY (?)",
		status, at, pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// SetEachConsent is SetConsent for many of whom each has a status and a time of their own; nil: no time.
func SetEachConsent(ctx context.Context, tx bun.Tx, ids []int64, statuses []ConsentStatus, at []*time.Time) error {
	_, err := tx.NewRaw(`UPDATE contacts c SET consent_status = u.status, consent_at = u.at, updated_at = now()
		FROM unnest(?::bigint[], ?::text[], ?::timestamptz[]) u (id, status, at) WHERE c.id = u.id`,
		pgdialect.Array(ids), pgdialect.Array(statuses), db.TimeArray(at)).Exec(ctx)
	return db.Err(err)
}

var errNewcomer = errors.New("another contact was merged into one of these meanwhile")

// LockFamily locks contacts together with those that were merged into them, in
// order of id. One that is merged into them while this waits would have to be
// locked out of order: then all locks are given back and taken anew.
func LockFamily(ctx context.Context, tx bun.Tx, ids []int64) (rows []*Contact, err error) {
	const tries = 10
	for range tries {
		err = tx.RunInTx(ctx, nil, func(ctx context.Context, inner bun.Tx) error {
			rows = nil
			err := inner.NewSelect().Model(&rows).Where("c.id = ANY (?0) OR c.merged_into = ANY (?0)", pgdialect.Array(ids)).
				Order("c.id").For("NO KEY UPDATE").Scan(ctx)
			if err != nil {
				return db.Err(err)
			}
			var newcomers int
			err = inner.NewRaw("SELECT count(*) FROM contacts WHERE merged_into = ANY (?) AND id <> ALL (?)",
				pgdialect.Array(ids), pgdialect.Array(IDs(rows))).Scan(ctx, &newcomers)
			if err == nil && newcomers > 0 {
				return errNewcomer
			}
			return db.Err(err)
		})
		if !errors.Is(err, errNewcomer) {
			return rows, err
		}
	}
	return nil, apperr.Wrap(err, apperr.CodeUnavailable, "these contacts are being merged, try again")
}

// Erase takes everything personal from contacts. Their rows stay, empty, for
// what points to them.
func Erase(ctx context.Context, tx bun.Tx, ids []int64) error {
	_, err := tx.NewRaw(`UPDATE contacts SET address = 'erased:' || id, match_key = 'erased:' || id, region = '', time_zone = '', time_zone_source = 'unknown', name = '', locale = '',
		attributes = '{}', reachable = false, unreachable_reason = '', last_inbound_at = NULL, opt_in_request_at = NULL, merged_into = NULL, erased_at = coalesce(erased_at, now()), updated_at = now() WHERE id = ANY (?)`,
		pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// SaveMerged writes both sides of a merge: kept as it is in memory, gone as
// merged into it, with whatever was merged into gone before.
func SaveMerged(ctx context.Context, tx bun.Tx, kept, gone *Contact) error {
	_, err := tx.NewUpdate().Model(kept).Column("name", "locale", "time_zone", "time_zone_source", "attributes",
		"created_at", "last_inbound_at", "opt_out_review_at").Set("updated_at = now()").WherePK().
		Returning("updated_at").Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	_, err = tx.NewRaw(`UPDATE contacts SET merged_into = ?0, erased_at = coalesce(erased_at, now()), updated_at = now(),
		name = '', locale = '', attributes = '{}', opt_out_review_at = NULL, opt_in_request_at = NULL WHERE id = ?1 OR merged_into = ?1`,
		kept.ID, gone.ID).Exec(ctx)
	return db.Err(err)
}

// saveView writes one at a time, so that two do not go over the limit together.
func saveView(ctx context.Context, tx bun.Tx, v *View) (n int64, err error) {
	if _, err := tx.NewRaw("LOCK TABLE contact_views IN SHARE ROW EXCLUSIVE MODE").Exec(ctx); err != nil {
		return 0, db.Err(err)
	}
	err = tx.NewInsert().Model(v).On("CONFLICT (lower(name)) DO UPDATE").Set("name = excluded.name, search = excluded.search, filter = excluded.filter, sort = excluded.sort, operator_id = excluded.operator_id").
		Returning("id, created_at").Scan(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	n, err = tx.NewSelect().Model((*View)(nil)).Count(ctx)
	return n, db.Err(err)
}

func deleteView(ctx context.Context, tx bun.Tx, id int64) (gone bool, err error) {
	res, err := tx.NewRaw("DELETE FROM contact_views WHERE id = ?", id).Exec(ctx)
	if err != nil {
		return false, db.Err(err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func views(ctx context.Context, idb bun.IDB) (rows []*View, err error) {
	err = idb.NewSelect().Model(&rows).OrderExpr("lower(v.name)").Scan(ctx)
	return rows, db.Err(err)
}

func viewByID(ctx context.Context, idb bun.IDB, id int64, v *View) error {
	return db.Err(idb.NewSelect().Model(v).Where("v.id = ?", id).Scan(ctx))
}
