// Package locale reads how files, shops and phones write which language somebody speaks:
// "pt-BR", "pt_br", "zh-Hant-TW", "de_DE.UTF-8", "iw". It reads them in the same way in Go and
// in SQL, where an audience of a million is asked.
package locale

import (
	"slices"
	"strings"
)

// Locale is a language as BCP 47 parts it. The zero Locale is of a text that names none.
type Locale struct {
	Language string // lower case, by its present code: he, not iw
	Script   string // lower case, such as hant; mostly empty
	Region   string // lower case or three digits; may be empty
}

// present are codes by what replaced them, in ISO 639 and in WhatsApp's list of languages, where
// Norwegian is Bokmål.
var present = [][2]string{{"in", "id"}, {"iw", "he"}, {"ji", "yi"}, {"mo", "ro"}, {"nn", "nb"}, {"no", "nb"}, {"tl", "fil"}}

// traditional are the regions that write Chinese in traditional characters.
var traditional = []string{"hk", "mo", "tw"}

// Parse reads a locale: what stands between - or _, up to the first . or @, by its length. A language
// has two or three signs, a script four, a region two or three.
func Parse(text string) Locale {
	text = strings.ReplaceAll(strings.ToLower(text), "-", "_")
	text, _, _ = strings.Cut(text, ".")
	text, _, _ = strings.Cut(text, "@")
	part := append(strings.Split(text, "_"), "", "")
	l := Locale{Language: part[0]}
	if len(l.Language) < 2 || len(l.Language) > 3 {
		return Locale{}
	}
	region := part[1]
	if len(region) == 4 {
		l.Script, region = region, part[2]
	}
	if len(region) == 2 || len(region) == 3 {
		l.Region = region
	}
	for _, p := range present {
		if p[0] == l.Language {
			l.Language = p[1]
		}
	}
	return l
}

// Readers are those who read the same text: of a language, and of Chinese of one of its two
// ways of writing, zh_hans and zh_hant.
func (l Locale) Readers() string {
	switch {
	case l.Language != "zh":
		return l.Language
	case l.Script == "hant", l.Script == "" && slices.Contains(traditional, l.Region):
		return "zh_hant"
	}
	return "zh_hans"
}

// Exact is the language with its region, as WhatsApp writes it, in lower case: pt_br. It is
// empty where the script is not the region's, as with zh_Hans_HK: that region's text cannot
// be read there.
func (l Locale) Exact() string {
	if l.Language == "zh" && l.Script != "" && l.Readers() != (Locale{Language: "zh", Region: l.Region}).Readers() {
		return ""
	}
	if l.Region == "" {
		return l.Language
	}
	return l.Language + "_" + l.Region
}

// SQL is a table of one row with the columns exact and readers, which are what Exact and Readers
// give of a column's text. It is asked for each row of an audience: OFFSET 0 keeps Postgres from
// working a part out anew wherever it is named, and regular expressions cost ten times as much.
func SQL(column string) string {
	text := "split_part(split_part(replace(lower(" + column + "), '-', '_'), '.', 1), '@', 1)"
	language := "CASE a"
	for _, p := range present {
		language += " WHEN '" + p[0] + "' THEN '" + p[1] + "'"
	}
	language += " ELSE a END"
	hant := "('" + strings.Join(traditional, "', '") + "')"
	return `(SELECT CASE WHEN language <> 'zh' THEN language
			WHEN script = 'hant' OR script = '' AND region IN ` + hant + ` THEN 'zh_hant' ELSE 'zh_hans' END AS readers,
		CASE WHEN language = '' OR language = 'zh' AND script <> '' AND (script = 'hant') <> (region IN ` + hant + `) THEN ''
			WHEN region = '' THEN language ELSE language || '_' || region END AS exact
		FROM (SELECT ` + language + ` AS language, CASE WHEN octet_length(b) = 4 THEN b ELSE '' END AS script,
				CASE WHEN octet_length(b) IN (2, 3) THEN b
					WHEN octet_length(b) = 4 AND octet_length(c) IN (2, 3) THEN c ELSE '' END AS region
			FROM (SELECT CASE WHEN octet_length(split_part(text, '_', 1)) IN (2, 3) THEN split_part(text, '_', 1) ELSE '' END AS a,
					split_part(text, '_', 2) AS b, split_part(text, '_', 3) AS c FROM (SELECT ` + text + ` AS text OFFSET 0) t OFFSET 0) p
			OFFSET 0) l)`
}
