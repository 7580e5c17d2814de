package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type asked struct {
	ConsentStatus string
	OptInRequest  *struct {
		Status   string
		Source   string
		Evidence map[string]any
		Message  *struct{ Status, Purpose, Body, Sid string }
	}
	ConsentEvents struct {
		Nodes []struct {
			Source   string
			Evidence map[string]any
		}
	}
}

func (e *env) asked(address string) asked {
	e.t.Helper()
	var out struct{ Contact asked }
	e.do(&out, `query($a: String!) { contact(address: $a) { consentStatus consentEvents { nodes { source evidence } }
		optInRequest { status source evidence message { status purpose body sid } } } }`, map[string]any{"a": address})
	return out.Contact
}

// contactID is the id of who has an address.
func (e *env) contactID(address string) string {
	e.t.Helper()
	var out struct{ Contact struct{ ID string } }
	e.do(&out, `query($a: String!) { contact(address: $a) { id } }`, map[string]any{"a": address})
	return out.Contact.ID
}

func (e *env) reached(address string) {
	e.t.Helper()
	require.Eventually(e.t, func() bool {
		r := e.asked(address).OptInRequest
		return r != nil && r.Message != nil && (r.Message.Status == "DELIVERED" || r.Message.Status == "READ")
	}, patience, 50*time.Millisecond)
}

func (e *env) answers(address, body string) {
	e.t.Helper()
	var out struct{ SandboxInboundSend struct{ Sid string } }
	e.do(&out, `mutation($f: String!, $b: String!) { sandboxInboundSend(input: {from: $f, body: $b}) { sid userErrors { message } } }`,
		map[string]any{"f": address, "b": body})
	require.NotEmpty(e.t, out.SandboxInboundSend.Sid)
}

