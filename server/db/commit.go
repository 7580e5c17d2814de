package db

import (
	"context"

	"github.com/uptrace/bun"
)

// CommitLater lets the transaction's commit return before it is on disk. A crash may lose
// it, with all that was committed later: it is for work that is done again from its own
// records then, because what says that it was done is in the same transaction. A later
// commit that waits for the disk waits for this one, too.
func CommitLater(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("SET LOCAL synchronous_commit = off").Exec(ctx)
	return Err(err)
}
