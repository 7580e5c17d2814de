package app_test

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"eventstream/server/twilio/sandbox"
)

// TestFilesOfContactsComeThroughUs sends a picture, and addresses that are none of ours.
func TestFilesOfContactsComeThroughUs(t *testing.T) {
	t.Parallel()
	e := start(t)
	account := "https://api.twilio.com/2010-04-01/Accounts/" + sandbox.AccountSID
	send := func(number string, more ...string) {
		t.Helper()
		var parameters []any
		for i := 0; i < len(more); i += 2 {
			parameters = append(parameters, map[string]any{"name": more[i], "value": more[i+1]})
		}
		e.do(nil, `mutation($f: String!, $p: [SandboxParameter!]) { sandboxInboundSend(input: {from: $f, body: "", parameters: $p}) { sid } }`,
			map[string]any{"f": number, "p": parameters})
	}
	send("+4915112345601", "NumMedia", "1")
	send("+4915112345602", "NumMedia", "1", "MediaUrl0", "https://169.254.169.254/latest/meta-data", "MediaContentType0", "image/png")
	send("+4915112345603", "NumMedia", "1", "MediaUrl0", strings.Replace(account, "AC", "ACother", 1)+"/Messages/MM1/Media/ME1")
	send("+4915112345604", "NumMedia", "1", "MediaUrl0", account+"/Messages/MM1/Media/ME1/../../../../Keys.json")
	ids := map[string]string{}
	require.Eventually(t, func() bool {
		var out struct {
			Messages struct {
				Nodes []struct {
					ID      string
					Contact struct{ Address string }
					Media   []string
				}
			}
		}
		e.do(&out, `{ messages(first: 50) { nodes { id media contact { address } } } }`, nil)
		for _, m := range out.Messages.Nodes {
			if len(m.Media) == 1 {
				ids[m.Contact.Address] = m.ID
			}
		}
		return len(ids) == 4
	}, patience, 20*time.Millisecond)
	picture := "/downloads/messages/" + ids["+4915112345601"] + "/media/0"
	resp, err := e.http.Get(e.URL + picture)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "image/png", resp.Header.Get("Content-Type"))
	require.Equal(t, "default-src 'none'; sandbox", resp.Header.Get("Content-Security-Policy"))
	require.True(t, strings.HasPrefix(resp.Header.Get("Content-Disposition"), "inline"))
	require.Equal(t, "private, max-age=3600", resp.Header.Get("Cache-Control"))
	for _, path := range []string{
		strings.TrimSuffix(picture, "0") + "1", // there is one
		"/downloads/messages/" + ids["+4915112345602"] + "/media/0",
		"/downloads/messages/" + ids["+4915112345603"] + "/media/0",
		"/downloads/messages/" + ids["+4915112345604"] + "/media/0",
	} {
		status, text := e.download(path)
		require.Equal(t, http.StatusNotFound, status, "%s: %s", path, text)
	}
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	resp, err = (&http.Client{Jar: jar}).Get(e.URL + picture)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}
