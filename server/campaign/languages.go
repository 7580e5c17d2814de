package campaign

import (
	"context"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/link"
	"eventstream/server/say"
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

// sayings are what a launch would send: the approved version of its template, and those of the translations.
type sayings struct {
	wordings
	template     *template.Template
	versions     map[int64]*template.Version // of the wordings, by id
	translations []template.Text             // also those that nobody gets
}

// sayingsNow reads what a launch would freeze; own is the approved version of t.
func sayingsNow(ctx context.Context, idb bun.IDB, t *template.Template, own *template.Version) (*sayings, error) {
	said := &sayings{
		wordings: wordings{own: template.Wording{Language: t.Language, VersionID: own.ID}},
		template: t, versions: map[int64]*template.Version{own.ID: own},
	}
	var err error
	said.translations, err = template.Translations(ctx, idb, t.ID)
	for _, text := range said.translations {
		if text.Approved != nil && text.Template.Category == t.Category { // consent and price go by the campaign's category
			said.others = append(said.others, template.Wording{Language: text.Template.Language, VersionID: text.Approved.ID})
			said.versions[text.Approved.ID] = text.Approved
		}
	}
	return said, err
}

// offers are what a launch would send: one, or that of each variant.
type offers []*sayings

func (o offers) wordings() []wordings {
	all := make([]wordings, len(o))
	for i, said := range o {
		all[i] = said.wordings
	}
	return all
}

// InLanguage tells how many of an audience would get a campaign in a language.
type InLanguage struct {
	Language string
	Contacts int64
	Approval template.Approval // not approved: nobody gets it, they get the campaign's own language
	// OtherCategory: it is a template of another category than the campaign's, so that nobody gets it either.
	OtherCategory bool
}

// languages tells which language those get who get a message, by the versions that they get; nil when there is only one. Of variants it
// tells of all together.
func (o offers) languages(versions map[int64]int64) []InLanguage {
	var all []InLanguage
	counted := map[int64]bool{} // variants may have wordings in common
	of := func(version int64) int64 {
		if counted[version] {
			return 0
		}
		counted[version] = true
		return versions[version]
	}
	add := func(l InLanguage) {
		for i := range all {
			if all[i].Language == l.Language {
				if all[i].Contacts += l.Contacts; l.Approval != template.ApprovalApproved || l.OtherCategory {
					all[i].Approval, all[i].OtherCategory = l.Approval, l.OtherCategory
				}
				return
			}
		}
		all = append(all, l)
	}
	for _, said := range o {
		add(InLanguage{Language: said.own.Language, Contacts: of(said.own.VersionID), Approval: template.ApprovalApproved})
		for _, text := range said.translations {
			l := InLanguage{Language: text.Template.Language, Approval: text.Newest.ApprovalStatus}
			if text.Approved != nil {
				l.Contacts, l.Approval = of(text.Approved.ID), template.ApprovalApproved
			}
			l.OtherCategory = text.Template.Category != said.template.Category
			add(l)
		}
	}
	if len(all) < 2 {
		return nil
	}
	return all
}

// compiled reads what is said in each language, by version.
func (said *sayings) compiled() (map[int64]*template.Compiled, error) {
	compiled := make(map[int64]*template.Compiled, len(said.versions))
	for id, v := range said.versions {
		c, err := v.Compile()
		if err != nil {
			return nil, err
		}
		compiled[id] = c
	}
	return compiled, nil
}

// freezeLinks makes the links of what the campaign sends.
func (s *Service) freezeLinks(ctx context.Context, tx bun.Tx, c *Campaign, said *sayings) error {
	compiled, err := said.compiled()
	if err != nil {
		return err
	}
	for _, w := range append([]template.Wording{said.own}, said.others...) {
		if _, err := s.links.Freeze(ctx, tx, c.ID, w.VersionID, compiled[w.VersionID], c.Parameters()); err != nil {
			return err
		}
	}
	return nil
}

// warnOfLinks tells which addresses of the texts open without being counted, although the campaign counts clicks.
func (o offers) warnOfLinks(c *Campaign, p *Preflight) error {
	if !c.TrackLinks {
		return nil
	}
	told := map[string]bool{}
	for _, said := range o {
		compiled, err := said.compiled()
		if err != nil {
			return err
		}
		for _, w := range append([]template.Wording{said.own}, said.others...) {
			for _, address := range compiled[w.VersionID].WebAddresses() {
				if !told[address] {
					told[address] = true
					p.Warnings = append(p.Warnings, say.New("clicks on %s are not counted: it stands in the text, which WhatsApp sends as it "+
						"approved it; put it on a button that tracks clicks", address))
				}
			}
		}
	}
	return nil
}

// Parameters are what is put into the addresses of the campaign's links.
func (c *Campaign) Parameters() link.UTM {
	if c.UTM == nil {
		return link.UTM{}
	}
	return *c.UTM
}

// lookLimit is how long a pre-flight waits for whatever keeps the files of templates.
const lookLimit = 3 * time.Second

// warnOfLostFiles tells of files that a launch would send and that are not where the library keeps them. Only a pre-flight asks: a launch
// does not wait for the network while it holds the campaign.
func (s *Service) warnOfLostFiles(ctx context.Context, all offers, p *Preflight) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	told := map[string]bool{}
	for _, said := range all {
		for _, w := range append([]template.Wording{said.own}, said.others...) {
			lost, err := s.templates.LostFiles(ctx, said.versions[w.VersionID])
			if err != nil {
				p.Warnings = append(p.Warnings, say.New("it is not known whether the files of the template can be shown: what keeps them does not answer"))
				return
			}
			for _, problem := range lost {
				if !told[problem.String()] {
					told[problem.String()] = true
					p.Warnings = append(p.Warnings, problem)
				}
			}
		}
	}
}

// fileProblems tells which files of what a launch would send WhatsApp would not show, in any language.
func (s *Service) fileProblems(ctx context.Context, idb bun.IDB, field string, said *sayings) (list apperr.List, err error) {
	for _, w := range append([]template.Wording{said.own}, said.others...) {
		problems, err := s.templates.FileProblems(ctx, idb, said.versions[w.VersionID])
		if err != nil {
			return nil, err
		}
		for _, p := range problems {
			_ = list.Add(apperr.Invalid(field, "the template shows a file that is missing (%s): %s",
				template.LanguageName(w.Language), p.Message))
		}
	}
	return list, nil
}
