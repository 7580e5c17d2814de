package app_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/graph"
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
			"/schema.graphql": http.StatusUnauthorized,
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

// request sends bytes as they are and gives the answer's status. What it does not answer to hangs until the test ends.
func (e *env) request(head string, body io.Reader) (int, string) {
	e.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
	require.NoError(e.t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, head)
	require.NoError(e.t, err)
	go func() { _, _ = io.Copy(conn, body) }() // ends with the connection
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(e.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(e.t, err)
	return resp.StatusCode, string(text)
}

func (e *env) cookies() string {
	u, err := url.Parse(e.URL)
	require.NoError(e.t, err)
	var all []string
	for _, c := range e.http.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// silence is a body that never comes.
type silence struct{ ctx context.Context }

func (s silence) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, io.EOF
}

// TestFilesAreRefusedBeforeTheyAreRead: of strangers before the first byte, of who may not import before the file.
func TestFilesAreRefusedBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	e := start(t)
	host := strings.TrimPrefix(e.URL, "http://")
	post := "POST /graphql HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: multipart/form-data; boundary=b\r\n"
	for _, length := range []string{"Content-Length: 1073741824", "Transfer-Encoding: chunked"} {
		code, text := e.request(post+length+"\r\n\r\n", silence{t.Context()})
		require.Equal(t, http.StatusUnauthorized, code, length)
		require.Contains(t, text, "UNAUTHENTICATED")
		code, text = e.request(post+"Authorization: Bearer nonsense\r\n"+length+"\r\n\r\n", silence{t.Context()})
		require.Equal(t, http.StatusUnauthorized, code, length)
		require.Contains(t, text, "UNAUTHENTICATED")
	}
	code, _ := e.request("POST /graphql HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: application/json\r\nContent-Length: 65537\r\n\r\n", silence{t.Context()})
	require.Equal(t, http.StatusRequestEntityTooLarge, code)

	part := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	operations := func(query string) string {
		raw, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"f": nil}})
		require.NoError(t, err)
		return part("operations", string(raw))
	}
	const contactImport = "mutation($f: Upload!) { contactImport(input: {file: $f}) { import { id } userErrors { message } } }"
	head := func(cookies string) string {
		return post + "Cookie: " + cookies + "\r\nContent-Length: 1000000000\r\n\r\n"
	}
	admin := e.cookies()
	viewer := admin
	e.exec("INSERT INTO operators (email, name, role, password_hash) VALUES ('bo@shop.example', 'Bo', 'admin', 'x')") // one always stays
	e.exec("UPDATE operators SET role = 'viewer' WHERE email = 'ada@shop.example'")
	code, text := e.request(head(viewer), io.MultiReader(strings.NewReader(operations(contactImport)), silence{t.Context()}))
	require.Equal(t, http.StatusForbidden, code, text)
	for name, query := range map[string]string{
		"a fragment":        "mutation($f: Upload!) { ...F } fragment F on Mutation { contactImport(input: {file: $f}) { import { id } } }",
		"an inline one":     "mutation($f: Upload!) { ... { ... on Mutation { contactImport(input: {file: $f}) { import { id } } } } }",
		"under a condition": "mutation($f: Upload!) { contactImport(input: {file: $f}) @skip(if: true) { import { id } } }",
	} {
		code, _ := e.request(head(viewer), io.MultiReader(strings.NewReader(operations(query)), silence{t.Context()}))
		require.Equal(t, http.StatusForbidden, code, name)
	}
	e.exec("UPDATE operators SET role = 'admin' WHERE email = 'ada@shop.example'")
	for name, body := range map[string]string{
		"a query":                 operations("{ viewer { id } }"),
		"what takes no file":      operations(`mutation { signOut { userErrors { message } } }`),
		"no such mutation":        operations(`mutation { nothing { userErrors { message } } }`),
		"no GraphQL":              operations(`mutation {`),
		"a cycle":                 operations(`mutation { ...F } fragment F on Mutation { ...F nothing }`),
		"no JSON":                 part("operations", "{"),
		"the file first":          part("0", "x"),
		"too much":                part("operations", strings.Repeat(" ", 129<<10)),
		"no place":                operations(contactImport) + part("map", `{}`) + part("0", "x"),
		"two places":              operations(contactImport) + part("map", `{"0": ["variables.f", "variables.g"]}`) + part("0", "x"),
		"another part's place":    operations(contactImport) + part("map", `{"1": ["variables.f"]}`) + part("0", "x"),
		"a place outside":         operations(contactImport) + part("map", `{"0": ["query"]}`) + part("0", "x"),
		"a place that is none":    operations(contactImport) + part("map", `{"0": ["variables.f.0.x"]}`) + part("0", "x"),
		"a place in a list":       operations(contactImport) + part("map", `{"0": ["variables.9999999"]}`) + part("0", "x"),
		"a place with a value":    part("operations", `{"query": "mutation($f: Upload!) { contactImport(input: {file: $f}) { import { id } } }", "variables": {"f": 1}}`) + part("map", `{"0": ["variables.f"]}`) + part("0", "x"),
		"no variables":            part("operations", `{"query": "mutation($f: Upload!) { contactImport(input: {file: $f}) { import { id } } }"}`) + part("map", `{"0": ["variables.f"]}`) + part("0", "x"),
		"an end before the file":  operations(contactImport) + part("map", `{"0": ["variables.f"]}`) + "--b--\r\n",
		"more than one operation": operations("mutation A($f: Upload!) { contactImport(input: {file: $f}) { import { id } } } mutation B { signOut { userErrors { message } } }"),
	} {
		code, text := e.request(head(admin), io.MultiReader(strings.NewReader(body+"--b--\r\n"), silence{t.Context()}))
		require.Equal(t, http.StatusUnprocessableEntity, code, "%s: %s", name, text)
		require.NotContains(t, text, "INTERNAL", name)
	}
	require.Zero(t, e.query("SELECT count(*) FROM imports"))
}

