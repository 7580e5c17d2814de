package contact

import (
	"context"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

// View is a search with its filters under a name, for everybody.
type View struct {
	bun.BaseModel `bun:"table:contact_views,alias:v"`

	ID         int64     `bun:",pk,autoincrement"`
	Name       string    // unique without regard to case
	Search     string    //
	Filter     Filter    `bun:"type:jsonb"`
	Sort       Order     //
	OperatorID *int64    // who saved it
	CreatedAt  time.Time `bun:",nullzero"`
}

const maxViews = 100

// SaveView keeps a view; one of the same name is replaced. The filter's query
// was checked by whoever narrowed it.
func (s *Service) SaveView(ctx context.Context, v View) (*View, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	v.Name, v.Search, v.OperatorID = CleanText(v.Name), CleanText(v.Search), actor.OperatorID(ctx)
	if v.Name == "" || utf8.RuneCountInString(v.Name) > 60 {
		return nil, apperr.Invalid("name", "give a name of 1 to 60 characters")
	}
	if utf8.RuneCountInString(v.Search) > 200 {
		return nil, apperr.Invalid("search", "a search has at most 200 characters")
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := saveView(ctx, tx, &v)
		if err != nil {
			return err
		}
		if n > maxViews {
			return apperr.Invalid("name", "there are %d views already: delete one first", maxViews)
		}
		return audit.Record(ctx, tx, audit.ContactViewSave, "contact_view", v.ID, map[string]any{"name": v.Name})
	})
	return &v, err
}

// DeleteView removes a view.
func (s *Service) DeleteView(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		gone, err := deleteView(ctx, tx, id)
		if err != nil {
			return err
		}
		if !gone {
			return apperr.NotFound("view %v does not exist", id)
		}
		return audit.Record(ctx, tx, audit.ContactViewDelete, "contact_view", id, nil)
	})
}

// Views lists all, by name.
func (s *Service) Views(ctx context.Context) ([]*View, error) { return views(ctx, s.db) }

// ViewByID finds one.
func (s *Service) ViewByID(ctx context.Context, id int64) (*View, error) {
	v := new(View)
	err := viewByID(ctx, s.db, id, v)
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("view %v does not exist", id)
	}
	return v, err
}
