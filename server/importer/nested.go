package importer

import (
	"encoding/json"
	"slices"
	"strings"
)

// nested are the columns of a table whose cells hold JSON objects, as listmonk exports
// attributes. Each key of the sample's objects is a column of its own, behind those of
// the file.
type nested []nestedColumn

type nestedColumn struct {
	Index int      `json:"index"`
	Keys  []string `json:"keys"`
}

func (n nested) count() (columns int) {
	for _, c := range n {
		columns += len(c.Keys)
	}
	return columns
}

// nestedColumns finds them, and adds their keys to the table.
func nestedColumns(t *table) (found nested) {
	names := len(t.names)
	for i := range names {
		keys, all := keysOf(*t, i)
		if !all || len(keys) == 0 || len(t.names)+len(keys) > maxColumns {
			continue
		}
		found = append(found, nestedColumn{i, keys})
		for _, key := range keys {
			if slices.Contains(t.names, key) {
				key = t.names[i] + "." + key
			}
			t.names = append(t.names, key)
		}
	}
	if len(found) == 0 {
		return nil
	}
	t.names = unique(t.names)
	for i, row := range t.rows {
		t.rows[i] = found.widen(row, names)
	}
	return found
}

// keysOf gives the keys of the objects in a column, in the order in which they are
// first seen, and whether everything in it is an object.
func keysOf(t table, column int) (keys []string, all bool) {
	for _, row := range t.rows {
		if column >= len(row) {
			continue
		}
		cell, isText := row[column].(string)
		if cell = strings.TrimSpace(cell); isText && cell == "" || row[column] == nil {
			continue
		}
		var object map[string]any
		if !strings.HasPrefix(cell, "{") || json.Unmarshal([]byte(cell), &object) != nil {
			return nil, false
		}
		for _, key := range keyOrder(json.RawMessage(cell)) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys, true
}

// widen gives a row of the file with the values of its objects behind its own cells.
func (n nested) widen(row []any, columns int) []any {
	wide := make([]any, columns, columns+n.count())
	copy(wide, row[:min(len(row), columns)])
	for _, c := range n {
		var object map[string]any
		if c.Index < len(row) {
			if cell, ok := row[c.Index].(string); ok && json.Unmarshal([]byte(cell), &object) == nil {
				wide[c.Index] = nil // it stands in its own columns
			}
		}
		for _, key := range c.Keys {
			wide = append(wide, object[key])
		}
	}
	return wide
}

// unnested reads rows with their objects taken apart.
type unnested struct {
	rows   *csvRows
	nested nested
}

func (u *unnested) next() (record, error) {
	rec, err := u.rows.next()
	if err == nil && rec.fault == "" {
		rec.values = u.nested.widen(rec.values, u.rows.want)
	}
	return rec, err
}
