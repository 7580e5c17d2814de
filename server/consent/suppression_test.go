package consent_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"eventstream/migrations"
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

type conscience struct {
	*db.DB
	consents *consent.Service
	ctx      context.Context
	people   int
}

func wake(t *testing.T) *conscience {
	t.Helper()
	d := dbtest.New(t)
	return &conscience{
		DB: d, consents: consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"), time.Now),
		ctx: actor.With(t.Context(), actor.System),
	}
}

func (e *conscience) person(t require.TestingT) *contact.Contact {
	e.people++
	a, err := contact.ParseAddress(fmt.Sprintf("+4915%09d", 100_000_000+e.people), "")
	require.NoError(t, err)
	c := contact.New(a)
	contacttest.Insert(t, e.DB, c)
	return c
}

func (e *conscience) tx(t require.TestingT, do func(ctx context.Context, tx bun.Tx) error) {
	require.NoError(t, e.Tx(e.ctx, do))
}

func (e *conscience) reasons(t require.TestingT, key string) consent.Reasons {
	found, err := e.consents.Suppressed(e.ctx, e.DB, []string{key})
	require.NoError(t, err)
	return found[key]
}

// previous is what the version before reads: one row for an address.
func (e *conscience) previous(t require.TestingT, key string) (reason string, inForce bool) {
	ring, err := keys.Fixed("test").Ring(e.ctx, e.DB)
	require.NoError(t, err)
	var rows []struct {
		Reason  string
		InForce bool
	}
	require.NoError(t, e.NewRaw("SELECT reason, until IS NULL OR until > now() AS in_force FROM suppressions WHERE address_hash = ?",
		ring.Hash(key)).Scan(e.ctx, &rows))
	if len(rows) == 0 {
		return "", false
	}
	return rows[0].Reason, rows[0].InForce
}

// TestEveryReasonIsARowOfItsOwn does what people and operators do with a number in any order, and
// now and then what a server of the previous version would do. Every reason holds until it ends or is lifted, lifting
// one leaves the others, and the previous version sees what forbids most.
func TestEveryReasonIsARowOfItsOwn(t *testing.T) {
	t.Parallel()
	e := wake(t)
	ring, err := keys.Fixed("test").Ring(e.ctx, e.DB)
	require.NoError(t, err)
	one := 1
	byHand := []consent.SuppressionReason{
		consent.SuppressedOperator, consent.SuppressedComplaint, consent.SuppressedBlocked, consent.SuppressedInvalid,
	}
	rapid.Check(t, func(t *rapid.T) {
		c := e.person(t)
		hash := ring.Hash(c.MatchKey)
		want := map[consent.SuppressionReason]*time.Time{}
		record := func(status contact.ConsentStatus, source consent.Source) {
			e.tx(t, func(ctx context.Context, tx bun.Tx) error {
				locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
				require.NoError(t, err)
				return e.consents.Record(ctx, tx, locked, consent.Change{Status: status, Source: source})
			})
		}
		suppress := func(reason consent.SuppressionReason, until *time.Time) {
			var news map[string]bool
			e.tx(t, func(ctx context.Context, tx bun.Tx) (err error) {
				news, err = e.consents.Suppress(ctx, tx, []string{c.MatchKey}, reason, until)
				return err
			})
			old, there := want[reason]
			longer := !there || old != nil && (until == nil || until.After(*old))
			require.Equal(t, longer, news[c.MatchKey])
			if longer {
				want[reason] = until
			}
		}
		raw := func(sql string, args ...any) {
			_, err := e.NewRaw(sql, args...).Exec(e.ctx)
			require.NoError(t, err)
		}
		acts := map[string]func(*rapid.T){
			"an operator suppresses": func(t *rapid.T) {
				var until *time.Time
				if days := rapid.IntRange(0, 3).Draw(t, "days"); days > 0 {
					at := time.Now().AddDate(0, 0, days).Truncate(time.Microsecond)
					until = &at
				}
				suppress(rapid.SampledFrom(byHand).Draw(t, "reason"), until)
			},
			"an operator lifts": func(t *rapid.T) {
				reason := rapid.SampledFrom(append(slices.Clone(byHand), consent.SuppressedOptedOut, consent.SuppressedErased)).Draw(t, "reason")
				page, err := e.consents.Suppressions(e.ctx, consent.SuppressionFilter{Reason: &reason, Address: c.Address}, db.Page{First: &one})
				require.NoError(t, err)
				if _, there := want[reason]; !there {
					require.Empty(t, page.Items)
					return
				}
				require.Len(t, page.Items, 1)
				left, err := e.consents.Unsuppress(e.ctx, page.Items[0].ID)
				if !slices.Contains(byHand, reason) {
					require.Error(t, err, "an opt-out and an erasure are not an operator's to lift")
					return
				}
				require.NoError(t, err)
				delete(want, reason)
				require.Len(t, left, len(want))
			},
			"STOP": func(*rapid.T) {
				record(contact.ConsentOptedOut, consent.SourceKeyword)
				want[consent.SuppressedOptedOut] = nil
			},
			"START": func(*rapid.T) {
				record(contact.ConsentOptedIn, consent.SourceKeyword)
				delete(want, consent.SuppressedOptedOut)
				delete(want, consent.SuppressedErased)
			},
			"an opt-in that an operator records": func(*rapid.T) {
				record(contact.ConsentOptedIn, consent.SourceOperator)
				delete(want, consent.SuppressedOptedOut)
			},
			"an erasure": func(*rapid.T) { suppress(consent.SuppressedErased, nil) },
			"the previous version suppresses": func(t *rapid.T) {
				reason := rapid.SampledFrom(byHand).Draw(t, "reason")
				strongest, _ := e.previous(t, c.MatchKey)
				raw(`INSERT INTO suppressions AS su (address_hash, reason, until) VALUES (?, ?, NULL)
					ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, until = excluded.until, created_at = now()
					WHERE su.until IS NOT NULL`, hash, reason)
				if old := want[consent.SuppressionReason(strongest)]; strongest == "" || old != nil {
					want[reason] = nil
				}
			},
			"the previous version hears START": func(*rapid.T) {
				strongest, _ := e.previous(t, c.MatchKey)
				raw("DELETE FROM suppressions WHERE address_hash = ? AND reason IN ('opted_out', 'erased')", hash)
				if r := consent.SuppressionReason(strongest); r == consent.SuppressedOptedOut || r == consent.SuppressedErased {
					delete(want, r)
				}
			},
		}
		for range rapid.IntRange(1, 10).Draw(t, "acts") {
			acts[rapid.SampledFrom(slices.Sorted(maps.Keys(acts))).Draw(t, "act")](t)
			got := e.reasons(t, c.MatchKey)
			require.ElementsMatch(t, slices.Collect(maps.Keys(want)), []consent.SuppressionReason(got))
			reason, inForce := e.previous(t, c.MatchKey)
			require.Equal(t, len(want) > 0, inForce)
			if len(got) > 0 {
				require.EqualValues(t, got[0], reason, "the previous version sees the strongest")
			}
			if _, erased := want[consent.SuppressedErased]; erased {
				require.Equal(t, consent.SuppressedErased, got[0])
			}
		}
	})
}

