package webhookevent

import (
	"fmt"
	"testing"

	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
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
