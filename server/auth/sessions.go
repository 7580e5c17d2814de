package auth

import (
	"context"
	"slices"
	"strings"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

func self(ctx context.Context) (actor.Actor, error) {
	return actor.From(ctx), actor.RequireSignedIn(ctx)
}

// SetLanguage chooses the language in which one reads the pages; empty: as the browser does.
func (s *Service) SetLanguage(ctx context.Context, language string) error {
	a, err := self(ctx)
	if err != nil {
		return err
	}
	if language != "" && !slices.Contains(Languages, language) {
		return apperr.Invalid("language", "%q is not a language of the pages: want one of %s", language,
			strings.Join(Languages, ", "))
	}
	_, err = s.change(ctx, a.ID, audit.OperatorLanguage, map[string]any{"language": language},
		func(ctx context.Context, tx bun.Tx, o *Operator) error {
			o.Language = language
			return updateLanguage(ctx, tx, o)
		})
	return err
}

// Rename changes one's own name, as everybody who works here sees it.
func (s *Service) Rename(ctx context.Context, name string) error {
	a, err := self(ctx)
	if err != nil {
		return err
	}
	if err := cleanName(&name); err != nil {
		return err
	}
	_, err = s.change(ctx, a.ID, audit.OperatorUpdate, nil, func(ctx context.Context, tx bun.Tx, o *Operator) error {
		o.Name = name
		return updateOperator(ctx, tx, o)
	})
	return err
}

// Sessions lists one's own, the one used last first.
func (s *Service) Sessions(ctx context.Context) ([]*Session, error) {
	a, err := self(ctx)
	if err != nil {
		return nil, err
	}
	return listSessions(ctx, s.db, a.ID)
}

// RevokeSession ends one of one's own sessions.
func (s *Service) RevokeSession(ctx context.Context, id int64) error {
	a, err := self(ctx)
	if err != nil {
		return err
	}
	return s.endOwn(ctx, a, map[string]any{"session": id}, func(ctx context.Context, tx bun.Tx) error {
		return endSession(ctx, tx, a.ID, id)
	})
}

// SignOutEverywhere ends all of one's own sessions but the one in use.
func (s *Service) SignOutEverywhere(ctx context.Context) error {
	a, err := self(ctx)
	if err != nil {
		return err
	}
	return s.endOwn(ctx, a, map[string]any{"everywhere": true}, func(ctx context.Context, tx bun.Tx) error {
		return endSessions(ctx, tx, a.ID, a.Session)
	})
}

func (s *Service) endOwn(ctx context.Context, a actor.Actor, changes map[string]any,
	end func(context.Context, bun.Tx) error,
) error {
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := end(ctx, tx); err != nil {
			return err
		}
		changes["address"] = addressText(actor.Address(ctx))
		return audit.Record(ctx, tx, audit.OperatorSignOut, "operator", a.ID, changes)
	})
	if err == nil {
		s.changed(a.ID)
	}
	return err
}