// An opt-out outlives what an operator had set an end to: until there was a row for each reason, it left none.
func TestAnOptOutOutlivesASuppressionThatEnds(t *testing.T) {
	t.Parallel()
	e := wake(t)
	c := e.person(t)
	soon := time.Now().Add(time.Hour)
	_, err := e.consents.SuppressAddress(e.ctx, c.Address, "", consent.SuppressedOperator, &soon)
	require.NoError(t, err)
	e.tx(t, func(ctx context.Context, tx bun.Tx) error {
		locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
		require.NoError(t, err)
		return e.consents.Record(ctx, tx, locked, consent.Change{Status: contact.ConsentOptedOut, Source: consent.SourceKeyword})
	})
	require.Equal(t, consent.Reasons{consent.SuppressedOptedOut, consent.SuppressedOperator}, e.reasons(t, c.MatchKey))
	_, err = e.NewRaw("UPDATE suppressed_addresses SET until = now() - interval '1 minute' WHERE reason = 'operator'").Exec(e.ctx)
	require.NoError(t, err)
	require.Equal(t, consent.Reasons{consent.SuppressedOptedOut}, e.reasons(t, c.MatchKey))
	_, inForce := e.previous(t, c.MatchKey)
	require.True(t, inForce)
	// What has ended may begin anew, and is news then.
	e.tx(t, func(ctx context.Context, tx bun.Tx) error {
		news, err := e.consents.Suppress(ctx, tx, []string{c.MatchKey}, consent.SuppressedOperator, &soon)
		require.True(t, news[c.MatchKey])
		return err
	})
}

// Of two who suppress one address at the same time, the previous version sees the stronger.
func TestReasonsThatComeAtOnce(t *testing.T) {
	t.Parallel()
	e := wake(t)
	const key = "+4915112345678"
	soon := time.Now().Add(time.Hour)
	began, done := make(chan struct{}), make(chan error, 1)
	e.tx(t, func(ctx context.Context, tx bun.Tx) error {
		_, err := e.consents.Suppress(ctx, tx, []string{key}, consent.SuppressedComplaint, nil)
		require.NoError(t, err)
		go func() {
			done <- e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
				close(began)
				_, err := e.consents.Suppress(ctx, tx, []string{key}, consent.SuppressedOperator, &soon)
				return err
			})
		}()
		<-began
		require.Eventually(t, func() (waits bool) {
			require.NoError(t, e.NewRaw(`SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')
				AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))`).Scan(e.ctx, &waits))
			return waits
		}, time.Minute, 5*time.Millisecond)
		return nil
	})
	require.NoError(t, <-done)
	reason, _ := e.previous(t, key)
	require.Equal(t, "complaint", reason)
	require.Equal(t, consent.Reasons{consent.SuppressedComplaint, consent.SuppressedOperator}, e.reasons(t, key))
}

// What was suppressed before the migration stays so.
func TestSuppressionsFromBefore(t *testing.T) {
	t.Parallel()
	e := wake(t)
	ring, err := keys.Fixed("test").Ring(e.ctx, e.DB)
	require.NoError(t, err)
	file, err := fs.ReadFile(migrations.FS, "20261128800100_suppressed_addresses_fill.up.sql")
	require.NoError(t, err)
	for _, sql := range []string{
		"ALTER TABLE suppressions DISABLE TRIGGER USER",
		fmt.Sprintf(`INSERT INTO suppressions (address_hash, reason, until) VALUES ('\x%x', 'complaint', now() + interval '1 day'),
			('\x%x', 'erased', NULL)`, ring.Hash("+1"), ring.Hash("+2")),
		"ALTER TABLE suppressions ENABLE TRIGGER USER",
		string(file), string(file),
	} {
		_, err := e.ExecContext(e.ctx, sql)
		require.NoError(t, err)
	}
	require.Equal(t, consent.Reasons{consent.SuppressedComplaint}, e.reasons(t, "+1"))
	require.Equal(t, consent.Reasons{consent.SuppressedErased}, e.reasons(t, "+2"))
}
