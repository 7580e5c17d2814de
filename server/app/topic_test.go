package app_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type subscription struct {
	Topic          struct{ Name string }
	Status, Source string
}

func (e *env) topicsOf(address string) (consent string, subs []subscription) {
	e.t.Helper()
	var out struct {
		Contact struct {
			ConsentStatus string
			Topics        []subscription
		}
	}
	e.contact(address, "consentStatus topics { topic { name } status source since }", &out)
	return out.Contact.ConsentStatus, out.Contact.Topics
}

// subscribers gives a topic's three figures.
func (e *env) subscribers(name string) (subscribed, reachable, left int) {
	e.t.Helper()
	var out struct {
		Topics []struct {
			Name                         string
			Subscribers, Reachable, Left int
		}
	}
	e.do(&out, `{ topics { name subscribers reachable left } }`, nil)
	for _, t := range out.Topics {
		if t.Name == name {
			return t.Subscribers, t.Reachable, t.Left
		}
	}
	e.t.Fatalf("there is no topic %q", name)
	return 0, 0, 0
}

func (e *env) saysUntil(from, body string, done func() bool) {
	e.t.Helper()
	e.says(from, body)
	require.Eventually(e.t, done, patience, 20*time.Millisecond, body)
}

// confirmations are the texts of the confirmations to one contact, newest first.
func (e *env) confirmations(address string) (bodies []string) {
	e.t.Helper()
	var out struct {
		Contact struct {
			Messages struct {
				Nodes []struct{ Purpose, Body string }
			}
		}
	}
	e.contact(address, "messages(first: 50) { nodes { purpose body } }", &out)
	for _, m := range out.Contact.Messages.Nodes {
		if m.Purpose == "CONFIRMATION" {
			bodies = append(bodies, m.Body)
		}
	}
	return bodies
}

