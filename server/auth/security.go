package auth

import (
	"context"
	"slices"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

const (
	defaultIdleHours = "72"
	maxIdleHours     = 14 * 24 // as long as a session lasts at all
)

// Security is what the installation asks of everybody's sign-in.
type Security struct {
	// SecondFactorRoles must have a second factor; until they set one up they can
	// do nothing else.
	SecondFactorRoles []actor.Role `json:"second_factor_roles"`
	// SessionIdleHours is how long a session lasts that nobody uses, 1 to 336.
	SessionIdleHours int `json:"session_idle_hours"`
}

// SecurityChange is what SetSecurity changes; nil stays as it is.
type SecurityChange struct {
	SecondFactorRoles *[]actor.Role
	SessionIdleHours  *int
}

// Validate checks what would be changed.
func (ch SecurityChange) Validate() error {
	var errs apperr.List
	if ch.SecondFactorRoles != nil {
		for _, role := range *ch.SecondFactorRoles {
			if !role.Valid() {
				_ = errs.Add(apperr.Invalid("secondFactorRoles", "%q is not a role: viewer, marketer or admin", role))
			}
		}
	}
	if h := ch.SessionIdleHours; h != nil && (*h < 1 || *h > maxIdleHours) {
		_ = errs.Add(apperr.Invalid("sessionIdleHours", "%d hours are not 1 to %d", *h, maxIdleHours))
	}
	return errs.Err()
}

// Security gives what is asked of everybody's sign-in.
func (s *Service) Security(ctx context.Context) (Security, error) { return security(ctx, s.db) }

// SetSecurity changes what is asked of everybody's sign-in, at once and also of
// those who are signed in. Admins only.
func (s *Service) SetSecurity(ctx context.Context, ch SecurityChange) error {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return err
	}
	if err := ch.Validate(); err != nil {
		return err
	}
	var everybody []int64
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockSecurity(ctx, tx); err != nil {
			return err
		}
		set, err := security(ctx, tx)
		if err != nil {
			return err
		}
		was := set
		if ch.SecondFactorRoles != nil {
			set.SecondFactorRoles = slices.Compact(slices.Sorted(slices.Values(*ch.SecondFactorRoles)))
		}
		if ch.SessionIdleHours != nil {
			set.SessionIdleHours = *ch.SessionIdleHours
		}
		if err := saveSecurity(ctx, tx, set); err != nil {
			return err
		}
		if everybody, err = operatorIDs(ctx, tx); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, audit.SettingsUpdate, "settings", 1, was, set)
	})
	if err == nil {
		s.changed(everybody...)
	}
	return err
}
