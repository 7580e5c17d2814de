package webhookevent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/jobs"

	"github.com/uptrace/bun"
)

const (
	maxGroup   = 1000
	queueRoom  = 20_000
	writerJobs = 2 // groups written at once

	// enoughJobs that wait need no further one: each applies all that there is
	// when it runs. So many cannot all begin between our look and our commit; if
	// they did, Nudge would find the events within seconds.
	enoughJobs = 32
)

// Writer makes events durable in groups: many requests, one insert, one fsync.
// Nobody is answered before the commit.
type Writer struct {
	db    *db.DB
	jobs  *jobs.Enqueuer
	log   *slog.Logger
	queue chan *waiting
}

type waiting struct {
	event *Event
	done  chan error
}

// NewWriter makes a Writer; Run it.
func NewWriter(d *db.DB, j *jobs.Enqueuer, log *slog.Logger) *Writer {
	return &Writer{db: d, jobs: j, log: log, queue: make(chan *waiting, queueRoom)}
}

// Write returns once the event is durable, or was so already.
func (w *Writer) Write(ctx context.Context, e *Event) error {
	wait := &waiting{event: e, done: make(chan error, 1)}
	select {
	case w.queue <- wait:
	default:
		return apperr.New(apperr.CodeUnavailable, "too many webhooks wait already")
	}
	select {
	case err := <-wait.done:
		return err
	case <-ctx.Done():
		return apperr.Wrap(ctx.Err(), apperr.CodeUnavailable, "the event was not written in time")
	}
}

// Run writes until ctx ends, then what still waits.
func (w *Writer) Run(ctx context.Context) {
	done := make(chan struct{})
	for range writerJobs {
		go func() {
			defer func() { done <- struct{}{} }()
			w.loop(ctx)
		}()
	}
	for range writerJobs {
		<-done
	}
}

func (w *Writer) loop(ctx context.Context) {
	for {
		var group []*waiting
		select {
		case first := <-w.queue:
			group = append(group, first)
		case <-ctx.Done():
			select {
			case last := <-w.queue:
				group = append(group, last)
			default:
				return
			}
		}
		// What came while the last group was being written makes the next one.
	fill:
		for len(group) < maxGroup {
			select {
			case next := <-w.queue:
				group = append(group, next)
			default:
				break fill
			}
		}
		err := w.write(context.WithoutCancel(ctx), group)
		for _, g := range group {
			g.done <- err
		}
	}
}

func (w *Writer) write(ctx context.Context, group []*waiting) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	events := make([]*Event, len(group))
	for i, g := range group {
		events[i] = g.event
	}
	err := w.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		fresh, err := insert(ctx, tx, events)
		if err != nil || fresh == 0 {
			return err
		}
		if waiting, err := applyWaiting(ctx, tx, enoughJobs); err != nil || waiting {
			return err
		}
		return w.jobs.Insert(ctx, tx, ApplyArgs{})
	})
	if err != nil {
		w.log.ErrorContext(ctx, "webhook events not written", "events", len(group), "error", err)
		if errors.Is(err, context.DeadlineExceeded) {
			err = apperr.Wrap(err, apperr.CodeUnavailable, "the database is slow")
		}
	}
	return err
}
