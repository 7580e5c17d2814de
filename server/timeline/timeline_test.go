package timeline_test

import (
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/timeline"

	"github.com/stretchr/testify/require"
)

func TestATimelineJoinsItsSourcesNewestFirst(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := d.NewRaw(sql, args...).Exec(t.Context())
		require.NoError(t, err)
	}
	base := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return base.Add(time.Duration(minute) * time.Minute) }
	exec(`INSERT INTO contacts (address, match_key, kind, merged_into)
		VALUES ('a', 'a', 'phone', NULL), ('b', 'b', 'phone', 1), ('c', 'c', 'phone', NULL)`)
	for contact := 1; contact <= 3; contact += 2 { // 1 is the one looked at, 3 another
		exec(`INSERT INTO messages (direction, purpose, contact_id, status, created_at) VALUES ('outbound', 'reply', ?, 'failed', ?)`,
			contact, at(1))
		exec(`INSERT INTO delivery_events (message_id, sid, status, error_code, occurred_at)
			SELECT max(id), 'SM' || ?0::int, 'failed', 63024, ?1 FROM messages`, contact, at(3))
		exec(`INSERT INTO audit_entries (actor_kind, actor_id, action, entity, entity_id, created_at)
			VALUES ('operator', 7, 'contact.update', 'contact', ?0, ?1), ('system', NULL, 'consent.set', 'contact', ?0, ?1),
				('system', NULL, 'campaign.update', 'campaign', ?0, ?1)`, contact, at(4))
	}
	exec(`INSERT INTO consent_events (contact_id, address_hash, status, source, occurred_at)
		VALUES (2, '', 'opted_out', 'keyword', ?), (1, '', 'opted_in', 'import', ?)`, at(2), at(0))

	s := timeline.NewService(d)
	of := func(before time.Time, n int) (kinds []string) {
		rows, err := s.Of(t.Context(), 1, before, n)
		require.NoError(t, err)
		for _, r := range rows {
			kinds = append(kinds, r.Kind+" "+r.Status+r.Action)
		}
		return kinds
	}
	all := []string{
		"change contact.update", "delivery failed", "consent opted_out", "message failed", "consent opted_in",
	}
	require.Equal(t, all, of(at(10), 50), "a merged contact's consents too, nobody else's, each change once")
	require.Equal(t, all[:2], of(at(10), 2))
	require.Equal(t, all[2:], of(at(3), 50), "only what is before the moment")
	require.Empty(t, of(at(10), -1))
	rows, err := s.Of(t.Context(), 1, at(10), 1)
	require.NoError(t, err)
	require.EqualValues(t, 7, *rows[0].Actor)

	exec(`INSERT INTO messages (direction, purpose, contact_id, status, created_at)
		SELECT 'inbound', 'inbound', 1, 'received', ?0::timestamptz + make_interval(secs => g) FROM generate_series(1, 300) g`, at(5))
	require.Len(t, of(at(60), 100_000), 200, "never more than 200")
}
