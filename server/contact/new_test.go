package contact_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/contact"
	"eventstream/server/db/dbtest"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
)

// Who adds a contact by hand takes the address first, too: somebody who has it at hand,
// and writes the contact next, waits for nobody who waits for them.
func TestAContactThatIsAddedWaitsForItsAddressAlone(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	const number = "+4915112340001"
	s := contact.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)))
	rival, err := d.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = rival.Rollback() })
	_, err = rival.NewRaw(`INSERT INTO contact_addresses (match_key, contact_id, address, kind, source, preferred)
		VALUES (?0, 1000, ?0, 'phone', 'message', true)`, number).Exec(t.Context())
	require.NoError(t, err)
	added := make(chan error, 1)
	go func() {
		_, err := s.Create(actor.With(context.Background(), actor.System), number, "", contact.Input{}, nil)
		added <- err
	}()
	require.Eventually(t, func() bool {
		var waits int
		err := d.NewRaw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).
			Scan(t.Context(), &waits)
		return err == nil && waits > 0
	}, time.Minute, 5*time.Millisecond)
	_, err = rival.NewRaw(`INSERT INTO contacts (id, address, match_key, kind) OVERRIDING SYSTEM VALUE VALUES (1000, ?0, ?0, 'phone')`,
		number).Exec(t.Context())
	require.NoError(t, err)
	require.NoError(t, rival.Commit())
	require.ErrorContains(t, <-added, "there is a contact with the number "+number+" already")
}

// Whoever is new is given back as they were written.
func TestAContactThatIsAddedIsWhole(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := contact.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)))
	ctx := actor.With(t.Context(), actor.System)
	name := "Ada"
	made, err := s.Create(ctx, "+4915112340001", "", contact.Input{Name: &name}, nil)
	require.NoError(t, err)
	kept, err := s.ByID(ctx, made.ID)
	require.NoError(t, err)
	require.NotZero(t, made.CreatedAt)
	require.True(t, kept.CreatedAt.Equal(made.CreatedAt))
	require.True(t, kept.UpdatedAt.Equal(made.UpdatedAt))
	require.Equal(t, "Ada", kept.Name)
	_, err = s.Create(ctx, "+49 151 12340001", "", contact.Input{}, nil)
	require.ErrorContains(t, err, "already")
}
