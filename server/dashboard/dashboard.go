// Package dashboard is the first page's numbers: how many contacts there are,
// what was sent, read and answered over a stretch of time, and why messages
// failed. Every viewer asks again each second, so it counts no table that grows:
// counters kept by triggers answer.
package dashboard

import (
	"context"
	"strconv"
	"sync"
	"time"

	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/series"
)

// Service reads them.
type Service struct {
	db   *db.DB
	code func(int) message.CodeInfo

	mu     sync.Mutex
	latest *Overview
	read   time.Time
}

// NewService makes the service; code explains error codes.
func NewService(d *db.DB, code func(int) message.CodeInfo) *Service {
	return &Service{db: d, code: code}
}

// Overview is the first page.
type Overview struct {
	Contacts, OptedIn, OptedOut, Unreachable int64
	CampaignsActive, CampaignsTotal          int64
	CountsClicks                             bool   // a campaign that was launched does
	Now, Before                              Period // the range, and the same length of time before it
	From, To                                 time.Time
	Series                                   []series.Point
}

// Period is what happened in a stretch of time.
type Period struct {
	Accepted, Delivered, Read, Failed, Clicked, Replied, OptedOut, Received int64

	Tried int64 // accepted by Twilio, or refused by it for good
}

// Rate is n of base, 0 when base is none.
func Rate(n, base int64) float64 {
	if base == 0 {
		return 0
	}
	return float64(n) / float64(base)
}

// shared is how long viewers who watch see the same numbers.
const shared = time.Second

// Latest is Read of the 24 hours before now. All who watch share it: it is read
// at most once a second, however many they are.
func (s *Service) Latest(ctx context.Context, now time.Time) (*Overview, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest != nil && time.Since(s.read) < shared {
		return s.latest, nil
	}
	started := time.Now()
	d, err := s.Read(ctx, now.Add(-24*time.Hour), now, time.UTC, Whole)
	if err == nil {
		s.latest, s.read = d, started
	}
	return d, err
}

// Parts are what of an overview is read beside its numbers.
type Parts struct{ Before, Series bool }

// Whole is all of an overview.
var Whole = Parts{Before: true, Series: true}

// Read reads a range, the steps of its series by the clock of a zone.
func (s *Service) Read(ctx context.Context, from, to time.Time, zone *time.Location, parts Parts) (*Overview, error) {
	contacts, err := contact.CountAll(ctx, s.db)
	if err != nil {
		return nil, err
	}
	d := &Overview{
		Contacts: contacts.All, OptedIn: contacts.OptedIn, OptedOut: contacts.OptedOut, Unreachable: contacts.Unreachable,
		From: from, To: to,
	}
	if err := campaignTotals(ctx, s.db, d); err != nil {
		return nil, err
	}
	if d.Now, err = period(ctx, s.db, from, to); err != nil {
		return nil, err
	}
	if parts.Before {
		if d.Before, err = period(ctx, s.db, from.Add(-to.Sub(from)), from); err != nil {
			return nil, err
		}
	}
	if parts.Series {
		d.Series, err = series.All(ctx, s.db, from, to, zone)
	}
	return d, err
}

// Attention is what waits for a person, beside unread conversations, which the inbox counts.
type Attention struct {
	Campaigns                                                   []int64 // see Attention
	Approvals                                                   []int64 // campaigns that wait for approval, or were sent back lately
	OptOutReviews, TemplatesRejected, SendersStopped, Undecided int64
}

// failedLately is how long a campaign that failed needs attention: until then
// somebody has seen it.
const failedLately = 7 * 24 * time.Hour

// Attention reads what waits for a person: campaigns that the engine paused, whose
// start fails, or that failed lately, newest first, at most ten; and how many open
// questions about opt-outs there are (counted to 10,000), templates whose newest version
// was rejected, senders that do not send, and messages that need a decision. Campaigns that wait for
// approval, or were sent back lately, are as many at most.
func (s *Service) Attention(ctx context.Context) (Attention, error) {
	a, err := attention(ctx, s.db)
	if err != nil {
		return a, err
	}
	if a.Campaigns, err = troubled(ctx, s.db, failedLately); err != nil {
		return a, err
	}
	a.Approvals, err = toApprove(ctx, s.db, failedLately)
	return a, err
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
