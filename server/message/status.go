package message

import "time"

// Status is where a message stands: design words, one rank each.
type Status string

// Delivery statuses.
const (
	StatusPending     Status = "pending"    // waits for its turn
	StatusSubmitting  Status = "submitting" // durable before the call to Twilio
	StatusAccepted    Status = "accepted"
	StatusQueued      Status = "queued"
	StatusSending     Status = "sending"
	StatusSent        Status = "sent"
	StatusDelivered   Status = "delivered"
	StatusRead        Status = "read"
	StatusUndelivered Status = "undelivered"
	StatusFailed      Status = "failed"
	StatusCanceled    Status = "canceled"
	StatusSkipped     Status = "skipped" // the gate said no
	StatusExpired     Status = "expired" // its time ran out
	StatusUnknown     Status = "unknown" // the call was made and no answer came
	StatusReceived    Status = "received"
)

// SkipReason is why the gate said no.
type SkipReason string

// Skip reasons.
const (
	SkipNotSubscribed   SkipReason = "not_subscribed" // to the campaign's topic
	SkipNoConsent       SkipReason = "no_consent"
	SkipOptedOut        SkipReason = "opted_out"
	SkipSuppressed      SkipReason = "suppressed"
	SkipErased          SkipReason = "erased"
	SkipUnreachable     SkipReason = "unreachable"
	SkipIneligible      SkipReason = "ineligible"    // WhatsApp gives this contact no marketing
	SkipFrequencyCap    SkipReason = "frequency_cap" // had enough messages lately
	SkipMissingVariable SkipReason = "missing_variable"
	SkipTooLong         SkipReason = "too_long"
	SkipNoAllowedHours  SkipReason = "no_allowed_hours" // their zones and the rules leave no minute
	SkipWindowClosed    SkipReason = "window_closed"    // free text goes only within 24 hours of their last message
)

// rank orders what happens to an accepted message. It only rises; what can
// only be an end stands beside.
var rank = map[Status]int{
	StatusPending: 0, StatusSubmitting: 1, StatusUnknown: 1, StatusAccepted: 2, StatusQueued: 3, StatusSending: 4,
	StatusSent: 5, StatusUndelivered: 6, StatusFailed: 6, StatusCanceled: 6, StatusDelivered: 7, StatusRead: 8,
}

// Ended reports whether nothing more is expected, but for a late delivery.
func (s Status) Ended() bool {
	switch s {
	case StatusRead, StatusUndelivered, StatusFailed, StatusCanceled, StatusSkipped, StatusExpired, StatusReceived:
		return true
	}
	return false
}

// Event is one thing that the provider told about a message.
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
	if m.SID == nil && e.SID != "" {
		m.SID = &e.SID
	}
	m.mark(&m.AcceptedAt, e.At, StatusAccepted, e.Status)
	m.mark(&m.SentAt, e.At, StatusSent, e.Status)
	m.mark(&m.DeliveredAt, e.At, StatusDelivered, e.Status)
	m.mark(&m.ReadAt, e.At, StatusRead, e.Status)
	if rank[e.Status] > rank[m.Status] && rank[m.Status] > 0 || (m.Status == StatusPending && rank[e.Status] >= rank[StatusAccepted]) || lateNews(m.Status, e.Status) {
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
