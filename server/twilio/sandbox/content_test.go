package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"eventstream/server/golive"
	"eventstream/server/message"
	"eventstream/server/template"
)

// specOf is a template as the engine brings it to Twilio.
func specOf(t *testing.T, body string, parts template.Parts) template.ContentSpec {
	t.Helper()
	c, err := template.Compile(body, parts)
	require.NoError(t, err)
	wire, wired := c.Wire()
	samples := map[string]string{}
	for i, v := range c.Variables() {
		samples[string(rune('1'+i))] = v.Sample
	}
	return template.ContentSpec{
		Name: "offer", Language: "en", Kind: c.Kind, Body: wire, Parts: wired, Variables: samples,
	}
}

// TestEveryKindIsTakenAndApproved: the contract of each content type, from the written form over Twilio's library to the
// sandbox, which reads it by the facts alone, to the approval and a delivered message.
func TestEveryKindIsTakenAndApproved(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	image := template.Media{Kind: template.MediaImage, URL: "https://example.com/a.jpg"}
	quick := []template.Button{{Type: template.ButtonQuickReply, Title: "Yes"}, {Type: template.ButtonQuickReply, Title: "No", ID: "no"}}
	page := template.Button{Type: template.ButtonURL, Title: "Open", URL: "https://example.com/{{attributes.sku | shop}}"}
	call := template.Button{Type: template.ButtonPhone, Title: "Call", Phone: "+4930123456"}
	code := template.Button{Type: template.ButtonCopyCode, Code: "SAVE10"}
	for kind, parts := range map[template.Kind]template.Parts{
		template.KindText:         {},
		template.KindMedia:        {Header: &template.Header{Media: &image}},
		template.KindQuickReply:   {Buttons: quick},
		template.KindCallToAction: {Buttons: []template.Button{page, call, code}},
		template.KindCard: {
			Header: &template.Header{Text: "For {{name | you}}"}, Footer: "Reply STOP to end",
			Buttons: append(append([]template.Button{}, quick...), page, call),
		},
		template.KindCarousel: {Cards: []template.Card{
			{Title: "One", Body: "The first", Media: image, Buttons: []template.Button{page}},
			{Title: "Two", Body: "The second", Media: image, Buttons: []template.Button{page}},
		}},
		template.KindCatalog:        {Catalog: &template.Catalog{ID: "1", Title: "Shop", Items: []template.Product{{ID: "sku1"}}}},
		template.KindFlow:           {Flow: &template.Flow{ID: "123", Button: "Book", FirstScreen: "START"}},
		template.KindAuthentication: {Authentication: &template.Authentication{Code: "{{attributes.code}}", Button: "Copy code", ExpiresInMinutes: 5}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			ctx := context.Background()
			spec := specOf(t, "Hi {{name | there}}, this is for you today", parts)
			require.Equal(t, kind, spec.Kind)
			sid, err := p.Create(ctx, spec)
			require.NoError(t, err)
			category := template.CategoryMarketing
			if kind == template.KindAuthentication {
				category = template.CategoryAuthentication
			}
			require.NoError(t, p.Submit(ctx, sid, "offer", category))
			decision, err := p.Decision(ctx, sid)
			require.NoError(t, err)
			require.Equal(t, template.ApprovalApproved, decision.Approval, decision.Reason)
			vars := map[string]string{}
			for key := range spec.Variables {
				vars[key] = "value"
			}
			p.reaches(p.send(message.Outgoing{To: person, ContentSID: sid, ContentVariables: vars}), message.StatusDelivered)
		})
	}
}

