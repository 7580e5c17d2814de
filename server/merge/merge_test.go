package merge_test

import (
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/merge"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/stretchr/testify/require"
)

type env struct {
	*testing.T
	d *db.DB
	s *merge.Service
}

func start(t *testing.T) *env {
	t.Helper()
	e := over(t, dbtest.New(t))
	e.exec(`INSERT INTO contacts (address, match_key, kind, name) SELECT '+4915' || g, '+4915' || g, 'phone', 'P' || g FROM generate_series(1, 3) g`)
	return e
}

func over(t *testing.T, d *db.DB) *env {
	t.Helper()
	hub := pubsub.New(d.Pool, slog.New(slog.DiscardHandler))
	consents := consent.NewService(d, hub, keys.Fixed("0123456789abcdef"), time.Now)
	return &env{t, d, merge.NewService(d, hub, consents, topic.NewService(d, hub))}
}

func (e *env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.d.NewRaw(sql, args...).Exec(e.Context())
	require.NoError(e, err)
}

func (e *env) count(sql string, args ...any) (n int) {
	e.Helper()
	require.NoError(e, e.d.NewRaw(sql, args...).Scan(e.Context(), &n))
	return n
}

func (e *env) message(campaign any, contactID int, status string, conversation any) {
	e.Helper()
	e.exec(`INSERT INTO messages (direction, purpose, campaign_id, contact_id, status, conversation_id, lease_until)
		VALUES ('outbound', 'campaign', ?, ?, ?, ?, now())`, campaign, contactID, status, conversation)
}

