package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"eventstream/server/apperr"
)

// objects reads JSON objects one by one, and the order of their keys; io.EOF ends
// them.
type objects interface {
	next() (obj map[string]any, keys []string, line int64, err error)
}

// brokenRowError is what is wrong with one object; reading goes on behind it.
type brokenRowError string

func (e brokenRowError) Error() string { return string(e) }

func newObjects(r io.Reader, format Format) (objects, error) {
	switch format {
	case FormatNDJSON:
		return &objectLines{lines: newLines(r)}, nil
	default:
		budget := &budgetReader{r: r}
		o := &objectStream{dec: json.NewDecoder(budget), budget: budget, array: format == FormatJSON || format == FormatAnswer}
		if !o.array {
			return o, nil
		}
		if format == FormatAnswer {
			return o, o.findList()
		}
		budget.left = maxRecord
		if t, err := o.dec.Token(); err != nil || t != json.Delim('[') {
			return nil, errors.New("it is not a JSON array")
		}
		return o, nil
	}
}

func parseObject(raw []byte) (map[string]any, []string, error) {
	var obj map[string]any
	if err := json.Unmarshal(raw, &obj); err != nil || obj == nil {
		return nil, nil, brokenRowError(fmt.Sprintf("found %.80s, want an object", raw))
	}
	return obj, keyOrder(raw), nil
}

// objectLines has an object in each line: one that is broken costs only itself.
type objectLines struct{ lines *lines }

func (o *objectLines) next() (map[string]any, []string, int64, error) {
	for {
		l, err := o.lines.next()
		if err != nil {
			return nil, nil, 0, err
		}
		if l.cut {
			return nil, nil, l.number, brokenRowError(tooLarge)
		}
		raw := bytes.TrimSpace([]byte(l.text))
		if len(raw) == 0 {
			continue
		}
		obj, keys, err := parseObject(raw)
		return obj, keys, l.number, err
	}
}

// objectStream reads an array, or objects one after the other over several lines.
// In it a syntax error ends the file: nobody can tell where the next row begins.
type objectStream struct {
	dec    *json.Decoder
	budget *budgetReader
	array  bool
	row    int64
	ended  bool
	first  json.RawMessage // was read already
}

// findList goes on to the first list that has an object in it.
func (o *objectStream) findList() error {
	for {
		o.budget.left = maxRecord
		t, err := o.dec.Token()
		if err != nil {
			return errors.New("it holds no list of objects")
		}
		if t != json.Delim('[') {
			continue
		}
		for o.dec.More() {
			o.budget.left = maxRecord
			var raw json.RawMessage
			if err := o.dec.Decode(&raw); err != nil {
				return errors.New("it holds no list of objects")
			}
			if len(raw) > 0 && raw[0] == '{' {
				o.first = raw
				return nil
			}
		}
	}
}

// unwrapped is an object out of what some APIs wrap each of a list in, such as a node.
func unwrapped(raw json.RawMessage) json.RawMessage {
	var one map[string]json.RawMessage
	if json.Unmarshal(raw, &one) == nil && len(one) <= 2 {
		for _, key := range []string{"node", "contact", "data", "item", "properties"} {
			if inner := one[key]; len(inner) > 0 && inner[0] == '{' {
				return inner
			}
		}
	}
	return raw
}

func (o *objectStream) next() (map[string]any, []string, int64, error) {
	o.budget.left = maxRecord
	if o.ended {
		return nil, nil, 0, io.EOF
	}
	if o.first != nil {
		raw := o.first
		o.first = nil
		o.row++
		obj, keys, err := parseObject(unwrapped(raw))
		return obj, keys, o.row, err
	}
	if o.array && !o.dec.More() {
		if _, err := o.dec.Token(); err != nil { // the array's end, or the file's
			return nil, nil, 0, o.broken(err)
		}
		o.ended = true
		return nil, nil, 0, io.EOF
	}
	var raw json.RawMessage
	err := o.dec.Decode(&raw)
	if !o.array && errors.Is(err, io.EOF) {
		return nil, nil, 0, io.EOF
	}
	o.row++
	if err == nil && len(raw) > maxRecord {
		err = errTooLarge
	}
	if err != nil {
		return nil, nil, 0, o.broken(err)
	}
	if o.array {
		raw = unwrapped(raw)
	}
	obj, keys, err := parseObject(raw)
	return obj, keys, o.row, err
}

func (o *objectStream) broken(err error) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.Is(err, errTooLarge):
		return apperr.Invalid("file", "row %d is larger than 1 MiB", o.row)
	case syntax || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return apperr.Invalid("file", "the JSON breaks off at row %d: %s", o.row, err)
	}
	return err
}

var errTooLarge = errors.New("larger than 1 MiB")

// budgetReader ends when one row has taken more than its share.
type budgetReader struct {
	r    io.Reader
	left int
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func keyOrder(raw json.RawMessage) []string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	var keys []string
	_, _ = dec.Token()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			break
		}
		if name, ok := key.(string); ok {
			keys = append(keys, name)
		}
		var skip json.RawMessage
		if dec.Decode(&skip) != nil {
			break
		}
	}
	return keys
}

// withoutZeros takes the character 0 out of texts, which Postgres cannot keep.
func withoutZeros(v any) any {
	switch x := v.(type) {
	case string:
		return strings.ReplaceAll(x, "\x00", "")
	case []any:
		for i := range x {
			x[i] = withoutZeros(x[i])
		}
	case map[string]any:
		for key, value := range x {
			if plain := strings.ReplaceAll(key, "\x00", ""); plain != key {
				delete(x, key)
				key = plain
			}
			x[key] = withoutZeros(value)
		}
	}
	return v
}

// jsonRows are objects as rows of a file.
type jsonRows struct {
	objects objects
	columns []Column
	row     int64
}

func newJSON(r io.Reader, format Format, columns []Column) (*jsonRows, error) {
	o, err := newObjects(r, format)
	return &jsonRows{objects: o, columns: columns}, err
}

func (j *jsonRows) next() (record, error) {
	obj, _, at, err := j.objects.next()
	broken, isBroken := errors.AsType[brokenRowError](err)
	if err != nil && !isBroken {
		return record{}, err
	}
	j.row++
	rec := record{row: j.row, line: at, fault: string(broken)}
	if isBroken {
		return rec, nil
	}
	obj, _ = withoutZeros(obj).(map[string]any)
	rec.values = make([]any, len(j.columns))
	for i, c := range j.columns {
		rec.values[i] = obj[c.Name]
		if nested, ok := obj[c.Name].(map[string]any); ok && foldHeader(c.Name) == "attributes" {
			rec.values[i], rec.extra = nil, nested
		}
	}
	return rec, nil
}
