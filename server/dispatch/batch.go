package dispatch

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/audit"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/gate"
	"eventstream/server/hours"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/pause"
	"eventstream/server/portfolio"
	"eventstream/server/pubsub"
	"eventstream/server/sender"

	"github.com/uptrace/bun"
)

const (
	claimLease = 20 * time.Second
	callWindow = 5 * time.Second // after the claim, by Postgres' clock; later no call begins
	// factsAge is how old the facts that the gate looked at may be when a call
	// begins. With it, no message begins a second after a STOP was stored.
	factsAge     = 400 * time.Millisecond
	beginLimit   = 2 * time.Second // for the last look before a call's first byte
	maxAttempts  = 6
	longestRetry = 10 * time.Minute
	recordFor    = 10 * time.Minute // results are fenced: they may be written as late as that
)

// batch is a handful of claimed messages of one sender and campaign; single
// messages are batches of one without a campaign.
type batch struct {
	campaign *campaign.Campaign // nil: outside campaigns
	sender   *sender.Sender
	contents map[int64]*content     // by template version, of rows
	links    map[int64][]*link.Link // the same
	brake    *brake                 // of the sender
	rows     []message.Claimed
	began    time.Time     // before the claim, by this process' clock
	slot     time.Time     // when the first call may begin
	step     time.Duration // from one to the next

	preferred map[int64]*hours.Preferred // by person, the hour that their message waits for; what was read before the campaign started tells it

	reserved map[int64]bool // by id, what was reserved of a budget; nil: none holds
	refusal  string         // why there was not enough for all

	limited bool                      // WhatsApp's limit of people a day is known
	places  map[int64]portfolio.Place // by person, what was taken of it; nil: nothing was asked yet
	persons map[int64]int64           // by id, for whom one was asked

	elsewhere bool // what is to be sent may have been sent by the original of a restored database
}

// content is what a row's template says; nil: it is free text.
func (b *batch) content(row message.Claimed) *content {
	if row.TemplateVersionID == nil {
		return nil
	}
	return b.contents[*row.TemplateVersionID]
}

// read fills in what the templates of the batch's rows say.
func (b *batch) read(ctx context.Context, d *Dispatcher) error {
	b.contents, b.links = map[int64]*content{}, map[int64][]*link.Link{}
	for _, row := range b.rows {
		if row.TemplateVersionID == nil || b.contents[*row.TemplateVersionID] != nil {
			continue
		}
		text, err := d.contentOf(ctx, *row.TemplateVersionID)
		if err != nil {
			return err
		}
		b.contents[*row.TemplateVersionID] = text
		if b.links[*row.TemplateVersionID], err = d.linksOf(ctx, b.campaign, text); err != nil {
			return err
		}
	}
	return nil
}

// track puts the tokens of its links into the variables of a message. Where clicks are not counted, they say so.
func (b *batch) track(row message.Claimed, text *content, variables map[string]string) {
	token := (*link.Link).Uncounted
	if b.campaign != nil && b.campaign.TrackLinks {
		token = (*link.Link).Token
	}
	for i, l := range b.links[*row.TemplateVersionID] {
		variables[text.compiled.Key(text.compiled.Links[i])] = token(l, row.ID)
	}
}

// window reports whether a message may go only within 24 hours after the contact's last one.
func (b *batch) window(row message.Claimed) bool {
	text := b.content(row)
	return text == nil || text.compiled.WindowOnly()
}

func (b *batch) campaignID() int64 {
	if b.campaign == nil {
		return 0
	}
	return b.campaign.ID
}

// clock is the time by Postgres' clock: this machine's may be wrong.
func (b *batch) clock() time.Time { return b.rows[0].Now.Add(time.Since(b.began)) }

