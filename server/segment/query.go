// Package segment reads, checks and compiles the query language in which
// audiences are described.
package segment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/globalid"
	"eventstream/server/say"
)

// Limits of one query.
const (
	MaxDepth      = 8
	MaxConditions = 100
	MaxBytes      = 64 << 10
	maxList       = 1000 // values of one in or not_in
)

// Node is one part of a checked query.
type Node interface{ node() }

type (
	// All matches when every part does; with no parts it matches everybody.
	All struct{ Parts []Node }
	// Any matches when one part does; with no parts it matches nobody.
	Any struct{ Parts []Node }
	// Not turns its part round.
	Not struct{ Part Node }
	// Condition compares one field.
	Condition struct {
		Field string
		Op    string
		Value any // string, float64 as json.Number, bool, []any, or nil
	}
	// Random picks the same share of the contacts every time.
	Random struct {
		Percent float64
		Salt    string
	}
	// Behaviour matches by what happened with our messages to the contact.
	Behaviour struct {
		Event      string
		Reason     string // why, of skipped and failed; "": any
		Campaign   int64  // 0: any
		WithinLast string // "": ever
		Op         string // how often compares to Count
		Count      int64
	}
	// InSegment matches the members of another segment.
	InSegment struct{ ID int64 }
	// InImport matches the contacts that an import touched.
	InImport struct{ ID int64 }
	// OnTopic matches the subscribers of a topic.
	OnTopic struct{ ID int64 }
)

func (All) node()       {}
func (Any) node()       {}
func (Not) node()       {}
func (Condition) node() {}
func (Random) node()    {}
func (Behaviour) node() {}
func (InSegment) node() {}
func (InImport) node()  {}
func (OnTopic) node()   {}

type fieldType int

const (
	typeText fieldType = iota
	typeBool
	typeTime
	typeStatus
	typeAttribute
)

// fields are the columns of a contact that queries may name.
var fields = map[string]fieldType{
	"name": typeText, "address": typeText, "region": typeText, "locale": typeText, "time_zone": typeText,
	"consent_status": typeStatus, "reachable": typeBool,
	"created_at": typeTime, "last_inbound_at": typeTime, "last_outbound_at": typeTime,
}

var (
	textOps = []string{
		"eq", "ne", "in", "not_in", "contains", "starts_with", "ends_with", "exists", "not_exists",
		"is_empty",
	}
	boolOps = []string{"eq", "ne"}
	timeOps = []string{"before", "after", "between", "within_last", "not_within_last", "exists", "not_exists"}
	anyOps  = []string{
		"eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between", "contains", "starts_with", "ends_with",
		"has", "exists", "not_exists", "is_empty", "before", "after", "within_last", "not_within_last",
	}
	opsOf = map[fieldType][]string{
		typeText: textOps, typeBool: boolOps, typeTime: timeOps,
		typeStatus: {"eq", "ne", "in", "not_in"}, typeAttribute: anyOps,
	}

	statuses   = []string{"unknown", "opted_in", "opted_out"}
	durationRe = regexp.MustCompile(`^([1-9][0-9]{0,4})([mhdw])$`)

	// reasonForms are what the reasons of events look like that have one.
	reasonForms = map[string]*regexp.Regexp{
		"failed": regexp.MustCompile(`^[0-9]{1,6}$`), "skipped": regexp.MustCompile(`^[a-z_]{1,40}$`),
	}
)

// FieldNames lists the fields for people, sorted.
func FieldNames() []string {
	names := make([]string, 0, len(fields)+1)
	for f := range fields {
		names = append(names, f)
	}
	sort.Strings(names)
	return append(names, "attributes.<key>")
}

