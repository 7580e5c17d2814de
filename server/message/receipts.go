package message

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/price"

	"github.com/uptrace/bun"
)

// Event is one thing that the provider reported about a message.
type Event struct {
	SID       string
	Status    Status
	ErrorCode int
	ErrorText string
	At        time.Time
}

// Advance applies an event and reports whether anything changed. In whatever
// order and however often events come, the message ends in the same state:
// rank only rises, a delivery proves the sending before it, and a late
// delivered or read beats undelivered.
func (m *Message) Advance(e Event) bool {
	before := *m
	// What ended without a SID was ended by us. That Twilio has it is news.
	givenUp := m.SID == nil && m.Status.Ended() && rank[e.Status] >= rank[StatusAccepted]
	if m.SID == nil && e.SID != "" {
		m.SID = &e.SID
	}
	m.mark(&m.AcceptedAt, e.At, StatusAccepted, e.Status)
	m.mark(&m.SentAt, e.At, StatusSent, e.Status)
	m.mark(&m.DeliveredAt, e.At, StatusDelivered, e.Status)
	m.mark(&m.ReadAt, e.At, StatusRead, e.Status)
	if rank[e.Status] > rank[m.Status] && rank[m.Status] > 0 ||
		(m.Status == StatusPending && rank[e.Status] >= rank[StatusAccepted]) || lateNews(m.Status, e.Status) || givenUp {
		m.Status = e.Status
		m.LeaseUntil = nil
		if e.Status.Ended() && e.Status != StatusRead {
			m.EndedAt, m.ErrorCode, m.ErrorMessage = &e.At, e.ErrorCode, e.ErrorText
		} else {
			m.EndedAt, m.ErrorCode, m.ErrorMessage = nil, 0, ""
		}
	}
	return before.Status != m.Status || before.SID != m.SID || before.AcceptedAt != m.AcceptedAt ||
		before.SentAt != m.SentAt || before.DeliveredAt != m.DeliveredAt || before.ReadAt != m.ReadAt
}

// lateNews: what we gave up on was sent all the same.
func lateNews(now, next Status) bool {
	return (now == StatusCanceled || now == StatusExpired) && (rank[next] > rank[StatusFailed])
}

// mark notes a milestone that the event proves; the earliest time stays.
func (m *Message) mark(field **time.Time, at time.Time, milestone, status Status) {
	proves := rank[status] >= rank[milestone]
	if milestone != StatusAccepted && (status == StatusUndelivered || status == StatusFailed || status == StatusCanceled) {
		proves = false // a failure proves no more than that it was accepted
	}
	if !proves || rank[status] == 0 {
		return
	}
	if *field == nil || at.Before(**field) {
		*field = &at
	}
}

// advanceByOld applies an event of an attempt whose place another one took, and
// reports whether anything changed. Only a delivery counts: it ends the message,
// whichever attempt brought it, and with that a retry that still waits. Any
// other end of an old attempt is history.
func (m *Message) advanceByOld(e Event) bool {
	before := *m
	m.mark(&m.AcceptedAt, e.At, StatusAccepted, e.Status)
	m.mark(&m.SentAt, e.At, StatusSent, e.Status)
	m.mark(&m.DeliveredAt, e.At, StatusDelivered, e.Status)
	m.mark(&m.ReadAt, e.At, StatusRead, e.Status)
	if rank[e.Status] >= rank[StatusDelivered] && rank[e.Status] > rank[m.Status] {
		// A call that is under way brings a SID of its own.
		if m.SID == nil && m.Status != StatusSubmitting && m.Status != StatusUnknown {
			m.SID = &e.SID
		}
		m.Status, m.LeaseUntil, m.EndedAt, m.ErrorCode, m.ErrorMessage = e.Status, nil, nil, 0, ""
	}
	return before.Status != m.Status || before.SID != m.SID || before.AcceptedAt != m.AcceptedAt ||
		before.SentAt != m.SentAt || before.DeliveredAt != m.DeliveredAt || before.ReadAt != m.ReadAt
}

