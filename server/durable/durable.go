// Package durable keeps what was written to disk there through a power cut.
package durable

import (
	"errors"
	"os"
)

// SyncDir makes the names in a directory last: a file that is synced itself may
// still be without one.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
