package doubleoptin

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/sender"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Limits of the settings.
const (
	MostTemplates    = 40
	LongestExpiry    = 720 // hours
	DefaultExpiry    = 72
	settingKey       = template.OptInSetting
	settingsEntityID = 1
)

// Settings say how people are asked.
type Settings struct {
	Templates    []int64 `json:"templates"` // each in another language; the first where none fits
	Sender       int64   `json:"sender"`
	ExpiresAfter int     `json:"expiresAfterHours"`
}

func (set *Settings) expiry() time.Duration { return time.Duration(set.ExpiresAfter) * time.Hour }

// Settings reads them; nil: nobody can be asked.
func (s *Service) Settings(ctx context.Context) (*Settings, error) {
	return db.Setting[Settings](ctx, s.db, settingKey)
}

func ready(ctx context.Context, idb bun.IDB) error {
	set, err := db.Setting[Settings](ctx, idb, settingKey)
	if err == nil && set == nil {
		err = apperr.Invalid("doubleOptIn", "double opt-in is not set up: an admin chooses its template under Settings")
	}
	return err
}

// Check checks settings before they are saved.
func (s *Service) Check(ctx context.Context, set *Settings) error { return check(ctx, s.db, set) }

func check(ctx context.Context, idb bun.IDB, set *Settings) error {
	if set == nil {
		return nil
	}
	var errs apperr.List
	if set.ExpiresAfter < 1 || set.ExpiresAfter > LongestExpiry {
		_ = errs.Add(apperr.Invalid("doubleOptIn.expiresAfterHours", "%d is not from 1 to %d hours", set.ExpiresAfter, LongestExpiry))
	}
	if _, err := sender.Find(ctx, idb, set.Sender); apperr.Is(err, apperr.CodeNotFound) {
		_ = errs.Add(apperr.Invalid("doubleOptIn.senderId", "there is no such sender"))
	} else if err != nil {
		return err
	}
	if n := len(set.Templates); n < 1 || n > MostTemplates {
		_ = errs.Add(apperr.Invalid("doubleOptIn.templateIds", "give 1 to %d templates, not %d", MostTemplates, n))
		return errs.Err()
	}
	questions, err := template.Newest(ctx, idb, set.Templates)
	if err != nil {
		return err
	}
	languages := map[string]string{}
	for _, id := range set.Templates {
		q, ok := questions[id]
		if !ok || q.Template.DeletedAt != nil {
			_ = errs.Add(apperr.Invalid("doubleOptIn.templateIds", "one of these templates is not there any more"))
			continue
		}
		name, code := q.Template.Name, consent.LanguageOf(q.Template.Language)
		if other, twice := languages[code]; twice {
			_ = errs.Add(apperr.Invalid("doubleOptIn.templateIds", "%q and %q are both in %s: one for each language", other, name, code))
		}
		languages[code] = name
		_ = errs.Add(checkQuestion(q))
	}
	return errs.Err()
}

// checkQuestion refuses a template that cannot be filled in for everybody.
func checkQuestion(q template.Text) error {
	if q.Template.Category == template.CategoryAuthentication {
		return apperr.Invalid("doubleOptIn.templateIds", "%q is an authentication template, which asks nothing", q.Template.Name)
	}
	text, err := render(q, &contact.Contact{Attributes: map[string]any{}}) // nothing is known of them
	if err != nil {
		return err
	}
	if missing := text.Missing; len(missing) > 0 {
		return apperr.Invalid("doubleOptIn.templateIds", "%q needs a fallback for {{%s}}, such as {{%s | there}}: "+
			"the question goes to people of whom little is known", q.Template.Name, missing[0], missing[0])
	}
	return nil
}

// Set saves the settings; nil: nobody can be asked any more. Admins only.
func (s *Service) Set(ctx context.Context, set *Settings) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// A template that is deleted meanwhile waits for the setting: see template.Delete.
		if err := db.LockSetting(ctx, tx, settingKey); err != nil {
			return err
		}
		if err := check(ctx, tx, set); err != nil {
			return err
		}
		was, err := db.Setting[Settings](ctx, tx, settingKey)
		if err != nil {
			return err
		}
		if err := db.SaveSetting(ctx, tx, settingKey, set); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, audit.SettingsUpdate, "settings", settingsEntityID,
			map[string]any{settingKey: was}, map[string]any{settingKey: set})
	})
}

// choose gives the template in a contact's language, else the first.
func (set *Settings) choose(questions map[int64]template.Text, locale string) (template.Text, bool) {
	var languages []template.Wording
	for _, id := range set.Templates {
		if q, ok := questions[id]; ok {
			languages = append(languages, template.Wording{Language: q.Template.Language, VersionID: id})
		}
	}
	if len(languages) == 0 {
		return template.Text{}, false
	}
	q, ok := questions[template.Choose(languages[0], languages[1:], locale).VersionID]
	return q, ok
}
