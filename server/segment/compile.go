package segment

import (
	"context"
	"math"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/say"

	"github.com/uptrace/bun/dialect/pgdialect"
)

// Predicate is SQL over contacts under the alias c.
type Predicate = contact.Predicate

// Resolver gives the query of another segment.
type Resolver func(ctx context.Context, id int64) (Node, error)

// What a query has at most once the segments that it names stand in it: each condition
// is asked of every contact.
const (
	MaxInlined       = 200  // conditions
	maxInlinedGroups = 1000 // all, any and not
)

// room is how many conditions and groups a query may have.
type room struct{ conditions, groups int }

var (
	inlinedRoom = room{MaxInlined, maxInlinedGroups}
	noLimit     = room{math.MaxInt, math.MaxInt}
)

// Compile turns a checked query into one predicate. It refuses segments that
// name themselves, however far round, and more than MaxInlined conditions.
func Compile(ctx context.Context, n Node, resolve Resolver) (Predicate, error) {
	return compile(ctx, n, resolve, inlinedRoom)
}

func compile(ctx context.Context, n Node, resolve Resolver, limit room) (Predicate, error) {
	c := &compiler{ctx: ctx, resolve: resolve, left: limit}
	if err := c.node(n, nil); err != nil {
		return Predicate{}, err
	}
	return Predicate{SQL: c.sql.String(), Args: c.args}, nil
}

type compiler struct {
	ctx     context.Context
	resolve Resolver
	left    room
	sql     strings.Builder
	args    []any
}

func (c *compiler) put(sql string, args ...any) {
	if len(args) == 1 {
		if numbered, ok := args[0].(indexed); ok {
			sql, args = numbered.expand(sql)
		}
	}
	c.sql.WriteString(sql)
	c.args = append(c.args, args...)
}

func (c *compiler) node(n Node, via []int64) error {
	if err := c.count(n); err != nil {
		return err
	}
	switch x := n.(type) {
	case All:
		return c.join(x.Parts, " AND ", "TRUE", via)
	case Any:
		return c.join(x.Parts, " OR ", "FALSE", via)
	case Not:
		c.put("NOT ")
		return c.node(x.Part, via)
	case Random:
		c.put("((hashtextextended(? || ':' || c.id, 0) % 10000) + 10000) % 10000 < ?", x.Salt, int64(x.Percent*100))
	case InImport:
		c.put("EXISTS (SELECT 1 FROM import_contacts ic WHERE ic.contact_id = c.id AND ic.import_id = ?)", x.ID)
	case OnTopic:
		c.put("EXISTS (SELECT 1 FROM contact_topics ct WHERE ct.contact_id = c.id AND ct.topic_id = ? AND ct.status = 'subscribed')", x.ID)
	case InSegment:
		return c.segment(x.ID, via)
	case Behaviour:
		c.behaviour(x)
	case Condition:
		c.put("(")
		c.condition(x)
		c.put(")")
	}
	return nil
}

func (c *compiler) count(n Node) error {
	left, limit := &c.left.conditions, MaxInlined
	many := say.Format("with the segments that it names written out the query has more than %d conditions")
	switch n.(type) {
	case All, Any, Not:
		left, limit = &c.left.groups, maxInlinedGroups
		many = "with the segments that it names written out the query has more than %d groups"
	}
	if *left--; *left < 0 {
		return apperr.Invalid("query", many, limit)
	}
	return nil
}

func (c *compiler) join(parts []Node, word, empty string, via []int64) error {
	if len(parts) == 0 {
		c.put(empty)
		return nil
	}
	c.put("(")
	for i, p := range parts {
		if i > 0 {
			c.put(word)
		}
		if err := c.node(p, via); err != nil {
			return err
		}
	}
	c.put(")")
	return nil
}

func (c *compiler) segment(id int64, via []int64) error {
	for _, seen := range via {
		if seen == id {
			return apperr.Invalid("query", "the segments name each other in a circle")
		}
	}
	if len(via) > MaxDepth {
		return apperr.Invalid("query", "segments name each other at most %d deep", MaxDepth)
	}
	n, err := c.resolve(c.ctx, id)
	if err != nil {
		return err
	}
	return c.node(n, append(via[:len(via):len(via)], id))
}

