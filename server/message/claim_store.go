package message

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"eventstream/server/db"
	"eventstream/server/provider"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// claimedColumns are what RETURNING gives of a claim.
const claimedColumns = `m.id, m.fence, m.purpose, m.campaign_id, m.contact_id, m.sender_id, m.template_version_id, m.body, m.attempts, m.redeliveries,
	clock_timestamp() AS now`

// ClaimDue claims due messages of one sender, as many of each campaign as its
// quota says. A campaign that does not send gives none; a completed one still
// gives those that are to be redelivered. While sending is held (package hold) there
// are none. Those that waited for a moment which has come have three quarters: their
// hour passes, and nobody's hour is known before a first look, for which the last
// quarter stays. What one of them does not need the other gets.
func ClaimDue(ctx context.Context, idb bun.IDB, senderID int64, quotas []Quota,
	lease time.Duration,
) (rows []Claimed, err error) {
	ids, counts := make([]int64, len(quotas)), make([]int64, len(quotas))
	for i, q := range quotas {
		ids[i], counts[i] = q.CampaignID, int64(q.N)
	}
	// The ids go through an array: a limit that is not a constant is taken for a
	// tenth of the table, and Postgres would read all of it for a batch.
	const (
		due    = "x.work = 'send' AND x.sender_id = ?3 AND x.campaign_id = g.campaign_id"
		waited = due + " AND x.not_before > 'epoch' AND x.not_before <= now()"
	)
	err = idb.NewRaw(`
		UPDATE messages m SET status = 'submitting', fence = m.fence + 1, attempts = m.attempts + 1,
			submitted_at = clock_timestamp(),
			lease_until = clock_timestamp() + make_interval(secs => ?0), not_before_reason = '', decision_since = NULL
		WHERE m.id = ANY (ARRAY(
			SELECT due.id FROM (SELECT *, n - floor(n / 4.0 + random())::int AS most
					FROM unnest(?1::bigint[], ?2::int[]) g (campaign_id, n) OFFSET 0) g
				JOIN campaigns ca ON ca.id = g.campaign_id AND ca.status IN ('sending', 'completed')
					AND NOT EXISTS (SELECT 1 FROM sending_hold)
				CROSS JOIN LATERAL (
					SELECT id FROM (SELECT id FROM messages x WHERE `+waited+`
						ORDER BY x.not_before, x.id LIMIT g.most FOR UPDATE SKIP LOCKED) waited
					UNION ALL
					SELECT id FROM (SELECT id FROM messages x WHERE `+due+` AND x.not_before <= 'epoch'
						ORDER BY x.not_before, x.id LIMIT g.n FOR UPDATE SKIP LOCKED) first
					UNION ALL
					SELECT id FROM (SELECT id FROM messages x WHERE `+waited+`
						ORDER BY x.not_before, x.id LIMIT g.n - g.most OFFSET g.most FOR UPDATE SKIP LOCKED) rest
					LIMIT g.n) due))
		RETURNING `+claimedColumns,
		lease.Seconds(), pgdialect.Array(ids), pgdialect.Array(counts), senderID).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// ClaimSingle claims one pending message outside campaigns; nil when somebody
// else has it, it is done, or its sender belongs to another provider.
func ClaimSingle(ctx context.Context, idb bun.IDB, id int64, of provider.Name, lease time.Duration) (*Claimed, error) {
	c := new(Claimed)
	err := idb.NewRaw(`
		UPDATE messages m SET status = 'submitting', fence = m.fence + 1, attempts = m.attempts + 1,
			submitted_at = clock_timestamp(),
			lease_until = clock_timestamp() + make_interval(secs => ?), not_before_reason = '', decision_since = NULL
		WHERE m.id = (SELECT id FROM messages WHERE id = ? AND status = 'pending' AND campaign_id IS NULL
			AND not_before <= now() AND NOT EXISTS (SELECT 1 FROM sending_hold)
			AND sender_id IN (SELECT s.id FROM senders s WHERE s.provider = ?) FOR UPDATE SKIP LOCKED)
		RETURNING m.media, `+claimedColumns, lease.Seconds(), id, string(of)).Scan(ctx, c)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing to do is no error
	}
	return c, db.Err(err)
}