// send takes a batch through the gate, makes the calls outside any transaction,
// and writes all results at once.
func (d *Dispatcher) send(ctx context.Context, b *batch) []message.Result {
	d.watch.enter(b.campaignID())
	defer d.watch.leave(b.campaignID())
	if d.Hooks.Claimed != nil {
		d.Hooks.Claimed(b.rows)
	}
	results, err := d.deliver(ctx, b)
	if err != nil {
		d.Log.ErrorContext(ctx, "a batch is given back", "campaign", b.campaignID(), "messages", len(b.rows), "error", err)
		d.giveBack(ctx, b)
		return nil
	}
	if d.Hooks.Answered != nil {
		d.Hooks.Answered(results)
	}
	d.record(ctx, b, results)
	d.metrics.batch(b, results)
	if b.campaign != nil {
		d.Hub.Publish(pubsub.TopicCampaign, b.campaign.ID)
		unused := 0
		for _, r := range results {
			if r.NoCall {
				unused++
			}
		}
		if err := sender.Refund(ctx, d.DB, b.sender.ID, map[int64]int{b.campaign.ID: unused}); err != nil {
			d.Log.WarnContext(ctx, "slots not given back", "sender", b.sender.ID, "error", err)
		}
	}
	d.trip(ctx, b, results)
	if b.refusal != "" {
		if err := d.stopped(ctx, b); err != nil {
			d.Log.ErrorContext(ctx, "a campaign without budget is not paused yet", "campaign", b.campaignID(), "error", err)
		}
	}
	return results
}

// giveBack returns a batch for which no call was made. Without it the messages
// would be looked for at Twilio for hours, so it tries as long as results may be
// written: the fence lets a late return do no harm.
func (d *Dispatcher) giveBack(ctx context.Context, b *batch) {
	d.persist(ctx, b, "a batch", func(ctx context.Context) error {
		return message.GiveBack(ctx, d.DB, b.rows)
	})
}

// persist writes what must not be lost, again and again while Postgres is away.
func (d *Dispatcher) persist(ctx context.Context, b *batch, what string,
	write func(ctx context.Context) error,
) {
	for wait := 50 * time.Millisecond; ; wait = min(wait*2, 5*time.Second) {
		limited, cancel := context.WithTimeout(ctx, questionLimit)
		err := write(limited)
		cancel()
		switch {
		case err == nil:
			return
		case time.Since(b.began) > recordFor:
			d.Log.ErrorContext(ctx, what+" is lost, reconciliation will find out", "campaign", b.campaignID(), "messages", len(b.rows), "error", err)
			return
		}
		d.Log.WarnContext(ctx, what+" is not written yet", "campaign", b.campaignID(), "messages", len(b.rows), "error", err)
		time.Sleep(wait)
	}
}

// facts are what the gate looks at, as they stood at one moment.
type facts struct {
	read       time.Time
	people     map[int64]*contact.Contact // by the message's contact: who they are now
	twice      map[int64]bool             // by id: whom its contact was merged into has a message of the campaign already
	suppressed map[int64]consent.Reasons
	onTopic    map[int64]bool
	recent     map[int64]gate.Recent
	windows    map[int64]bool
	wrote      map[int64]bool                 // who wrote to the sender of the batch within the last 24 hours; asked where the limit of people is known
	questions  map[int64]doubleoptin.Question // by id, of messages that ask for the confirmation of a consent
	settled    map[int64]bool                 // by id: a receipt of an earlier call ended the message, or took the claim away
}

// questionLimit is how long Postgres may take for one question of a batch. A server
// that vanished without a word answers no more on its connection; its successor does
// on the next.
const questionLimit = 15 * time.Second

