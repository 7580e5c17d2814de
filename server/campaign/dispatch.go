package campaign

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/sender"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

const (
	sliceSeconds  = 0.1 // a slice is what may go in this time…
	maxSlice      = 400 // …but no more than this
	slicesAtOnce  = 6
	planLife      = 200 * time.Millisecond // how long a lane trusts what it read about its campaigns
	dispatchShift = 10 * time.Minute       // then the job ends and another goes on
	patience      = 20                     // failures in a row…
	failureStep   = 100 * time.Millisecond // …with a pause that grows by this
	idleWait      = 2 * time.Second        // waiting longer than this is left to the sweep
)

// brake holds back new slices for a moment after the provider asked for it.
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

// lot is one campaign in a lane.
type lot struct {
	campaign *Campaign
	letter   *letter
	empty    bool // nothing was due when last asked
}

// letter is what a version of a template says; it never changes.
type letter struct {
	version  *template.Version
	template *template.Template
	body     *template.Body
}

// lane is one sender with the campaigns that send from it, in this process.
type lane struct {
	sender *sender.Sender
	lots   []*lot
	read   time.Time
	brake  brake
}

// Dispatch sends what is due from one sender until nothing is, or its shift is
// over. Every worker process has a job for every busy sender: rates, claims and
// pauses meet in Postgres, so that any number of them together send exactly
// what one would.
func (e *Engine) Dispatch(ctx context.Context, senderID int64) error {
	ctx = actor.With(ctx, actor.System)
	if _, running := e.lanes.LoadOrStore(senderID, true); running {
		return nil
	}
	defer e.lanes.Delete(senderID)
	var slices sync.WaitGroup
	defer slices.Wait()
	l, failures := &lane{}, 0
	room := make(chan struct{}, slicesAtOnce)
	for started := time.Now(); ctx.Err() == nil && time.Since(started) < dispatchShift; {
		if wait := max(e.brake.wait(), l.brake.wait()); wait > 0 {
			sleep(ctx, min(wait, time.Second))
			continue
		}
		room <- struct{}{}
		ready, wait, err := e.next(ctx, senderID, l)
		<-room
		if err != nil {
			// A database that is away for a moment must not cost the job's long
			// way round through River's retries.
			if failures++; failures > patience {
				return err
			}
			e.log.WarnContext(ctx, "dispatch tries again", "sender", senderID, "error", err)
			sleep(ctx, time.Duration(failures)*failureStep)
			continue
		}
		failures = 0
		for _, s := range ready {
			room <- struct{}{}
			slices.Go(func() {
				defer func() { <-room }()
				e.send(context.WithoutCancel(ctx), s)
			})
		}
		switch {
		case wait < 0:
			return nil
		case len(ready) == 0:
			sleep(ctx, wait)
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

// next takes slots and claims as many messages; they are submitting, durably,
// before anything is sent. A negative wait means that the lane has nothing to do.
func (e *Engine) next(ctx context.Context, senderID int64, l *lane) (ready []*slice, wait time.Duration, err error) {
	if time.Since(l.read) > planLife {
		if err := e.plan(ctx, senderID, l); err != nil {
			return nil, 0, err
		}
	}
	if l.sender.Status != sender.StatusActive || len(l.lots) == 0 {
		return nil, -1, nil
	}
	var ids []int64
	byID := map[int64]*lot{}
	for _, x := range l.lots {
		if !x.empty {
			ids = append(ids, x.campaign.ID)
			byID[x.campaign.ID] = x
		}
	}
	if len(ids) == 0 {
		return nil, planLife / 2, nil
	}
	want := min(max(int(l.sender.RatePerSecond*sliceSeconds), len(ids)), maxSlice)
	grants, waitSeconds, err := sender.Take(ctx, e.db, senderID, ids, want, sliceSeconds)
	if err != nil {
		return nil, 0, err
	}
	if len(grants) == 0 {
		return nil, min(time.Duration(waitSeconds*float64(time.Second)), time.Second), nil
	}
	taken := time.Now()
	rows, err := claimRows(ctx, e.db, senderID, grants, messageLease)
	if err != nil {
		return nil, 0, err
	}
	unused := map[int64]int{}
	for _, g := range grants {
		x := byID[*g.CampaignID]
		s := &slice{campaign: x.campaign, sender: l.sender, letter: x.letter, lane: l, taken: taken, grant: g}
		for _, r := range rows {
			if r.CampaignID == *g.CampaignID {
				s.rows = append(s.rows, r)
			}
		}
		if n := g.Granted - len(s.rows); n > 0 {
			unused[*g.CampaignID] = n
			x.empty = true
		}
		if len(s.rows) > 0 {
			s.now = s.rows[0].Now
			ready = append(ready, s)
		}
	}
	return ready, 0, sender.Refund(ctx, e.db, senderID, unused)
}

// plan reads the lane's sender and the campaigns that have something to send
// from it. Campaigns that are through are completed here.
func (e *Engine) plan(ctx context.Context, senderID int64, l *lane) error {
	snd, err := e.senders.ByID(ctx, senderID)
	if err != nil {
		return err
	}
	if snd.Status != sender.StatusActive {
		l.sender, l.lots, l.read = snd, nil, time.Now()
		return e.moveAway(ctx, snd)
	}
	sending, err := sendingFrom(ctx, e.db, senderID)
	if err != nil {
		return err
	}
	var lots []*lot
	for _, c := range sending {
		if c.DueIn == nil || *c.DueIn > idleWait.Seconds() {
			if err := e.settle(ctx, &c.Campaign); err != nil {
				return err
			}
			continue
		}
		text, err := e.letterOf(ctx, *c.TemplateVersionID)
		if err != nil {
			return err
		}
		lots = append(lots, &lot{campaign: &c.Campaign, letter: text, empty: *c.DueIn > 0})
	}
	l.sender, l.lots, l.read = snd, lots, time.Now()
	return nil
}

func (e *Engine) letterOf(ctx context.Context, versionID int64) (*letter, error) {
	if known, ok := e.letters.Load(versionID); ok {
		return known.(*letter), nil
	}
	v, err := e.templates.Version(ctx, versionID)
	if err != nil {
		return nil, err
	}
	t, err := e.templates.ByID(ctx, v.TemplateID)
	if err != nil {
		return nil, err
	}
	body, err := template.Parse(v.Body)
	if err != nil {
		return nil, err
	}
	text := &letter{v, t, body}
	e.letters.Store(versionID, text)
	return text, nil
}

// settle ends what has to end: the messages of a campaign whose time is over
// expire, and a campaign with nothing left completes.
func (e *Engine) settle(ctx context.Context, c *Campaign) error {
	if err := expirePending(ctx, e.db, c.ID); err != nil {
		return err
	}
	left, err := remaining(ctx, e.db, c.ID)
	if err != nil || left > 0 {
		return err
	}
	return e.complete(ctx, c.ID)
}

// complete ends the campaign if really nothing is left, looked at under its lock.
func (e *Engine) complete(ctx context.Context, id int64) error {
	errLeft := errors.New("something is left after all")
	_, err := e.service.move(ctx, id, "campaign.complete", StatusCompleted, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if left, err := remaining(ctx, tx, id); err != nil || left > 0 {
			return errors.Join(err, errLeft)
		}
		now, err := db.Now(ctx, tx)
		c.FinishedAt = &now
		return err
	})
	if errors.Is(err, errLeft) || apperr.Is(err, apperr.CodeConflict) {
		return nil
	}
	return err
}

// moveAway deals with the campaigns of a sender that sends no more: where a
// campaign has other senders, they take its messages over; else it pauses.
func (e *Engine) moveAway(ctx context.Context, snd *sender.Sender) error {
	campaigns, err := sendingIDs(ctx, e.db, snd.ID)
	if err != nil {
		return err
	}
	for _, id := range campaigns {
		moved, err := e.shareOut(ctx, id)
		if err != nil {
			return err
		}
		if moved {
			continue
		}
		if err := e.service.PauseByEngine(ctx, id, fmt.Sprintf("the sender %s is %s: %s", snd.DisplayName, snd.Status, snd.PausedReason)); err != nil {
			return err
		}
	}
	return nil
}

// shareOut gives the pending messages of senders that do not send to those that
// do, by weight. It reports whether there are any.
func (e *Engine) shareOut(ctx context.Context, id int64) (moved bool, err error) {
	err = e.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := forUpdate(ctx, tx, id); err != nil {
			return err
		}
		active, err := activeShares(ctx, tx, id)
		if err != nil || len(active) == 0 {
			return err
		}
		moved = true
		if err := reassign(ctx, tx, id, active); err != nil {
			return err
		}
		return e.summon(ctx, tx, active.senders()...)
	})
	return moved, err
}
