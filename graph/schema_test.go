package graph

import (
	"testing"

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
			"apiTokens", "settings",
		},
		s.Mutation: {
			"signIn", "signOut", "operatorInvite", "operatorDeactivate", "apiTokenCreate", "apiTokenRevoke", "contactCreate",
			"contactUpdate", "contactConsentSet", "contactImport",
			"contactImportCancel", "segmentCreate", "segmentUpdate", "segmentDelete", "templateCreate", "templateUpdate",
			"templateDelete", "templateTestSend", "templateSync",
			"senderCreate", "senderUpdate", "senderPause", "senderResume", "campaignCreate", "campaignUpdate",
			"campaignLaunch", "campaignPause", "campaignResume", "campaignCancel",
			"campaignDuplicate", "campaignDelete", "campaignSchedule", "campaignTestSend", "settingsUpdate",
			"webhookEventReplay", "sandboxInboundSend", "sandboxSettingsUpdate", "sandboxSeed",
			"conversationReply", "conversationAssign", "conversationMarkRead", "conversationClose", "suppressionAdd",
			"suppressionRemove", "contactErase", "contactExport", "contactMerge",
			"topicCreate", "topicUpdate", "topicDelete", "contactTopicSet", "contactTopicRecord",
		},
		s.Subscription: {
			"campaignProgress", "importProgress", "deliveryEvents", "inboundMessages", "conversationUpdated",
			"dashboardUpdated", "systemHealthChanged",
		},
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
