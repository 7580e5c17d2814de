package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

// clicked is what a campaign tells of its links.
type clicked struct {
	Node struct {
		Counts struct{ Clicked int }
		Rates  struct{ Clicked float64 }
		Series []struct{ Clicked int }
		Links  []struct {
			Part, Title, Language, Destination string
			People, Clicks                     int
		}
		Messages struct {
			Nodes []struct {
				ClickedAt *time.Time
				Clicks    []struct{ Title, Destination string }
			}
		}
	}
}

func (e *env) clicks(campaign string) (c clicked) {
	e.t.Helper()
	e.do(&c, `query($id: ID!) { node(id: $id) { ... on Campaign { counts { clicked } rates { clicked } series { clicked }
		links { part title language destination people clicks }
		messages { nodes { clickedAt clicks { title destination } } } } } }`, map[string]any{"id": campaign})
	return c
}

// open follows a link as a browser does that is called so, and goes no further.
func (e *env) open(method, path, agent string, headers ...string) *http.Response {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.URL+path, nil)
	require.NoError(e.t, err)
	req.Host = "an.earlier.example" // a link keeps the host under which WhatsApp approved it
	req.Header.Set("User-Agent", agent)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	require.NoError(e.t, err)
	require.NoError(e.t, resp.Body.Close())
	return resp
}

const phone = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"

