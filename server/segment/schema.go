package segment

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"sync"
)

// Schema is the query language as a JSON Schema (2020-12), made of the same
// tables by which queries are checked. What a schema cannot say (that segments
// form no circle, how deep groups nest in all) Parse says.
var Schema = sync.OnceValue(func() json.RawMessage {
	raw, err := json.Marshal(schema())
	if err != nil {
		panic("segment schema: " + err.Error()) // our own maps always marshal
	}
	return raw
})

type object = map[string]any

func schema() object {
	conditions := []any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		conditions = append(conditions, conditionsOn(object{"const": name}, fields[name])...)
	}
	conditions = append(conditions, conditionsOn(object{"type": "string", "pattern": `^attributes\.[^.]+(\.[^.]+)*$`},
		typeAttribute)...)
	text := object{"type": "string"}
	list := object{"type": "array", "items": object{"$ref": "#"}, "maxItems": MaxConditions}
	exactly := func(required string, properties object) object {
		return object{
			"type": "object", "required": []string{required}, "properties": properties,
			"additionalProperties": false,
		}
	}
	id := object{"type": "string", "description": "a global id, as the API gives it"}
	duration := object{"type": "string", "pattern": durationRe.String()}
	// happened is the form of some events; form is what their reasons look like, if they have any.
	happened := func(form *regexp.Regexp, events ...string) object {
		properties := object{
			"event":       object{"enum": events},
			"campaign":    object{"anyOf": []any{id, object{"type": "null"}}},
			"within_last": object{"anyOf": []any{duration, object{"type": "null"}}},
			"count": object{"anyOf": []any{object{"type": "null"}, object{
				"type": "object", "additionalProperties": false,
				"required": []string{"op", "value"}, "properties": object{
					"op": object{"enum": slices.Sorted(maps.Keys(comparisons))}, "value": object{"type": "integer", "minimum": 0},
				},
			}}},
			"reason": object{"type": "null"},
		}
		if form != nil {
			properties["reason"] = object{"type": []string{"string", "null"}, "pattern": form.String()}
		}
		return exactly("event", properties)
	}
	keywords := []string{
		"all", "any", "not", "conditions", "field", "attribute", "random", "event", "topic", "segment",
		"import",
	}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Segment query",
		"$defs": object{
			"time":     object{"type": "string", "description": "2026-11-01, or with a time, 2026-11-01T09:00:00Z"},
			"duration": object{"type": "string", "pattern": durationRe.String(), "description": "30d, 12h, 2w or 45m"},
		},
		"anyOf": []any{
			exactly("all", object{"all": list}),
			exactly("any", object{"any": list}),
			exactly("not", object{"not": object{"$ref": "#"}}),
			object{"title": "condition", "anyOf": conditions},
			exactly("random", object{"random": object{
				"type": "object", "required": []string{"percent"},
				"additionalProperties": false, "properties": object{
					"percent": object{"type": "number", "minimum": 0, "maximum": 100},
					"salt":    object{"type": []string{"string", "null"}, "maxLength": 100},
				},
			}}),
			happened(nil, without(slices.Sorted(maps.Keys(eventColumns)), reasonForms)...),
			happened(reasonForms["failed"], "failed"),
			happened(reasonForms["skipped"], "skipped"),
			exactly("segment", object{"segment": id}),
			exactly("import", object{"import": id}),
			exactly("topic", object{"topic": id}),
			object{
				"title": "the first product's group", "type": "object", "required": []string{"conditions"},
				"additionalProperties": false, "properties": object{
					"conditions": list, "logic": object{"enum": []any{"AND", "OR", "and", "or", nil}},
				},
			},
			object{
				"title": "the first product's condition", "type": "object",
				"required": []string{"attribute", "operator", "value"}, "additionalProperties": false, "properties": object{
					"attribute": text, "operator": object{"enum": []string{"equals", "contains"}},
					"value": object{"type": []string{"string", "number", "boolean"}},
				},
			},
			object{
				"title": "shorthand: all equal, on attributes", "type": "object",
				"propertyNames":        object{"not": object{"enum": keywords}},
				"additionalProperties": object{"type": []string{"string", "number", "boolean"}},
			},
		},
	}
}

// without leaves out the names that a table has.
func without[V any](names []string, table map[string]V) []string {
	return slices.DeleteFunc(names, func(n string) bool { _, has := table[n]; return has })
}

// conditionsOn are the forms that a condition on a field of this type takes:
// one for each shape of value.
func conditionsOn(field object, typ fieldType) []any {
	scalar := map[fieldType]object{
		typeText: {"type": "string", "maxLength": 4000}, typeBool: {"type": "boolean"}, typeStatus: {"enum": statuses},
		typeTime:      {"$ref": "#/$defs/time"},
		typeAttribute: {"type": []string{"string", "number", "boolean"}},
	}[typ]
	ordered := object{"anyOf": []any{object{"type": "number"}, object{"$ref": "#/$defs/time"}}}
	if typ == typeTime {
		ordered = object{"$ref": "#/$defs/time"}
	}
	shapes := map[string]object{}
	for _, op := range opsOf[typ] {
		switch op {
		case "exists", "not_exists", "is_empty":
			shapes[op] = object{"type": "null"}
		case "in", "not_in":
			shapes[op] = object{"type": "array", "items": scalar, "maxItems": maxList}
		case "between":
			shapes[op] = object{"type": "array", "items": ordered, "minItems": 2, "maxItems": 2}
		case "lt", "lte", "gt", "gte":
			shapes[op] = ordered
		case "before", "after":
			shapes[op] = object{"$ref": "#/$defs/time"}
		case "within_last", "not_within_last":
			shapes[op] = object{"$ref": "#/$defs/duration"}
		case "contains", "starts_with", "ends_with":
			shapes[op] = object{"type": "string", "maxLength": 1000}
		default:
			shapes[op] = scalar
		}
	}
	// Operators whose values look alike share one form.
	byShape := map[string][]string{}
	values := map[string]object{}
	for _, op := range slices.Sorted(maps.Keys(shapes)) {
		raw, _ := json.Marshal(shapes[op])
		byShape[string(raw)] = append(byShape[string(raw)], op)
		values[string(raw)] = shapes[op]
	}
	var forms []any
	for _, shape := range slices.Sorted(maps.Keys(byShape)) {
		required := []string{"field", "op", "value"}
		if values[shape]["type"] == "null" {
			required = required[:2]
		}
		forms = append(forms, object{
			"type": "object", "required": required, "additionalProperties": false,
			"properties": object{"field": field, "op": object{"enum": byShape[shape]}, "value": values[shape]},
		})
	}
	return forms
}
