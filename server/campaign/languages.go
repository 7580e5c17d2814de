package campaign

import (
	"context"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/segment"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// wordings are the languages in which a campaign speaks: that of its template, and the approved translations.
type wordings struct {
	own    template.Wording
	others []template.Wording
}

func (w wordings) version() contact.Predicate {
	sql, args := template.ChooseSQL(w.own, w.others)
	return contact.Predicate{SQL: sql, Args: args}
}

// wordingsNow are those that a launch would freeze: version, and what WhatsApp has approved of its translations.
func wordingsNow(ctx context.Context, idb bun.IDB, t *template.Template, version *template.Version) (wordings, []template.Text, error) {
	w := wordings{own: template.Wording{Language: t.Language, VersionID: version.ID}}
	texts, err := template.Translations(ctx, idb, t.ID)
	for _, text := range texts {
		if text.Approved != nil && text.Template.Category == t.Category { // consent and price go by the campaign's category
			w.others = append(w.others, template.Wording{Language: text.Template.Language, VersionID: text.Approved.ID})
		}
	}
	return w, texts, err
}

// InLanguage tells how many of an audience would get a campaign in a language.
type InLanguage struct {
	Language string
	Contacts int64
	Approval template.Approval // not approved: nobody gets it, they get the campaign's own language
	// OtherCategory: it is a template of another category than the campaign's, so that nobody gets it either.
	OtherCategory bool
}

// languages tells which language those get whom the screen lets through; nil when there is only one.
func languages(ctx context.Context, idb bun.IDB, p segment.Predicate, by screen, w wordings, texts []template.Text,
	category template.Category,
) ([]InLanguage, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	counts, err := versionCounts(ctx, idb, p, by, w)
	if err != nil {
		return nil, err
	}
	all := []InLanguage{{Language: w.own.Language, Contacts: counts[w.own.VersionID], Approval: template.ApprovalApproved}}
	for _, text := range texts {
		l := InLanguage{Language: text.Template.Language, Approval: text.Newest.ApprovalStatus}
		if text.Approved != nil {
			l.Contacts, l.Approval = counts[text.Approved.ID], template.ApprovalApproved
		}
		l.OtherCategory = text.Template.Category != category
		all = append(all, l)
	}
	return all, nil
}

// compiled reads what a campaign says in each language, by version.
func (s *Service) compiled(ctx context.Context, own *template.Version, w wordings) (map[int64]*template.Compiled, error) {
	said := map[int64]*template.Compiled{}
	add := func(v *template.Version) (err error) {
		said[v.ID], err = v.Compile()
		return err
	}
	if err := add(own); err != nil {
		return nil, err
	}
	for _, other := range w.others {
		v, err := s.templates.Version(ctx, other.VersionID)
		if err != nil {
			return nil, err
		}
		if err := add(v); err != nil {
			return nil, err
		}
	}
	return said, nil
}

// fileProblems tells which files of what a launch would send WhatsApp would not show, in any language.
func (s *Service) fileProblems(ctx context.Context, idb bun.IDB, templateID int64, own *template.Version) (list apperr.List, err error) {
	t, err := template.Find(ctx, idb, templateID)
	if err != nil {
		return nil, err
	}
	w, texts, err := wordingsNow(ctx, idb, t, own)
	if err != nil {
		return nil, err
	}
	versions := map[int64]*template.Version{own.ID: own}
	for _, text := range texts {
		if text.Approved != nil {
			versions[text.Approved.ID] = text.Approved
		}
	}
	for _, said := range append([]template.Wording{w.own}, w.others...) {
		problems, err := s.templates.FileProblems(ctx, idb, versions[said.VersionID])
		if err != nil {
			return nil, err
		}
		for _, p := range problems {
			_ = list.Add(apperr.Invalid("templateId", "the template shows a file that is missing (%s): %s",
				template.LanguageName(said.Language), p.Message))
		}
	}
	return list, nil
}
