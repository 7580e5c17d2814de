package webhookevent

import (
	"context"
	"fmt"
	"testing"

	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestWhatIsRecordedWhereNobodyAppliesIsNotHeld: a process that only works stores what
// it finds in the provider's log and has nobody who takes receipts from memory.
func TestWhatIsRecordedWhereNobodyAppliesIsNotHeld(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := newEngine(t, d)
	for n := range 5 {
		require.NoError(t, e.RecordOne(e.ctx, &Event{
			Kind: KindStatus, SID: fmt.Sprintf("SM%d", n), DedupeKey: fmt.Sprintf("log:%d", n), Source: SourceLog,
			Params: map[string]string{"MessageStatus": "delivered"},
		}))
	}
	require.Zero(t, e.held.Load())
	require.Empty(t, e.hand)
	require.NoError(t, e.Apply(e.ctx), "whoever looks next applies them")
	var left int
	require.NoError(t, d.NewRaw("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL").Scan(e.ctx, &left))
	require.Zero(t, left)
}

// TestOneJobIsEnoughForWhatWaits: a long backlog must not bring a job each second.
func TestOneJobIsEnoughForWhatWaits(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := newEngine(t, d)
	require.NoError(t, e.RecordOne(e.ctx, &Event{Kind: KindStatus, SID: "SM1", DedupeKey: "log:1", Source: SourceLog}))
	exec := func(query string) {
		_, err := d.NewRaw(query).Exec(e.ctx)
		require.NoError(t, err)
	}
	left := func() (left bool) {
		require.NoError(t, d.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			left, err = forgotten(ctx, tx)
			return err
		}))
		return left
	}
	exec("UPDATE webhook_events SET received_at = now() - interval '1 minute'")
	require.True(t, left())
	exec("INSERT INTO river_job (kind, args, state, max_attempts, queue) VALUES ('webhook_apply', '{}', 'running', 8, 'webhooks')")
	require.True(t, left(), "one that runs may have looked already")
	exec("INSERT INTO river_job (kind, args, state, max_attempts, queue) VALUES ('webhook_apply', '{}', 'available', 8, 'webhooks')")
	require.False(t, left())
}
