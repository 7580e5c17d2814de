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
