package guard

import (
	"sync"
	"time"
)

// Budget gives each caller so many units in each window of time. It is kept in memory,
// by each process for itself.
type Budget struct {
	limit  int
	window time.Duration
	most   int // callers that are told apart
	now    func() time.Time

	mu      sync.Mutex
	callers map[string]*account
}

type account struct {
	spent  int
	resets time.Time
}

// mostCallers bounds the memory that strangers can take by coming from many addresses.
const mostCallers = 10_000

// NewBudget makes a budget of limit units in each window.
func NewBudget(limit int, window time.Duration, now func() time.Time) *Budget {
	return &Budget{limit: limit, window: window, most: mostCallers, now: now, callers: map[string]*account{}}
}

// Standing is how a caller stands with a budget.
type Standing struct {
	Limit     int
	Remaining int
	Resets    time.Time // when Remaining is Limit again
}

// Take spends units of the caller's budget. What is not there is not spent: ok is false.
func (b *Budget) Take(caller string, units int) (s Standing, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	a := b.account(caller, now)
	if ok = units <= b.limit-a.spent; ok {
		a.spent += units
	}
	return Standing{Limit: b.limit, Remaining: b.limit - a.spent, Resets: a.resets}, ok
}

func (b *Budget) account(caller string, now time.Time) *account {
	a := b.callers[caller]
	switch {
	case a == nil && len(b.callers) >= b.most:
		b.forget(now)
		if len(b.callers) >= b.most { // too many at once to tell them apart
			if caller != "" {
				return b.account("", now)
			}
		}
		fallthrough
	case a == nil, !now.Before(a.resets):
		a = &account{resets: now.Add(b.window)}
		b.callers[caller] = a
	}
	return a
}

// forget drops accounts that are full again anyway.
func (b *Budget) forget(now time.Time) {
	for caller, a := range b.callers {
		if !now.Before(a.resets) {
			delete(b.callers, caller)
		}
	}
}
