package guard

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// TallyEvery is how often a Tally writes a line.
const TallyEvery = time.Minute

// Tally logs what strangers can cause as often as they like: the first time at once, then one line a minute with the
// number of times since the line before. The zero value of Every means TallyEvery.
type Tally struct {
	Log     *slog.Logger
	Message string
	Every   time.Duration

	mu    sync.Mutex
	count int
	last  []any
	waits bool // a line is due
}

// Add counts one case. The attributes of the newest go along with the line.
func (t *Tally) Add(ctx context.Context, attributes ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waits {
		t.count++
		t.last = attributes
		return
	}
	t.Log.WarnContext(ctx, t.Message, append([]any{"count", 1}, attributes...)...)
	t.wait(context.WithoutCancel(ctx))
}

func (t *Tally) wait(ctx context.Context) {
	t.waits = true
	every := t.Every
	if every == 0 {
		every = TallyEvery
	}
	time.AfterFunc(every, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.waits = t.count > 0; !t.waits {
			return
		}
		t.Log.WarnContext(ctx, t.Message, append([]any{"count", t.count}, t.last...)...)
		t.count, t.last = 0, nil
		t.wait(ctx)
	})
}
