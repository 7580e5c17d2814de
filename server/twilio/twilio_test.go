package twilio

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

// The vector of Twilio's own documentation (usage/security).
func TestSignatureOfTwiliosDocumentation(t *testing.T) {
	t.Parallel()
	params := url.Values{
		"Digits": {"1234"}, "To": {"+18005551212"}, "From": {"+14158675309"},
		"Caller": {"+14158675309"}, "CallSid": {"CA1234567890ABCDE"},
	}
	const full = "https://mycompany.com/myapp.php?foo=1&bar=2"
	const signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
	require.Equal(t, signature, Sign("12345", full, params))
	require.True(t, ValidSignature([]string{"", "old", "12345"}, full, params, signature), "any of the tokens")
	require.True(t, ValidSignature([]string{"12345"}, "https://mycompany.com:443/myapp.php?foo=1&bar=2", params,
		signature), "with the default port")
	require.False(t, ValidSignature([]string{"12345"}, full, params, ""))
	require.False(t, ValidSignature([]string{""}, full, params, Sign("", full, params)), "an empty token never signs")
	params.Set("Digits", "1235")
	require.False(t, ValidSignature([]string{"12345"}, full, params, signature))
}

func testClient(t *testing.T, base string) *Client {
	t.Helper()
	c, err := New(Options{
		AccountSID: "AC00000000000000000000000000000000", AuthToken: "token", BaseURL: base,
		PublicURL: "http://127.0.0.1",
	})
	require.NoError(t, err)
	return c
}

// TestSendTellsSafeFromAmbiguous: what may have been accepted must never be
// taken for what was not.
func TestSendTellsSafeFromAmbiguous(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		class   message.Class
		code    int
	}{
		"429 with a body": {
			answer(429, `{"code":20429,"message":"Too Many Requests","status":429}`),
			message.ClassRetry, 20429,
		},
		"429 without":           {answer(429, ""), message.ClassRetry, 20429},
		"500 with a body":       {answer(500, `{"code":20500,"message":"oops","status":500}`), message.ClassAmbiguous, 20500},
		"502 of a proxy":        {answer(502, `{"message":"bad gateway"}`), message.ClassAmbiguous, 20500},
		"500 with another code": {answer(500, `{"code":63012,"message":"oops","status":500}`), message.ClassAmbiguous, 20500},
		"500 that says 400":     {answer(500, `{"code":21211,"message":"oops","status":400}`), message.ClassAmbiguous, 20500},
		"408":                   {answer(408, `{"message":"Request Timeout"}`), message.ClassAmbiguous, 20500},
		"408 in HTML":           {answer(408, "<html>"), message.ClassAmbiguous, 20500},
		"200 of a portal":       {answer(200, "<html>sign in</html>"), message.ClassAmbiguous, 20500},
		"429 of a proxy":        {answer(429, `{"message":"slow down"}`), message.ClassRetry, 20429},
		"503 in HTML":           {answer(503, "<html>busy</html>"), message.ClassAmbiguous, 20500},
		"201 without a body":    {answer(201, ""), message.ClassAmbiguous, 20500},
		"201 cut in the middle": {answer(201, `{"sid": "SM`), message.ClassAmbiguous, 20500},
		"a redirect":            {answer(302, ""), message.ClassAmbiguous, 20500},
		"401": {
			answer(401, `{"code":20003,"message":"Authenticate","status":401}`),
			message.ClassFixFirst, 20003,
		},
		"invalid number": {
			answer(400, `{"code":21211,"message":"bad To","status":400}`),
			message.ClassPermanentContact, 21211,
		},
		"no such sender": {
			answer(400, `{"code":63007,"message":"no channel","status":400}`), message.ClassFixFirst,
			63007,
		},
		"a code nobody knows": {
			answer(400, `{"code":99999,"message":"new","status":400}`), message.ClassPermanentMessage,
			99999,
		},
		"the connection is cut": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			message.ClassAmbiguous, 20500,
		},
	} {
		server := httptest.NewServer(c.handler)
		_, err := testClient(t, server.URL).Send(context.Background(),
			message.Outgoing{MessageID: 1, From: "+14155238886", To: "+4915112345678", Body: "x"})
		server.Close()
		var failure *message.SendError
		require.ErrorAs(t, err, &failure, name)
		require.Equal(t, c.class, failure.Info.Class, name)
		require.Equal(t, c.code, failure.Info.Code, name)
		if c.code == 20429 {
			require.Equal(t, 7*time.Second, failure.RetryAfter, name)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = testClient(t, "http://"+l.Addr().String()).Send(context.Background(),
		message.Outgoing{MessageID: 1, From: "+14155238886", To: "+4915112345678", Body: "x"})
	var failure *message.SendError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, message.ClassRetry, failure.Info.Class, "never connected: safe to try again")
}

func TestSendSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	var got url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.PostForm
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid":"SM1","status":"queued"}`))
	}))
	defer server.Close()
	ok, err := testClient(t, server.URL).Send(context.Background(), message.Outgoing{
		MessageID: 42, From: "MG00000000000000000000000000000000", To: "BR.1000000000000001", Body: "for our record",
		ContentSID: "HX1", ContentVariables: map[string]string{"1": "Max"},
	})
	require.NoError(t, err)
	require.Equal(t, message.Accepted{SID: "SM1", Status: message.StatusQueued}, ok)
	require.Equal(t, url.Values{
		"To": {"whatsapp:BR.1000000000000001"}, "MessagingServiceSid": {"MG00000000000000000000000000000000"},
		"ContentSid": {"HX1"}, "ContentVariables": {`{"1":"Max"}`},
		"StatusCallback": {"http://127.0.0.1/webhooks/twilio/status?m=42#rc=5&rp=5xx,ct,rt"},
	}, got)
	for body, says := range map[string][]string{"": nil, "In red": {"In red"}} { // a file with and without a caption
		_, err = testClient(t, server.URL).Send(context.Background(), message.Outgoing{
			MessageID: 43, From: "+14155238886", To: "+4915112345678", Body: body, Media: "/media/TOKEN/shoes.png",
		})
		require.NoError(t, err)
		require.Equal(t, says, got["Body"])
		require.Equal(t, []string{"http://127.0.0.1/media/TOKEN/shoes.png"}, got["MediaUrl"])
	}
}

func TestEveryCodeOnceAndComplete(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for _, c := range Codes {
		require.False(t, seen[c.Code], c.Code)
		seen[c.Code] = true
		require.NotEmpty(t, c.Title)
		require.NotEmpty(t, c.Advice)
		require.NotEmpty(t, c.Class)
		if c.Class == message.ClassFixFirst {
			require.NotEmpty(t, c.Scope, "%d: what is to be fixed has a scope", c.Code)
		} else if c.Scope != "" {
			require.Equal(t, message.ClassRetry, c.Class, "%d: only what is tried again holds others back", c.Code)
		}
	}
}