// Receipt is what became known about one message, and from where.
type Receipt struct {
	WebhookEventID int64    // 0: it came from the provider's log
	MessageID      int64    // our id, as the callback brought it back; 0: none
	Event          Event    //
	Info           CodeInfo // of the event's error code
	Late           bool     // it was kept elsewhere, or asked for, before it came here
}

// Applied is what a batch of receipts did.
type Applied struct {
	Problems   map[int]string // why a receipt had no effect, by its place in the batch
	Deliveries []int64        // delivery events that are new, by id
	Campaigns  []int64        // whose messages changed, in order of id
	Faults     []Fault        // one of each campaign, in their order; for after the commit
}

// Receipts applies what the provider says about messages after it took them.
// In whatever order and however often that comes, a message ends the same. It
// locks contacts before messages, each in order of id, as every other writer.
type Receipts struct {
	consents   *consent.Service
	prices     *price.Service
	categories categories
}

// NewReceipts makes it.
func NewReceipts(consents *consent.Service, prices *price.Service) *Receipts {
	return &Receipts{consents: consents, prices: prices}
}

// errMoved asks for another try: a message changed between the look at which
// rows to lock and their lock.
var errMoved = apperr.New(apperr.CodeUnavailable, "a message got another attempt meanwhile")

// Apply applies a batch in the caller's transaction.
func (r *Receipts) Apply(ctx context.Context, tx bun.Tx, batch []Receipt) (Applied, error) {
	b := &receiptBatch{
		batch: batch, found: map[string]place{}, messages: map[int64]*Message{}, changed: map[int64]*Message{},
		failed: map[int64]CodeInfo{}, failedAt: map[int64]Receipt{}, attempts: map[string]Status{}, repriced: map[int64]bool{},
		result: Applied{Problems: map[int]string{}},
	}
	if err := b.lock(ctx, tx); err != nil {
		return Applied{}, err
	}
	if err := b.advance(ctx, tx); err != nil {
		return Applied{}, err
	}
	card, err := r.prices.Card(ctx, tx)
	if err != nil {
		return Applied{}, err
	}
	if err := b.save(ctx, tx, r, card); err != nil {
		return Applied{}, err
	}
	return b.result, nil
}

// place is where a SID belongs.
type place struct {
	MessageID, ContactID int64
	Old                  bool // another attempt took its place
}

type receiptBatch struct {
	batch    []Receipt
	found    map[string]place // by SID
	messages map[int64]*Message
	changed  map[int64]*Message
	failed   map[int64]CodeInfo // messages whose present attempt this batch saw fail
	failedAt map[int64]Receipt
	attempts map[string]Status // old attempts of which more is known
	repriced map[int64]bool    // their messages
	history  []*DeliveryEvent
	effects  []effect
	result   Applied
}

// lock finds out without locks which rows the batch is about, and locks first
// the contacts that it may change, then the messages.
func (b *receiptBatch) lock(ctx context.Context, tx bun.Tx) error {
	sids, ids, touches := make([]string, len(b.batch)), map[int64]bool{}, false
	for i, rc := range b.batch {
		sids[i] = rc.Event.SID
		touches = touches || rc.touchesContact()
		if rc.MessageID != 0 {
			ids[rc.MessageID] = true
		}
	}
	p := new(db.Pipeline)
	addLocate(p, sids, b.found)
	if !touches { // nearly always: nothing comes between
		addLock(p, sortedKeys(ids), sids, b.messages)
		return p.Send(ctx, tx)
	}
	if err := p.Send(ctx, tx); err != nil {
		return err
	}
	contacts, byID := map[int64]bool{}, []int64{}
	for _, rc := range b.batch {
		if !rc.touchesContact() {
			continue
		}
		if at, ok := b.found[rc.Event.SID]; ok {
			contacts[at.ContactID] = true
		} else if rc.MessageID != 0 {
			byID = append(byID, rc.MessageID)
		}
	}
	of, err := contactsOf(ctx, tx, byID)
	if err != nil {
		return err
	}
	for _, c := range of {
		contacts[c] = true
	}
	if _, err := contact.LockPeople(ctx, tx, sortedKeys(contacts)); err != nil {
		return err
	}
	p = new(db.Pipeline)
	addLock(p, sortedKeys(ids), sids, b.messages)
	if err := p.Send(ctx, tx); err != nil {
		return err
	}
	for _, rc := range b.batch { // merged into another contact meanwhile
		if m := b.messages[b.messageID(rc)]; m != nil && rc.touchesContact() && !contacts[m.ContactID] {
			return errMoved
		}
	}
	return nil
}

