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
	Version    contact.Predicate // SQL over c and d: the template version that a member gets
	Members    contact.Predicate // over contacts c
	Join       contact.Predicate // joined to contacts c for SkipReason
	SkipReason string            // SQL over c and what Join joined: why a member gets none, '' passes
	Draw       contact.Predicate // a query of one row over c, here d: held, why who passes gets none after all; variant; and waits, for a winner
	Tests      bool              // whether the variants that are drawn are those of a test
	Rotation   []int64           // senders, in the order in which they take their turns
	Pilot      int               // so many get it first, the others wait; 0: nobody waits
	Senders    []int64           // by variant, who sends it; 0, or none: the rotation
}

// Taken is a part of an audience that was written.
type Taken struct {
	Last int64 // the last contact looked at
	Seen int
	Held int64 // who passed, and is held out of this campaign
	Sent int64 // who passed, and is to get a message
}

// Undetermined is when a message goes that waits for something which has no time of its own.
const Undetermined = "9999-01-01T00:00:00Z"

// WaitsForWinner is the reason of messages that wait for the winner of their campaign's test.
const WaitsForWinner = "winner"

// WaitsForPilot is the reason of messages that wait until somebody has looked at the first of their campaign.
const WaitsForPilot = "pilot"

// Undated reports whether what waits for a reason has no time of its own.
func Undated(reason string) bool { return reason == WaitsForWinner || reason == WaitsForPilot }

// EnqueueAudience writes the messages of the next n members with ids above after:
// pending, or skipped with the reason. Each member has one, however often it is
// written.
func EnqueueAudience(ctx context.Context, tx bun.Tx, a Audience, after int64, n int) (taken Taken, err error) {
	args := append([]any{}, a.Version.Args...)
	args = append(append(args, a.Join.Args...), a.Draw.Args...)
	args = append(append(args, after), a.Members.Args...)
	first := int64(1 << 62) // of those who pass, so many need not wait for the pilot
	if a.Pilot > 0 {
		written, err := piloted(ctx, tx, a.CampaignID, a.Pilot)
		if err != nil {
			return taken, err
		}
		first = int64(a.Pilot) - written
	}
	args = append(args, n, first, a.CampaignID, pgdialect.Array(a.Senders), pgdialect.Array(a.Rotation), len(a.Rotation), a.Tests, Undetermined, WaitsForWinner, SkipHoldout)
	err = tx.NewRaw(`
		WITH members AS MATERIALIZED (
			SELECT c.id, `+a.SkipReason+` AS reason, `+a.Version.SQL+` AS version, d.* FROM contacts c`+a.Join.SQL+`
				CROSS JOIN LATERAL (`+a.Draw.SQL+`) d
			WHERE c.id > ? AND c.erased_at IS NULL AND (`+a.Members.SQL+`) ORDER BY c.id LIMIT ?),
		placed AS (SELECT *, why = '' AND sum(CASE WHEN why = '' THEN 1 ELSE 0 END) OVER (ORDER BY id) > ? AS later
			FROM members, LATERAL (SELECT CASE WHEN reason <> '' THEN reason ELSE held END AS why) w),
		written AS (
			INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status,
				skip_reason, ended_at, variant, not_before, not_before_reason)
			SELECT 'outbound', 'campaign', ?, id, coalesce(nullif((?::bigint[])[1 + variant], 0), (?::bigint[])[1 + id % ?]), version, CASE WHEN why = '' THEN 'pending'
				ELSE 'skipped' END, why,
				CASE WHEN why <> '' THEN now() END,
				CASE WHEN ? AND why = '' AND NOT waits THEN variant END,
				CASE WHEN why = '' AND waits OR later THEN ?::timestamptz ELSE 'epoch' END,
				CASE WHEN why = '' AND waits THEN ? WHEN later THEN '`+WaitsForPilot+`' ELSE '' END
			FROM placed
			ORDER BY id ON CONFLICT (campaign_id, contact_id) DO NOTHING)
		SELECT coalesce(max(id), 0) AS last, count(*) AS seen, count(*) FILTER (WHERE reason = '' AND held = ?) AS held,
			count(*) FILTER (WHERE reason = '' AND held = '') AS sent FROM members`, args...).Scan(ctx, &taken)
	return taken, db.Err(err)
}

