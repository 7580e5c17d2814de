package campaign

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Bounds of labels.
const (
	maxLabels      = 10  // of a campaign
	maxLabelLength = 40  // characters
	MaxLabelNames  = 200 // of a workspace
)

// UsedLabel is a word under which campaigns are sorted. It is there as long as a campaign has it.
type UsedLabel struct {
	Name      string
	Campaigns int64
}

// errArchived is that an archived campaign does not change or start.
var errArchived = apperr.Conflict("the campaign is archived: bring it back first")

// Archive puts a campaign away that does nothing: a draft, or one that has ended. Lists leave it out.
func (s *Service) Archive(ctx context.Context, id int64) (*Campaign, error) {
	return s.shelve(ctx, id, audit.CampaignArchive, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		switch {
		case c.Status != StatusDraft && !c.Status.Ended():
			return apperr.Conflict("the campaign is %s: only drafts and campaigns that have ended can be archived", c.Status)
		case c.Approval == ApprovalWaiting:
			return apperr.Conflict("the campaign waits for approval: withdraw the request first")
		case c.ArchivedAt != nil:
			return nil
		}
		now, err := db.Now(ctx, tx)
		c.ArchivedAt = &now
		return err
	})
}

// Unarchive brings a campaign back.
func (s *Service) Unarchive(ctx context.Context, id int64) (*Campaign, error) {
	return s.shelve(ctx, id, audit.CampaignUnarchive, func(_ context.Context, _ bun.Tx, c *Campaign) error {
		c.ArchivedAt = nil
		return nil
	})
}

// SetLabels gives a campaign these labels and no others, whatever it does. A label that others have in another spelling is spelled as theirs.
func (s *Service) SetLabels(ctx context.Context, id int64, labels []string) (*Campaign, error) {
	clean, err := cleanLabels(labels)
	if err != nil {
		return nil, err
	}
	return s.shelve(ctx, id, audit.CampaignLabel, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		known, err := labelNames(ctx, tx)
		if err != nil {
			return err
		}
		names := len(known)
		for i, l := range clean {
			at := slices.IndexFunc(known, func(k UsedLabel) bool { return strings.EqualFold(k.Name, l) })
			if at >= 0 {
				clean[i] = known[at].Name
			} else if names++; names > MaxLabelNames {
				return apperr.Invalid("labels", "there are %d labels: use one of them instead of %q", MaxLabelNames, l)
			}
		}
		c.Labels = clean
		return nil
	})
}

func cleanLabels(labels []string) ([]string, error) {
	clean := []string{}
	for _, l := range labels {
		l = strings.Join(strings.Fields(contact.CleanText(l)), " ")
		if l == "" || utf8.RuneCountInString(l) > maxLabelLength {
			return nil, apperr.Invalid("labels", "%q is no label: give 1 to %d characters", l, maxLabelLength)
		}
		if !slices.ContainsFunc(clean, func(k string) bool { return strings.EqualFold(k, l) }) {
			clean = append(clean, l)
		}
	}
	if len(clean) > maxLabels {
		return nil, apperr.Invalid("labels", "%d labels are too many: a campaign has at most %d", len(clean), maxLabels)
	}
	return clean, nil
}

// shelve changes where a campaign is found.
func (s *Service) shelve(ctx context.Context, id int64, action audit.Action, fn func(context.Context, bun.Tx, *Campaign) error) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	return s.decide(ctx, id, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		was := c.shelved()
		if err := fn(ctx, tx, c); err != nil {
			return err
		}
		if err := saveShelf(ctx, tx, c); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, action, "campaign", c.ID, was, c.shelved())
	})
}

// shelved is where a campaign is found, for the trail.
func (c *Campaign) shelved() map[string]any {
	at := c.ArchivedAt
	if at != nil {
		at = new(at.UTC().Truncate(time.Microsecond))
	}
	return map[string]any{"archived_at": at, "labels": append([]string{}, c.Labels...)}
}

// Labels are all that campaigns have, by name.
func (s *Service) Labels(ctx context.Context) ([]UsedLabel, error) { return labelNames(ctx, s.db) }
