package twilio

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

// What twilio-go does not do by itself, kept by tests.

// counted serves and tells how many connections there were, and are.
func counted(t *testing.T, h http.HandlerFunc) (url string, opened, open *atomic.Int64) {
	t.Helper()
	opened, open = new(atomic.Int64), new(atomic.Int64)
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened.Add(1)
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, opened, open
}

var anyone = message.Outgoing{MessageID: 1, From: "+14155238886", To: "+4915112345678", Body: "Hi"}

func TestACallersContextEndsTheCall(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	url, _, _ := counted(t, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := testClient(t, url).Send(ctx, anyone)
	require.Less(t, time.Since(began), 9*time.Second, "not twilio-go's own ten seconds")
	var failure *message.SendError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, message.ClassAmbiguous, failure.Info.Class, "the request was written: it may have been taken")
	<-gone
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	url, opened, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Millisecond)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid":"SM1","status":"queued"}`))
	})
	client := testClient(t, url)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			for range 20 {
				if _, err := client.Send(context.Background(), anyone); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	require.LessOrEqual(t, opened.Load(), int64(150), "1,000 calls from 50 callers")
}

func TestErrorBodiesHoldNoSockets(t *testing.T) {
	t.Parallel()
	page := "<html>" + strings.Repeat("x", 6<<10) + "</html>"
	url, opened, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(page))
	})
	client := testClient(t, url)
	for range 100 {
		_, err := client.Send(context.Background(), anyone)
		require.Error(t, err)
	}
	require.LessOrEqual(t, opened.Load(), int64(3), "the body is read and the connection goes on")
}

func TestRetryAfterInBothForms(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][2]time.Duration{
		"7":    {7 * time.Second, 7 * time.Second},
		"":     {},
		"soon": {},
		"-3":   {},
		"9999": {},
		time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat):  {85 * time.Second, 91 * time.Second},
		time.Now().Add(-90 * time.Second).UTC().Format(http.TimeFormat): {},
	} {
		got := (&call{retryAfter: header}).delay()
		require.GreaterOrEqual(t, got, want[0], header)
		require.LessOrEqual(t, got, want[1], header)
	}
}

// TestEveryKnownCodeHasItsClass holds the table against the codes that are
// known of WhatsApp over Twilio.
func TestEveryKnownCodeHasItsClass(t *testing.T) {
	t.Parallel()
	const (
		retry, ambiguous, fix = message.ClassRetry, message.ClassAmbiguous, message.ClassFixFirst
		once, person          = message.ClassPermanentMessage, message.ClassPermanentContact
	)
	for code, want := range map[int]message.Class{
		20003: fix, 20404: once, 20429: retry, 20500: ambiguous, 21211: person, 21408: fix, 21610: person, 21614: person,
		21617: fix, 21620: fix, 21656: fix,
		30001: retry, 30002: fix, 30003: once, 30004: person, 30005: person, 30006: person, 30007: once, 30008: once,
		30036: once, 30047: once, 35115: once,
		63001: fix, 63003: person, 63005: fix, 63007: fix, 63008: fix, 63010: retry, 63012: retry, 63013: fix,
		63014: person, 63015: once, 63016: once, 63017: retry,
		63018: retry, 63019: once, 63020: fix, 63021: once, 63022: fix, 63024: person, 63027: fix, 63028: fix, 63030: fix,
		63032: once, 63033: person, 63038: fix,
		63040: fix, 63041: fix, 63042: fix, 63049: once, 63051: fix, 63062: fix,
		12345: once, // unknown: never sent again, and told
	} {
		require.Equal(t, want, Code(code).Class, code)
	}
	for code, want := range map[int]message.Effect{
		21610: message.EffectOptOut, 63014: message.EffectOptOut, 63033: message.EffectOptOut, 30004: message.EffectOptOut,
		63003: message.EffectUnreachable,
		63024: message.EffectUnreachable, 21211: message.EffectUnreachable, 63049: message.EffectIneligible,
		63016: message.EffectNone, 63018: message.EffectNone,
	} {
		require.Equal(t, want, Code(code).Effect, code)
	}
	for code, want := range map[int]message.Scope{
		20003: message.ScopeAccount, 30002: message.ScopeAccount,
		63007: message.ScopeSender, 63051: message.ScopeSender, 63041: message.ScopeTemplate, 20429: message.ScopeAccount,
		63018: message.ScopeSender,
	} {
		require.Equal(t, want, Code(code).Scope, code)
	}
}

