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

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/sender"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

const (
	sliceSeconds  = 0.1 // a slice is what may go in this time…
	maxSlice      = 200 // …but no more than this
	burstSeconds  = 0.2
	slicesAtOnce  = 6
	messageLease  = 20 * time.Second
	latestCall    = 5 * time.Second // after the claim no call is begun any more: a stalled process must not send what another took over
	maxAttempts   = 6
	longestRetry  = 10 * time.Minute
	dispatchShift = 10 * time.Minute // then the job ends and another goes on
	idleWait      = 2 * time.Second  // waiting longer than this is left to the sweep
)

// brake holds back new slices for a moment after Twilio asked for it.
type brake struct{ until atomic.Int64 }

func (b *brake) pull(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for {
		old := b.until.Load()
		if old >= until || b.until.CompareAndSwap(old, until) {
			return
		}
	}
}

func (b *brake) wait() time.Duration { return time.Until(time.Unix(0, b.until.Load())) }

// Dispatch sends a campaign until it ends, is paused, or has to wait. One
// process at a time works a campaign, by lease; a dead one is followed within
// seconds.
func (e *Engine) Dispatch(ctx context.Context, id int64) error {
	held, err := db.Lease(ctx, e.db, dispatchLease(id), e.owner, workLease)
	if err != nil || !held {
		return err
	}
	defer func() { _ = db.Release(context.WithoutCancel(ctx), e.db, dispatchLease(id), e.owner) }()
	var slices sync.WaitGroup
	defer slices.Wait() // before the lease is given back
	room := make(chan struct{}, slicesAtOnce)
	started, renewed := time.Now(), time.Now()
	for ctx.Err() == nil && time.Since(started) < dispatchShift {
		if time.Since(renewed) > workLease/4 {
			if held, err := db.Lease(ctx, e.db, dispatchLease(id), e.owner, workLease); err != nil || !held {
				return err
			}
			renewed = time.Now()
		}
		if wait := e.brake.wait(); wait > 0 {
			sleep(ctx, min(wait, time.Second))
			continue
		}
		room <- struct{}{}
		step, err := e.claim(ctx, id)
		if err != nil || step.slice == nil {
			<-room
		}
		switch {
		case err != nil:
			return err
		case step.stop:
			return nil
		case step.slice != nil:
			slices.Go(func() {
				defer func() { <-room }()
				e.send(context.WithoutCancel(ctx), step.slice)
			})
		case step.wait > 0:
			sleep(ctx, step.wait)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// slice is a handful of claimed messages of one campaign.
type slice struct {
	campaign *Campaign
	sender   *sender.Sender
	template *template.Template
	version  *template.Version
	rows     []claimed
	claimed  time.Time // by this process' monotonic clock
}

type step struct {
	slice *slice
	wait  time.Duration
	stop  bool
}

// claim reserves slots and takes that many pending messages; they are
// submitting, durably, before anything is sent.
func (e *Engine) claim(ctx context.Context, id int64) (step, error) {
	c, snd, err := e.load(ctx, id)
	if err != nil {
		return step{}, err
	}
	if c.Status != StatusSending {
		return step{stop: true}, nil
	}
	if snd.Status != sender.StatusActive {
		return step{stop: true}, e.service.PauseByEngine(ctx, id, fmt.Sprintf("the sender %s is %s", snd.DisplayName, snd.Status))
	}
	rate := snd.RatePerSecond
	if c.RateLimitPerSecond != nil {
		rate = min(rate, *c.RateLimitPerSecond)
	}
	want := min(max(int(rate*sliceSeconds), 1), maxSlice)
	granted, wait, err := sender.Reserve(ctx, e.db, c.RateKeys(), want, burstSeconds)
	if err != nil {
		return step{}, err
	}
	if granted == 0 {
		return step{wait: time.Duration(max(wait, 0.005) * float64(time.Second))}, nil
	}
	claimedAt := time.Now()
	rows, err := claimRows(ctx, e.db, id, granted, messageLease)
	if err != nil {
		return step{}, err
	}
	if unused := granted - len(rows); unused > 0 {
		if err := sender.Refund(ctx, e.db, c.RateKeys(), unused); err != nil {
			return step{}, err
		}
	}
	if len(rows) == 0 {
		return e.idle(ctx, c)
	}
	version, err := e.templates.Version(ctx, *c.TemplateVersionID)
	if err != nil {
		return step{}, err
	}
	t, err := e.templates.ByID(ctx, version.TemplateID)
	if err != nil {
		return step{}, err
	}
	// Looked at again after the claim: a pause in between sends nothing more.
	if now, _, err := e.load(ctx, id); err != nil || now.Status != StatusSending {
		return step{stop: true}, errors.Join(err, unclaim(ctx, e.db, rows))
	}
	return step{slice: &slice{campaign: c, sender: snd, template: t, version: version, rows: rows, claimed: claimedAt}}, nil
}

func (e *Engine) load(ctx context.Context, id int64) (*Campaign, *sender.Sender, error) {
	c, err := e.service.ByID(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	snd, err := e.senders.ByID(ctx, *c.SenderID)
	return c, snd, err
}

// idle looks at what is left when nothing can be claimed: it completes the
// campaign, waits a moment, or leaves the waiting to the sweep.
func (e *Engine) idle(ctx context.Context, c *Campaign) (step, error) {
	if c.EndsAt != nil && !e.now().Before(*c.EndsAt) {
		if err := expirePending(ctx, e.db, c.ID); err != nil {
			return step{}, err
		}
	}
	left, due, err := remaining(ctx, e.db, c.ID)
	if err != nil {
		return step{}, err
	}
	switch {
	case left == 0:
		return step{stop: true}, e.complete(ctx, c.ID)
	case due != nil && *due > idleWait.Seconds():
		return step{stop: true}, nil
	}
	return step{wait: 100 * time.Millisecond}, nil
}

// complete ends the campaign if really nothing is left, looked at under its lock.
func (e *Engine) complete(ctx context.Context, id int64) error {
	errLeft := errors.New("something is left after all")
	_, err := e.service.move(actor.With(ctx, actor.System), id, "campaign.complete", StatusCompleted, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if left, _, err := remaining(ctx, tx, id); err != nil || left > 0 {
			return errors.Join(err, errLeft)
		}
		now := e.now()
		c.FinishedAt = &now
		return nil
	})
	if errors.Is(err, errLeft) || apperr.Is(err, apperr.CodeConflict) {
		return nil
	}
	return err
}

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
	notBefore time.Time
	why       string
	uncount   bool // no call was made: the attempt does not count
	info      message.CodeInfo
}

// send takes a slice through the gate, makes the calls outside any
// transaction, and writes all results at once.
func (e *Engine) send(ctx context.Context, s *slice) {
	ctx = actor.With(ctx, actor.System)
	results, err := e.decide(ctx, s)
	if err != nil {
		e.log.ErrorContext(ctx, "slice given back", "campaign", s.campaign.ID, "messages", len(s.rows), "error", err)
		if err := unclaim(ctx, e.db, s.rows); err != nil {
			e.log.ErrorContext(ctx, "slice not given back, its lease will end", "campaign", s.campaign.ID, "error", err)
		}
		return
	}
	e.record(ctx, s, results)
	e.hub.Publish(pubsub.TopicCampaign, s.campaign.ID)
	e.mend(ctx, s, results)
}

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
	body, err := template.Parse(s.version.Body)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(s.rows))
	var stop atomic.Bool // a fix-first error ends the slice
	var calls sync.WaitGroup
	now := e.now()
	for i, row := range s.rows {
		r := &results[i]
		r.id, r.contactID = row.ID, row.ContactID
		person := byID[row.ContactID]
		v := Gate(Candidate{
			Contact: person, Suppressed: suppressed[person.MatchKey], Category: s.template.Category, Body: body,
			QuietHours: s.campaign.QuietHours, EndsAt: s.campaign.EndsAt,
		}, now)
		if v.Status != message.StatusSubmitting {
			r.status, r.skip, r.notBefore, r.why, r.uncount = v.Status, v.Skip, v.NotBefore, v.Why, true
			continue
		}
		r.body = v.Rendered.Text
		e.slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-e.slots }()
			if stop.Load() || time.Since(s.claimed) > latestCall {
				r.status, r.uncount = message.StatusPending, true
				return
			}
			e.call(ctx, s, row, person, v.Rendered, r)
			if r.info.Class == message.ClassFixFirst {
				stop.Store(true)
			}
		})
	}
	calls.Wait()
	return results, nil
}

