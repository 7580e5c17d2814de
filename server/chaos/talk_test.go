package chaos

import (
	"context"
	"fmt"
	"sync"
	"time"

	"eventstream/server/globalid"
)

// talk is what contacts and operators do beside a scenario.
type talk struct {
	end     context.CancelFunc
	done    sync.WaitGroup
	stopped map[string]bool // addresses; read it after stop, or under mu

	mu      sync.Mutex
	longest time.Duration // that this machine stood still
}

const (
	talkers   = 4 // contacts that write at once
	talkEvery = 40 * time.Millisecond
	stopEvery = 3 // each third of them writes STOP
)

// converse has contacts write, some of them STOP, and operators answer the others.
func (i *install) converse() *talk {
	ctx, cancel := context.WithCancel(i.ctx)
	w := &talk{end: cancel, stopped: map[string]bool{}}
	for first := range talkers {
		w.done.Go(func() {
			for n := first; n < i.people/20 && ctx.Err() == nil; n += talkers {
				address := fmt.Sprintf("+49151%08d", (n*7919+13)%i.people)
				if n%stopEvery == 0 {
					i.stops(w, address)
				} else if !w.hasStopped(address) {
					i.insist(func() error { return i.writes(address, "Is the shop open on Sunday?") })
					i.answers(ctx, w, address, n)
				}
				pause(ctx, talkEvery)
			}
		})
	}
	w.done.Go(func() { // a clock that shows how long nothing ran here
		const tick = 10 * time.Millisecond
		for ctx.Err() == nil {
			began := time.Now()
			pause(ctx, tick)
			if late := time.Since(began) - tick; late > 0 {
				w.mu.Lock()
				w.longest = max(w.longest, late)
				w.mu.Unlock()
			}
		}
	})
	return w
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stop ends the conversations; what was begun is finished.
func (w *talk) stop() {
	w.end()
	w.done.Wait()
}

// stall is how long this machine stood still at most, both processes of a call.
func (w *talk) stall() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return 2 * w.longest
}

func (w *talk) hasStopped(address string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped[address]
}

// stops has a contact write STOP, once, and reports whether this was the time.
func (i *install) stops(w *talk, address string) bool {
	w.mu.Lock()
	again := w.stopped[address]
	w.stopped[address] = true
	w.mu.Unlock()
	if !again {
		i.insist(func() error { return i.writes(address, "STOP") })
	}
	return !again
}

// insist tries until it succeeds: whatever is broken just now, people write again.
func (i *install) insist(fn func() error) {
	for i.ctx.Err() == nil && !i.t.Failed() {
		if fn() == nil {
			return
		}
		pause(i.ctx, 200*time.Millisecond)
	}
}

// writes has a contact write to us through the sandbox.
func (i *install) writes(address, body string) error {
	return i.Call(i.ctx, `mutation($i: SandboxInboundSendInput!) { sandboxInboundSend(input: $i) { sid userErrors { message } } }`,
		map[string]any{"i": map[string]any{"from": address, "body": body}}, nil)
}

// answers has an operator reply once the message has come. An attempt whose answer is
// lost may have been a reply, so each has its own text.
func (i *install) answers(ctx context.Context, w *talk, address string, n int) {
	for try := 0; ctx.Err() == nil && !i.t.Failed() && !w.hasStopped(address); try++ {
		id := i.count("SELECT coalesce(max(v.id), 0) FROM conversations v JOIN contacts c ON c.id = v.contact_id "+
			"WHERE c.address = ?", address)
		if id > 0 {
			err := i.Call(i.ctx, `mutation($i: ConversationReplyInput!) { conversationReply(input: $i) { userErrors { message } } }`,
				map[string]any{"i": map[string]any{
					"id":   globalid.Encode("Conversation", int64(id)),
					"body": fmt.Sprintf("Yes, from ten to six. (%d.%d)", n, try),
				}}, nil)
			if err == nil {
				return
			}
		}
		pause(ctx, 200*time.Millisecond)
	}
}
