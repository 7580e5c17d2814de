package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"eventstream/server/app"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

const ownPassword = "correct horse battery"

// token makes an API token as the signed-in admin and gives who uses it.
func (e *env) token(fields string) *env {
	e.t.Helper()
	var made struct {
		APITokenCreate struct {
			Secret     string
			UserErrors []struct{ Message string }
		}
	}
	e.do(&made, `mutation { apiTokenCreate(input: {name: "machine", `+fields+`}) { secret userErrors { message } } }`, nil)
	require.Empty(e.t, made.APITokenCreate.UserErrors)
	return &env{App: e.App, t: e.t, http: &http.Client{Transport: bearer(made.APITokenCreate.Secret), Timeout: patience}}
}

// person invites somebody, takes up the invitation and signs in as them.
func (e *env) person(name, role string) (who *env, id string) {
	e.t.Helper()
	var invited struct {
		OperatorInvite struct {
			Operator struct {
				ID      string
				Invited bool
			}
			Link string
		}
	}
	e.do(&invited, fmt.Sprintf(`mutation { operatorInvite(input: {email: "%s@shop.example", name: "%s", role: %s}) {
		operator { id invited } link } }`, name, name, role), nil)
	require.True(e.t, invited.OperatorInvite.Operator.Invited)
	jar, err := cookiejar.New(nil)
	require.NoError(e.t, err)
	who = &env{App: e.App, t: e.t, http: &http.Client{Jar: jar, Timeout: patience}}
	secret := invited.OperatorInvite.Link[strings.IndexByte(invited.OperatorInvite.Link, '#')+1:]
	var link struct {
		PasswordLink struct{ Email, Purpose string }
	}
	who.do(&link, `query($t: String!) { passwordLink(token: $t) { email purpose } }`, map[string]any{"t": secret})
	require.Equal(e.t, "INVITATION", link.PasswordLink.Purpose)
	var set struct{ PasswordSet struct{ Email string } }
	who.do(&set, `mutation($t: String!, $p: String!) { passwordSet(input: {token: $t, password: $p}) { email } }`,
		map[string]any{"t": secret, "p": ownPassword})
	require.Equal(e.t, name+"@shop.example", set.PasswordSet.Email)
	who.signIn(name)
	return who, invited.OperatorInvite.Operator.ID
}

func (e *env) signIn(name string) {
	e.t.Helper()
	var in struct{ SignIn struct{ UserErrors []any } }
	e.do(&in, fmt.Sprintf(`mutation { signIn(input: {email: "%s@shop.example", password: "%s"}) { userErrors { message } } }`,
		name, ownPassword), nil)
	require.Empty(e.t, in.SignIn.UserErrors)
}

func (e *env) refused(query string) (code string) {
	e.t.Helper()
	_, errs := e.raw(query, nil)
	require.NotEmpty(e.t, errs, query)
	return errs[0].Extensions.Code
}

// socket opens a WebSocket with this client's cookies or token.
func (e *env) socket() *websocket.Conn {
	e.t.Helper()
	u, err := url.Parse(e.URL)
	require.NoError(e.t, err)
	header := http.Header{}
	if secret, ok := e.http.Transport.(bearer); ok {
		header.Set("Authorization", "Bearer "+string(secret))
	}
	if e.http.Jar != nil {
		for _, c := range e.http.Jar.Cookies(u) {
			header.Add("Cookie", c.String())
		}
	}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.Dial("ws://"+u.Host+"/graphql", header)
	require.NoError(e.t, err)
	_ = resp.Body.Close()
	e.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(e.t, conn.WriteJSON(map[string]any{"type": "connection_init"}))
	require.Contains(e.t, next(e.t, conn), "connection_ack")
	return conn
}

// next gives the next message that is no ping, or says why there is none.
func next(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	for {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		_, raw, err := conn.ReadMessage()
		if err != nil {
			var closed *websocket.CloseError
			require.ErrorAs(t, err, &closed, "it is closed, and does not hang")
			return "closed"
		}
		if !strings.Contains(string(raw), `"ping"`) {
			return string(raw)
		}
	}
}

func over(t *testing.T, conn *websocket.Conn, id, query string) string {
	t.Helper()
	require.NoError(t, conn.WriteJSON(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}}))
	answer := next(t, conn)
	if !strings.HasPrefix(query, "subscription") && strings.Contains(answer, `"next"`) {
		require.Contains(t, next(t, conn), "complete")
	}
	return answer
}

