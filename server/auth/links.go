package auth

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

// Purpose says what a link to set a password is for.
type Purpose string

// Purposes of links.
const (
	PurposeInvitation Purpose = "invitation"
	PurposeReset      Purpose = "reset"
)

// Link is a one-time link to set a password.
type Link struct {
	Purpose     Purpose
	OperatorID  int64
	Email, Name string // whose password it sets
	ExpiresAt   time.Time
}

// newLink makes the only link of an operator: an earlier one no longer works.
// Its secret stands behind the #, which browsers send to nobody.
func (s *Service) newLink(ctx context.Context, tx bun.Tx, operator int64, purpose Purpose,
	length time.Duration,
) (string, error) {
	token := randomToken("")
	if err := deleteLinks(ctx, tx, operator); err != nil {
		return "", err
	}
	if err := insertLink(ctx, tx, hashToken(token), operator, purpose, actor.OperatorID(ctx), length); err != nil {
		return "", err
	}
	return s.publicURL() + "/password#" + token, nil
}

var errPasswordsOff = apperr.Conflict("passwords are off here: operators sign in at their organisation's provider")

// NewPasswordLink makes a link by which an operator sets a password, to be
// handed over by an admin: a new invitation, or a reset. The link is as good as
// the password, so only admins make it, and the trail says so.
func (s *Service) NewPasswordLink(ctx context.Context, id int64) (o *Operator, link string, err error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, "", err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return nil, "", err
	}
	purpose, length := PurposeReset, ResetLength
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if o, err = operatorForUpdate(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case o.Kind != KindPerson:
			return apperr.Conflict("%s is a service account: it has no password", o.Name)
		case !o.Active:
			return apperr.Conflict("%s is deactivated: reactivate them first", o.Name)
		case s.only:
			return errPasswordsOff
		case o.Invited():
			purpose, length = PurposeInvitation, LinkLength
		}
		if link, err = s.newLink(ctx, tx, id, purpose, length); err != nil {
			return err
		}
		if purpose == PurposeReset {
			if err := s.tellSelf(ctx, tx, id, EventPasswordLink, ""); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.OperatorPasswordLink, "operator", id, map[string]any{"purpose": purpose})
	})
	if err != nil {
		return nil, "", err
	}
	s.postLink(ctx, o, purpose, link)
	return o, link, nil
}

var errLinkOver = apperr.Invalid("token", "this link no longer works: it was used, or is too old; ask for a new one")

// LinkOf tells whose password a link sets.
func (s *Service) LinkOf(ctx context.Context, token string) (*Link, error) {
	l, err := linkByHash(ctx, s.db, hashToken(token), false)
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, errLinkOver
	}
	return l, err
}

// SetPassword takes up a link: the operator gets the password, is signed out
// everywhere, and the link is used up.
func (s *Service) SetPassword(ctx context.Context, token, password string) (*Link, error) {
	l, err := s.LinkOf(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := checkPassword("password", password, l.Name, l.Email); err != nil {
		return nil, err
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		again, err := linkByHash(ctx, tx, hashToken(token), true)
		if apperr.Is(err, apperr.CodeNotFound) {
			return errLinkOver
		}
		if err != nil {
			return err
		}
		if err := replacePassword(ctx, tx, again.OperatorID, hash, 0); err != nil {
			return err
		}
		ctx = actor.With(ctx, actor.Actor{Kind: actor.KindOperator, ID: again.OperatorID})
		if err := s.tellSelf(ctx, tx, again.OperatorID, EventPasswordSet, ""); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.OperatorPasswordSet, "operator", again.OperatorID,
			map[string]any{"purpose": again.Purpose, "address": addressText(actor.Address(ctx))})
	})
	if err != nil {
		return nil, err
	}
	s.changed(l.OperatorID)
	return l, nil
}

// replacePassword sets a new password and ends what the old one opened: links,
// waits, and sessions but the one that stays.
func replacePassword(ctx context.Context, tx bun.Tx, operator int64, hash string, stays int64) error {
	o, err := operatorForUpdate(ctx, tx, operator)
	if err != nil {
		return err
	}
	o.PasswordHash = hash
	if err := updateOperator(ctx, tx, o); err != nil {
		return err
	}
	if err := deleteLinks(ctx, tx, operator); err != nil {
		return err
	}
	if err := forgetAttempts(ctx, tx, accountKey(o.Email)); err != nil {
		return err
	}
	return endSessions(ctx, tx, operator, stays)
}

// ChangePassword sets one's own, given the one before; other sessions end.
func (s *Service) ChangePassword(ctx context.Context, current, password string) error {
	a, err := self(ctx)
	if err != nil {
		return err
	}
	o, err := operatorByID(ctx, s.db, a.ID)
	if err != nil {
		return err
	}
	if err := checkPassword("newPassword", password, o.Name, o.Email); err != nil {
		return err
	}
	if err := s.prove(ctx, a, "currentPassword", current); err != nil {
		return err
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := replacePassword(ctx, tx, a.ID, hash, a.Session); err != nil {
			return err
		}
		if err := s.tellSelf(ctx, tx, a.ID, EventPassword, ""); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.OperatorPasswordChange, "operator", a.ID,
			map[string]any{"address": addressText(actor.Address(ctx))})
	})
	if err == nil {
		s.changed(a.ID)
	}
	return err
}

// prove checks the password of somebody who is signed in.
func (s *Service) prove(ctx context.Context, a actor.Actor, field, password string) error {
	o, err := operatorByID(ctx, s.db, a.ID)
	if err != nil {
		return err
	}
	return s.proveBy(ctx, o, "password", func(ctx context.Context) error {
		right, err := s.passwords.check(ctx, o.PasswordHash, password, true)
		if err == nil && !right {
			err = apperr.Invalid(field, "the password is wrong")
		}
		return err
	})
}

// confirmAttempt is one of somebody who is signed in to show who they are.
func confirmAttempt(ctx context.Context, o *Operator) *attempt {
	return &attempt{
		keys: []counted{{"confirm:" + digest(o.Email), accountLimit}}, known: true, from: Client{Address: actor.Address(ctx)},
	}
}

// proveBy lets somebody who is signed in show who they are. Attempts are counted
// by account: whoever finds an open browser cannot guess on.
func (s *Service) proveBy(ctx context.Context, o *Operator, by string, check func(context.Context) error) error {
	try := confirmAttempt(ctx, o)
	if err := s.begin(ctx, try); err != nil {
		return err
	}
	err := check(ctx)
	if apperr.Is(err, apperr.CodeInvalid) {
		if noted := s.noteFailure(ctx, try, o, by); noted != nil {
			return noted
		}
		return err
	}
	if err != nil {
		s.takeBack(ctx, try)
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error { return succeeded(ctx, tx, try) })
}
