package segment

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun/dialect/pgdialect"
)

// attribute compares a value inside the JSON. A value of another type than the
// query's never matches and never errors. Every form is chosen for what it costs
// on a million contacts (docs/benchmarks.md): containment where the index can
// help, one JSON path for numbers, and for times a comparison as text that only
// reads what lies near the bound.
func (c *compiler) attribute(path []string, x Condition) {
	at := pgdialect.Array(path)
	switch x.Op {
	case "eq":
		c.put("c.attributes @> ?::jsonb", nested(path, x.Value))
	case "ne":
		c.put("NOT c.attributes @> ?::jsonb", nested(path, x.Value))
	case "has":
		c.put("c.attributes @> ?::jsonb", nested(path, []any{x.Value}))
	case "in":
		c.attributeIn(path, x.Value.([]any))
	case "not_in":
		c.put("NOT ")
		c.attributeIn(path, x.Value.([]any))
	case "exists":
		c.put("coalesce(jsonb_typeof(c.attributes #> ?::text[]) <> 'null', false)", at)
	case "not_exists":
		c.put("coalesce(jsonb_typeof(c.attributes #> ?::text[]) = 'null', true)", at)
	case "is_empty":
		c.put(`coalesce(c.attributes #> ?::text[] IN ('null', '""', '[]', '{}'), true)`, at)
	case "contains":
		c.attributeContains(path, x.Value.(string))
	case "starts_with", "ends_with":
		text := textAt(path)
		c.put("coalesce("+text.sql+" ILIKE ?1 AND jsonb_typeof("+text.json+") = 'string', false)",
			indexed{text.arg, likePattern(x.Op, x.Value)})
	case "lt", "lte", "gt", "gte":
		c.compare(path, comparisons[x.Op], x.Value)
	case "before":
		c.compare(path, "<", x.Value)
	case "after":
		c.compare(path, ">", x.Value)
	case "between":
		pair := x.Value.([]any)
		c.between(path, pair[0], pair[1])
	case "within_last":
		span, now := parseDuration(x.Value.(string)), time.Now()
		from, to := now.Add(-span), now
		c.timeBetween(path, from, to, "make_interval(secs => ?)", span.Seconds())
	case "not_within_last":
		text := textAt(path)
		c.put("CASE WHEN "+text.isTime()+" THEN ("+text.sql+")::timestamptz < now() - make_interval(secs => ?1) ELSE true END", indexed{text.arg, parseDuration(x.Value.(string)).Seconds()})
	}
}

// at is a value inside the attributes, as text and as JSON, in a fragment whose
// first argument is arg.
type at struct {
	sql, json string
	arg       any
}

func textAt(path []string) at {
	if len(path) == 1 { // half as dear as the operator for paths
		return at{"c.attributes ->> ?0", "c.attributes -> ?0", path[0]}
	}
	return at{"c.attributes #>> ?0::text[]", "c.attributes #> ?0::text[]", pgdialect.Array(path)}
}

// isTime reports whether the value is a time: text that begins with
// year-month-day and that Postgres can read. Numbers and lists look otherwise.
func (a at) isTime() string {
	return a.sql + " LIKE '____-__-__%' AND pg_input_is_valid(" + a.sql + ", 'timestamptz')"
}

// attributeIn is true for any of a list. A few are looked up in the index.
func (c *compiler) attributeIn(path []string, items []any) {
	const few = 8
	if len(items) == 0 {
		c.put("FALSE")
		return
	}
	if len(items) <= few {
		c.put("(")
		for i, item := range items {
			if i > 0 {
				c.put(" OR ")
			}
			c.put("c.attributes @> ?::jsonb", nested(path, item))
		}
		c.put(")")
		return
	}
	values := make([]string, len(items))
	for i, item := range items {
		raw, _ := json.Marshal(item)
		values[i] = string(raw)
	}
	c.put("coalesce(c.attributes #> ?::text[] = ANY (?::jsonb[]), false)", pgdialect.Array(path), pgdialect.Array(values))
}