// Settled are those of the claimed messages that are this claim's no more: while
// they waited, a receipt of an earlier call ended them or had them sent again. Only
// messages that were called for before can be.
func Settled(ctx context.Context, idb bun.IDB, claims []Claimed) (map[int64]bool, error) {
	var ids, fences []int64
	for _, c := range claims {
		if c.Fence > 1 {
			ids, fences = append(ids, c.ID), append(fences, int64(c.Fence))
		}
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // none of them
	}
	var found []int64
	err := idb.NewRaw(`
		SELECT u.id FROM unnest(?::bigint[], ?::int[]) u (id, fence) JOIN messages m ON m.id = u.id AND m.id = ANY (?)
		WHERE m.fence <> u.fence OR m.status NOT IN ('submitting', 'unknown')`,
		pgdialect.Array(ids), pgdialect.Array(fences), pgdialect.Array(ids)).Scan(ctx, &found)
	settled := make(map[int64]bool, len(found))
	for _, id := range found {
		settled[id] = true
	}
	return settled, db.Err(err)
}

// What a result means for the status that stands there now. A receipt that was
// faster than the answer to the call has the last word. A message that was given
// up meanwhile, and that Twilio has after all, is accepted: that is the truth.
const (
	open     = `m.status IN ('submitting', 'unknown', 'pending')`
	revived  = `(m.status IN ('canceled', 'expired', 'failed', 'skipped') AND m.sid IS NULL AND u.sid <> '')`
	canceled = `(u.status = 'pending' AND EXISTS (SELECT 1 FROM campaigns ca WHERE ca.id = m.campaign_id AND ca.status IN ('canceled', 'failed')))`
	outcome  = `CASE WHEN ` + open + ` THEN CASE WHEN ` + canceled + ` THEN 'canceled' ELSE u.status END WHEN ` +
		revived + ` THEN u.status ELSE m.status END`
)

