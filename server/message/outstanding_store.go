package message

import (
	"context"
	"strings"
	"time"

	"eventstream/server/db"
	"eventstream/server/provider"

	"github.com/uptrace/bun"
)

// Outstanding is a message that Twilio has, and of whose end nothing was heard.
type Outstanding struct {
	ID        int64
	ContactID int64
	SID       string `bun:"sid"`
	Status    Status
	ErrorCode int
}

const outstanding = `m.status IN ('accepted', 'queued', 'sending', 'sent') AND m.sid IS NOT NULL`

// OutstandingOf gives up to n outstanding messages of a campaign, contacts above
// after, whose age passed one of the ages between two moments.
func OutstandingOf(ctx context.Context, idb bun.IDB, campaignID, after int64, ages []time.Duration, from,
	to time.Time, n int,
) (rows []Outstanding, err error) {
	passed, args := ageBetween(ages, from, to)
	err = idb.NewRaw(`SELECT m.id, m.contact_id, m.sid, m.status, m.error_code FROM messages m
		WHERE m.campaign_id = ? AND m.contact_id > ? AND `+outstanding+` AND (`+passed+`) ORDER BY m.contact_id LIMIT ?`,
		append(append([]any{campaignID, after}, args...), n)...).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// OutstandingSingles is OutstandingOf for a provider's messages outside campaigns, by
// their ids.
func OutstandingSingles(ctx context.Context, idb bun.IDB, of provider.Name, after int64, ages []time.Duration, from, to time.Time,
	n int,
) (rows []Outstanding, err error) {
	passed, args := ageBetween(ages, from, to)
	err = idb.NewRaw(`SELECT m.id, m.contact_id, m.sid, m.status, m.error_code FROM messages m
		WHERE m.campaign_id IS NULL AND m.direction = 'outbound' AND m.id > ? AND `+outstanding+` AND (`+passed+`)
			AND m.`+ofProvider+` ORDER BY m.id LIMIT ?`, append(append([]any{after}, args...), string(of), n)...).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// FirstSingleSince is the id before the first message outside campaigns that was
// made since then: what is older is not looked at again.
func FirstSingleSince(ctx context.Context, idb bun.IDB, after int64, since time.Time) (id int64, err error) {
	err = idb.NewRaw(`SELECT coalesce((SELECT m.id - 1 FROM messages m WHERE m.campaign_id IS NULL AND m.direction = 'outbound' AND m.id > ?0
		AND m.created_at >= ?1 ORDER BY m.id LIMIT 1), ?0)`, after, since).Scan(ctx, &id)
	return id, db.Err(err)
}

// ageBetween says in SQL that a message became one of these ages old between two
// moments.
func ageBetween(ages []time.Duration, from, to time.Time) (sql string, args []any) {
	parts := make([]string, len(ages))
	for i, a := range ages {
		parts[i] = "m.accepted_at > ? AND m.accepted_at <= ?"
		args = append(args, from.Add(-a), to.Add(-a))
	}
	return strings.Join(parts, " OR "), args
}
