package template

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

// mostVersions is how many versions of a template are told.
const mostVersions = 20

// VersionsOf gives the versions of templates, the newest first, at most 20 of each.
func (s *Service) VersionsOf(ctx context.Context, ids []int64) (map[int64][]*Version, error) {
	return versionsOf(ctx, s.db, ids, mostVersions)
}

// Restore makes what an earlier version says the newest one again: a version of its own, so that the order in which things were said stays. Where
// WhatsApp still approves the earlier one, its content and approval are those of the new one, and nothing is reviewed again; else it is a draft.
func (s *Service) Restore(ctx context.Context, id int64, number int) (*Template, *Version, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, nil, err
	}
	var t *Template
	var made *Version
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if t, err = templateForUpdate(ctx, tx, id); err != nil {
			return err
		}
		newest, err := newestVersion(ctx, tx, id)
		if err != nil {
			return err
		}
		old, err := versionNumbered(ctx, tx, id, number)
		if err != nil {
			return err
		}
		if old == nil {
			return apperr.Invalid("version", "the template has no version %d: 1 to %d exist", number, newest.Version)
		}
		if old.says(newest) {
			return apperr.Conflict("version %d says what the newest one, version %d, says", number, newest.Version)
		}
		made = &Version{
			TemplateID: id, Version: newest.Version + 1, Kind: old.Kind, Body: old.Body, Parts: old.Parts, Variables: old.Variables, ApprovalStatus: ApprovalDraft,
		}
		if old.Provider == s.of && (old.ApprovalStatus == ApprovalApproved || old.ApprovalStatus == ApprovalWindowOnly) {
			made.ContentSID, made.ApprovalStatus, made.Provider = old.ContentSID, old.ApprovalStatus, old.Provider
			made.SubmittedAt, made.CheckedAt, made.DecidedAt = old.SubmittedAt, old.CheckedAt, old.DecidedAt
		}
		if err := insertVersion(ctx, tx, made); err != nil {
			return err
		}
		if err := saveTemplate(ctx, tx, t); err != nil {
			return err
		}
		is := t.audited(made.ID)
		is["of"] = number
		return audit.RecordChange(ctx, tx, audit.TemplateRestore, "template", id, t.audited(newest.ID), is)
	})
	return t, made, err
}