// The attack of the security test: with the token of a deactivated admin it
// invited an admin and deactivated the last one.
func TestTheTokenOfADeactivatedAdminIsWorthNothing(t *testing.T) {
	t.Parallel()
	e := start(t)
	mallory, id := e.person("mallory", "ADMIN")
	machine := mallory.token("role: ADMIN")
	machine.do(nil, `{ contacts { nodes { id } } }`, nil)
	for _, act := range []string{
		`mutation { operatorInvite(input: {email: "eve@evil.example", name: "Eve", role: ADMIN, password: "a long enough password"}) { operator { id } } }`,
		`mutation { operatorDeactivate(input: {id: "` + id + `"}) { operator { id } } }`,
		`mutation { operatorUpdate(input: {id: "` + id + `", role: VIEWER}) { operator { id } } }`,
		`mutation { apiTokenCreate(input: {name: "another", role: ADMIN}) { secret } }`,
		`{ operators { email } }`, `{ apiTokens { id } }`, `{ sessions { id } }`,
	} {
		require.Equal(t, "FORBIDDEN", machine.refused(act), act)
	}
	e.must("operatorDeactivate", "operator", map[string]any{"id": id})
	resp, err := machine.http.Post(e.URL+"/graphql", "application/json", strings.NewReader(`{"query":"{ setup { needed } }"}`))
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	require.Equal(t, "UNAUTHENTICATED", mallory.refused(`{ contacts { nodes { id } } }`))

	e.must("operatorReactivate", "operator", map[string]any{"id": id})
	mallory.signIn("mallory")
	mallory.do(nil, `{ contacts { nodes { id } } }`, nil)
}

func TestATokenDoesOnlyWhatItsScopesSay(t *testing.T) {
	t.Parallel()
	e := start(t)
	contact := `mutation { contactCreate(input: {address: "+4915112345678"}) { contact { id } } }`
	segment := `mutation { segmentCreate(input: {name: "All", query: {all: []}}) { segment { id } } }`
	reader := e.token("role: ADMIN, scopes: [READ]")
	reader.do(nil, `{ contacts { nodes { id } } }`, nil)
	require.Equal(t, "FORBIDDEN", reader.refused(contact))
	writer := e.token("role: MARKETER, scopes: [CONTACTS_WRITE]")
	writer.do(nil, contact, nil)
	require.Equal(t, "FORBIDDEN", writer.refused(segment))
	require.Equal(t, "FORBIDDEN", writer.refused(`{ contacts { nodes { id } } }`))
	require.Equal(t, "FORBIDDEN", writer.refused(`mutation { contactExport(input: {contacts: {filter: {}}}) { action { id } } }`))
	e.token("role: MARKETER").do(nil, segment, nil)
}

func TestASocketKnowsWhatWasDecidedSince(t *testing.T) {
	t.Parallel()
	e := start(t)
	bea, id := e.person("bea", "MARKETER")
	live := `subscription { systemHealthChanged { checks { name } } }`
	contacts := `{ contacts { nodes { id } } }`

	machine := e.token("role: VIEWER")
	conn := machine.socket()
	require.Contains(t, over(t, conn, "1", contacts), `"data"`)
	require.Contains(t, over(t, conn, "2", live), `"data"`)
	var tokens struct{ APITokens []struct{ ID string } }
	e.do(&tokens, `{ apiTokens { id } }`, nil)
	e.must("apiTokenRevoke", "apiToken", map[string]any{"id": tokens.APITokens[0].ID})
	for answer := ""; answer != "closed"; {
		answer = next(t, conn)
	}

	for name, end := range map[string]func(){
		"another role": func() { e.must("operatorUpdate", "operator", map[string]any{"id": id, "role": "VIEWER"}) },
		"signed out":   func() { bea.do(nil, `mutation { signOut { userErrors { code } } }`, nil); bea.signIn("bea") },
		"shut out":     func() { e.must("operatorDeactivate", "operator", map[string]any{"id": id}) },
	} {
		e.must("operatorReactivate", "operator", map[string]any{"id": id})
		e.must("operatorUpdate", "operator", map[string]any{"id": id, "role": "MARKETER"})
		bea.signIn("bea")
		conn := bea.socket()
		require.Contains(t, over(t, conn, "1", live), `"data"`, name)
		end()
		for answer := ""; answer != "closed"; {
			answer = next(t, conn)
		}
	}
}

