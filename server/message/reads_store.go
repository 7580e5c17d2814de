package message

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// readsLookedAt is how many messages of a contact ReadsOf looks at, the newest ones. It bounds what a conversation of
// thousands of messages costs, and a batch of recipients waits for it.
const readsLookedAt = 40

// ReadsOf gives when these people read messages of ours from one moment on and before another, also as whom was merged
// into them. Of history from before this system was used nobody knows when it was read, and what was sent under the other
// provider says nothing: reads of the sandbox are made up.
func ReadsOf(ctx context.Context, idb bun.IDB, contacts []int64, from, before time.Time) (map[int64][]time.Time, error) {
	var rows []struct {
		ContactID int64
		ReadAt    time.Time
	}
	// By messages_contact_idx, a few pages for each contact. An index of reads would answer from fewer, and would be
	// written with each receipt of a read.
	err := idb.NewRaw(`
		WITH people AS (
			SELECT id, id AS person FROM unnest(?0::bigint[]) id
			UNION ALL SELECT id, merged_into FROM contacts WHERE merged_into = ANY (?0))
		SELECT p.person AS contact_id, m.read_at FROM people p CROSS JOIN LATERAL (
			SELECT x.direction, x.purpose, x.sender_id, x.read_at FROM messages x WHERE x.contact_id = p.id AND x.created_at < ?2
			ORDER BY x.id DESC LIMIT ?3) m
		WHERE m.direction = 'outbound' AND m.purpose <> 'history' AND m.read_at >= ?1 AND m.read_at < ?2
			AND (m.sender_id = ANY (ARRAY(SELECT s.id FROM senders s WHERE s.provider <> provider_now()))) IS NOT TRUE`,
		pgdialect.Array(contacts), from, before, readsLookedAt).Scan(ctx, &rows)
	reads := make(map[int64][]time.Time, len(contacts))
	for _, r := range rows {
		reads[r.ContactID] = append(reads[r.ContactID], r.ReadAt)
	}
	return reads, db.Err(err)
}