// TestListsAreForOpenWindows: WhatsApp approves none, and takes none outside the window.
func TestListsAreForOpenWindows(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ctx := context.Background()
	sid, err := p.Create(ctx, specOf(t, "What is it about?", template.Parts{
		List: &template.List{Button: "Choose", Items: []template.ListItem{{Title: "An order"}, {Title: "A return", Description: "Within 30 days"}}},
	}))
	require.NoError(t, err)
	require.ErrorContains(t, p.Submit(ctx, sid, "menu", template.CategoryUtility), "not eligible")
	require.Equal(t, 63016, p.reaches(p.send(message.Outgoing{To: person, ContentSID: sid}), message.StatusFailed).Code)
	p.wrote(person)
	p.reaches(p.send(message.Outgoing{To: person, ContentSID: sid}), message.StatusDelivered)
}

// TestContentIsRefusedAsTwilioDoes: what the facts say about each wrong form, over plain HTTP.
func TestContentIsRefusedAsTwilioDoes(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	create := func(body string) (int, int) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL()+"/v1/Content", bytes.NewBufferString(body))
		require.NoError(t, err)
		req.SetBasicAuth(AccountSID, p.AuthToken())
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		var got struct{ Code int }
		require.NoError(t, json.Unmarshal(raw, &got))
		return resp.StatusCode, got.Code
	}
	for name, c := range map[string]struct {
		types string
		code  int // 0: taken
	}{
		"a text":                        {`{"twilio/text": {"body": "Hello"}}`, 0},
		"a text and a list":             {`{"twilio/text": {"body": "Hello"}, "twilio/list-picker": {"body": "a", "button": "b", "items": [{"item": "c", "id": "d"}]}}`, 0},
		"no type":                       {`{}`, 20001},
		"an unknown type":               {`{"twilio/button": {"body": "Hello"}}`, 20001},
		"a text without body":           {`{"twilio/text": {}}`, 20001},
		"media that are no list":        {`{"twilio/media": {"body": "a", "media": "https://example.com/a.jpg"}}`, 20001},
		"media without address":         {`{"twilio/media": {"body": "a", "media": ["a.jpg"]}}`, 21620},
		"quick replies without actions": {`{"twilio/quick-reply": {"body": "a"}}`, 20001},
		"a long title":                  {`{"twilio/quick-reply": {"body": "a", "actions": [{"title": "abcdefghijklmnopqrstuvwxyz"}]}}`, 20001},
		"an address with a variable within": {
			`{"twilio/call-to-action": {"body": "a", "actions": [{"type": "URL", "title": "b", "url": "https://example.com/{{1}}/x"}]}}`, 20001,
		},
		"a number that is none": {`{"twilio/call-to-action": {"body": "a", "actions": [{"type": "PHONE_NUMBER", "title": "b", "phone": "030"}]}}`, 20001},
		"a long entry of a list": {
			`{"twilio/list-picker": {"body": "a", "button": "b", "items": [{"item": "abcdefghijklmnopqrstuvwxyz", "id": "d"}]}}`, 21658,
		},
		"one card": {`{"twilio/carousel": {"body": "a", "cards": [{"body": "b", "media": "https://example.com/a.jpg", "actions": [{"type": "QUICK_REPLY", "title": "c"}]}]}}`, 20001},
		"header text and media": {
			`{"whatsapp/card": {"body": "a", "header_text": "b", "media": ["https://example.com/a.jpg"]}}`, 20001,
		},
		"a code for two hours": {`{"whatsapp/authentication": {"code_expiration_minutes": 120, "actions": [{"type": "COPY_CODE", "copy_code_text": "Copy"}]}}`, 20001},
	} {
		status, code := create(`{"language": "en", "types": ` + c.types + `}`)
		require.Equal(t, c.code, code, name)
		require.Equal(t, c.code == 0, status == http.StatusCreated, name)
	}
	_, code := create(`{"types": {"twilio/text": {"body": "Hello"}}}`)
	require.Equal(t, 92003, code)
	_, code = create(`{"language": "english", "types": {"twilio/text": {"body": "Hello"}}}`)
	require.Equal(t, 92004, code)
}

