// Package frontend carries the built SPA inside the binary.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

//go:embed src/gql/persisted-documents.json
var documents []byte

// Dist is the built SPA; it holds no index.html before `make build`.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the directory is part of the binary
	}
	return sub
}

// Documents is the manifest of the SPA's trusted documents: hash to text.
func Documents() []byte { return documents }
