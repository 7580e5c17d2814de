// Package health says how the engine fares: the database, the workers, the
// queues, what waits and since when, each with what to do about it. The same
// numbers go to the health page and to Prometheus. They are read again every few
// seconds, so each comes from an index or a counter and costs the same however
// large the tables are.
package health

import (
	"context"
	"time"

	"eventstream/server/db"
	"eventstream/server/say"
)

// Service looks.
type Service struct {
	db    *db.DB
	spool func() (bytes int64, oldest time.Time) // nil: this process keeps none
	media func(context.Context) (place string, err error)
}

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// WatchSpool makes Look tell how full this process' webhook spool is.
func (s *Service) WatchSpool(state func() (bytes int64, oldest time.Time)) { s.spool = state }

// WatchMedia makes Look tell whether the bucket of the media library answers; place is "" where there is none.
func (s *Service) WatchMedia(look func(context.Context) (place string, err error)) { s.media = look }

// Level is how a part of the system fares.
type Level string

// Levels.
const (
	LevelOK   Level = "ok"
	LevelWarn Level = "warn"
	LevelBad  Level = "bad"
)

// Check is one part of the system and what to do about it.
type Check struct {
	Name   say.Format
	Level  Level
	Detail say.Text
	Advice say.Text // empty when all is well
}

// Queue is one of River's queues.
type Queue struct {
	Name                       string
	Available, Running, Failed int64
}

// Health is how the system fares.
type Health struct {
	Checks             []Check
	Queues             []Queue
	Workers            int64
	WebhookLagSeconds  float64 // age of the oldest webhook event not yet applied
	DispatchLagSeconds float64 // how long ago a campaign that has messages due was last served
	WebhooksPerMinute  int64
	WebhooksParked     int64      // could not be applied and are tried again later; counted to countLimit
	SpoolBytes         int64      // webhooks on this server's disk that Postgres does not have yet
	SpoolOldestAt      *time.Time // since when the first of them waits; nil: none does
	MessagesUndecided  int64      // need a decision; counted to countLimit
}

// countLimit ends counting of what should be few, so that a bad day does not make
// the look itself slow.
const countLimit = 10_000

// Look looks at every part.
func (s *Service) Look(ctx context.Context, provider say.Text) (*Health, error) {
	h := &Health{}
	started := time.Now()
	if err := s.db.PingContext(ctx); err != nil {
		h.Checks = append(h.Checks, Check{
			"Postgres", LevelBad, say.New("it does not answer"),
			say.New("Check that the database runs and that DATABASE_URL is right."),
		})
		return h, nil //nolint:nilerr // that is the answer
	}
	latency := time.Since(started)
	h.add("Postgres", latency > 100*time.Millisecond, latency > time.Second,
		say.New("answers in %s", latency), "The database is slow: look at its load and disk.")
	if err := systemState(ctx, s.db, h); err != nil {
		return nil, err
	}
	h.add("Workers", false, h.Workers == 0, say.New("%d running", h.Workers),
		"Nobody works the jobs: start a worker (run or work).")
	h.add("Webhooks", h.WebhookLagSeconds > 2, h.WebhookLagSeconds > 30, webhookDetail(h.WebhookLagSeconds),
		"Events arrive faster than they are applied: add a worker, or look at the jobs of the queue webhooks.")
	h.add("Webhooks to retry", h.WebhooksParked > 0, h.WebhooksParked > 100,
		many(h.WebhooksParked, "%d will be tried again", "%d or more will be tried again"),
		"They could not be applied: see their errors under Monitoring, Webhook events, and replay them once the cause "+
			"is fixed.")
	s.lookAtSpool(h)
	s.lookAtMedia(ctx, h)
	h.add("Sending", h.DispatchLagSeconds > 30, h.DispatchLagSeconds > 300, dispatchDetail(h.DispatchLagSeconds),
		"Campaigns wait for their turn: the sender's rate is the limit, or a worker is missing.")
	h.add("Unconfirmed messages", h.MessagesUndecided > 0, false,
		many(h.MessagesUndecided, "%d <message needs|messages need> a decision", "%d or more messages need a decision"),
		"Nothing tells whether Twilio has them: decide under Monitoring, Unconfirmed messages, whether they are sent "+
			"again or given up.")
	var failed int64
	for _, q := range h.Queues {
		failed += q.Failed
	}
	h.add("Background work", failed > 0, failed > 100, jobsDetail(failed),
		"Look at them and their errors under /admin/jobs, where they are called discarded.")
	h.Checks = append(h.Checks, Check{Name: "Twilio", Level: LevelOK, Detail: provider})
	return h, nil
}

func (s *Service) lookAtMedia(ctx context.Context, h *Health) {
	if s.media == nil {
		return
	}
	place, err := s.media(ctx)
	switch {
	case err != nil:
		h.Checks = append(h.Checks, Check{
			"Media library", LevelBad, say.New("%s: %s", place, err.Error()),
			say.New("Look at the bucket, at its keys (MEDIA_S3_…) and at the network: WhatsApp does not get the files of templates."),
		})
	case place != "":
		h.Checks = append(h.Checks, Check{Name: "Media library", Level: LevelOK, Detail: say.New("%s answers", place)})
	}
}

// spoolWaits is how long events may wait in the spool before it is more than a
// hiccup of Postgres.
const spoolWaits = 5 * time.Minute

func (s *Service) lookAtSpool(h *Health) {
	if s.spool == nil {
		return
	}
	size, oldest := s.spool()
	detail, waits := say.New("none"), time.Duration(0)
	if h.SpoolBytes = size; size > 0 {
		detail = say.New("%d KiB wait", (size+1023)/1024)
	}
	if !oldest.IsZero() {
		h.SpoolOldestAt, waits = &oldest, time.Since(oldest)
		detail = say.New("%d KiB wait, the oldest for %s", (size+1023)/1024, waits)
	}
	h.add("Webhooks kept on disk", size > 0, waits > spoolWaits, detail,
		"Postgres did not take webhooks, so that they wait on this server's disk and are stored as soon as it does: look "+
			"at the database's load and disk.")
}

func webhookDetail(lag float64) say.Text {
	if lag <= 0 {
		return say.New("nothing waiting")
	}
	return say.New("the oldest waits for %s", seconds(lag))
}

func dispatchDetail(lag float64) say.Text {
	if lag <= 0 {
		return say.New("nothing is overdue")
	}
	return say.New("messages are due, the last batch went %s ago", seconds(lag))
}

func jobsDetail(failed int64) say.Text {
	if failed == 0 {
		return say.New("no job has failed")
	}
	return say.New("%d <job has|jobs have> failed for good", failed)
}

func many(n int64, counted, more say.Format) say.Text {
	if n == 0 {
		return say.New("none")
	}
	if n >= countLimit {
		return say.New(more, countLimit)
	}
	return say.New(counted, n)
}

func (h *Health) add(name say.Format, warn, bad bool, detail say.Text, advice say.Format) {
	c := Check{Name: name, Level: LevelOK, Detail: detail}
	switch {
	case bad:
		c.Level, c.Advice = LevelBad, say.New(advice)
	case warn:
		c.Level, c.Advice = LevelWarn, say.New(advice)
	}
	h.Checks = append(h.Checks, c)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
