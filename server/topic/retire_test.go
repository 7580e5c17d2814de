package topic_test

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
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestWhatWasSaidToTheSandboxAboutTopicsEnds, and what stood before or was said in another way counts.
func TestWhatWasSaidToTheSandboxAboutTopicsEnds(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ctx := actor.With(t.Context(), actor.System)
	topics := topic.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)))
	tx := func(do func(ctx context.Context, tx bun.Tx) error) {
		t.Helper()
		require.NoError(t, d.Tx(ctx, do))
	}
	begin := func(ctx context.Context, tx bun.Tx, n provider.Name) error {
		return provider.Begin(ctx, tx, n, fmt.Sprintf("AC%032d", len(n)))
	}
	tx(func(ctx context.Context, tx bun.Tx) error { return begin(ctx, tx, provider.Sandbox) })
	name := "News"
	news, err := topics.Create(ctx, topic.Input{Name: &name})
	require.NoError(t, err)
	days := time.Now().Add(-240 * time.Hour).Truncate(time.Second)
	type choice struct {
		status topic.Status
		source consent.Source
		bulk   bool
	}
	const in, out = topic.StatusSubscribed, topic.StatusLeft
	said := func(s topic.Status) choice { return choice{s, consent.SourceKeyword, false} }
	operator := func(s topic.Status) choice { return choice{s, consent.SourceOperator, false} }
	file := choice{in, consent.SourceImport, true}
	chosen := []struct {
		name    string
		choices []choice
		status  topic.Status // "": none
		source  consent.Source
		day     int // of the choice that stands; -1: any
	}{
		{"to the sandbox", []choice{said(in)}, "", "", 0},
		{"left by it", []choice{said(in), said(out)}, out, consent.SourceKeyword, 1},
		{"left before, by hand", []choice{operator(out), said(in)}, out, consent.SourceOperator, 0},
		{"left twice before", []choice{said(out), said(in), said(out), said(in)}, out, consent.SourceKeyword, 2},
		{"by hand", []choice{operator(in)}, in, consent.SourceOperator, 0},
		{"by hand before", []choice{operator(in), said(in)}, in, consent.SourceOperator, 0},
		{"by hand afterwards", []choice{said(in), operator(in)}, in, consent.SourceOperator, 1},
		{"by a file", []choice{file}, in, consent.SourceImport, -1},
		{"by a file afterwards", []choice{said(in), file}, in, consent.SourceImport, -1},
		{"left before, by a file afterwards", []choice{operator(out), said(in), file}, out, consent.SourceOperator, 0},
		{"left before, by hand afterwards", []choice{said(out), said(in), operator(in)}, in, consent.SourceOperator, 2},
	}
	ids := make([]int64, len(chosen))
	for i, c := range chosen {
		a, err := contact.ParseAddress(fmt.Sprintf("+4915%09d", 100_000_000+i), "")
		require.NoError(t, err)
		person := contact.New(a)
		contacttest.Insert(t, d, person)
		ids[i] = person.ID
		for day, ch := range c.choices {
			tx(func(ctx context.Context, tx bun.Tx) (err error) {
				if err := contact.LockAll(ctx, tx, []int64{person.ID}); err != nil {
					return err
				}
				if ch.bulk {
					_, err = topics.RecordBulk(ctx, tx, topic.Pairs(news.ID, []int64{person.ID}), ch.status, ch.source)
				} else {
					_, err = topics.Record(ctx, tx, person.ID, news.ID, ch.status, ch.source, days.Add(time.Duration(day)*24*time.Hour))
				}
				return err
			})
		}
	}
	// An older version did not note to whom it was said.
	_, err = d.NewRaw("UPDATE contact_topics SET said_to = NULL WHERE contact_id = ?", ids[0]).Exec(ctx)
	require.NoError(t, err)

	require.NoError(t, ofSandbox(ctx, d, 4))
	tx(func(ctx context.Context, tx bun.Tx) error {
		if err := begin(ctx, tx, provider.Twilio); err != nil {
			return err
		}
		n, err := topic.LeaveSandbox(ctx, tx)
		require.Equal(t, int64(4), n)
		return err
	})
	require.NoError(t, ofSandbox(ctx, d, 0))
	found, err := topics.OfContacts(ctx, ids)
	require.NoError(t, err)
	for i, c := range chosen {
		sub := found[ids[i]][news.ID]
		if c.status == "" {
			require.Nil(t, sub, c.name)
			continue
		}
		require.NotNil(t, sub, c.name)
		require.Equal(t, []any{c.status, c.source}, []any{sub.Status, sub.Source}, c.name)
		if c.day >= 0 {
			require.True(t, days.Add(time.Duration(c.day)*24*time.Hour).Equal(sub.Since), "%s: %s", c.name, sub.Since)
		}
	}
	// What is said to Twilio's number counts.
	tx(func(ctx context.Context, tx bun.Tx) error {
		_, err := topics.Record(ctx, tx, ids[0], news.ID, in, consent.SourceKeyword, time.Now())
		return err
	})
	require.NoError(t, ofSandbox(ctx, d, 0))
}

func ofSandbox(ctx context.Context, d *db.DB, want int64) error {
	n, err := topic.OfSandbox(ctx, d)
	if err == nil && n != want {
		err = fmt.Errorf("%d subscriptions were said to the sandbox, not %d", n, want)
	}
	return err
}
