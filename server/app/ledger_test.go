package app_test

import (
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/proof"

	"github.com/stretchr/testify/require"
)

type ledgerState struct {
	Purpose, Status string
	Since           *string
	Event           *struct{ ID, Source, Purpose string }
}

type ledgerEvent struct {
	Purpose, Status, Source, OccurredAt string
	Evidence                            map[string]any
	Text                                *struct {
		ID, Content, Locale string
		Version             int64
		CreatedBy           *struct{ Name string }
	}
	Operator *struct{ Name string }
}

// ledger gives where a contact stands, and their events, newest first.
func (e *env) ledger(id, at string) ([]ledgerState, []ledgerEvent) {
	e.t.Helper()
	var out struct {
		Contact struct {
			Consents      []ledgerState
			ConsentEvents struct{ Nodes []ledgerEvent }
		}
	}
	vars := map[string]any{"id": id}
	if at != "" {
		vars["at"] = at
	}
	e.do(&out, `query($id: ID!, $at: DateTime) { contact(id: $id) { consents(at: $at) { purpose status since event { id source purpose } }
		consentEvents { nodes { purpose status source occurredAt evidence operator { name }
			text { id version content locale createdBy { name } } } } } }`, vars)
	return out.Contact.Consents, out.Contact.ConsentEvents.Nodes
}

func statuses(states []ledgerState) (out []string) {
	for _, s := range states {
		out = append(out, s.Purpose+" "+s.Status)
	}
	return out
}

// TestWhoCallsSetsTheSource: operators record as operators, whatever they say; a program
// says where it has a consent from; what a person wrote and what Twilio reported is the
// engine's word alone.
func TestWhoCallsSetsTheSource(t *testing.T) {
	t.Parallel()
	e := start(t)
	mia, _ := e.person("mia", "MARKETER")
	program := e.token(`role: MARKETER, scopes: [READ, CONTACTS_WRITE]`)
	contact := e.must("contactCreate", "contact", map[string]any{"address": "+4915112345678"})
	evidence := map[string]any{"note": "asked"}
	for _, c := range []struct {
		who          *env
		said, stands string
		problem      string
	}{
		{who: mia, stands: "OPERATOR"},
		{who: mia, said: "KEYWORD", problem: `source: "KEYWORD" cannot be said by an operator`},
		{who: mia, said: "FORM", problem: `source: "FORM" cannot be said by an operator`},
		{who: mia, said: "OPERATOR", problem: `source: "OPERATOR" cannot be said by an operator`},
		{who: program, stands: "API"},
		{who: program, said: "API", stands: "API"},
		{who: program, said: "FORM", stands: "FORM"},
		{who: program, said: "IMPORT", stands: "IMPORT"},
		{who: program, said: "KEYWORD", problem: `source: "KEYWORD" cannot be said by a program: API, FORM or IMPORT`},
		{who: program, said: "PROVIDER", problem: `source: "PROVIDER" cannot be said by a program: API, FORM or IMPORT`},
		{who: program, said: "OPERATOR", problem: `source: "OPERATOR" cannot be said by a program: API, FORM or IMPORT`},
	} {
		before := e.query("SELECT count(*) FROM consent_events")
		input := map[string]any{"id": contact, "status": "OPTED_IN", "evidence": evidence}
		create := map[string]any{"address": "+4915112345679", "consent": evidence}
		if c.said != "" {
			input["source"], create["consentSource"] = c.said, c.said
		}
		_, problems := c.who.mutate("contactConsentSet", "contact", input)
		if c.problem != "" {
			require.Contains(t, problems, c.problem)
			_, problems = c.who.mutate("contactCreate", "contact", create)
			require.Contains(t, problems, strings.Replace(c.problem, "source:", "consentSource:", 1))
			require.Equal(t, before, e.query("SELECT count(*) FROM consent_events"), "nothing half done")
			require.Nil(t, e.known("+4915112345679"))
			continue
		}
		require.Empty(t, problems)
		_, events := e.ledger(contact, "")
		require.Equal(t, c.stands, events[0].Source)
	}
	other := map[string]any{"address": "+4915112345679", "consentSource": "FORM"}
	_, problems := program.mutate("contactCreate", "contact", other)
	require.Contains(t, problems, "consentSource: there is no consent")
	other["consent"] = evidence
	_, events := e.ledger(program.must("contactCreate", "contact", other), "")
	require.Equal(t, "FORM", events[0].Source)

	// In bulk, and in an opt-out review, too.
	a, problems := program.act("contactConsentRecord", map[string]any{
		"contacts": map[string]any{"ids": []string{contact}}, "status": "OPTED_OUT", "evidence": evidence,
	})
	require.Empty(t, problems)
	require.NotEmpty(t, a.ID)
	require.Eventually(t, func() bool {
		_, events := e.ledger(contact, "")
		return events[0].Status == "OPTED_OUT"
	}, patience, 20*time.Millisecond)
	_, events = e.ledger(contact, "")
	require.Equal(t, "API", events[0].Source)
	require.Equal(t, "OPTED_OUT", e.known("+4915112345678").ConsentStatus)

	// Only their own START lifts what an erasure left.
	e.must("contactConsentSet", "contact", map[string]any{"id": contact, "status": "OPTED_IN", "evidence": evidence})
	require.Nil(t, e.known("+4915112345678").Suppression)
	e.exec(`INSERT INTO suppressed_addresses (address_hash, reason) SELECT address_hash, 'erased' FROM consent_events
		WHERE contact_id = (SELECT id FROM contacts WHERE address = '+4915112345678') LIMIT 1`)
	for _, who := range []*env{mia, program} {
		who.must("contactConsentSet", "contact", map[string]any{"id": contact, "status": "OPTED_IN", "evidence": evidence})
		require.Equal(t, "ERASED", e.known("+4915112345678").Suppression.Reason)
	}
	e.saysUntil("+4915112345678", "START", func() bool { return e.known("+4915112345678").Suppression == nil })
}

