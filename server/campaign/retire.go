package campaign

import (
	"context"

	"eventstream/server/audit"
	"eventstream/server/provider"

	"github.com/uptrace/bun"
)

// Unfinished counts the campaigns of a provider that have not ended, drafts too, and the
// messages of theirs that wait.
func Unfinished(ctx context.Context, idb bun.IDB, of provider.Name) (campaigns, messages int64, err error) {
	return unfinished(ctx, idb, of)
}

// CancelAll cancels the campaigns of a provider that have not ended, drafts too, and tells
// how many there were. Their messages are canceled by SettleDue, a batch after another.
func CancelAll(ctx context.Context, tx bun.Tx, of provider.Name) (int64, error) {
	ids, err := unfinishedIDs(ctx, tx, of)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if _, err := moveTx(ctx, tx, id, audit.CampaignCancel, StatusCanceled, nil); err != nil {
			return 0, err
		}
	}
	return int64(len(ids)), nil
}
