// Package report reads across the tables for pages. It writes none, and counts
// no table that grows: the counters answer.
package report

import (
	"context"
	"strconv"
	"time"

	"eventstream/server/db"
	"eventstream/server/message"
)

// Service answers.
type Service struct {
	db   *db.DB
	code func(int) message.CodeInfo
}

// NewService makes the service; code explains error codes.
func NewService(d *db.DB, code func(int) message.CodeInfo) *Service {
	return &Service{db: d, code: code}
}

// Dashboard is the first page.
type Dashboard struct {
	Contacts, OptedIn, OptedOut, Unreachable int64
	CampaignsActive, CampaignsTotal          int64
	Now, Before                              Period // the range, and the same length of time before it
	From, To                                 time.Time
	Series                                   []Point
}

// Period is what happened in a stretch of time.
type Period struct {
	Accepted, Delivered, Read, Failed, Replied, OptedOut, Received int64
}

// Rate is n of base, 0 when base is none.
func Rate(n, base int64) float64 {
	if base == 0 {
		return 0
	}
	return float64(n) / float64(base)
}

// Point is one step of the volume chart.
type Point struct {
	At                                          time.Time
	Accepted, Delivered, Read, Failed, Received int64
}

// Dashboard reads a range, by default the last 24 hours.
func (s *Service) Dashboard(ctx context.Context, from, to time.Time) (*Dashboard, error) {
	d := &Dashboard{From: from, To: to}
	if err := contactTotals(ctx, s.db, d); err != nil {
		return nil, err
	}
	if err := campaignTotals(ctx, s.db, d); err != nil {
		return nil, err
	}
	var err error
	if d.Now, err = period(ctx, s.db, from, to); err != nil {
		return nil, err
	}
	if d.Before, err = period(ctx, s.db, from.Add(-to.Sub(from)), from); err != nil {
		return nil, err
	}
	d.Series, err = volume(ctx, s.db, from, to)
	return d, err
}

// ErrorBucket is one error code with its meaning.
type ErrorBucket struct {
	Info  message.CodeInfo
	Count int64
	Share float64 // of all failed and undelivered messages in the report
}

// Errors lists why messages failed, of one campaign or all, most frequent first.
func (s *Service) Errors(ctx context.Context, campaignID *int64) ([]ErrorBucket, error) {
	rows, err := failures(ctx, s.db, campaignID)
	if err != nil {
		return nil, err
	}
	var total int64
	for _, r := range rows {
		total += r.N
	}
	out := make([]ErrorBucket, len(rows))
	for i, r := range rows {
		code, _ := strconv.Atoi(r.Reason)
		out[i] = ErrorBucket{Info: s.code(code), Count: r.N, Share: Rate(r.N, total)}
	}
	return out, nil
}

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
	Name   string
	Level  Level
	Detail string
	Advice string // "" when all is well
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
}

// Health looks at every part.
func (s *Service) Health(ctx context.Context, providerName string) (*Health, error) {
	h := &Health{}
	started := time.Now()
	if err := s.db.PingContext(ctx); err != nil {
		h.Checks = append(h.Checks, Check{"Postgres", LevelBad, "it does not answer", "Check that the database runs and that DATABASE_URL is right."})
		return h, nil //nolint:nilerr // that is the answer
	}
	latency := time.Since(started)
	h.add("Postgres", latency > 100*time.Millisecond, latency > time.Second, "answers in "+latency.Round(100*time.Microsecond).String(), "The database is slow: look at its load and disk.")
	if err := systemState(ctx, s.db, h); err != nil {
		return nil, err
	}
	h.add("Workers", false, h.Workers == 0, strconv.FormatInt(h.Workers, 10)+" alive", "Nobody works the jobs: start a worker (run or work).")
	h.add("Webhooks", h.WebhookLagSeconds > 2, h.WebhookLagSeconds > 30, "oldest waits "+seconds(h.WebhookLagSeconds), "Events arrive faster than they are applied: add a worker, or look at the jobs of the queue webhooks.")
	h.add("Dispatch", h.DispatchLagSeconds > 30, h.DispatchLagSeconds > 300, "last slice "+seconds(max(h.DispatchLagSeconds, 0))+" ago", "Campaigns wait for slots: the sender's rate is the limit, or a worker is missing.")
	var failed int64
	for _, q := range h.Queues {
		failed += q.Failed
	}
	h.add("Jobs", failed > 0, failed > 100, strconv.FormatInt(failed, 10)+" discarded", "Look at the discarded jobs and their errors under /admin/jobs.")
	h.Checks = append(h.Checks, Check{Name: "Twilio", Level: LevelOK, Detail: providerName})
	return h, nil
}

func (h *Health) add(name string, warn, bad bool, detail, advice string) {
	c := Check{Name: name, Level: LevelOK, Detail: detail}
	switch {
	case bad:
		c.Level, c.Advice = LevelBad, advice
	case warn:
		c.Level, c.Advice = LevelWarn, advice
	}
	h.Checks = append(h.Checks, c)
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}
