package message

import (
	"context"
	"hash/fnv"
	"slices"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Past is a message from before this system was used, as the provider's log has it.
type Past struct {
	ID             int64 // given by InsertHistory; 0: it is not written
	SID            string
	Direction      Direction
	ContactID      int64
	ConversationID int64 // 0: none
	SenderID       int64 // 0: none of ours
	Body           string
	Status         Status
	ErrorCode      int
	ErrorMessage   string
	At             time.Time // when it was sent or came
}

// historyID gives history its ids: below zero, so that it stands before all messages of
// this system, and in the order of time, whatever the order of the file. Messages of
// one second stand in any order; try tells apart those that would have one id.
func historyID(sid string, at time.Time, try int) int64 {
	const (
		end      = 1 << 33 // seconds, the year 2242
		slotBits = 22
	)
	h := fnv.New64a()
	_, _ = h.Write([]byte(sid))
	slot := (int64(h.Sum64()>>1) + int64(try)) & (1<<slotBits - 1)
	return (min(max(at.Unix(), 0), end-1)-end)<<slotBits | slot
}

const historyTries = 8

// InsertHistory writes messages of the past, none of which KnownSIDs knows, and fills their ids.
// Nothing is ever sent because of them, no campaign counts them, and no chart.
func InsertHistory(ctx context.Context, tx bun.Tx, rows []*Past) error {
	left := slices.Clone(rows)
	for _, p := range left {
		p.ID = 0 // another try may have failed later
	}
	slices.SortFunc(left, func(a, b *Past) int { return a.At.Compare(b.At) })
	for try := 0; len(left) > 0; try++ {
		if try == historyTries {
			return apperr.New(apperr.CodeUnavailable, "no id is left for a message of that second, try again")
		}
		if err := insertPast(ctx, tx, left, try); err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(p *Past) bool { return p.ID != 0 })
	}
	return nil
}

func insertPast(ctx context.Context, tx bun.Tx, rows []*Past, try int) error {
	n := len(rows)
	ids, contacts, conversations := make([]int64, n), make([]int64, n), make([]int64, n)
	senders, codes := make([]int64, n), make([]int64, n)
	sids, directions, bodies := make([]string, n), make([]string, n), make([]string, n)
	statuses, texts, times := make([]string, n), make([]string, n), make([]string, n)
	bySID := make(map[string]*Past, n)
	for i, p := range rows {
		bySID[p.SID] = p
		ids[i], contacts[i], conversations[i], senders[i] = historyID(p.SID, p.At, try), p.ContactID, p.ConversationID, p.SenderID
		codes[i], sids[i], directions[i], bodies[i] = int64(p.ErrorCode), p.SID, string(p.Direction), p.Body
		statuses[i], texts[i], times[i] = string(p.Status), p.ErrorMessage, p.At.UTC().Format(time.RFC3339Nano)
	}
	var written []struct {
		ID  int64
		SID string `bun:"sid"`
	}
	err := tx.NewRaw(`
		INSERT INTO messages (id, direction, purpose, contact_id, conversation_id, sender_id, body, status, sid,
			error_code, error_message, created_at, accepted_at, sent_at, delivered_at, read_at, ended_at)
		OVERRIDING SYSTEM VALUE
		SELECT u.id, u.direction, 'history', u.contact, nullif(u.conversation, 0), nullif(u.sender, 0), u.body, u.status,
			u.sid, u.code, u.text, at,
			CASE WHEN u.direction = 'outbound' THEN at END,
			CASE WHEN u.status IN ('sent', 'delivered', 'read') THEN at END,
			CASE WHEN u.status IN ('delivered', 'read') THEN at END,
			CASE WHEN u.status = 'read' THEN at END,
			CASE WHEN u.status IN ('failed', 'undelivered', 'canceled') THEN at END
		FROM unnest(?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[],
				?::bigint[], ?::text[], ?::text[]) AS u (id, direction, contact, conversation, sender, body, status, sid, code, text, moment),
			LATERAL (SELECT u.moment::timestamptz AS at) t
		ORDER BY u.id
		ON CONFLICT DO NOTHING RETURNING id, sid`,
		pgdialect.Array(ids), pgdialect.Array(directions), pgdialect.Array(contacts), pgdialect.Array(conversations),
		pgdialect.Array(senders), pgdialect.Array(bodies), pgdialect.Array(statuses), pgdialect.Array(sids), pgdialect.Array(codes),
		pgdialect.Array(texts), pgdialect.Array(times)).Scan(ctx, &written)
	for _, w := range written {
		bySID[w.SID].ID = w.ID
	}
	return db.Err(err)
}

// SettleHistory keeps what errors in the log say about these contacts, as far as it still
// holds: a mark only for what is left of its time, and unless they were reached since.
// It may be called again.
func SettleHistory(ctx context.Context, tx bun.Tx, consents *consent.Service, contactIDs []int64,
	codes func(int) CodeInfo, now time.Time,
) error {
	var rows []struct {
		ContactID int64
		ErrorCode int
		At        time.Time
		Reached   *time.Time // a message was delivered to them
		Wrote     *time.Time // they wrote
	}
	err := tx.NewRaw(`
		SELECT f.contact_id, f.error_code, f.at,
			(SELECT max(n.delivered_at) FROM messages n WHERE n.contact_id = f.contact_id) AS reached,
			(SELECT max(n.created_at) FROM messages n WHERE n.contact_id = f.contact_id AND n.direction = 'inbound') AS wrote
		FROM (SELECT contact_id, error_code, max(created_at) AS at FROM messages
			WHERE contact_id = ANY (?) AND purpose = 'history' AND error_code <> 0 GROUP BY 1, 2) f
		ORDER BY 1, 3`, pgdialect.Array(contactIDs)).Scan(ctx, &rows)
	if err != nil {
		return db.Err(err)
	}
	var effects []effect
	for _, r := range rows {
		info := codes(r.ErrorCode)
		later := func(at *time.Time) bool { return at != nil && at.After(r.At) }
		switch {
		case info.Effect == EffectNone, later(r.Reached), info.Effect == EffectUnreachable && later(r.Wrote):
			continue
		case info.EffectFor > 0:
			if info.EffectFor -= now.Sub(r.At); info.EffectFor <= 0 {
				continue
			}
		}
		effects = append(effects, effect{contactID: r.ContactID, info: info, at: r.At, late: true})
	}
	return applyEffects(ctx, tx, consents, effects)
}
