package conversation

import (
	"context"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

const (
	// WakeBatch is how many conversations Wake opens at once.
	WakeBatch = 500

	longestSnooze = 366 * 24 * time.Hour
)

// Snooze puts a conversation away until a moment; it opens before when they write.
func (s *Service) Snooze(ctx context.Context, id int64, until time.Time) (*Conversation, error) {
	switch now := s.now(); {
	case !until.After(now):
		return nil, apperr.Invalid("until", "%s is in the past: give a moment to come", until)
	case until.Sub(now) > longestSnooze:
		return nil, apperr.Invalid("until", "%s is more than a year ahead", until)
	}
	return s.change(ctx, id, audit.ConversationSnooze, func(c *Conversation) {
		c.Status, c.Unread, c.SnoozedUntil = StatusClosed, 0, &until
	})
}

// Wake opens up to limit conversations whose snooze is over, so that they are seen: each
// counts as unread. Maintenance runs it; it says how many there were.
func (s *Service) Wake(ctx context.Context, limit int) (int, error) {
	var ids []int64
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if ids, err = wake(ctx, tx, limit); err != nil || len(ids) == 0 {
			return err
		}
		return audit.RecordEach(ctx, tx, audit.ConversationReopen, "conversation", ids)
	})
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		s.tell(id)
	}
	return len(ids), nil
}