// Parse reads a query and checks all of it. Errors name the JSON path, what
// was found and what is allowed.
func Parse(raw json.RawMessage) (Node, error) {
	if len(raw) > MaxBytes {
		return nil, apperr.Invalid("query", "the query takes %d bytes, at most %d are allowed", len(raw), MaxBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, apperr.Invalid("query", "the query is not JSON: %s", jsonProblem(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, apperr.Invalid("query", "the query holds more than one JSON value")
	}
	p := parser{maxDepth: MaxDepth, maxConditions: MaxConditions}
	return p.group(v, "query", 1)
}

// parseUnlimited reads what the engine itself wrote.
func parseUnlimited(raw json.RawMessage) (Node, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, apperr.Wrap(err, apperr.CodeInternal, "a stored query is not JSON")
	}
	p := parser{maxDepth: math.MaxInt, maxConditions: math.MaxInt}
	return p.group(v, "query", 1)
}

func jsonProblem(err error) say.Text {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return say.New("at byte %d: %s", syntax.Offset, syntax.Error())
	}
	return say.New("it ends too early")
}

type parser struct{ conditions, maxDepth, maxConditions int }

func fail(path string, format say.Format, args ...any) error {
	return apperr.Invalid(path, "%s: %s", path, say.New(format, args...))
}

func show(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	if len(raw) > 80 {
		return string(raw[:77]) + "…"
	}
	return string(raw)
}

func (p *parser) group(v any, path string, depth int) (Node, error) {
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, fail(path, "found %s, want an object such as {\"field\": …} or {\"all\": […]}", show(v))
	}
	if depth > p.maxDepth {
		return nil, fail(path, "groups nest at most %d deep", p.maxDepth)
	}
	has := func(key string) bool { _, ok := obj[key]; return ok }
	switch {
	case has("all") || has("any"):
		key := "all"
		if has("any") {
			key = "any"
		}
		if err := only(obj, path, key); err != nil {
			return nil, err
		}
		parts, err := p.list(obj[key], path+"."+key, depth)
		if err != nil {
			return nil, err
		}
		if key == "any" {
			return Any{parts}, nil
		}
		return All{parts}, nil
	case has("not"):
		if err := only(obj, path, "not"); err != nil {
			return nil, err
		}
		part, err := p.group(obj["not"], path+".not", depth+1)
		return Not{part}, err
	case has("conditions"):
		return p.firstProductGroup(obj, path, depth)
	case has("field"):
		return p.condition(obj, path)
	case has("attribute"):
		return p.firstProductCondition(obj, path)
	case has("random"):
		return p.random(obj, path)
	case has("event"):
		return p.behaviour(obj, path)
	case has("topic"):
		id, err := p.reference(obj, path, "topic")
		return OnTopic{id}, err
	case has("segment"):
		id, err := p.reference(obj, path, "segment")
		return InSegment{id}, err
	case has("import"):
		id, err := p.reference(obj, path, "import")
		return InImport{id}, err
	}
	return p.shorthand(obj, path)
}

func only(obj map[string]any, path string, allowed ...string) error {
next:
	for key := range obj {
		for _, a := range allowed {
			if key == a {
				continue next
			}
		}
		return fail(path, "found %q beside %q; allowed here: %s", key, allowed[0], strings.Join(allowed, ", "))
	}
	return nil
}