// touchesContact reports whether its code may change the contact, or needs to
// know the contact.
func (rc Receipt) touchesContact() bool {
	return rc.Event.ErrorCode != 0 && (rc.Info.Effect != EffectNone || rc.Info.Redeliver != nil)
}

func (b *receiptBatch) messageID(rc Receipt) int64 {
	if p, ok := b.found[rc.Event.SID]; ok {
		return p.MessageID
	}
	return rc.MessageID
}

// advance moves the messages in memory.
func (b *receiptBatch) advance(ctx context.Context, tx bun.Tx) error {
	var adopted []string
	for i, rc := range b.batch {
		m, e := b.messages[b.messageID(rc)], rc.Event
		if m == nil {
			b.result.Problems[i] = "no message of ours has this SID"
			continue
		}
		p, known := b.found[e.SID]
		same := m.SID != nil && *m.SID == e.SID
		switch {
		case known && !p.Old && !same:
			return errMoved
		case !known && m.SID != nil && !same: // a second call was made, and both were taken
			b.result.Problems[i] = "the message with our id has another SID"
			continue
		case !known && m.SID == nil:
			adopted = append(adopted, e.SID)
		}
		event := &DeliveryEvent{MessageID: m.ID, SID: e.SID, Status: e.Status, ErrorCode: e.ErrorCode, OccurredAt: e.At}
		if rc.WebhookEventID != 0 {
			event.WebhookEventID = &rc.WebhookEventID
		}
		b.history = append(b.history, event)
		if p.Old && !same {
			if rank[e.Status] > rank[b.attempts[e.SID]] {
				b.attempts[e.SID] = e.Status
				b.repriced[m.ID] = true
			}
			if m.advanceByOld(e) {
				b.changed[m.ID] = m
				b.forgive(m)
			}
			continue
		}
		if !m.Advance(e) {
			continue
		}
		b.changed[m.ID] = m
		b.forgive(m)
		if e.ErrorCode != 0 && (m.Status == StatusFailed || m.Status == StatusUndelivered) && m.ErrorCode == e.ErrorCode {
			b.failed[m.ID], b.failedAt[m.ID] = rc.Info, rc
		}
	}
	if len(adopted) == 0 {
		return nil
	}
	// The messages are locked now: none of them can get an attempt any more.
	late, err := locate(ctx, tx, adopted)
	if err == nil && len(late) > 0 {
		err = errMoved
	}
	return err
}

// forgive forgets that a message failed once it has not: it arrived after all.
// Anything else that becomes known, such as when it was sent, leaves the failure.
func (b *receiptBatch) forgive(m *Message) {
	if m.Status != StatusFailed && m.Status != StatusUndelivered {
		delete(b.failed, m.ID)
	}
}

