package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Inside a transaction only the transaction is used. Whoever takes a second
// connection there waits for the pool while holding one of its connections: as
// many at once as the pool has, and the process stands still for good.
//
// The test reads the types of every package. A function uses a connection when
// it calls something on a database handle, hands one to a call, or calls such a
// function; through interfaces, any method of that name and shape counts. It is
// wrong in a function that takes a transaction and in one that runs in one.
func TestOnlyTheTransactionIsUsedInsideATransaction(t *testing.T) {
	t.Parallel()
	code := load(t, "eventstream/server/...", "eventstream/worker/...", "eventstream/graph/...")
	for _, found := range code.secondConnections() {
		t.Error(found)
	}
}

// The test before can fail: each way of taking a second connection is found, and
// what is right is not.
func TestASecondConnectionIsFound(t *testing.T) {
	t.Parallel()
	const src = `package p
import (
	"context"
	"eventstream/server/db"
	"github.com/uptrace/bun"
)
type keeper interface{ Keep(ctx context.Context) error }
type service struct{ db *db.DB; other *service; k keeper }
func read(ctx context.Context, idb bun.IDB) error { return nil }
func (s *service) Keep(ctx context.Context) error { return read(ctx, s.db) }
func (s *service) indirect(ctx context.Context) error { return s.Keep(ctx) }
func (s *service) deep(ctx context.Context) error { return s.indirect(ctx) }
func (s *service) right(ctx context.Context) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error { return read(ctx, tx) })
}
func (s *service) closure(ctx context.Context) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return read(ctx, s.db) // WRONG
	})
}
func (s *service) called(ctx context.Context, tx bun.Tx) error {
	return s.deep(ctx) // WRONG
}
func (s *service) nested(ctx context.Context, tx bun.Tx) error {
	return s.right(ctx) // WRONG
}
func (s *service) through(ctx context.Context, tx bun.Tx) error {
	return s.k.Keep(ctx) // WRONG
}
func (s *service) value(ctx context.Context, tx bun.Tx) error {
	handle := s.other.db
	_, err := handle.NewRaw("SELECT 1").Exec(ctx) // WRONG
	return err
}
func (s *service) pool(ctx context.Context, tx bun.Tx) error {
	return s.db.Pool.Ping(ctx) // WRONG
}
func (s *service) each(ctx context.Context, tx bun.Tx) error {
	for range 3 {
		func() {
			_ = s.indirect(ctx) // WRONG
		}()
	}
	return nil
}
type reader struct{ from bun.IDB }
func (s *service) kept(ctx context.Context, tx bun.Tx) error {
	r := &reader{from: s.db} // WRONG
	return read(ctx, r.from)
}
func (s *service) background(ctx context.Context, tx bun.Tx) error {
	go func() { _ = s.deep(ctx) }()
	return read(ctx, tx)
}
`
	code := load(t, "eventstream/server/db")
	code.add(t, "p", map[string][]byte{"p.go": []byte(src)})
	var want []string
	for i, line := range strings.Split(src, "\n") {
		if strings.Contains(line, "// WRONG") {
			want = append(want, fmt.Sprintf("p.go:%d", i+1))
		}
	}
	var got []string
	for _, found := range code.secondConnections() {
		place, _, _ := strings.Cut(found, ": ")
		got = append(got, place)
	}
	require.ElementsMatch(t, want, got)
}

// program is type-checked source.
type program struct {
	root    string
	fset    *token.FileSet
	imports types.Importer
	bodies  []body
	uses    map[string]bool     // functions that take a connection, by full name
	methods map[string][]string // concrete methods by name and signature
}

// body is a function of the source.
type body struct {
	name string // full name
	info *types.Info
	node ast.Node // FuncDecl's or FuncLit's body
	tx   bool     // it runs in a transaction of its caller
}

func load(t *testing.T, patterns ...string) *program {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	cmd := exec.Command("go", append([]string{
		"list", "-export", "-deps",
		"-json=ImportPath,Export,Dir,GoFiles,DepOnly",
	}, patterns...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	raw, err := cmd.Output()
	require.NoError(t, err)
	p := &program{root: root, fset: token.NewFileSet(), uses: map[string]bool{}, methods: map[string][]string{}}
	type listed struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
		DepOnly                 bool
	}
	exports := map[string]string{}
	var own []listed
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		exports[l.ImportPath] = l.Export
		if !l.DepOnly && !strings.HasPrefix(l.ImportPath, "eventstream/graph/") {
			own = append(own, l)
		}
	}
	p.imports = importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser,
		error,
	) {
		return os.Open(exports[path])
	})
	for _, l := range own {
		files := map[string][]byte{}
		for _, name := range l.GoFiles {
			path := filepath.Join(l.Dir, name)
			if files[path], err = os.ReadFile(path); err != nil { // read here, so that a change is no hit in the test cache
				require.NoError(t, err)
			}
		}
		p.add(t, l.ImportPath, files)
	}
	return p
}

