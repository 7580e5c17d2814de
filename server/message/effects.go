package message

import (
	"context"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// ApplyEffects keeps what errors told about contacts, in the caller's
// transaction: unreachable, opted out, or given no marketing.
func ApplyEffects(ctx context.Context, tx bun.Tx, consents *consent.Service, byContact map[int64]CodeInfo, at time.Time) error {
	ineligible := []int64{}
	unreachable := map[string][]int64{}
	for id, info := range byContact {
		switch info.Effect {
		case EffectUnreachable:
			unreachable[info.Title] = append(unreachable[info.Title], id)
		case EffectIneligible:
			ineligible = append(ineligible, id)
		case EffectOptOut:
			c, err := contact.ByIDForUpdate(ctx, tx, id)
			if err != nil {
				return err
			}
			change := consent.Change{Status: contact.ConsentOptedOut, Source: consent.SourceProvider, Evidence: consent.Evidence{Note: info.Title}, OccurredAt: at}
			if err := consents.Record(ctx, tx, c, change); err != nil {
				return err
			}
		}
	}
	for reason, ids := range unreachable {
		if err := contact.SetUnreachable(ctx, tx, ids, reason); err != nil {
			return err
		}
	}
	if len(ineligible) > 0 {
		return contact.SetIneligible(ctx, tx, ineligible)
	}
	return nil
}
