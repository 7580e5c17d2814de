package consent

import (
	"context"
	"slices"
	"time"

	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// Standings are where a contact stands with each purpose, with the entries of the
// ledger that decide, by their ids.
type Standings struct {
	States []State
	Events map[int64]*Event
}

// StatesOf gives where contacts stand with each purpose, now or at a moment in the
// past: by what had been decided by then, as far as it is known today. What was decided
// as a contact that was merged into one counts as it was carried over.
func (s *Service) StatesOf(ctx context.Context, ids []int64, at *time.Time) (map[int64]*Standings, error) {
	ledgers, err := ledgersOf(ctx, s.db, ids, at)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]*Standings, len(ids))
	var deciding []int64
	for _, id := range ids {
		out[id] = &Standings{States: Reduce(ledgers[id]), Events: map[int64]*Event{}}
		for _, state := range out[id].States {
			if state.Seq != 0 {
				deciding = append(deciding, state.Seq)
			}
		}
	}
	events, err := eventsByID(ctx, s.db, deciding)
	for _, standings := range out {
		for i := range standings.States {
			if e := events[standings.States[i].Seq]; e != nil {
				standings.Events[e.ID] = e
			}
		}
	}
	return out, err
}

func ofPurpose(all []Decision, p Purpose) (out []Decision) {
	for _, d := range all {
		if d.Purpose == p {
			out = append(out, d)
		}
	}
	return out
}

// utilityOf is where a contact stands with utility messages by its ledger; unknown: nothing
// was decided that counts.
func utilityOf(ledger []Decision) contact.ConsentStatus {
	if standing, ok := Standing(ofPurpose(ledger, PurposeUtility)); ok {
		return standing.Status
	}
	return contact.ConsentUnknown
}

// recordUtility keeps the contact in step with an event about utility messages that was
// just written. What was agreed to as a contact that was merged into this one, and not
// carried over, does not count. Suppressions are no part of it: they are of everything.
func recordUtility(ctx context.Context, tx bun.Tx, c *contact.Contact) error {
	ledgers, err := ledgersOf(ctx, tx, []int64{c.ID}, nil)
	if err != nil {
		return err
	}
	if status := utilityOf(ledgers[c.ID]); status != contact.ConsentUnknown && status != c.UtilityStatus {
		c.UtilityStatus = status
		return contact.SetUtility(ctx, tx, []int64{c.ID}, status)
	}
	return nil
}

// RecordUtility appends one decision about utility messages of many, and gives whom it
// changed. Whoever has decided so is left out, and who opted out is not brought back in
// bulk: that takes their own word, or an operator's for each of them. The caller has
// locked the contacts.
func (s *Service) RecordUtility(ctx context.Context, tx bun.Tx, ch Change, people []*contact.Contact) (changed []int64, err error) {
	ring, err := s.keys.Ring(ctx, tx)
	if err != nil {
		return nil, err
	}
	var events []*Event
	for _, c := range people {
		if c.UtilityStatus != ch.Status && (ch.Status == contact.ConsentOptedOut || c.UtilityStatus != contact.ConsentOptedOut) {
			events, changed = append(events, s.event(ctx, ring, c.ID, c.MatchKey, ch)), append(changed, c.ID)
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	if err := keepTexts(ctx, tx, events); err != nil {
		return nil, err
	}
	if err := insertMany(ctx, tx, events); err != nil {
		return nil, err
	}
	if err := recordMany(ctx, tx, events); err != nil {
		return nil, err
	}
	ledgers, err := ledgersOf(ctx, tx, changed, nil)
	if err != nil {
		return nil, err
	}
	// One that happened before what stands is kept, and changes nothing.
	changed = slices.DeleteFunc(changed, func(id int64) bool {
		return utilityOf(ledgers[id]) != ch.Status
	})
	return changed, contact.SetUtility(ctx, tx, changed, ch.Status)
}

// CarryUtility leaves the stricter of two decisions about utility messages when gone
// becomes a part of kept: an opt-out of either holds, and an opt-in, which was given
// for a number, goes along only where the two are one WhatsApp account.
func (s *Service) CarryUtility(ctx context.Context, tx bun.Tx, kept, gone *contact.Contact, sameAccount bool) error {
	if gone.UtilityStatus == contact.ConsentUnknown || gone.UtilityStatus == kept.UtilityStatus {
		return nil
	}
	if gone.UtilityStatus == contact.ConsentOptedIn && (!sameAccount || kept.UtilityStatus == contact.ConsentOptedOut) {
		return nil
	}
	ledgers, err := ledgersOf(ctx, tx, []int64{kept.ID, gone.ID}, nil)
	if err != nil {
		return err
	}
	theirs, _ := Standing(ofPurpose(ledgers[gone.ID], PurposeUtility))
	at := theirs.At
	if ours, ok := Standing(ofPurpose(ledgers[kept.ID], PurposeUtility)); ok && !at.After(ours.At) {
		at = ours.At.Add(time.Microsecond) // the opt-out wins, whatever the times are: it stands anew
	}
	return s.Record(ctx, tx, kept, Change{
		Purpose: PurposeUtility, Status: gone.UtilityStatus, Source: SourceProvider, OccurredAt: at,
		Evidence: Evidence{Note: "decided as the contact that was merged into this one"},
	})
}