// Finish writes what became of claimed messages, in one statement. A result
// counts only while its claim is the newest of its message; those that came too
// late are given back as stale, but for attempts that receipts settled meanwhile;
// so is a call that was accepted although the message has another call's SID.
// Twilio's SIDs are unique: a result with one that another message holds breaks
// db.IsUnique, see Disowned.
func Finish(ctx context.Context, tx bun.Tx, results []Result) (stale []Result, err error) {
	n := len(results)
	ids, fences, codes, noCall := make([]int64, n), make([]int64, n), make([]int64, n), make([]bool, n)
	status, skips, sids, texts := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	bodies, notBefore, reasons := make([]string, n), make([]string, n), make([]string, n)
	for i, r := range results {
		ids[i], fences[i], codes[i], noCall[i] = r.ID, int64(r.Fence), int64(r.Code), r.NoCall
		status[i], skips[i], sids[i], texts[i], bodies[i], reasons[i] = string(r.Status), string(r.Skip), r.SID, r.Text,
			r.Body, r.Reason
		notBefore[i] = "epoch"
		if !r.NotBefore.IsZero() {
			notBefore[i] = r.NotBefore.UTC().Format(time.RFC3339Nano)
		}
	}
	var rows []struct {
		ID  int64
		SID string
	}
	// Locked in order of id, as receipts lock them: a receipt that is faster than
	// the answer to the call meets this statement often. The results themselves go
	// through that step: with two lists to join, Postgres compared each of one with
	// each of the other. The ids stand there as constants too: by the join alone it
	// reads the whole table for a batch while that is small, or was just filled and
	// never analyzed.
	err = tx.NewRaw(`
		WITH u AS MATERIALIZED (
			SELECT u.* FROM unnest(?::bigint[], ?::int[], ?::text[], ?::text[], ?::text[], ?::int[], ?::text[], ?::text[],
				?::text[], ?::text[], ?::boolean[])
				AS u (id, fence, status, skip, sid, code, text, body, not_before, reason, no_call)
				JOIN messages x ON x.id = u.id AND x.id = ANY (?)
			ORDER BY u.id FOR NO KEY UPDATE OF x)
		UPDATE messages m SET
			status = `+outcome+`,
			sid = coalesce(m.sid, nullif(u.sid, '')),
			body = CASE WHEN u.body <> '' THEN u.body ELSE m.body END,
			skip_reason = CASE WHEN `+open+` THEN u.skip ELSE m.skip_reason END,
			error_code = CASE WHEN `+open+` OR `+revived+` THEN u.code ELSE m.error_code END,
			error_message = CASE WHEN `+open+` OR `+revived+` THEN u.text ELSE m.error_message END,
			attempts = m.attempts - CASE WHEN u.no_call THEN 1 ELSE 0 END,
			not_before = CASE WHEN u.status = 'pending' THEN u.not_before::timestamptz ELSE m.not_before END,
			not_before_reason = u.reason,
			deferred_reason = CASE WHEN m.deferred_reason = '' AND u.status = 'pending' THEN u.reason ELSE m.deferred_reason END,
			lease_until = CASE WHEN `+open+` AND u.status = 'unknown' THEN clock_timestamp() + make_interval(secs => ?) END,
			decision_since = NULL,
			accepted_at = coalesce(m.accepted_at, CASE WHEN u.sid <> '' THEN clock_timestamp() END),
			ended_at = CASE WHEN (`+open+` AND u.status IN ('failed', 'skipped', 'expired')) OR (`+open+` AND `+canceled+`) THEN clock_timestamp()
				WHEN `+open+` OR `+revived+` THEN NULL ELSE m.ended_at END
		FROM u WHERE m.id = u.id AND m.fence = u.fence
		RETURNING m.id, coalesce(m.sid, '') AS sid`,
		pgdialect.Array(ids), pgdialect.Array(fences), pgdialect.Array(status), pgdialect.Array(skips),
		pgdialect.Array(sids), pgdialect.Array(codes), pgdialect.Array(texts),
		pgdialect.Array(bodies), pgdialect.Array(notBefore), pgdialect.Array(reasons), pgdialect.Array(noCall), pgdialect.Array(ids),
		firstLook.Seconds()).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	sidOf := make(map[int64]string, len(rows))
	for _, r := range rows {
		sidOf[r.ID] = r.SID
	}
	written := make([]int64, 0, n)
	for _, r := range results { // a receipt of an earlier call may have brought that call's SID: then there were two
		if sid, ok := sidOf[r.ID]; ok && (r.SID == "" || r.SID == sid) {
			written = append(written, r.ID)
		}
	}
	if len(written) == n {
		return nil, nil
	}
	archived, err := keepArchived(ctx, tx, ids, sids, bodies)
	if err != nil {
		return nil, err
	}
	kept := make(map[int64]bool, len(written)+len(archived))
	for _, id := range append(written, archived...) {
		kept[id] = true
	}
	for _, r := range results {
		if !kept[r.ID] {
			stale = append(stale, r)
		}
	}
	return stale, nil
}

// keepArchived finds the results whose attempt receipts have archived already,
// because they were faster than the answer: they are not news and went out once.
// Only their text was not known before.
func keepArchived(ctx context.Context, tx bun.Tx, ids []int64, sids, bodies []string) (found []int64, err error) {
	err = tx.NewRaw(`
		UPDATE messages m SET body = CASE WHEN m.body = '' THEN u.body ELSE m.body END
		FROM unnest(?::bigint[], ?::text[], ?::text[]) AS u (id, sid, body)
			JOIN message_attempts a ON a.sid = u.sid AND a.message_id = u.id
		WHERE m.id = u.id RETURNING m.id`, pgdialect.Array(ids), pgdialect.Array(sids), pgdialect.Array(bodies)).Scan(ctx,
		&found)
	return found, db.Err(err)
}

// firstLook is how long after a call without answer its message is first looked
// for: a receipt usually comes before that and says more than the log.
const firstLook = 2 * time.Second

