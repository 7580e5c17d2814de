package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"eventstream/server/campaign"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/sender"
)

// minTried is from how many messages on an error rate means something.
const minTried = 100

// Breaker stops what would only fail: with a reason for people, and until one of
// them resumes it.
type Breaker struct {
	db        *db.DB
	campaigns *campaign.Service
	senders   *sender.Service
	log       *slog.Logger
}

// NewBreaker makes a Breaker.
func NewBreaker(d *db.DB, campaigns *campaign.Service, senders *sender.Service, log *slog.Logger) *Breaker {
	return &Breaker{db: d, campaigns: campaigns, senders: senders, log: log}
}

// trip stops what the first fix-first error of a batch is about.
func (d *Dispatcher) trip(ctx context.Context, b *batch, results []message.Result) {
	for _, r := range results {
		if r.Info.Class != message.ClassFixFirst {
			continue
		}
		f := message.Fault{SenderID: b.sender.ID, Info: r.Info, Began: &b.rows[0].Now}
		if b.campaign != nil {
			f.CampaignID = &b.campaign.ID
		}
		if i := slices.IndexFunc(b.rows, func(row message.Claimed) bool { return row.ID == r.ID }); i >= 0 {
			f.TemplateVersionID = b.rows[i].TemplateVersionID
		}
		if err := d.Breaker.Trip(ctx, f); err != nil {
			d.Log.ErrorContext(ctx, "breaker not tripped", "campaign", b.campaignID(), "code", r.Code, "error", err)
		}
		return
	}
}

// Trip stops everything that a fix-first error is about: the sender, all
// campaigns with the template, or all that send from the account.
func (b *Breaker) Trip(ctx context.Context, f message.Fault) error {
	reason := fmt.Sprintf("%s. %s", f.Info.Title, f.Info.Advice)
	if f.Info.Code != 0 {
		reason = fmt.Sprintf("Twilio error %d: %s", f.Info.Code, reason)
	}
	var stop []int64
	var err error
	switch f.Info.Scope {
	case message.ScopeSender:
		// Its outboxes see that and move its campaigns to their other senders, or pause them.
		return b.senders.Fail(ctx, f.SenderID, reason, f.Began)
	case message.ScopeAccount:
		stop, err = sendingWith(ctx, b.db, nil)
	case message.ScopeTemplate:
		if f.TemplateVersionID == nil && f.CampaignID != nil {
			if f.TemplateVersionID, err = versionOf(ctx, b.db, *f.CampaignID); err != nil {
				return err
			}
		}
		if f.TemplateVersionID != nil {
			stop, err = sendingWith(ctx, b.db, f.TemplateVersionID)
		}
	case message.ScopeCampaign:
	}
	if err != nil {
		return err
	}
	if f.CampaignID != nil {
		stop = append(stop, *f.CampaignID)
	}
	return campaign.Each(stop, func(id int64) error { return b.campaigns.PauseForFault(ctx, id, reason, f.Began) })
}

// CheckErrorRates pauses campaigns whose share of failures since somebody last
// resumed them is over their threshold.
func (b *Breaker) CheckErrorRates(ctx context.Context) error {
	over, err := overThreshold(ctx, b.db, minTried)
	if err != nil {
		return err
	}
	return campaign.EachOf(over, func(o overLimit) int64 { return o.ID }, func(o overLimit) error {
		reason := fmt.Sprintf("%.0f %% of the last %d messages failed; the campaign's limit is %.0f %%. Look at its errors, then resume.",
			100*float64(o.Errors)/float64(o.Tried), o.Tried, 100*o.Threshold)
		return b.campaigns.PauseByEngine(ctx, o.ID, reason)
	})
}