// TestATrackedButtonIsCountedFromTheTemplateToTheTimeline and not where the campaign counts nothing.
func TestATrackedButtonIsCountedFromTheTemplateToTheTimeline(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.faults(func(s *sandbox.Settings) { s.ReadRate, s.ClickRate = 1, 0 })
	id := e.must("templateCreate", "template", map[string]any{
		"name": "Sale", "body": "Hi {{name | there}}, our sale has started, see https://shop.example today.",
		"content": map[string]any{"buttons": []map[string]any{
			{"type": "URL", "title": "Open", "url": "https://shop.example/{{name | all}}?c=1", "track": true},
			{"type": "URL", "title": "Terms", "url": "https://shop.example/terms"},
		}},
	})
	approval, reason := e.approval(id)
	require.Equal(t, "APPROVED", approval, reason)
	var tpl struct {
		Node struct {
			Variables []struct{ Expression string }
			Content   struct {
				Buttons []struct {
					URL   string
					Track bool
				}
			}
		}
	}
	e.do(&tpl, `query($id: ID!) { node(id: $id) { ... on Template { variables { expression } content { buttons { url track } } } } }`, map[string]any{"id": id})
	require.Len(t, tpl.Node.Variables, 1, "the token is no placeholder of the text")
	require.Equal(t, "https://shop.example/{{name | all}}?c=1", tpl.Node.Content.Buttons[0].URL)
	require.True(t, tpl.Node.Content.Buttons[0].Track)

	contact := e.must("contactCreate", "contact", map[string]any{
		"address": "+4915112345678", "name": "M&M //x", "consent": map[string]any{"text": "asked at the till"},
	})
	draft := map[string]any{
		"name": "Sale", "templateId": id, "query": map[string]any{"field": "name", "op": "eq", "value": "M&M //x"},
		"utm": map[string]any{"source": "whatsapp", "campaign": "sale=1"},
	}
	_, problems := e.mutate("campaignCreate", "campaign", draft)
	require.Contains(t, problems, "utm.campaign: \"sale=1\"")
	draft["utm"] = map[string]any{"source": "whatsapp", "campaign": "sale 1"}
	campaign := e.must("campaignCreate", "campaign", draft)
	var flight struct {
		CampaignPreflight struct{ Warnings []string }
	}
	e.do(&flight, `query($id: ID!) { campaignPreflight(id: $id) { warnings } }`, map[string]any{"id": campaign})
	require.Contains(t, strings.Join(flight.CampaignPreflight.Warnings, "\n"), "https://shop.example")

	// A launch that is taken back leaves no links with the parameters of then.
	e.must("campaignLaunch", "campaign", map[string]any{"id": campaign, "undoSeconds": 60})
	require.Len(t, e.clicks(campaign).Node.Links, 1)
	e.must("campaignLaunchUndo", "campaign", map[string]any{"id": campaign})
	require.Empty(t, e.clicks(campaign).Node.Links)
	e.must("campaignUpdate", "campaign", map[string]any{"id": campaign, "utm": map[string]any{"source": "whatsapp"}})
	e.must("campaignLaunch", "campaign", map[string]any{"id": campaign})
	require.Equal(t, 1, e.settled(campaign).Delivered)
	// It is opened after it was read, which is the last receipt.
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM messages WHERE read_at IS NOT NULL") == 1 }, patience, 20*time.Millisecond)
	sent := e.Sandbox.Messages()[0]
	token := sent.Variables["2"]
	require.NotEmpty(t, token)

	for agent, headers := range map[string][]string{
		"WhatsApp/2.25.19.80 A":                                 nil,
		"facebookexternalhit/1.1 (+http://www.facebook.com/ex)": nil,
		"Mozilla/5.0 (compatible; SomeScanner-Bot/1.0)":         nil,
		"":    nil,
		phone: {"Sec-Purpose", "prefetch;prerender"},
		strings.Replace(phone, "Pixel", "pixel", 1):                   {"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"},
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://google.com)": nil,
	} {
		resp := e.open(http.MethodGet, "/l/"+token, agent, headers...)
		require.Equal(t, http.StatusFound, resp.StatusCode, agent)
	}
	require.Equal(t, http.StatusFound, e.open(http.MethodHead, "/l/"+token, phone).StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, e.open(http.MethodPost, "/l/"+token, phone).StatusCode)
	for _, bad := range []string{token[:len(token)-1], token + "A", "example", strings.ToUpper(token), "%2e%2e"} {
		resp := e.open(http.MethodGet, "/l/"+bad, phone)
		require.Equal(t, http.StatusNotFound, resp.StatusCode, bad)
		require.Empty(t, resp.Header.Get("Location"))
	}
	resp := e.open(http.MethodGet, "/l/"+token, phone, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
	require.Equal(t, http.StatusFound, resp.StatusCode)
	require.Equal(t, "https://shop.example/M%26M%20%2F%2Fx?c=1&utm_source=whatsapp", resp.Header.Get("Location"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	require.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))

	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM clicks") == 1 }, patience, 50*time.Millisecond)
	c := e.clicks(campaign)
	require.Equal(t, 1, c.Node.Counts.Clicked)
	require.Len(t, c.Node.Links, 1)
	l := c.Node.Links[0]
	require.Equal(t, []string{"buttons.0", "Open", "en", "https://shop.example/{{name | all}}?c=1&utm_source=whatsapp"},
		[]string{l.Part, l.Title, l.Language, l.Destination})
	require.Equal(t, []int{1, 1}, []int{l.People, l.Clicks}, "what is no person does not count")
	require.InDelta(t, 1, c.Node.Rates.Clicked, 0)
	total := 0
	for _, p := range c.Node.Series {
		total += p.Clicked
	}
	require.Equal(t, 1, total)
	require.NotNil(t, c.Node.Messages.Nodes[0].ClickedAt)
	require.Equal(t, "Open", c.Node.Messages.Nodes[0].Clicks[0].Title)
	var story struct {
		Node struct {
			Timeline []struct{ Kind, Button, Destination string }
		}
	}
	e.do(&story, `query($id: ID!) { node(id: $id) { ... on Contact { timeline { kind button destination } } } }`, map[string]any{"id": contact})
	require.Equal(t, "CLICK", story.Node.Timeline[0].Kind)
	require.Equal(t, "Open", story.Node.Timeline[0].Button)
	var counted struct {
		ContactCount, Never int
	}
	e.do(&counted, `query($q: SegmentQuery!, $n: SegmentQuery!) { contactCount(query: $q) never: contactCount(query: $n) }`, map[string]any{
		"q": map[string]any{"event": "clicked", "within_last": "1d"}, "n": map[string]any{"not": map[string]any{"event": "clicked"}},
	})
	require.Equal(t, 1, counted.ContactCount)
	require.Zero(t, counted.Never)

	// Off: the link leads on, to where it leads this contact, and nothing is counted; the sandbox's people open it.
	e.faults(func(s *sandbox.Settings) { s.ReadRate, s.ClickRate = 1, 1 })
	delete(draft, "utm")
	draft["name"], draft["trackLinks"] = "Off", false
	off := e.must("campaignCreate", "campaign", draft)
	e.must("campaignLaunch", "campaign", map[string]any{"id": off})
	require.Equal(t, 1, e.settled(off).Delivered)
	all := e.Sandbox.Messages()
	silent := all[len(all)-1].Variables["2"]
	if silent == token {
		silent = all[0].Variables["2"]
	}
	require.NotEqual(t, token, silent)
	resp = e.open(http.MethodGet, "/l/"+silent, phone)
	require.Equal(t, "https://shop.example/M%26M%20%2F%2Fx?c=1", resp.Header.Get("Location"))
	delete(draft, "trackLinks")
	draft["name"] = "Again"
	again := e.must("campaignCreate", "campaign", draft)
	e.must("campaignLaunch", "campaign", map[string]any{"id": again})
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM clicks") == 2 }, patience, 50*time.Millisecond, "the sandbox's people tap")
	require.Equal(t, 1, e.clicks(again).Node.Counts.Clicked)
	require.Zero(t, e.clicks(off).Node.Counts.Clicked)
	require.Zero(t, e.clicks(off).Node.Links[0].Clicks)
}