// ofCampaign are messages of a campaign that are to be sent, by the index of what is.
const ofCampaign = "m.work = 'send' AND m.campaign_id = ? AND m.sender_id = ANY (ARRAY(SELECT s.id FROM senders s))"

// piloted counts the messages of a campaign that need not wait for its pilot, up to a limit.
func piloted(ctx context.Context, idb bun.IDB, campaignID int64, limit int) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM (SELECT 1 FROM messages m WHERE "+ofCampaign+" AND m.not_before < ?::timestamptz LIMIT ?) w",
		campaignID, Undetermined, limit).Scan(ctx, &n)
	return n, db.Err(err)
}

// PilotOpen reports whether a message of a campaign is on its way, or about to be, that does not wait for the pilot. Further
// attempts are not waited for.
func PilotOpen(ctx context.Context, idb bun.IDB, campaignID int64) (open bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM messages m WHERE "+ofCampaign+" AND m.not_before < ?::timestamptz AND m.redeliveries = 0) "+
		"OR EXISTS (SELECT 1 FROM message_counts WHERE campaign_id = ? AND measure = 'submitting' AND n > 0)",
		campaignID, Undetermined, campaignID).Scan(ctx, &open)
	return open, db.Err(err)
}

// ReleasePilot lets up to n messages of a campaign go that wait for its pilot, the first ones, and gives how many there were.
// What others hold locked is left to the next time.
func ReleasePilot(ctx context.Context, idb bun.IDB, campaignID int64, n int) (int, error) {
	res, err := idb.NewRaw("WITH waiting AS (SELECT m.id FROM messages m WHERE "+ofCampaign+` AND m.not_before = ?::timestamptz AND m.not_before_reason = ?
			ORDER BY m.id LIMIT ? FOR UPDATE SKIP LOCKED)
		UPDATE messages m SET not_before = 'epoch', not_before_reason = '' FROM waiting w WHERE w.id = m.id`,
		campaignID, Undetermined, WaitsForPilot, n).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	released, err := res.RowsAffected()
	return int(released), err
}

// SendWinner lets up to n messages of a campaign go that wait for the winner of its test, with the version that a predicate over contacts c gives
// each, by the senders in rotation, and gives how many there were; callers go on until none waits. Messages of the other variants that were not
// handed over yet join them, and take part in the test no more. What others hold locked is left to the next time.
func SendWinner(ctx context.Context, idb bun.IDB, campaignID int64, winner int, version contact.Predicate, rotation []int64, n int) (int, error) {
	args := append([]any{campaignID, winner, n, pgdialect.Array(rotation), len(rotation)}, version.Args...)
	res, err := idb.NewRaw(`
		WITH waiting AS (SELECT m.id, m.contact_id FROM messages m WHERE `+waitsForWinner+` LIMIT ? FOR UPDATE SKIP LOCKED)
		UPDATE messages m SET template_version_id = w.version, sender_id = (?::bigint[])[1 + m.contact_id % ?], variant = NULL,
			not_before = CASE WHEN m.not_before_reason = '`+WaitsForWinner+`' THEN 'epoch' ELSE m.not_before END,
			not_before_reason = CASE WHEN m.not_before_reason = '`+WaitsForWinner+`' THEN '' ELSE m.not_before_reason END
		FROM (SELECT waiting.id, `+version.SQL+` AS version FROM waiting JOIN contacts c ON c.id = waiting.contact_id) w WHERE m.id = w.id`, args...).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	released, err := res.RowsAffected()
	return int(released), err
}

// waitsForWinner are the messages of a campaign that a winner, a variant, is sent by: those that wait for it, and those of other variants.
const waitsForWinner = ofCampaign + `
	AND m.accepted_at IS NULL AND m.redeliveries = 0 AND (m.not_before_reason = '` + WaitsForWinner + `' OR m.variant <> ?)`

// WaitForWinner reports whether SendWinner would find any.
func WaitForWinner(ctx context.Context, idb bun.IDB, campaignID int64, winner int) (any bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM messages m WHERE "+waitsForWinner+")", campaignID, winner).Scan(ctx, &any)
	return any, db.Err(err)
}
