package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type thread struct {
	ID, Status  string
	Unread      int
	WindowOpen  bool
	Assignee    *struct{ Name string }
	Contact     struct{ Address, ConsentStatus string }
	LastMessage *struct{ Body, Status string }
	Messages    struct {
		Nodes []struct{ Body, Direction, Purpose, Status string }
	}
}

func (e *env) threads(filter map[string]any) (rows []thread) {
	e.t.Helper()
	var out struct{ Conversations struct{ Nodes []thread } }
	e.do(&out, `query($f: ConversationFilter) { conversations(filter: $f, first: 50) { totalCount nodes { id status unread windowOpen assignee { name } contact { address consentStatus }
		lastMessage { body status } messages(first: 10) { nodes { body direction purpose status } } } } }`, map[string]any{"f": filter})
	return out.Conversations.Nodes
}

func (e *env) says(from, body string) {
	e.t.Helper()
	e.do(nil, `mutation($f: String!, $b: String!) { sandboxInboundSend(input: {from: $f, body: $b}) { sid } }`, map[string]any{"f": from, "b": body})
}

func TestInbox(t *testing.T) {
	t.Parallel()
	e := start(t)
	updated := e.subscribe(`subscription { conversationUpdated { id unread } }`, nil)
	e.says("+4915112345678", "Which size is left?")
	e.says("+4915112345679", "Hello")
	require.Eventually(t, func() bool { return len(e.threads(nil)) == 2 }, 10*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool { return updated() >= 2 }, 5*time.Second, 20*time.Millisecond)
	rows := e.threads(map[string]any{"search": "0049 151 12345678"})
	require.Len(t, rows, 1)
	ada := rows[0]
	require.Equal(t, 1, ada.Unread)
	require.True(t, ada.WindowOpen)
	require.Equal(t, "Which size is left?", ada.LastMessage.Body)

	reply := func(input map[string]any) string {
		input["id"] = ada.ID
		_, problems := e.mutate("conversationReply", "message", input)
		return problems
	}
	require.Contains(t, reply(map[string]any{"body": "  "}), "1 to 1600 characters")
	require.Empty(t, reply(map[string]any{"body": "42 and 44"}), "somebody who wrote may be answered, consent or not")
	require.Eventually(t, func() bool {
		ada = e.threads(map[string]any{"search": "12345678"})[0]
		return ada.LastMessage.Status == "DELIVERED" || ada.LastMessage.Status == "READ"
	}, 10*time.Second, 20*time.Millisecond)
	require.Zero(t, ada.Unread)
	require.Equal(t, "REPLY", ada.Messages.Nodes[0].Purpose)
	require.Len(t, e.threads(map[string]any{"unread": true}), 1)

	var me struct{ Viewer struct{ ID, Name string } }
	e.do(&me, `{ viewer { id name } }`, nil)
	_, problems := e.mutate("conversationAssign", "conversation", map[string]any{"id": ada.ID, "assigneeId": me.Viewer.ID})
	require.Empty(t, problems)
	require.Equal(t, me.Viewer.Name, e.threads(map[string]any{"assigneeId": me.Viewer.ID})[0].Assignee.Name)
	require.Len(t, e.threads(map[string]any{"unassigned": true}), 1)
	_, problems = e.mutate("conversationClose", "conversation", map[string]any{"id": ada.ID})
	require.Empty(t, problems)
	require.Len(t, e.threads(map[string]any{"status": "OPEN"}), 1)
	e.says("+4915112345678", "Thanks!")
	require.Eventually(t, func() bool { return len(e.threads(map[string]any{"status": "OPEN"})) == 2 }, 10*time.Second, 20*time.Millisecond, "it opens by itself when they write")

	// Outside the window only a template goes, and only with consent.
	e.exec("UPDATE conversations SET session_expires_at = now() + interval '1 minute'")
	require.Contains(t, reply(map[string]any{"body": "too late"}), "24-hour window is closed")
	tmpl := e.approved("Hi {{name | there}}, your size is back.")
	require.Contains(t, reply(map[string]any{"templateId": tmpl}), "has not opted in")
	e.says("+4915112345678", "START")
	require.Eventually(t, func() bool {
		return e.threads(map[string]any{"search": "12345678"})[0].Contact.ConsentStatus == "OPTED_IN"
	}, 10*time.Second, 20*time.Millisecond)
	require.Empty(t, reply(map[string]any{"templateId": tmpl}))
	e.says("+4915112345678", "STOP")
	require.Eventually(t, func() bool {
		return e.threads(map[string]any{"search": "12345678"})[0].Contact.ConsentStatus == "OPTED_OUT"
	}, 10*time.Second, 20*time.Millisecond)
	require.Contains(t, reply(map[string]any{"body": "why?"}), "opted out")
	require.Zero(t, e.query("SELECT count(*) FROM messages WHERE body IN ('too late', 'why?')"), "what is refused leaves nothing")
}
