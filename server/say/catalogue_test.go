package say

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the catalogues anew, with what is said and no more")

const own = "eventstream/server/say"

// dataFiles are files of data within the binary that hold sentences, in these fields.
var (
	dataFiles  = []string{"server/hours/hours.json"}
	dataFields = []string{"about", "name", "source", "note"}
)

// found is a text of the sources.
type found struct {
	key
	file string
}

// said finds every constant of the type Format in the sources, by the compiler's own reading
// of them, and what is wrong with the calls that take one. Our packages are read from their
// sources, so that nothing has to be compiled for it.
func said(t *testing.T) (all []found, wrong []string) {
	t.Helper()
	files := token.NewFileSet()
	sources := sourceReader{own: map[string]*types.Package{}}
	var others []string
	type pkg struct {
		path, dir string
		files     []string
	}
	var ours []pkg
	for _, part := range list(t, "-deps", "-f", `{{.ImportPath}}|{{.Dir}}|{{join .GoFiles ","}}|{{.Standard}}`, "eventstream/...") {
		if part[2] == "" {
			continue // it has tests alone
		}
		if strings.HasPrefix(part[0], "eventstream/") {
			ours = append(ours, pkg{part[0], part[1], strings.Split(part[2], ",")}) // in the order of their imports
		} else if part[0] != "unsafe" {
			others = append(others, part[0])
		}
	}
	exports := map[string]string{}
	for _, part := range list(t, append([]string{"-export", "-f", `{{.ImportPath}}|{{.Export}}`}, others...)...) {
		exports[part[0]] = part[1]
	}
	sources.others = importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	seen := map[key]bool{}
	for _, p := range ours {
		var parsed []*ast.File
		for _, name := range p.files {
			f, err := parser.ParseFile(files, filepath.Join(p.dir, name), nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			parsed = append(parsed, f)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		checked, err := (&types.Config{Importer: sources}).Check(p.path, files, parsed, info)
		require.NoError(t, err)
		sources.own[p.path] = checked
		if strings.HasSuffix(p.path, "/generated") {
			continue
		}
		for i, f := range parsed {
			a := reading{info: info, files: files, name: strings.TrimPrefix(p.path, "eventstream/") + "/" + p.files[i], seen: seen}
			ast.Inspect(f, a.node)
			if all = append(all, a.all...); p.path != own { // which makes texts of formats
				wrong = append(wrong, a.wrong...)
			}
		}
	}
	for _, file := range dataFiles {
		a := reading{name: file, seen: seen}
		raw, err := os.ReadFile(filepath.Join("../..", file))
		require.NoError(t, err)
		var data any
		require.NoError(t, json.Unmarshal(raw, &data))
		a.data(data)
		all = append(all, a.all...)
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.file, b.file) })
	return all, wrong
}

func list(t *testing.T, args ...string) (lines [][]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	var noise bytes.Buffer
	cmd.Stderr = &noise
	out, err := cmd.Output()
	require.NoError(t, err, noise.String())
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Split(strings.TrimSpace(line), "|"))
	}
	return lines
}

// sourceReader imports our packages as they were read, and others as they were compiled.
type sourceReader struct {
	own    map[string]*types.Package
	others types.Importer
}

func (r sourceReader) Import(path string) (*types.Package, error) {
	if p := r.own[path]; p != nil {
		return p, nil
	}
	return r.others.Import(path)
}

type reading struct {
	info  *types.Info
	files *token.FileSet
	name  string
	seen  map[key]bool
	all   []found
	wrong []string
}

func isFormat(t types.Type) bool { return t != nil && t.String() == own+".Format" }

func (a *reading) node(n ast.Node) bool {
	expr, ok := n.(ast.Expr)
	if !ok {
		return true
	}
	if call, ok := expr.(*ast.CallExpr); ok {
		return a.call(call)
	}
	v := a.info.Types[expr]
	if !isFormat(v.Type) || v.Value == nil {
		return true
	}
	a.add(key{format: Format(constant.StringVal(v.Value))})
	return false // a concatenation is one text
}

// data finds the texts of a file of data.
func (a *reading) data(value any) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			a.data(one)
		}
	case map[string]any:
		for _, field := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[field].(string); ok && slices.Contains(dataFields, field) {
				a.add(key{format: Format(text)})
			} else {
				a.data(v[field])
			}
		}
	}
}

func (a *reading) add(k key) {
	if strings.ContainsFunc(verb.ReplaceAllString(string(k.format), ""), unicode.IsLetter) && !a.seen[k] {
		a.seen[k] = true
		a.all = append(a.all, found{k, a.name})
	}
}

// call looks whether a call with a format gives a value for each of its verbs, and refuses
// what makes a format of a text that is no constant.
func (a *reading) call(call *ast.CallExpr) bool {
	at := a.files.Position(call.Pos())
	if made := a.info.Types[call.Fun]; made.IsType() {
		if isFormat(made.Type) && a.info.Types[call].Value == nil {
			a.wrong = append(a.wrong, fmt.Sprintf("%s:%d makes a format of what is no constant", a.name, at.Line))
		}
		return true
	}
	takes, ok := a.info.Types[call.Fun].Type.(*types.Signature)
	if !ok {
		return true
	}
	if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Of" && takes.Params().Len() == 2 && isFormat(takes.Params().At(0).Type()) {
		if of, word := a.info.Types[call.Args[0]].Value, a.info.Types[call.Args[1]].Value; of != nil && word != nil {
			a.add(key{Format(constant.StringVal(of)), Format(constant.StringVal(word))})
		}
		return false
	}
	last := takes.Params().Len() - 1
	if !takes.Variadic() || last < 1 || !isFormat(takes.Params().At(last-1).Type()) || call.Ellipsis.IsValid() || len(call.Args) < last {
		return true
	}
	format := a.info.Types[call.Args[last-1]].Value
	if format == nil {
		return true
	}
	if verbs := verbsOf(Format(constant.StringVal(format))); len(verbs) != len(call.Args)-last {
		a.wrong = append(a.wrong, fmt.Sprintf("%s:%d gives %d values to %d verbs", a.name, at.Line, len(call.Args)-last, len(verbs)))
	}
	return true
}