// attributeContains looks for a part of a text, or for an entry of a list. A
// list that has the entry also has it in its text, unless JSON writes it with a
// backslash: so the type is asked only of what already matched.
func (c *compiler) attributeContains(path []string, value string) {
	text := textAt(path)
	kind := "CASE jsonb_typeof(" + text.json + ") WHEN 'string' THEN " + text.sql + " ILIKE ?1 WHEN 'array' THEN " +
		text.json + " @> to_jsonb(?2::text) ELSE false END"
	if !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		kind = text.sql + " ILIKE ?1 AND " + kind
	}
	c.put("coalesce("+kind+", false)", indexed{text.arg, likePattern("contains", value), value})
}

// compare compares as numbers when the query's value is a number, else as
// points in time.
func (c *compiler) compare(path []string, sign string, bound any) {
	if n, ok := bound.(json.Number); ok {
		c.put("coalesce(c.attributes @@ ?::jsonpath, false)", "strict "+numberPath(path)+" "+sign+" "+n.String())
		return
	}
	t := parseTime(bound)
	text := textAt(path)
	near := func(days int) string { return t.UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	// Zones shift a date by less than a day: two days away, the text decides.
	if strings.HasPrefix(sign, "<") {
		c.put("CASE WHEN ("+text.sql+`) COLLATE "C" < ?1 AND `+text.isTime()+" THEN ("+text.sql+`) COLLATE "C" < ?2 OR (`+text.sql+")::timestamptz "+sign+" ?3 ELSE false END",
			indexed{text.arg, near(2), near(-1), t})
		return
	}
	c.put("CASE WHEN ("+text.sql+`) COLLATE "C" >= ?1 AND `+text.isTime()+" THEN ("+text.sql+`) COLLATE "C" >= ?2 OR (`+text.sql+")::timestamptz "+sign+" ?3 ELSE false END",
		indexed{text.arg, near(-1), near(2), t})
}

// between includes both ends; of a number and a time nothing is between.
func (c *compiler) between(path []string, low, high any) {
	from, isNumber := low.(json.Number)
	to, both := high.(json.Number)
	switch {
	case isNumber && both:
		p := numberPath(path)
		c.put("coalesce(c.attributes @@ ?::jsonpath, false)", fmt.Sprintf("strict %s >= %s && %s <= %s", p, from, p, to))
	case isNumber != both:
		c.put("FALSE")
	default:
		c.timeBetween(path, *parseTime(low), *parseTime(high), "", 0)
	}
}

// timeBetween compares with both ends; with ago, these are now() less that and
// now() by Postgres' own clock, and the times only tell which texts to read.
func (c *compiler) timeBetween(path []string, from, to time.Time, ago string, seconds float64) {
	text := textAt(path)
	low, high := "?3", "?4"
	args := indexed{
		text.arg, from.UTC().AddDate(0, 0, -2).Format(time.DateOnly),
		to.UTC().AddDate(0, 0, 3).Format(time.DateOnly), from, to,
	}
	if ago != "" {
		low, high = "now() - "+strings.Replace(ago, "?", "?3", 1), "now()"
		args = append(args[:3], seconds)
	}
	c.put("CASE WHEN ("+text.sql+`) COLLATE "C" >= ?1 AND (`+text.sql+`) COLLATE "C" < ?2 AND `+text.isTime()+" THEN ("+text.sql+")::timestamptz BETWEEN "+low+" AND "+high+" ELSE false END", args)
}

// numberPath is a JSON path to the value; the keys are quoted as JSON strings.
func numberPath(path []string) string {
	var out strings.Builder
	out.WriteByte('$')
	for _, key := range path {
		raw, _ := json.Marshal(key)
		out.WriteByte('.')
		out.Write(raw)
	}
	return out.String()
}

func nested(path []string, value any) string {
	v := value
	for i := len(path) - 1; i >= 0; i-- {
		v = map[string]any{path[i]: v}
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}
