package graph

import (
	"embed"
	"strings"
)

//go:embed schema/*.graphql
var schemaFiles embed.FS

// SDL is the whole schema as it is written.
func SDL() string {
	entries, err := schemaFiles.ReadDir("schema")
	if err != nil {
		panic(err) // part of the binary
	}
	var all strings.Builder
	for _, e := range entries {
		raw, err := schemaFiles.ReadFile("schema/" + e.Name())
		if err != nil {
			panic(err)
		}
		all.Write(raw)
		all.WriteByte('\n')
	}
	return all.String()
}
