// Package jobs lets domains enqueue River jobs in their own transactions,
// without knowing the workers.
package jobs

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Queues. Replies and webhooks never wait behind bulk.
const (
	QueueBulk        = "bulk"        // preparing and dispatching campaigns
	QueueReplies     = "replies"     // single messages somebody waits for
	QueueWebhooks    = "webhooks"    // applying what Twilio told
	QueueImports     = "imports"     // contact files
	QueueMaintenance = "maintenance" // sweeps, approvals, sealing
)

// Enqueuer inserts jobs that exist only if the transaction commits.
type Enqueuer struct{ Client *river.Client[*sql.Tx] }

// Insert adds one job.
func (e *Enqueuer) Insert(ctx context.Context, tx bun.Tx, args river.JobArgs) error {
	if _, err := e.Client.InsertTx(ctx, tx.Tx, args, nil); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}
