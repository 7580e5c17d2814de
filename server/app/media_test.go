package app_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// library takes a picture into the library and gives its id and address.
func (e *env) library(name string) (id, address string) { return e.uploaded(name, false) }

// uploaded takes a picture in, for a reply alone or into the library.
func (e *env) uploaded(name string, forReply bool) (id, address string) {
	e.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	ops, err := json.Marshal(map[string]any{
		"query":     `mutation($i: MediaUploadInput!) { mediaUpload(input: $i) { media { id url kind width } userErrors { message } } }`,
		"variables": map[string]any{"i": map[string]any{"file": nil, "forReply": forReply}},
	})
	require.NoError(e.t, err)
	require.NoError(e.t, w.WriteField("operations", string(ops)))
	require.NoError(e.t, w.WriteField("map", `{"0": ["variables.i.file"]}`))
	part, err := w.CreateFormFile("0", name)
	require.NoError(e.t, err)
	require.NoError(e.t, png.Encode(part, image.NewGray(image.Rect(0, 0, 4, 3))))
	require.NoError(e.t, w.Close())
	resp, err := e.http.Post(e.URL+"/graphql", w.FormDataContentType(), &body)
	require.NoError(e.t, err)
	data, errs := decode(e.t, resp)
	require.Empty(e.t, errs)
	var out struct {
		MediaUpload struct {
			Media struct {
				ID, URL, Kind string
				Width         int
			}
		}
	}
	require.NoError(e.t, json.Unmarshal(data, &out))
	require.Equal(e.t, "IMAGE", out.MediaUpload.Media.Kind)
	require.Equal(e.t, 4, out.MediaUpload.Media.Width)
	return out.MediaUpload.Media.ID, out.MediaUpload.Media.URL
}