// Each operation asks anew, even if the news that would close the socket is lost.
func TestEachOperationOnASocketAsksAnew(t *testing.T) {
	t.Parallel()
	e := start(t)
	bea, _ := e.person("bea", "MARKETER")
	conn := bea.socket()
	create := `mutation { contactCreate(input: {address: "+4915112345678"}) { contact { id } } }`
	require.Contains(t, over(t, conn, "1", create), `"data"`)
	_, err := e.DB().ExecContext(t.Context(), "UPDATE operators SET role = 'viewer' WHERE email = 'bea@shop.example'")
	require.NoError(t, err) // behind the hub's back
	require.Contains(t, over(t, conn, "2", create), "FORBIDDEN")
	_, err = e.DB().ExecContext(t.Context(), "UPDATE operators SET active = false WHERE email = 'bea@shop.example'")
	require.NoError(t, err)
	require.Contains(t, over(t, conn, "3", `{ contacts { nodes { id } } }`), "UNAUTHENTICATED")
}

func TestAPersonIsShownToThoseWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	e := start(t)
	viewer, viewerID := e.person("vera", "VIEWER")
	_, marketerID := e.person("mia", "MARKETER")
	var me struct {
		Viewer struct{ ID, Email, Role string }
	}
	e.do(&me, `{ viewer { id email role } }`, nil)
	require.Equal(t, "ADMIN", me.Viewer.Role)
	node := func(id string) string {
		return `{ node(id: "` + id + `") { ... on Operator { email role lastSignInAt } ... on ApiToken { name } } }`
	}
	require.Equal(t, "FORBIDDEN", viewer.refused(node(me.Viewer.ID)))
	require.Equal(t, "FORBIDDEN", e.token("role: ADMIN").refused(node(me.Viewer.ID)))
	data, errs := viewer.raw(node(viewerID), nil)
	require.Empty(t, errs)
	require.Contains(t, string(data), "vera@shop.example")
	data, errs = e.raw(node(marketerID), nil)
	require.Empty(t, errs)
	require.Contains(t, string(data), "mia@shop.example")
	var tokens struct{ APITokens []struct{ ID string } }
	e.do(&tokens, `{ apiTokens { id } }`, nil)
	require.Equal(t, "FORBIDDEN", viewer.refused(node(tokens.APITokens[0].ID)))
	data, errs = e.raw(node(tokens.APITokens[0].ID), nil)
	require.Empty(t, errs)
	require.Contains(t, string(data), "machine")

	// Wherever else operators are shown, to others they are a name.
	e.small(1)
	e.must("contactExport", "action", map[string]any{"contacts": everybody()})
	data, errs = viewer.raw(`{ bulkActions { nodes { operator { id name email role lastSignInAt invited } } } }`, nil)
	require.Empty(t, errs)
	require.Contains(t, string(data), `"name":"Admin","email":null,"role":null,"lastSignInAt":null,"invited":false`)
}

func (e *env) download(path string) (status int, body string) {
	e.t.Helper()
	resp, err := e.http.Get(e.URL + path)
	require.NoError(e.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(e.t, err)
	return resp.StatusCode, string(raw)
}

func TestWhatAMachineMakesBelongsToIt(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	machine := e.token("role: MARKETER")
	export := func(e *env) string {
		return "/downloads/exports/" + e.must("contactExport", "action", map[string]any{"contacts": everybody()}) +
			"/contacts.csv"
	}
	path := export(machine)
	other := e.token("role: MARKETER")
	mia, _ := e.person("mia", "MARKETER")
	for name, who := range map[string]*env{"a colleague": mia, "another token": other} {
		status, _ := who.download(path)
		require.Equal(t, http.StatusForbidden, status, name)
	}
	status, body := machine.download(path)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 4, strings.Count(body, "\n"))
	status, _ = e.download(path)
	require.Equal(t, http.StatusOK, status, "an admin")
	status, _ = machine.download(export(mia))
	require.Equal(t, http.StatusForbidden, status)
	noExport := e.token("role: ADMIN, scopes: [READ, CONTACTS_WRITE]")
	status, _ = noExport.download(path)
	require.Equal(t, http.StatusForbidden, status, "without the scope")
	status, _ = noExport.download("/downloads/campaigns/" + "Q2FtcGFpZ246MQ" + "/messages.csv")
	require.NotEqual(t, http.StatusOK, status)
	status, _ = e.token("role: ADMIN").download("/admin/jobs/")
	require.Equal(t, http.StatusForbidden, status, "jobs are for people")

	type entry struct {
		ActorKind, Entity string
		Changes           struct{ Address string }
	}
	var trail struct{ AuditEntries struct{ Nodes []entry } }
	e.do(&trail, `{ auditEntries(filter: {action: "export.download"}) { nodes { actorKind entity changes } } }`, nil)
	kinds := map[string]int{}
	for _, n := range trail.AuditEntries.Nodes {
		kinds[n.ActorKind]++
		require.Equal(t, "127.0.0.1", n.Changes.Address)
	}
	require.Equal(t, map[string]int{"api_token": 1, "operator": 1}, kinds)
}

