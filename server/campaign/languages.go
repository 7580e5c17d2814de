package campaign

import (
	"context"

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
		if text.Approved != nil {
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
}

// languages tells which language those get whom the screen lets through; nil when there is only one.
func languages(ctx context.Context, idb bun.IDB, p segment.Predicate, by screen, w wordings, texts []template.Text) ([]InLanguage, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	counts, err := versionCounts(ctx, idb, p, by, w)
	if err != nil {
		return nil, err
	}
	all := []InLanguage{{w.own.Language, counts[w.own.VersionID], template.ApprovalApproved}}
	for _, text := range texts {
		l := InLanguage{Language: text.Template.Language, Approval: text.Newest.ApprovalStatus}
		if text.Approved != nil {
			l.Contacts, l.Approval = counts[text.Approved.ID], template.ApprovalApproved
		}
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
