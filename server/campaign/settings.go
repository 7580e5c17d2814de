package campaign

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/gate"
	"eventstream/server/hours"

	"github.com/uptrace/bun"
)

// Defaults are what campaigns get that are made without their own.
type Defaults struct {
	QuietHours   *hours.QuietHours  // nil: only what the law asks
	FrequencyCap *gate.FrequencyCap // nil: none
}

// DefaultsChange names what to change; nil leaves a default as it is, and a
// pointer to nil takes it away.
type DefaultsChange struct {
	QuietHours   **hours.QuietHours
	FrequencyCap **gate.FrequencyCap
}

// Defaults reads them.
func (s *Service) Defaults(ctx context.Context) (d Defaults, err error) {
	if d.QuietHours, err = standing[hours.QuietHours](ctx, s.db, quietHoursSetting); err != nil {
		return d, err
	}
	d.FrequencyCap, err = standing[gate.FrequencyCap](ctx, s.db, capSetting)
	return d, err
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
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		changes := map[string]any{}
		if c.QuietHours != nil {
			changes[quietHoursSetting] = *c.QuietHours
		}
		if c.FrequencyCap != nil {
			changes[capSetting] = *c.FrequencyCap
		}
		for _, key := range []string{capSetting, quietHoursSetting} { // locked in one order
			if v, named := changes[key]; named {
				if err := saveStanding(ctx, tx, key, v); err != nil {
					return err
				}
			}
		}
		return audit.Record(ctx, tx, "settings.update", "settings", 1, changes)
	})
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
	return errs.Err()
}
