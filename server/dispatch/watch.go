package dispatch

import (
	"context"
	"sync"
	"time"

	"eventstream/server/db"
)

// lookAge is how old what Postgres said may be when a call begins. It is the
// window that no fence can close: a process that is stopped inside it, with its
// clocks, and goes on only after reconciliation gave the message to another, sends
// it a second time. See docs/chaos.md.
const lookAge = 50 * time.Millisecond

// look is what Postgres said at one moment.
type look struct {
	began   time.Time // by this process' clocks, before it was asked
	now     time.Time // by Postgres' clock
	held    bool      // nothing is sent, see package hold
	sending map[int64]bool

	budgeted  map[int64]bool // what they send is reserved within a budget first
	limited   bool           // WhatsApp's limit of people a day is known: places are taken first
	elsewhere bool           // what is to be sent may have been sent by the original of a restored database
}

// watch asks Postgres for its clock, and whether campaigns still send, for all
// batches of the process together: at most once per lookAge.
type watch struct {
	db *db.DB

	mu        sync.Mutex
	campaigns map[int64]int // how many batches of each are under way

	asking sync.Mutex // held while Postgres is asked
	last   look
}

func newWatch(d *db.DB) *watch { return &watch{db: d, campaigns: map[int64]int{}} }

// enter notes that a batch of the campaign begins; 0 is none.
func (w *watch) enter(campaignID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.campaigns[campaignID]++
}

func (w *watch) leave(campaignID int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.campaigns[campaignID]--; w.campaigns[campaignID] == 0 {
		delete(w.campaigns, campaignID)
	}
}

// current gives a fresh look that began after a batch of the campaign did, and that
// asked about it.
func (w *watch) current(ctx context.Context, campaignID int64, batchBegan time.Time) (look, error) {
	w.asking.Lock()
	defer w.asking.Unlock()
	_, asked := w.last.sending[campaignID]
	if (asked || campaignID == 0) && db.Fresh(w.last.began, lookAge) && !w.last.began.Before(batchBegan) {
		return w.last, nil
	}
	w.mu.Lock()
	ids := make([]int64, 0, len(w.campaigns))
	for id := range w.campaigns {
		ids = append(ids, id)
	}
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // without an answer no call begins
	defer cancel()
	began := time.Now()
	l, err := lookAt(ctx, w.db, ids)
	if err != nil {
		return look{}, err
	}
	l.began = began
	w.last = l
	return l, nil
}
