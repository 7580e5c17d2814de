// Package timeline tells what happened with one contact, newest first: messages
// and what became of them, consents, and what people changed. It joins five
// tables at reading, each by its own index, instead of keeping a sixth that
// every writer would have to feed.
package timeline

import (
	"context"
	"time"

	"eventstream/server/db"
)

// Service reads it.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Entry is one thing that happened with a contact. Kind says which of the
// other fields count: message, delivery and click have a message, consent an event of
// the ledger, change an entry of the audit trail.
type Entry struct {
	At      time.Time
	Kind    string // message, delivery, click, consent or change
	ID      int64  // of the message, delivery event, click, consent event or audit entry; with Kind unique
	Message int64  // of message, delivery and click
	Status  string // delivery's or consent's
	Code    int    // Twilio's error code of a delivery
	Action  string // of a change, such as contact.update; the title of the button of a click
	Source  string // of a consent; the address of a click
	Purpose string // of a consent
	Actor   *int64 // operator who did a consent or change
}

const maxTimeline = 200

// Of tells what happened with a contact before a moment, newest first, at most
// 200 entries.
func (s *Service) Of(ctx context.Context, contactID int64, before time.Time, n int) ([]Entry, error) {
	return timeline(ctx, s.db, contactID, before, min(max(n, 0), maxTimeline))
}