// TestAnUploadIsStreamed: the first rows are stored before the last have come.
func TestAnUploadIsStreamed(t *testing.T) {
	t.Parallel()
	e := start(t)
	body, feed := io.Pipe()
	w := multipart.NewWriter(feed)
	answer := make(chan *http.Response, 1)
	go func() {
		resp, err := e.http.Post(e.URL+"/graphql", w.FormDataContentType(), body)
		if err != nil {
			panic(err)
		}
		answer <- resp
	}()
	require.NoError(t, w.WriteField("operations", `{"query": "mutation($f: Upload!) { contactImport(input: {file: $f}) { import { id } userErrors { message } } }", "variables": {"f": null}}`))
	require.NoError(t, w.WriteField("map", `{"0": ["variables.f"]}`))
	part, err := w.CreateFormFile("0", "people.csv")
	require.NoError(t, err)
	_, err = io.WriteString(part, "phone,note\n")
	require.NoError(t, err)
	row := func(n int) string { return fmt.Sprintf("+4915%09d,%s\n", 100_000_000+n, strings.Repeat("x", 900)) }
	stored := func() int { return e.query("SELECT coalesce(sum(length(data)), 0) FROM import_chunks") }
	rows := 0
	for stored() == 0 {
		for range 100 {
			_, err := io.WriteString(part, row(rows))
			require.NoError(t, err)
			rows++
		}
		require.Less(t, rows, 100_000, "nothing is stored while the file comes")
	}
	select {
	case <-answer:
		t.Fatal("answered before the file's end")
	default:
	}
	require.NoError(t, w.Close())
	require.NoError(t, feed.Close())
	data, errs := decode(t, <-answer)
	require.Empty(t, errs)
	require.Contains(t, string(data), `"userErrors":[]`)
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM contacts") == rows }, patience, 100*time.Millisecond)
}

// TestSocketsAreBounded: 150 of strangers and 300 subscriptions on one were taken.
func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	e := start(t)
	address := "ws://" + strings.TrimPrefix(e.URL, "http://") + "/graphql"
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	// A socket on which a stranger says nothing is closed after seconds and makes room for the next, so that how many
	// are taken in all is a matter of this machine's pace; how many stand open at once is guard's test.
	refused := false
	for range 150 {
		conn, resp, err := dialer.Dial(address, nil)
		if err != nil {
			require.NotNil(t, resp, err)
			require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
			refused = true
			break
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	require.True(t, refused)

	conn, _, err := dialer.Dial(address, http.Header{"Cookie": {e.cookies()}})
	require.NoError(t, err, "who is signed in has room of their own")
	t.Cleanup(func() { _ = conn.Close() })
	var writing sync.Mutex
	send := func(message map[string]any) error {
		writing.Lock()
		defer writing.Unlock()
		return conn.WriteJSON(message)
	}
	require.NoError(t, send(map[string]any{"type": "connection_init"}))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range 300 {
			_ = send(map[string]any{
				"id": fmt.Sprint(i), "type": "subscribe", "payload": map[string]any{"query": "subscription { inboundMessages { id } }"},
			})
		}
	}()
	receive := func() (id, kind, payload string) {
		for {
			var m struct {
				ID, Type string
				Payload  json.RawMessage
			}
			require.NoError(t, conn.ReadJSON(&m))
			if m.Type != "ping" {
				return m.ID, m.Type, string(m.Payload)
			}
			require.NoError(t, send(map[string]any{"type": "pong"}))
		}
	}
	refusedIDs := map[string]bool{} // any of them: the server runs them side by side
	for len(refusedIDs) < 300-graph.MaxOnSocket {
		if id, _, payload := receive(); strings.Contains(payload, "RATE_LIMITED") {
			refusedIDs[id] = true
		}
	}
	<-sent
	for i, ended := 0, 0; ended < 2; i++ {
		if id := fmt.Sprint(i); !refusedIDs[id] {
			require.NoError(t, send(map[string]any{"id": id, "type": "complete"}))
			ended++
		}
	}
	for answered := false; !answered; { // there is room for another one as soon as one has ended
		asked := rand.Text()
		require.NoError(t, send(map[string]any{
			"id": asked, "type": "subscribe", "payload": map[string]any{"query": "{ viewer { email } }"},
		}))
		id, kind, payload := receive()
		for id != asked || kind != "next" {
			id, kind, payload = receive()
		}
		if answered = strings.Contains(payload, "ada@shop.example"); !answered {
			require.Contains(t, payload, "RATE_LIMITED")
		}
	}
}

