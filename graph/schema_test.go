package graph

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"eventstream/server/actor"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func schema(t *testing.T) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: SDL()})
	require.NoError(t, err)
	return s
}

// TestEveryRootFieldSaysWhoMayCallIt walks the schema: a root field without a
// rule would be open to anybody.
func TestEveryRootFieldSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	s := schema(t)
	open := map[string]bool{
		"Query.viewer": true, "Query.setup": true, "Mutation.setupAdmin": true,
		"Mutation.signIn": true, "Mutation.signOut": true,
		"Query.passwordLink": true, "Mutation.passwordSet": true, "Query.account": true, "Mutation.signInCode": true,
		"Mutation.passkeySignInBegin": true, "Mutation.passkeySignIn": true, "Mutation.passwordResetRequest": true,
	}
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		for _, f := range root.Fields {
			if len(f.Name) > 1 && f.Name[:2] == "__" {
				continue
			}
			name := root.Name + "." + f.Name
			role, public := f.Directives.ForName("hasRole"), f.Directives.ForName("public")
			require.True(t, (role != nil) != (public != nil), "%s has @hasRole or @public, and not both", name)
			require.Equal(t, open[name], public != nil, "%s: what is public stands in this test's list", name)
		}
	}
}

// TestTheContractIsKept: outside clients call these names.
func TestTheContractIsKept(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for root, names := range map[*ast.Definition][]string{
		s.Query: {
			"viewer", "node", "contacts", "contact", "contactCount", "attributeKeys", "segments", "segmentPreview",
			"templates", "templatePreview", "senders", "campaigns",
			"campaignPreflight", "messages", "conversations", "consentEvents", "suppressions", "topics", "imports",
			"webhookEvents", "auditEntries", "auditVerification", "dashboard", "errorReport", "systemHealth", "operators",
			"apiTokens", "settings", "sessions", "search", "rateCard",
		},
		s.Mutation: {
			"signIn", "signOut", "operatorInvite", "operatorDeactivate", "apiTokenCreate", "apiTokenRevoke", "contactCreate",
			"contactUpdate", "contactConsentSet", "contactImport", "operatorUpdate", "operatorReactivate",
			"passwordChange", "accountUpdate", "sessionRevoke",
			"totpEnable", "totpDisable", "passkeyRegister",
			"contactImportCancel", "segmentCreate", "segmentUpdate", "segmentDelete", "templateCreate", "templateUpdate",
			"templateDelete", "templateTestSend", "templateSync",
			"senderCreate", "senderUpdate", "senderPause", "senderResume", "campaignCreate", "campaignUpdate",
			"campaignLaunch", "campaignPause", "campaignResume", "campaignCancel",
			"campaignDuplicate", "campaignDelete", "campaignSchedule", "campaignTestSend", "settingsUpdate",
			"webhookEventReplay", "sandboxInboundSend", "sandboxSettingsUpdate", "sandboxSeed",
			"conversationReply", "conversationAssign", "conversationMarkRead", "conversationClose", "suppressionAdd",
			"suppressionRemove", "contactErase", "contactExport", "contactMerge",
			"topicCreate", "topicUpdate", "topicDelete", "contactTopicSet", "contactTopicRecord", "attributeUpdate", "rateCardUpdate",
			"mediaUpload",
		},
		s.Subscription: {
			"campaignProgress", "importProgress", "deliveryEvents", "inboundMessages", "conversationUpdated",
			"dashboardUpdated", "systemHealthChanged",
		},
		s.Types["Campaign"]: {"variants", "holdoutPercent", "links", "price", "budget", "goals"},
	} {
		for _, n := range names {
			require.NotNil(t, root.Fields.ForName(n), "%s.%s", root.Name, n)
		}
	}
	for _, f := range s.Mutation.Fields {
		payload := s.Types[f.Type.Name()]
		require.NotNil(t, payload.Fields.ForName("userErrors"), "%s gives userErrors", f.Name)
	}
}

