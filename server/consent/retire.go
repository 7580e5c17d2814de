package consent

import (
	"context"
	"time"

	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// SaidToSandbox counts the contacts who opted in by a message to the sandbox.
func SaidToSandbox(ctx context.Context, idb bun.IDB) (int64, error) { return saidToSandbox(ctx, idb) }

// PeopleOfSandbox are those contacts.
func PeopleOfSandbox(ctx context.Context, tx bun.Tx) ([]int64, error) {
	return peopleOfSandbox(ctx, tx)
}

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
	ids := contact.IDs(people)
	marketing, err := decisions(ctx, tx, ids...)
	if err != nil {
		return 0, err
	}
	statuses, since, out := make([]contact.ConsentStatus, len(people)), make([]*time.Time, len(people)), []spelled(nil)
	for i, c := range people {
		statuses[i] = contact.ConsentUnknown
		if standing, ok := Standing(marketing[c.ID]); ok {
			statuses[i], since[i] = standing.Status, &standing.At
		}
		if statuses[i] == contact.ConsentOptedOut {
			out = append(out, spelled{ring.Hash(c.MatchKey), ring.All(c.MatchKey)})
		}
	}
	if err := contact.SetEachConsent(ctx, tx, ids, statuses, since); err != nil {
		return 0, err
	}
	if err := optOut(ctx, tx, out); err != nil {
		return 0, err
	}
	ledgers, err := ledgersOf(ctx, tx, ids, nil)
	if err != nil {
		return 0, err
	}
	utility := map[contact.ConsentStatus][]int64{}
	for _, c := range people {
		if status := utilityOf(ledgers[c.ID]); status != c.UtilityStatus {
			utility[status] = append(utility[status], c.ID)
		}
	}
	for status, changed := range utility {
		if err := contact.SetUtility(ctx, tx, changed, status); err != nil {
			return 0, err
		}
	}
	return int64(len(people)), nil
}
