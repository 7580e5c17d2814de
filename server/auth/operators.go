package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/mail"
	"strings"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
)

// SetupNeeded reports whether the first admin is still to be made.
func (s *Service) SetupNeeded(ctx context.Context) (bool, error) {
	any, err := anyOperator(ctx, s.db)
	return !any, err
}

// NewOperator is what it takes to make an operator.
type NewOperator struct {
	Email, Name string
	// Password may be empty: then the operator sets one through a link.
	Password string
	Role     actor.Role
}

func (n *NewOperator) clean() error {
	var errs apperr.List
	var ok bool
	if n.Email, ok = cleanEmail(n.Email); !ok {
		_ = errs.Add(apperr.Invalid("email", "%q is not an email address", clip(n.Email, 100)))
	}
	_ = errs.Add(cleanName(&n.Name))
	_ = errs.Add(checkRole(n.Role))
	return errs.Err()
}

// cleanEmail gives the address as it is kept, and whether it is one.
func cleanEmail(email string) (string, bool) {
	email = strings.ToLower(strings.TrimSpace(email))
	if len(email) > 254 || strings.ContainsRune(email, 0) || !utf8.ValidString(email) {
		return email, false
	}
	a, err := mail.ParseAddress(email)
	return email, err == nil && a.Address == email
}

func cleanName(name *string) error {
	*name = strings.TrimSpace(*name)
	if *name == "" || utf8.RuneCountInString(*name) > 100 || *name != clip(*name, len(*name)) {
		return apperr.Invalid("name", "give a name of 1 to 100 characters")
	}
	return nil
}

func checkRole(role actor.Role) error {
	if !role.Valid() {
		return apperr.Invalid("role", "%q is not a role: viewer, marketer or admin", role)
	}
	return nil
}

var errSetUp = apperr.Conflict("the first admin exists already: sign in instead")

// CreateFirstAdmin makes the first operator, who is an admin; conflict when
// there is one already.
func (s *Service) CreateFirstAdmin(ctx context.Context, in NewOperator) (*Operator, error) {
	in.Role = actor.RoleAdmin
	var errs apperr.List
	_ = errs.Add(in.clean())
	_ = errs.Add(checkPassword("password", in.Password, in.Name, in.Email))
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if needed, err := s.SetupNeeded(ctx); err != nil || !needed { // before strangers make us hash
		if err == nil {
			err = errSetUp
		}
		return nil, err
	}
	hash, err := s.passwords.hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	var o *Operator
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockOperators(ctx, tx); err != nil {
			return err
		}
		if any, err := anyOperator(ctx, tx); err != nil || any {
			if err == nil {
				err = errSetUp
			}
			return err
		}
		if o, err = create(ctx, tx, in, hash); err != nil {
			return err
		}
		return openPasswords(ctx, tx, o.ID)
	})
	return o, err
}

// Invite makes another operator, who sets a password through the link; with a
// password in it, or where passwords are off, there is no link. Admins only.
func (s *Service) Invite(ctx context.Context, in NewOperator) (o *Operator, link string, err error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, "", err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return nil, "", err
	}
	var errs apperr.List
	_ = errs.Add(in.clean())
	hash := ""
	if in.Password != "" {
		_ = errs.Add(checkPassword("password", in.Password, in.Name, in.Email))
	}
	if err := errs.Err(); err != nil {
		return nil, "", err
	}
	if in.Password != "" {
		if hash, err = s.passwords.hash(ctx, in.Password); err != nil {
			return nil, "", err
		}
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if o, err = create(ctx, tx, in, hash); err != nil || hash != "" || s.only {
			return err
		}
		link, err = s.newLink(ctx, tx, o.ID, PurposeInvitation, LinkLength)
		return err
	})
	if db.IsUnique(err) {
		return nil, "", apperr.Invalid("email", "there is an operator with %q already", in.Email)
	}
	if err != nil {
		return nil, "", err
	}
	if link != "" {
		s.postLink(ctx, o, PurposeInvitation, link)
	}
	return o, link, nil
}

func create(ctx context.Context, tx bun.Tx, in NewOperator, hash string) (*Operator, error) {
	o := &Operator{
		Kind: KindPerson, Email: in.Email, Name: in.Name, Role: in.Role, PasswordHash: hash, Active: true,
	}
	if err := insertOperator(ctx, tx, o); err != nil {
		return nil, err
	}
	return o, audit.Record(ctx, tx, audit.OperatorCreate, "operator", o.ID, map[string]any{"role": o.Role})
}

// CreateService makes a service account: an owner of API tokens that never
// signs in and outlasts the people who made it. Admins only.
func (s *Service) CreateService(ctx context.Context, name string, role actor.Role) (*Operator, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return nil, err
	}
	var errs apperr.List
	_ = errs.Add(cleanName(&name))
	_ = errs.Add(checkRole(role))
	if err := errs.Err(); err != nil {
		return nil, err
	}
	o := &Operator{
		Kind: KindService, Name: name, Role: role, Active: true,
		Email: strings.ToLower(randomToken("")[:16]) + "@service.invalid", // unique; nobody reads it
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insertOperator(ctx, tx, o); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ServiceAccountCreate, "operator", o.ID, map[string]any{"role": role})
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Change is what Update changes; nil stays as it is.
type Change struct {
	Name *string
	Role *actor.Role
}