// Disowned takes the SIDs out of results that other messages hold already. That
// happens when reconciliation found the call of one message, could not tell it
// from an equal one (same sender, address and text), and gave its SID to that:
// then this message is the one whose fate is unknown.
func Disowned(ctx context.Context, idb bun.IDB, results []Result) ([]Result, error) {
	ids, sids := make([]int64, 0, len(results)), make([]string, 0, len(results))
	for _, r := range results {
		if r.SID != "" {
			ids, sids = append(ids, r.ID), append(sids, r.SID)
		}
	}
	var taken []int64
	err := idb.NewRaw(`SELECT u.id FROM unnest(?::bigint[], ?::text[]) u (id, sid) JOIN messages m ON m.sid = u.sid AND m.id <> u.id`,
		pgdialect.Array(ids), pgdialect.Array(sids)).Scan(ctx, &taken)
	if err != nil {
		return nil, db.Err(err)
	}
	out := make([]Result, len(results))
	copy(out, results)
	for _, id := range taken {
		for i := range out {
			if out[i].ID == id {
				out[i].Status, out[i].SID = StatusUnknown, ""
			}
		}
	}
	return out, nil
}

// GiveBack returns claimed messages for which no call was made. Those of a
// campaign that ended meanwhile end too.
func GiveBack(ctx context.Context, idb bun.IDB, claims []Claimed) error {
	ids, fences := make([]int64, len(claims)), make([]int64, len(claims))
	for i, c := range claims {
		ids[i], fences[i] = c.ID, int64(c.Fence)
	}
	_, err := idb.NewRaw(`
		WITH locked AS MATERIALIZED (SELECT id FROM messages WHERE id = ANY (?) ORDER BY id FOR NO KEY UPDATE)
		UPDATE messages m SET lease_until = NULL, submitted_at = NULL, decision_since = NULL, attempts = m.attempts - 1,
			status = CASE WHEN ca.status IN ('canceled', 'failed') THEN 'canceled' ELSE 'pending' END,
			ended_at = CASE WHEN ca.status IN ('canceled', 'failed') THEN clock_timestamp() END
		FROM unnest(?::bigint[], ?::int[]) u (id, fence) JOIN locked l ON l.id = u.id
			JOIN messages x ON x.id = u.id LEFT JOIN campaigns ca ON ca.id = x.campaign_id
		WHERE m.id = u.id AND m.fence = u.fence AND m.status IN ('submitting', 'unknown')`,
		pgdialect.Array(ids), pgdialect.Array(ids), pgdialect.Array(fences)).Exec(ctx)
	return db.Err(err)
}

// MarkLost finds up to n messages whose lease ended without a result: what became
// of their call is unknown. It gives how many there were, and their campaigns.
func MarkLost(ctx context.Context, idb bun.IDB, n int) (found int, campaigns []int64, err error) {
	var rows []*int64
	err = idb.NewRaw(`
		UPDATE messages SET status = 'unknown', lease_until = clock_timestamp()
		WHERE id IN (SELECT id FROM messages WHERE work = 'watch' AND status = 'submitting' AND lease_until < now()
			ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED)
		RETURNING campaign_id`, n).Scan(ctx, &rows)
	seen := map[int64]bool{}
	for _, id := range rows {
		if id != nil && !seen[*id] {
			seen[*id] = true
			campaigns = append(campaigns, *id)
		}
	}
	return len(rows), campaigns, db.Err(err)
}

// LoseClaims ends the leases of all claims, where no worker is left that holds one:
// in a database that was restored. MarkLost finds them at once.
const LoseClaims = "UPDATE messages SET lease_until = clock_timestamp() WHERE work = 'watch' AND status = 'submitting'"

// Unknown is a message whose call got no answer.
type Unknown struct {
	Claim

	Purpose           Purpose
	CampaignID        *int64
	ContactID         int64
	TemplateVersionID *int64
	Body              string // "" when the worker died before it could tell
	Address           string
	SenderAddress     string
	SubmittedAt       time.Time
	DecisionSince     *time.Time
	Age               float64 // seconds since the call, by Postgres' clock
	Gone              bool    // the contact was erased: there is no address to look for
}

const unknownColumns = `m.id, m.fence, m.purpose, m.campaign_id, m.contact_id, m.template_version_id, m.body, m.submitted_at, m.decision_since,
	extract(epoch FROM clock_timestamp() - m.submitted_at)::float8 AS age`

