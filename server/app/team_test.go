package app_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// problem is the first user error of a mutation, with the field that it names.
func (e *env) problem(name string, input map[string]any) string {
	e.t.Helper()
	title := strings.ToUpper(name[:1]) + name[1:]
	raw, errs := e.raw("mutation($i: "+title+"Input!) { it: "+name+"(input: $i) { userErrors { field message } } }", map[string]any{"i": input})
	require.Empty(e.t, errs, name)
	var out struct {
		It struct {
			UserErrors []struct {
				Field   []string
				Message string
			}
		}
	}
	require.NoError(e.t, json.Unmarshal(raw, &out))
	if len(out.It.UserErrors) == 0 {
		return ""
	}
	return strings.Join(out.It.UserErrors[0].Field, ".") + ": " + out.It.UserErrors[0].Message
}

// TestATeamSharesTheInbox: what operators do with conversations for one another, through the API.
func TestATeamSharesTheInbox(t *testing.T) {
	t.Parallel()
	e := start(t)
	mia, miaID := e.person("mia", "MARKETER")
	vera, _ := e.person("vera", "VIEWER")
	unread := func() int {
		var out struct{ InboxCounts struct{ Unread int } }
		vera.do(&out, "{ inboxCounts { unread } }", nil)
		return out.InboxCounts.Unread
	}
	require.Zero(t, unread())
	heard := e.subscribe(`subscription { inboxCountsChanged { unread } }`, nil)
	require.Eventually(t, func() bool { return heard() == 1 }, patience, 20*time.Millisecond, "now")
	e.says("+4915112345678", "Which size is left?")
	require.Eventually(t, func() bool { return unread() == 1 && heard() >= 2 }, patience, 20*time.Millisecond, "and when it changes")
	var found struct {
		Conversations struct {
			Nodes []struct{ ID, ContactID string }
		}
		Contact struct{ ID string }
	}
	e.do(&found, `{ conversations(first: 5) { nodes { id } } contact(address: "+4915112345678") { id } }`, nil)
	id, contact := found.Conversations.Nodes[0].ID, found.Contact.ID

	// Who may be given work is known to those who give it, and no more of them than the name.
	var people struct {
		Assignees []struct {
			ID, Name string
			Email    *string
		}
	}
	mia.do(&people, "{ assignees { id name email } }", nil)
	require.Len(t, people.Assignees, 3)
	for _, p := range people.Assignees {
		require.Equal(t, p.ID == miaID, p.Email != nil, "%s: one's own address alone", p.Name)
	}
	require.Equal(t, "FORBIDDEN", vera.refused("{ assignees { name } }"))
	_, problems := e.mutate("conversationAssign", "conversation", map[string]any{"id": id, "assigneeId": miaID})
	require.Empty(t, problems)

	require.Contains(t, mia.problem("conversationNote", map[string]any{"id": id, "body": " "}), "body: a note has 1 to 4000 characters")
	require.Empty(t, mia.problem("conversationNote", map[string]any{"id": id, "body": "She asked before."}))
	require.Equal(t, "FORBIDDEN", vera.refused(`mutation { conversationNote(input: {id: "`+id+`", body: "x"}) { note { id } } }`))

	require.Contains(t, mia.problem("labelCreate", map[string]any{"name": strings.Repeat("x", 41)}), "name: a label has a name of 1 to 40 characters")
	label := mia.must("labelCreate", "label", map[string]any{"name": "Sizes", "color": "TEAL"})
	require.Contains(t, mia.problem("labelCreate", map[string]any{"name": "sizes"}), `name: there is a label named "sizes" already`)
	mia.must("labelUpdate", "label", map[string]any{"id": label, "name": "Size"})
	require.Contains(t, mia.problem("labelUpdate", map[string]any{"id": label, "expectedVersion": 1, "name": "Other"}), "expectedVersion: mia changed this")
	require.Contains(t, mia.problem("conversationLabel", map[string]any{"id": id, "add": []string{contact}}), "add: ")
	mia.must("conversationLabel", "conversation", map[string]any{"id": id, "add": []string{label}})

	var thread struct {
		Conversations struct {
			Nodes []struct {
				Labels []struct {
					Name, Color string
					Revision    int
				}
				Notes struct {
					Nodes []struct {
						Body   string
						Author struct{ Name string }
					}
				}
			}
		}
	}
	vera.do(&thread, `query($l: [ID!]) { conversations(filter: {labelIds: $l}, first: 5) { nodes { labels { name color revision } notes(first: 5) { nodes { body author { name } } } } } }`,
		map[string]any{"l": []string{label}})
	got := thread.Conversations.Nodes[0]
	require.Equal(t, "Size", got.Labels[0].Name)
	require.Equal(t, "TEAL", got.Labels[0].Color)
	require.Equal(t, 2, got.Labels[0].Revision)
	require.Equal(t, "She asked before.", got.Notes.Nodes[0].Body)
	require.Equal(t, "mia", got.Notes.Nodes[0].Author.Name)

	require.Contains(t, mia.problem("cannedReplyCreate", map[string]any{"name": "a b", "body": "x"}), "name: ")
	require.Contains(t, mia.problem("cannedReplyCreate", map[string]any{"name": "size", "body": "{{size}}"}), "body: unknown placeholder")
	canned := mia.must("cannedReplyCreate", "cannedReply", map[string]any{"name": "size", "body": "Hi {{name | there}}, size {{attributes.size}} is left."})
	var filled struct {
		CannedReplies []struct {
			ID         string
			ForContact struct {
				Body    string
				Missing []string
			}
		}
	}
	e.do(&filled, `query($c: ID!) { cannedReplies { id forContact(contactId: $c) { body missing } } }`, map[string]any{"c": contact})
	require.Equal(t, canned, filled.CannedReplies[0].ID)
	require.Contains(t, filled.CannedReplies[0].ForContact.Body, "{{attributes.size}}")
	require.Equal(t, []string{"attributes.size"}, filled.CannedReplies[0].ForContact.Missing)
	require.Empty(t, mia.problem("cannedReplyDelete", map[string]any{"id": canned}))

	// Snoozed, and woken by the maintenance of the running engine.
	require.Contains(t, mia.problem("conversationSnooze", map[string]any{"id": id, "until": "2020-01-01T00:00:00Z"}), "until: ")
	mia.must("conversationSnooze", "conversation", map[string]any{"id": id, "until": time.Now().Add(time.Hour)})
	require.Empty(t, e.threads(map[string]any{"status": "OPEN"}))
	require.Len(t, e.threads(map[string]any{"snoozed": true}), 1)
	require.Zero(t, unread())
	e.exec("UPDATE conversations SET snoozed_until = now()")
	require.Eventually(t, func() bool { return unread() == 1 && len(e.threads(map[string]any{"status": "OPEN"})) == 1 }, patience, 20*time.Millisecond)

	// Somebody who never wrote is written to from a conversation that is made for it.
	other := e.must("contactCreate", "contact", map[string]any{"address": "+4915112345679"})
	opened := mia.must("conversationOpen", "conversation", map[string]any{"contactId": other})
	require.Equal(t, opened, mia.must("conversationOpen", "conversation", map[string]any{"contactId": other}))
	require.Len(t, e.threads(nil), 1, "nothing was written yet")
	require.Contains(t, mia.problem("conversationReply", map[string]any{"id": opened, "body": "Hello"}), "24-hour window is closed")
}
