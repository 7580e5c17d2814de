package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Reference is a number among an entry's changes that stands for another thing.
type Reference struct {
	Field string // of the changes, at whatever depth
	Thing Thing
}

// MostReferences is how many of them an entry gives: what tells of more is no list to read.
const MostReferences = 20

// refers has the fields of changes that hold the number of a thing, and which kind of thing. What is not here is no
// number of a thing, whatever its name.
var refers = map[string]string{
	"SenderID": "sender",
	"add":      "label",
	"assignee": "operator",
	"campaign": "campaign",
	"contact":  "contact",
	"merged":   "contact",
	"message":  "message",
	"messages": "message",
	"of":       "campaign",
	"owner":    "operator",
	"remove":   "label",
	"segment":  "segment",
	"sender":   "sender",
	"template": "template",
	"topic":    "topic",
	"version":  "template_version",
}

// References are the things that an entry's changes name by their numbers, each once, in the order of the changes.
func (e *Entry) References() []Reference {
	var all []Reference
	eachValue(e.Changes, func(field string, v json.RawMessage, listed bool) {
		entity := refers[field]
		if field == "messages" && !listed { // else it is how many there were
			return
		}
		id, err := strconv.ParseInt(string(v), 10, 64)
		r := Reference{field, Thing{entity, id}}
		if err == nil && entity != "" && len(all) < MostReferences && !slices.Contains(all, r) {
			all = append(all, r)
		}
	})
	return all
}

// told are the fields that hold a sentence: of a person, or of the server in English.
var told = []string{"failure", "reason"}

// Sentences are the texts that an entry's changes have for people to read, each once.
func (e *Entry) Sentences() []string {
	var all []string
	eachValue(e.Changes, func(field string, v json.RawMessage, _ bool) {
		var s string
		if slices.Contains(told, field) && json.Unmarshal(v, &s) == nil && s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	})
	return all
}

// eachValue visits the values of changes that are neither objects nor lists, with the field that they belong to, and whether
// they stand in a list there. "from" and "to" are no fields where they are those of a Difference.
func eachValue(changes json.RawMessage, visit func(field string, v json.RawMessage, listed bool)) {
	var each func(field string, v json.RawMessage, listed bool)
	each = func(field string, v json.RawMessage, listed bool) {
		switch v = bytes.TrimSpace(v); {
		case bytes.HasPrefix(v, []byte("[")):
			var list []json.RawMessage
			_ = json.Unmarshal(v, &list) // it is what the database has as JSON
			for _, one := range list {
				each(field, one, true)
			}
		case bytes.HasPrefix(v, []byte("{")):
			var object map[string]json.RawMessage
			_ = json.Unmarshal(v, &object)
			_, from := object["from"]
			_, to := object["to"]
			for _, name := range slices.Sorted(maps.Keys(object)) {
				part := name
				if from && to && field != "" && (name == "from" || name == "to") {
					part = field
				}
				each(part, object[name], listed && part == field)
			}
		default:
			visit(field, v, listed)
		}
	}
	each("", changes, false)
}

// Name is what a thing is called now.
type Name struct {
	Text string
	Gone bool // deleted: it has no page any more
}

// HasName tells whether things of a kind have names.
func HasName(entity string) bool { return named[entity] != "" }

// Names tells what things are called, and of those that are not there that they are gone.
func (t *Trail) Names(ctx context.Context, things []Thing) (map[Thing]*Name, error) {
	rows, err := names(ctx, t.db, things)
	found := make(map[Thing]*Name, len(things))
	for _, thing := range things {
		found[thing] = &Name{Gone: true}
	}
	for _, r := range rows {
		found[Thing{r.Entity, r.ID}] = &Name{r.Name, r.Gone}
	}
	return found, err
}
