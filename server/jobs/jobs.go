// Package jobs lets domains enqueue River jobs in their own transactions,
// without knowing the workers.
package jobs

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Queues. Replies and webhooks never wait behind bulk.
const (
	QueueBulk        = "bulk"        // preparing and dispatching campaigns
	QueueReplies     = "replies"     // single messages somebody waits for
	QueueWebhooks    = "webhooks"    // applying what Twilio sent
	QueueImports     = "imports"     // contact files
	QueueMaintenance = "maintenance" // sweeps, approvals, sealing
)

// Queues are all of them; the workers' own go as dispatch.
var Queues = []string{QueueBulk, QueueReplies, QueueWebhooks, QueueImports, QueueMaintenance, "dispatch"}

// Enqueuer inserts jobs that exist only if the transaction commits.
type Enqueuer struct{ Client *river.Client[*sql.Tx] }

// WorkerQueue is the queue of one worker process alone, by the owner name that
// it uses in leases.
func WorkerQueue(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return "worker_" + hex.EncodeToString(sum[:8])
}

// WorkerLease is the lease by which a worker process shows that it lives.
const WorkerLease = "worker:"

// Insert adds one job.
func (e *Enqueuer) Insert(ctx context.Context, tx bun.Tx, args river.JobArgs) error {
	return e.InsertIn(ctx, tx, "", args)
}

// InsertIn adds one job to a queue; "" is that of its kind.
func (e *Enqueuer) InsertIn(ctx context.Context, tx bun.Tx, queue string, args river.JobArgs) error {
	var opts *river.InsertOpts
	if queue != "" {
		opts = &river.InsertOpts{Queue: queue}
	}
	if _, err := e.Client.InsertTx(ctx, tx.Tx, args, opts); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}
