package say

import (
	_ "embed" // the catalogues
	"fmt"
	"strconv"
	"strings"
	"sync"
)

var (
	//go:embed de.po
	german string
	//go:embed es.po
	spanish string
)

// Languages are those that the English of the sources is translated into.
var Languages = []string{"de", "es"}

type key struct{ context, format Format }

var catalogues = sync.OnceValue(func() map[string]map[key]Format {
	out := map[string]map[key]Format{}
	for language, po := range map[string]string{"de": german, "es": spanish} {
		entries, err := entriesOf(po)
		if err != nil {
			panic(language + ".po: " + err.Error()) // the file is part of the binary, and a test reads it
		}
		out[language] = map[key]Format{}
		for _, e := range entries {
			out[language][key{e.context, e.format}] = e.said
		}
	}
	return out
})

// translation is the format in the reader's language; itself where there is none.
func (r Reader) translation(context, format Format) Format {
	if said := catalogues()[r.Language][key{context, format}]; said != "" {
		return said
	}
	return format
}

type entry struct {
	from                  string // the file that says it first
	context, format, said Format
}

// entriesOf reads a file of gettext's format, as far as ours use it: a context, one text,
// its translation, each in one line.
func entriesOf(po string) ([]entry, error) {
	var out []entry
	for i, block := range strings.Split(po, "\n\n") {
		var e entry
		for line := range strings.Lines(block) {
			word, quoted, _ := strings.Cut(strings.TrimSpace(line), " ")
			if word == "#:" {
				e.from = quoted
				continue
			}
			into := map[string]*Format{"msgctxt": &e.context, "msgid": &e.format, "msgstr": &e.said}[word]
			if into == nil {
				continue
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %q: %w", i, line, err)
			}
			*into = Format(text)
		}
		if e.format != "" {
			out = append(out, e)
		}
	}
	return out, nil
}
