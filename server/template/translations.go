package template

import (
	"context"
	"strings"

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

// spoken is a locale in the way that languages are compared: pt-BR is pt_br.
func spoken(locale string) string { return strings.ReplaceAll(strings.ToLower(locale), "-", "_") }

// family is the language without its country: pt.
func family(locale string) string {
	language, _, _ := strings.Cut(spoken(locale), "_")
	return language
}

// Choose gives the wording for somebody: the one in exactly their language, else one of another country that speaks it,
// else own. The own wording counts first among equals.
func Choose(own Wording, others []Wording, locale string) Wording {
	if locale == "" || spoken(own.Language) == spoken(locale) {
		return own
	}
	for _, w := range others {
		if spoken(w.Language) == spoken(locale) {
			return w
		}
	}
	if family(own.Language) == family(locale) {
		return own
	}
	for _, w := range others {
		if family(w.Language) == family(locale) {
			return w
		}
	}
	return own
}

// ChooseSQL is Choose over contacts c: it gives the id of the version.
func ChooseSQL(own Wording, others []Wording) (sql string, args []any) {
	if len(others) == 0 {
		return "?::bigint", []any{own.VersionID}
	}
	const locale = "replace(lower(c.locale), '-', '_')"
	sql = "CASE"
	when := func(condition, value string, version int64) {
		sql += " WHEN " + condition + " THEN ?::bigint"
		args = append(args, value, version)
	}
	when(locale+" IN ('', ?)", spoken(own.Language), own.VersionID)
	for _, w := range others {
		when(locale+" = ?", spoken(w.Language), w.VersionID)
	}
	when("split_part("+locale+", '_', 1) = ?", family(own.Language), own.VersionID)
	for _, w := range others {
		when("split_part("+locale+", '_', 1) = ?", family(w.Language), w.VersionID)
	}
	return sql + " ELSE ?::bigint END", append(args, own.VersionID)
}
