package message

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// needsDecision holds for messages about which only a person can decide: the call
// got no answer, and after a while neither a receipt nor Twilio's log had said
// what became of it. One that has a SID is Twilio's: it is never sent again. The
// index over what is under way serves it.
const needsDecision = `m.work = 'watch' AND m.status = 'unknown' AND m.sid IS NULL AND m.decision_since IS NOT NULL`

// NeedsDecision reports whether only a person can decide about the message.
func (m *Message) NeedsDecision() bool {
	return m.Status == StatusUnknown && m.SID == nil && m.DecisionSince != nil
}

// Attempt is one that Twilio accepted, that failed, and whose place another
// attempt of the same message took.
type Attempt struct {
	bun.BaseModel `bun:"table:message_attempts,alias:ma"`

	SID         string     `bun:"sid,pk"`
	MessageID   int64      //
	Attempt     int        // the fence of its claim
	Status      Status     //
	ErrorCode   int        // Twilio's
	SubmittedAt *time.Time // the call began
	AcceptedAt  *time.Time // the first attempt of the message was accepted
	EndedAt     *time.Time // this one failed
}

// OwnAcceptedAt is when this attempt was accepted. Of later attempts that is not
// kept: their row carries the acceptance of the first.
func (a *Attempt) OwnAcceptedAt() *time.Time {
	if a.AcceptedAt == nil || a.SubmittedAt != nil && a.AcceptedAt.Before(a.SubmittedAt.Add(-clocksDiffer)) {
		return nil
	}
	return a.AcceptedAt
}

// clocksDiffer is by how much Twilio's clock, which receipts count by, may be
// behind Postgres'. Attempts are at least a quarter of an hour apart.
const clocksDiffer = time.Minute

// Attempts gives the earlier attempts of many messages, oldest first.
func (s *Store) Attempts(ctx context.Context, messageIDs []int64) (map[int64][]*Attempt, error) {
	return AttemptsOf(ctx, s.db, messageIDs)
}

// AttemptsOf is Store.Attempts for whoever has a transaction.
func AttemptsOf(ctx context.Context, idb bun.IDB, messageIDs []int64) (map[int64][]*Attempt, error) {
	var rows []*Attempt
	err := idb.NewSelect().Model(&rows).Where("ma.message_id = ANY (?)", pgdialect.Array(messageIDs)).
		Order("ma.message_id", "ma.attempt").Scan(ctx)
	byMessage := make(map[int64][]*Attempt, len(messageIDs))
	for _, a := range rows {
		byMessage[a.MessageID] = append(byMessage[a.MessageID], a)
	}
	return byMessage, db.Err(err)
}

// UndecidedSince tells of many campaigns since when the first of their messages
// needs a decision; campaigns without any are left out.
func (s *Store) UndecidedSince(ctx context.Context, campaignIDs []int64) (map[int64]time.Time, error) {
	var rows []struct {
		CampaignID int64
		Since      time.Time
	}
	err := s.db.NewRaw("SELECT m.campaign_id, min(m.decision_since) AS since FROM messages m WHERE "+needsDecision+
		" AND m.campaign_id = ANY (?) GROUP BY 1", pgdialect.Array(campaignIDs)).Scan(ctx, &rows)
	found := make(map[int64]time.Time, len(rows))
	for _, r := range rows {
		found[r.CampaignID] = r.Since
	}
	return found, db.Err(err)
}

// Undecided counts the messages that need a decision, of all campaigns and
// outside of them, up to a limit.
func Undecided(ctx context.Context, idb bun.IDB, limit int) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM (SELECT 1 FROM messages m WHERE "+needsDecision+" LIMIT ?) x",
		limit).Scan(ctx, &n)
	return n, db.Err(err)
}
