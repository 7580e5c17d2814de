package gate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"eventstream/server/apperr"
)

// FrequencyCap keeps a campaign from writing to who had enough: at most
// Messages of all campaigns within Days, its own included.
type FrequencyCap struct {
	Messages int `json:"messages"`
	Days     int `json:"days"`
}

// Validate checks the limits.
func (f *FrequencyCap) Validate() error {
	var errs apperr.List
	if f.Messages < 1 || f.Messages > 100 {
		_ = errs.Add(apperr.Invalid("frequencyCap.messages", "%d is out of range: 1 to 100 messages", f.Messages))
	}
	if f.Days < 1 || f.Days > 90 {
		_ = errs.Add(apperr.Invalid("frequencyCap.days", "%d is out of range: 1 to 90 days", f.Days))
	}
	return errs.Err()
}

func (f *FrequencyCap) String() string { return fmt.Sprintf("%d in %d days", f.Messages, f.Days) }

// Recent is what other campaigns did with a contact.
type Recent struct {
	Accepted int // by Twilio, within the cap's days
	InFlight int // handed over now: nobody knows yet
}

const (
	rivalWait   = 2 * time.Second
	rivalJitter = 4 * time.Second
)

// awaitRival is when a message asks again that met another campaign's on its
// way to the same contact. Claims are committed before the gate looks, so that
// of two at least one sees the other; should both, chance parts them.
func awaitRival(now time.Time) time.Time {
	return now.Add(rivalWait + time.Duration(rand.Int64N(int64(rivalJitter)))) //nolint:gosec // to part two
}
