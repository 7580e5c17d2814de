package bulk

import (
	"context"
	"io"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/export"
	"eventstream/server/pubsub"

	"github.com/uptrace/bun"
)

// exportLife is how long an export can be downloaded.
const exportLife = 24 * time.Hour

// OpenExport checks that an export may be downloaded now: by who asked for it,
// or an admin, within a day.
func (s *Service) OpenExport(ctx context.Context, id int64) (*Action, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := actor.RequireScope(ctx, actor.ScopeContactsExport); err != nil {
		return nil, err
	}
	a, err := s.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case a.Kind != KindExport:
		return nil, apperr.NotFound("export %v does not exist", id)
	case !a.belongsTo(actor.From(ctx)):
		return nil, apperr.New(apperr.CodeForbidden, "only who asked for an export, or an admin, downloads it")
	case a.Status == StatusCanceled || s.now().Sub(a.CreatedAt) > exportLife:
		return nil, errExportOver
	}
	return a, nil
}

// belongsTo reports whether who started the action, or is an admin. What an API
// token started belongs to that token alone: it may be used elsewhere than its
// owner.
func (a *Action) belongsTo(who actor.Actor) bool {
	switch {
	case who.Role.Includes(actor.RoleAdmin):
		return true
	case who.Kind == actor.KindOperator:
		return a.OperatorID != nil && *a.OperatorID == who.ID
	case who.Kind == actor.KindAPIToken:
		return a.APITokenID != nil && *a.APITokenID == who.ID
	}
	return false
}

var errExportOver = apperr.Conflict("this export is over: start a new one")

// WriteExport streams the contacts of an export and keeps its progress. Canceling
// the action ends the download. One that breaks off can be downloaded again.
func (s *Service) WriteExport(ctx context.Context, a *Action, out io.Writer) error {
	if err := s.segments.Narrow(ctx, s.db, &a.Selection); err != nil {
		return err
	}
	if err := audit.Download(ctx, s.db, audit.ExportDownload, a.ID); err != nil {
		return err
	}
	what := export.Contacts{Selection: a.Selection, Newest: a.Newest, Format: a.Options.Format}
	var written int64
	err := s.exports.WriteContacts(ctx, what, out, func(ctx context.Context, done int64) error {
		written = done
		return s.progress(ctx, a.ID, StatusRunning, done)
	})
	if err != nil {
		_ = s.progress(context.WithoutCancel(ctx), a.ID, StatusPending, written) // the download's own error counts
		return err
	}
	return s.progress(ctx, a.ID, StatusCompleted, written)
}

// progress notes where a download stands, unless the export was canceled: what
// somebody decided meanwhile is never overwritten.
func (s *Service) progress(ctx context.Context, id int64, status Status, done int64) error {
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		a, err := forUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.Status == StatusCanceled || a.Status == StatusFailed {
			return errExportOver
		}
		if a.StartedAt == nil {
			now := s.now()
			a.StartedAt = &now
		}
		a.Done = done
		if status == StatusCompleted {
			return s.finish(ctx, tx, a, status, "")
		}
		a.Status, a.FinishedAt = status, nil
		return save(ctx, tx, a)
	})
	s.hub.Publish(pubsub.TopicBulk, id)
	return err
}
