package campaign

import (
	"context"
	"fmt"

	"eventstream/server/message"
)

// Breakers stop what would only fail: with a reason for people, and until one
// of them says go.

// minTried is from how many messages on an error rate means something.
const minTried = 100

// mend trips the breaker of what has to be fixed first.
func (e *Engine) mend(ctx context.Context, s *slice, results []result) {
	for _, r := range results {
		if r.info.Class != message.ClassFixFirst {
			continue
		}
		if err := e.service.Trip(ctx, s.campaign.ID, s.sender.ID, r.info); err != nil {
			e.log.ErrorContext(ctx, "breaker not tripped", "campaign", s.campaign.ID, "code", r.code, "error", err)
		}
		return
	}
}

// Trip stops everything that a fix-first error is about: the sender, all
// campaigns with the template, or all that send from the account.
func (s *Service) Trip(ctx context.Context, campaignID, senderID int64, info message.CodeInfo) error {
	reason := fmt.Sprintf("%s. %s", info.Title, info.Advice)
	if info.Code != 0 {
		reason = fmt.Sprintf("Twilio error %d: %s", info.Code, reason)
	}
	var stop []int64
	var err error
	switch info.Scope {
	case message.ScopeSender:
		// Its lanes see that and move its campaigns to their other senders, or pause them.
		return s.senders.Fail(ctx, senderID, reason)
	case message.ScopeAccount:
		stop, err = sendingWith(ctx, s.db, nil)
	case message.ScopeTemplate:
		stop, err = sendingWith(ctx, s.db, &campaignID)
	case message.ScopeCampaign:
	}
	if err != nil {
		return err
	}
	for _, id := range append(stop, campaignID) {
		if err := s.PauseByEngine(ctx, id, reason); err != nil {
			return err
		}
	}
	return nil
}

// checkErrorRates pauses campaigns whose share of failures since somebody last
// said go is over their threshold.
func (e *Engine) checkErrorRates(ctx context.Context) error {
	over, err := overThreshold(ctx, e.db, minTried)
	if err != nil {
		return err
	}
	for _, o := range over {
		reason := fmt.Sprintf("%.0f %% of the last %d messages failed; the campaign's limit is %.0f %%. Look at its errors, then resume.", 100*float64(o.Errors)/float64(o.Tried), o.Tried, 100*o.Threshold)
		if err := e.service.PauseByEngine(ctx, o.ID, reason); err != nil {
			return err
		}
	}
	return nil
}