// TestInboundMessagesAreWhatTheyAre: what Twilio's captures show of each kind.
func TestInboundMessagesAreWhatTheyAre(t *testing.T) {
	t.Parallel()
	const url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"
	media := func(kind, contentType, body string) map[string]string {
		return map[string]string{"MessageType": kind, "NumMedia": "1", "MediaUrl0": url, "MediaContentType0": contentType, "Body": body}
	}
	for name, c := range map[string]struct {
		params map[string]string
		body   string
		want   *message.Content
	}{
		"text": {map[string]string{"MessageType": "text", "Body": "Hello"}, "Hello", nil},
		"place": {
			map[string]string{"MessageType": "location", "Latitude": "52.5", "Longitude": "-13.4", "Label": "Café", "Address": "Main St 1"},
			"📍 Café",
			&message.Content{Kind: message.ContentLocation, Location: &message.Location{Latitude: 52.5, Longitude: -13.4, Label: "Café", Address: "Main St 1"}},
		},
		"pin": {
			map[string]string{"Latitude": "52.5", "Longitude": "13.4"},
			"📍 52.5, 13.4",
			&message.Content{Kind: message.ContentLocation, Location: &message.Location{Latitude: 52.5, Longitude: 13.4}},
		},
		"no place":     {map[string]string{"Latitude": "north", "Longitude": "NaN"}, "", &message.Content{Kind: message.ContentLocation}},
		"photo":        {media("image", "image/jpeg", "Look"), "Look", &message.Content{Kind: message.ContentImage, Files: []message.File{{Type: "image/jpeg"}}}},
		"older photo":  {media("", "image/jpeg", ""), "", &message.Content{Kind: message.ContentImage, Files: []message.File{{Type: "image/jpeg"}}}},
		"voice":        {media("audio", "audio/ogg", ""), "", &message.Content{Kind: message.ContentAudio, Files: []message.File{{Type: "audio/ogg"}}}},
		"document":     {media("document", "application/pdf", "bill.pdf"), "bill.pdf", &message.Content{Kind: message.ContentDocument, Files: []message.File{{Type: "application/pdf", Name: "bill.pdf"}}}},
		"contact card": {media("", "text/vcard", ""), "", &message.Content{Kind: message.ContentContacts, Files: []message.File{{Type: "text/vcard"}}}},
		"sticker":      {media("sticker", "image/webp", ""), "", &message.Content{Kind: message.ContentSticker, Files: []message.File{{Type: "image/webp"}}}},
		"button": {
			map[string]string{"MessageType": "button", "ButtonText": "Yes", "ButtonPayload": "yes-1", "Body": "Yes", "OriginalRepliedMessageSid": "MM9", "OriginalRepliedMessageSender": "whatsapp:+1415"},
			"Yes",
			&message.Content{Kind: message.ContentButton, Choice: &message.Choice{Text: "Yes", ID: "yes-1"}, Quoted: &message.Quoted{SID: "MM9", Sender: "+1415"}},
		},
		"list":      {map[string]string{"MessageType": "interactive", "ListId": "m", "ListTitle": "Medium"}, "Medium", &message.Content{Kind: message.ContentList, Choice: &message.Choice{Text: "Medium", ID: "m"}}},
		"form":      {map[string]string{"MessageType": "interactive", "FlowData": `{"a":1}`}, "", &message.Content{Kind: message.ContentForm, Form: `{"a":1}`}},
		"forwarded": {map[string]string{"Body": "Hi", "Forwarded": "true"}, "Hi", &message.Content{Kind: message.ContentText, Forwarded: true}},
		"often":     {map[string]string{"Body": "Hi", "FrequentlyForwarded": "true"}, "Hi", &message.Content{Kind: message.ContentText, Forwarded: true, Often: true}},
		"reaction":  {map[string]string{"MessageType": "reaction", "Body": "👍", "OriginalRepliedMessageSid": "SM1"}, "👍", &message.Content{Kind: message.ContentReaction, Quoted: &message.Quoted{SID: "SM1"}}},
		"deleted":   {map[string]string{"MessageType": "revoke", "OriginalRepliedMessageSid": "SM1"}, "", &message.Content{Kind: message.ContentDeleted, Quoted: &message.Quoted{SID: "SM1"}}},
		"unknown":   {map[string]string{"MessageType": "hologram"}, "", &message.Content{Kind: message.ContentOther}},
	} {
		in := Reader{}.Inbound(c.params)
		require.Equal(t, c.body, in.Body, name)
		require.Equal(t, c.want, in.Content, name)
	}
}
