package app_test

import (
	"encoding/csv"
	"io"
	"net/http"
	"strings"
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
		lastMessage { body status } messages(first: 10) { nodes { body direction purpose status } } } } }`,
		map[string]any{"f": filter})
	return out.Conversations.Nodes
}

func (e *env) says(from, body string) {
	e.t.Helper()
	e.do(nil, `mutation($f: String!, $b: String!) { sandboxInboundSend(input: {from: $f, body: $b}) { sid } }`,
		map[string]any{"f": from, "b": body})
}

// saysAs is says of somebody whose id the webhook names beside the number.
func (e *env) saysAs(from, id, body string) {
	e.t.Helper()
	e.do(nil, `mutation($f: String!, $i: String, $b: String!) { sandboxInboundSend(input: {from: $f, userId: $i, body: $b}) { sid } }`,
		map[string]any{"f": from, "i": id, "b": body})
}

func TestInbox(t *testing.T) {
	t.Parallel()
	e := start(t)
	updated := e.subscribe(`subscription { conversationUpdated { id unread } }`, nil)
	e.says("+4915112345678", "Which size is left?")
	e.says("+4915112345679", "Hello")
	require.Eventually(t, func() bool { return len(e.threads(nil)) == 2 }, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool { return updated() >= 2 }, patience, 20*time.Millisecond)
	// Who subscribes after the list was read learns of what came in between.
	late := e.subscribe(`subscription { conversationUpdated { id } }`, nil)
	require.Eventually(t, func() bool { return late() == 1 }, patience, 20*time.Millisecond)
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
	}, patience, 20*time.Millisecond)
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
	require.Eventually(t, func() bool { return len(e.threads(map[string]any{"status": "OPEN"})) == 2 }, patience,
		20*time.Millisecond, "it opens by itself when they write")

	// Outside the window only a template goes, and only with consent.
	e.exec("UPDATE conversations SET session_expires_at = now() + interval '1 minute'")
	require.Contains(t, reply(map[string]any{"body": "too late"}), "24-hour window is closed")
	tmpl := e.approved("Hi {{name | there}}, your size is back.")
	require.Contains(t, reply(map[string]any{"templateId": tmpl}), "has not opted in")
	e.says("+4915112345678", "START")
	require.Eventually(t, func() bool {
		return e.threads(map[string]any{"search": "12345678"})[0].Contact.ConsentStatus == "OPTED_IN"
	}, patience, 20*time.Millisecond)
	require.Empty(t, reply(map[string]any{"templateId": tmpl}))
	e.says("+4915112345678", "STOP")
	require.Eventually(t, func() bool {
		return e.threads(map[string]any{"search": "12345678"})[0].Contact.ConsentStatus == "OPTED_OUT"
	}, patience, 20*time.Millisecond)
	require.Contains(t, reply(map[string]any{"body": "why?"}), "opted out")
	require.Zero(t, e.query("SELECT count(*) FROM messages WHERE body IN ('too late', 'why?')"),
		"what is refused leaves nothing")
}

func TestComplianceListsAndDownloads(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.do(nil, `mutation { sandboxSeed(input: {contacts: 300}) { contacts } }`, nil)
	e.demoRun("SEED", "COMPLETED")
	var out struct {
		ConsentEvents struct {
			Nodes []struct {
				Status, Source string
				Contact        struct{ Address, ConsentStatus string }
			}
		}
		Suppressions struct{ Nodes []struct{ ID, Reason string } }
		Campaigns    struct {
			Nodes []struct {
				ID     string
				Counts struct{ Audience int }
			}
		}
		WebhookEvents struct{ Nodes []struct{ Kind string } }
	}
	e.do(&out, `{ consentEvents(filter: {status: OPTED_OUT}, first: 5) { nodes { status source contact { address consentStatus } } } suppressions(first: 5) { nodes { id reason } }
		campaigns(first: 20) { nodes { id counts { audience } } } }`, nil)
	require.NotEmpty(t, out.ConsentEvents.Nodes)
	for _, ev := range out.ConsentEvents.Nodes {
		require.Equal(t, "OPTED_OUT", ev.Status)
		require.Equal(t, "OPTED_OUT", ev.Contact.ConsentStatus)
	}
	gone := out.ConsentEvents.Nodes[0].Contact.Address
	e.do(&out, `query($a: String!) { suppressions(filter: {address: $a}) { nodes { id reason } } }`,
		map[string]any{"a": gone})
	require.Len(t, out.Suppressions.Nodes, 1)
	require.Equal(t, "OPTED_OUT", out.Suppressions.Nodes[0].Reason)
	e.do(&out, `{ suppressions(filter: {address: "+4915112345678"}) { nodes { id reason } } }`, nil)
	require.Empty(t, out.Suppressions.Nodes, "a stranger is not")
	_, errs := e.raw(`{ suppressions(filter: {address: "nobody"}) { nodes { id } } }`, nil)
	require.Contains(t, errs[0].Message, "is not a phone number")

	verdicts := map[string]string{
		"no_consent": "Not sent: no consent of theirs was recorded.", "opted_out": "Not sent: they had opted out.",
		"not_subscribed": "Not sent: they were not subscribed to its topic.",
		"ineligible":     "Not sent: WhatsApp delivers no marketing to them.", "": "Sent: all checks passed.",
	}
	for _, status := range []string{"SKIPPED", "READ"} {
		var sent struct {
			Messages struct {
				Nodes []struct {
					Status, SkipReason string
					Decision           struct {
						Verdict string
						Steps   []struct {
							Check, Detail string
							Passed        *bool
						}
					}
				}
			}
		}
		e.do(&sent, `query($s: MessageStatus) { messages(filter: {status: $s}, first: 20) { nodes { status skipReason decision { verdict steps { check passed detail } } } } }`, map[string]any{"s": status})
		require.NotEmpty(t, sent.Messages.Nodes)
		for _, m := range sent.Messages.Nodes {
			require.Equal(t, verdicts[m.SkipReason], m.Decision.Verdict, m.SkipReason)
			no := 0
			for _, s := range m.Decision.Steps {
				require.NotEmpty(t, s.Detail, s.Check)
				if s.Passed != nil && !*s.Passed {
					no++
				}
			}
			require.Equal(t, map[string]int{"SKIPPED": 1, "READ": 0}[status], no, "%s: %v", m.SkipReason, m.Decision.Steps)
		}
	}

	c := out.Campaigns.Nodes[0]
	file := e.get("/downloads/campaigns/" + c.ID + "/messages.csv")
	require.Equal(t, http.StatusOK, file.status)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, c.Counts.Audience+1, "a row for each of the audience")
	require.Equal(t, http.StatusNotFound, e.get("/downloads/campaigns/Q2FtcGFpZ246OTk5/messages.csv").status)

	e.says("+4915112345678", "Hello")
	require.Eventually(t, func() bool {
		e.do(&out, `{ webhookEvents(filter: {address: "0049 151 12345678"}) { nodes { kind } } }`, nil)
		return len(out.WebhookEvents.Nodes) == 1 && out.WebhookEvents.Nodes[0].Kind == "INBOUND"
	}, patience, 50*time.Millisecond)
}

type answer struct {
	status int
	body   string
}

func (e *env) get(path string) answer {
	e.t.Helper()
	resp, err := e.http.Get(e.URL + path)
	require.NoError(e.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(e.t, err)
	return answer{resp.StatusCode, string(raw)}
}

// TestWhatContactsSendIsShownAsWhatItIs from the sandbox's webhook to the API.
func TestWhatContactsSendIsShownAsWhatItIs(t *testing.T) {
	t.Parallel()
	e := start(t)
	sends := func(body string, parameters map[string]string) (sid string) {
		var list []map[string]string
		for name, value := range parameters {
			list = append(list, map[string]string{"name": name, "value": value})
		}
		var out struct{ SandboxInboundSend struct{ SID string } }
		e.do(&out, `mutation($b: String!, $p: [SandboxParameter!]) { sandboxInboundSend(input: {from: "+4915112345678", body: $b, parameters: $p}) { sid userErrors { message } } }`,
			map[string]any{"b": body, "p": list})
		require.NotEmpty(t, out.SandboxInboundSend.SID)
		return out.SandboxInboundSend.SID
	}
	first := sends("Hello", nil)
	sends("", map[string]string{"MessageType": "location", "Latitude": "52.5", "Longitude": "13.4", "Label": "Our shop", "Address": "Main St 1"})
	sends("bill.pdf", map[string]string{
		"MessageType": "document", "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "application/pdf", "Forwarded": "true",
	})
	sends("Yes", map[string]string{"MessageType": "button", "ButtonText": "Yes", "ButtonPayload": "yes", "OriginalRepliedMessageSid": first})
	type content struct {
		Kind      string
		Forwarded bool
		Location  *struct {
			Latitude, Longitude float64
			Label, Address      string
		}
		Files  []struct{ ContentType, Name string }
		Choice *struct{ Text, ID string }
		Quoted *struct{ Sid, MessageID, Body string }
	}
	var got struct {
		Conversations struct {
			Nodes []struct {
				Messages struct {
					Nodes []struct {
						Body    string
						Content *content
					}
				}
			}
		}
	}
	require.Eventually(t, func() bool {
		e.do(&got, `{ conversations(first: 5) { nodes { messages(first: 10) { nodes { body content { kind forwarded location { latitude longitude label address }
			files { contentType name } choice { text id } quoted { sid messageId body } } } } } } }`, nil)
		return len(got.Conversations.Nodes) == 1 && len(got.Conversations.Nodes[0].Messages.Nodes) == 4
	}, patience, 20*time.Millisecond)
	rows := got.Conversations.Nodes[0].Messages.Nodes // the newest first
	require.Nil(t, rows[3].Content)
	require.Equal(t, "LOCATION", rows[2].Content.Kind)
	require.Equal(t, "📍 Our shop", rows[2].Body)
	require.InDelta(t, 52.5, rows[2].Content.Location.Latitude, 0)
	require.Equal(t, "Main St 1", rows[2].Content.Location.Address)
	require.Equal(t, "DOCUMENT", rows[1].Content.Kind)
	require.True(t, rows[1].Content.Forwarded)
	require.Equal(t, "bill.pdf", rows[1].Content.Files[0].Name)
	require.Equal(t, "yes", rows[0].Content.Choice.ID)
	require.Equal(t, "Hello", rows[0].Content.Quoted.Body)
	require.NotEmpty(t, rows[0].Content.Quoted.MessageID)
	var refused struct {
		SandboxInboundSend struct{ UserErrors []struct{ Message string } }
	}
	e.do(&refused, `mutation { sandboxInboundSend(input: {from: "+4915112345678", body: "x", parameters: [{name: "From", value: "y"}]}) { userErrors { message } } }`, nil)
	require.Contains(t, refused.SandboxInboundSend.UserErrors[0].Message, "set by the sandbox")
}
