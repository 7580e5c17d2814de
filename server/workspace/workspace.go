// Package workspace keeps what an installation is called and in which time zone its
// people work.
package workspace

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

const (
	settingKey       = "workspace"
	settingsEntityID = 1 // of all settings, in the audit trail
	mostName         = 60

	defaultZone = "UTC"
)

// Settings are of the whole installation.
type Settings struct {
	Name     string `json:"name"`     // "": nobody gave one
	TimeZone string `json:"timeZone"` // IANA
}

// Change names what to change; nil leaves it as it is.
type Change struct{ Name, TimeZone *string }

// Service reads and changes them.
type Service struct{ db *db.DB }

// NewService makes one.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Settings reads them.
func (s *Service) Settings(ctx context.Context) (Settings, error) { return read(ctx, s.db) }

func read(ctx context.Context, idb bun.IDB) (Settings, error) {
	set, err := db.Setting[Settings](ctx, idb, settingKey)
	if err != nil {
		return Settings{}, err
	}
	if set == nil {
		return Settings{TimeZone: defaultZone}, nil
	}
	return *set, nil
}

// Validate checks what is named.
func (c Change) Validate() error {
	var errs apperr.List
	if c.Name != nil {
		name := contact.CleanText(*c.Name)
		if utf8.RuneCountInString(name) > mostName || strings.ContainsFunc(name, unicode.IsControl) {
			_ = errs.Add(apperr.Invalid("workspace.name", "a workspace's name has at most %d characters, in one line", mostName))
		}
	}
	if c.TimeZone != nil {
		if _, err := contact.Zone(*c.TimeZone); err != nil {
			_ = errs.Add(apperr.Invalid("workspace.timeZone", "%q is not an IANA time zone such as Europe/Berlin", *c.TimeZone))
		}
	}
	return errs.Err()
}

// Set changes what c names. Admins only.
func (s *Service) Set(ctx context.Context, c Change) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := db.LockSetting(ctx, tx, settingKey); err != nil {
			return err
		}
		was, err := read(ctx, tx)
		if err != nil {
			return err
		}
		is := was
		if c.Name != nil {
			is.Name = contact.CleanText(*c.Name)
		}
		if c.TimeZone != nil {
			is.TimeZone = *c.TimeZone
		}
		if err := db.SaveSetting(ctx, tx, settingKey, is); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, audit.SettingsUpdate, "settings", settingsEntityID, was.audited(), is.audited())
	})
}

// audited are the settings by their names.
func (s Settings) audited() map[string]any {
	return map[string]any{"workspace_name": s.Name, "workspace_time_zone": s.TimeZone}
}
