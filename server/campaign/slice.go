package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/sender"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

const (
	messageLease = 20 * time.Second
	latestCall   = 5 * time.Second // after the claim no call is begun any more: a stalled process must not send what another took over
	watchEvery   = 200 * time.Millisecond
	maxAttempts  = 6
	longestRetry = 10 * time.Minute
)

// slice is a handful of claimed messages of one campaign and sender.
type slice struct {
	campaign *Campaign
	sender   *sender.Sender
	letter   *letter
	lane     *lane
	rows     []claimed
	grant    sender.Grant
	taken    time.Time // when the slots were taken, by this process' monotonic clock
	now      time.Time // the same by Postgres' clock: this machine's may be wrong
	watched  atomic.Int64
}

// clock is the time by Postgres' clock.
func (s *slice) clock() time.Time { return s.now.Add(time.Since(s.taken)) }

// result is what became of one claimed message.
type result struct {
	id        int64
	contactID int64
	status    message.Status
	skip      message.SkipReason
	sid       string
	code      int
	text      string
	body      string
	notBefore time.Time // by Postgres' clock
	why       string
	uncount   bool // no call was made: the attempt does not count
	info      message.CodeInfo
}

// send takes a slice through the gate, makes the calls outside any
// transaction, and writes all results at once.
func (e *Engine) send(ctx context.Context, s *slice) {
	results, err := e.decide(ctx, s)
	if err != nil {
		e.log.ErrorContext(ctx, "slice given back", "campaign", s.campaign.ID, "messages", len(s.rows), "error", err)
		if err := unclaim(ctx, e.db, s.rows); err != nil {
			e.log.ErrorContext(ctx, "slice not given back, its lease will end", "campaign", s.campaign.ID, "error", err)
		}
		return
	}
	e.record(ctx, s, results)
	e.metrics.slice(s, results)
	e.hub.Publish(pubsub.TopicCampaign, s.campaign.ID)
	unused := 0
	for _, r := range results {
		if r.uncount {
			unused++
		}
	}
	if err := sender.Refund(ctx, e.db, s.sender.ID, map[int64]int{s.campaign.ID: unused}); err != nil {
		e.log.WarnContext(ctx, "slots not given back", "sender", s.sender.ID, "error", err)
	}
	e.mend(ctx, s, results)
}

// decide runs the gate and the calls. Whether the campaign still sends is read
// after the claim, and again while the slice lasts: a pause in between sends
// nothing more.
func (e *Engine) decide(ctx context.Context, s *slice) ([]result, error) {
	ids := make([]int64, len(s.rows))
	for i, r := range s.rows {
		ids[i] = r.ContactID
	}
	people, err := contact.ByIDs(ctx, e.db, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*contact.Contact, len(people))
	keys := make([]string, len(people))
	for i, p := range people {
		byID[p.ID] = p
		keys[i] = p.MatchKey
	}
	suppressed, err := e.consents.Suppressed(ctx, e.db, keys)
	if err != nil {
		return nil, err
	}
	onTopic := map[int64]bool{}
	if s.campaign.TopicID != nil {
		if onTopic, err = e.topics.Subscribed(ctx, *s.campaign.TopicID, ids); err != nil {
			return nil, err
		}
	}
	recent, err := recentOf(ctx, e.db, s.campaign, ids)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(s.rows))
	var stop atomic.Bool // a fix-first error, or the campaign's pause, ends the slice
	var calls sync.WaitGroup
	now := s.clock()
	slot := s.taken.Add(time.Duration(s.grant.StartSeconds * float64(time.Second)))
	step := time.Duration(s.grant.StepSeconds * float64(time.Second))
	for i, row := range s.rows {
		r := &results[i]
		r.id, r.contactID = row.ID, row.ContactID
		person := byID[row.ContactID]
		v := Gate(Candidate{
			Contact: person, Suppressed: suppressed[person.MatchKey], OffTopic: s.campaign.TopicID != nil && !onTopic[person.ID], Category: s.letter.template.Category, Body: s.letter.body,
			Cap: s.campaign.FrequencyCap, Recent: recent[person.ID], QuietHours: s.campaign.QuietHours, EndsAt: s.campaign.EndsAt,
		}, now)
		if v.Status != message.StatusSubmitting {
			r.status, r.skip, r.notBefore, r.why, r.uncount = v.Status, v.Skip, v.NotBefore, v.Why, true
			continue
		}
		r.body = v.Rendered.Text
		if early := time.Until(slot); early > time.Millisecond {
			time.Sleep(early)
		}
		slot = slot.Add(step)
		e.calls.acquire()
		if !stop.Load() && !e.stillSending(ctx, s) {
			stop.Store(true)
		}
		if stop.Load() || time.Since(s.taken) > latestCall {
			e.calls.skip()
			r.status, r.uncount = message.StatusPending, true
			continue
		}
		calls.Go(func() {
			e.call(ctx, s, row, person, v.Rendered, r)
			if r.info.Class == message.ClassFixFirst {
				stop.Store(true)
			}
		})
	}
	calls.Wait()
	return results, nil
}