// TestConsentsByPurpose: utility messages are agreed to by themselves, STOP ends both, and
// what held at any moment can be asked for.
func TestConsentsByPurpose(t *testing.T) {
	t.Parallel()
	e := start(t)
	const address = "+4915112345678"
	id := e.must("contactCreate", "contact", map[string]any{"address": address})
	states, _ := e.ledger(id, "")
	require.Equal(t, []string{"MARKETING UNKNOWN", "UTILITY UNKNOWN"}, statuses(states))
	day := func(n int) string { return time.Now().AddDate(0, 0, n).UTC().Format(time.RFC3339) }
	set := func(purpose, status, at string) {
		t.Helper()
		input := map[string]any{"id": id, "purpose": purpose, "status": status, "evidence": map[string]any{"note": "asked"}}
		if at != "" {
			input["occurredAt"] = at
		}
		e.must("contactConsentSet", "contact", input)
	}
	set("MARKETING", "OPTED_IN", day(-30))
	set("UTILITY", "OPTED_IN", day(-20))
	set("UTILITY", "OPTED_OUT", day(-10))
	states, events := e.ledger(id, "")
	require.Equal(t, []string{"MARKETING OPTED_IN", "UTILITY OPTED_OUT"}, statuses(states))
	require.Equal(t, "UTILITY", events[0].Purpose)
	require.Equal(t, "OPTED_IN", e.known(address).ConsentStatus, "consentStatus is about marketing")
	require.Nil(t, e.known(address).Suppression, "an opt-out of utility messages suppresses nothing")

	// Marketing goes to them, utility messages do not, and the message says why.
	require.Equal(t, 0, e.settled(e.launch("marketing", 1000)).Skipped)
	e.exec("UPDATE templates SET category = 'utility'")
	var all struct {
		Segments struct{ Nodes []struct{ ID string } }
	}
	e.do(&all, `{ segments { nodes { id } } }`, nil)
	var templates struct {
		Templates struct{ Nodes []struct{ ID string } }
	}
	e.do(&templates, `{ templates { nodes { id } } }`, nil)
	camp := e.must("campaignCreate", "campaign", map[string]any{
		"name": "utility", "segmentId": all.Segments.Nodes[0].ID, "templateId": templates.Templates.Nodes[0].ID,
	})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Equal(t, 1, e.settled(camp).Skipped)
	var why struct {
		Node struct {
			Messages struct {
				Nodes []struct {
					SkipReason string
					Decision   struct {
						Steps []struct {
							Check, Detail string
							Passed        *bool
						}
					}
				}
			}
		}
	}
	e.do(&why, `query($id: ID!) { node(id: $id) { ... on Campaign { messages(first: 5) { nodes { skipReason decision { steps { check passed detail } } } } } } }`,
		map[string]any{"id": camp})
	require.Equal(t, "opted_out", why.Node.Messages.Nodes[0].SkipReason)
	for _, s := range why.Node.Messages.Nodes[0].Decision.Steps {
		if s.Check == "Not opted out" {
			require.False(t, *s.Passed)
			require.Contains(t, s.Detail, "Opted out of utility messages")
		}
	}

	set("UTILITY", "OPTED_IN", "")
	e.saysUntil(address, "STOP", func() bool { return e.known(address).ConsentStatus == "OPTED_OUT" })
	states, _ = e.ledger(id, "")
	require.Equal(t, []string{"MARKETING OPTED_OUT", "UTILITY OPTED_OUT"}, statuses(states))
	require.Equal(t, "KEYWORD", states[1].Event.Source)
	require.Equal(t, "MARKETING", states[1].Event.Purpose, "the STOP")
	e.saysUntil(address, "START", func() bool { return e.known(address).ConsentStatus == "OPTED_IN" })
	for at, want := range map[string][]string{
		"":       {"MARKETING OPTED_IN", "UTILITY OPTED_IN"},
		day(-31): {"MARKETING UNKNOWN", "UTILITY UNKNOWN"},
		day(-25): {"MARKETING OPTED_IN", "UTILITY UNKNOWN"},
		day(-15): {"MARKETING OPTED_IN", "UTILITY OPTED_IN"},
		day(-5):  {"MARKETING OPTED_IN", "UTILITY OPTED_OUT"},
	} {
		states, _ := e.ledger(id, at)
		require.Equal(t, want, statuses(states), at)
	}
	var page struct {
		ConsentEvents struct{ Nodes []struct{ Purpose string } }
	}
	e.do(&page, `{ consentEvents(filter: {purpose: UTILITY}) { nodes { purpose } } }`, nil)
	require.Len(t, page.ConsentEvents.Nodes, 3)
}

