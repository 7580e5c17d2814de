package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"eventstream/server/globalid"

	"github.com/stretchr/testify/require"
)

type named struct {
	Field, Entity string
	Number        int64
	ID, Name      *string
	Gone          bool
}

// The trail's numbers are read with names, and its sentences in the reader's language, while what was recorded stays.
func TestTheTrailsNumbersHaveNames(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(2)
	segment := e.must("segmentCreate", "segment", map[string]any{"name": "Berliners", "query": map[string]any{"all": []any{}}})
	spring, summer := e.approved("Hello."), e.approved("Hello again.")
	camp := e.must("campaignCreate", "campaign", map[string]any{"name": "Spring", "segmentId": segment, "templateId": spring})
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "templateId": summer, "segmentId": segment, "name": "Summer"})
	require.Empty(t, e.problem("templateDelete", map[string]any{"id": spring}))
	bea, beaID := e.person("bea", "MARKETER")
	action := e.must("contactErase", "action", map[string]any{
		"contacts": map[string]any{"ids": []any{e.idOf("+4915100000000")}}, "expected": 1,
	})

	require.Eventually(t, func() bool {
		var out struct{ Node struct{ Status string } }
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on BulkAction { status } } }`, map[string]any{"id": action})
		return out.Node.Status == "COMPLETED"
	}, patience, 20*time.Millisecond)

	type entry struct {
		Actor, Subject *named
		References     []named
		Changes        json.RawMessage
		Sentences      []struct{ Recorded, Text string }
	}
	const document = `query($a: String!) { auditEntries(filter: {action: $a}) { nodes {
		actor { entity number id name gone } subject { entity number id name gone } changes
		references { field entity number id name gone } sentences { recorded text } } } }`
	entries := func(who *env, action string) []entry {
		var trail struct{ AuditEntries struct{ Nodes []entry } }
		who.do(&trail, document, map[string]any{"a": action})
		return trail.AuditEntries.Nodes
	}
	of := func(global, field, entity, name string, gone bool) named {
		_, number, _ := globalid.Split(global)
		n := named{Field: field, Entity: entity, Number: number, ID: &global, Gone: gone}
		if name != "" {
			n.Name = &name
		}
		return n
	}
	nameOf := func(id string) string {
		var out struct{ Node struct{ Name string } }
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Template { name } } }`, map[string]any{"id": id})
		return out.Node.Name
	}
	changed := entries(e, "campaign.update")[0]
	require.Equal(t, "Admin", *changed.Actor.Name)
	require.Equal(t, of(camp, "", "campaign", "Summer", false), *changed.Subject)
	deleted := "" // its name is read below
	for _, r := range changed.References {
		if *r.ID == spring {
			deleted = *r.Name
		}
	}
	require.NotEmpty(t, deleted, "a deleted template is kept, and so is its name")
	require.Equal(t, []named{of(spring, "template", "template", deleted, true), of(summer, "template", "template", nameOf(summer), false)}, changed.References)
	require.NotContains(t, string(changed.Changes), deleted, "what was recorded is what was hashed")

	erased := entries(e, "contact.erase")[0]
	require.True(t, erased.Subject.Gone)
	require.Nil(t, erased.Subject.Name)
	require.Empty(t, entries(e, "campaign.create")[0].Sentences)
	require.Equal(t, "bea", *entries(e, "operator.create")[0].Subject.Name)

	// A machine may read the trail, and nothing of operators.
	machine := e.token("role: ADMIN")
	seen := entries(machine, "operator.create")[0]
	require.Equal(t, of(beaID, "", "operator", "", false), *seen.Subject)
	require.Equal(t, "Summer", *entries(machine, "campaign.update")[0].Subject.Name)
	require.NotEmpty(t, bea.refused(`{ auditEntries { nodes { subject { name } } } }`))

	// The server's own sentences are in the reader's language, a person's stay.
	e.exec(`INSERT INTO audit_entries (actor_kind, action, entity, entity_id, changes) VALUES
		('system', 'campaign.fail', 'campaign', 1, '{"failure": "It could not start: the segment is gone"}'),
		('system', 'campaign.pause', 'campaign', 1, '{"reason": "Die Bilder fehlen noch"}')`)
	body, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"a": "campaign.fail"}})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL+"/graphql", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Language", "de")
	resp, err := e.http.Do(req)
	require.NoError(t, err)
	data, errs := decode(t, resp)
	require.Empty(t, errs)
	var german struct{ AuditEntries struct{ Nodes []entry } }
	require.NoError(t, json.Unmarshal(data, &german))
	said := german.AuditEntries.Nodes[0].Sentences
	require.Len(t, said, 1)
	require.Equal(t, "It could not start: the segment is gone", said[0].Recorded)
	require.NotEqual(t, said[0].Recorded, said[0].Text)
	require.Empty(t, entries(e, "campaign.pause")[0].Sentences)
}

