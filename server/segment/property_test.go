package segment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/globalid"
	"eventstream/server/message"
	"eventstream/server/segment"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// TestCompiledSQLAgreesWithAPlainEvaluator draws contacts and queries at random
// and compares who matches in Postgres with who matches by the plainest reading
// of the language.
func TestCompiledSQLAgreesWithAPlainEvaluator(t *testing.T) {
	t.Parallel()
	const people = 120
	queries := 2500
	if testing.Short() {
		queries = 300
	}
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("SEGMENT_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("SEGMENT_SEED=%d repeats this run", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	d := dbtest.New(t)
	ctx := context.Background()
	var contacts []*contact.Contact
	for i := range people {
		c := g.contact(i)
		_, err := d.NewInsert().Model(c).Exec(ctx)
		require.NoError(t, err)
		// As it comes back: what JSON and Postgres keep of it.
		stored := new(contact.Contact)
		require.NoError(t, d.NewSelect().Model(stored).Where("c.id = ?", c.ID).Scan(ctx))
		contacts = append(contacts, stored)
	}
	w := g.world(t, d, contacts)
	matched := 0
	for range queries {
		raw := g.query(3)
		text, err := json.Marshal(raw)
		require.NoError(t, err)
		node, err := segment.Parse(text)
		require.NoError(t, err, string(text))
		p, err := segment.Compile(ctx, node, func(_ context.Context, id int64) (segment.Node,
			error,
		) {
			return w.segments[id], nil
		})
		require.NoError(t, err, string(text))
		var got []int64
		require.NoError(t, d.NewRaw("SELECT c.id FROM contacts c WHERE "+p.SQL+" ORDER BY c.id", p.Args...).Scan(ctx, &got),
			string(text))
		var want []int64
		w.now = time.Now()
		for _, c := range contacts {
			if w.matches(node, c) {
				want = append(want, c.ID)
			}
		}
		matched += len(want)
		require.Equal(t, want, got, string(text))
	}
	require.Greater(t, matched, queries, "the queries match somebody often enough to mean something")
	t.Logf("%d queries over %d contacts: %d cases, %d matches", queries, people, queries*people, matched)
}

// TestTheSchemaSaysWhatParseSays holds the JSON Schema that clients get against
// the parser, over queries that are right and some that are not.
func TestTheSchemaSaysWhatParseSays(t *testing.T) {
	t.Parallel()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(segment.Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("query.json", document))
	schema, err := compiler.Compile("query.json")
	require.NoError(t, err)
	valid := func(query string) bool {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(query))
		require.NoError(t, err, query)
		return schema.Validate(v) == nil
	}
	g := &generator{Rand: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))}
	for range 500 {
		raw, err := json.Marshal(g.query(3))
		require.NoError(t, err)
		require.True(t, valid(string(raw)), string(raw))
	}
	for _, right := range []string{
		`{"city": "Paris", "vip": true}`, `{"attribute": "city", "operator": "equals", "value": "Paris"}`,
		`{"conditions": [{"a": 1}], "logic": "OR"}`,
		`{"random": {"percent": 10, "salt": "autumn"}}`,
		`{"event": "read", "within_last": "30d", "count": {"op": "gte", "value": 2}}`, `{"segment": "U2VnbWVudDox"}`,
		`{"topic": "VG9waWM6MQ=="}`, `{"all": []}`,
	} {
		_, err := segment.Parse(json.RawMessage(right))
		require.NoError(t, err, right)
		require.True(t, valid(right), right)
	}
	for _, wrong := range []string{
		`{"field": "citty", "op": "eq", "value": 1}`, `{"field": "name", "op": "like", "value": "x"}`,
		`{"field": "consent_status", "op": "eq", "value": "maybe"}`,
		`{"field": "attributes.n", "op": "between", "value": [1]}`,
		`{"field": "last_inbound_at", "op": "within_last", "value": "30 days"}`, `{"random": {"percent": 101}}`,
		`{"event": "forwarded"}`, `{"topic": 7}`, `{"conditions": [], "logic": "XOR"}`, `[1]`, `{"all": [], "any": []}`,
		`{"field": "name", "op": "exists", "value": "x"}`, `{"not": []}`, `{"city": ["Paris"]}`,
		`{"field": "reachable", "op": "eq", "value": "yes"}`, `{"event": "read", "count": {"op": "gte", "value": -1}}`,
	} {
		_, err := segment.Parse(json.RawMessage(wrong))
		require.Error(t, err, wrong)
		require.False(t, valid(wrong), wrong)
	}
}

type generator struct{ *rand.Rand }

func (g *generator) one(values ...any) any { return values[g.IntN(len(values))] }

