package consent_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/provider"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestLeavingTheSandboxTakesBackWhatWasSaidToItAlone: of many people at once, each is left with what they decided
// elsewhere, also as a contact that was merged into another.
func TestLeavingTheSandboxTakesBackWhatWasSaidToItAlone(t *testing.T) {
	t.Parallel()
	e := wake(t)
	begin := func(ctx context.Context, tx bun.Tx, n provider.Name) error {
		return provider.Begin(ctx, tx, n, fmt.Sprintf("AC%032d", len(n)))
	}
	e.tx(t, func(ctx context.Context, tx bun.Tx) error { return begin(ctx, tx, provider.Sandbox) })
	day := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	said := func(hour int, p consent.Purpose, status contact.ConsentStatus) consent.Change {
		return consent.Change{
			Purpose: p, Status: status, Source: consent.SourceKeyword, OccurredAt: day.Add(time.Duration(hour) * time.Hour),
			Evidence: consent.Evidence{MessageSID: fmt.Sprintf("SM%032d", hour)},
		}
	}
	onPaper := func(hour int, p consent.Purpose, status contact.ConsentStatus) consent.Change {
		ch := said(hour, p, status)
		ch.Source, ch.Evidence = consent.SourceOperator, consent.Evidence{Note: "on paper"}
		return ch
	}
	fromFile := func(hour int) consent.Change {
		ch := said(hour, consent.PurposeMarketing, contact.ConsentOptedIn)
		ch.Source, ch.Evidence.File = consent.SourceImport, "log.csv"
		return ch
	}
	const marketing, utility = consent.PurposeMarketing, consent.PurposeUtility
	const in, out, unknown = contact.ConsentOptedIn, contact.ConsentOptedOut, contact.ConsentUnknown
	people := []struct {
		name      string
		decided   []consent.Change
		ofMerged  []consent.Change // as the contact that was merged into this one
		marketing contact.ConsentStatus
		at        int // the hour
		utility   contact.ConsentStatus
		counted   bool
	}{
		{"to the sandbox alone", []consent.Change{said(1, marketing, in), said(2, utility, in)}, nil, unknown, 0, unknown, true},
		{"on paper before", []consent.Change{onPaper(1, marketing, in), said(2, marketing, in)}, nil, in, 1, unknown, true},
		{"on paper only", []consent.Change{onPaper(1, marketing, in), onPaper(1, utility, in)}, nil, in, 1, in, false},
		{"opted out, then in", []consent.Change{said(1, marketing, out), said(2, marketing, in)}, nil, out, 1, unknown, true},
		{"opted in, then out", []consent.Change{said(1, marketing, in), said(2, marketing, out)}, nil, out, 2, unknown, true},
		{"opted out only", []consent.Change{said(1, marketing, out)}, nil, out, 1, unknown, false},
		{"as a file tells", []consent.Change{fromFile(1)}, nil, in, 1, unknown, false},
		{"utility on paper", []consent.Change{onPaper(1, utility, in), said(2, marketing, in), said(3, utility, in)}, nil, unknown, 0, in, true},
		{"utility was refused", []consent.Change{said(1, utility, out), said(2, utility, in)}, nil, unknown, 0, out, true},
		{"merged, on paper", []consent.Change{said(2, marketing, in)}, []consent.Change{onPaper(1, marketing, in)}, in, 1, unknown, true},
		{"merged, to the sandbox", nil, []consent.Change{said(1, marketing, in)}, unknown, 0, unknown, true},
		{"nothing", nil, nil, unknown, 0, unknown, false},
	}
	record := func(c *contact.Contact, changes []consent.Change) {
		for _, ch := range changes {
			e.tx(t, func(ctx context.Context, tx bun.Tx) error {
				locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
				if err != nil {
					return err
				}
				return e.consents.Record(ctx, tx, locked, ch)
			})
		}
	}
	var want int64
	contacts := make([]*contact.Contact, len(people))
	for i, p := range people {
		contacts[i] = e.person(t)
		record(contacts[i], p.decided)
		if p.ofMerged != nil {
			gone := e.person(t)
			record(gone, p.ofMerged)
			_, err := e.NewRaw("UPDATE contacts SET merged_into = ? WHERE id = ?", contacts[i].ID, gone.ID).Exec(e.ctx)
			require.NoError(t, err)
		}
		if p.counted {
			want++
		}
	}
	found, err := consent.SaidToSandbox(e.ctx, e.DB)
	require.NoError(t, err)
	require.Equal(t, want, found)
	var changed int64
	e.tx(t, func(ctx context.Context, tx bun.Tx) (err error) {
		if err := begin(ctx, tx, provider.Twilio); err != nil {
			return err
		}
		changed, err = e.consents.LeaveSandbox(ctx, tx)
		return err
	})
	require.Equal(t, want, changed)
	for i, p := range people {
		now, err := contact.ByIDs(e.ctx, e.DB, []int64{contacts[i].ID})
		require.NoError(t, err)
		require.Equal(t, []contact.ConsentStatus{p.marketing, p.utility}, []contact.ConsentStatus{now[0].ConsentStatus, now[0].UtilityStatus}, p.name)
		if p.marketing == unknown {
			require.Nil(t, now[0].ConsentAt, p.name)
		} else {
			require.True(t, day.Add(time.Duration(p.at)*time.Hour).Equal(*now[0].ConsentAt), "%s: %s", p.name, now[0].ConsentAt)
		}
		require.Equal(t, p.marketing == out, len(e.reasons(t, contacts[i].MatchKey)) > 0, p.name)
		states, err := e.consents.StatesOf(e.ctx, []int64{contacts[i].ID}, nil)
		require.NoError(t, err)
		for _, s := range states[contacts[i].ID].States {
			if s.Purpose == marketing {
				require.Equal(t, p.marketing, s.Status, p.name)
			}
		}
	}
}