func (d *Dispatcher) factsOf(ctx context.Context, b *batch, rows []message.Claimed) (f *facts, err error) {
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	f = &facts{read: time.Now()}
	if f.settled, err = message.Settled(ctx, d.DB, rows); err != nil {
		return nil, err
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ContactID
	}
	if f.people, err = contact.PeopleOf(ctx, d.DB, ids); err != nil {
		return nil, err
	}
	var moved []int64 // messages of contacts who were merged since they were claimed
	for i, r := range rows {
		if p := f.people[r.ContactID]; p != nil && p.ID != r.ContactID {
			ids[i], moved = p.ID, append(moved, r.ID)
		}
	}
	if f.twice, err = message.Twice(ctx, d.DB, moved); err != nil {
		return nil, err
	}
	if f.suppressed, err = d.Consents.SuppressedContacts(ctx, d.DB, ids); err != nil {
		return nil, err
	}
	if b.campaign != nil && b.campaign.TopicID != nil {
		if f.onTopic, err = d.Topics.Subscribed(ctx, *b.campaign.TopicID, ids); err != nil {
			return nil, err
		}
	}
	if b.limited || slices.ContainsFunc(rows, b.window) {
		if f.windows, err = conversation.OpenWindows(ctx, d.DB, ids, b.clock()); err != nil {
			return nil, err
		}
	}
	if b.limited {
		if f.wrote, err = d.wroteTo(ctx, b, f.windows); err != nil {
			return nil, err
		}
	}
	var asking []int64
	for _, r := range rows {
		if r.Purpose == message.PurposeOptInQuestion {
			asking = append(asking, r.ID)
		}
	}
	if f.questions, err = doubleoptin.Questions(ctx, d.DB, asking, b.clock()); err != nil {
		return nil, err
	}
	f.recent, err = recentOf(ctx, d.DB, b.campaign, ids)
	return f, err
}

// preferredHours are asked for once: they stay the same while the batch lasts. Somebody who is merged into another meanwhile
// gets it at once.
func (d *Dispatcher) preferredHours(ctx context.Context, b *batch, f *facts) (map[int64]*hours.Preferred, error) {
	if b.campaign == nil {
		return nil, nil //nolint:nilnil // only campaigns wait for them
	}
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	seen := make(map[int64]bool, len(b.rows))
	var people []*contact.Contact
	for _, row := range b.rows {
		if p := f.people[row.ContactID]; p != nil && !seen[p.ID] {
			seen[p.ID], people = true, append(people, p)
		}
	}
	return b.campaign.Preferred(ctx, d.DB, people, b.clock())
}

// ask takes one message to the gate.
func (b *batch) ask(row message.Claimed, f *facts) gate.Verdict {
	if f.settled[row.ID] {
		return gate.Verdict{Status: message.StatusPending} // it is not this claim's any more: the result changes nothing
	}
	p := f.people[row.ContactID]
	if p == nil || f.twice[row.ID] { // rows of contacts are never deleted: somebody did so by hand
		return gate.Verdict{Status: message.StatusSkipped, Skip: message.SkipErased}
	}
	c := gate.Candidate{
		Purpose: row.Purpose, Contact: p, Suppressed: f.suppressed[p.ID], Text: row.Body, WindowOpen: f.windows[p.ID],
		Recent: f.recent[p.ID], Redelivery: row.Redeliveries > 0,
	}
	c.Awaited, c.Expected = f.questions[row.ID].Open, f.questions[row.ID].Expected
	c.Room = b.room(p.ID, f)
	if text := b.content(row); text != nil {
		c.Category, c.Template = text.category, text.compiled
	}
	if b.campaign == nil {
		c.Sender = b.sender.Status
		return gate.Decide(c, b.clock())
	}
	c.OffTopic = b.campaign.TopicID != nil && !f.onTopic[p.ID]
	c.Cap, c.QuietHours, c.EndsAt = b.campaign.FrequencyCap, b.campaign.QuietHours, b.campaign.EndsAt
	c.LocalStart, c.Preferred = b.campaign.LocalStart, b.preferred[p.ID]
	return gate.Decide(c, b.clock())
}

