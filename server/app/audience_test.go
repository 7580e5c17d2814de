package app_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"eventstream/server/csvcell"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

type action struct {
	ID, Kind, Status, Failure, DownloadURL string
	Total, Done, Changed                   int
}

// act starts a bulk action and waits for its end; an export waits for its download.
func (e *env) act(name string, input map[string]any) (a action, problems string) {
	e.t.Helper()
	id, problems := e.mutate(name, "action", input)
	if problems != "" {
		return a, problems
	}
	var out struct{ Node action }
	require.Eventually(e.t, func() bool {
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on BulkAction { id kind status failure downloadUrl total done changed } } }`, map[string]any{"id": id})
		return out.Node.Status == "COMPLETED" || out.Node.Status == "FAILED" || out.Node.Kind == "EXPORT"
	}, patience, 20*time.Millisecond)
	return out.Node, ""
}

func (e *env) contact(address, fields string, out any) {
	e.t.Helper()
	e.do(out, `query($a: String!) { contact(address: $a) { `+fields+` } }`, map[string]any{"a": address})
}

func everybody() map[string]any { return map[string]any{"filter": map[string]any{}} }

func TestBulkActions(t *testing.T) {
	t.Parallel()
	e := start(t)
	id, problems := e.upload("people.csv", []byte("phone,name,city,opt-in\n"+rows(2500)), "")
	require.Empty(t, problems)
	require.Equal(t, 2500, e.imported(id).Created)
	berlin := map[string]any{"filter": map[string]any{"query": map[string]any{"city": "Berlin"}}}

	a, problems := e.act("contactTag", map[string]any{"contacts": berlin, "add": []any{"vip", "büro"}})
	require.Empty(t, problems)
	require.Equal(t, action{ID: a.ID, Kind: "TAG", Status: "COMPLETED", Total: 1250, Done: 1250, Changed: 1250}, a)
	a, _ = e.act("contactTag", map[string]any{"contacts": everybody(), "add": []any{"vip"}, "remove": []any{"büro"}})
	require.Equal(t, 2500, a.Changed, "half get the one, half lose the other")
	var count struct{ ContactCount int }
	e.do(&count, `query($q: SegmentQuery!) { contactCount(query: $q) }`,
		map[string]any{"q": map[string]any{"field": "attributes.tags", "op": "has", "value": "vip"}})
	require.Equal(t, 2500, count.ContactCount)
	for problem, input := range map[string]map[string]any{
		"at least one tag":   {"contacts": everybody()},
		"is not a tag":       {"contacts": everybody(), "add": []any{"a,b"}},
		"say which contacts": {"contacts": map[string]any{}, "add": []any{"x"}},
		"no contact":         {"contacts": map[string]any{"search": "nobody is called so"}, "add": []any{"x"}},
		"unknown field": {"contacts": map[string]any{"filter": map[string]any{"query": map[string]any{
			"field": "shoe",
			"op":    "eq", "value": 1,
		}}}, "add": []any{"x"}},
	} {
		_, problems := e.mutate("contactTag", "action", input)
		require.Contains(t, problems, problem)
	}

	// One opted out by hand: bulk opt-in leaves them alone.
	var one struct {
		Contact struct{ ID, ConsentStatus string }
	}
	e.contact("+4915100000001", "id consentStatus", &one)
	e.must("contactConsentSet", "contact", map[string]any{"id": one.Contact.ID, "status": "OPTED_OUT"})
	_, problems = e.mutate("contactConsentRecord", "action", map[string]any{"contacts": everybody(), "status": "OPTED_IN"})
	require.Contains(t, problems, "how these people agreed")
	a, _ = e.act("contactConsentRecord", map[string]any{
		"contacts": everybody(), "status": "OPTED_IN",
		"evidence": map[string]any{"note": "fair in May"},
	})
	require.Equal(t, 1249, a.Changed, "those without consent, but for the one who opted out")
	e.contact("+4915100000001", "id consentStatus", &one)
	require.Equal(t, "OPTED_OUT", one.Contact.ConsentStatus)
	require.Equal(t, 1249, e.query(`SELECT count(*) FROM consent_events WHERE source = 'operator' AND evidence ->> 'note' = 'fair in May'`))

	a, _ = e.act("contactSuppress", map[string]any{
		"contacts": map[string]any{"search": "Person 77"},
		"reason":   "COMPLAINT",
	})
	require.Equal(t, 11, a.Changed, "77 and 770 to 779")
	var quiet struct {
		Contact struct {
			Suppression  struct{ ID, Reason string }
			Suppressions []struct{ ID, Reason string }
		}
	}
	e.do(nil, `mutation { suppressionAdd(input: {address: "0049 151 00000077", until: "2100-01-01T00:00:00Z"}) { suppression { id } } }`, nil)
	e.contact("0049 151 00000077", "suppression { id reason } suppressions { id reason }", &quiet)
	require.Equal(t, "COMPLAINT", quiet.Contact.Suppression.Reason, "it lasts longest")
	require.Len(t, quiet.Contact.Suppressions, 2)
	var listed struct {
		Suppressions struct {
			Nodes []struct {
				Reason string
				Others []struct{ Reason string }
			}
		}
	}
	e.do(&listed, `{ suppressions(filter: {reason: OPERATOR}) { nodes { reason others { reason } } } }`, nil)
	require.Equal(t, "COMPLAINT", listed.Suppressions.Nodes[0].Others[0].Reason)
	var asked struct {
		SendCheck struct {
			Allowed    bool
			PossibleAt *time.Time
			Contact    struct{ Address string }
			Questions  []struct {
				Check, Rule, Detail string
				Passed              bool
			}
		}
	}
	e.do(&asked, `{ sendCheck(address: "0049 151 00000077", category: UTILITY) { allowed possibleAt contact { address }
		questions { check passed detail rule } } }`, nil)
	require.False(t, asked.SendCheck.Allowed)
	require.Nil(t, asked.SendCheck.PossibleAt)
	require.Equal(t, "Not suppressed", asked.SendCheck.Questions[2].Check)
	require.Regexp(t, `^Complaint since .*\. Operator since .* until 2100`, asked.SendCheck.Questions[2].Detail)
	_, errs := e.raw(`{ sendCheck(address: "0151", at: "2100-01-01T00:00:00Z") { allowed } }`, nil)
	require.Contains(t, errs[0].Message, "a year ahead")
	_, errs = e.raw(`{ sendCheck(contactId: "nonsense") { allowed } }`, nil)
	require.Equal(t, "INVALID", errs[0].Extensions.Code)
	var lifted struct {
		SuppressionRemove struct {
			Remaining  []struct{ Reason string }
			UserErrors []struct{ Message string }
		}
	}
	const lift = `mutation($id: ID!) { suppressionRemove(input: {id: $id}) { remaining { reason } userErrors { message } } }`
	e.do(&lifted, lift, map[string]any{"id": quiet.Contact.Suppression.ID})
	require.Len(t, lifted.SuppressionRemove.Remaining, 1)
	require.Equal(t, "OPERATOR", lifted.SuppressionRemove.Remaining[0].Reason)
	e.do(&lifted, lift, map[string]any{"id": quiet.Contact.Suppression.ID})
	require.Nil(t, lifted.SuppressionRemove.Remaining)
	require.Contains(t, lifted.SuppressionRemove.UserErrors[0].Message, "suppression")
	e.contact("0049 151 00000077", "suppression { id reason } suppressions { id reason }", &quiet)
	require.Equal(t, "OPERATOR", quiet.Contact.Suppression.Reason)
	require.Len(t, quiet.Contact.Suppressions, 1)
	e.do(&lifted, lift, map[string]any{"id": quiet.Contact.Suppression.ID})
	require.Empty(t, lifted.SuppressionRemove.Remaining)
	require.Equal(t, 11, e.query("SELECT count(*) FROM suppressed_addresses"), "ten complaints and the one who opted out")

	// An export comes back in unchanged.
	a, _ = e.act("contactExport", map[string]any{"contacts": everybody()})
	resp, err := e.http.Get(e.URL + a.DownloadURL)
	require.NoError(t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, 2501, strings.Count(string(raw), "\n"))
	require.Contains(t, string(raw), "phone,bsuid,name,locale,region")
	again, problems := e.upload("contacts.csv", raw, "")
	require.Empty(t, problems)
	i := e.imported(again)
	require.Equal(t, []int{2500, 0, 0}, []int{i.RowsTotal, i.Created, i.Rejected})
	a, _ = e.act("contactExport", map[string]any{"contacts": berlin, "format": "NDJSON"})
	resp, err = e.http.Get(e.URL + a.DownloadURL)
	require.NoError(t, err)
	raw, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 1250, strings.Count(string(raw), "\n"))
	resp, err = http.Get(e.URL + a.DownloadURL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)

	// Searches: any spelling, parts, attributes, beginnings.
	for search, want := range map[string]int{
		"person 1234": 1, "0151 00001234": 1, "+49 (151) 0000-1234": 1, "00001234": 1, "berl": 1250, "pe": 2500,
		"rson": 2500, "zz": 0, "%": 0, "büro": 0,
		"1234 person": 1, "berlin person": 1250, "Per Berl": 1250, "son berlin": 0, "person (": 0, "person zz": 0,
	} {
		var found struct{ Contacts struct{ TotalCount int } }
		e.do(&found, `query($s: String!) { contacts(search: $s, first: 1) { totalCount } }`, map[string]any{"s": search})
		require.Equal(t, want, found.Contacts.TotalCount, search)
	}

	// Over everything, by the same words.
	segment := e.must("segmentCreate", "segment", map[string]any{"name": "Berliners", "query": map[string]any{"city": "Berlin"}})
	camp := e.must("campaignCreate", "campaign", map[string]any{"name": "Spring in BERLIN"})
	type result struct {
		Node          struct{ ID string }
		Title, Detail string
	}
	everything := func(text string, first int) []result {
		var out struct{ Search []result }
		e.do(&out, `query($t: String!, $n: Int) { search(text: $t, first: $n) { node { id } title detail } }`,
			map[string]any{"t": text, "n": first})
		return out.Search
	}
	got := everything("berlin", 10)
	require.Len(t, got, 10)
	require.Equal(t, result{got[8].Node, "Spring in BERLIN", "DRAFT"}, got[8], "8 of the 1,250 contacts, and one of each other kind")
	require.Equal(t, "Berliners", got[9].Title)
	require.Equal(t, []string{camp, segment}, []string{got[8].Node.ID, got[9].Node.ID})
	require.Equal(t, "+49 1510 0001234", everything("0151 00001234", 10)[0].Detail)
	require.Empty(t, everything("  ", 10))
	require.Empty(t, everything("nothing is called so", 10))
	for _, first := range []int{0, 51, -1} {
		_, errs := e.raw(`query($n: Int) { search(text: "x", first: $n) { title } }`, map[string]any{"n": first})
		require.Len(t, errs, 1)
		require.Contains(t, errs[0].Message, fmt.Sprintf("%d is out of range: 1 to 50", first))
	}

	// Views.
	view := map[string]any{
		"name": "Berlin", "search": "person",
		"filter": map[string]any{"consentStatus": "OPTED_IN", "query": map[string]any{"city": "Berlin"}},
	}
	e.must("contactViewSave", "view", view)
	e.must("contactViewSave", "view", view)
	var views struct {
		ContactViews []struct {
			ID, Name, Search string
			Filter           struct {
				ConsentStatus string
				Query         map[string]any
			}
		}
	}
	e.do(&views, `{ contactViews { id name search filter { consentStatus query } } }`, nil)
	require.Len(t, views.ContactViews, 1, "saved twice is once")
	require.Equal(t, "OPTED_IN", views.ContactViews[0].Filter.ConsentStatus)
	require.Equal(t, map[string]any{"city": "Berlin"}, views.ContactViews[0].Filter.Query)
	e.do(nil, `mutation($id: ID!) { contactViewDelete(input: {id: $id}) { deletedId } }`,
		map[string]any{"id": views.ContactViews[0].ID})
	e.do(&views, `{ contactViews { id } }`, nil)
	require.Empty(t, views.ContactViews)

	// As a workbook, too: what looks like a formula is a text there, and comes back as it was.
	e.exec("UPDATE contacts SET name = '=1+1' WHERE id = (SELECT min(id) FROM contacts)")
	a, _ = e.act("contactExport", map[string]any{"contacts": everybody(), "format": "XLSX"})
	require.True(t, strings.HasSuffix(a.DownloadURL, "/contacts.xlsx"), a.DownloadURL)
	resp, err = e.http.Get(e.URL + a.DownloadURL)
	require.NoError(t, err)
	raw, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, csvcell.XLSX.ContentType(), resp.Header.Get("Content-Type"))
	again, problems = e.upload("contacts.xlsx", raw, "")
	require.Empty(t, problems)
	i = e.imported(again)
	require.Equal(t, []int{2500, 0, 0}, []int{i.RowsTotal, i.Created, i.Rejected})
	require.Equal(t, 1, e.query("SELECT count(*) FROM contacts WHERE name = '=1+1'"))
}

func rows(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "+49151%08d,Person %d,%s,%s\n", i, i, []string{"Berlin", "Köln"}[i%2], []string{"yes", "no"}[i%2])
	}
	return out.String()
}

func TestEraseLeavesNothingPersonal(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	camp := e.launch("before", 1000)
	require.Equal(t, 3, e.await(camp, "COMPLETED").Accepted)
	e.settled(camp)
	const number = "+4915100000001"
	e.do(nil, `mutation { sandboxInboundSend(input: {from: "`+number+`", body: "my secret"}) { sid } }`, nil)
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM messages WHERE body = 'my secret'") == 1 },
		patience, 20*time.Millisecond)
	var one struct{ Contact struct{ ID string } }
	e.contact(number, "id", &one)
	only := map[string]any{"ids": []any{one.Contact.ID}}

	_, problems := e.mutate("contactErase", "action", map[string]any{"contacts": everybody(), "expected": 2})
	require.Contains(t, problems, "look again")
	a, problems := e.act("contactErase", map[string]any{"contacts": only, "expected": 1})
	require.Empty(t, problems)
	require.Equal(t, 1, a.Changed)
	digits := "%" + strings.TrimPrefix(number, "+") + "%"
	require.Eventually(t, func() bool { // receipts that were on their way are scrubbed a second later, by maintenance
		return e.query("SELECT count(*) FROM webhook_events WHERE params::text LIKE ? OR params::text LIKE '%my secret%'",
			digits) == 0
	}, patience, 50*time.Millisecond)
	for table, sql := range map[string]string{
		"contacts": "SELECT count(*) FROM contacts c WHERE c::text LIKE ? OR name = 'Person 1'",
		"messages": "SELECT count(*) FROM messages m WHERE m::text LIKE ? OR body LIKE '%Person 1,%' OR body = 'my secret'",
		"audit":    "SELECT count(*) FROM audit_entries a WHERE a::text LIKE ?",
		"jobs":     "SELECT count(*) FROM river_job j WHERE j.args::text LIKE ?",
		"ledger":   "SELECT count(*) FROM consent_events ce WHERE ce::text LIKE ?",
	} {
		require.Zero(t, e.query(sql, digits), table)
	}
	require.Equal(t, 1, e.query("SELECT count(*) FROM suppressed_addresses WHERE reason = 'erased'"))
	var events struct {
		WebhookEvents struct {
			Nodes []struct{ Params map[string]string }
		}
	}
	e.do(&events, `{ webhookEvents(first: 50) { nodes { params } } }`, nil)
	require.NotEmpty(t, events.WebhookEvents.Nodes, "what is left of them can still be listed")
	require.Positive(t, e.query("SELECT count(*) FROM audit_entries WHERE action = 'contact.erase'"))

	// An old list does not bring them back; their own START does.
	again, problems := e.upload("old.csv", []byte("phone,name,opt-in\n"+number+",Person 1,yes\n"), "")
	require.Empty(t, problems)
	require.Equal(t, 1, e.imported(again).Created)
	camp = e.launch("after", 1000)
	c := e.await(camp, "COMPLETED")
	require.Equal(t, 2, c.Accepted)
	require.Equal(t, 1, c.Skipped)
	e.do(nil, `mutation { sandboxInboundSend(input: {from: "`+number+`", body: "START"}) { sid } }`, nil)
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM suppressed_addresses") == 0 }, patience,
		20*time.Millisecond)
	camp = e.launch("back", 1000)
	require.Equal(t, 3, e.await(camp, "COMPLETED").Accepted)
}

func TestMergeJoinsTwoWhoAreOne(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(2)
	camp := e.launch("both", 1000)
	require.Equal(t, 2, e.await(camp, "COMPLETED").Accepted)
	e.settled(camp)
	const keep, gone = "+4915100000000", "+4915100000001"
	type person struct {
		ID, Name, Address, ConsentStatus string
		Attributes                       map[string]any
		PossibleDuplicates               []struct{ ID string }
		Messages                         struct{ Nodes []struct{ ID string } }
		Timeline                         []struct{ Kind, Action string }
	}
	var a, b struct{ Contact *person }
	const fields = "id name address consentStatus attributes possibleDuplicates { id } messages(first: 50) { nodes { id } } timeline { kind action }"
	e.contact(keep, "id", &a)
	e.contact(gone, "id", &b)
	e.must("contactUpdate", "contact", map[string]any{
		"id": a.Contact.ID, "name": "Anna",
		"attributes": map[string]any{"email": "a@example.com", "city": "Berlin"},
	})
	e.must("contactUpdate", "contact", map[string]any{
		"id": b.Contact.ID, "name": "anna",
		"attributes": map[string]any{"city": "Köln", "plan": "pro"},
	})
	e.contact(keep, fields, &a)
	require.Len(t, a.Contact.PossibleDuplicates, 1)
	var others []string
	for i := range 3 {
		others = append(others, e.must("contactCreate", "contact",
			map[string]any{"address": fmt.Sprintf("+491520000000%d", i), "name": "Anna"}))
	}
	e.contact(keep, fields, &a)
	require.Empty(t, a.Contact.PossibleDuplicates, "a name that five have says nothing")
	for i, id := range others {
		e.must("contactUpdate", "contact", map[string]any{"id": id, "name": fmt.Sprintf("Other %d", i)})
	}
	_, problems := e.mutate("contactMerge", "contact", map[string]any{"id": a.Contact.ID, "mergeId": a.Contact.ID})
	require.Contains(t, problems, "with itself")

	// The other one opts out: that binds the kept contact too.
	e.must("contactConsentSet", "contact", map[string]any{"id": b.Contact.ID, "status": "OPTED_OUT"})
	e.must("contactMerge", "contact", map[string]any{"id": a.Contact.ID, "mergeId": b.Contact.ID})
	e.contact(keep, fields, &a)
	require.Equal(t, "OPTED_OUT", a.Contact.ConsentStatus)
	require.Equal(t, map[string]any{"email": "a@example.com", "city": "Berlin", "plan": "pro"}, a.Contact.Attributes)
	e.contact(gone, fields, &b)
	require.Equal(t, a.Contact.ID, b.Contact.ID, "the old number leads to the kept contact")
	kinds := map[string]int{}
	for _, h := range a.Contact.Timeline {
		kinds[h.Kind+h.Action]++
	}
	require.Positive(t, kinds["MESSAGE"])
	require.Positive(t, kinds["DELIVERY"])
	require.Positive(t, kinds["CONSENT"])
	require.Equal(t, 1, kinds["CHANGEcontact.merge"])
	e.exact(camp)

	// What comes from the old number reaches the kept contact; so does a file with it.
	e.do(nil, `mutation { sandboxInboundSend(input: {from: "`+gone+`", body: "it is me"}) { sid } }`, nil)
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.body = 'it is me' AND c.address = ?", keep) == 1
	}, patience, 20*time.Millisecond)
	id, problems := e.upload("old.csv", []byte("phone,name\n"+gone+",Anna\n+4915100000009,New\n"), "")
	require.Empty(t, problems)
	i := e.imported(id)
	require.Equal(t, []int{2, 1, 1, 0}, []int{i.RowsTotal, i.Created, i.Updated + i.Unchanged, i.Rejected})
	_, problems = e.mutate("contactMerge", "contact", map[string]any{"id": a.Contact.ID, "mergeId": a.Contact.ID})
	require.NotEmpty(t, problems)
}

func TestPreviewTellsWhy(t *testing.T) {
	t.Parallel()
	e := start(t)
	id, problems := e.upload("people.csv",
		[]byte("phone,name,city,joined\n+4915100000001,Anna,Berlin,2026-01-31\n+4915100000002,Ben,Köln,2026-02-28\n"), "")
	require.Empty(t, problems)
	e.imported(id)
	var out struct {
		SegmentPreview struct {
			Count   int
			Sample  []struct{ Name string }
			Reasons []struct {
				Conditions []struct {
					Path    string
					Matches bool
					Value   *string
				}
			}
		}
		AttributeKeys []struct {
			Key      string
			Types    []string
			Coverage float64
			Samples  []string
		}
	}
	e.do(&out, `query($q: SegmentQuery!) { segmentPreview(query: $q) { count sample { name } reasons { conditions { path matches value } } } attributeKeys { key types coverage samples } }`, map[string]any{"q": map[string]any{
		"any": []any{
			map[string]any{"field": "attributes.city", "op": "eq", "value": "Berlin"},
			map[string]any{"not": map[string]any{"event": "read"}},
			map[string]any{"field": "created_at", "op": "within_last", "value": "1d"},
		},
	}})
	require.Equal(t, 2, out.SegmentPreview.Count)
	require.Equal(t, "Ben", out.SegmentPreview.Sample[0].Name)
	ben := out.SegmentPreview.Reasons[0].Conditions
	require.Len(t, ben, 3)
	require.Equal(t, "query.any[0]", ben[0].Path)
	require.False(t, ben[0].Matches)
	require.Equal(t, "Köln", *ben[0].Value)
	require.Equal(t, "query.any[1].not", ben[1].Path)
	require.Equal(t, "0", *ben[1].Value)
	require.True(t, ben[2].Matches)
	require.Equal(t, "joined", out.AttributeKeys[1].Key)
	require.Equal(t, []string{"date"}, out.AttributeKeys[1].Types)
	require.InDelta(t, 1, out.AttributeKeys[1].Coverage, 1e-9)
}

// After an erasure the texts and media go at Twilio too: what is delivered at once, what
// is still on its way once its delivery is over.
func TestErasureAlsoEmptiesTheMessagesAtTwilio(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	e.settled(e.launch("before", 1000))
	const number = "+4915100000001"
	_, err := e.Sandbox.SendInboundWith(t.Context(), number, "", sandbox.PhoneNumber, "my secret", "Ada",
		map[string]string{"NumMedia": "1", "MediaContentType0": "image/jpeg", "MediaUrl0": "https://api.twilio.com/media"})
	require.NoError(t, err)
	e.faults(func(s *sandbox.Settings) { s.DeliveryMS = 3_600_000 })
	id := e.launch("under way", 1000)
	e.await(id, "COMPLETED")
	e.faults(func(s *sandbox.Settings) { s.TooManyRate, s.ServerErrorRate = 0.3, 0.3 })
	kept := map[string]int{}
	logged := func(of string) (texts, media, all int) {
		for _, m := range e.Sandbox.Messages() {
			if m.To == "whatsapp:"+of || m.From == "whatsapp:"+of {
				all++
				media += len(m.Media)
				if m.Body != "" {
					texts++
				}
			}
		}
		return texts, media, all
	}
	texts, media, _ := logged(number)
	require.Equal(t, []int{3, 1}, []int{texts, media})
	kept["other"], _, _ = logged("+4915100000002")
	a, problems := e.act("contactErase", map[string]any{"contacts": map[string]any{"ids": []any{e.idOf(number)}}, "expected": 1})
	require.Empty(t, problems)
	require.Equal(t, "COMPLETED", a.Status, "the erasure waits for nobody")
	redaction := func() (r struct{ Done, Waiting, Gone int }) {
		var out struct {
			BulkActions struct {
				Nodes []struct {
					Redaction *struct{ Done, Waiting, Gone int }
				}
			}
		}
		e.do(&out, `{ bulkActions(first: 1) { nodes { redaction { done gone waiting refused { reason count } } } } }`, nil)
		if out.BulkActions.Nodes[0].Redaction != nil {
			r = *out.BulkActions.Nodes[0].Redaction
		}
		return r
	}
	require.Eventually(t, func() bool {
		e.exec("UPDATE redactions SET next_try = least(next_try, now())")
		return redaction().Done == 2 &&
			e.query("SELECT count(*) FROM redactions WHERE outcome = 'waiting' AND reason = 'its delivery is not over'") == 1
	}, patience, 20*time.Millisecond)
	require.Equal(t, 1, redaction().Waiting, "the one that is not delivered yet")
	texts, media, all := logged(number)
	require.Equal(t, []int{1, 0, 3}, []int{texts, media, all}, "the record stays")

	e.faults(func(s *sandbox.Settings) { s.TooManyRate, s.ServerErrorRate, s.DeliveryMS = 0, 0, 100 })
	for _, m := range e.Sandbox.Messages() {
		if m.To == "whatsapp:"+number && m.Body != "" {
			e.Sandbox.Finish(m.SID)
		}
	}
	require.Eventually(t, func() bool {
		e.exec("UPDATE redactions SET next_try = least(next_try, now())")
		return redaction().Done == 3
	}, patience, 20*time.Millisecond)
	texts, _, _ = logged(number)
	require.Zero(t, texts)
	texts, _, _ = logged("+4915100000002")
	require.Equal(t, kept["other"], texts, "nobody else's")
	require.Equal(t, 1, e.query(`SELECT count(*) FROM audit_entries WHERE action = 'contact.redact' AND changes ->> 'done' = '3'`))
}