// TakeUnknown takes up to n messages of a provider's whose fate is to be looked for
// now; nobody else takes them for half a minute.
func TakeUnknown(ctx context.Context, idb bun.IDB, of provider.Name, n int) (rows []Unknown, err error) {
	err = idb.NewRaw(`
		WITH m AS (
			UPDATE messages SET lease_until = clock_timestamp() + interval '30 seconds'
			WHERE id IN (SELECT id FROM messages WHERE work = 'watch' AND status = 'unknown' AND lease_until < now()
				AND `+ofProvider+` ORDER BY lease_until LIMIT ? FOR UPDATE SKIP LOCKED)
			RETURNING *)
		SELECT `+unknownColumns+`, c.address, s.address AS sender_address, c.erased_at IS NOT NULL AND c.merged_into IS NULL AS gone
		FROM m JOIN contacts c ON c.id = m.contact_id JOIN senders s ON s.id = m.sender_id ORDER BY m.id`, string(of), n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// ofProvider are messages whose sender belongs to a provider.
const ofProvider = `sender_id IN (SELECT s.id FROM senders s WHERE s.provider = ?)`

// UnknownDue reports whether TakeUnknown would find any.
func UnknownDue(ctx context.Context, idb bun.IDB, of provider.Name) (due bool, err error) {
	err = idb.NewRaw("SELECT EXISTS (SELECT 1 FROM messages WHERE work = 'watch' AND status = 'unknown' AND lease_until < now() AND "+ofProvider+")",
		string(of)).Scan(ctx, &due)
	return due, db.Err(err)
}

// LockUnknown locks those of these messages that are still unknown under the same
// claim, in order of id, and gives them.
func LockUnknown(ctx context.Context, tx bun.Tx, rows []Unknown) (still []Unknown, err error) {
	ids, fences := make([]int64, len(rows)), make([]int64, len(rows))
	for i, r := range rows {
		ids[i], fences[i] = r.ID, int64(r.Fence)
	}
	var found []int64
	err = tx.NewRaw(`SELECT m.id FROM messages m WHERE m.id = ANY (?) AND m.status = 'unknown'
		AND (m.id, m.fence) IN (SELECT * FROM unnest(?::bigint[], ?::int[])) ORDER BY m.id FOR UPDATE`,
		pgdialect.Array(ids), pgdialect.Array(ids), pgdialect.Array(fences)).Scan(ctx, &found)
	for _, r := range rows {
		if slices.Contains(found, r.ID) {
			still = append(still, r)
		}
	}
	return still, db.Err(err)
}

// InFlightTo tells to which of these contacts a call is under way now: then an
// entry of the log may be that call's.
func InFlightTo(ctx context.Context, idb bun.IDB, contactIDs []int64) (found map[int64]bool, err error) {
	var ids []int64
	err = idb.NewRaw("SELECT DISTINCT contact_id FROM messages WHERE contact_id = ANY (?) AND work = 'watch' AND status = 'submitting'", pgdialect.Array(contactIDs)).Scan(ctx, &ids)
	found = make(map[int64]bool, len(ids))
	for _, id := range ids {
		found[id] = true
	}
	return found, db.Err(err)
}

// LookAgain says when unknown messages are looked for next; with undecided, that
// only a person can decide about them meanwhile.
func LookAgain(ctx context.Context, tx bun.Tx, ids []int64, after time.Duration, undecided bool) error {
	_, err := tx.NewRaw(`UPDATE messages SET lease_until = clock_timestamp() + make_interval(secs => ?),
		decision_since = CASE WHEN ? THEN coalesce(decision_since, clock_timestamp()) ELSE decision_since END WHERE id = ANY (?) AND status = 'unknown'`,
		after.Seconds(), undecided, pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// Requeue returns messages that Twilio never took. Those of a campaign that ended
// meanwhile end too. It gives the messages outside campaigns: they need a job.
func Requeue(ctx context.Context, tx bun.Tx, ids []int64, reason string) (singles []int64, err error) {
	var rows []struct {
		ID         int64
		CampaignID *int64
		Status     Status
	}
	err = tx.NewRaw(`
		UPDATE messages m SET lease_until = NULL, decision_since = NULL, not_before = 'epoch', not_before_reason = ?,
			status = CASE WHEN ca.status IN ('canceled', 'failed') THEN 'canceled' ELSE 'pending' END,
			ended_at = CASE WHEN ca.status IN ('canceled', 'failed') THEN clock_timestamp() END
		FROM messages x LEFT JOIN campaigns ca ON ca.id = x.campaign_id WHERE x.id = m.id AND m.id = ANY (?)
			AND m.status = 'unknown'
		RETURNING m.id, m.campaign_id, m.status`, reason, pgdialect.Array(ids)).Scan(ctx, &rows)
	for _, r := range rows {
		if r.CampaignID == nil && r.Status == StatusPending {
			singles = append(singles, r.ID)
		}
	}
	return singles, db.Err(err)
}

// Adopt gives an unknown message the SID of the log's entry that is its own: it is
// accepted. What became of it afterwards is reported by receipts, with their effects.
// The caller holds its lock.
func Adopt(ctx context.Context, tx bun.Tx, c Claim, e Logged) error {
	rows, err := Lock(ctx, tx, []int64{c.ID}, nil)
	if err != nil || len(rows) == 0 {
		return err
	}
	m := rows[0]
	if m.Fence != c.Fence || m.Status != StatusUnknown {
		return nil
	}
	m.Advance(Event{SID: e.SID, Status: StatusAccepted, At: e.Created})
	p := new(db.Pipeline)
	addProgress(p, rows)
	return p.Send(ctx, tx)
}

// LockUndecided locks up to n messages about which a person may decide: of a
// campaign, or these.
func LockUndecided(ctx context.Context, tx bun.Tx, campaignID *int64, ids []int64, n int) (rows []Unknown, err error) {
	q := tx.NewSelect().TableExpr("messages AS m").ColumnExpr(unknownColumns).Where(needsDecision).OrderExpr("m.id").Limit(int64(n)).For("UPDATE")
	if campaignID != nil {
		q = q.Where("m.campaign_id = ?", *campaignID)
	} else {
		q = q.Where("m.id = ANY (?)", pgdialect.Array(ids))
	}
	return rows, db.Err(q.Scan(ctx, &rows))
}

// Abandon ends unknown messages as failed, with the reason.
func Abandon(ctx context.Context, tx bun.Tx, ids []int64, reason string) error {
	_, err := tx.NewRaw(`UPDATE messages SET status = 'failed', error_message = ?, lease_until = NULL, decision_since = NULL, ended_at = clock_timestamp()
		WHERE id = ANY (?) AND status = 'unknown'`, reason, pgdialect.Array(ids)).Exec(ctx)
	return db.Err(err)
}

// waiting finds up to n pending messages of a campaign by the index of pending
// work, whoever sends them. They are locked; what others hold is left to them.
const waiting = "SELECT m.id FROM messages m WHERE " + ofCampaign + " LIMIT ? FOR UPDATE SKIP LOCKED"

// Cancel ends up to n pending messages of a campaign that ended, and gives how
// many there were; callers go on until there are none. Messages under way see the
// campaign's status themselves.
func Cancel(ctx context.Context, idb bun.IDB, campaignID int64, n int) (int, error) {
	return end(ctx, idb, StatusCanceled, campaignID, n)
}

// Expire ends up to n pending messages of a campaign whose time is over, as Cancel.
func Expire(ctx context.Context, idb bun.IDB, campaignID int64, n int) (int, error) {
	return end(ctx, idb, StatusExpired, campaignID, n)
}

func end(ctx context.Context, idb bun.IDB, status Status, campaignID int64, n int) (int, error) {
	res, err := idb.NewRaw(`UPDATE messages SET status = ?, ended_at = clock_timestamp() WHERE id IN (`+waiting+`)`,
		status, campaignID, n).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	ended, err := res.RowsAffected()
	return int(ended), err
}

// Reassign gives up to n pending messages that from was to send to the senders in
// rotation, in turn, and gives how many there were; callers go on until there are none.
func Reassign(ctx context.Context, idb bun.IDB, campaignID, from int64, rotation []int64, n int) (int, error) {
	res, err := idb.NewRaw(`UPDATE messages SET sender_id = (?::bigint[])[1 + contact_id % ?] WHERE id IN (
		SELECT id FROM messages WHERE work = 'send' AND campaign_id = ? AND sender_id = ? ORDER BY not_before, id LIMIT ? FOR UPDATE SKIP LOCKED)`,
		pgdialect.Array(rotation), len(rotation), campaignID, from, n).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	moved, err := res.RowsAffected()
	return int(moved), err
}
