package message

import "time"

// Claim is a worker's hold on a message. The fence is the number of the claim:
// each claim of a message raises it, and what a worker writes counts only while
// its number is the newest. A worker that was stopped for minutes (a paused
// virtual machine, a debugger, swapping) cannot undo what another did meanwhile.
type Claim struct {
	ID    int64
	Fence int
}

// Claimed is a message that a worker holds, with what it needs to send it.
type Claimed struct {
	Claim

	Purpose           Purpose
	CampaignID        *int64
	ContactID         int64
	SenderID          int64
	TemplateVersionID *int64
	Body              string    // of free text
	Media             []string  `bun:"type:jsonb"` // of a single message: paths of files on this server
	Attempts          int       // calls to Twilio, this one included
	Redeliveries      int       // attempts after one that was accepted and failed
	Now               time.Time // Postgres' clock when it was claimed
}

// Quota is how many messages of a campaign may be claimed.
type Quota struct {
	CampaignID int64
	N          int
}

// Result is what became of a claimed message.
type Result struct {
	Claim

	ContactID int64
	Status    Status     // accepted, unknown, failed, skipped, expired, or pending: later
	Skip      SkipReason // why skipped
	SID       string     // when accepted
	Code      int        // Twilio's error code
	Text      string     // Twilio's words
	Body      string     // as it went out
	NotBefore time.Time  // when pending: the earliest next moment, by Postgres' clock
	Reason    string     // why it waits
	NoCall    bool       // no call was made: the attempt does not count
	Info      CodeInfo   // of Code
}

// Fault is an error for which something has to be fixed before any more of the
// kind goes out.
type Fault struct {
	CampaignID        *int64
	SenderID          int64
	TemplateVersionID *int64
	Info              CodeInfo
	Began             *time.Time // when the call that met it began, by Postgres' clock; nil: nobody knows
}