func TestACampaignWithATopicGoesOnlyToItsSubscribers(t *testing.T) {
	t.Parallel()
	e := start(t)
	news := e.must("topicCreate", "topic", map[string]any{"name": "Price alerts", "keyword": "News"})
	other := e.must("topicCreate", "topic", map[string]any{"name": "Événements", "description": "What is on"})
	for problem, input := range map[string]map[string]any{
		`there is a topic named "price ALERTS" already`: {"name": "price ALERTS"},
		`another topic has the keyword "NEWS!"`:         {"name": "Another", "keyword": "NEWS!"},
		"means something of its own":                    {"name": "Another", "keyword": "all"},
		"is not a keyword":                              {"name": "Another", "keyword": "!!"},
		"without comma":                                 {"name": "One, two"},
		"is not a name":                                 {"name": " "},
	} {
		_, problems := e.mutate("topicCreate", "topic", input)
		require.Contains(t, problems, problem)
	}

	// The file names topics by name or keyword, in any case; one row names none there is.
	var csv strings.Builder
	csv.WriteString("phone,name,opt-in,Topics\n")
	for i := range 40 {
		fmt.Fprintf(&csv, "+49151%08d,Person %d,yes,%s\n", i, i, []string{
			"price alerts", "NEWS; evenements", "",
			"Événements",
		}[i%4])
	}
	csv.WriteString("+4915100000099,Typo,yes,Price alarms\n")
	id, problems := e.upload("people.csv", []byte(csv.String()), ", dryRun: true")
	require.Empty(t, problems)
	require.Equal(t, 40, e.imported(id).Created)
	require.Zero(t, e.query("SELECT count(*) FROM contact_topics"), "a dry run writes nothing")
	id, problems = e.upload("people.csv", []byte(csv.String()), "")
	require.Empty(t, problems)
	in := e.imported(id)
	require.Equal(t, 40, in.Created)
	require.Equal(t, 1, in.Rejected)
	require.Equal(t, 2, e.query(`SELECT count(*) FROM import_rows_rejected WHERE reason LIKE 'there is no topic "Price alarms"%'`), "once in each run")
	subscribed, reachable, left := e.subscribers("Price alerts")
	require.Equal(t, []int{20, 20, 0}, []int{subscribed, reachable, left})
	_, subs := e.topicsOf("+4915100000001")
	require.Equal(t, []subscription{
		{struct{ Name string }{"Événements"}, "SUBSCRIBED", "IMPORT"},
		{struct{ Name string }{"Price alerts"}, "SUBSCRIBED", "IMPORT"},
	}, reversed(subs))

	// Leaving one topic by keyword leaves consent and the other alone; one confirmation.
	const ada = "+4915100000001"
	standing := func(want string) func() bool {
		return func() bool {
			_, subs := e.topicsOf(ada)
			for _, s := range subs {
				if s.Topic.Name == "Price alerts" {
					return s.Status == want
				}
			}
			return false
		}
	}
	e.saysUntil(ada, "Stop news!", standing("LEFT"))
	e.saysUntil(ada, "STOP NEWS", func() bool {
		return e.query("SELECT count(*) FROM messages WHERE direction = 'inbound'") == 2
	})
	consent, subs := e.topicsOf(ada)
	require.Equal(t, "OPTED_IN", consent)
	require.Equal(t, "KEYWORD", reversed(subs)[1].Source)
	require.Equal(t, "SUBSCRIBED", reversed(subs)[0].Status)
	require.Eventually(t, func() bool { return len(e.confirmations(ada)) == 1 }, patience, 20*time.Millisecond)
	require.Contains(t, e.confirmations(ada)[0], "You have left “Price alerts”")
	e.saysUntil(ada, "stop the presses", func() bool {
		return e.query("SELECT count(*) FROM messages WHERE direction = 'inbound'") == 3
	})
	consent, _ = e.topicsOf(ada)
	require.Equal(t, "OPTED_IN", consent, "that was neither a keyword nor a topic")

	// No file and no bulk action brings back who left; a bulk action subscribes those who never were.
	id, problems = e.upload("again.csv", []byte("phone,topics\n"+ada+",News\n"), "")
	require.Empty(t, problems)
	require.Equal(t, 1, e.imported(id).Unchanged)
	a, problems := e.act("contactTopicRecord", map[string]any{
		"contacts": map[string]any{"search": "Person 1"},
		"topicId":  news, "status": "SUBSCRIBED",
	})
	require.Empty(t, problems)
	require.Equal(t, 11, a.Done, "1 and 10 to 19")
	require.Equal(t, 6, a.Changed, "those who were not subscribed and had not left")
	spare := e.must("topicCreate", "topic", map[string]any{"name": "Spare"})
	_, problems = e.act("contactTopicRecord", map[string]any{
		"contacts": map[string]any{"search": "Person 1"}, "topicId": spare, "status": "LEFT",
	})
	require.Empty(t, problems)
	type recorded struct {
		Kind    string
		Options struct{ Status string }
		Topic   *struct{ Name string }
	}
	history := func() []recorded {
		var out struct{ BulkActions struct{ Nodes []recorded } }
		e.do(&out, `{ bulkActions(first: 2) { nodes { kind options topic { name } } } }`, nil)
		return out.BulkActions.Nodes
	}
	listed := history()
	require.Equal(t, "Spare", listed[0].Topic.Name)
	require.Equal(t, "LEFT", listed[0].Options.Status)
	require.Equal(t, "Price alerts", listed[1].Topic.Name)
	require.Equal(t, "SUBSCRIBED", listed[1].Options.Status)
	e.do(nil, `mutation($id: ID!) { topicDelete(input: {id: $id}) { deletedId } }`, map[string]any{"id": spare})
	require.Nil(t, history()[0].Topic, "it was deleted since")
	require.True(t, standing("LEFT")())
	_, problems = e.mutate("contactTopicRecord", "action", map[string]any{
		"contacts": everybody(),
		"topicId":  strings.Repeat("x", 8), "status": "LEFT",
	})
	require.Contains(t, problems, "topicId")

	// The campaign goes to 25: 20 by file and 6 by hand, without Ada.
	camp := e.draft("alert", map[string]any{"topicId": news})
	var pre struct {
		CampaignPreflight struct {
			Audience, WillSend int
			Skips              []struct {
				Reason string
				Count  int
			}
		}
	}
	e.do(&pre, `query($id: ID!) { campaignPreflight(id: $id) { audience willSend skips { reason count } } }`,
		map[string]any{"id": camp})
	require.Equal(t, 40, pre.CampaignPreflight.Audience)
	require.Equal(t, 25, pre.CampaignPreflight.WillSend)
	require.Equal(t, "not_subscribed", pre.CampaignPreflight.Skips[0].Reason)
	require.Equal(t, 15, pre.CampaignPreflight.Skips[0].Count)

	// One more leaves while it is being sent: the gate looks again when the message goes.
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "rateLimitPerSecond": 4})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Audience == 40 }, patience, 10*time.Millisecond)
	late := map[string]any{"id": e.idOf("+4915100000036"), "topicId": news, "status": "LEFT"}
	e.must("contactTopicSet", "contact", late)
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "rateLimitPerSecond": 1000})
	c := e.await(camp, "COMPLETED")
	require.Equal(t, 24, c.Accepted)
	require.Equal(t, 16, c.Skipped)
	require.Equal(t, 16, e.query("SELECT count(*) FROM messages WHERE skip_reason = 'not_subscribed'"))
	e.settled(camp)
	for _, m := range e.Sandbox.Messages() {
		require.False(t, strings.HasSuffix(m.To, ada) && strings.Contains(m.Body, "alert for you"), "who left gets none")
	}
	var page struct {
		Node struct {
			Messages struct {
				Nodes []struct {
					Decision struct {
						Steps []struct {
							Check, Detail string
							Passed        *bool
						}
					}
				}
			}
		}
	}
	e.do(&page, `query($id: ID!) { node(id: $id) { ... on Campaign { messages(filter: {status: SKIPPED}, first: 1) { nodes { decision { steps { check passed detail } } } } } } }`, map[string]any{"id": camp})
	found := false
	for _, s := range page.Node.Messages.Nodes[0].Decision.Steps {
		if s.Check == "Topic" {
			found = true
			require.False(t, *s.Passed)
			require.Contains(t, s.Detail, "not subscribed to “Price alerts”")
		}
	}
	require.True(t, found)
	e.recount()

	// START <keyword> brings them back, also after a STOP to everything.
	e.saysUntil(ada, "STOP", func() bool { c, _ := e.topicsOf(ada); return c == "OPTED_OUT" })
	e.saysUntil(ada, "start news", standing("SUBSCRIBED"))
	require.Eventually(t, func() bool { c, _ := e.topicsOf(ada); return c == "OPTED_IN" }, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool { return len(e.confirmations(ada)) == 3 }, patience, 20*time.Millisecond)
	require.Contains(t, e.confirmations(ada)[0], "You are subscribed to “Price alerts”")

	// The segment of a topic, the export, and what is used stays.
	var n struct{ ContactCount int }
	e.do(&n, `query($q: SegmentQuery!) { contactCount(query: $q) }`, map[string]any{"q": map[string]any{"topic": news}})
	require.Equal(t, 25, n.ContactCount)
	seg := e.must("segmentCreate", "segment", map[string]any{"name": "Goers", "query": map[string]any{"topic": other}})
	for id, user := range map[string]string{news: `the campaign "alert"`, other: `the segment "Goers"`} {
		var out struct {
			TopicDelete struct{ UserErrors []struct{ Message string } }
		}
		e.do(&out, `mutation($id: ID!) { topicDelete(input: {id: $id}) { deletedId userErrors { message } } }`,
			map[string]any{"id": id})
		require.Contains(t, out.TopicDelete.UserErrors[0].Message, user)
	}
	e.do(nil, `mutation($id: ID!) { segmentDelete(input: {id: $id}) { deletedId } }`, map[string]any{"id": seg})
	a, _ = e.act("contactExport", map[string]any{"contacts": map[string]any{"search": "Person 1"}})
	resp, err := e.http.Get(e.URL + a.DownloadURL)
	require.NoError(t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Contains(t, string(raw), "consent_at,topics,reachable")
	require.Contains(t, string(raw), `"Price alerts, Événements"`)

	// Merged: having left wins. Erased: nothing is left of it.
	keep, gone := e.idOf("+4915100000004"), e.idOf("+4915100000036")
	e.must("contactMerge", "contact", map[string]any{"id": keep, "mergeId": gone})
	_, subs = e.topicsOf("+4915100000004")
	require.Equal(t, "LEFT", subs[0].Status)
	_, _, left = e.subscribers("Price alerts")
	require.Equal(t, 1, left)
	a, problems = e.act("contactErase", map[string]any{"contacts": map[string]any{"ids": []any{keep}}, "expected": 1})
	require.Empty(t, problems)
	require.Equal(t, 1, a.Changed)
	_, _, left = e.subscribers("Price alerts")
	require.Zero(t, left)

	// A topic that nothing uses goes, with its subscriptions.
	e.do(nil, `mutation($id: ID!) { topicDelete(input: {id: $id}) { deletedId } }`, map[string]any{"id": other})
	require.Zero(t, e.query("SELECT count(*) FROM contact_topics ct JOIN topics t ON t.id = ct.topic_id WHERE t.name <> 'Price alerts'"))

	// Everybody of a file into a topic, and the next run of a recurring campaign keeps its own.
	id, problems = e.upload("all.csv", []byte("phone\n+4917612345678\n"), fmt.Sprintf(`, topicIds: [%q]`, news))
	require.Empty(t, problems)
	require.Equal(t, 1, e.imported(id).Created)
	_, subs = e.topicsOf("+4917612345678")
	require.Equal(t, "SUBSCRIBED", subs[0].Status)
	_, problems = e.upload("gone.csv", []byte("phone\n+4917612345679\n"), fmt.Sprintf(`, topicIds: [%q]`, other))
	require.Contains(t, problems, "the topic "+other+" does not exist")
	_, problems = e.upload("twice.csv", []byte("phone\n+4917612345679\n"), fmt.Sprintf(`, topicIds: [%q, %[1]q]`, news))
	require.Contains(t, problems, "the topic "+news+" does not exist, or stands there twice")
	twin := e.must("campaignDuplicate", "campaign", map[string]any{"id": camp})
	var of struct {
		Node struct{ Topic *struct{ Name string } }
	}
	e.do(&of, `query($id: ID!) { node(id: $id) { ... on Campaign { topic { name } } } }`, map[string]any{"id": twin})
	require.Equal(t, "Price alerts", of.Node.Topic.Name)
	e.must("campaignUpdate", "campaign", map[string]any{"id": twin, "topicId": nil})
	e.do(&of, `query($id: ID!) { node(id: $id) { ... on Campaign { topic { name } } } }`, map[string]any{"id": twin})
	require.Nil(t, of.Node.Topic)
}

// reversed puts É before P, which Postgres' and Go's order need not agree on.
func reversed(subs []subscription) []subscription {
	if len(subs) == 2 && subs[0].Topic.Name == "Price alerts" {
		return []subscription{subs[1], subs[0]}
	}
	return subs
}

func (e *env) idOf(address string) string {
	e.t.Helper()
	var out struct{ Contact struct{ ID string } }
	e.contact(address, "id", &out)
	return out.Contact.ID
}