// The trail is narrowed by who did something and when, page by page, and says what is wrong with a filter.
func TestTheTrailIsNarrowedByWhoAndWhen(t *testing.T) {
	t.Parallel()
	e := start(t)
	_, beaID := e.person("bea", "MARKETER")
	number, err := globalid.Decode("id", "Operator", beaID)
	require.NoError(t, err)
	e.exec(`INSERT INTO audit_entries (actor_kind, actor_id, action, entity, entity_id, created_at)
		SELECT CASE WHEN i = 9 THEN 'api_token' ELSE 'operator' END, CASE i % 2 WHEN 1 THEN ?0::bigint ELSE 0 END, 'campaign.pause',
			'campaign', i, '2025-03-01T12:00:00Z'::timestamptz + make_interval(days => i)
		FROM generate_series(1, 9) i`, number)
	type trail struct {
		AuditEntries struct {
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
			Nodes []struct{ Subject struct{ Number int64 } }
		}
	}
	const document = `query($f: AuditFilter, $n: Int, $after: String) { auditEntries(filter: $f, first: $n, after: $after) {
		pageInfo { hasNextPage endCursor } nodes { subject { number } } } }`
	list := func(filter map[string]any) (found []int64) {
		var out trail
		for after := any(nil); ; after = out.AuditEntries.PageInfo.EndCursor {
			e.do(&out, document, map[string]any{"f": filter, "n": 2, "after": after})
			for _, n := range out.AuditEntries.Nodes {
				found = append(found, n.Subject.Number)
			}
			if !out.AuditEntries.PageInfo.HasNextPage {
				return found
			}
		}
	}
	day := func(d int) string { return time.Date(2025, 3, 1+d, 12, 0, 0, 0, time.UTC).Format(time.RFC3339) }
	require.Equal(t, []int64{6, 5, 4, 3}, list(map[string]any{"from": day(3), "to": day(7)}), "to is excluded")
	require.Equal(t, []int64{3, 2, 1}, list(map[string]any{"to": day(4)}))
	require.Equal(t, []int64{7, 5, 3, 1}, list(map[string]any{"operatorId": beaID, "action": "campaign.pause"}),
		"a token of the same number is somebody else")
	require.Equal(t, []int64{5, 3}, list(map[string]any{"operatorId": beaID, "from": day(2), "to": day(6)}))
	require.Empty(t, list(map[string]any{"operatorId": beaID, "from": day(9), "to": day(30)}))

	wrong := func(filter map[string]any) string {
		_, errs := e.raw(document, map[string]any{"f": filter})
		require.Len(t, errs, 1)
		return errs[0].Message
	}
	require.Contains(t, wrong(map[string]any{"from": day(3), "to": day(3)}), "is not after")
	require.Contains(t, wrong(map[string]any{"operatorId": e.firstSender()}), "is the id of a Sender, want a Operator")
	require.Contains(t, wrong(map[string]any{"from": "yesterday"}), "yesterday")
}

// What Twilio reported is listed newest first, so that a page begins with it before the subscription brings more.
func TestDeliveryEventsAreListed(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(1)
	e.exec("INSERT INTO messages (direction, purpose, contact_id, status) SELECT 'outbound', 'reply', id, 'read' FROM contacts LIMIT 1")
	e.exec(`INSERT INTO delivery_events (message_id, sid, status, error_code, occurred_at)
		SELECT m.id, 'SM1', v.status, v.code, now() FROM messages m,
			(VALUES (1, 'sent', 0), (2, 'undelivered', 63024), (3, 'read', 0)) v (n, status, code) ORDER BY v.n`)
	var out struct {
		DeliveryEvents struct {
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
			Nodes []struct {
				Status     string
				ErrorTitle *string
				Message    struct{ Contact struct{ Address string } }
			}
		}
	}
	const document = `query($after: String) { deliveryEvents(first: 2, after: $after) { pageInfo { hasNextPage endCursor }
		nodes { status errorTitle message { contact { address } } } } }`
	e.do(&out, document, nil)
	require.True(t, out.DeliveryEvents.PageInfo.HasNextPage)
	nodes := out.DeliveryEvents.Nodes
	require.Len(t, nodes, 2)
	require.Equal(t, "READ", nodes[0].Status)
	require.Equal(t, "UNDELIVERED", nodes[1].Status)
	require.NotNil(t, nodes[1].ErrorTitle)
	require.Equal(t, "+4915100000000", nodes[0].Message.Contact.Address)
	e.do(&out, document, map[string]any{"after": out.DeliveryEvents.PageInfo.EndCursor})
	require.False(t, out.DeliveryEvents.PageInfo.HasNextPage)
	require.Len(t, out.DeliveryEvents.Nodes, 1)
	require.Equal(t, "SENT", out.DeliveryEvents.Nodes[0].Status)
}