// TestEveryRootFieldSaysWhatATokenNeeds: what a mutation changes has a scope of
// its own, or is for people only; reading takes READ, or is for people only.
func TestEveryRootFieldSaysWhatATokenNeeds(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		for _, f := range root.Fields {
			role := f.Directives.ForName("hasRole")
			if role == nil {
				continue
			}
			arg := role.Arguments.ForName("scope")
			if root != s.Mutation {
				require.True(t, arg == nil || arg.Value.Raw == "null", "%s.%s: reading takes READ, or is for people",
					root.Name, f.Name)
				continue
			}
			require.NotNil(t, arg, "%s names the scope that it takes, or null", f.Name)
			require.NotEqual(t, "READ", arg.Value.Raw, "%s changes something", f.Name)
		}
	}
	require.Equal(t, actor.AllScopes.Names(), mapped(s.Types["Scope"].EnumValues, func(v *ast.EnumValueDefinition) string {
		return strings.ToLower(v.Name)
	}), "the SDL and the code know the same scopes")
}

// TestEveryNodeHasItsRole: a type cannot be had by its id by anybody who may not
// list it, and no type is forgotten.
func TestEveryNodeHasItsRole(t *testing.T) {
	t.Parallel()
	s := schema(t)
	listed := map[string]*ast.Directive{} // the strictest root field that gives the type
	for _, f := range s.Query.Fields {
		name, role := f.Type.Name(), f.Directives.ForName("hasRole")
		if nodes := s.Types[name].Fields.ForName("nodes"); nodes != nil {
			name = nodes.Type.Name()
		}
		if role != nil && (listed[name] == nil || roleOf(role).Includes(roleOf(listed[name]))) {
			listed[name] = role
		}
	}
	for _, d := range s.GetPossibleTypes(s.Types["Node"]) {
		k, ok := nodeKinds[d.Name]
		require.True(t, ok, "%s stands in nodeKinds", d.Name)
		if role := listed[d.Name]; role != nil {
			require.Equal(t, roleOf(role), k.role, d.Name)
			scope := role.Arguments.ForName("scope")
			require.Equal(t, scope != nil && scope.Value.Raw == "null", k.people, d.Name)
		}
	}
	require.Len(t, nodeKinds, len(s.GetPossibleTypes(s.Types["Node"])))
}

func roleOf(d *ast.Directive) actor.Role {
	return actor.Role(strings.ToLower(d.Arguments.ForName("role").Value.Raw))
}

// TestNoTypeIsReachedAroundItsRole: what takes a role to list cannot be reached
// through the fields of what takes less. Operators can: others see their names
// only, see toOperator.
func TestNoTypeIsReachedAroundItsRole(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, root := range s.Query.Fields {
		role := actor.Role("")
		if d := root.Directives.ForName("hasRole"); d != nil {
			role = roleOf(d)
		}
		seen := map[string]bool{}
		var walk func(string)
		walk = func(name string) {
			if seen[name] || s.Types[name].Kind != ast.Object {
				return
			}
			seen[name] = true
			if k, ok := nodeKinds[name]; ok && name != kindOperator {
				require.True(t, role.Includes(k.role), "%s reaches %s", root.Name, name)
			}
			for _, f := range s.Types[name].Fields {
				walk(f.Type.Name())
			}
		}
		walk(root.Type.Name())
	}
}

// updated are types of another name than the mutation that updates them.
var updated = map[string]string{"Attribute": "AttributeKey"}

// ofOnePerson are updates of what one person sets for themselves: the sandbox, which is kept nowhere, and their name.
var ofOnePerson = []string{"sandboxSettingsUpdate", "accountUpdate"}

// TestEveryUpdateSaysWhatItWasMadeOn: of two people who save the same thing one would
// lose what they did without a word.
func TestEveryUpdateSaysWhatItWasMadeOn(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, f := range s.Mutation.Fields {
		if !strings.HasSuffix(f.Name, "Update") || slices.Contains(ofOnePerson, f.Name) {
			continue
		}
		input := s.Types[f.Arguments.ForName("input").Type.Name()]
		require.NotNil(t, input.Fields.ForName("expectedVersion"), f.Name)
		name := strings.ToUpper(f.Name[:1]) + strings.TrimSuffix(f.Name[1:], "Update")
		thing := s.Types[cmp.Or(updated[name], name)]
		require.NotNil(t, thing.Fields.ForName("revision"), f.Name)
	}
}
