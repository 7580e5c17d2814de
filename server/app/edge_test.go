package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"eventstream/server/config"
	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// TestAStrangerCannotBecomeTheFirstAdmin: the sandbox behind a tunnel listens on loopback, and is reached by everybody.
func TestAStrangerCannotBecomeTheFirstAdmin(t *testing.T) {
	t.Parallel()
	for name, publicURL := range map[string]string{"behind a tunnel": "https://shop.example", "on this machine": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startWith(t, func(c *config.Config) { c.AdminEmail, c.AdminPassword, c.PublicURL = "", "", publicURL })
			become := func(token any) string {
				var out struct {
					SetupAdmin struct {
						UserErrors []struct {
							Field   []string
							Message string
						}
					}
				}
				e.do(&out, `mutation($t: String) { setupAdmin(input: {email: "eve@evil.example", name: "Eve",
					password: "a long enough password", token: $t}) { operator { id } userErrors { field message } } }`, map[string]any{"t": token})
				if len(out.SetupAdmin.UserErrors) == 0 {
					return ""
				}
				return strings.Join(out.SetupAdmin.UserErrors[0].Field, ".")
			}
			for _, token := range []any{nil, "", "0", strings.Repeat("0", 20)} {
				require.Equal(t, "token", become(token), "%v", token)
			}
			require.Zero(t, e.query("SELECT count(*) FROM operators"))
			var setup struct {
				Setup struct{ Needed, TokenNeeded bool }
			}
			e.do(&setup, `{ setup { needed tokenNeeded } }`, nil)
			require.True(t, setup.Setup.Needed && setup.Setup.TokenNeeded)

			link, _ := e.Open(context.Background())
			require.True(t, strings.HasPrefix(link, "http://localhost:"), link)
			_, token, ok := strings.Cut(link, "/#setup=")
			require.True(t, ok, link)
			require.Empty(t, become(token))
			require.Equal(t, 1, e.query("SELECT count(*) FROM operators"))
			link, _ = e.Open(context.Background())
			require.NotContains(t, link, "setup", "the link is no longer needed")
		})
	}
}

// TestOtherHostsGetNothing: a page on a name that was made to resolve to this machine calls under that name.
func TestOtherHostsGetNothing(t *testing.T) {
	t.Parallel()
	e := startWith(t, func(c *config.Config) {
		c.PublicURL, c.AllowedHosts = "http://shop.example", []string{"engage.example:8443"}
	})
	ask := func(method, path, host, contentType, body string, header http.Header) int {
		req, err := http.NewRequest(method, e.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		if header != nil {
			req.Header = header
		}
		req.Host = host
		req.Header.Set("Content-Type", contentType)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	own := strings.TrimPrefix(e.URL, "http://")
	_, port, _ := strings.Cut(own, ":")
	form := map[string][]string{"MessageSid": {"SM" + strings.Repeat("a", 32)}, "MessageStatus": {"sent"}, "AccountSid": {sandbox.AccountSID}}
	signature := twilio.Sign(e.Sandbox.AuthToken(), "http://shop.example/webhooks/twilio/status", form)
	for host, allowed := range map[string]bool{
		own: true, "localhost:" + port: true, "[::1]:" + port: true, "shop.example": true, "shop.example:80": true,
		"engage.example:8443": true, "engage.example": false, "evil.example": false, "evil.example:" + port: false, "localhost": false,
		"127.0.0.1": false, "127.0.0.1.evil.example:" + port: false,
	} {
		for path, wanted := range map[string]int{
			"/": http.StatusOK, "/contacts": http.StatusOK, "/graphql": http.StatusOK, "/no/such.file": http.StatusNotFound,
			"/downloads/imports/x/rejects.csv": http.StatusUnauthorized, "/admin/jobs/": http.StatusUnauthorized,
			"/schema.graphql": http.StatusOK,
		} {
			method, body := http.MethodGet, ""
			if path == "/graphql" {
				method, body = http.MethodPost, `{"query": "{ setup { needed } }"}`
			}
			if !allowed {
				wanted = http.StatusMisdirectedRequest
			}
			header := http.Header{"Accept": {"text/html"}}
			require.Equal(t, wanted, ask(method, path, host, "application/json", body, header), "%s on %s", path, host)
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			require.Equal(t, http.StatusOK, ask(http.MethodGet, path, host, "", "", nil), "%s on %s", path, host)
		}
		require.Equal(t, http.StatusNoContent, ask(http.MethodPost, "/webhooks/twilio/status", host, "application/x-www-form-urlencoded",
			"MessageSid="+form["MessageSid"][0]+"&MessageStatus=sent&AccountSid="+sandbox.AccountSID,
			http.Header{"X-Twilio-Signature": {signature}}), "a signed webhook on %s", host)
		conn, resp, err := websocket.DefaultDialer.Dial("ws://"+own+"/graphql", http.Header{"Host": {host}, "Origin": {"http://" + host}})
		if !allowed {
			require.Error(t, err)
			require.Equal(t, http.StatusMisdirectedRequest, resp.StatusCode, "a socket on %s", host)
			continue
		}
		require.NoError(t, err, "a socket on %s", host)
		require.NoError(t, conn.Close())
	}
}
