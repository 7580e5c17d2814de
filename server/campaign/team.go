package campaign

import (
	"context"

	"eventstream/server/conversation"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// sendToTeam sends each variant of a campaign that starts to those of the team's contacts to whom the campaign itself does not write. Like other
// tests these messages stand outside the campaign's numbers. It belongs to the one transaction in which the campaign begins to send, so that
// nobody gets one twice.
func (e *Preparer) sendToTeam(ctx context.Context, tx bun.Tx, c *Campaign, by screen, said []wordings, variants Variants, shares Shares) error {
	if !c.SendToTeam {
		return nil
	}
	people, err := teamBeside(ctx, tx, c.ID, by)
	if err != nil {
		return err
	}
	senders := variants.senders()
	for _, person := range people {
		for i, w := range said {
			sender := shares.senders()[0]
			if len(senders) > 0 && senders[i] != 0 {
				sender = senders[i]
			}
			version := template.Choose(w.own, w.others, person.Locale).VersionID
			if _, err := conversation.SendTest(ctx, tx, e.jobs, conversation.Test{
				ContactID: person.ID, SenderID: sender, VersionID: version, CampaignID: c.ID,
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