var (
	words = []any{
		"Paris", "paris", "Berlin", "São Paulo", "50%_off", `a\b`, "", "x", "O'Brien", "true", "7", "Köln",
		"KÖLN", "МОСКВА",
	}
	names  = []string{"city", "plan", "age", "vip", "tags", "address", "due"}
	stamps = []any{
		"2026-01-15", "2026-11-20T10:00:00Z", "2020-02-29", "1999-12-31T23:59:59",
		"2026-11-20T23:30:00+14:00", "2026-11-19T23:30:00-12:00", "not a date", "2026-02-31", "2026-13-01",
	}
)

// scalar is what an attribute holds, or a query asks for.
func (g *generator) scalar() any {
	switch g.IntN(5) {
	case 0:
		return g.IntN(8)
	case 1:
		return float64(g.IntN(40)) / 4
	case 2:
		return g.IntN(2) == 0
	case 3:
		return g.one(stamps...)
	}
	return g.one(words...)
}

func (g *generator) contact(i int) *contact.Contact {
	a, err := contact.ParseAddress(fmt.Sprintf("+4915%09d", 200000000+i), "")
	if err != nil {
		panic(err)
	}
	c := contact.New(a)
	c.Name, _ = g.one(words...).(string)
	c.Locale, _ = g.one("de", "en", "", "pt-BR").(string)
	c.ConsentStatus, _ = g.one(contact.ConsentUnknown, contact.ConsentOptedIn,
		contact.ConsentOptedOut).(contact.ConsentStatus)
	c.Reachable = g.IntN(4) > 0
	c.CreatedAt = time.Now().Add(-time.Duration(g.IntN(60*24)) * time.Hour)
	if g.IntN(2) == 0 {
		at := time.Now().Add(-time.Duration(g.IntN(60*24)) * time.Hour).Add(-30 * time.Minute)
		c.LastInboundAt = &at
	}
	c.Attributes = map[string]any{}
	for _, name := range names {
		switch g.IntN(7) {
		case 0, 1:
		case 2:
			c.Attributes[name] = nil
		case 3:
			c.Attributes[name] = []any{g.scalar(), g.scalar()}
		case 4:
			c.Attributes[name] = map[string]any{"inner": g.scalar()}
		default:
			c.Attributes[name] = g.scalar()
		}
	}
	return c
}

func (g *generator) query(depth int) map[string]any {
	if depth > 0 {
		switch g.IntN(6) {
		case 0, 1:
			key, _ := g.one("all", "any").(string)
			parts := []any{}
			for range g.IntN(4) {
				parts = append(parts, g.query(depth-1))
			}
			return map[string]any{key: parts}
		case 2:
			return map[string]any{"not": g.query(depth - 1)}
		}
	}
	switch g.IntN(9) {
	case 0:
		return g.behaviour()
	case 1:
		return map[string]any{"import": globalid.Encode("Import", int64(1+g.IntN(2)))}
	case 3:
		return map[string]any{"topic": globalid.Encode("Topic", int64(1+g.IntN(2)))}
	case 2:
		return map[string]any{"segment": globalid.Encode("Segment", int64(1+g.IntN(2)))}
	}
	return g.condition()
}

func (g *generator) behaviour() map[string]any {
	b := map[string]any{"event": g.one("received", "delivered", "read", "clicked", "replied", "failed", "opted_out", "skipped")}
	if b["event"] == "failed" && g.IntN(2) == 0 {
		b["reason"] = g.one("63024", "63049")
	}
	if b["event"] == "skipped" && g.IntN(2) == 0 {
		b["reason"] = g.one("opted_out", "frequency_cap")
	}
	if g.IntN(2) == 0 {
		b["count"] = map[string]any{"op": g.one("gte", "lte", "eq"), "value": g.IntN(3)}
	}
	if g.IntN(3) == 0 {
		b["campaign"] = globalid.Encode("Campaign", int64(1+g.IntN(3)))
	}
	if g.IntN(2) == 0 {
		b["within_last"] = g.one("30d", "12h", "5d")
	}
	return b
}

