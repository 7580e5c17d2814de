package hold

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"eventstream/server/db"
	"eventstream/server/say"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const columns = "held_at, backup_at, stopped_at, confirmed_at, checked_at, notice, clock_timestamp() AS now"

func current(ctx context.Context, idb bun.IDB) (*Hold, error) {
	return scan(idb.NewRaw("SELECT "+columns+" FROM sending_hold"), ctx)
}

func lock(ctx context.Context, tx bun.Tx) (*Hold, error) {
	return scan(tx.NewRaw("SELECT "+columns+" FROM sending_hold FOR UPDATE"), ctx)
}

func scan(q *bun.RawQuery, ctx context.Context) (*Hold, error) {
	h := new(Hold)
	err := q.Scan(ctx, h)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing is held
	}
	return h, db.Err(err)
}

func confirm(ctx context.Context, tx bun.Tx, stoppedAt time.Time) error {
	_, err := tx.NewRaw("UPDATE sending_hold SET stopped_at = ?, confirmed_at = clock_timestamp(), checked_at = NULL, notice = ''",
		stoppedAt).Exec(ctx)
	return db.Err(err)
}

func withdraw(ctx context.Context, tx bun.Tx, notice say.Text) error {
	_, err := tx.NewRaw("UPDATE sending_hold SET stopped_at = NULL, confirmed_at = NULL, checked_at = NULL, notice = ?", notice.String()).Exec(ctx)
	return db.Err(err)
}

// checked notes that the log was looked at, and why the hold goes on.
func checked(ctx context.Context, idb bun.IDB, notice say.Text) error {
	_, err := idb.NewRaw("UPDATE sending_hold SET checked_at = clock_timestamp(), notice = ?", notice.String()).Exec(ctx)
	return db.Err(err)
}

func note(ctx context.Context, idb bun.IDB, notice say.Text) error {
	_, err := idb.NewRaw("UPDATE sending_hold SET notice = ?0 WHERE notice <> ?0", notice.String()).Exec(ctx)
	return db.Err(err)
}

func remove(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("DELETE FROM sending_hold").Exec(ctx)
	return db.Err(err)
}

// forget deletes what was sent so long ago that no message here can be it any more.
func forget(ctx context.Context, idb bun.IDB, age time.Duration) error {
	_, err := idb.NewRaw(`DELETE FROM sent_elsewhere WHERE sid IN (SELECT sid FROM sent_elsewhere
		WHERE created_at < now() - make_interval(secs => ?) LIMIT 10000)`, age.Seconds()).Exec(ctx)
	return db.Err(err)
}

func senders(ctx context.Context, idb bun.IDB) (map[string]bool, error) {
	var all []string
	err := idb.NewRaw("SELECT address FROM senders").Scan(ctx, &all)
	ours := make(map[string]bool, len(all))
	for _, a := range all {
		ours[a] = true
	}
	return ours, db.Err(err)
}

// inboundWaits reports whether messages from before a moment may still be unread in the
// provider's log, or be waiting to be applied.
func inboundWaits(ctx context.Context, idb bun.IDB, before time.Time) (yes bool, err error) {
	err = idb.NewRaw(`SELECT EXISTS (SELECT 1 FROM senders s LEFT JOIN inbound_checks ic ON ic.sender_id = s.id
			WHERE s.address LIKE '+%' AND (ic.read_until IS NULL OR ic.read_until < ?))
		OR EXISTS (SELECT 1 FROM webhook_events WHERE kind = 'inbound' AND applied_at IS NULL AND attempts = 0)`, before).Scan(ctx, &yes)
	return yes, db.Err(err)
}

// readInbound has the log of what was sent to us read now, where it was not since.
func readInbound(ctx context.Context, idb bun.IDB, since time.Time) error {
	_, err := idb.NewRaw("UPDATE inbound_checks SET next_at = now() WHERE read_until < ? AND next_at > now()", since).Exec(ctx)
	return db.Err(err)
}

// sent is a message that the original sent.
type sent struct {
	SID       string
	What      []byte
	CreatedAt time.Time
}

func insertSent(ctx context.Context, idb bun.IDB, rows []sent) error {
	sids, hashes, at := make([]string, len(rows)), make([][]byte, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		sids[i], hashes[i], at[i] = r.SID, r.What, r.CreatedAt.UTC().Format(time.RFC3339)
	}
	_, err := idb.NewRaw(`INSERT INTO sent_elsewhere (sid, what, created_at)
		SELECT u.sid, u.what, u.at::timestamptz FROM unnest(?::text[], ?::bytea[], ?::text[]) u (sid, what, at)
		ON CONFLICT (sid) DO UPDATE SET what = excluded.what`,
		pgdialect.Array(sids), pgdialect.Array(hashes), pgdialect.Array(at)).Exec(ctx)
	return db.Err(err)
}

// sentElsewhere finds an entry for a message: with its text, or with none. It was
// made when the message could have been sent: after the message was written, or if
// the original wrote one of its own, after its campaign was to begin.
func sentElsewhere(ctx context.Context, idb bun.IDB, messageID int64, exact, without [][]byte, taken []string,
) (sid string, err error) {
	err = idb.NewRaw(`
		SELECT e.sid FROM messages m LEFT JOIN campaigns ca ON ca.id = m.campaign_id
			JOIN sent_elsewhere e ON e.what = ANY (?0) OR e.what = ANY (?1)
		WHERE m.id = ?2 AND e.sid <> ALL (?3)
			AND e.created_at >= least(m.created_at, coalesce((ca.schedule ->> 'at')::timestamptz, ca.created_at)) - interval '1 minute'
			AND NOT EXISTS (SELECT 1 FROM messages x WHERE x.sid = e.sid)
			AND NOT EXISTS (SELECT 1 FROM message_attempts a WHERE a.sid = e.sid)
		ORDER BY e.what = ANY (?0) DESC, e.created_at, e.sid LIMIT 1`,
		pgdialect.Array(exact), pgdialect.Array(without), messageID, pgdialect.Array(append([]string{""}, taken...))).Scan(ctx, &sid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return sid, db.Err(err)
}