// deliver asks the gate and makes the calls. Facts and fence are looked at again
// while the batch lasts: what changes in between (a pause, a STOP, a process that
// was stopped) begins no further call.
func (d *Dispatcher) deliver(ctx context.Context, b *batch) ([]message.Result, error) {
	l, err := d.watch.current(ctx, b.campaignID(), b.began)
	if err != nil {
		return nil, err
	}
	b.elsewhere, b.limited = l.elsewhere, l.limited
	f, err := d.factsOf(ctx, b, b.rows)
	if err != nil {
		return nil, err
	}
	if b.preferred, err = d.preferredHours(ctx, b, f); err != nil {
		return nil, err
	}
	if err := d.takePlaces(ctx, b, f); err != nil {
		return nil, err
	}
	if b.reserved, err = d.reserve(ctx, b, f, l); err != nil {
		return nil, err
	}
	deadline, cancel := context.WithDeadline(ctx, b.began.Add(callWindow))
	defer cancel()
	results := make([]message.Result, len(b.rows))
	var stop atomic.Bool // no further call begins
	var taken []string   // SIDs of the original that messages of this batch got
	var calls sync.WaitGroup
	slot := b.slot
	for i, row := range b.rows {
		r := &results[i]
		r.Claim, r.ContactID, r.NoCall = row.Claim, row.ContactID, true
		if !db.Fresh(f.read, factsAge) && !stop.Load() {
			newer, err := d.factsOf(ctx, b, b.rows[i:])
			if err == nil {
				f = newer
			} else { // without them no further call begins
				stop.Store(true)
				d.Log.WarnContext(ctx, "the rest of a batch is given back", "campaign", b.campaignID(), "error", err)
			}
		}
		v := b.ask(row, f)
		if v.Status != message.StatusSubmitting {
			r.Status, r.Skip, r.NotBefore, r.Reason = v.Status, v.Skip, v.NotBefore, v.Reason
			continue
		}
		r.Status = message.StatusPending
		if b.reserved != nil && !b.reserved[row.ID] {
			b.unaffordable(r)
			continue
		}
		if stop.Load() {
			continue
		}
		if b.elsewhere {
			sid, err := d.Hold.Sent(deadline, row.ID, f.people[row.ContactID].Address, v.Rendered.Text, taken)
			if err != nil {
				stop.Store(true)
				d.Log.WarnContext(ctx, "no call before it is known what the original sent", "campaign", b.campaignID(), "error", err)
				continue
			}
			if sid != "" {
				taken = append(taken, sid)
				r.Status, r.SID, r.Body, r.NoCall = message.StatusAccepted, sid, v.Rendered.Text, false
				continue
			}
		}
		if early := time.Until(slot); early > time.Millisecond {
			_ = pause.For(deadline, early)
		}
		slot = slot.Add(b.step)
		if d.Hooks.BeforeLook != nil {
			d.Hooks.BeforeLook(row)
		}
		if !d.enter(deadline, b) {
			stop.Store(true)
			continue
		}
		// Waiting for its turn may have taken long.
		current, v, ok := d.ready(ctx, b, b.rows[i:], f, v)
		if f = current; !ok {
			d.limiter.leave()
			if v.Status != message.StatusSubmitting {
				r.Status, r.Skip, r.NotBefore, r.Reason = v.Status, v.Skip, v.NotBefore, v.Reason
			} else {
				stop.Store(true)
			}
			continue
		}
		r.NoCall, r.Body = false, v.Rendered.Text
		known := f
		calls.Go(func() {
			d.call(ctx, b, row, v, known, r)
			if r.Info.Class == message.ClassFixFirst {
				stop.Store(true)
			}
		})
	}
	calls.Wait()
	return results, nil
}

// enter takes a place among the calls under way. A single message does not wait
// for one: somebody waits for it.
func (d *Dispatcher) enter(ctx context.Context, b *batch) bool {
	if b.campaign == nil {
		d.limiter.push()
		return true
	}
	return d.limiter.acquire(ctx)
}

// ready reports whether the call for the first of rows may begin now: its claim
// holds, and the gate said yes on facts that are fresh. Either question may take so
// long that the answer to the other is old, so both are asked until both are fresh.
// The claim's age bounds that.
func (d *Dispatcher) ready(ctx context.Context, b *batch, rows []message.Claimed, f *facts, v gate.Verdict) (*facts, gate.Verdict, bool) {
	for {
		if v.Status != message.StatusSubmitting || !d.holds(ctx, b, rows[0]) {
			return f, v, false
		}
		if db.Fresh(f.read, factsAge) {
			return f, v, true
		}
		newer, err := d.factsOf(ctx, b, rows)
		if err != nil {
			d.Log.WarnContext(ctx, "no call without the facts", "campaign", b.campaignID(), "error", err)
			return f, v, false
		}
		f, v = newer, b.ask(rows[0], newer)
	}
}