func (g *generator) condition() map[string]any {
	c := map[string]any{}
	var op string
	switch g.IntN(8) {
	case 0:
		c["field"] = g.one("name", "locale", "region", "time_zone")
		op, _ = g.one("eq", "ne", "in", "not_in", "contains", "starts_with", "ends_with", "exists", "not_exists",
			"is_empty").(string)
		c["value"] = g.one(append(words, "de", "DE", "Europe/Berlin")...)
	case 1:
		c["field"], op = "consent_status", g.one("eq", "ne", "in", "not_in").(string)
		c["value"] = g.one("unknown", "opted_in", "opted_out")
	case 2:
		c["field"], op, c["value"] = "reachable", g.one("eq", "ne").(string), g.IntN(2) == 0
	case 3:
		c["field"] = g.one("created_at", "last_inbound_at", "last_outbound_at")
		op, _ = g.one("before", "after", "between", "within_last", "not_within_last", "exists", "not_exists").(string)
		c["value"] = time.Now().Add(-time.Duration(g.IntN(60*24)) * time.Hour).UTC().Format(time.RFC3339)
	default:
		c["field"] = "attributes." + names[g.IntN(len(names))]
		if g.IntN(6) == 0 {
			c["field"] = c["field"].(string) + ".inner"
		}
		op, _ = g.one("eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between", "contains", "has", "starts_with",
			"ends_with", "exists", "not_exists", "is_empty", "before", "after", "within_last", "not_within_last").(string)
		c["value"] = g.scalar()
	}
	c["op"] = op
	date := func() any { return g.one(stamps[:6]...) }
	isTime := slices.Contains([]any{"created_at", "last_inbound_at", "last_outbound_at"}, c["field"])
	switch op {
	case "exists", "not_exists", "is_empty":
		delete(c, "value")
	case "in", "not_in":
		list := []any{c["value"]}
		if strings.HasPrefix(c["field"].(string), "attributes.") {
			list = append(list, g.scalar(), g.scalar())
		}
		c["value"] = list
	case "between":
		switch {
		case isTime:
			c["value"] = []any{"2026-01-01", c["value"]}
		case g.IntN(2) == 0:
			low := g.IntN(5)
			c["value"] = []any{low, low + g.IntN(4)}
		default:
			c["value"] = []any{"2019-01-01", date()}
		}
	case "lt", "lte", "gt", "gte":
		c["value"] = g.one(g.IntN(9), date())
	case "before", "after":
		if !isTime {
			c["value"] = date()
		}
	case "within_last", "not_within_last":
		c["value"] = g.one("5d", "36h", "9000d", "3w")
	case "contains", "starts_with", "ends_with":
		c["value"] = g.one("par", "PAR", "%", "_", `\`, "o", "", "7", "ö", "моск", `"`)
	}
	return c
}

// evaluate reads a query in the plainest way.
// world is what the plain evaluator knows beside the contacts themselves.
type world struct {
	now      time.Time
	messages map[int64][]message.Message // of a contact
	imports  map[int64]map[int64]bool    // import, contact
	topics   map[int64]map[int64]bool    // topic, contact
	segments map[int64]segment.Node
}

// world gives the contacts messages and imports, and some segments to name.
func (g *generator) world(t *testing.T, d *db.DB, contacts []*contact.Contact) *world {
	t.Helper()
	w := &world{
		messages: map[int64][]message.Message{}, imports: map[int64]map[int64]bool{1: {}, 2: {}},
		topics: map[int64]map[int64]bool{1: {}, 2: {}}, segments: map[int64]segment.Node{},
	}
	for id := range int64(2) {
		_, err := d.NewRaw("INSERT INTO imports (file_name, options, status) VALUES ('f.csv', '{}', 'completed')").Exec(t.Context())
		require.NoError(t, err)
		_, err = d.NewRaw("INSERT INTO topics (name) VALUES (?)", fmt.Sprintf("topic %d", id)).Exec(t.Context())
		require.NoError(t, err)
		n, err := segment.Parse([]byte([]string{
			`{"field": "attributes.city", "op": "eq", "value": "Paris"}`,
			`{"event": "read"}`,
		}[id]))
		require.NoError(t, err)
		w.segments[id+1] = n
	}
	for _, c := range contacts {
		for id := range w.imports {
			if g.IntN(3) == 0 {
				w.imports[id][c.ID] = true
				_, err := d.NewRaw("INSERT INTO import_contacts (import_id, contact_id) VALUES (?, ?)", id, c.ID).Exec(t.Context())
				require.NoError(t, err)
			}
		}
		for id := range w.topics {
			if draw := g.IntN(4); draw < 2 {
				status := []string{"subscribed", "left"}[draw]
				w.topics[id][c.ID] = draw == 0
				_, err := d.NewRaw("INSERT INTO contact_topics (topic_id, contact_id, status, source) VALUES (?, ?, ?, 'api')",
					id, c.ID, status).Exec(t.Context())
				require.NoError(t, err)
			}
		}
		for campaign := range int64(g.IntN(4)) {
			at := time.Now().Add(-time.Duration(g.IntN(60*24)) * time.Hour).Truncate(time.Microsecond)
			id := campaign + 1
			m := message.Message{
				Direction: message.Outbound, Purpose: message.PurposeCampaign, CampaignID: &id,
				ContactID: c.ID, Status: message.StatusAccepted, Media: []string{}, AcceptedAt: &at,
			}
			if m.Status = message.StatusFailed; g.IntN(5) > 0 {
				m.Status, m.SentAt = message.StatusSent, &at
			} else {
				m.EndedAt, m.ErrorCode = &at, []int{63024, 63049}[g.IntN(2)]
				if g.IntN(2) == 0 {
					m.Status, m.AcceptedAt, m.ErrorCode = message.StatusSkipped, nil, 0
					m.SkipReason = message.SkipReason(g.one("opted_out", "frequency_cap").(string))
				}
			}
			if m.SentAt != nil && g.IntN(4) > 0 {
				m.Status, m.DeliveredAt = message.StatusDelivered, &at
				if g.IntN(2) == 0 {
					m.Status, m.ReadAt = message.StatusRead, &at
				}
				if g.IntN(4) == 0 {
					m.ClickedAt = &at
				}
				if g.IntN(4) == 0 {
					m.RepliedAt = &at
					if g.IntN(2) == 0 {
						m.OptedOutAt = &at
					}
				}
			}
			_, err := d.NewInsert().Model(&m).Exec(t.Context())
			require.NoError(t, err)
			w.messages[c.ID] = append(w.messages[c.ID], m)
		}
	}
	return w
}

func (w *world) matches(n segment.Node, c *contact.Contact) bool {
	switch x := n.(type) {
	case segment.All:
		for _, p := range x.Parts {
			if !w.matches(p, c) {
				return false
			}
		}
		return true
	case segment.Any:
		for _, p := range x.Parts {
			if w.matches(p, c) {
				return true
			}
		}
		return false
	case segment.Not:
		return !w.matches(x.Part, c)
	case segment.InImport:
		return w.imports[x.ID][c.ID]
	case segment.OnTopic:
		return w.topics[x.ID][c.ID]
	case segment.InSegment:
		return w.matches(w.segments[x.ID], c)
	case segment.Behaviour:
		return w.behaved(x, c)
	case segment.Condition:
		if x.Field == "last_outbound_at" {
			var last *time.Time
			for _, m := range w.messages[c.ID] {
				if m.AcceptedAt != nil && (last == nil || m.AcceptedAt.After(*last)) {
					last = m.AcceptedAt
				}
			}
			return timeHolds(x, last, w.now)
		}
		return holds(x, c, w.now)
	}
	panic(fmt.Sprintf("%T is not drawn", n))
}

func (w *world) behaved(b segment.Behaviour, c *contact.Contact) bool {
	n := int64(0)
	for _, m := range w.messages[c.ID] {
		at := map[string]*time.Time{
			"received": m.SentAt, "delivered": m.DeliveredAt, "read": m.ReadAt, "clicked": m.ClickedAt,
			"replied": m.RepliedAt, "opted_out": m.OptedOutAt, "failed": m.EndedAt, "skipped": m.EndedAt,
		}[b.Event]
		if (b.Event == "skipped") != (m.Status == message.StatusSkipped) {
			continue
		}
		if b.Reason != "" && b.Reason != string(m.SkipReason) && b.Reason != strconv.Itoa(m.ErrorCode) {
			continue
		}
		if at == nil || (b.Campaign != 0 && *m.CampaignID != b.Campaign) {
			continue
		}
		if b.WithinLast != "" {
			span, err := time.ParseDuration(strings.Replace(b.WithinLast, "d", "h", 1))
			if strings.HasSuffix(b.WithinLast, "d") {
				span *= 24
			}
			if err != nil || at.Before(w.now.Add(-span)) {
				continue
			}
		}
		n++
	}
	switch b.Op {
	case "eq":
		return n == b.Count
	case "lte":
		return n <= b.Count
	case "lt":
		return n < b.Count
	case "gt":
		return n > b.Count
	case "ne":
		return n != b.Count
	}
	return n >= b.Count
}

func holds(x segment.Condition, c *contact.Contact, now time.Time) bool {
	switch x.Field {
	case "name":
		return textHolds(x, c.Name)
	case "locale":
		return textHolds(x, c.Locale)
	case "region":
		return textHolds(x, c.Region)
	case "time_zone":
		return textHolds(x, c.TimeZone)
	case "consent_status":
		return textHolds(x, string(c.ConsentStatus))
	case "reachable":
		return (x.Op == "eq") == (c.Reachable == x.Value)
	case "created_at":
		return timeHolds(x, &c.CreatedAt, now)
	case "last_inbound_at":
		return timeHolds(x, c.LastInboundAt, now)
	}
	var v any = c.Attributes
	for _, key := range strings.Split(strings.TrimPrefix(x.Field, "attributes."), ".") {
		m, _ := v.(map[string]any)
		v = m[key] // nil also where there is no such key
	}
	return attributeHolds(x, v, now)
}

// fold is what Postgres folds under C.UTF-8: every script's letters.
func fold(s string) string { return strings.ToLower(s) }

func textHolds(x segment.Condition, s string) bool {
	switch x.Op {
	case "eq":
		return s == x.Value
	case "ne":
		return s != x.Value
	case "in":
		return slices.Contains(x.Value.([]any), any(s))
	case "not_in":
		return !slices.Contains(x.Value.([]any), any(s))
	case "exists":
		return s != ""
	case "not_exists", "is_empty":
		return s == ""
	}
	part := fold(x.Value.(string))
	return map[string]func(string, string) bool{
		"contains": strings.Contains, "starts_with": strings.HasPrefix,
		"ends_with": strings.HasSuffix,
	}[x.Op](fold(s), part)
}

func timeHolds(x segment.Condition, at *time.Time, now time.Time) bool {
	switch x.Op {
	case "exists":
		return at != nil
	case "not_exists":
		return at == nil
	case "not_within_last":
		return at == nil || at.Before(now.Add(-span(x.Value)))
	}
	if at == nil {
		return false
	}
	switch x.Op {
	case "before":
		return at.Before(*instant(x.Value))
	case "after":
		return at.After(*instant(x.Value))
	case "between":
		pair := x.Value.([]any)
		return !at.Before(*instant(pair[0])) && !at.After(*instant(pair[1]))
	}
	return !at.Before(now.Add(-span(x.Value))) // within_last
}

func span(v any) time.Duration {
	s, _ := v.(string)
	n, _ := strconv.Atoi(s[:len(s)-1])
	return time.Duration(n) * map[byte]time.Duration{
		'h': time.Hour, 'd': 24 * time.Hour,
		'w': 7 * 24 * time.Hour,
	}[s[len(s)-1]]
}

func instant(v any) *time.Time {
	s, _ := v.(string)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return &t
		}
	}
	return nil
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case json.Number:
		f, err := x.Float64()
		return f, err == nil
	}
	return 0, false
}

