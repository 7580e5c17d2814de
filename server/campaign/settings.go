package campaign

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/hours"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Defaults are what campaigns get that are made without their own.
type Defaults struct {
	QuietHours   *hours.QuietHours  // nil: only what the law asks
	FrequencyCap *gate.FrequencyCap // nil: none

	// Holdout holds over all marketing campaigns; nil: nobody is held out.
	Holdout *Holdout

	// MonthlyBudget holds over all campaigns, whatever they were given; nil: none.
	MonthlyBudget *price.Budget

	// Approval says which campaigns a second person has to approve; nil: none.
	Approval *ApprovalRule
}

// Settings that new campaigns are given.
const (
	quietHoursSetting = "default_quiet_hours"
	capSetting        = "default_frequency_cap"
)

// DefaultsChange names what to change; nil leaves a default as it is, and a
// pointer to nil takes it away.
type DefaultsChange struct {
	QuietHours   **hours.QuietHours
	FrequencyCap **gate.FrequencyCap

	HoldoutPercent *float64

	MonthlyBudget **price.Budget

	Approval **ApprovalRule
}

// Defaults reads them.
func (s *Service) Defaults(ctx context.Context) (d Defaults, err error) {
	return readDefaults(ctx, s.db)
}

func readDefaults(ctx context.Context, idb bun.IDB) (d Defaults, err error) {
	if d.QuietHours, err = db.Setting[hours.QuietHours](ctx, idb, quietHoursSetting); err != nil {
		return d, err
	}
	if d.FrequencyCap, err = db.Setting[gate.FrequencyCap](ctx, idb, capSetting); err != nil {
		return d, err
	}
	if d.Holdout, err = db.Setting[Holdout](ctx, idb, holdoutSetting); err != nil {
		return d, err
	}
	if d.Approval, err = db.Setting[ApprovalRule](ctx, idb, approvalSetting); err != nil {
		return d, err
	}
	d.MonthlyBudget, err = price.Monthly(ctx, idb)
	return d, err
}

// before reads the defaults, and keeps others from changing those that c names.
func (c DefaultsChange) before(ctx context.Context, tx bun.Tx) (Defaults, error) {
	if c.FrequencyCap != nil { // in one order: the cap first
		if err := db.LockSetting(ctx, tx, capSetting); err != nil {
			return Defaults{}, err
		}
	}
	if c.QuietHours != nil {
		if err := db.LockSetting(ctx, tx, quietHoursSetting); err != nil {
			return Defaults{}, err
		}
	}
	if c.HoldoutPercent != nil {
		if err := db.LockSetting(ctx, tx, holdoutSetting); err != nil {
			return Defaults{}, err
		}
	}
	if c.MonthlyBudget != nil {
		if err := db.LockSetting(ctx, tx, price.MonthlyBudget); err != nil {
			return Defaults{}, err
		}
	}
	if c.Approval != nil {
		if err := db.LockSetting(ctx, tx, approvalSetting); err != nil {
			return Defaults{}, err
		}
	}
	return readDefaults(ctx, tx)
}

// SetDefaults changes what c names and leaves the rest, so that two people who
// change one each both get their way. Admins only.
func (s *Service) SetDefaults(ctx context.Context, c DefaultsChange) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	var changed []int64 // campaigns
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		was, err := c.before(ctx, tx)
		if err != nil {
			return err
		}
		is := was
		if c.FrequencyCap != nil {
			is.FrequencyCap = *c.FrequencyCap
			if err := db.SaveSetting(ctx, tx, capSetting, is.FrequencyCap); err != nil {
				return err
			}
		}
		if c.QuietHours != nil {
			is.QuietHours = *c.QuietHours
			if err := db.SaveSetting(ctx, tx, quietHoursSetting, is.QuietHours); err != nil {
				return err
			}
		}
		if c.HoldoutPercent != nil {
			is.Holdout = newHoldout(was.Holdout, *c.HoldoutPercent)
			if err := db.SaveSetting(ctx, tx, holdoutSetting, is.Holdout); err != nil {
				return err
			}
		}
		if c.MonthlyBudget != nil {
			is.MonthlyBudget = *c.MonthlyBudget
			if err := db.SaveSetting(ctx, tx, price.MonthlyBudget, is.MonthlyBudget); err != nil {
				return err
			}
		}
		if c.Approval != nil {
			is.Approval = *c.Approval
			if err := enoughPeople(ctx, tx, is.Approval); err != nil {
				return err
			}
			if err := db.SaveSetting(ctx, tx, approvalSetting, is.Approval); err != nil {
				return err
			}
			if changed, err = s.reconsider(ctx, tx); err != nil {
				return err
			}
		}
		return audit.RecordChange(ctx, tx, audit.SettingsUpdate, "settings", 1, was.audited(), is.audited())
	})
	if err == nil && len(changed) > 0 {
		s.hub.Publish(pubsub.TopicCampaign, changed...)
	}
	return err
}

// audited are the defaults by the names of the settings.
func (d Defaults) audited() map[string]any {
	return map[string]any{
		quietHoursSetting: d.QuietHours, capSetting: d.FrequencyCap, price.MonthlyBudget: d.MonthlyBudget, holdoutSetting: d.HoldoutPercent(),
		approvalSetting: d.Approval,
	}
}

// HoldsOut reports whether the standing holdout keeps a contact from campaigns of a category.
func (d Defaults) HoldsOut(contactID int64, category template.Category) bool {
	return category == template.CategoryMarketing && d.Holdout != nil && d.Holdout.holds(contactID)
}

// HoldoutPercent is the part of all contacts who get no marketing campaign.
func (d Defaults) HoldoutPercent() float64 {
	if d.Holdout == nil {
		return 0
	}
	return d.Holdout.Percent
}

// Validate checks what is named.
func (c DefaultsChange) Validate() error {
	var errs apperr.List
	if c.QuietHours != nil && *c.QuietHours != nil {
		_ = errs.Add((*c.QuietHours).Validate())
	}
	if c.FrequencyCap != nil && *c.FrequencyCap != nil {
		_ = errs.Add((*c.FrequencyCap).Validate())
	}
	if c.Approval != nil && *c.Approval != nil {
		_ = errs.Add((*c.Approval).Validate())
	}
	if c.HoldoutPercent != nil {
		_ = errs.Add(checkHoldout("standingHoldoutPercent", *c.HoldoutPercent))
	}
	return errs.Err()
}