// holds reports whether a call may begin: the claim is young enough by Postgres'
// clock, so that nobody can have taken the message over, the campaign sends, and
// sending is not held, nor was it since the batch began for the original of a restored
// database: what that one has sent is asked only where the batch began with it.
func (d *Dispatcher) holds(ctx context.Context, b *batch, row message.Claimed) bool {
	l, err := d.watch.current(ctx, b.campaignID(), b.began)
	if err != nil {
		return false
	}
	return !l.held && (b.elsewhere || !l.elsewhere) && l.now.Sub(row.Now) < callWindow && (b.campaign == nil || l.sending[b.campaign.ID])
}

func (d *Dispatcher) call(ctx context.Context, b *batch, row message.Claimed, v gate.Verdict, f *facts, r *message.Result) {
	out := message.Outgoing{
		MessageID: row.ID, From: b.sender.Address, To: f.people[row.ContactID].Address, Body: v.Rendered.Text,
		ContentVariables: v.Rendered.Variables, Validity: d.Validity,
		// Between the decision and the first byte lie other calls, a new connection,
		// or a process that was stopped.
		Begin: func() bool {
			if d.Hooks.BeforeByte != nil {
				d.Hooks.BeforeByte(row)
			}
			limited, cancel := context.WithTimeout(ctx, beginLimit)
			defer cancel()
			_, _, ok := d.ready(limited, b, []message.Claimed{row}, f, v)
			return ok
		},
	}
	if len(row.Media) > 0 {
		out.Media = row.Media[0] // WhatsApp takes one in a message
	}
	if text := b.content(row); text != nil {
		out.ContentSID = text.version.ContentSID
		b.track(row, text, out.ContentVariables)
	}
	began := time.Now()
	ok, err := d.Provider.Send(ctx, out)
	took := time.Since(began)
	if err == nil {
		d.limiter.release(took, false)
		d.metrics.call(took, "accepted")
		r.SID, r.Status = ok.SID, message.StatusAccepted
		return
	}
	if errors.Is(err, message.ErrNotBegun) {
		d.limiter.leave()
		d.metrics.call(took, "not_begun")
		r.Status, r.NoCall = message.StatusPending, true // the gate says why when it is claimed again
		return
	}
	failure, known := errors.AsType[*message.SendError](err)
	if !known {
		failure = message.NewSendError(message.CodeInfo{Class: message.ClassAmbiguous, Title: "No answer"}, 0, err.Error(), 0, err)
	}
	d.limiter.release(took, failure.Info.Overload)
	d.metrics.call(took, string(failure.Info.Class))
	r.Info, r.Code, r.Text = failure.Info, failure.Info.Code, failure.Text
	switch failure.Info.Class {
	case message.ClassAmbiguous:
		r.Status = message.StatusUnknown
	case message.ClassRetry:
		d.retry(b, row, failure, r)
	case message.ClassFixFirst:
		// A campaign's messages wait until it is fixed; a single one has somebody
		// waiting, who is told that it failed.
		r.Status, r.NoCall = message.StatusPending, true
		if b.campaign == nil {
			r.Status, r.NoCall = message.StatusFailed, false
		}
	case message.ClassPermanentMessage, message.ClassPermanentContact:
		r.Status = message.StatusFailed
	}
}