func (p *parser) list(v any, path string, depth int) ([]Node, error) {
	items, ok := v.([]any)
	if !ok {
		return nil, fail(path, "found %s, want a list of conditions", show(v))
	}
	parts := make([]Node, 0, len(items))
	for i, item := range items {
		part, err := p.group(item, fmt.Sprintf("%s[%d]", path, i), depth+1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func (p *parser) count(path string) error {
	if p.conditions++; p.conditions > p.maxConditions {
		return fail(path, "a query has at most %d conditions", p.maxConditions)
	}
	return nil
}

// shorthand is {"city": "Paris", "vip": true}: all equal, on attributes.
func (p *parser) shorthand(obj map[string]any, path string) (Node, error) {
	keys := make([]string, 0, len(obj))
	for k := range obj {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	all := All{}
	for _, k := range keys {
		field := "attributes." + strings.TrimPrefix(k, "attributes.")
		if _, known := fields[k]; known {
			field = k
		}
		c, err := p.condition(map[string]any{"field": field, "op": "eq", "value": obj[k]}, path+"."+k)
		if err != nil {
			return nil, err
		}
		all.Parts = append(all.Parts, c)
	}
	return all, nil
}

// firstProductGroup is {"conditions": […], "logic": "AND"|"OR"}.
func (p *parser) firstProductGroup(obj map[string]any, path string, depth int) (Node, error) {
	if err := only(obj, path, "conditions", "logic"); err != nil {
		return nil, err
	}
	parts, err := p.list(obj["conditions"], path+".conditions", depth)
	if err != nil {
		return nil, err
	}
	switch logic := obj["logic"]; logic {
	case nil, "AND", "and":
		return All{parts}, nil
	case "OR", "or":
		return Any{parts}, nil
	default:
		return nil, fail(path+".logic", "found %s, want \"AND\" or \"OR\"", show(logic))
	}
}

// firstProductCondition is {"attribute": A, "operator": "equals"|"contains", "value": V}.
func (p *parser) firstProductCondition(obj map[string]any, path string) (Node, error) {
	if err := only(obj, path, "attribute", "operator", "value"); err != nil {
		return nil, err
	}
	name, ok := obj["attribute"].(string)
	if !ok {
		return nil, fail(path+".attribute", "found %s, want the name of an attribute", show(obj["attribute"]))
	}
	op, ok := map[any]string{"equals": "eq", "contains": "contains"}[obj["operator"]]
	if !ok {
		return nil, fail(path+".operator", "found %s, want \"equals\" or \"contains\"", show(obj["operator"]))
	}
	return p.condition(map[string]any{"field": "attributes." + name, "op": op, "value": obj["value"]}, path)
}

func (p *parser) random(obj map[string]any, path string) (Node, error) {
	if err := only(obj, path, "random"); err != nil {
		return nil, err
	}
	if err := p.count(path); err != nil {
		return nil, err
	}
	in, ok := obj["random"].(map[string]any)
	if !ok {
		return nil, fail(path+".random", "found %s, want {\"percent\": 10, \"salt\": \"…\"}", show(obj["random"]))
	}
	if err := only(in, path+".random", "percent", "salt"); err != nil {
		return nil, err
	}
	percent, err := strconv.ParseFloat(fmt.Sprint(in["percent"]), 64)
	if _, isNumber := in["percent"].(json.Number); !isNumber || err != nil || percent < 0 || percent > 100 {
		return nil, fail(path+".random.percent", "found %s, want a number from 0 to 100", show(in["percent"]))
	}
	salt, ok := in["salt"].(string)
	if in["salt"] != nil && (!ok || len(salt) > 100) {
		return nil, fail(path+".random.salt", "found %s, want a text of at most 100 characters", show(in["salt"]))
	}
	return Random{percent, salt}, nil
}

func (p *parser) reference(obj map[string]any, path, key string) (int64, error) {
	if err := only(obj, path, key); err != nil {
		return 0, err
	}
	if err := p.count(path); err != nil {
		return 0, err
	}
	return readID(obj[key], path+"."+key, key)
}

// kinds of things that queries name, as their ids spell them.
var kinds = map[string]string{"segment": "Segment", "import": "Import", "topic": "Topic", "campaign": "Campaign"}

func readID(v any, path, key string) (int64, error) {
	s, _ := v.(string)
	id, err := globalid.Decode("", kinds[key], s)
	if err != nil {
		return 0, fail(path, "found %s, want the id of a %s", show(v), key)
	}
	return id, nil
}

// behaviour is {"event": E, "campaign": id?, "within_last": "30d"?, "count": {"op": …, "value": n}?}.
func (p *parser) behaviour(obj map[string]any, path string) (Node, error) {
	if err := only(obj, path, "event", "reason", "campaign", "within_last", "count"); err != nil {
		return nil, err
	}
	if err := p.count(path); err != nil {
		return nil, err
	}
	b := Behaviour{Op: "gte", Count: 1}
	b.Event, _ = obj["event"].(string)
	if _, ok := eventColumns[b.Event]; !ok {
		return nil, fail(path+".event", "found %s, want received, delivered, read, clicked, replied, opted_out, failed or skipped",
			show(obj["event"]))
	}
	if v, ok := obj["reason"]; ok && v != nil {
		form, has := reasonForms[b.Event]
		if !has {
			return nil, fail(path+".reason", "found %s beside %s; only failed and skipped have reasons", show(v), b.Event)
		}
		if b.Reason, _ = v.(string); !form.MatchString(b.Reason) {
			return nil, fail(path+".reason", "found %s, want the reason as text: an error code of Twilio's such as \"63024\" of failed, a reason such as \"opted_out\" of skipped", show(v))
		}
	}
	if v, ok := obj["campaign"]; ok && v != nil {
		id, err := readID(v, path+".campaign", "campaign")
		if err != nil {
			return nil, err
		}
		b.Campaign = id
	}
	if v, ok := obj["within_last"]; ok && v != nil {
		if b.WithinLast, _ = v.(string); !durationRe.MatchString(b.WithinLast) {
			return nil, fail(path+".within_last", "found %s, want a duration such as 30d", show(v))
		}
	}
	if v, ok := obj["count"]; ok && v != nil {
		in, isObject := v.(map[string]any)
		if !isObject {
			return nil, fail(path+".count", "found %s, want {\"op\": \"gte\", \"value\": 2}", show(v))
		}
		if err := only(in, path+".count", "op", "value"); err != nil {
			return nil, err
		}
		b.Op, _ = in["op"].(string)
		if comparisons[b.Op] == "" {
			return nil, fail(path+".count.op", "found %s, want eq, ne, lt, lte, gt or gte", show(in["op"]))
		}
		n, err := strconv.ParseInt(fmt.Sprint(in["value"]), 10, 32)
		if _, number := in["value"].(json.Number); !number || err != nil || n < 0 {
			return nil, fail(path+".count.value", "found %s, want a whole number from 0", show(in["value"]))
		}
		b.Count = n
	}
	return b, nil
}

func (p *parser) condition(obj map[string]any, path string) (Node, error) {
	if err := only(obj, path, "field", "op", "value"); err != nil {
		return nil, err
	}
	if err := p.count(path); err != nil {
		return nil, err
	}
	name, ok := obj["field"].(string)
	if !ok {
		return nil, fail(path+".field", "found %s, want one of %s", show(obj["field"]), strings.Join(FieldNames(), ", "))
	}
	typ, known := fields[name]
	if key, isAttribute := strings.CutPrefix(name, "attributes."); isAttribute {
		typ, known = typeAttribute, true
		for _, part := range strings.Split(key, ".") {
			if part == "" || len(part) > 256 || strings.ContainsRune(part, 0) {
				return nil, fail(path+".field", "found %q, want attributes.<key>, each part of 1 to 256 bytes", name)
			}
		}
	}
	if !known {
		return nil, fail(path+".field", "unknown field %q; allowed: %s", name, strings.Join(FieldNames(), ", "))
	}
	op, ok := obj["op"].(string)
	if !ok || !slices.Contains(opsOf[typ], op) {
		return nil, fail(path+".op", "found %s; %s takes %s", show(obj["op"]), name, strings.Join(opsOf[typ], ", "))
	}
	value, present := obj["value"]
	if err := checkValue(typ, op, value, present, path+".value"); err != nil {
		return nil, err
	}
	return Condition{name, op, value}, nil
}

func checkValue(typ fieldType, op string, v any, present bool, path string) error {
	switch op {
	case "exists", "not_exists", "is_empty":
		if present && v != nil {
			return fail(path, "%s takes no value, found %s", op, show(v))
		}
		return nil
	case "in", "not_in":
		items, ok := v.([]any)
		if !ok || len(items) > maxList {
			return fail(path, "found %s, want a list of at most %d values", show(v), maxList)
		}
		for i, item := range items {
			if err := checkScalar(typ, item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	case "between":
		items, ok := v.([]any)
		if !ok || len(items) != 2 {
			return fail(path, "found %s, want a list of two values", show(v))
		}
		for i, item := range items {
			at := fmt.Sprintf("%s[%d]", path, i)
			if typ == typeTime {
				if err := checkTime(item, at); err != nil {
					return err
				}
				continue
			}
			if _, number := item.(json.Number); !number && parseTime(item) == nil {
				return fail(at, "found %s, want a number or a date", show(item))
			}
		}
		return nil
	case "lt", "lte", "gt", "gte":
		if _, ok := v.(json.Number); !ok && parseTime(v) == nil {
			return fail(path, "found %s, want a number or a date such as 2026-11-01", show(v))
		}
		return nil
	case "before", "after":
		return checkTime(v, path)
	case "within_last", "not_within_last":
		s, ok := v.(string)
		if !ok || !durationRe.MatchString(s) {
			return fail(path, "found %s, want a duration such as 30d, 12h, 2w or 45m", show(v))
		}
		return nil
	case "contains", "starts_with", "ends_with":
		if s, ok := v.(string); !ok || len(s) > 1000 {
			return fail(path, "found %s, want a text of at most 1,000 characters", show(v))
		}
		return nil
	}
	return checkScalar(typ, v, path)
}

func checkScalar(typ fieldType, v any, path string) error {
	switch x := v.(type) {
	case string:
		if strings.ContainsRune(x, 0) || len(x) > 4000 {
			return fail(path, "want a text of at most 4,000 characters without NUL")
		}
		if typ == typeStatus && !slices.Contains(statuses, x) {
			return fail(path, "found %q, want %s", x, strings.Join(statuses, ", "))
		}
		if typ == typeBool {
			return fail(path, "found %q, want true or false", x)
		}
		return nil
	case bool:
		if typ == typeBool || typ == typeAttribute {
			return nil
		}
	case json.Number:
		if typ == typeAttribute {
			return nil
		}
	}
	return fail(path, "found %s, want %s", show(v), map[fieldType]string{
		typeText: "a text", typeStatus: strings.Join(statuses, ", "), typeBool: "true or false",
		typeAttribute: "a text, a number, true or false",
	}[typ])
}

func checkTime(v any, path string) error {
	if parseTime(v) == nil {
		return fail(path, "found %s, want a date such as 2026-11-01 or 2026-11-01T09:00:00Z", show(v))
	}
	return nil
}

func parseTime(v any) *time.Time {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1 && t.Year() < 10000 {
			return &t
		}
	}
	return nil
}

func parseDuration(s string) time.Duration {
	m := durationRe.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return time.Duration(n) * map[string]time.Duration{
		"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
		"w": 7 * 24 * time.Hour,
	}[m[2]]
}

// Format writes a checked query in the engine's own form, so that what is
// stored reads the same whatever shorthand it came in.
func Format(n Node) json.RawMessage {
	raw, err := json.Marshal(plain(n))
	if err != nil {
		return json.RawMessage(`{"all":[]}`) // cannot happen: it came from JSON
	}
	return raw
}

func plain(n Node) any {
	list := func(parts []Node) []any {
		out := make([]any, len(parts))
		for i, p := range parts {
			out[i] = plain(p)
		}
		return out
	}
	switch x := n.(type) {
	case All:
		return map[string]any{"all": list(x.Parts)}
	case Any:
		return map[string]any{"any": list(x.Parts)}
	case Not:
		return map[string]any{"not": plain(x.Part)}
	case Random:
		return map[string]any{"random": map[string]any{"percent": x.Percent, "salt": x.Salt}}
	case InSegment:
		return map[string]any{"segment": globalid.Encode("Segment", x.ID)}
	case InImport:
		return map[string]any{"import": globalid.Encode("Import", x.ID)}
	case OnTopic:
		return map[string]any{"topic": globalid.Encode("Topic", x.ID)}
	case Behaviour:
		m := map[string]any{"event": x.Event, "count": map[string]any{"op": x.Op, "value": x.Count}}
		if x.Reason != "" {
			m["reason"] = x.Reason
		}
		if x.Campaign != 0 {
			m["campaign"] = globalid.Encode("Campaign", x.Campaign)
		}
		if x.WithinLast != "" {
			m["within_last"] = x.WithinLast
		}
		return m
	case Condition:
		m := map[string]any{"field": x.Field, "op": x.Op}
		if x.Value != nil {
			m["value"] = x.Value
		}
		return m
	}
	return nil
}
