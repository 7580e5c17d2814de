package message

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
	SkipHoldout         SkipReason = "holdout"          // gets nothing from this campaign, to compare with
	SkipStandingHoldout SkipReason = "standing_holdout" // gets nothing from any marketing campaign, to compare with
	SkipNotSubscribed   SkipReason = "not_subscribed"   // to the campaign's topic
	SkipNoConsent       SkipReason = "no_consent"
	SkipOptedOut        SkipReason = "opted_out"
	SkipSuppressed      SkipReason = "suppressed"
	SkipErased          SkipReason = "erased"
	SkipOptOutReview    SkipReason = "opt_out_review" // somebody has to decide whether they asked for an end
	SkipUnreachable     SkipReason = "unreachable"
	SkipIneligible      SkipReason = "ineligible"    // WhatsApp gives this contact no marketing
	SkipNoNumber        SkipReason = "no_number"     // authentication templates go to numbers alone
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

// Newer reports whether a receipt with next could change a message that stands at
// now.
func Newer(now, next Status) bool { return rank[next] > rank[now] }