// retry says when a refused call is made again.
func (d *Dispatcher) retry(b *batch, row message.Claimed, failure *message.SendError, r *message.Result) {
	if row.Attempts-row.Redeliveries >= maxAttempts && failure.Info.Scope == "" {
		r.Status = message.StatusFailed
		return
	}
	attempt := row.Attempts
	if failure.Info.Scope != "" {
		attempt = min(attempt, 5)
	}
	wait := max(backoff(attempt, failure.Info.Delay), failure.RetryAfter)
	r.Status, r.NotBefore, r.Reason = message.StatusPending, b.clock().Add(wait), "retry"
	// Too much for the account or the sender is not this message's fault: all of
	// them hold back, and its attempts do not run out.
	switch failure.Info.Scope {
	case message.ScopeAccount:
		d.brake.pull(wait)
	case message.ScopeSender:
		b.brake.pull(wait)
	}
}

// backoff doubles from base with each attempt, ±25 %.
func backoff(attempt int, base time.Duration) time.Duration {
	base = max(base, 200*time.Millisecond)
	d := min(base<<min(max(attempt-1, 0), 16), longestRetry)
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2)) //nolint:gosec // jitter
}

// record writes a batch's results and its audit entry in one transaction. What
// Twilio accepted must not be forgotten, and the fence lets a late write do no
// harm: it tries for a long time. After that reconciliation finds out.
func (d *Dispatcher) record(ctx context.Context, b *batch, results []message.Result) {
	slices.SortFunc(results, func(a, b message.Result) int { return int(a.ID - b.ID) })
	effects := map[int64]message.CodeInfo{}
	for _, r := range results {
		if r.Info.Effect != message.EffectNone {
			effects[r.ContactID] = r.Info
		}
	}
	d.persist(ctx, b, "what became of a batch", func(ctx context.Context) error {
		var stale []message.Result
		err := d.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			// Contacts before messages: see the lock order in package db.
			if err := message.ApplyEffects(ctx, tx, d.Consents, effects, b.clock()); err != nil {
				return err
			}
			// The entry goes first: the counters are locked from Finish to the commit,
			// and every other batch of the campaign waits for them.
			action, entity, id := audit.CampaignBatch, "campaign", b.campaignID()
			if b.campaign == nil {
				action, entity, id = audit.MessageSend, "message", results[0].ID
			}
			changes, statements := digest(results)
			if err := audit.RecordMany(ctx, tx, action, entity, id, changes, statements); err != nil {
				return err
			}
			if stale, err = message.Finish(ctx, tx, results); err != nil {
				return err
			}
			if err := d.recordStale(ctx, tx, stale); err != nil {
				return err
			}
			if err := d.release(ctx, tx, b, results); err != nil {
				return err
			}
			return b.leavePlaces(ctx, tx, results)
		})
		if db.IsUnique(err) {
			if owned, err := message.Disowned(ctx, d.DB, results); err == nil {
				results = owned
			}
		}
		return err
	})
}

// recordStale keeps what a worker found out about messages that were no longer
// its own. One that Twilio accepted went out beside the newer claim: that is the
// window which no fence closes, and it must not pass unseen.
func (d *Dispatcher) recordStale(ctx context.Context, tx bun.Tx, stale []message.Result) error {
	for _, r := range stale {
		d.metrics.stale.WithLabelValues(string(r.Status)).Inc()
		if r.SID == "" {
			continue
		}
		d.Log.ErrorContext(ctx, "a message was accepted under an old claim: its contact may get it twice", "message", r.ID, "sid", r.SID)
		if err := audit.Record(ctx, tx, audit.MessageStaleAccept, "message", r.ID, map[string]any{"sid": r.SID, "fence": r.Fence}); err != nil {
			return err
		}
	}
	return nil
}

// digest sums a batch up for the audit trail: how many of what, and a statement of
// each message's decision, by which any of them can be proved later.
func digest(results []message.Result) (changes map[string]any, statements []string) {
	counts := map[string]int{}
	statements = make([]string, len(results))
	for i, r := range results {
		word := string(r.Status)
		if r.Skip != "" {
			word += ":" + string(r.Skip)
		}
		counts[word]++
		statements[i] = message.Statement(r.ID, word, r.SID)
	}
	return map[string]any{"decisions": counts, "first": results[0].ID, "last": results[len(results)-1].ID}, statements
}
