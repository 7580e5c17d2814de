package graph

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"eventstream/graph/model"
	"eventstream/server/actor"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
)

var update = flag.Bool("update", false, "write the matrix of roles into docs/security.md")

const (
	securityDoc = "../docs/security.md"
	matrixBegin = "<!-- roles: made by go test ./graph -run Matrix -update -->"
	matrixEnd   = "<!-- end of roles -->"
)

// rule is who may call a root field.
type rule struct {
	public, people, recent, setup bool
	role                          actor.Role
	scope                         string
}

func ruleOf(f *ast.FieldDefinition) rule {
	d := f.Directives.ForName("hasRole")
	if d == nil {
		return rule{public: true}
	}
	arg := func(name string) string {
		if a := d.Arguments.ForName(name); a != nil {
			return a.Value.Raw
		}
		return d.Definition.Arguments.ForName(name).DefaultValue.Raw
	}
	scope := arg("scope")
	return rule{
		people: scope == "null", recent: arg("recent") == "true", setup: arg("setup") == "true",
		role: roleOf(d), scope: scope,
	}
}

// allows reports whether somebody with the role may call the field; a token with
// the role, and with all scopes.
func (r rule) allows(role actor.Role) bool { return r.public || role.Includes(r.role) }

func matrix(s *ast.Schema) string {
	var b strings.Builder
	b.WriteString("| operation | signed out | viewer | marketer | admin | scope of a token | |\n" +
		"|---|---|---|---|---|---|---|\n")
	yes := func(ok bool) string {
		if ok {
			return "yes"
		}
		return "–"
	}
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		fields := slices.Clone(root.Fields)
		slices.SortFunc(fields, func(a, b *ast.FieldDefinition) int { return strings.Compare(a.Name, b.Name) })
		for _, f := range fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			r := ruleOf(f)
			scope, notes := "`"+r.scope+"`", []string{}
			switch {
			case r.public:
				scope = "any"
			case r.people:
				scope = "people only"
			}
			if r.recent {
				notes = append(notes, "confirmed within the hour")
			}
			if r.setup {
				notes = append(notes, "also before a second factor is set up")
			}
			fmt.Fprintf(&b, "| %s `%s` | %s | %s | %s | %s | %s | %s |\n", strings.ToLower(root.Name), f.Name, yes(r.public),
				yes(r.allows(actor.RoleViewer)), yes(r.allows(actor.RoleMarketer)), yes(r.allows(actor.RoleAdmin)), scope,
				strings.Join(notes, "; "))
		}
	}
	return b.String()
}

// TestTheMatrixOfRolesIsCurrent: what docs/security.md says is what the schema
// does.
func TestTheMatrixOfRolesIsCurrent(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(securityDoc)
	require.NoError(t, err)
	doc := string(raw)
	begin, end := strings.Index(doc, matrixBegin), strings.Index(doc, matrixEnd)
	require.Positive(t, begin)
	require.Greater(t, end, begin)
	current := doc[:begin] + matrixBegin + "\n\n" + matrix(schema(t)) + "\n" + doc[end:]
	if *update {
		require.NoError(t, os.WriteFile(securityDoc, []byte(current), 0o600))
		return
	}
	require.Equal(t, current, doc, "run: go test ./graph -run Matrix -update")
}

// TestTheDirectiveKeepsTheMatrix tries every operation as every role, and with a
// token of every role and every single scope.
func TestTheDirectiveKeepsTheMatrix(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		for _, f := range root.Fields {
			r := ruleOf(f)
			if r.public || strings.HasPrefix(f.Name, "__") {
				continue
			}
			var scope *model.Scope
			if !r.people {
				v := model.Scope(r.scope)
				scope = &v
			}
			may := func(a actor.Actor) bool {
				done := false
				_, err := hasRole(actor.With(t.Context(), a), nil, func(context.Context) (any, error) {
					done = true
					return nil, nil //nolint:nilnil // it was called, and that is all
				}, upper[model.Role](r.role), scope, r.recent, r.setup)
				require.Equal(t, err == nil, done)
				return done
			}
			require.False(t, may(actor.Actor{}), "%s signed out", f.Name)
			for _, role := range []actor.Role{actor.RoleViewer, actor.RoleMarketer, actor.RoleAdmin} {
				person := actor.Actor{Kind: actor.KindOperator, ID: 1, Role: role}
				recent, lacking := person, person
				recent.Recent = true
				lacking.Recent, lacking.Lacking = true, true
				allowed := r.allows(role)
				require.Equal(t, allowed, may(recent), "%s as %s", f.Name, role)
				require.Equal(t, allowed && !r.recent, may(person), "%s as %s who signed in long ago", f.Name, role)
				require.Equal(t, r.setup, may(lacking), "%s as %s without the second factor", f.Name, role)
				for _, name := range actor.AllScopes.Names() {
					one, err := actor.ScopesOf([]string{name})
					require.NoError(t, err)
					token := actor.Actor{Kind: actor.KindAPIToken, ID: 1, Owner: 1, Role: role, Scopes: one}
					require.Equal(t, allowed && !r.people && strings.EqualFold(name, r.scope), may(token),
						"%s with a token of role %s and scope %s", f.Name, role, name)
				}
			}
		}
	}
}