// approval waits until WhatsApp has decided about a template.
func (e *env) approval(id string) (approval, reason string) {
	e.t.Helper()
	var out struct {
		Node struct{ ApprovalStatus, RejectionReason string }
	}
	require.Eventually(e.t, func() bool {
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Template { approvalStatus rejectionReason } } }`, map[string]any{"id": id})
		return out.Node.ApprovalStatus != "SUBMITTED"
	}, patience, 50*time.Millisecond)
	return out.Node.ApprovalStatus, out.Node.RejectionReason
}

// TestAPictureWithButtonsIsSent from the library over the approval to the phone, and what is missing is found before.
func TestAPictureWithButtonsIsSent(t *testing.T) {
	t.Parallel()
	e := start(t)
	file, address := e.library("Autumn sale.png")
	require.True(t, strings.HasSuffix(address, "/autumn-sale.png"), address)
	stranger, err := http.Get(e.URL + address) //nolint:noctx // WhatsApp signs in nowhere
	require.NoError(t, err)
	require.NoError(t, stranger.Body.Close())
	require.Equal(t, http.StatusOK, stranger.StatusCode)
	require.Equal(t, "image/png", stranger.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", stranger.Header.Get("X-Content-Type-Options"))

	content := map[string]any{
		"header": map[string]any{"media": map[string]any{"kind": "IMAGE", "url": address}}, "footer": "Reply STOP to end",
		"buttons": []map[string]any{
			{"type": "QUICK_REPLY", "title": "Tell me more"},
			{"type": "URL", "title": "Open", "url": "https://shop.example/{{attributes.sku | all}}"},
		},
	}
	id := e.must("templateCreate", "template", map[string]any{
		"name": "Autumn", "body": "Hi {{name | there}}, our sale has started.", "content": content,
	})
	approval, reason := e.approval(id)
	require.Equal(t, "APPROVED", approval, reason)

	var out struct {
		Node struct {
			Kind    string
			Content struct {
				Header  struct{ Media struct{ URL string } }
				Buttons []struct{ Type, Title string }
			}
			Variables []struct{ Expression string }
		}
	}
	e.do(&out, `query($id: ID!) { node(id: $id) { ... on Template { kind variables { expression }
		content { header { media { url } } buttons { type title } } } } }`, map[string]any{"id": id})
	require.Equal(t, "CARD", out.Node.Kind)
	require.Equal(t, address, out.Node.Content.Header.Media.URL)
	require.Len(t, out.Node.Variables, 2)

	e.must("contactCreate", "contact", map[string]any{
		"address": "+4915112345678", "name": "Max", "attributes": map[string]any{"sku": "a b"},
		"consent": map[string]any{"text": "asked at the till"},
	})
	campaign := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Autumn", "templateId": id, "query": map[string]any{"field": "name", "op": "eq", "value": "Max"},
	})
	e.must("campaignLaunch", "campaign", map[string]any{"id": campaign})
	require.Equal(t, 1, e.settled(campaign).Delivered)
	sent := e.Sandbox.Messages()[0]
	require.Equal(t, "Hi Max, our sale has started.", sent.Body)
	require.Equal(t, map[string]string{"1": "Max", "2": "a%20b"}, sent.Variables)

	// Who taps a button twice counts once, and what is written without a button does not count.
	tap := map[string]string{
		"MessageType": "button", "ButtonText": "Tell me more", "ButtonPayload": "1", "OriginalRepliedMessageSid": sent.SID,
		"OriginalRepliedMessageSender": sent.From,
	}
	ours := strings.TrimPrefix(sent.From, "whatsapp:")
	for _, more := range []map[string]string{tap, nil, tap} {
		_, err := e.Sandbox.SendInboundWith(t.Context(), "+4915112345678", "", ours, "Tell me more", "", more)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		rows := e.threads(nil)
		return len(rows) == 1 && rows[0].Unread == 3
	}, patience, 20*time.Millisecond)
	var tapped struct {
		Node struct {
			Taps []struct {
				Title  string
				People int
			}
		}
	}
	e.do(&tapped, `query($id: ID!) { node(id: $id) { ... on Campaign { taps { title people } } } }`, map[string]any{"id": campaign})
	require.Len(t, tapped.Node.Taps, 1)
	require.Equal(t, "Tell me more", tapped.Node.Taps[0].Title)
	require.Equal(t, 1, tapped.Node.Taps[0].People)

	var deleted struct {
		MediaDelete struct{ UserErrors []struct{ Message string } }
	}
	e.do(&deleted, `mutation($id: ID!) { mediaDelete(input: {id: $id}) { userErrors { message } } }`, map[string]any{"id": file})
	require.Len(t, deleted.MediaDelete.UserErrors, 1)
	require.Contains(t, deleted.MediaDelete.UserErrors[0].Message, "'Autumn'")

	// A file that is gone all the same is found before a launch, and not by each message.
	_, err = e.DB().NewRaw("UPDATE media SET deleted_at = now()").Exec(t.Context())
	require.NoError(t, err)
	draft := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Again", "templateId": id, "query": map[string]any{"field": "name", "op": "eq", "value": "Max"},
	})
	var flight struct {
		CampaignPreflight struct{ Blockers []struct{ Message string } }
	}
	e.do(&flight, `query($id: ID!) { campaignPreflight(id: $id) { blockers { message } } }`, map[string]any{"id": draft})
	require.Len(t, flight.CampaignPreflight.Blockers, 1)
	require.Contains(t, flight.CampaignPreflight.Blockers[0].Message, "not in the library any more")
	_, problems := e.mutate("templateCreate", "template", map[string]any{"name": "Late", "body": "Our sale goes on", "content": content})
	require.Contains(t, problems, "content.header.media.url: the file is not in the library any more")
}

// TestAReplyTakesAFile of the library: WhatsApp fetches it, and it stands in the conversation with its caption.
func TestAReplyTakesAFile(t *testing.T) {
	t.Parallel()
	e := start(t)
	picture, address := e.uploaded("red shoes.png", true)
	var listed struct{ MediaFiles struct{ TotalCount int } }
	e.do(&listed, `{ mediaFiles { totalCount } }`, nil)
	require.Zero(t, listed.MediaFiles.TotalCount, "it is for this reply alone")
	require.Zero(t, e.query("SELECT count(*) FROM audit_entries e WHERE e::text LIKE '%shoes%'"), "no name of it is kept for ever")
	e.says("+4915112345678", "Are these the ones?")
	require.Eventually(t, func() bool { return len(e.threads(nil)) == 1 }, patience, 20*time.Millisecond)
	thread := e.threads(nil)[0].ID
	for _, bad := range []struct {
		input map[string]any
		text  string
	}{
		{map[string]any{"mediaId": thread}, "mediaId: "},
		{map[string]any{"mediaId": strings.TrimRight(picture, "="), "templateId": picture}, "templateId: "},
		{map[string]any{"mediaId": picture, "body": strings.Repeat("x", 1025)}, "body: with a file a text has at most 1024 characters"},
		{map[string]any{"body": " "}, "body: a reply has 1 to 1600 characters, this one has 0"},
	} {
		bad.input["id"] = thread
		_, problems := e.mutate("conversationReply", "message", bad.input)
		require.Contains(t, problems, bad.text)
	}
	require.Zero(t, e.query("SELECT count(*) FROM messages WHERE direction = 'outbound'"))

	ids := []string{
		e.must("conversationReply", "message", map[string]any{"id": thread, "mediaId": picture, "body": "These, in red"}),
		e.must("conversationReply", "message", map[string]any{"id": thread, "mediaId": picture}),
	}
	type shown struct {
		Node struct {
			Status, Body string
			Media        []string
			Content      struct {
				Kind  string
				Files []struct{ Name, ContentType string }
			}
		}
	}
	for i, body := range []string{"These, in red", ""} {
		var out shown
		require.Eventually(t, func() bool {
			e.do(&out, `query($id: ID!) { node(id: $id) { ... on Message { status body media content { kind files { name contentType } } } } }`,
				map[string]any{"id": ids[i]})
			return out.Node.Status == "DELIVERED" || out.Node.Status == "READ"
		}, patience, 20*time.Millisecond)
		require.Equal(t, body, out.Node.Body)
		require.Equal(t, []string{address}, out.Node.Media)
		require.Equal(t, "IMAGE", out.Node.Content.Kind)
		require.Equal(t, "red shoes.png", out.Node.Content.Files[0].Name)
		require.Equal(t, "image/png", out.Node.Content.Files[0].ContentType)
	}
	files := 0
	for _, m := range e.Sandbox.Messages() {
		if m.Direction == "outbound-api" {
			require.Len(t, m.Media, 1)
			require.True(t, strings.HasPrefix(m.SID, "MM"))
			files++
		}
	}
	require.Equal(t, 2, files)

	// Both stand in the conversation, also the one without a text.
	var said struct {
		Node struct {
			Messages    struct{ Nodes []struct{ ID string } }
			LastMessage struct{ ID string }
		}
	}
	e.do(&said, `query($id: ID!) { node(id: $id) { ... on Conversation { messages(first: 5) { nodes { id } } lastMessage { id } } } }`,
		map[string]any{"id": thread})
	require.Len(t, said.Node.Messages.Nodes, 3)
	require.Equal(t, ids[1], said.Node.LastMessage.ID)

	e.exec("UPDATE media SET kind = 'document'")
	_, problems := e.mutate("conversationReply", "message", map[string]any{"id": thread, "mediaId": picture, "body": "Our list"})
	require.Contains(t, problems, "body: WhatsApp shows no text with a document")

	// While it is shown it stays, however old; once the person was erased it goes, with its name.
	unshown := func() int {
		e.exec("UPDATE media SET created_at = created_at - interval '2 days'")
		removed, err := e.Services.Media.RemoveUnshown(t.Context(), 10)
		require.NoError(t, err)
		return removed
	}
	require.Zero(t, unshown())
	e.must("contactErase", "action", map[string]any{"contacts": everybody(), "expected": 1})
	require.Eventually(t, func() bool {
		return unshown() == 1 || e.query("SELECT count(*) FROM media WHERE deleted_at IS NULL") == 0
	},
		patience, 20*time.Millisecond)
	require.Equal(t, 1, e.query("SELECT count(*) FROM media WHERE name = '' AND deleted_at IS NOT NULL"))
	require.Zero(t, e.query("SELECT count(*) FROM media_files"))
	resp, err := e.http.Get(e.URL + address)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
}

// TestAListIsForReplies: WhatsApp approves none, and within the window it may go.
func TestAListIsForReplies(t *testing.T) {
	t.Parallel()
	e := start(t)
	list := e.must("templateCreate", "template", map[string]any{
		"name": "Menu", "body": "What is it about?", "category": "UTILITY", "content": map[string]any{
			"list": map[string]any{"button": "Choose", "items": []map[string]any{{"title": "An order"}, {"title": "A return"}}},
		},
	})
	approval, _ := e.approval(list)
	require.Equal(t, "WINDOW_ONLY", approval)
	e.says("+4915112345678", "Hello")
	require.Eventually(t, func() bool { return len(e.threads(nil)) == 1 }, patience, 20*time.Millisecond)
	thread := e.threads(nil)[0].ID
	_, problems := e.mutate("conversationReply", "message", map[string]any{"id": thread, "templateId": list})
	require.Contains(t, problems, "not opted in", "a template needs consent, also a list")
	var contacts struct {
		Contacts struct{ Nodes []struct{ ID string } }
	}
	e.do(&contacts, `{ contacts { nodes { id } } }`, nil)
	e.must("contactConsentSet", "contact", map[string]any{
		"id": contacts.Contacts.Nodes[0].ID, "status": "OPTED_IN", "evidence": map[string]any{"text": "said so"},
	})
	e.must("conversationReply", "message", map[string]any{"id": thread, "templateId": list})
	require.Eventually(t, func() bool {
		for _, m := range e.Sandbox.Messages() {
			if m.Direction == "outbound-api" && m.Body == "What is it about?" && m.Status == "delivered" {
				return true
			}
		}
		return false
	}, patience, 20*time.Millisecond)
	campaign := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Menu", "templateId": list, "query": map[string]any{"field": "address", "op": "exists"},
	})
	_, problems = e.mutate("campaignLaunch", "campaign", map[string]any{"id": campaign})
	require.Contains(t, problems, "WhatsApp takes in replies alone")
}

// TestAWithdrawnTemplateHoldsItsCampaigns and says why; nobody can go on before WhatsApp takes it again.
func TestAWithdrawnTemplateHoldsItsCampaigns(t *testing.T) {
	t.Parallel()
	e := start(t)
	id := e.approved("Hi {{name | there}}, our sale has started.")
	for i := range 3 {
		e.must("contactCreate", "contact", map[string]any{
			"address": "+491511234567" + strconv.Itoa(i), "consent": map[string]any{"text": "asked at the till"},
		})
	}
	// All of it waits, so that no call is under way whose refusal would pause the campaign, too.
	clock := func(in time.Duration) string { return time.Now().UTC().Add(in).Format("15:04") }
	campaign := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Sale", "templateId": id, "query": map[string]any{"field": "address", "op": "exists"},
		"quietHours": map[string]any{"start": clock(-6 * time.Hour), "end": clock(6 * time.Hour), "zone": "UTC"},
	})
	e.must("campaignLaunch", "campaign", map[string]any{"id": campaign})
	e.await(campaign, "SENDING")
	decide := func(approval, reason string, category any) {
		t.Helper()
		e.must("sandboxTemplateDecide", "template", map[string]any{"id": id, "approval": approval, "reason": reason, "category": category})
	}
	reason := func() string {
		t.Helper()
		var out struct {
			Node struct{ PausedBy, PausedReason string }
		}
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { pausedBy pausedReason } } }`, map[string]any{"id": campaign})
		require.Equal(t, "ENGINE", out.Node.PausedBy)
		return out.Node.PausedReason
	}
	decide("PAUSED", "LOW_QUALITY", nil)
	e.await(campaign, "PAUSED")
	require.Contains(t, reason(), "WhatsApp has paused the template “T Hi {{name | there}}, our sale has started.”. It says: LOW_QUALITY.")
	_, problems := e.mutate("campaignResume", "campaign", map[string]any{"id": campaign})
	require.Contains(t, problems, "is paused at WhatsApp")
	decide("APPROVED", "", nil)
	e.must("campaignResume", "campaign", map[string]any{"id": campaign})
	e.await(campaign, "SENDING")

	decide("APPROVED", "", "UTILITY")
	e.await(campaign, "PAUSED")
	require.Contains(t, reason(), "from marketing to utility")
	var out struct{ Node struct{ Category string } }
	e.do(&out, `query($id: ID!) { node(id: $id) { ... on Template { category } } }`, map[string]any{"id": id})
	require.Equal(t, "UTILITY", out.Node.Category)
	e.must("campaignResume", "campaign", map[string]any{"id": campaign})
	e.await(campaign, "SENDING")
}