// save writes what advance changed, and what follows from it. What is to be sent again becomes pending.
func (b *receiptBatch) save(ctx context.Context, tx bun.Tx, r *Receipts, card *price.Card) error {
	again, err := b.redeliver(ctx, tx)
	if err != nil {
		return err
	}
	campaigns, faults := map[int64]bool{}, map[int64]Fault{}
	rows := make([]*Message, 0, len(b.changed))
	for _, id := range sortedKeys(b.changed) {
		m := b.changed[id]
		if m.CampaignID != nil {
			campaigns[*m.CampaignID] = true
		}
		if !again[id] {
			rows = append(rows, m)
		}
		info, failed := b.failed[id]
		if !failed || again[id] {
			continue
		}
		if info.Effect != EffectNone {
			rc := b.failedAt[id]
			b.effects = append(b.effects, effect{contactID: m.ContactID, info: info, at: rc.Event.At, late: rc.Late})
		}
		if info.Class == ClassFixFirst && m.SenderID != nil {
			of := int64(0) // messages outside campaigns
			if m.CampaignID != nil {
				of = *m.CampaignID
			}
			faults[of] = Fault{
				CampaignID: m.CampaignID, SenderID: *m.SenderID, TemplateVersionID: m.TemplateVersionID,
				Info: info, Began: m.SubmittedAt,
			}
		}
	}
	b.result.Campaigns = sortedKeys(campaigns)
	for _, id := range sortedKeys(faults) {
		b.result.Faults = append(b.result.Faults, faults[id])
	}
	if err := saveAttempts(ctx, tx, b.attempts); err != nil {
		return err
	}
	for _, id := range sortedKeys(b.repriced) { // what an old attempt cost became known, and nothing else
		if b.changed[id] == nil {
			rows = append(rows, b.messages[id])
		}
	}
	charged, err := r.charge(ctx, tx, card, rows)
	if err != nil {
		return err
	}
	p := new(db.Pipeline)
	addProgress(p, rows)
	addHistory(p, b.history, &b.result.Deliveries)
	if len(b.effects) > 0 { // they come before what was charged
		if err := p.Send(ctx, tx); err != nil {
			return err
		}
		if err := applyEffects(ctx, tx, r.consents, b.effects); err != nil {
			return err
		}
		p = new(db.Pipeline)
	}
	price.AddCharged(p, charged)
	return p.Send(ctx, tx)
}

// redeliver sends again what its code lets, and tells which messages those are.
func (b *receiptBatch) redeliver(ctx context.Context, tx bun.Tx) (map[int64]bool, error) {
	var ids []int64
	for _, id := range sortedKeys(b.failed) {
		if b.failed[id].Redeliver != nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // nothing is sent again
	}
	facts, err := redeliveryFacts(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	again := map[int64]bool{}
	var rows []*Message
	var delays []time.Duration
	for _, f := range facts {
		m := b.messages[f.ID]
		delay, ok := f.next(m, *b.failed[f.ID].Redeliver)
		if !ok {
			continue
		}
		again[m.ID] = true
		rows = append(rows, m)
		delays = append(delays, jittered(delay))
	}
	return again, requeue(ctx, tx, rows, delays)
}

// redeliveryFact is what decides, beside the message, whether it is sent again.
type redeliveryFact struct {
	ID             int64
	Redeliveries   int
	Region         string
	CampaignStatus string
	EndsAt         *time.Time
	Now            time.Time
}

// next is how long to wait before a message that failed is sent again; ok is
// false when it is not.
func (f redeliveryFact) next(m *Message, rule Redelivery) (delay time.Duration, ok bool) {
	switch {
	case m.Purpose != PurposeCampaign || m.SID == nil || m.AcceptedAt == nil || f.Redeliveries >= len(rule.Delays):
		return 0, false
	case f.CampaignStatus == "canceled" || f.CampaignStatus == "failed" || slices.Contains(rule.NotRegion, f.Region):
		return 0, false
	}
	delay = rule.Delays[f.Redeliveries]
	at := f.Now.Add(delay)
	if rule.Within > 0 && at.Sub(*m.AcceptedAt) > rule.Within || f.EndsAt != nil && !at.Before(*f.EndsAt) {
		return 0, false
	}
	return delay, true
}

// jittered spreads what failed together by a tenth to both sides.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()*0.2-0.1)*float64(d)) //nolint:gosec // no secret
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