// TestTextsAreVersions: a text by which people agreed is kept once, events point to it,
// by whatever way it came, and the proof has it.
func TestTextsAreVersions(t *testing.T) {
	t.Parallel()
	e := start(t)
	const agreed = "I want offers from Shop on WhatsApp."
	program := e.token(`role: MARKETER, scopes: [READ, CONTACTS_WRITE, CONTACTS_EXPORT]`)
	first := program.must("contactCreate", "contact", map[string]any{
		"address": "+4915112345678", "consentSource": "FORM",
		"consent": map[string]any{"text": agreed, "language": "en", "ip": "192.0.2.7"},
	})
	_, events := e.ledger(first, "")
	shown := events[0].Text
	require.Equal(t, agreed, shown.Content)
	require.Equal(t, "en", shown.Locale)
	require.Nil(t, shown.CreatedBy, "a program used it first")
	require.Equal(t, agreed, events[0].Evidence["text"])

	second := e.must("contactCreate", "contact", map[string]any{
		"address": "+4915112345679", "consent": map[string]any{"textId": shown.ID, "note": "in the shop"},
	})
	_, events = e.ledger(second, "")
	require.Equal(t, shown.ID, events[0].Text.ID)
	require.Equal(t, shown.ID, events[0].Evidence["textId"], "the id that was given, and nothing else under its name")
	require.Equal(t, "in the shop", events[0].Evidence["note"])

	upload, problems := e.upload("list.csv", []byte("phone\n+4915112345680\n+4915112345681\n"),
		`, consentSource: ALL, consentTextId: "`+shown.ID+`"`)
	require.Empty(t, problems)
	require.Equal(t, 2, e.imported(upload).Created)
	_, events = e.ledger(e.idOf("+4915112345681"), "")
	require.Equal(t, shown.ID, events[0].Text.ID)
	require.Equal(t, "list.csv", events[0].Evidence["file"])

	// Another language is another version; the words of an opt-out are no text.
	e.must("contactConsentSet", "contact", map[string]any{
		"id": second, "status": "OPTED_IN", "evidence": map[string]any{"text": agreed, "language": "en-GB"},
	})
	e.must("contactConsentSet", "contact", map[string]any{
		"id": second, "status": "OPTED_OUT", "evidence": map[string]any{"text": "leave me alone"},
	})
	_, events = e.ledger(second, "")
	require.Nil(t, events[0].Text)
	require.Equal(t, "leave me alone", events[0].Evidence["text"])
	var list struct {
		ConsentTexts struct {
			Nodes []struct {
				Content, Locale string
				CreatedBy       *struct{ Name string }
			}
		}
		Node struct{ Content string }
	}
	e.do(&list, `query($id: ID!) { consentTexts { nodes { content locale createdBy { name } } } node(id: $id) { ... on ConsentText { content } } }`,
		map[string]any{"id": shown.ID})
	require.Len(t, list.ConsentTexts.Nodes, 2)
	require.Equal(t, "en-GB", list.ConsentTexts.Nodes[0].Locale)
	require.NotNil(t, list.ConsentTexts.Nodes[0].CreatedBy)
	require.Equal(t, agreed, list.Node.Content)

	for input, problem := range map[string]map[string]any{
		"evidence.textId: give the text or the id of one, not both":               {"text": "x", "textId": shown.ID},
		`evidence.textId: "Q29uc2VudFRleHQ6OTk5OTk" is the id of no consent text`: {"textId": "Q29uc2VudFRleHQ6OTk5OTk"},
		"evidence.textId:": {"textId": first},
		"evidence.language: the text with this id has its own":          {"textId": shown.ID, "language": "de"},
		`evidence.ip: "fe80::1%eth0" is not an IP address`:              {"text": "x", "ip": "fe80::1%eth0"},
		`xxx…" is not an IP address`:                                    {"text": "x", "ip": "fe80::1%" + strings.Repeat("x", 900)},
		"evidence.note: at most 4,000 characters are allowed, not 4001": {"note": strings.Repeat("é", 4001)},
		`evidence.ip: "at home" is not an IP address`:                   {"text": "x", "ip": "at home"},
		"evidence.language:":                                            {"text": "x", "language": strings.Repeat("x", 36)},
		"evidence.text: at most 4,000 characters are allowed, not 4001": {"text": strings.Repeat("x", 4001)},
		"evidence: say how these people agreed: the text they saw, o":   {},
	} {
		_, problems := e.mutate("contactConsentSet", "contact", map[string]any{"id": first, "status": "OPTED_IN", "evidence": problem})
		require.Contains(t, problems, input)
	}
	e.must("contactConsentSet", "contact", map[string]any{
		"id": first, "status": "OPTED_OUT", "evidence": map[string]any{"note": strings.Repeat("é", 4000), "ip": "2001:DB8:0::1"},
	})
	_, events = e.ledger(first, "")
	require.Equal(t, strings.Repeat("é", 4000), events[0].Evidence["note"], "characters are counted, not bytes")
	require.Equal(t, "2001:db8::1", events[0].Evidence["ip"], "in its one spelling")
	_, problems = e.upload("list.csv", []byte("phone\n+4915112345680\n"), `, consentSource: ALL, consentTextId: "`+first+`"`)
	require.NotEmpty(t, problems)
	_, problems = e.upload("list.csv", []byte("phone\n+4915112345680\n"), `, consentSource: ALL, consentText: "`+strings.Repeat("é", 4000)+`"`)
	require.Empty(t, problems, "characters are counted here too")
	_, err := e.DB().ExecContext(t.Context(), "UPDATE consent_texts SET content = 'anything'")
	require.Error(t, err, "the database itself refuses it")

	// The proof has the text; another one does not fit.
	status, text := e.download("/downloads/contacts/" + first + "/proof.txt")
	require.Equal(t, 200, status, text)
	keys, err := e.Services.Trail.Keys(actor.With(t.Context(), actor.System))
	require.NoError(t, err)
	noted, err := audit.ParseKeys(keys[0].Public)
	require.NoError(t, err)
	r, err := proof.Check(text, noted)
	require.NoError(t, err)
	require.Equal(t, agreed, r.File.Consents[0].Text.Content)
	require.NotContains(t, r.File.Consents[0].Statement, agreed, "the statement has the text's hash")
}
