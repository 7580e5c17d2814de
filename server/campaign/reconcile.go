package campaign

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"
)

const (
	reconcileBatch = 200
	clockSkew      = time.Minute // between Postgres' clock and Twilio's
)

// Reconcile clears up messages whose call got no answer: a callback may have
// told meanwhile; else Twilio's log does. Found: its SID is adopted. Not found
// after the log has had time: it was never taken and goes back to pending.
func (e *Engine) Reconcile(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	held, err := db.Lease(ctx, e.db, "reconcile", e.owner, time.Minute)
	if err != nil || !held {
		return err
	}
	defer func() { _ = db.Release(context.WithoutCancel(ctx), e.db, "reconcile", e.owner) }()
	for ctx.Err() == nil {
		rows, err := takeUnknown(ctx, e.db, reconcileBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		if held, err := db.Lease(ctx, e.db, "reconcile", e.owner, time.Minute); err != nil || !held {
			return err
		}
		var group errgroup.Group
		group.SetLimit(8)
		for _, r := range rows {
			group.Go(func() error {
				if err := e.reconcileOne(ctx, r); err != nil {
					e.log.WarnContext(ctx, "message stays unknown for now", "message", r.ID, "error", err)
				}
				return nil
			})
		}
		_ = group.Wait()
	}
	return nil
}

func (e *Engine) reconcileOne(ctx context.Context, r unknownRow) error {
	answer, err := e.provider.Log(ctx, message.LogQuery{Direction: message.Outbound, From: r.Sender, To: r.Address, Since: r.SubmittedAt.Add(-clockSkew)})
	if err != nil {
		return err
	}
	logged := answer.Entries
	sids := make([]string, len(logged))
	for i, l := range logged {
		sids[i] = l.SID
	}
	err = e.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		known, err := message.KnownSIDs(ctx, tx, sids)
		if err != nil {
			return err
		}
		rows, err := message.Lock(ctx, tx, []int64{r.ID}, nil)
		if err != nil || len(rows) == 0 || rows[0].Status != message.StatusUnknown {
			return err // a callback was faster
		}
		m := rows[0]
		outcome := "back_to_pending"
		if found := earliest(logged, known, r.SubmittedAt.Add(-clockSkew)); found != nil {
			outcome = "adopted"
			m.Advance(message.Event{SID: found.SID, Status: message.StatusAccepted, At: e.now()})
			m.Advance(message.Event{SID: found.SID, Status: found.Status, ErrorCode: found.Code, At: e.now()})
			if err := message.SaveProgress(ctx, tx, rows); err != nil {
				return err
			}
		} else if r.Age < e.grace.Seconds() {
			return postpone(ctx, tx, r.ID, 2*time.Second)
		} else if err := sendAgain(ctx, tx, e.jobs, r, "reconciled"); err != nil {
			return err
		}
		e.metrics.adopted.WithLabelValues(outcome).Inc()
		return audit.Record(ctx, tx, "message.reconcile", "message", m.ID, map[string]any{"outcome": outcome})
	})
	if err == nil && r.CampaignID != nil {
		e.hub.Publish(pubsub.TopicCampaign, *r.CampaignID)
	}
	return err
}

// sendAgain returns a message that Twilio never took. A campaign's dispatch
// finds it by itself; one outside campaigns needs a job of its own.
func sendAgain(ctx context.Context, tx bun.Tx, j *jobs.Enqueuer, r unknownRow, why string) error {
	if err := backToPending(ctx, tx, r.ID, why); err != nil || r.CampaignID != nil {
		return err
	}
	return j.Insert(ctx, tx, message.SendArgs{MessageID: r.ID})
}

// Resolution is what a person decides about a call without answer.
type Resolution string

// Resolutions.
const (
	SendAgain Resolution = "send_again"
	GiveUp    Resolution = "give_up"
)

const maxResolved = 200

// Resolve decides by hand about messages that stayed unknown: all of a
// campaign, or these. It reports how many there were.
func (s *Service) Resolve(ctx context.Context, campaignID *int64, ids []int64, r Resolution) (int, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return 0, err
	}
	switch {
	case (campaignID == nil) == (len(ids) == 0):
		return 0, apperr.Invalid("campaignId", "give a campaign, or messages")
	case len(ids) > maxResolved:
		return 0, apperr.Invalid("ids", "%d messages are too many: at most %d", len(ids), maxResolved)
	}
	touched := map[int64]bool{}
	resolved := 0
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		rows, err := lockUnknown(ctx, tx, campaignID, ids)
		if err != nil || len(rows) == 0 {
			return err
		}
		found := make([]int64, len(rows))
		for i, row := range rows {
			found[i] = row.ID
			if row.CampaignID != nil {
				touched[*row.CampaignID] = true
			}
			if r == SendAgain {
				if err := sendAgain(ctx, tx, s.jobs, row, "operator"); err != nil {
					return err
				}
			}
		}
		if r == GiveUp {
			if err := giveUp(ctx, tx, found); err != nil {
				return err
			}
		}
		resolved = len(found)
		return audit.Record(ctx, tx, "message.resolve", "message", found[0], map[string]any{"resolution": r, "messages": found})
	})
	for id := range touched {
		s.hub.Publish(pubsub.TopicCampaign, id)
	}
	return resolved, err
}

// earliest is the oldest log entry since then that belongs to no message of ours.
func earliest(logged []message.Logged, known map[string]bool, since time.Time) *message.Logged {
	var best *message.Logged
	for i, l := range logged {
		if known[l.SID] || l.Created.Before(since.Truncate(time.Second)) {
			continue
		}
		if best == nil || l.Created.Before(best.Created) {
			best = &logged[i]
		}
	}
	return best
}
