package consent

import (
	"context"

	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// SaidToSandbox counts the contacts who opted in by a message to the sandbox.
func SaidToSandbox(ctx context.Context, idb bun.IDB) (int64, error) { return saidToSandbox(ctx, idb) }

// LeaveSandbox gives contacts who opted in by a message to the sandbox the consent that
// they have without it, and tells how many these were. Twilio is live already. The entries
// stay in the ledger, with the provider under which they were made, and count no more. An
// opt-out stays whoever brought it: nobody is written to by mistake for that.
func (s *Service) LeaveSandbox(ctx context.Context, tx bun.Tx) (changed int64, err error) {
	people, err := lockThoseOfSandbox(ctx, tx)
	if err != nil || len(people) == 0 {
		return 0, err
	}
	ring, err := s.keys.Ring(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, c := range people {
		known, err := decisions(ctx, tx, c.ID)
		if err != nil {
			return 0, err
		}
		standing, ok := Standing(known)
		switch {
		case !ok:
			err = contact.SetConsent(ctx, tx, c.ID, contact.ConsentUnknown, nil)
		case standing.Status == contact.ConsentOptedOut:
			if err = contact.SetConsent(ctx, tx, c.ID, standing.Status, standing.At); err == nil {
				err = optOut(ctx, tx, []spelled{{ring.Hash(c.MatchKey), ring.All(c.MatchKey)}})
			}
		default:
			err = contact.SetConsent(ctx, tx, c.ID, standing.Status, standing.At)
		}
		if err != nil {
			return 0, err
		}
		ledgers, err := ledgersOf(ctx, tx, []int64{c.ID}, nil)
		if err != nil {
			return 0, err
		}
		utility := contact.ConsentUnknown
		if d, ok := Standing(ofPurpose(ledgers[c.ID], PurposeUtility)); ok {
			utility = d.Status
		}
		if utility != c.UtilityStatus {
			if err := contact.SetUtility(ctx, tx, []int64{c.ID}, utility); err != nil {
				return 0, err
			}
		}
	}
	return int64(len(people)), nil
}
