package audit

import (
	"context"
	"fmt"
	"time"

	"eventstream/server/actor"
)

// Sink is a place where checkpoints go, out of the database's reach.
type Sink interface {
	Name() string // for people, without credentials; the same at every start
	// Put writes a file. Doing it again with the same content does no harm.
	Put(ctx context.Context, name string, content []byte) error
}

// Delivery is what became of a checkpoint at one place.
type Delivery struct {
	Destination string
	DeliveredAt *time.Time // nil: it waits
	Attempts    int
	FailedAt    *time.Time // of the last attempt, when it failed
	Error       string
}

const (
	deliverBatch  = 20
	deliverWithin = 20 * time.Second // of one attempt
)

// Deliver takes what waits to where it goes. What fails is tried again after a
// pause that doubles from half a minute to an hour.
func (t *Trail) Deliver(ctx context.Context) error {
	for _, sink := range t.sinks {
		rows, err := claimDeliveries(ctx, t.db, sink.Name(), deliverBatch)
		if err != nil {
			return err
		}
		for _, d := range rows {
			c, err := parseTrusted(d.Note)
			if err == nil {
				attempt, cancel := context.WithTimeout(ctx, deliverWithin)
				err = sink.Put(attempt, c.FileName(), []byte(d.Note))
				cancel()
			}
			if err != nil {
				t.log.WarnContext(ctx, "an audit checkpoint could not be delivered", "destination", sink.Name(), "error", err)
				if err := deliveryFailed(ctx, t.db, d.CheckpointID, sink.Name(), err.Error()); err != nil {
					return err
				}
				break // what comes after waits its turn
			}
			if err := delivered(ctx, t.db, d.CheckpointID, sink.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Protection says how the trail is kept from being changed unseen.
type Protection struct {
	Last       *Checkpoint // nil: there is none yet
	Deliveries []Delivery  // of the last one that each place was to get
	Waiting    int64       // checkpoints that some place did not get yet
	Since      int64       // entries written since the last checkpoint
	Problem    string      // why none could be made
	Key        string      // the public key that signs now
}

// Protection reads the state of checkpoints.
func (t *Trail) Protection(ctx context.Context) (p Protection, err error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return p, err
	}
	if p.Problem, err = problem(ctx, t.db, "checkpoint"); err != nil {
		return p, err
	}
	rows, err := keyRows(ctx, t.db)
	if err != nil {
		return p, err
	}
	if len(rows) > 0 {
		p.Key = rows[len(rows)-1].PublicKey
	}
	if p.Last, err = lastCheckpoint(ctx, t.db); err != nil {
		return p, fmt.Errorf("last checkpoint: %w", err)
	}
	size := int64(0)
	if p.Last != nil {
		size = p.Last.Size
	}
	if p.Deliveries, p.Waiting, err = deliveries(ctx, t.db, t.places()); err != nil {
		return p, err
	}
	p.Since, err = countAfter(ctx, t.db, size)
	return p, err
}

// places names where checkpoints go.
func (t *Trail) places() []string {
	names := make([]string, len(t.sinks))
	for i, s := range t.sinks {
		names[i] = s.Name()
	}
	return names
}