// Update changes an operator's name or role; a new role holds at once, also on
// open sockets. Nobody changes their own role. Admins only.
func (s *Service) Update(ctx context.Context, id int64, ch Change) (*Operator, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return nil, err
	}
	var errs apperr.List
	if ch.Name != nil {
		_ = errs.Add(cleanName(ch.Name))
	}
	if ch.Role != nil {
		_ = errs.Add(checkRole(*ch.Role))
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if ch.Role != nil && isSelf(ctx, id) {
		return nil, apperr.Conflict("you cannot change your own role: ask another admin")
	}
	return s.change(ctx, id, audit.OperatorUpdate, nil, func(ctx context.Context, tx bun.Tx, o *Operator) error {
		if ch.Name != nil {
			o.Name = *ch.Name
		}
		if ch.Role != nil {
			if o.Role != *ch.Role && o.Kind == KindPerson {
				if err := s.tellSelf(ctx, tx, id, EventRole, string(*ch.Role)); err != nil {
					return err
				}
			}
			o.Role = *ch.Role
		}
		return updateOperator(ctx, tx, o)
	})
}

// SetActive lets an operator in again, or shuts them out: their sessions end,
// their API tokens rest. Admins only.
func (s *Service) SetActive(ctx context.Context, id int64, active bool) (*Operator, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return nil, err
	}
	if isSelf(ctx, id) && !active {
		return nil, apperr.Conflict("you cannot deactivate yourself")
	}
	changes := map[string]any{"active": active}
	return s.change(ctx, id, audit.OperatorSetActive, changes, func(ctx context.Context, tx bun.Tx, o *Operator) error {
		if o.Active != active && o.Kind == KindPerson {
			if err := s.tellSelf(ctx, tx, id, EventActive, map[bool]string{true: "reactivated", false: "deactivated"}[active]); err != nil {
				return err
			}
		}
		if o.Active = active; !active {
			if err := endSessions(ctx, tx, id, 0); err != nil {
				return err
			}
			if err := deleteLinks(ctx, tx, id); err != nil {
				return err
			}
		}
		return updateOperator(ctx, tx, o)
	})
}

// audited is what an operator is, for the trail: of the name only whether it is the same.
func (o *Operator) audited() map[string]any {
	sum := sha256.Sum256([]byte(o.Name))
	return map[string]any{"role": o.Role, "active": o.Active, "name_sha256": hex.EncodeToString(sum[:8])}
}

// change is one change to an operator, with its entry in the trail, which tells old and new
// values where there are no changes, and the news to all processes.
func (s *Service) change(ctx context.Context, id int64, action audit.Action, changes map[string]any,
	apply func(context.Context, bun.Tx, *Operator) error,
) (*Operator, error) {
	var o *Operator
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if o, err = operatorForUpdate(ctx, tx, id); err != nil {
			return err
		}
		was := o.audited()
		if err := apply(ctx, tx, o); err != nil {
			return err
		}
		if changes == nil {
			return audit.RecordChange(ctx, tx, action, "operator", id, was, o.audited())
		}
		return audit.Record(ctx, tx, action, "operator", id, changes)
	})
	if err != nil {
		return nil, keepsAnAdmin(err)
	}
	s.changed(id)
	return o, nil
}

func isSelf(ctx context.Context, id int64) bool {
	a := actor.From(ctx)
	return a.Kind == actor.KindOperator && a.ID == id
}

// keepsAnAdmin says in words what the trigger refused, see the migration.
func keepsAnAdmin(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.ConstraintName == "operators_keep_an_admin" {
		return apperr.Conflict("there must always be an active admin: make somebody else one first")
	}
	return err
}

// Reset gives the operator with this address back what it takes to administer:
// active, an admin, no second factor, signed out everywhere, and a link for a new password. For
// the command line, where who can reach the database asks.
func (s *Service) Reset(ctx context.Context, email string) (link string, err error) {
	ctx = actor.With(ctx, actor.System)
	email, _ = cleanEmail(email)
	o, err := operatorByEmail(ctx, s.db, email)
	if err != nil {
		return "", err
	}
	if o.Kind != KindPerson {
		return "", apperr.Conflict("%s is a service account: it never signs in", o.Name)
	}
	_, err = s.change(ctx, o.ID, audit.OperatorReset, nil, func(ctx context.Context, tx bun.Tx, o *Operator) (err error) {
		o.Active, o.Role = true, actor.RoleAdmin
		if err = updateOperator(ctx, tx, o); err != nil {
			return err
		}
		if err = dropFactors(ctx, tx, o.ID); err != nil {
			return err
		}
		if err = endSessions(ctx, tx, o.ID, 0); err != nil {
			return err
		}
		if err = forgetAttempts(ctx, tx, accountKey(o.Email)); err != nil {
			return err
		}
		if err = openPasswords(ctx, tx, o.ID); err != nil {
			return err
		}
		if err = s.tellSelf(ctx, tx, o.ID, EventReset, ""); err != nil {
			return err
		}
		link, err = s.newLink(ctx, tx, o.ID, PurposeReset, ResetLength)
		return err
	})
	return link, err
}

// Operators lists all, by name. Admins only.
func (s *Service) Operators(ctx context.Context) ([]*Operator, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	return listOperators(ctx, s.db)
}

// Colleagues gives the people who may be given work, by name.
func (s *Service) Colleagues(ctx context.Context) ([]*Operator, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	return listColleagues(ctx, s.db)
}

// Operator finds one by id.
func (s *Service) Operator(ctx context.Context, id int64) (*Operator, error) {
	return operatorByID(ctx, s.db, id)
}
