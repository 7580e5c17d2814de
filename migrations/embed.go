// Package migrations holds the schema of the engine as SQL, one pair of files
// per step. River's own tables are not here: River brings their SQL itself.
package migrations

import "embed"

// FS holds every <timestamp>_<what>.tx.{up,down}.sql file.
//
//go:embed *.sql
var FS embed.FS