// TestHeadersFollowThePublicURL, whatever a request says of where it came from.
func TestHeadersFollowThePublicURL(t *testing.T) {
	t.Parallel()
	for publicURL, https := range map[string]bool{"https://shop.example": true, "http://shop.example": false} {
		e := startWith(t, func(c *config.Config) { c.PublicURL, c.TrustedProxies = publicURL, nil })
		body, err := json.Marshal(map[string]any{
			"query": `mutation { signIn(input: {email: "ada@shop.example", password: "a long enough password"}) { operator { id } } }`,
		})
		require.NoError(t, err)
		ask := func(method, path, body string, header http.Header) *http.Response {
			req, err := http.NewRequest(method, e.URL+path, strings.NewReader(body))
			require.NoError(t, err)
			req.Header = header
			req.Host = "shop.example"
			req.Header.Set("X-Forwarded-Proto", map[bool]string{true: "http", false: "https"}[https])
			resp, err := http.DefaultTransport.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, https, resp.Header.Get("Strict-Transport-Security") != "", path)
			require.Contains(t, resp.Header.Get("Content-Security-Policy"), "connect-src 'self';")
			return resp
		}
		in := ask(http.MethodPost, "/graphql", string(body), http.Header{"Content-Type": {"application/json"}})
		require.Equal(t, "no-store", in.Header.Get("Cache-Control"))
		require.Len(t, in.Cookies(), 2, "of the session and of the device")
		for _, c := range in.Cookies() {
			require.Equal(t, https, c.Secure, c.Name)
			require.Equal(t, https, strings.HasPrefix(c.Name, "__Host-"), c.Name)
		}
		cookie := in.Cookies()[0]
		require.Contains(t, cookie.Name, "session")
		signedIn := http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}
		require.NotEqual(t, http.StatusUnauthorized, ask(http.MethodGet, "/downloads/exports/x/y", "", signedIn).StatusCode)
		for _, path := range []string{"/downloads/exports/x/y", "/downloads/imports/x/rejects.csv", "/downloads/campaigns/x/messages.csv", "/admin/jobs/"} {
			require.Equal(t, "no-store", ask(http.MethodGet, path, "", signedIn).Header.Get("Cache-Control"), path)
		}
		if https {
			tossed := http.Header{"Cookie": {strings.TrimPrefix(cookie.Name, "__Host-") + "=" + cookie.Value}}
			require.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, "/downloads/exports/x/y", "", tossed).StatusCode, "a neighbour's cookie")
		}
	}
}

// TestEachInstallationHasASandboxTokenOfItsOwn.
func TestEachInstallationHasASandboxTokenOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := t.TempDir(), t.TempDir()
	token, err := sandbox.Token(one)
	require.NoError(t, err)
	require.Len(t, token, 32)
	again, err := sandbox.Token(one)
	require.NoError(t, err)
	require.Equal(t, token, again)
	second, err := sandbox.Token(other)
	require.NoError(t, err)
	require.NotEqual(t, token, second)
	info, err := os.Stat(filepath.Join(one, "sandbox.token"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestWhatIsAskedBeforeTheEndIsAnswered: a server that stops, or starts anew with other credentials, cancels no request
// that is under way.
func TestWhatIsAskedBeforeTheEndIsAnswered(t *testing.T) {
	t.Parallel()
	e := start(t)
	const query = `{"query": "{ setup { needed } }"}`
	head := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		strings.TrimPrefix(e.URL, "http://"), len(query))
	rest, write := io.Pipe()
	type answer struct {
		status int
		body   string
	}
	answered := make(chan answer, 1)
	go func() {
		status, body := e.request(head, rest)
		answered <- answer{status, body}
	}()
	_, err := io.WriteString(write, query[:1])
	require.NoError(t, err)
	stopped := make(chan struct{})
	go func() {
		e.stop()
		close(stopped)
	}()
	require.Eventually(t, func() bool { // it takes no more
		conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, patience, 10*time.Millisecond)
	_, err = io.WriteString(write, query[1:])
	require.NoError(t, err)
	got := <-answered
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, got.body, `"needed":false`)
	<-stopped
}
