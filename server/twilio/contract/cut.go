//go:build ignore

// cut takes out of a checkout of github.com/twilio/twilio-oai what this engine uses of Twilio's OpenAPI, without the
// descriptions, and writes testdata/twilio.json:
//
//	go run cut.go CHECKOUT
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// used are the operations that the engine calls, by the file that they stand in.
var used = map[string][]string{
	"twilio_api_v2010.json": {
		"FetchAccount", "CreateMessage", "ListMessage", "FetchMessage", "UpdateMessage", "ListMedia", "DeleteMedia",
	},
	"twilio_content_v1.json": {
		"CreateContent", "FetchContent", "ListContentAndApprovals", "CreateApprovalCreate", "FetchApprovalFetch",
	},
	"twilio_messaging_v2.json": {"ListChannelsSender", "FetchChannelsSender", "UpdateChannelsSender"},
}

// kept are the words of a schema that say what is valid.
var kept = []string{
	"$ref", "type", "format", "nullable", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "properties",
	"required", "items", "additionalProperties",
}

const components = "#/components/schemas/"

type object = map[string]any

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run cut.go CHECKOUT")
	}
	commit, err := exec.Command("git", "-C", os.Args[1], "rev-parse", "HEAD").Output()
	check(err)
	operations, schemas := object{}, object{}
	for _, file := range slices.Sorted(maps.Keys(used)) {
		raw, err := os.ReadFile(filepath.Join(os.Args[1], "spec", "json", file))
		check(err)
		var spec object
		check(json.Unmarshal(raw, &spec))
		c := cutter{from: spec["components"].(object)["schemas"].(object), to: schemas}
		found := 0
		for path, methods := range spec["paths"].(object) {
			for method, op := range methods.(object) {
				op, ok := op.(object)
				if id, _ := op["operationId"].(string); ok && slices.Contains(used[file], id) {
					operations[id] = c.operation(strings.ToUpper(method), path, op)
					found++
				}
			}
		}
		if found != len(used[file]) {
			log.Fatalf("%s: %d of %d operations found", file, found, len(used[file]))
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	check(e.Encode(object{
		"source": "github.com/twilio/twilio-oai", "commit": strings.TrimSpace(string(commit)),
		"license":    "MIT, Copyright (C) 2023, Twilio, Inc.; see LICENSE",
		"operations": operations, "components": object{"schemas": schemas},
	}))
	check(os.WriteFile("testdata/twilio.json", out.Bytes(), 0o644))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type cutter struct{ from, to object }

func (c cutter) operation(method, path string, op object) object {
	out := object{"method": method, "path": path}
	parameters := object{}
	list, _ := op["parameters"].([]any)
	for _, p := range list {
		p := p.(object)
		parameters[p["name"].(string)] = object{"in": p["in"], "required": p["required"] == true, "schema": c.schema(p["schema"])}
	}
	out["parameters"] = parameters
	if body, ok := op["requestBody"].(object); ok {
		for kind, content := range body["content"].(object) {
			out["body"] = object{"type": kind, "schema": c.schema(content.(object)["schema"])}
		}
	}
	answers := object{}
	for status, answer := range op["responses"].(object) {
		answers[status] = object{}
		content, _ := answer.(object)["content"].(object)
		if kind, ok := content["application/json"].(object); ok {
			schema := c.schema(kind["schema"])
			examples, _ := kind["examples"].(object)
			for _, e := range examples {
				if value, ok := e.(object)["value"]; ok {
					c.shown(schema, value)
				}
			}
			answers[status] = object{"schema": schema}
		}
	}
	out["answers"] = answers
	return out
}

// schema copies what is kept of one, and of all that it refers to.
func (c cutter) schema(from any) object {
	out := object{}
	for word, v := range from.(object) {
		switch {
		case !slices.Contains(kept, word):
			continue
		case word == "properties":
			properties := object{}
			for name, s := range v.(object) {
				properties[name] = c.schema(s)
			}
			v = properties
		case word == "items":
			v = c.schema(v)
		case word == "additionalProperties":
			if s, ok := v.(object); ok {
				v = c.schema(s)
			}
		case word == "$ref":
			name := strings.TrimPrefix(v.(string), components)
			if c.to[name] == nil {
				c.to[name] = object{} // it may refer to itself
				c.to[name] = c.schema(c.from[name])
			}
		}
		out[word] = v
	}
	return out
}

// shown notes which fields each published example of an answer has: the specification requires none of them.
func (c cutter) shown(schema object, value any) {
	if ref, ok := schema["$ref"].(string); ok {
		schema = c.to[strings.TrimPrefix(ref, components)].(object)
	}
	switch value := value.(type) {
	case []any:
		if items, ok := schema["items"].(object); ok {
			for _, v := range value {
				c.shown(items, v)
			}
		}
	case object:
		properties, ok := schema["properties"].(object)
		if !ok {
			return
		}
		names := []any{}
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			v, has := value[name]
			before, counted := schema["x-shown"].([]any)
			if has && (!counted || slices.Contains(before, any(name))) {
				names = append(names, name)
			}
			if has {
				c.shown(properties[name].(object), v)
			}
		}
		schema["x-shown"] = names
	}
}