func (p *program) add(t *testing.T, path string, files map[string][]byte) {
	t.Helper()
	var parsed []*ast.File
	for name, src := range files {
		f, err := parser.ParseFile(p.fset, name, src, parser.SkipObjectResolution)
		require.NoError(t, err)
		parsed = append(parsed, f)
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	_, err := (&types.Config{Importer: p.imports}).Check(path, p.fset, parsed, info)
	require.NoError(t, err)
	for _, f := range parsed {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			obj := info.Defs[fn.Name].(*types.Func)
			sig := obj.Type().(*types.Signature)
			p.bodies = append(p.bodies, body{obj.FullName(), info, fn.Body, inTransaction(sig)})
			if sig.Recv() != nil {
				p.methods[shape(obj)] = append(p.methods[shape(obj)], obj.FullName())
			}
		}
	}
}

// shape is a method without its receiver.
func shape(f *types.Func) string {
	sig := f.Type().(*types.Signature)
	return f.Name() + types.TypeString(types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(),
		sig.Variadic()), nil)
}

func inTransaction(sig *types.Signature) bool {
	for i := range sig.Params().Len() {
		if strings.HasSuffix(types.TypeString(sig.Params().At(i).Type(), nil), "uptrace/bun.Tx") {
			return true
		}
	}
	return false
}

// handle reports whether e is a database handle, from which a connection is taken.
func handle(info *types.Info, e ast.Expr) bool {
	tv, ok := info.Types[e]
	if !ok || !tv.IsValue() {
		return false
	}
	switch types.TypeString(tv.Type, nil) {
	case "*eventstream/server/db.DB", "*github.com/uptrace/bun.DB", "*github.com/jackc/pgx/v5/pgxpool.Pool",
		"*database/sql.DB":
		return true
	}
	return false
}

// secondConnections finds all places.
func (p *program) secondConnections() (found []string) {
	for changed := true; changed; { // until nothing more calls what takes a connection
		changed = false
		for _, b := range p.bodies {
			if b.tx || p.uses[b.name] {
				continue
			}
			p.walk(b, b.node, func(token.Pos, string) {
				if !p.uses[b.name] {
					p.uses[b.name], changed = true, true
				}
			}, nil)
		}
	}
	report := func(pos token.Pos, what string) {
		at := p.fset.Position(pos)
		name := at.Filename
		if rel, err := filepath.Rel(p.root, name); err == nil && filepath.IsAbs(name) {
			name = rel
		}
		found = append(found, fmt.Sprintf("%s:%d: %s inside a transaction takes a second connection", name, at.Line, what))
	}
	for _, b := range p.bodies {
		if b.tx {
			p.walk(b, b.node, report, report)
		} else {
			p.walk(b, b.node, func(token.Pos, string) {}, report)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// walk tells outside of each use of a connection in a body, and inside of each
// in the function literals there that take a transaction.
func (p *program) walk(b body, node ast.Node, outside, inside func(token.Pos, string)) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.GoStmt: // runs beside the transaction
			return false
		case *ast.FuncLit:
			if sig, ok := b.info.Types[x].Type.(*types.Signature); ok && inTransaction(sig) {
				if inside != nil {
					p.walk(b, x.Body, inside, inside)
				}
				return false
			}
		case *ast.CompositeLit: // kept for later, as if it were the transaction
			for _, e := range x.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					e = kv.Value
				}
				if handle(b.info, e) {
					outside(e.Pos(), types.ExprString(e))
				}
			}
		case *ast.CallExpr:
			if what := p.connection(b.info, x); what != "" {
				outside(x.Pos(), what)
			}
		}
		return true
	})
}

// connection says what in a call takes a connection; "" if nothing does.
func (p *program) connection(info *types.Info, call *ast.CallExpr) string {
	callee := calleeOf(info, call)
	if callee != nil && strings.HasPrefix(callee.Name(), "New") && callee.Type().(*types.Signature).Recv() == nil {
		return "" // keeps the handle for later
	}
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok && handle(info, sel.X) {
		return types.ExprString(sel)
	}
	for _, arg := range call.Args {
		if handle(info, arg) {
			return types.ExprString(arg)
		}
	}
	if callee == nil {
		return ""
	}
	names := []string{callee.FullName()}
	if recv := callee.Type().(*types.Signature).Recv(); recv != nil && types.IsInterface(recv.Type()) {
		names = p.methods[shape(callee)]
	}
	for _, name := range names {
		if p.uses[name] {
			return types.ExprString(call.Fun)
		}
	}
	return ""
}

func calleeOf(info *types.Info, call *ast.CallExpr) *types.Func {
	fun := ast.Unparen(call.Fun)
	if index, ok := fun.(*ast.IndexExpr); ok { // an instance of a generic function
		fun = index.X
	}
	var id *ast.Ident
	switch x := fun.(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return nil
	}
	f, _ := info.Uses[id].(*types.Func)
	if f == nil {
		return nil
	}
	return f.Origin()
}
