package consent_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"
)

// TestLateDecisionsInAnyOrder records the same decisions in different orders for
// different people: live ones in the order of their times, as they arrive, and
// what comes late anywhere between them.
func TestLateDecisionsInAnyOrder(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	service := consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"),
		time.Now)
	ctx := actor.With(t.Context(), actor.System)
	begin := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	people := 0
	decide := func(t require.TestingT, order []consent.Change) (contact.ConsentStatus, bool) {
		people++
		a, err := contact.ParseAddress(fmt.Sprintf("+4915%09d", 100_000_000+people), "")
		require.NoError(t, err)
		c := contact.New(a)
		contacttest.Insert(t, d, c)
		for _, ch := range order {
			require.NoError(t, d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
				locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
				if err != nil {
					return err
				}
				return service.Record(ctx, tx, locked, ch)
			}))
		}
		found, err := contact.ByIDs(ctx, d, []int64{c.ID})
		require.NoError(t, err)
		now, err := service.StatesOf(ctx, []int64{c.ID}, nil)
		require.NoError(t, err)
		require.Equal(t, found[0].ConsentStatus, now[c.ID].States[0].Status, "the ledger says what the gate goes by")
		at := begin.Add(time.Hour)
		then, err := service.StatesOf(ctx, []int64{c.ID}, &at)
		require.NoError(t, err)
		require.Equal(t, found[0].ConsentStatus, then[c.ID].States[0].Status, "and so do its entries alone")
		suppressed, err := service.Suppressed(ctx, d, []string{c.MatchKey})
		require.NoError(t, err)
		return found[0].ConsentStatus, len(suppressed[c.MatchKey]) > 0
	}
	rapid.Check(t, func(t *rapid.T) {
		var live, late []consent.Change
		seconds := rapid.SliceOfNDistinct(rapid.IntRange(0, 600), 2, 4, rapid.ID[int]).Draw(t, "seconds")
		for _, s := range seconds {
			ch := consent.Change{
				Status: rapid.SampledFrom([]contact.ConsentStatus{contact.ConsentOptedIn, contact.ConsentOptedOut}).Draw(t,
					"status"),
				Source: consent.SourceKeyword, OccurredAt: begin.Add(time.Duration(s) * time.Second),
				Late: rapid.Bool().Draw(t, "late"),
			}
			if ch.Late {
				late = append(late, ch)
			} else {
				live = append(live, ch)
			}
		}
		var first contact.ConsentStatus
		for i := range 3 {
			order := rapid.Permutation(append(append([]consent.Change{}, live...), late...)).Draw(t, "order")
			status, suppressed := decide(t, order)
			if i == 0 {
				first = status
			}
			require.Equal(t, first, status)
			require.Equal(t, status == contact.ConsentOptedOut, suppressed, "the suppression goes with the consent")
		}
	})
}

// TestADecisionOutsideTheLedgerCounts: a decision that stands on
// the contact without an entry of its own counts like a live one.
func TestADecisionOutsideTheLedgerCounts(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	service := consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"),
		time.Now)
	ctx := actor.With(t.Context(), actor.System)
	a, err := contact.ParseAddress("+4915112345678", "")
	require.NoError(t, err)
	c := contact.New(a)
	contacttest.Insert(t, d, c)
	noon := time.Now().Add(-time.Hour)
	require.NoError(t, contact.SetConsent(ctx, d, c.ID, contact.ConsentOptedOut, noon))
	require.NoError(t, d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		return service.Record(ctx, tx, locked, consent.Change{
			Status: contact.ConsentOptedIn, Source: consent.SourceKeyword, OccurredAt: noon.Add(time.Minute), Late: true,
		})
	}))
	found, err := contact.ByIDs(ctx, d, []int64{c.ID})
	require.NoError(t, err)
	require.Equal(t, contact.ConsentOptedOut, found[0].ConsentStatus)
}

// TestALiveStopAfterAnOptIn: whatever time an opt-in claims, and whatever the
// server's clock says, an opt-out that is recorded after it counts.
func TestALiveStopAfterAnOptIn(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ahead := func() time.Time { return time.Now().Add(40 * time.Second) }
	service := consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"), ahead)
	ctx := actor.With(t.Context(), actor.System)
	for i, at := range []time.Time{{}, time.Now().Add(50 * time.Second), time.Now()} {
		a, err := contact.ParseAddress(fmt.Sprintf("+49151123456%02d", i), "")
		require.NoError(t, err)
		c := contact.New(a)
		contacttest.Insert(t, d, c)
		c, err = service.Set(ctx, c.ID, consent.Change{
			Status: contact.ConsentOptedIn, Source: consent.SourceOperator, Evidence: consent.Evidence{Note: "on the phone"}, OccurredAt: at,
		})
		require.NoError(t, err)
		require.Equal(t, contact.ConsentOptedIn, c.ConsentStatus)
		require.NoError(t, d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			now, err := db.Now(ctx, tx)
			require.NoError(t, err)
			require.False(t, c.ConsentAt.After(now), "nothing is decided in the future")
			return service.Record(ctx, tx, c, consent.Change{Status: contact.ConsentOptedOut, Source: consent.SourceKeyword, OccurredAt: now})
		}))
		require.Equal(t, contact.ConsentOptedOut, c.ConsentStatus, "%d", i)
		c, err = service.Set(ctx, c.ID, consent.Change{
			Status: contact.ConsentOptedIn, Source: consent.SourceOperator, Evidence: consent.Evidence{Note: "on the phone"},
			OccurredAt: time.Now().Add(50 * time.Second),
		})
		require.NoError(t, err)
		require.Equal(t, contact.ConsentOptedOut, c.ConsentStatus, "a time that the caller gives is in doubt")
		c, err = service.Set(ctx, c.ID, consent.Change{Status: contact.ConsentOptedIn, Source: consent.SourceOperator, Evidence: consent.Evidence{Note: "on the phone"}})
		require.NoError(t, err)
		require.Equal(t, contact.ConsentOptedIn, c.ConsentStatus, "an operator who says it now is heard")
	}
}
