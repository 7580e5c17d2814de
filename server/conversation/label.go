package conversation

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Limits of labels.
const (
	maxLabels    = 200 // that there are
	maxLabelled  = 20  // of one conversation
	maxLabelName = 40  // characters
)

// LabelColors are those that can be read in light and dark.
var LabelColors = []string{"gray", "red", "orange", "yellow", "green", "teal", "blue", "violet", "pink"}

// Label is what conversations are sorted by, such as "Complaint".
type Label struct {
	bun.BaseModel `bun:"table:labels,alias:lb"`

	ID        int64     `bun:",pk,autoincrement"`
	Name      string    // unique without regard to case
	Color     string    // one of LabelColors
	CreatedAt time.Time `bun:",nullzero"`
	UpdatedAt time.Time `bun:",nullzero"`
}

// LabelInput is what a person sets; nil leaves a field as it is.
type LabelInput struct{ Name, Color *string }

func (in LabelInput) apply(l *Label) error {
	var errs apperr.List
	if in.Name != nil {
		l.Name = contact.CleanText(*in.Name)
	}
	if n := utf8.RuneCountInString(l.Name); n < 1 || n > maxLabelName || strings.ContainsAny(l.Name, "\n\t") {
		_ = errs.Add(apperr.Invalid("name", "a label has a name of 1 to %d characters in one line, this one has %d", maxLabelName, n))
	}
	if in.Color != nil {
		l.Color = *in.Color
	}
	if !slices.Contains(LabelColors, l.Color) {
		_ = errs.Add(apperr.Invalid("color", "%q is not a colour of labels: one of %s", l.Color, strings.Join(LabelColors, ", ")))
	}
	return errs.Err()
}

func (l *Label) audited() map[string]any { return map[string]any{"name": l.Name, "color": l.Color} }

func labelTaken(l *Label, err error) error {
	if db.IsUnique(err) {
		return apperr.Invalid("name", "there is a label named %q already", l.Name)
	}
	return err
}

// CreateLabel adds a label.
func (s *Service) CreateLabel(ctx context.Context, in LabelInput) (*Label, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	l := new(Label)
	if err := in.apply(l); err != nil {
		return nil, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := lockAndCountLabels(ctx, tx)
		if err != nil {
			return err
		}
		if n >= maxLabels {
			return apperr.Conflict("there are %d labels already, no more are possible: delete one that is not used", n)
		}
		if err := insertLabel(ctx, tx, l); err != nil {
			return labelTaken(l, err)
		}
		return audit.RecordChange(ctx, tx, audit.LabelCreate, "label", l.ID, nil, l.audited())
	})
	return l, err
}

// UpdateLabel changes what in names.
func (s *Service) UpdateLabel(ctx context.Context, id int64, in LabelInput) (*Label, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var l *Label
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if l, err = labelForUpdate(ctx, tx, id); err != nil {
			return err
		}
		was := l.audited()
		if err := in.apply(l); err != nil {
			return err
		}
		if err := updateLabel(ctx, tx, l); err != nil {
			return labelTaken(l, err)
		}
		return audit.RecordChange(ctx, tx, audit.LabelUpdate, "label", l.ID, was, l.audited())
	})
	return l, err
}

// DeleteLabel removes a label, and takes it off every conversation.
func (s *Service) DeleteLabel(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		l, err := labelForUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := removeLabel(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.LabelDelete, "label", id, map[string]any{"name": l.Name})
	})
}

// Labels gives all, by name.
func (s *Service) Labels(ctx context.Context) ([]*Label, error) { return labels(ctx, s.db) }

// LabelByID finds one.
func (s *Service) LabelByID(ctx context.Context, id int64) (*Label, error) {
	found, err := labelsByIDs(ctx, s.db, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("label %v does not exist", id)
	}
	return found[0], nil
}

// LabelsOf gives the labels of conversations, by name.
func (s *Service) LabelsOf(ctx context.Context, ids []int64) (map[int64][]*Label, error) {
	return labelsOf(ctx, s.db, ids)
}

// ChangeLabels puts labels on a conversation and takes others off.
func (s *Service) ChangeLabels(ctx context.Context, id int64, add, remove []int64) (*Conversation, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var c *Conversation
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		found, err := labelsByIDs(ctx, tx, add)
		if err != nil {
			return err
		}
		for _, label := range add {
			if !slices.ContainsFunc(found, func(l *Label) bool { return l.ID == label }) {
				return apperr.Invalid("add", "there is no label %d", label)
			}
		}
		if err := notErased(ctx, tx, id); err != nil {
			return err
		}
		if c, err = byIDForUpdate(ctx, tx, id); err != nil {
			return err
		}
		n, err := relabel(ctx, tx, id, add, remove)
		if err != nil {
			return err
		}
		if n > maxLabelled {
			return apperr.Invalid("add", "a conversation has at most %d labels, this one would have %d", maxLabelled, n)
		}
		return audit.Record(ctx, tx, audit.ConversationLabel, "conversation", id, map[string]any{"add": add, "remove": remove})
	})
	if err != nil {
		return nil, err
	}
	s.tell(id)
	return c, nil
}
