package campaign

import (
	"context"
	"time"

	"eventstream/server/portfolio"
	"eventstream/server/provider"
	"eventstream/server/say"
)

// PortfolioOutlook is what WhatsApp's limit of people a day means for a launch; see package portfolio.
type PortfolioOutlook struct {
	portfolio.Outlook

	Through time.Time // when all of them will have been written to, as far as the limit goes
}

// foreseePortfolio estimates from a sample of the recipients how many places of WhatsApp's limit they need: neither those to
// whom a window is open do, nor those who count already.
func (s *Service) foreseePortfolio(ctx context.Context, ids []int64, windows map[int64]bool, out *Preflight) error {
	limit, err := s.portfolio.Current(ctx)
	if err != nil {
		return err
	}
	if !limit.Known {
		now, err := provider.Current(ctx, s.db)
		if err == nil && now != nil && now.Provider.Live() {
			out.Warnings = append(out.Warnings, say.New("it is not known how many people WhatsApp lets the business write to within 24 hours, and Twilio "+
				"refuses what goes beyond (error 63018): set the limit under Settings → Limits"))
		}
		return err
	}
	if limit.People == 0 {
		return nil // there is none
	}
	counting, err := s.portfolio.Counting(ctx, ids)
	if err != nil {
		return err
	}
	var needing int64
	for _, id := range ids {
		if !windows[id] && !counting[id] {
			needing++
		}
	}
	needing = needing * out.WillSend / int64(len(ids))
	found, err := s.portfolio.Outlook(ctx, limit, needing)
	if err != nil {
		return err
	}
	out.Portfolio = &PortfolioOutlook{Outlook: found, Through: s.now().Add(found.WaitsFor)}
	return nil
}
