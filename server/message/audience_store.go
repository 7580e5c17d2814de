package message

import (
	"context"

	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Audience says whom a campaign writes to.
type Audience struct {
	CampaignID int64
	Version    contact.Predicate // SQL over c: the template version that a member gets
	Members    contact.Predicate // over contacts c
	Join       contact.Predicate // joined to contacts c for SkipReason
	SkipReason string            // SQL over c and what Join joined: why a member gets none, '' passes
	Rotation   []int64           // senders, in the order in which they take their turns
}

// EnqueueAudience writes the messages of the next n members with ids above after:
// pending, or skipped with the reason. Each member has one, however often it is
// written. It gives the last contact looked at, and how many there were.
func EnqueueAudience(ctx context.Context, tx bun.Tx, a Audience, after int64, n int) (last int64, seen int, err error) {
	args := append([]any{}, a.Version.Args...)
	args = append(append(append(args, a.Join.Args...), after), a.Members.Args...)
	args = append(args, n, a.CampaignID, pgdialect.Array(a.Rotation), len(a.Rotation))
	err = tx.NewRaw(`
		WITH members AS MATERIALIZED (
			SELECT c.id, `+a.SkipReason+` AS reason, `+a.Version.SQL+` AS version FROM contacts c`+a.Join.SQL+`
			WHERE c.id > ? AND c.erased_at IS NULL AND (`+a.Members.SQL+`) ORDER BY c.id LIMIT ?),
		written AS (
			INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status,
				skip_reason, ended_at)
			SELECT 'outbound', 'campaign', ?, id, (?::bigint[])[1 + id % ?], version, CASE WHEN reason = '' THEN 'pending'
				ELSE 'skipped' END, reason,
				CASE WHEN reason <> '' THEN now() END
			FROM members ORDER BY id ON CONFLICT (campaign_id, contact_id) DO NOTHING)
		SELECT coalesce(max(id), 0), count(*) FROM members`, args...).Scan(ctx, &last, &seen)
	return last, seen, db.Err(err)
}