// stillSending asks at most every watchEvery. Without an answer it says no.
func (e *Engine) stillSending(ctx context.Context, s *slice) bool {
	last := s.watched.Load()
	now := time.Now().UnixNano()
	if last != 0 && now-last < int64(watchEvery) {
		return true
	}
	s.watched.Store(now)
	yes, err := isSending(ctx, e.db, s.campaign.ID)
	return err == nil && yes
}

func (e *Engine) call(ctx context.Context, s *slice, row claimed, person *contact.Contact, rendered template.Rendered, r *result) {
	began := time.Now()
	ok, err := e.provider.Send(ctx, message.Outgoing{
		MessageID: row.ID, From: s.sender.Address, To: person.Address, Body: rendered.Text,
		ContentSID: s.letter.version.ContentSID, ContentVariables: rendered.Variables,
	})
	took := time.Since(began)
	if err == nil {
		e.calls.release(took, false)
		e.metrics.call(took, "accepted")
		r.sid, r.status = ok.SID, message.StatusAccepted
		return
	}
	failure, known := errors.AsType[*message.SendError](err)
	if !known {
		failure = message.NewSendError(message.CodeInfo{Class: message.ClassAmbiguous, Title: "No answer"}, 0, err.Error(), 0, err)
	}
	e.calls.release(took, failure.Info.Overload)
	e.metrics.call(took, string(failure.Info.Class))
	r.info, r.code, r.text = failure.Info, failure.Info.Code, failure.Text
	switch failure.Info.Class {
	case message.ClassAmbiguous:
		r.status = message.StatusUnknown
	case message.ClassRetry:
		if row.Attempts >= maxAttempts && failure.Info.Scope == "" {
			r.status = message.StatusFailed
			return
		}
		attempt := row.Attempts
		if failure.Info.Scope != "" {
			attempt = min(attempt, 5)
		}
		wait := max(backoff(attempt, failure.Info.Delay), failure.RetryAfter)
		r.status, r.notBefore, r.why = message.StatusPending, s.clock().Add(wait), "retry"
		// Too much for the account or the sender is not this message's fault:
		// all of them hold back, and its attempts do not run out.
		switch failure.Info.Scope {
		case message.ScopeAccount:
			e.brake.pull(wait)
		case message.ScopeSender:
			s.lane.brake.pull(wait)
		}
	case message.ClassFixFirst:
		r.status, r.uncount = message.StatusPending, true
	case message.ClassPermanentMessage, message.ClassPermanentContact:
		r.status = message.StatusFailed
	}
}

// backoff doubles from base with each attempt, ±25 %.
func backoff(attempt int, base time.Duration) time.Duration {
	base = max(base, 200*time.Millisecond)
	d := min(base<<min(attempt-1, 16), longestRetry)
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2)) //nolint:gosec // jitter
}

// record writes a slice's results and its audit entry in one transaction. What
// Twilio accepted must not be forgotten: it tries until the messages' lease
// ends, and after that reconciliation finds out.
func (e *Engine) record(ctx context.Context, s *slice, results []result) {
	effects := map[int64]message.CodeInfo{}
	for _, r := range results {
		if r.info.Effect != message.EffectNone {
			effects[r.contactID] = r.info
		}
	}
	for wait := 50 * time.Millisecond; ; wait = min(wait*2, 5*time.Second) {
		err := e.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if err := writeResults(ctx, tx, results, e.grace); err != nil {
				return err
			}
			if err := message.ApplyEffects(ctx, tx, e.consents, effects, s.clock()); err != nil {
				return err
			}
			return audit.Record(ctx, tx, "campaign.slice", "campaign", s.campaign.ID, digest(results))
		})
		if err == nil {
			return
		}
		if time.Since(s.taken) > messageLease {
			e.log.ErrorContext(ctx, "results of a slice are lost, reconciliation will find them", "campaign", s.campaign.ID, "error", err)
			return
		}
		e.log.WarnContext(ctx, "results of a slice not written yet", "campaign", s.campaign.ID, "error", err)
		time.Sleep(wait)
	}
}

// digest sums a slice up for the audit trail: how many of what, and a hash
// over each message's decision, by which any of them can be checked later.
func digest(results []result) map[string]any {
	counts := map[string]int{}
	h := sha256.New()
	for _, r := range results {
		word := string(r.status)
		if r.skip != "" {
			word += ":" + string(r.skip)
		}
		counts[word]++
		_, _ = fmt.Fprintf(h, "%d %s %s\n", r.id, word, r.sid) // a hash never fails
	}
	return map[string]any{"decisions": counts, "sha256": hex.EncodeToString(h.Sum(nil)), "first": results[0].id, "last": results[len(results)-1].id}
}
