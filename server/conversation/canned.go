package conversation

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

const maxCanned = 200

// cannedName is what is typed behind the slash.
var cannedName = regexp.MustCompile(`^[\p{L}\p{N}_-]{1,40}$`)

// Canned is a reply that is written once and used often.
type Canned struct {
	bun.BaseModel `bun:"table:canned_replies,alias:cr"`

	ID        int64     `bun:",pk,autoincrement"`
	Name      string    // unique without regard to case
	Body      string    // with placeholders, as a template's
	CreatedAt time.Time `bun:",nullzero"`
	UpdatedAt time.Time `bun:",nullzero"`
}

// CannedInput is what a person sets; nil leaves a field as it is.
type CannedInput struct{ Name, Body *string }

func (in CannedInput) apply(r *Canned) error {
	var errs apperr.List
	if in.Name != nil {
		r.Name = contact.CleanText(*in.Name)
	}
	if !cannedName.MatchString(r.Name) {
		_ = errs.Add(apperr.Invalid("name", "%q is not a name of a reply: 1 to 40 letters, digits, - and _, such as opening-hours", r.Name))
	}
	if in.Body != nil {
		r.Body = strings.TrimSpace(*in.Body)
	}
	if n := utf8.RuneCountInString(r.Body); n < 1 || n > gate.MaxText {
		_ = errs.Add(apperr.Invalid("body", "a reply has 1 to %d characters, this one has %d", gate.MaxText, n))
	}
	_, err := template.Parse(r.Body)
	_ = errs.Add(err)
	return errs.Err()
}

// For is the reply as it reads for a contact. A placeholder without a value and without a
// fallback stays as it is, and stands among missing.
func (r *Canned) For(c *contact.Contact) (text string, missing []string, err error) {
	body, err := template.Parse(r.Body)
	if err != nil {
		return "", nil, err
	}
	filled := body.Render(c)
	return filled.Text, filled.Missing, nil
}

func (r *Canned) audited() map[string]any { return map[string]any{"name": r.Name, "body": r.Body} }

func cannedTaken(r *Canned, err error) error {
	if db.IsUnique(err) {
		return apperr.Invalid("name", "there is a reply named %q already", r.Name)
	}
	return err
}

// CreateCanned adds a reply.
func (s *Service) CreateCanned(ctx context.Context, in CannedInput) (*Canned, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	r := new(Canned)
	if err := in.apply(r); err != nil {
		return nil, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := lockAndCountCanned(ctx, tx)
		if err != nil {
			return err
		}
		if n >= maxCanned {
			return apperr.Conflict("there are %d replies already, no more are possible: delete one that is not used", n)
		}
		if err := insertCanned(ctx, tx, r); err != nil {
			return cannedTaken(r, err)
		}
		return audit.RecordChange(ctx, tx, audit.CannedReplyCreate, "canned_reply", r.ID, nil, r.audited())
	})
	return r, err
}

// UpdateCanned changes what in names.
func (s *Service) UpdateCanned(ctx context.Context, id int64, in CannedInput) (*Canned, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var r *Canned
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if r, err = cannedForUpdate(ctx, tx, id); err != nil {
			return err
		}
		was := r.audited()
		if err := in.apply(r); err != nil {
			return err
		}
		if err := updateCanned(ctx, tx, r); err != nil {
			return cannedTaken(r, err)
		}
		return audit.RecordChange(ctx, tx, audit.CannedReplyUpdate, "canned_reply", r.ID, was, r.audited())
	})
	return r, err
}

// DeleteCanned removes a reply; what was sent with it stays.
func (s *Service) DeleteCanned(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := cannedForUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := removeCanned(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.CannedReplyDelete, "canned_reply", id, map[string]any{"name": r.Name})
	})
}

// CannedReplies gives all, by name.
func (s *Service) CannedReplies(ctx context.Context) ([]*Canned, error) { return cannedAll(ctx, s.db) }

// CannedByID finds one.
func (s *Service) CannedByID(ctx context.Context, id int64) (*Canned, error) {
	return cannedByID(ctx, s.db, id)
}