var comparisons = map[string]string{"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

// eventColumns tell when something happened to an outbound message.
var eventColumns = map[string]string{
	"received": "m.sent_at", "delivered": "m.delivered_at", "read": "m.read_at", "clicked": "m.clicked_at", "replied": "m.replied_at",
	"opted_out": "m.opted_out_at", "failed": "CASE WHEN m.status IN ('failed', 'undelivered') THEN m.ended_at END",
	"skipped": "CASE WHEN m.status = 'skipped' THEN coalesce(m.ended_at, m.created_at) END",
}

var reasonColumns = map[string]string{"failed": "m.error_code::text", "skipped": "m.skip_reason"}

// behaviour asks first whether it happened at all: Postgres joins for that,
// and counts contact by contact only where it must.
func (c *compiler) behaviour(b Behaviour) {
	switch never := b.Count == 0 && (b.Op == "eq" || b.Op == "lte"); {
	case never:
		c.put("NOT EXISTS (SELECT")
		c.happenings(b)
		c.put(")")
	case b.Op == "gte" && b.Count == 1:
		c.put("EXISTS (SELECT")
		c.happenings(b)
		c.put(")")
	case b.Count > 0 && (b.Op == "eq" || b.Op == "gte"):
		c.put("(EXISTS (SELECT")
		c.happenings(b)
		c.put(") AND ")
		c.happened(b)
		c.put(" "+comparisons[b.Op]+" ?)", b.Count)
	default:
		c.put("(")
		c.happened(b)
		c.put(" "+comparisons[b.Op]+" ?)", b.Count)
	}
}

// happened puts how often something happened.
func (c *compiler) happened(b Behaviour) {
	c.put("(SELECT count(*)")
	c.happenings(b)
	c.put(")")
}

func (c *compiler) happenings(b Behaviour) {
	column := eventColumns[b.Event]
	c.put(" FROM messages m WHERE m.contact_id = c.id AND m.direction = 'outbound' AND " + column + " IS NOT NULL")
	if b.Reason != "" {
		c.put(" AND "+reasonColumns[b.Event]+" = ?", b.Reason)
	}
	if b.Campaign != 0 {
		c.put(" AND m.campaign_id = ?", b.Campaign)
	}
	if b.WithinLast != "" {
		c.put(" AND "+column+" >= now() - make_interval(secs => ?)", parseDuration(b.WithinLast).Seconds())
	}
}

const lastOutbound = "SELECT max(m.accepted_at) FROM messages m WHERE m.contact_id = c.id AND m.direction = 'outbound'"

func (c *compiler) condition(x Condition) {
	typ, known := fields[x.Field]
	switch {
	case !known:
		c.attribute(strings.Split(strings.TrimPrefix(x.Field, "attributes."), "."), x)
	case x.Field == "last_outbound_at":
		c.timeColumn("("+lastOutbound+")", x)
	case typ == typeTime:
		c.timeColumn("c."+x.Field, x)
	case typ == typeBool:
		c.put("c."+x.Field+" "+comparisons[x.Op]+" ?", x.Value)
	case x.Field == "address":
		c.address(x)
	default:
		c.textColumn("c."+x.Field, x)
	}
}

// address compares numbers in any spelling, and ids, with all addresses of a contact.
func (c *compiler) address(x Condition) {
	canonical := func(v any) any {
		s, _ := v.(string)
		if a, err := contact.ParseAddress(s, ""); err == nil {
			return a.MatchKey
		}
		return s
	}
	switch x.Op {
	case "eq", "ne":
		c.put(not(x.Op == "ne", hasAddress), texts([]any{canonical(x.Value)}))
	case "in", "not_in":
		items := x.Value.([]any)
		keys := make([]any, len(items))
		for i, item := range items {
			keys[i] = canonical(item)
		}
		c.put(not(x.Op == "not_in", hasAddress), texts(keys))
	case "exists", "not_exists", "is_empty":
		c.textColumn("c.address", x)
	default:
		like := likePattern(x.Op, x.Value)
		c.put("(c.address ILIKE ? OR "+contact.SearchAddresses("address ILIKE ?")+")", like, like)
	}
}

// hasAddress is asked as one list of ids, so that an index finds them.
const hasAddress = "c.id = ANY (ARRAY(SELECT a.contact_id FROM contact_addresses a WHERE a.match_key = ANY (?::text[])))"

func not(negated bool, sql string) string {
	if negated {
		return "NOT (" + sql + ")"
	}
	return sql
}

func (c *compiler) textColumn(column string, x Condition) {
	switch x.Op {
	case "eq", "ne":
		c.put(column+" "+comparisons[x.Op]+" ?", x.Value)
	case "in":
		c.put(column+" = ANY (?::text[])", texts(x.Value))
	case "not_in":
		c.put(column+" <> ALL (?::text[])", texts(x.Value))
	case "exists":
		c.put(column + " <> ''")
	case "not_exists", "is_empty":
		c.put(column + " = ''")
	default:
		c.put(column+" ILIKE ?", likePattern(x.Op, x.Value))
	}
}

func (c *compiler) timeColumn(column string, x Condition) {
	switch x.Op {
	case "before":
		c.put("coalesce("+column+" < ?, false)", parseTime(x.Value))
	case "after":
		c.put("coalesce("+column+" > ?, false)", parseTime(x.Value))
	case "between":
		pair := x.Value.([]any)
		c.put("coalesce("+column+" BETWEEN ? AND ?, false)", parseTime(pair[0]), parseTime(pair[1]))
	case "within_last":
		c.put("coalesce("+column+" >= now() - make_interval(secs => ?), false)", parseDuration(x.Value.(string)).Seconds())
	case "not_within_last":
		c.put("coalesce("+column+" < now() - make_interval(secs => ?), true)", parseDuration(x.Value.(string)).Seconds())
	case "exists":
		c.put(column + " IS NOT NULL")
	case "not_exists":
		c.put(column + " IS NULL")
	}
}

// indexed are the arguments of a fragment that numbers its placeholders.
type indexed []any

// expand rewrites ?0, ?1… to bun's positional ?.
func (x indexed) expand(sql string) (string, []any) {
	var out strings.Builder
	var args []any
	for i := 0; i < len(sql); i++ {
		out.WriteByte(sql[i])
		if sql[i] == '?' {
			i++
			args = append(args, x[sql[i]-'0'])
		}
	}
	return out.String(), args
}

func texts(v any) any {
	items := v.([]any)
	out := make([]string, len(items))
	for i, item := range items {
		out[i], _ = item.(string)
	}
	return pgdialect.Array(out)
}

func likePattern(op string, v any) string {
	s, _ := v.(string)
	s = db.LikeEscape(s)
	switch op {
	case "starts_with":
		return s + "%"
	case "ends_with":
		return "%" + s
	}
	return "%" + s + "%"
}