// TestVariablesOfAMessageAreChecked: errors 21655 and 21656 come at once, the states of an approval as failures.
func TestVariablesOfAMessageAreChecked(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ctx := context.Background()
	sid, err := p.Create(ctx, specOf(t, "Hi {{name | there}}, this is for you", template.Parts{}))
	require.NoError(t, err)
	require.NoError(t, p.Submit(ctx, sid, "offer", template.CategoryUtility))
	require.NoError(t, p.Submit(ctx, sid, "offer", template.CategoryUtility), "a second submission (92009) says that there was a first")
	decision, err := p.Decision(ctx, sid)
	require.NoError(t, err)
	require.Equal(t, template.ApprovalApproved, decision.Approval)
	for _, c := range []struct {
		out  message.Outgoing
		code int
	}{
		{message.Outgoing{ContentSID: "HX00000000000000000000000000000000"}, 21655},
		{message.Outgoing{ContentSID: sid, ContentVariables: map[string]string{"1": ""}}, 21656},
		{message.Outgoing{ContentSID: sid, ContentVariables: map[string]string{"2": "x"}}, 21656},
	} {
		c.out.To, c.out.From = person, sender
		_, err := p.Send(ctx, c.out)
		var refused *message.SendError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, c.code, refused.Info.Code)
		require.Equal(t, message.ClassFixFirst, refused.Info.Class)
	}
	for state, code := range map[string]int{"rejected": 63040, "paused": 63041, "disabled": 63042} {
		require.True(t, p.Decide(sid, state, "people blocked it", ""))
		require.Equal(t, code, p.reaches(p.send(message.Outgoing{To: person, ContentSID: sid}), message.StatusFailed).Code)
		decision, err := p.Decision(ctx, sid)
		require.NoError(t, err)
		require.Equal(t, state, string(decision.Approval))
	}
}

// TestEveryCallOfTheEngineKeepsTheContract: each call that the engine makes goes through the check of Twilio's published
// contract at least here; what breaks it fails this and every other test with a sandbox.
func TestEveryCallOfTheEngineKeepsTheContract(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ctx := context.Background()
	sid, err := p.Create(ctx, specOf(t, "Hi {{name | there}}, this is for you", template.Parts{}))
	require.NoError(t, err)
	_, err = p.Found(ctx, sid)
	require.NoError(t, err)
	require.NoError(t, p.Submit(ctx, sid, "offer", template.CategoryUtility))
	_, err = p.Create(ctx, specOf(t, "Another one", template.Parts{})) // never submitted
	require.NoError(t, err)
	found, _, err := p.Contents(ctx)
	require.NoError(t, err)
	require.Len(t, found, 2)

	inbound, err := p.SendInboundWith(ctx, person, "", sender, "", "Ada", map[string]string{"NumMedia": "1"})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(inbound, "MM"), "a message with a file")
	file := p.fetch(inbound).Media[0]
	open, err := p.Media(ctx, file)
	require.NoError(t, err)
	require.NoError(t, open.Body.Close())
	done, err := p.Redact(ctx, inbound)
	require.NoError(t, err)
	require.Equal(t, message.RedactionDone, done.Outcome)
	p.reaches(p.send(message.Outgoing{To: person, ContentSID: sid}), message.StatusDelivered)
	p.log(message.LogQuery{Direction: message.Inbound, Since: time.Now().Add(-time.Hour)})

	senders, err := p.ChannelSenders(ctx)
	require.NoError(t, err)
	_, err = p.ChannelSender(ctx, senders[0].SID)
	require.NoError(t, err)
	_, err = p.SetWebhook(ctx, senders[0].SID, golive.Webhook{CallbackURL: "https://shop.example/hook", CallbackMethod: http.MethodPost})
	require.NoError(t, err)

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/2010-04-01/Accounts/"+AccountSID+".json", nil)
	require.NoError(t, err)
	req.SetBasicAuth(AccountSID, p.AuthToken())
	resp, err := http.DefaultClient.Do(req) // as `server doctor` does
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	for _, operation := range p.contract.Operations() {
		require.Positive(t, p.contract.Seen(operation), operation)
	}
	require.Empty(t, p.contract.Broken())
}