func TestMessagesAndConversationGoAlong(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.exec("INSERT INTO conversations (id, contact_id, unread, session_expires_at) OVERRIDING SYSTEM VALUE VALUES (10, 1, 1, now()), (20, 2, 2, now())")
	e.message(5, 1, "delivered", 10)
	e.message(5, 2, "pending", 20) // the campaign has both: each keeps its own
	e.message(6, 2, "delivered", 20)
	e.message(7, 2, "pending", nil)
	e.exec("INSERT INTO conversation_notes (conversation_id, body) VALUES (10, 'theirs'), (20, 'of the other')")
	e.exec("INSERT INTO labels (name, color) VALUES ('Complaint', 'red'), ('Urgent', 'red')")
	e.exec("INSERT INTO conversation_labels VALUES (10, 1), (20, 1), (20, 2)")
	ctx := actor.With(t.Context(), actor.System)
	kept, err := e.s.Merge(ctx, 1, 2)
	require.NoError(t, err)
	require.EqualValues(t, 1, kept.ID)
	require.Equal(t, 2, e.count("SELECT count(*) FROM conversation_notes WHERE conversation_id = 10"))
	require.Equal(t, 2, e.count("SELECT count(*) FROM conversation_labels WHERE conversation_id = 10"))
	require.Equal(t, 2, e.count("SELECT count(*) FROM conversation_labels"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE contact_id = 2 AND campaign_id = 5 AND status = 'canceled'"))
	require.Equal(t, 3, e.count("SELECT count(*) FROM messages WHERE contact_id = 1"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE contact_id = 1 AND campaign_id = 7 AND status = 'pending'"))
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE conversation_id = 20"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM conversations WHERE id = 10 AND contact_id = 1 AND unread = 3"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM conversations"))
	// Into one without a conversation, theirs goes along; its window does not.
	_, err = e.s.Merge(ctx, 3, 1)
	require.NoError(t, err)
	require.Equal(t, 1, e.count("SELECT count(*) FROM conversations WHERE id = 10 AND contact_id = 3 AND session_expires_at IS NULL"))
	require.Equal(t, 2, e.count("SELECT count(*) FROM contacts WHERE merged_into = 3"), "who was merged before goes along")
	require.Zero(t, e.count("SELECT count(*) FROM message_counts WHERE n < 0"))
}

// What a worker is handing over goes along: its result is written by claim, and the
// log is asked for all addresses of the contact.
func TestMessagesOnTheirWayGoAlong(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"submitting", "unknown"} {
		e := start(t)
		e.message(5, 2, status, nil)
		e.message(6, 2, "pending", nil)
		e.message(6, 1, "pending", nil)
		_, err := e.s.Merge(actor.With(t.Context(), actor.System), 1, 2)
		require.NoError(t, err)
		require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE contact_id = 1 AND campaign_id = 5 AND status = ?", status))
		require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE contact_id = 2 AND status = 'canceled'"))
	}
}

// Merge waits for the contact before it locks anything of the conversation or
// the messages: whoever holds the contact can go on to those.
func TestContactsAreLockedFirst(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.exec("INSERT INTO conversations (contact_id) VALUES (1), (2)")
	e.message(5, 1, "delivered", nil)
	e.message(6, 2, "delivered", nil)
	ctx := t.Context()
	holder, err := e.d.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = holder.NewRaw("SELECT 1 FROM contacts WHERE id = 2 FOR UPDATE").Exec(ctx)
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		_, err := e.s.Merge(actor.With(ctx, actor.System), 1, 2)
		done <- err
	}()
	require.Eventually(t, func() bool {
		return e.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
	}, time.Minute, time.Millisecond)
	for _, table := range []string{"conversations", "messages"} {
		_, err = holder.NewRaw("SELECT 1 FROM " + table + " ORDER BY id FOR UPDATE NOWAIT").Exec(ctx)
		require.NoError(t, err, table)
	}
	require.NoError(t, holder.Commit())
	require.NoError(t, <-done)
}

// TestUtilityConsentOfTwoWhoAreOne: of utility messages, too, the stricter decision holds,
// and an opt-in goes along only with the account that it was given for.
func TestUtilityConsentOfTwoWhoAreOne(t *testing.T) {
	t.Parallel()
	const in, out, unknown = contact.ConsentOptedIn, contact.ConsentOptedOut, contact.ConsentUnknown
	ctx := actor.With(t.Context(), actor.System)
	for name, c := range map[string]struct {
		kept, gone, want contact.ConsentStatus
		account          bool // the other one is known by an id alone
	}{
		"an opt-out goes along":                      {kept: in, gone: out, want: out},
		"also to somebody of whom nothing is known":  {kept: unknown, gone: out, want: out},
		"an opt-in lifts no opt-out":                 {kept: out, gone: in, want: out, account: true},
		"an opt-in was given for its number":         {kept: unknown, gone: in, want: unknown},
		"an opt-in goes along with the same account": {kept: unknown, gone: in, want: in, account: true},
		"nothing is known of who goes":               {kept: in, gone: unknown, want: in},
	} {
		e := start(t)
		hub := pubsub.New(e.d.Pool, slog.New(slog.DiscardHandler))
		consents := consent.NewService(e.d, hub, keys.Fixed("0123456789abcdef"), time.Now)
		for id, status := range map[int64]contact.ConsentStatus{1: c.kept, 2: c.gone} { // the opt-in of who goes is the newest
			if status == unknown {
				continue
			}
			_, err := consents.Set(ctx, id, consent.Change{
				Purpose: consent.PurposeUtility, Status: status, Evidence: consent.Evidence{Note: "asked"},
				OccurredAt: time.Now().Add(time.Duration(id-3) * time.Hour),
			})
			require.NoError(t, err, name)
		}
		if c.account {
			e.exec("UPDATE contacts SET kind = 'bsuid' WHERE id = 2")
		}
		kept, err := e.s.Merge(ctx, 1, 2)
		require.NoError(t, err, name)
		states, err := consents.StatesOf(ctx, []int64{1}, nil)
		require.NoError(t, err)
		require.Equal(t, c.want, kept.UtilityStatus, name)
		require.Equal(t, c.want, states[1].States[1].Status, name)
		require.Equal(t, 1, e.count("SELECT count(*) FROM contacts WHERE id = 1 AND utility_status = ?", c.want), name)

		// A later word is held against what counts here alone.
		_, err = consents.Set(ctx, 1, consent.Change{
			Purpose: consent.PurposeUtility, Status: out, Evidence: consent.Evidence{Note: "asked"}, OccurredAt: time.Now().Add(-90 * time.Minute),
		})
		require.NoError(t, err)
		if c.want != in {
			require.Equal(t, 1, e.count("SELECT count(*) FROM contacts WHERE id = 1 AND utility_status = 'opted_out'"), name)
		}
	}
}
