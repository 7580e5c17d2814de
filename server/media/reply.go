package media

import (
	"context"

	"github.com/uptrace/bun"
)

// What was taken in for replies alone: at most so many files and bytes.
const (
	maxReplyFiles = 20_000
	maxReplies    = 8 << 30
)

// ReplyBatch is how many files of replies one run takes away at most.
const ReplyBatch = 100

// ForReply is a file that a reply is about to show: until tx has ended nobody deletes it.
func ForReply(ctx context.Context, tx bun.Tx, id int64) (*File, error) {
	if err := lockLibrary(ctx, tx); err != nil {
		return nil, err
	}
	return byID(ctx, tx, id)
}

// RemoveUnshown takes up to n files away that were taken in for replies and are shown by none any more: the person was
// erased, the text is as old as it may be kept, or it was never sent. Their names go with them.
func (s *Service) RemoveUnshown(ctx context.Context, n int) (removed int, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockLibrary(ctx, tx); err != nil {
			return err
		}
		ids, err := unshown(ctx, tx, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := remove(ctx, tx, id); err != nil {
				return err
			}
			if err := removeName(ctx, tx, id); err != nil {
				return err
			}
		}
		removed = len(ids)
		return nil
	})
	return removed, err
}
