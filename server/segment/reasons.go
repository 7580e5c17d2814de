package segment

import (
	"context"
	"fmt"
	"strings"

	"eventstream/server/contact"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Reason tells how one contact fares with one condition.
type Reason struct {
	Path    string // place in the query, such as query.all[1]
	Matches bool
	Value   *string // what the contact has there, as text
}

// leaf is a condition of a query with its place.
type leaf struct {
	path string
	node Node
}

// leaves lists the conditions of a query in reading order; other segments are
// one condition each.
func leaves(n Node, path string) (out []leaf) {
	each := func(parts []Node, key string) {
		for i, p := range parts {
			out = append(out, leaves(p, fmt.Sprintf("%s.%s[%d]", path, key, i))...)
		}
	}
	switch x := n.(type) {
	case All:
		each(x.Parts, "all")
	case Any:
		each(x.Parts, "any")
	case Not:
		return leaves(x.Part, path+".not")
	default:
		return []leaf{{path, n}}
	}
	return out
}

// reasonsFor evaluates every condition for a few contacts, in their order.
func (s *Service) reasonsFor(ctx context.Context, idb bun.IDB, n Node, sample []*contact.Contact) ([][]Reason, error) {
	all := leaves(n, "query")
	out := make([][]Reason, len(sample))
	if len(all) == 0 || len(sample) == 0 {
		return out, nil
	}
	c := &compiler{ctx: ctx, resolve: s.resolver(idb, 0), left: inlinedRoom}
	for _, l := range all {
		c.put(", ")
		if err := c.node(l.node, nil); err != nil {
			return nil, err
		}
		c.put(", ")
		c.value(l.node)
	}
	ids := make([]int64, len(sample))
	place := make(map[int64]int, len(sample))
	for i, p := range sample {
		ids[i], place[p.ID] = p.ID, i
	}
	rows, err := evaluate(ctx, idb, Predicate{SQL: c.sql.String(), Args: c.args}, len(all), pgdialect.Array(ids))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		reasons := make([]Reason, len(all))
		for i, l := range all {
			reasons[i] = Reason{Path: l.path, Matches: r.matches[i], Value: r.values[i]}
		}
		out[place[r.id]] = reasons
	}
	return out, nil
}

// value puts what a contact has where a condition looks, as text.
func (c *compiler) value(n Node) {
	switch x := n.(type) {
	case Condition:
		if key, ok := strings.CutPrefix(x.Field, "attributes."); ok {
			c.put("left(c.attributes #>> ?::text[], 200)", pgdialect.Array(strings.Split(key, ".")))
			return
		}
		if x.Field == "last_outbound_at" {
			c.put("to_char((" + lastOutbound + ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
			return
		}
		if fields[x.Field] == typeTime {
			c.put("to_char(c." + x.Field + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
			return
		}
		c.put("c." + x.Field + "::text")
	case Behaviour:
		c.happened(x)
		c.put("::text")
	default:
		c.put("NULL::text")
	}
}