func (e *Engine) call(ctx context.Context, s *slice, row claimed, person *contact.Contact, rendered template.Rendered, r *result) {
	ok, err := e.provider.Send(ctx, message.Outgoing{
		MessageID: row.ID, From: s.sender.Address, To: person.Address, Body: rendered.Text,
		ContentSID: s.version.ContentSID, ContentVariables: rendered.Variables,
	})
	if err == nil {
		r.sid, r.status = ok.SID, message.StatusAccepted
		return
	}
	failure, known := errors.AsType[*message.SendError](err)
	if !known {
		failure = message.NewSendError(message.CodeInfo{Class: message.ClassAmbiguous, Title: "No answer"}, 0, err.Error(), 0, err)
	}
	r.info, r.code, r.text = failure.Info, failure.Info.Code, failure.Text
	switch failure.Info.Class {
	case message.ClassAmbiguous:
		r.status = message.StatusUnknown
	case message.ClassRetry:
		if row.Attempts >= maxAttempts {
			r.status = message.StatusFailed
			return
		}
		wait := max(backoff(row.Attempts, failure.Info.Delay), failure.RetryAfter)
		r.status, r.notBefore, r.why = message.StatusPending, time.Now().Add(wait), "retry"
		if failure.Info.Code == 20429 {
			e.brake.pull(wait)
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
			if err := message.ApplyEffects(ctx, tx, e.consents, effects, e.now()); err != nil {
				return err
			}
			return audit.Record(ctx, tx, "campaign.slice", "campaign", s.campaign.ID, digest(results))
		})
		if err == nil {
			break
		}
		if time.Since(s.claimed) > messageLease {
			e.log.ErrorContext(ctx, "results of a slice are lost, reconciliation will find them", "campaign", s.campaign.ID, "error", err)
			return
		}
		e.log.WarnContext(ctx, "results of a slice not written yet", "campaign", s.campaign.ID, "error", err)
		time.Sleep(wait)
	}
	var accepted []int64
	for _, r := range results {
		if r.sid != "" {
			accepted = append(accepted, r.contactID)
		}
	}
	if err := touchOutbound(ctx, e.db, accepted); err != nil {
		e.log.WarnContext(ctx, "last_outbound_at not written", "error", err)
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

// mend pauses what has to be fixed first, with a reason for people.
func (e *Engine) mend(ctx context.Context, s *slice, results []result) {
	for _, r := range results {
		if r.info.Class != message.ClassFixFirst {
			continue
		}
		reason := fmt.Sprintf("%s. %s", r.info.Title, r.info.Advice)
		if r.code != 0 {
			reason = fmt.Sprintf("Twilio error %d: %s", r.code, reason)
		}
		if r.info.Scope == message.ScopeSender {
			if err := e.senders.Fail(ctx, s.sender.ID, reason); err != nil {
				e.log.ErrorContext(ctx, "sender not stopped", "sender", s.sender.ID, "error", err)
			}
		}
		if err := e.service.PauseByEngine(ctx, s.campaign.ID, reason); err != nil {
			e.log.ErrorContext(ctx, "campaign not paused", "campaign", s.campaign.ID, "error", err)
		}
		return
	}
}
