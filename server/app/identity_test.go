package app_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// someone is a contact as the API shows it.
type someone struct {
	ID, Address, ConsentStatus, Region string
	Addresses                          []struct {
		Address, Kind, Source string
		Preferred             bool
		LastSeenAt            *string
	}
	Suppression *struct{ Reason string }
	Messages    struct {
		Nodes []struct{ Body, Status string }
	}
}

const someoneFields = `{ id address consentStatus region addresses { address kind source preferred lastSeenAt }
	suppression { reason } messages(first: 20) { nodes { body status } } }`

// known gives the contact with this address; nil: nobody.
func (e *env) known(address string) *someone {
	e.t.Helper()
	var out struct{ Contact *someone }
	e.do(&out, `query($a: String) { contact(address: $a) `+someoneFields+` }`, map[string]any{"a": address})
	return out.Contact
}

func (s *someone) list() (all []string) {
	for _, a := range s.Addresses {
		all = append(all, a.Kind+" "+a.Address)
	}
	return all
}

// TestOnePersonOneIdentity goes from the sandbox's webhooks to the API: a number, the
// number with an id, the id alone, and a new number with the id.
func TestOnePersonOneIdentity(t *testing.T) {
	t.Parallel()
	e := start(t)
	const number, id, newer = "+4915112345678", "DE.1000000000000001", "+4915187654321"
	heard := func(address, body string) func() bool {
		return func() bool {
			c := e.known(address)
			return c != nil && len(c.Messages.Nodes) > 0 && c.Messages.Nodes[0].Body == body
		}
	}
	await := func(what func() bool, why string) {
		t.Helper()
		require.Eventually(t, what, patience, 20*time.Millisecond, why)
	}
	e.must("contactCreate", "contact", map[string]any{"address": newer, "name": "Ada", "consent": map[string]any{"note": "on paper"}})
	e.says(number, "one")
	await(heard(number, "one"), "the number")
	e.saysAs(number, id, "two")
	await(heard(id, "two"), "number and id")
	e.says(id, "three")
	await(heard(number, "three"), "the id alone reaches the same person")
	require.Equal(t, []string{"PHONE " + number, "BSUID " + id}, e.known(id).list())

	// An import by either finds them.
	upload, problems := e.upload("ids.csv", []byte("phone,bsuid,city\n,"+id+",Berlin\n+4915112345679,DE.77,Köln\n"), "")
	require.Empty(t, problems)
	i := e.imported(upload)
	require.Equal(t, []int{1, 1, 0}, []int{i.Created, i.Updated, i.Rejected})
	require.Equal(t, []string{"PHONE +4915112345679", "BSUID DE.77"}, e.known("DE.77").list())
	upload, _ = e.upload("both.csv", []byte("phone,bsuid\n"+number+",DE.77\n"), "")
	require.Equal(t, 1, e.imported(upload).Rejected, "a file merges nobody")

	// They are found by whatever address, in searches and segments.
	for _, term := range []string{id, "1000000000000001", number, "0151 1234 5678"} {
		var found struct{ Contacts struct{ Nodes []someone } }
		e.do(&found, `query($s: String) { contacts(first: 5, search: $s) { nodes `+someoneFields+` } }`, map[string]any{"s": term})
		require.Len(t, found.Contacts.Nodes, 1, term)
		require.Equal(t, number, found.Contacts.Nodes[0].Address)
	}
	for query, want := range map[string]int64{
		`{"field": "address", "op": "eq", "value": "` + id + `"}`:                     1,
		`{"field": "address", "op": "in", "value": ["` + id + `", "` + number + `"]}`: 1,
		`{"field": "address", "op": "starts_with", "value": "DE."}`:                   2,
		`{"field": "address", "op": "ne", "value": "` + id + `"}`:                     2,
	} {
		var out struct{ SegmentPreview struct{ Count int64 } }
		e.do(&out, `query($q: SegmentQuery!) { segmentPreview(query: $q) { count } }`, map[string]any{"q": json.RawMessage(query)})
		require.Equal(t, want, out.SegmentPreview.Count, query)
	}

	// A new number with the id: a contact has it, who agreed on paper. STOP came before.
	e.says(id, "STOP")
	await(func() bool { return e.known(number).ConsentStatus == "OPTED_OUT" }, "STOP from the id")
	e.saysAs(newer, id, "my new number")
	await(heard(id, "my new number"), "merged")
	c := e.known(newer)
	require.Equal(t, "OPTED_OUT", c.ConsentStatus)
	require.Equal(t, newer, c.Address)
	require.NotNil(t, c.Suppression)
	require.ElementsMatch(t, []string{"PHONE " + newer, "PHONE " + number, "BSUID " + id}, c.list())
	require.Equal(t, c.ID, e.known(number).ID)
	var all struct {
		Suppressions struct{ Nodes []struct{ Reason string } }
	}
	e.do(&all, `query($a: String) { suppressions(filter: {address: $a}, first: 5) { nodes { reason } } }`, map[string]any{"a": newer})
	require.NotEmpty(t, all.Suppressions.Nodes, "the opt-out of one address is found by another")

	// Erased, none of the addresses comes back by a list.
	e.must("contactErase", "action", map[string]any{"contacts": map[string]any{"ids": []string{c.ID}}, "expected": 1})
	await(func() bool { return e.known(id) == nil }, "erased")
	upload, _ = e.upload("again.csv", []byte("phone,bsuid,opt-in\n,"+id+",yes\n"+newer+",,yes\n"), "")
	e.imported(upload)
	for _, address := range []string{id, newer} {
		require.NotNil(t, e.known(address).Suppression, address)
		require.NotEqual(t, "OPTED_IN", e.known(address).ConsentStatus, address)
	}
}

// TestReceiptsTellTheID: a receipt of a message to the number names the id; from then
// on the id alone is known.
func TestReceiptsTellTheID(t *testing.T) {
	t.Parallel()
	e := start(t)
	const id = "DE.1000000000000001"
	e.saysAs("+4915112345679", id, "hello") // the sandbox knows the id from now on
	require.Eventually(t, func() bool { return e.known(id) != nil }, patience, 20*time.Millisecond)
	var out struct {
		Contact struct{ Conversation struct{ ID string } }
	}
	e.do(&out, `{ contact(address: "`+id+`") { conversation { id } } }`, nil)
	e.query(`WITH gone AS (DELETE FROM contact_addresses WHERE match_key = '` + id + `' RETURNING 1) SELECT count(*) FROM gone`)
	require.Nil(t, e.known(id), "forgotten here, for the sake of the test")
	e.must("conversationReply", "message", map[string]any{"id": out.Contact.Conversation.ID, "body": "And hello to you"})
	require.Eventually(t, func() bool {
		c := e.known(id)
		return c != nil && c.Address == "+4915112345679" && strings.Contains(strings.Join(c.list(), ","), "BSUID "+id)
	}, patience, 20*time.Millisecond)
	require.Equal(t, "RECEIPT", e.known(id).Addresses[1].Source)
}