func verbsOf(f Format) []string {
	return verb.FindAllString(strings.ReplaceAll(string(f), "%%", ""), -1)
}

var source = sync.OnceValue(func() func(*testing.T) ([]found, []string) {
	var once sync.Once
	var all []found
	var wrong []string
	return func(t *testing.T) ([]found, []string) {
		t.Helper()
		once.Do(func() { all, wrong = said(t) })
		return all, wrong
	}
})

func readCatalogue(t *testing.T, language string) []entry {
	t.Helper()
	raw, err := os.ReadFile(language + ".po")
	require.NoError(t, err)
	entries, err := entriesOf(string(raw))
	require.NoError(t, err)
	return entries
}

func TestEverythingThatIsSaidStandsInTheCatalogues(t *testing.T) {
	t.Parallel()
	all, wrong := source()(t)
	require.Greater(t, len(all), 500)
	require.Empty(t, wrong)
	for _, language := range Languages {
		known := map[key]Format{}
		for _, e := range readCatalogue(t, language) {
			known[key{e.context, e.format}] = e.said
		}
		if *update {
			write(t, language, all, known)
			continue
		}
		var missing []string
		for _, f := range all {
			if known[f.key] == "" {
				missing = append(missing, f.file+": "+string(f.format))
			}
		}
		require.Empty(t, missing, "go test ./server/say -update, then translate what is empty in server/say/%s.po", language)
		require.Len(t, known, len(all), "-update leaves out what is no longer said")
	}
}

// What is counted may be one, so that it has two forms, in every language.
func TestWhatIsCountedHasBothForms(t *testing.T) {
	t.Parallel()
	counted := regexp.MustCompile(`%(?:\[\d+\])?d (?:or more )?(?:\w+ )?(?:addresses|bytes|campaigns|connections|contacts|conversations|days|entries|files|` +
		`hours|messages|minutes|people|questions|reads|recipients|rows|runs|seconds|senders|templates|times|uploads|years)\b`)
	// Of which there are always several: limits, and what is said only from two on.
	several := []string{
		"at most %d", "at least %d", "more than %d", "1 to %d", "%d to %d", "%d more", "is larger than", "are too many", "in %d years",
		"none of the campaign's %d senders", "%d or more", "of the first %d rows", "the first %d rows", "the last %d days", "%d of %d connections",
		"Postgres allows %d connections", "%d of their %d reads", "%d of %d reads", "fewer than %d messages", "the library is full (%d files",
		"is out of range", "nor %d", "%d digits", "minutes, which are seven days",
	}
	all, _ := source()(t)
	var bare []string
	for _, f := range all {
		text := string(f.format)
		if !forms.MatchString(text) {
			of := slices.ContainsFunc(several, func(s string) bool { return strings.Contains(text, s) })
			if counted.MatchString(text) && !of {
				bare = append(bare, f.file+": "+text)
			}
		}
	}
	require.Empty(t, bare, `write both forms, as in "%d <row was|rows were> read"`)
	for _, language := range Languages {
		for _, e := range readCatalogue(t, language) {
			require.Equal(t, forms.MatchString(string(e.format)), forms.MatchString(string(e.said)),
				"%s: %q has forms for one and for several where the English has: %q", language, e.format, e.said)
		}
	}
}

func write(t *testing.T, language string, all []found, known map[key]Format) {
	t.Helper()
	var b strings.Builder
	b.WriteString("msgid \"\"\nmsgstr \"\"\n\"Language: " + language + "\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n")
	for _, f := range all {
		fmt.Fprintf(&b, "\n#: %s\n", f.file)
		if f.context != "" {
			fmt.Fprintf(&b, "msgctxt %s\n", quote(f.context))
		}
		fmt.Fprintf(&b, "msgid %s\nmsgstr %s\n", quote(f.format), quote(known[f.key]))
	}
	require.NoError(t, os.WriteFile(language+".po", []byte(b.String()), 0o600))
}

func quote(f Format) string { return strings.ReplaceAll(strconv.Quote(string(f)), `\u00a0`, " ") }

// Values may be named in another order, by %[2]s, but each of them once and in the same way.
func TestTranslationsSayTheSameValues(t *testing.T) {
	t.Parallel()
	for _, language := range Languages {
		for _, e := range readCatalogue(t, language) {
			if e.said == "" {
				continue
			}
			want, got := verbsOf(e.format), make([]string, 0, 4)
			places := verbsOf(e.said)
			for i, v := range places {
				if of, rest, found := strings.Cut(strings.TrimPrefix(v, "%["), "]"); found {
					n, err := strconv.Atoi(of)
					require.NoError(t, err)
					i, v = n-1, "%"+rest
				}
				for len(got) <= i {
					got = append(got, "")
				}
				got[i] = v
			}
			require.Equal(t, strings.Join(want, " "), strings.Join(got, " "), "%s: %q, %q", language, e.format, e.said)
		}
	}
}
