package message

import "context"

// RedactionOutcome is what became of asking the provider to forget a message.
type RedactionOutcome string

// Outcomes of redactions.
const (
	RedactionDone    RedactionOutcome = "done"
	RedactionGone    RedactionOutcome = "gone"    // the account has no such message (any more)
	RedactionRefused RedactionOutcome = "refused" // and will be again
	RedactionBusy    RedactionOutcome = "busy"    // its delivery is not over: later
)

// Redaction is the provider's answer.
type Redaction struct {
	Outcome RedactionOutcome
	Reason  string // of a refusal, for people; no text or address
}

// Redactor takes texts and media away at the provider. Errors are *SendError: nothing
// is known of the message, ask again.
type Redactor interface {
	Redact(ctx context.Context, sid string) (Redaction, error)
}