// TestEachContactGetsTheirLanguage: of the translations that WhatsApp has approved, and else the campaign's own.
func TestEachContactGetsTheirLanguage(t *testing.T) {
	t.Parallel()
	e := start(t)
	write := func(language, body string, submit bool) string {
		t.Helper()
		id := e.must("templateCreate", "template", map[string]any{"name": "Hello", "language": language, "body": body, "submit": submit})
		if submit {
			approval, reason := e.approval(id)
			require.Equal(t, "APPROVED", approval, reason)
		}
		return id
	}
	english := write("en", "Hello {{name | there}}, come by.", true)
	german := write("de", "Hallo {{name | du}}, komm vorbei.", true)
	write("fr", "Bonjour {{name | toi}}, passe nous voir.", false)
	for i, locale := range []string{"", "de", "de-AT", "fr", "en"} {
		e.must("contactCreate", "contact", map[string]any{
			"address": "+491511234567" + strconv.Itoa(i), "name": "N" + strconv.Itoa(i), "locale": locale,
			"consent": map[string]any{"text": "asked at the till"},
		})
	}
	campaign := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Hello", "templateId": english, "query": map[string]any{"field": "address", "op": "exists"},
	})
	var flight struct {
		CampaignPreflight struct {
			Languages []struct {
				Language, ApprovalStatus string
				Contacts                 int
			}
		}
		Node struct{ Translations []struct{ Language string } }
	}
	e.do(&flight, `query($id: ID!, $t: ID!) { campaignPreflight(id: $id) { languages { language contacts approvalStatus } }
		node(id: $t) { ... on Template { translations { language } } } }`, map[string]any{"id": campaign, "t": english})
	require.Len(t, flight.Node.Translations, 2)
	require.Len(t, flight.CampaignPreflight.Languages, 3)
	for i, want := range []struct {
		language, approval string
		contacts           int
	}{{"en", "APPROVED", 3}, {"de", "APPROVED", 2}, {"fr", "DRAFT", 0}} {
		got := flight.CampaignPreflight.Languages[i]
		require.Equal(t, want.language, got.Language)
		require.Equal(t, want.approval, got.ApprovalStatus)
		require.Equal(t, want.contacts, got.Contacts)
	}
	e.must("campaignLaunch", "campaign", map[string]any{"id": campaign})
	require.Equal(t, 5, e.settled(campaign).Delivered)
	said := map[string]int{}
	for _, m := range e.Sandbox.Messages() {
		said[strings.Fields(m.Body)[0]]++
	}
	require.Equal(t, map[string]int{"Hello": 3, "Hallo": 2}, said)
	e.exact(campaign)

	// What WhatsApp has taken stays in its language: campaigns send it as that.
	_, problems := e.mutate("templateUpdate", "template", map[string]any{"id": german, "language": "nl", "body": "Hallo, kom langs."})
	require.Contains(t, problems, "in its language and category, which stay")

	// A translation that WhatsApp withdraws holds the campaign too, and nobody goes on with it.
	slow := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Slow", "templateId": english, "query": map[string]any{"field": "address", "op": "exists"}, "rateLimitPerSecond": 0.01,
	})
	e.must("campaignLaunch", "campaign", map[string]any{"id": slow})
	e.await(slow, "SENDING")
	var deleted struct {
		TemplateDelete struct{ UserErrors []struct{ Message string } }
	}
	e.do(&deleted, `mutation($id: ID!) { templateDelete(input: {id: $id}) { userErrors { message } } }`, map[string]any{"id": german})
	require.Len(t, deleted.TemplateDelete.UserErrors, 1)
	require.Contains(t, deleted.TemplateDelete.UserErrors[0].Message, "'Slow'")
	e.must("sandboxTemplateDecide", "template", map[string]any{"id": german, "approval": "REJECTED", "reason": "ABUSIVE_CONTENT"})
	e.await(slow, "PAUSED")
	_, problems = e.mutate("campaignResume", "campaign", map[string]any{"id": slow})
	require.Contains(t, problems, "is rejected at WhatsApp (German)")
}
