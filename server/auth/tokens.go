package auth

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// NewToken is what it takes to make an API token.
type NewToken struct {
	Name    string
	Role    actor.Role
	Scopes  []string   // nil: all
	Expires *time.Time // nil: after TokenLength, unless Forever
	Forever bool
	Owner   *int64 // a service account; nil: who makes it
}

// CreateToken makes an API token and gives its secret, which is never shown
// again. It works as long as its owner is active, and never does more than
// their role may. Admins only.
func (s *Service) CreateToken(ctx context.Context, in NewToken) (string, *Token, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return "", nil, err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return "", nil, err
	}
	owner := actor.OperatorID(ctx)
	if in.Owner != nil {
		owner = in.Owner
	}
	if owner == nil {
		return "", nil, apperr.New(apperr.CodeForbidden, "only an operator makes API tokens")
	}
	var errs apperr.List
	_ = errs.Add(cleanName(&in.Name))
	_ = errs.Add(checkRole(in.Role))
	if in.Scopes != nil {
		scopes, err := actor.ScopesOf(in.Scopes)
		_ = errs.Add(err)
		if in.Scopes = scopes.Names(); err == nil && scopes == 0 {
			_ = errs.Add(apperr.Invalid("scopes", "give at least one scope, or leave it out for all that the role may do"))
		}
	}
	if in.Expires != nil && in.Expires.Before(s.now()) {
		_ = errs.Add(apperr.Invalid("expiresAt", "%s is in the past", in.Expires))
	}
	if err := errs.Err(); err != nil {
		return "", nil, err
	}
	if in.Expires == nil && !in.Forever {
		end := s.now().Add(TokenLength)
		in.Expires = &end
	}
	secret := randomToken("ese_")
	t := &Token{
		Name: in.Name, Role: in.Role, Scopes: in.Scopes, Prefix: secret[:10], TokenHash: hashToken(secret),
		OperatorID: *owner, ExpiresAt: in.Expires,
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		o, err := operatorForUpdate(ctx, tx, *owner)
		if err != nil {
			return apperr.Lacking("ownerId", err)
		}
		switch {
		case !isSelf(ctx, o.ID) && o.Kind != KindService:
			return apperr.Invalid("ownerId", "a token belongs to you or to a service account")
		case !o.Active:
			return apperr.Invalid("ownerId", "%s is deactivated", o.Name)
		case !o.Role.Includes(in.Role):
			return apperr.Invalid("role", "a token does no more than its owner, and %s is a %s", o.Name, o.Role)
		}
		if err := insertToken(ctx, tx, t); err != nil {
			return err
		}
		if maker := actor.OperatorID(ctx); maker != nil {
			detail := say.New("%s, with the role %s", t.Name, t.Role).String()
			if err := s.tellSelf(ctx, tx, *maker, EventToken, detail); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.APITokenCreate, "api_token", t.ID,
			map[string]any{"role": in.Role, "scopes": in.Scopes, "expires_at": in.Expires, "owner": *owner})
	})
	if err != nil {
		return "", nil, err
	}
	return secret, t, nil
}

// RevokeToken ends a token for good, also on open sockets. Admins only.
func (s *Service) RevokeToken(ctx context.Context, id int64) (*Token, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	var t *Token
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if t, err = revokeToken(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.APITokenRevoke, "api_token", id, nil)
	})
	if err != nil {
		return nil, err
	}
	s.changed(t.OperatorID)
	return t, nil
}

// Tokens lists all, newest first. Admins only.
func (s *Service) Tokens(ctx context.Context) ([]*Token, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	return listTokens(ctx, s.db)
}

// Token finds one by id. Admins only.
func (s *Service) Token(ctx context.Context, id int64) (*Token, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	return tokenByID(ctx, s.db, id)
}
