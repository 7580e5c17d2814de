package message

import (
	"cmp"
	"context"
	"slices"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// ApplyEffects keeps what errors say about contacts, in the caller's
// transaction: unreachable, opted out, or given no marketing. The contacts are
// locked in order of id; who holds locks on messages already has to have locked
// these contacts before.
func ApplyEffects(ctx context.Context, tx bun.Tx, consents *consent.Service, byContact map[int64]CodeInfo,
	at time.Time,
) error {
	effects := make([]effect, 0, len(byContact))
	for id, info := range byContact {
		effects = append(effects, effect{contactID: id, info: info, at: at})
	}
	return applyEffects(ctx, tx, consents, effects)
}

// effect is what one error says about one contact.
type effect struct {
	contactID int64
	info      CodeInfo
	at        time.Time
	late      bool
}

func applyEffects(ctx context.Context, tx bun.Tx, consents *consent.Service, effects []effect) error {
	effects = slices.DeleteFunc(effects, func(e effect) bool { return e.info.Effect == EffectNone })
	if len(effects) == 0 {
		return nil
	}
	slices.SortFunc(effects, func(a, b effect) int {
		return cmp.Or(cmp.Compare(a.contactID, b.contactID), a.at.Compare(b.at), cmp.Compare(a.info.Code, b.info.Code))
	})
	ids := make([]int64, len(effects))
	for i, e := range effects {
		ids[i] = e.contactID
	}
	people, err := contact.LockPeople(ctx, tx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for i, e := range effects {
		if person, ok := people[e.contactID]; ok { // of a message that stayed with a contact that was merged
			effects[i].contactID = person
		}
	}
	type mark struct {
		effect Effect
		reason string
		lasts  time.Duration
	}
	marked := map[mark][]int64{}
	var marks []mark // in the order of their first contact, so that two batches write alike
	for _, e := range effects {
		if e.info.Effect == EffectOptOut {
			if err := optOut(ctx, tx, consents, e); err != nil {
				return err
			}
			continue
		}
		m := mark{e.info.Effect, string(e.info.Title), e.info.EffectFor}
		if marked[m] == nil {
			marks = append(marks, m)
		}
		marked[m] = append(marked[m], e.contactID)
	}
	for _, m := range marks {
		set := contact.SetUnreachable
		if m.effect == EffectIneligible {
			set = contact.SetIneligible
		}
		if err := set(ctx, tx, marked[m], m.reason, m.lasts); err != nil {
			return err
		}
	}
	return nil
}

// optOut records that the provider will not deliver to somebody who left. Who
// is opted out already has said so.
func optOut(ctx context.Context, tx bun.Tx, consents *consent.Service, e effect) error {
	c, err := contact.ByIDForUpdate(ctx, tx, e.contactID)
	if err != nil || c.ConsentStatus == contact.ConsentOptedOut {
		return err
	}
	return consents.Record(ctx, tx, c, consent.Change{
		Status: contact.ConsentOptedOut, Source: consent.SourceProvider, Evidence: consent.Evidence{Note: string(e.info.Title)},
		OccurredAt: e.at, Late: e.late,
	})
}
