package template

import (
	"context"

	"eventstream/server/locale"

	"github.com/uptrace/bun"
)

// Templates of one name in several languages are translations of each other: a campaign with one of them writes to each
// contact in theirs, where WhatsApp has approved that, and else in its own.

// Translations gives the templates of the same name in other languages, with their texts, the oldest first.
func Translations(ctx context.Context, idb bun.IDB, templateID int64) ([]Text, error) {
	found, err := translationsOf(ctx, idb, []int64{templateID})
	return found[templateID], err
}

// TranslationsOf gives the translations of each template.
func (s *Service) TranslationsOf(ctx context.Context, ids []int64) (map[int64][]Text, error) {
	return translationsOf(ctx, s.db, ids)
}

func translationsOf(ctx context.Context, idb bun.IDB, ids []int64) (map[int64][]Text, error) {
	pairs, err := sameName(ctx, idb, ids)
	if err != nil || len(pairs) == 0 {
		return map[int64][]Text{}, err
	}
	others := make([]int64, len(pairs))
	for i, p := range pairs {
		others[i] = p.Other
	}
	texts, err := Newest(ctx, idb, others)
	if err != nil {
		return nil, err
	}
	found := map[int64][]Text{}
	for _, p := range pairs {
		if text, ok := texts[p.Other]; ok && text.Newest != nil {
			found[p.ID] = append(found[p.ID], text)
		}
	}
	return found, nil
}

// Wording is one language of what a campaign says.
type Wording struct {
	Language  string // as WhatsApp writes it
	VersionID int64
}

// Choose gives the wording for somebody: the one in exactly their language, else one of another country that speaks it,
// else own. The own wording counts first among equals. Chinese is two languages here, by how it is written.
func Choose(own Wording, others []Wording, of string) Wording {
	theirs := locale.Parse(of)
	if theirs == (locale.Locale{}) {
		return own
	}
	all := append([]Wording{own}, others...)
	for _, same := range []func(locale.Locale) string{locale.Locale.Exact, locale.Locale.Readers} {
		for _, w := range all {
			if text := same(theirs); text != "" && same(locale.Parse(w.Language)) == text {
				return w
			}
		}
	}
	return own
}

// ChooseSQL is Choose over contacts c: it gives the id of the version.
func ChooseSQL(own Wording, others []Wording) (sql string, args []any) {
	if len(others) == 0 {
		return "?::bigint", []any{own.VersionID}
	}
	sql = "CASE WHEN c.locale = '' THEN ?::bigint ELSE (SELECT CASE WHEN l.readers = '' THEN ?::bigint"
	args = append(args, own.VersionID, own.VersionID)
	all := append([]Wording{own}, others...)
	when := func(column string, text string, version int64) {
		sql += " WHEN l." + column + " = ? THEN ?::bigint"
		args = append(args, text, version)
	}
	for _, w := range all {
		when("exact", locale.Parse(w.Language).Exact(), w.VersionID)
	}
	for _, w := range all {
		when("readers", locale.Parse(w.Language).Readers(), w.VersionID)
	}
	return sql + " ELSE ?::bigint END FROM " + locale.SQL("c.locale") + " l) END", append(args, own.VersionID)
}
