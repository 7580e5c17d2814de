package main

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"eventstream/server/auth"
	"eventstream/server/campaign"
	"eventstream/server/doubleoptin"
	"eventstream/server/gate"
	"eventstream/server/hours"
	"eventstream/server/link"
	"eventstream/server/retention"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what is found to the file that it is compared with")

// fieldsFile is also read by the test of the pages' words for these names (frontend/src/lib/trail.test.ts).
const fieldsFile = "audit/testdata/fields.txt"

// settings are what entries hold as it is; their fields are named as they are in JSON.
var settings = []any{
	auth.Security{},
	campaign.ApprovalRule{},
	campaign.Goal{},
	campaign.Recurrence{},
	campaign.Schedule{},
	campaign.Share{},
	campaign.Test{},
	gate.FrequencyCap{},
	hours.LocalMoment{},
	hours.QuietHours{},
	link.UTM{},
	doubleoptin.Settings{},
}

// tellers are the functions that tell what a thing is set to, wherever they stand.
var tellers = []string{"audited", "shelved", "told", "digest"}

// TestTheTrailsFieldsAreListed: a field that entries of the audit trail begin to have is found here, so that the pages
// get words for it. Found are the keys of the maps in all that writes entries.
func TestTheTrailsFieldsAreListed(t *testing.T) {
	t.Parallel()
	found := map[string]bool{"stop": true, "help": true, "joined": true} // of the answers to words, which are run through
	for _, s := range settings {
		for field := range reflect.TypeOf(s).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				name = field.Name
			}
			found[name] = true
		}
	}
	for _, kind := range retention.Kinds {
		found[string(kind)] = true
	}
	files := map[string][]*ast.File{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		files[filepath.Dir(path)] = append(files[filepath.Dir(path)], file)
		return err
	}))
	texts := constants(files)
	for dir, of := range files {
		for _, file := range of {
			audits := dir == "audit" || slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"eventstream/server/audit"` })
			for _, decl := range file.Decls {
				if f, is := decl.(*ast.FuncDecl); audits || is && slices.Contains(tellers, f.Name.Name) {
					ast.Inspect(decl, func(n ast.Node) bool {
						for _, key := range keysIn(n) {
							found[nameOf(key, dir, texts)] = true
						}
						return true
					})
				}
			}
		}
	}
	delete(found, "")
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	is := strings.Join(names, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(fieldsFile, []byte(is), 0o644))
	}
	was, err := os.ReadFile(fieldsFile)
	require.NoError(t, err)
	require.Equal(t, string(was), is, "go test ./server -run TestTheTrailsFieldsAreListed -update, then words in frontend/src/lib/trail.ts")
}

// constants are the texts of all constants, by the folder and their name.
func constants(files map[string][]*ast.File) map[string]string {
	texts := map[string]string{}
	for dir, of := range files {
		for _, file := range of {
			for _, decl := range file.Decls {
				group, is := decl.(*ast.GenDecl)
				if !is || group.Tok != token.CONST {
					continue
				}
				for _, spec := range group.Specs {
					named := spec.(*ast.ValueSpec)
					for i, value := range named.Values {
						texts[dir+"."+named.Names[i].Name] = nameOf(value, dir, nil)
					}
				}
			}
		}
	}
	return texts
}

// keysIn are the keys of a map of anything, where it is made or written to.
func keysIn(n ast.Node) (keys []ast.Expr) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if !isMapOfAny(n.Type) {
			return nil
		}
		for _, e := range n.Elts {
			if pair, is := e.(*ast.KeyValueExpr); is {
				keys = append(keys, pair.Key)
			}
		}
	case *ast.AssignStmt:
		for _, to := range n.Lhs {
			if at, is := to.(*ast.IndexExpr); is {
				keys = append(keys, at.Index)
			}
		}
	}
	return keys
}

func isMapOfAny(e ast.Expr) bool {
	m, is := e.(*ast.MapType)
	if !is {
		return false
	}
	key, _ := m.Key.(*ast.Ident)
	value, _ := m.Value.(*ast.Ident)
	return key != nil && value != nil && key.Name == "string" && value.Name == "any"
}

// nameOf is what a key says: nothing where only running tells, and of another's name its own without texts.
func nameOf(key ast.Expr, dir string, texts map[string]string) string {
	var at string
	switch key := key.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(key.Value)
		return text
	case *ast.Ident:
		at = dir + "." + key.Name
	case *ast.SelectorExpr:
		if from, is := key.X.(*ast.Ident); is {
			at = from.Name + "." + key.Sel.Name
		}
	}
	if text, is := texts[at]; is && texts[text] != "" {
		return texts[text] // a constant that is another's
	} else if is {
		return text
	}
	if texts == nil {
		return at
	}
	return ""
}