// A machine's changes to many contacts are its own in the trail, also those that
// a job makes later.
func TestAMachinesJobsAreItsOwnInTheTrail(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	machine := e.token("role: MARKETER")
	machine.must("contactTag", "action", map[string]any{"contacts": everybody(), "add": []string{"new"}})
	require.Eventually(t, func() bool {
		data, errs := e.raw(`{ bulkActions { nodes { status } } }`, nil)
		require.Empty(t, errs)
		return strings.Contains(string(data), "COMPLETED")
	}, patience, 50*time.Millisecond)
	var kinds []string
	require.NoError(t, e.DB().NewRaw("SELECT DISTINCT actor_kind FROM audit_entries WHERE action LIKE 'bulk.tag%'").
		Scan(t.Context(), &kinds))
	require.Equal(t, []string{"api_token"}, kinds)
}

func TestComingAndGoingIsInTheTrail(t *testing.T) {
	t.Parallel()
	e := start(t)
	stranger := &env{App: e.App, t: t, http: &http.Client{Timeout: patience}}
	for range 5 {
		stranger.do(nil, `mutation { signIn(input: {email: "ada@shop.example", password: "wrong"}) { userErrors { code } } }`, nil)
	}
	bea, _ := e.person("bea", "VIEWER")
	bea.do(nil, `mutation { signOut { userErrors { code } } }`, nil)
	for action, n := range map[string]int{
		"operator.sign_in": 2, "operator.sign_in_failed": 5, "operator.lockout": 1, "operator.sign_out": 1,
		"operator.password_set": 1,
	} {
		var trail struct {
			AuditEntries struct {
				Nodes []struct{ Changes json.RawMessage }
			}
		}
		e.do(&trail, `query($a: String!) { auditEntries(filter: {action: $a}) { nodes { changes } } }`, map[string]any{"a": action})
		require.Len(t, trail.AuditEntries.Nodes, n, action)
		for _, entry := range trail.AuditEntries.Nodes {
			require.Contains(t, string(entry.Changes), `"address":"127.0.0.1"`, action)
			require.NotContains(t, string(entry.Changes), "shop.example")
		}
	}
}

// With no way in left, the command line gives an admin back, and servers that run
// hear of it.
func TestTheCommandLineGivesAnAdminBack(t *testing.T) {
	t.Parallel()
	e := start(t)
	mallory, _ := e.person("mallory", "ADMIN")
	var me struct{ Viewer struct{ ID string } }
	e.do(&me, `{ viewer { id } }`, nil)
	mallory.must("operatorDeactivate", "operator", map[string]any{"id": me.Viewer.ID})
	require.Equal(t, "UNAUTHENTICATED", e.refused(`{ operators { id } }`))
	conn := mallory.socket()

	cfg := e.cfg
	cfg.PublicURL = "https://engage.example/"
	log := slog.New(slog.DiscardHandler)
	link, err := app.ResetOperator(t.Context(), cfg, e.DB(), log, "ADA@shop.example")
	require.NoError(t, err)
	require.Regexp(t, `^https://engage\.example/password#\w+$`, link)
	secret := link[strings.IndexByte(link, '#')+1:]
	e.do(nil, `mutation($t: String!, $p: String!) { passwordSet(input: {token: $t, password: $p}) { email } }`,
		map[string]any{"t": secret, "p": ownPassword})
	e.signIn("ada")
	e.do(nil, `{ operators { id } }`, nil)

	_, err = app.ResetOperator(t.Context(), cfg, e.DB(), log, "mallory@shop.example")
	require.NoError(t, err)
	require.Equal(t, "closed", next(t, conn), "their sessions end too")
	_, err = app.ResetOperator(t.Context(), cfg, e.DB(), log, "nobody@shop.example")
	require.ErrorContains(t, err, "nobody@shop.example")
}