// same compares as JSON does: 1 and 1.0 are one number, and types never mix.
func same(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

func attributeHolds(x segment.Condition, v any, now time.Time) bool {
	s, isText := v.(string)
	at := instant(v)
	switch x.Op {
	case "eq":
		return v != nil && same(v, x.Value)
	case "ne":
		return v == nil || !same(v, x.Value)
	case "in", "not_in":
		found := v != nil && slices.ContainsFunc(x.Value.([]any), func(w any) bool { return same(v, w) })
		return found == (x.Op == "in")
	case "exists":
		return v != nil
	case "not_exists":
		return v == nil
	case "is_empty":
		list, isList := v.([]any)
		object, isObject := v.(map[string]any)
		return v == nil || (isText && s == "") || (isList && len(list) == 0) || (isObject && len(object) == 0)
	case "has":
		list, _ := v.([]any)
		return slices.ContainsFunc(list, func(w any) bool { return same(w, x.Value) })
	case "contains":
		if list, ok := v.([]any); ok {
			return slices.Contains(list, x.Value)
		}
		return isText && textHolds(x, s)
	case "starts_with", "ends_with":
		return isText && textHolds(x, s)
	case "within_last":
		return at != nil && !at.Before(now.Add(-span(x.Value))) && !at.After(now)
	case "not_within_last":
		return at == nil || at.Before(now.Add(-span(x.Value)))
	}
	bounds := []any{x.Value}
	if x.Op == "between" {
		bounds = x.Value.([]any)
	}
	compare := func(bound any) (int, bool) {
		if want, ok := number(bound); ok {
			got, isNumber := number(v)
			switch {
			case !isNumber:
				return 0, false
			case got < want:
				return -1, true
			case got > want:
				return 1, true
			}
			return 0, true
		}
		if at == nil {
			return 0, false
		}
		return at.Compare(*instant(bound)), true
	}
	low, ok := compare(bounds[0])
	if !ok {
		return false
	}
	switch x.Op {
	case "lt", "before":
		return low < 0
	case "lte":
		return low <= 0
	case "gt", "after":
		return low > 0
	case "gte":
		return low >= 0
	}
	high, ok := compare(bounds[1])
	return ok && low >= 0 && high <= 0
}