// TestDoubleOptIn: a consent that was recorded counts when the person has confirmed it on
// WhatsApp, from an API call as from a file.
func TestDoubleOptIn(t *testing.T) {
	t.Parallel()
	e := start(t)
	template := e.approved("Hello {{name | there}}, may we send you offers here? Please answer yes or no.")
	consent := map[string]any{"text": "I want offers on WhatsApp."}
	in := map[string]any{"address": "+49 15 100000001", "consent": consent, "doubleOptIn": true}
	_, problems := e.mutate("contactCreate", "contact", in)
	require.Contains(t, problems, "doubleOptIn: double opt-in is not set up")
	require.Zero(t, e.query("SELECT count(*) FROM contacts"), "what is refused leaves nothing behind")
	_, problems = e.mutate("contactCreate", "contact", map[string]any{"address": "+49 15 100000001", "doubleOptIn": true})
	require.Contains(t, problems, "there is no consent to confirm")

	sender := e.firstSender()
	settings := func(input map[string]any) (problems string) {
		var out struct {
			SettingsUpdate struct {
				Settings *struct {
					DoubleOptIn *struct {
						Templates         []struct{ ID, Name string }
						Sender            struct{ ID string }
						ExpiresAfterHours int
					}
				}
				UserErrors []struct{ Message string }
			}
		}
		e.do(&out, `mutation($i: SettingsUpdateInput!) { settingsUpdate(input: $i) { userErrors { message }
			settings { doubleOptIn { templates { id name } sender { id } expiresAfterHours } } } }`, map[string]any{"i": input})
		for _, u := range out.SettingsUpdate.UserErrors {
			problems += u.Message
		}
		if set := out.SettingsUpdate.Settings; problems == "" && set.DoubleOptIn != nil {
			require.Equal(t, template, set.DoubleOptIn.Templates[0].ID)
			require.Equal(t, 72, set.DoubleOptIn.ExpiresAfterHours)
		}
		return problems
	}
	ask := map[string]any{"templateIds": []any{template}, "senderId": sender}
	require.Contains(t, settings(map[string]any{"doubleOptIn": map[string]any{
		"templateIds": []any{template}, "senderId": sender, "expiresAfterHours": 0,
	}}), "0 is not from 1 to 720 hours")
	require.Empty(t, settings(map[string]any{"doubleOptIn": ask}))
	var deleted struct {
		TemplateDelete struct{ UserErrors []struct{ Message string } }
	}
	e.do(&deleted, `mutation($id: ID!) { templateDelete(input: {id: $id}) { userErrors { message } } }`, map[string]any{"id": template})
	require.Contains(t, deleted.TemplateDelete.UserErrors[0].Message, "double opt-in")

	// From an API call.
	e.must("contactCreate", "contact", in)
	require.Equal(t, "UNKNOWN", e.asked("+4915100000001").ConsentStatus)
	e.reached("+4915100000001")
	is := e.asked("+4915100000001")
	require.Equal(t, "ASKED", is.OptInRequest.Status)
	require.Equal(t, "OPT_IN_QUESTION", is.OptInRequest.Message.Purpose)
	require.Equal(t, "Hello there, may we send you offers here? Please answer yes or no.", is.OptInRequest.Message.Body)
	require.Empty(t, is.ConsentEvents.Nodes)
	e.answers("+4915100000001", "yes")
	require.Eventually(t, func() bool { return e.asked("+4915100000001").ConsentStatus == "OPTED_IN" }, patience, 20*time.Millisecond)
	is = e.asked("+4915100000001")
	require.Equal(t, "CONFIRMED", is.OptInRequest.Status)
	require.Equal(t, "I want offers on WhatsApp.", is.ConsentEvents.Nodes[0].Evidence["text"])
	require.Equal(t, "yes", is.ConsentEvents.Nodes[0].Evidence["answer"])

	// From a file: three are new, one of them is suppressed, and one has opted in already.
	var suppressed struct {
		SuppressionAdd struct{ UserErrors []struct{ Message string } }
	}
	e.do(&suppressed, `mutation { suppressionAdd(input: {address: "+4915100000004"}) { userErrors { message } } }`, nil)
	require.Empty(t, suppressed.SuppressionAdd.UserErrors)
	file := "phone,consent\n"
	for i := range 4 {
		file += fmt.Sprintf("+491510000000%d,yes\n", i+1)
	}
	id, problems := e.upload("list.csv", []byte(file), `, doubleOptIn: true, dryRun: true, consentText: "They ticked it on our form."`)
	require.Empty(t, problems)
	e.imported(id)
	would := func() int64 {
		var out struct{ Node struct{ OptInRequests int64 } }
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Import { optInRequests doubleOptIn } } }`, map[string]any{"id": id})
		return out.Node.OptInRequests
	}
	require.EqualValues(t, 2, would())
	require.Equal(t, 1, e.query("SELECT count(*) FROM opt_in_requests"))
	_, problems = e.mutate("contactImportConfirm", "import", map[string]any{
		"id": id, "doubleOptIn": true, "consentText": "They ticked it on our form.",
	})
	require.Empty(t, problems)
	require.Equal(t, 3, e.imported(id).Created)
	require.EqualValues(t, 2, would())
	require.Equal(t, "UNKNOWN", e.asked("+4915100000002").ConsentStatus)
	require.Nil(t, e.asked("+4915100000004").OptInRequest)
	for _, who := range []string{"+4915100000002", "+4915100000003"} {
		e.reached(who)
	}
	e.answers("+4915100000002", "No!")
	e.answers("+4915100000003", "STOP")
	require.Eventually(t, func() bool { return e.asked("+4915100000002").OptInRequest.Status == "DECLINED" }, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool { return e.asked("+4915100000003").ConsentStatus == "OPTED_OUT" }, patience, 20*time.Millisecond)
	require.Equal(t, "UNKNOWN", e.asked("+4915100000002").ConsentStatus)
	require.Empty(t, e.asked("+4915100000002").OptInRequest.Evidence, "of who did not say yes nothing is kept")

	var list struct {
		OptInRequests struct {
			TotalCount int
			Nodes      []struct{ Contact struct{ Address string } }
		}
	}
	e.do(&list, `{ optInRequests(status: DECLINED, first: 1) { totalCount nodes { contact { address } } } }`, nil)
	require.Equal(t, 2, list.OptInRequests.TotalCount)
	require.Len(t, list.OptInRequests.Nodes, 1)
	_, problems = e.mutate("contactConsentSet", "contact", map[string]any{
		"id": e.contactID("+4915100000002"), "status": "OPTED_IN", "evidence": consent, "doubleOptIn": true,
	})
	require.Contains(t, problems, "did not say yes: they may be asked again from")
	require.Empty(t, settings(map[string]any{"doubleOptIn": nil}))
	e.recount()
}

// TestConsentOfManyForAPurpose: an opt-out of utility messages in bulk leaves the marketing
// consent as it is, and is not taken back in bulk.
func TestConsentOfManyForAPurpose(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	record := func(status string) {
		id := e.must("contactConsentRecord", "action", map[string]any{
			"contacts": map[string]any{"filter": map[string]any{}}, "purpose": "UTILITY", "status": status,
			"evidence": map[string]any{"note": "They told us at the counter."},
		})
		require.Eventually(t, func() bool {
			var out struct{ Node struct{ Status string } }
			e.do(&out, `query($id: ID!) { node(id: $id) { ... on BulkAction { status } } }`, map[string]any{"id": id})
			return out.Node.Status == "COMPLETED"
		}, patience, 20*time.Millisecond)
	}
	stands := func() (all string) {
		var out struct {
			Contacts struct {
				Nodes []struct {
					Consents []struct{ Purpose, Status string }
				}
			}
		}
		e.do(&out, `{ contacts { nodes { consents { purpose status } } } }`, nil)
		for _, n := range out.Contacts.Nodes {
			for _, c := range n.Consents {
				all += strings.ToLower(c.Purpose[:1] + " " + c.Status + ", ")
			}
		}
		return all
	}
	record("OPTED_OUT")
	var last struct {
		BulkActions struct {
			Nodes []struct{ Options map[string]any }
		}
	}
	e.do(&last, `{ bulkActions(first: 1) { nodes { options } } }`, nil)
	require.Equal(t, "UTILITY", last.BulkActions.Nodes[0].Options["purpose"])
	require.Equal(t, strings.Repeat("m opted_in, u opted_out, ", 3), stands())
	record("OPTED_IN")
	require.Equal(t, strings.Repeat("m opted_in, u opted_out, ", 3), stands())
	require.Equal(t, 3, e.query("SELECT count(*) FROM consent_events WHERE purpose = 'utility'"))
}
