package app_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a template may not be is said before WhatsApp says it, in words that tell what to do.
func TestATemplateIsCheckedWhileItIsWritten(t *testing.T) {
	e := start(t)
	warnings := func(body string) []string {
		var out struct {
			TemplatePreview struct{ Warnings []string }
		}
		e.do(&out, `query($b: String!) { templatePreview(input: {body: $b}) { warnings } }`, map[string]any{"b": body})
		return out.TemplatePreview.Warnings
	}
	require.Empty(t, warnings("Hi {{name | there}}, our *autumn sale* has started 🎉"))
	require.Equal(t, []string{"{{name}} stands first: write a word before it, such as “Hi”"},
		warnings("{{name}} should come and see our sale"))
	require.Equal(t, []string{"the text has 1040 characters with these values, WhatsApp takes at most 1024: shorten it by 16"},
		warnings("Hi {{name}} "+strings.Repeat("sale ", 206)+"a"))

	_, problems := e.mutate("templateCreate", "template", map[string]any{"name": "x", "language": "pt", "body": "Olá"})
	require.Contains(t, problems, `language: "pt" is not a language in which WhatsApp takes templates`)
	require.Contains(t, problems, "pt_BR (Portuguese (Brazil))")
	_, problems = e.mutate("templateCreate", "template", map[string]any{
		"name": "x", "body": "a sale" + strings.Repeat(" 🎉", 11),
	})
	require.Contains(t, problems, "there are 11 emojis")

	id := e.must("templateCreate", "template", map[string]any{
		"name": "Preços", "language": "pt-br", "body": "Olá {{name}}, tudo bem com você?", "submit": false,
	})
	e.must("campaignCreate", "campaign", map[string]any{"name": "One", "templateId": id})
	var out struct {
		Node struct {
			Language, LanguageName string
			Advice                 *string
			CampaignCount          int
		}
		TemplateLanguages []struct{ Code, Name string }
	}
	ask := `query($id: ID!) { node(id: $id) { ... on Template { language languageName advice campaignCount } } templateLanguages { code name } }`
	e.do(&out, ask, map[string]any{"id": id})
	require.Equal(t, "pt_BR", out.Node.Language)
	require.Equal(t, "Portuguese (Brazil)", out.Node.LanguageName)
	require.Equal(t, 1, out.Node.CampaignCount)
	require.Nil(t, out.Node.Advice)
	require.Equal(t, "Afrikaans", out.TemplateLanguages[0].Name)

	_, err := e.DB().NewRaw("UPDATE template_versions SET approval_status = 'rejected', rejection_reason = 'TAG_CONTENT_MISMATCH'").
		Exec(t.Context())
	require.NoError(t, err)
	e.do(&out, ask, map[string]any{"id": id})
	require.Contains(t, *out.Node.Advice, "Change the category or the text")
}

// TestATemplateGoesBackToAnEarlierVersion without another review, and as a draft where there was none.
func TestATemplateGoesBackToAnEarlierVersion(t *testing.T) {
	t.Parallel()
	e := start(t)
	id := e.approved("Hello {{name | you}}, our sale has started.")
	type state struct {
		Node struct {
			Revision                         int
			Body, ApprovalStatus, ContentSid string
			Version                          int
			Versions                         []struct {
				Number               int
				Body, ApprovalStatus string
			}
		}
	}
	look := func() (s state) {
		e.do(&s, `query($id: ID!) { node(id: $id) { ... on Template { revision body approvalStatus contentSid version versions { number body approvalStatus } } } }`,
			map[string]any{"id": id})
		return s
	}
	first := look()
	_, problems := e.mutate("templateVersionRestore", "template", map[string]any{"id": id, "version": 1})
	require.Contains(t, problems, "says what the newest one")
	_, problems = e.mutate("templateVersionRestore", "template", map[string]any{"id": id, "version": 9})
	require.Contains(t, problems, "no version 9: 1 to 1 exist")

	e.must("templateUpdate", "template", map[string]any{"id": id, "body": "Hello {{name | you}}, our sale ends.", "submit": false})
	require.Equal(t, "DRAFT", look().Node.ApprovalStatus)
	_, problems = e.mutate("templateVersionRestore", "template", map[string]any{"id": id, "version": 1, "expectedVersion": first.Node.Revision})
	require.Contains(t, problems, "changed")
	e.must("templateVersionRestore", "template", map[string]any{"id": id, "version": 1})
	now := look().Node
	require.Equal(t, 3, now.Version)
	require.Equal(t, first.Node.Body, now.Body)
	require.Equal(t, "APPROVED", now.ApprovalStatus)
	require.Equal(t, first.Node.ContentSid, now.ContentSid)
	require.Len(t, now.Versions, 3)
	require.Equal(t, 3, now.Versions[0].Number)
	e.small(3)
	camp := e.must("campaignCreate", "campaign", map[string]any{"name": "again", "query": map[string]any{"all": []any{}}, "templateId": id})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	e.await(camp, "COMPLETED")
	e.settled(camp)
	e.exact(camp)
	require.Contains(t, e.Sandbox.Messages()[0].Body, "our sale has started")

	e.must("templateVersionRestore", "template", map[string]any{"id": id, "version": 2})
	require.Equal(t, "DRAFT", look().Node.ApprovalStatus, "what WhatsApp never saw it has not approved")
}
