package link

import (
	"context"
	"strconv"
	"sync"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/uptrace/bun"
	"golang.org/x/sync/singleflight"
)

const (
	valuesLimit = time.Second // for a contact's values, waiting for a turn included
	// Whoever has one link can open it without end, so that their questions hold few of the connections, which webhooks use too,
	// and one message is asked about once a minute.
	valuesAtOnce = 2
	valuesAge    = time.Minute
	mostValues   = 5_000
)

// people knows whom messages were written to, for the values in their addresses.
type people struct {
	db     bun.IDB
	turn   chan struct{}
	asking singleflight.Group

	mu    sync.Mutex
	known *lru.LRU[int64, *known]
}

type known struct {
	since   time.Time
	contact *contact.Contact // nil: nobody, or nobody any more
}

func newPeople(idb bun.IDB) *people {
	p := &people{db: idb, turn: make(chan struct{}, valuesAtOnce)}
	p.known, _ = lru.NewLRU[int64, *known](mostValues, nil) // it refuses no positive size
	return p
}

// of gives whom a message was written to, or who they are since a merge; nil, for whom an address has its fallbacks, where
// there is nobody any more. Unavailable: Postgres does not say so in time.
func (p *people) of(ctx context.Context, messageID int64) (*contact.Contact, error) {
	if messageID == 0 {
		return nil, nil //nolint:nilnil // nobody
	}
	if k := p.lately(messageID); k != nil {
		return k.contact, nil
	}
	found, err, _ := p.asking.Do(strconv.FormatInt(messageID, 10), func() (any, error) {
		// Whoever asked first may go away; others wait for the same answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), valuesLimit)
		defer cancel()
		select {
		case p.turn <- struct{}{}:
			defer func() { <-p.turn }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c, err := contact.OfMessage(ctx, p.db, messageID)
		if err != nil {
			return nil, err
		}
		k := &known{time.Now(), c}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.known.Add(messageID, k)
		return k, nil
	})
	if err != nil {
		return nil, apperr.Wrap(err, apperr.CodeUnavailable, "the contact's values cannot be read now")
	}
	return found.(*known).contact, nil //nolint:forcetypeassert // nothing else is given
}

// lately gives what was read within the last minute.
func (p *people) lately(messageID int64) *known {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.known.Get(messageID)
	if !ok || !db.Fresh(k.since, valuesAge) {
		return nil
	}
	return k
}
