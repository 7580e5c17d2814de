package app_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/db/dbtest"
	"eventstream/server/twilio"
	"eventstream/server/twilio/contract"
	"eventstream/server/twilio/sandbox"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// patience is how long a test waits for what must happen: it ends what hangs, and
// says nothing about how fast a machine is.
const patience = 5 * time.Minute

// env is the whole engine with a signed-in admin.
type env struct {
	*app.App
	t    *testing.T
	cfg  config.Config
	http *http.Client
	stop func()     // at the end of the test, if not before
	done chan error // what Run gives
}

func start(t *testing.T) *env {
	t.Helper()
	return startWith(t, func(*config.Config) {})
}

// startWith starts the engine with another configuration. Without an admin in it, nobody is signed in.
func startWith(t *testing.T, change func(*config.Config)) *env {
	t.Helper()
	return startLogged(t, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), change)
}

func startLogged(t *testing.T, log *slog.Logger, change func(*config.Config)) *env {
	t.Helper()
	cfg := config.Config{
		DatabaseURL: config.Secret(dbtest.URL(t)), ListenAddr: "127.0.0.1:0", DataDir: t.TempDir(),
		SecretKey:  "0123456789abcdef0123456789abcdef",
		AdminEmail: "ada@shop.example", AdminPassword: "a long enough password", LogLevel: "error", LogFormat: "text",
		Playground: true, Introspection: true, MetricsAddr: "127.0.0.1:0",
	}
	change(&cfg)
	return run(t, log, cfg)
}

func run(t *testing.T, log *slog.Logger, cfg config.Config) *env {
	t.Helper()
	require.NoError(t, cfg.Validate())
	a, err := app.New(context.Background(), cfg, app.Roles{Serve: true, Work: true}, log)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			require.ErrorIs(t, err, app.ErrProviderChanged)
		}
		a.Close()
	})
	t.Cleanup(stop)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	e := &env{App: a, t: t, cfg: cfg, http: &http.Client{Jar: jar, Timeout: patience}, stop: stop, done: done}
	quick := sandbox.DefaultSettings()
	quick.LatencyMS, quick.ApprovalMS, quick.DeliveryMS, quick.ReplyRate, quick.UndeliveredRate = 2, 10, 100, 0, 0
	if a.Sandbox != nil {
		contract.Watch(t, a.Sandbox.Watch)
		require.NoError(t, a.Sandbox.SetSettings(quick))
	}
	if cfg.AdminEmail == "" {
		return e
	}
	var in struct{ SignIn struct{ UserErrors []any } }
	e.do(&in, `mutation { signIn(input: {email: "ADA@shop.example", password: "a long enough password"}) { userErrors { message } } }`, nil)
	require.Empty(t, in.SignIn.UserErrors)
	return e
}

type gqlError struct {
	Message    string
	Extensions struct{ Code string }
}

// raw sends one operation and gives its data and errors.
func (e *env) raw(query string, vars map[string]any) (json.RawMessage, []gqlError) {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	require.NoError(e.t, err)
	resp, err := e.http.Post(e.URL+"/graphql", "application/json", bytes.NewReader(body))
	require.NoError(e.t, err)
	return decode(e.t, resp)
}

func decode(t *testing.T, resp *http.Response) (json.RawMessage, []gqlError) {
	t.Helper()
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Data   json.RawMessage
		Errors []gqlError
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&out))
	return out.Data, out.Errors
}

// do sends one operation that must succeed.
func (e *env) do(into any, query string, vars map[string]any) {
	e.t.Helper()
	data, errs := e.raw(query, vars)
	require.Empty(e.t, errs, query)
	if into != nil {
		require.NoError(e.t, json.Unmarshal(data, into))
	}
}

// mutate calls one mutation and gives the id of what it made, and what it
// found wrong.
func (e *env) mutate(name, field string, input map[string]any) (id string, problems string) {
	e.t.Helper()
	typ := strings.ToUpper(name[:1]) + name[1:] + "Input"
	data, errs := e.raw(fmt.Sprintf(`mutation($i: %s!) { %s(input: $i) { %s { id } userErrors { field message } } }`,
		typ, name, field), map[string]any{"i": input})
	require.Empty(e.t, errs, name)
	var out map[string]map[string]json.RawMessage
	require.NoError(e.t, json.Unmarshal(data, &out))
	var made *struct{ ID string }
	require.NoError(e.t, json.Unmarshal(out[name][field], &made))
	var wrong []struct {
		Field   []string
		Message string
	}
	require.NoError(e.t, json.Unmarshal(out[name]["userErrors"], &wrong))
	for _, w := range wrong {
		problems += strings.Join(w.Field, ".") + ": " + w.Message + "\n"
	}
	if made != nil {
		id = made.ID
	}
	return id, problems
}

func (e *env) must(name, field string, input map[string]any) string {
	e.t.Helper()
	id, problems := e.mutate(name, field, input)
	require.Empty(e.t, problems, name)
	return id
}

// upload imports a file and gives its id, or what was wrong with it.
func (e *env) upload(name string, content []byte, extra string) (id, problems string) {
	e.t.Helper()
	id, problems, errs := e.tryUpload(name, content, extra)
	require.Empty(e.t, errs)
	return id, problems
}

// tryUpload is upload that the server may refuse to begin.
func (e *env) tryUpload(name string, content []byte, extra string) (id, problems string, errs []gqlError) {
	e.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	ops, err := json.Marshal(map[string]any{
		"query": `mutation($f: Upload!) { contactImport(input: {file: $f` + extra +
			`}) { import { id } userErrors { field message } } }`,
		"variables": map[string]any{"f": nil},
	})
	require.NoError(e.t, err)
	require.NoError(e.t, w.WriteField("operations", string(ops)))
	require.NoError(e.t, w.WriteField("map", `{"0": ["variables.f"]}`))
	part, err := w.CreateFormFile("0", name)
	require.NoError(e.t, err)
	_, err = part.Write(content)
	require.NoError(e.t, err)
	require.NoError(e.t, w.Close())
	resp, err := e.http.Post(e.URL+"/graphql", w.FormDataContentType(), &body)
	require.NoError(e.t, err)
	data, errs := decode(e.t, resp)
	if len(errs) > 0 {
		return "", "", errs
	}
	var out struct {
		ContactImport struct {
			Import     *struct{ ID string }
			UserErrors []struct{ Message string }
		}
	}
	require.NoError(e.t, json.Unmarshal(data, &out))
	for _, u := range out.ContactImport.UserErrors {
		problems += u.Message
	}
	if out.ContactImport.Import != nil {
		id = out.ContactImport.Import.ID
	}
	return id, problems, nil
}

type imported struct {
	Status                                            string
	Failure                                           string
	RowsTotal                                         int
	Created, Updated, Unchanged, Duplicates, Rejected int
	RejectsURL                                        string
}

func (e *env) imported(id string) imported {
	e.t.Helper()
	var out struct{ Node imported }
	require.Eventually(e.t, func() bool {
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Import { status failure rowsTotal created updated unchanged duplicates rejected rejectsUrl } } }`, map[string]any{"id": id})
		return out.Node.Status == "COMPLETED" || out.Node.Status == "FAILED"
	}, patience, 50*time.Millisecond)
	return out.Node
}

func fixture(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../importer/testdata/contacts_5k.csv")
	require.NoError(t, err)
	return raw
}

// approved makes a template and waits for WhatsApp's yes.
func (e *env) approved(body string) string {
	e.t.Helper()
	id := e.must("templateCreate", "template", map[string]any{"name": "T " + body, "body": body})
	require.Eventually(e.t, func() bool {
		var out struct {
			Node struct{ ApprovalStatus string }
		}
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Template { approvalStatus } } }`, map[string]any{"id": id})
		return out.Node.ApprovalStatus == "APPROVED"
	}, patience, 50*time.Millisecond)
	return id
}

type counts struct {
	Audience, Pending, Submitting, Accepted, Sent, Delivered, Read, Failed, Undelivered, Canceled, Expired, Skipped,
	Unknown, Replied, OptedOut int
}

func (e *env) campaign(id string) (status string, c counts) {
	e.t.Helper()
	var out struct {
		Node struct {
			Status string
			Counts counts
		}
	}
	e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { status counts {
		audience pending submitting accepted sent delivered read failed undelivered canceled expired skipped unknown replied optedOut } } } }`, map[string]any{"id": id})
	return out.Node.Status, out.Node.Counts
}

func (e *env) await(id, want string) counts {
	e.t.Helper()
	var status string
	var c counts
	require.Eventually(e.t, func() bool {
		status, c = e.campaign(id)
		return status == want
	}, patience, 100*time.Millisecond, "campaign is %s, want %s: %+v", status, want, c)
	return c
}

// settled waits until the campaign sends no more (a paused one counts) and the
// sandbox has reported everything. A campaign that was just launched is not settled:
// nothing of it is accepted, because nothing was sent yet.
func (e *env) settled(id string) counts {
	e.t.Helper()
	var c counts
	require.Eventually(e.t, func() bool {
		var status string
		status, c = e.campaign(id)
		return status != "PREPARING" && status != "SENDING" && c.Submitting == 0 &&
			c.Delivered+c.Undelivered+c.Failed >= c.Accepted
	}, patience, 100*time.Millisecond)
	return c
}

// exact checks the promise: the sandbox's log, the messages and the counters
// tell the same, nobody was written to twice and nobody is missing. It waits for
// calls that are under way, which a canceled or paused campaign still finishes.
func (e *env) exact(campaignID string) {
	e.t.Helper()
	ctx := context.Background()
	require.Eventually(e.t, func() bool {
		// One that a batch gives back after its campaign was canceled is pending for a moment.
		return e.query("SELECT count(*) FROM messages WHERE direction = 'outbound' AND status IN ('submitting', 'pending')") == 0
	}, patience, 20*time.Millisecond, "a message stays under way")
	log := map[string]string{} // SID → address
	for _, m := range e.Sandbox.Messages() {
		if m.Direction == "outbound-api" {
			log[m.SID] = strings.TrimPrefix(m.To, "whatsapp:")
		}
	}
	var rows []struct {
		Sid, Address, Status, SkipReason string
	}
	require.NoError(e.t, e.DB().NewRaw(`SELECT coalesce(m.sid, '') AS sid, c.address, m.status, m.skip_reason FROM messages m JOIN contacts c ON c.id = m.contact_id
		WHERE m.direction = 'outbound'`).Scan(ctx, &rows))
	ours := map[string]string{}
	for _, r := range rows {
		switch {
		case r.Sid != "":
			require.Equal(e.t, log[r.Sid], r.Address, "the sandbox knows this SID for this address")
			ours[r.Sid] = r.Address
		case r.Status == "skipped":
			require.NotEmpty(e.t, r.SkipReason)
		default:
			require.Contains(e.t, []string{"canceled", "expired", "failed"}, r.Status,
				"a message without SID has ended for a reason")
		}
	}
	require.Equal(e.t, len(log), len(ours), "every message in the sandbox's log is one of ours")
	e.recount()
}

// recount compares every counter with the messages themselves.
func (e *env) recount() {
	e.t.Helper()
	var off []struct {
		CampaignID      int64
		Measure, Reason string
		Kept, Counted   int64
	}
	require.NoError(e.t, e.DB().NewRaw(`
		SELECT campaign_id, measure, reason, sum(kept) AS kept, sum(counted) AS counted FROM (
			SELECT campaign_id, measure, reason, n AS kept, 0 AS counted FROM message_counts
			UNION ALL SELECT campaign_id, (x).measure, (x).reason, 0, 1 FROM (
				SELECT coalesce(m.campaign_id, 0) AS campaign_id, message_measures(m) AS x FROM messages m) rows) both_sides
		GROUP BY 1, 2, 3 HAVING sum(kept) <> sum(counted)`).Scan(context.Background(), &off))
	require.Empty(e.t, off, "counters equal a recount")
}

func TestTheMainJob(t *testing.T) {
	t.Parallel()
	e := start(t)
	id, problems := e.upload("contacts_5k.csv", fixture(t), "")
	require.Empty(t, problems)
	require.Equal(t, imported{
		Status: "COMPLETED", RowsTotal: 5000, Created: 4687, Duplicates: 165, Rejected: 148,
		RejectsURL: "/downloads/imports/" + id + "/rejects.csv",
	}, e.imported(id))
	again, _ := e.upload("contacts_5k.csv", fixture(t), "")
	second := e.imported(again)
	require.Equal(t, 5000, second.Created+second.Updated+second.Unchanged+second.Duplicates+second.Rejected)
	require.Zero(t, second.Created)

	seg := e.must("segmentCreate", "segment", map[string]any{"name": "Pro", "query": map[string]any{"all": []any{
		map[string]any{"field": "attributes.plan", "op": "eq", "value": "pro"},
		map[string]any{"field": "attributes.city", "op": "exists"},
	}}})
	tpl := e.approved("Hi {{name | there}}, our autumn sale has started.")
	camp := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Autumn", "segmentId": seg, "templateId": tpl,
		"rateLimitPerSecond": 500,
	})
	var flight struct {
		CampaignPreflight struct{ Audience, WillSend int }
	}
	e.do(&flight, `query($id: ID!) { campaignPreflight(id: $id) { audience willSend } }`, map[string]any{"id": camp})

	progress := e.subscribe(`subscription($id: ID!) { campaignProgress(id: $id) { status counts { delivered } } }`,
		map[string]any{"id": camp})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	c := e.await(camp, "COMPLETED")
	require.Equal(t, flight.CampaignPreflight.Audience, c.Audience)
	require.Equal(t, flight.CampaignPreflight.WillSend, c.Accepted)
	require.Equal(t, c.Audience, c.Accepted+c.Skipped)
	require.Positive(t, c.Skipped)
	c = e.settled(camp)
	require.Equal(t, c.Accepted, c.Delivered)
	e.exact(camp)
	require.Greater(t, progress(), 3, "progress came over the WebSocket")

	// Exactly what a contact reads.
	log := e.Sandbox.Messages()
	require.Regexp(t, `^Hi .+, our autumn sale has started\.$`, log[0].Body)
	for _, m := range log {
		require.NotEqual(t, 63016, m.Code, "the gate never sends what WhatsApp takes for free text")
	}
	// Running prepare again adds nobody; a launched campaign does not launch again.
	_, problems = e.mutate("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Contains(t, problems, "completed")

	var audit struct {
		AuditVerification struct {
			Valid             bool
			Entries, Unsealed int
		}
	}
	require.Eventually(t, func() bool {
		e.do(&audit, `{ auditVerification { valid entries unsealed } }`, nil)
		return audit.AuditVerification.Unsealed == 0
	}, patience, 100*time.Millisecond)
	require.True(t, audit.AuditVerification.Valid)
	require.Greater(t, audit.AuditVerification.Entries, 10)

	resp, err := e.http.Get(e.URL + second.RejectsURL)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 149, strings.Count(string(raw), "import error")+strings.Count(string(raw),
		"not a phone number")+strings.Count(string(raw), "the phone number is empty"))
	require.Contains(t, string(raw), `"'=HYPERLINK(""x"")"`, "no cell runs as a formula")
}

// subscribe listens over graphql-transport-ws and counts what comes.
func (e *env) subscribe(query string, vars map[string]any) (received func() int) {
	e.t.Helper()
	n := make(chan int, 1)
	n <- 0
	e.listen(query, vars, func(typ, _ string) {
		if typ == "next" {
			n <- <-n + 1
		}
	})
	return func() int {
		v := <-n
		n <- v
		return v
	}
}

// listen hands over each message of a subscription: next, error or complete.
func (e *env) listen(query string, vars map[string]any, hear func(typ, payload string)) {
	e.t.Helper()
	u, err := url.Parse(e.URL)
	require.NoError(e.t, err)
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, Jar: e.http.Jar}
	header := http.Header{}
	for _, c := range e.http.Jar.Cookies(u) {
		header.Add("Cookie", c.String())
	}
	dialer.Jar = nil
	conn, resp, err := dialer.Dial("ws://"+u.Host+"/graphql", header)
	require.NoError(e.t, err)
	_ = resp.Body.Close()
	e.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(e.t, conn.WriteJSON(map[string]any{"type": "connection_init"}))
	var ack struct{ Type string }
	require.NoError(e.t, conn.ReadJSON(&ack))
	require.Equal(e.t, "connection_ack", ack.Type)
	require.NoError(e.t, conn.WriteJSON(map[string]any{
		"id": "1", "type": "subscribe",
		"payload": map[string]any{"query": query, "variables": vars},
	}))
	go func() {
		for {
			var m struct {
				Type    string
				Payload json.RawMessage
			}
			if conn.ReadJSON(&m) != nil {
				return
			}
			if m.Type == "ping" {
				_ = conn.WriteJSON(map[string]any{"type": "pong"})
				continue
			}
			hear(m.Type, string(m.Payload))
		}
	}()
}

func TestASubscriptionTellsWhyItEnded(t *testing.T) {
	t.Parallel()
	e := start(t)
	id := e.must("campaignCreate", "campaign", map[string]any{"name": "short-lived"})
	heard := make(chan string, 10)
	e.listen(`subscription($id: ID!) { campaignProgress(id: $id) { status } }`, map[string]any{"id": id},
		func(typ, payload string) { heard <- typ + " " + payload })
	require.Contains(t, <-heard, "DRAFT")
	e.do(nil, `mutation($id: ID!) { campaignDelete(input: {id: $id}) { deletedId } }`, map[string]any{"id": id})
	select {
	case told := <-heard:
		require.Contains(t, told, "error ")
		require.Contains(t, told, "campaign")
	case <-time.After(patience):
		t.Fatal("nothing was told")
	}
}

// small imports n contacts who agreed.
func (e *env) small(n int) {
	e.t.Helper()
	var csv strings.Builder
	csv.WriteString("phone,name,opt-in\n")
	for i := range n {
		fmt.Fprintf(&csv, "+4915%09d,Person %d,yes\n", 100000000+i, i)
	}
	id, problems := e.upload("small.csv", []byte(csv.String()), "")
	require.Empty(e.t, problems)
	require.Equal(e.t, n, e.imported(id).Created)
}

func (e *env) launch(name string, rate float64) string {
	e.t.Helper()
	seg := e.must("segmentCreate", "segment", map[string]any{
		"name":  "All " + name,
		"query": map[string]any{"all": []any{}},
	})
	tpl := e.approved("Hello {{name | you}}, this is " + name + " for you.")
	camp := e.must("campaignCreate", "campaign", map[string]any{
		"name": name, "segmentId": seg, "templateId": tpl,
		"rateLimitPerSecond": rate,
	})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	return camp
}

func TestFaultsOfTwilioSendNobodyTwiceAndLoseNobody(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(600)
	bad := e.Sandbox.Settings()
	bad.TooManyRate, bad.ServerErrorRate, bad.CutRate, bad.EmptyRate, bad.RepeatRate, bad.ReorderRate = 0.05, 0.05, 0.05,
		0.05, 0.2, 0.2
	require.NoError(t, e.Sandbox.SetSettings(bad))
	camp := e.launch("faulty", 1000)
	c := e.await(camp, "COMPLETED")
	require.Equal(t, 600, c.Accepted)
	c = e.settled(camp)
	require.Equal(t, 600, c.Delivered)
	e.exact(camp)
	perPerson := map[string]int{}
	for _, m := range e.Sandbox.Messages() {
		perPerson[m.To]++
	}
	require.Len(t, perPerson, 600)
	for to, n := range perPerson {
		require.Equal(t, 1, n, to)
	}
}

func TestPauseResumeCancel(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(300)
	camp := e.launch("paced", 50)
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Accepted >= 10 }, patience, 20*time.Millisecond)
	e.must("campaignPause", "campaign", map[string]any{"id": camp})
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Submitting == 0 }, patience,
		20*time.Millisecond)
	_, before := e.campaign(camp)
	time.Sleep(time.Second) // a machine that is slow only sends less meanwhile
	_, after := e.campaign(camp)
	require.Equal(t, before.Accepted, after.Accepted, "a paused campaign sends nothing")
	require.Zero(t, after.Submitting)
	_, problems := e.mutate("campaignPause", "campaign", map[string]any{"id": camp})
	require.Contains(t, problems, "paused")
	e.must("campaignResume", "campaign", map[string]any{"id": camp})
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Accepted >= after.Accepted+10 }, patience,
		20*time.Millisecond)
	e.must("campaignCancel", "campaign", map[string]any{"id": camp})
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Submitting == 0 }, patience,
		50*time.Millisecond)
	_, c := e.campaign(camp)
	require.Equal(t, 300, c.Accepted+c.Canceled)
	require.Positive(t, c.Canceled)
	e.exact(camp)
}

func TestTheRateIsKept(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(400)
	began := time.Now()
	camp := e.launch("steady", 100)
	e.await(camp, "COMPLETED")
	require.Greater(t, time.Since(began), 3500*time.Millisecond,
		"400 messages at 100 a second take four seconds, less a burst")
}

func TestCredentialsRefusedPauseWithAReason(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(20)
	snd := e.must("senderCreate", "sender", map[string]any{"address": "+15005550007", "displayName": "No WhatsApp"})
	seg := e.must("segmentCreate", "segment", map[string]any{"name": "All", "query": map[string]any{"all": []any{}}})
	camp := e.must("campaignCreate", "campaign", map[string]any{
		"name": "Wrong sender", "segmentId": seg,
		"templateId": e.approved("Hello {{name | you}}, nice to meet you."), "senderId": snd,
	})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	e.await(camp, "PAUSED")
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Pending == 20 }, patience,
		50*time.Millisecond, "all go back, to be sent when it is fixed")
	var out struct {
		Node struct{ PausedBy, PausedReason string }
	}
	e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { pausedBy pausedReason } } }`,
		map[string]any{"id": camp})
	require.Equal(t, "ENGINE", out.Node.PausedBy)
	require.Contains(t, out.Node.PausedReason, "63007")
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	first := e.launch("one", 1000)
	e.await(first, "COMPLETED")
	e.settled(first)
	write := func(body string) {
		var out struct{ SandboxInboundSend struct{ Sid string } }
		e.do(&out, `mutation($b: String!) { sandboxInboundSend(input: {from: "+49 15 100000001", body: $b}) { sid userErrors { message } } }`, map[string]any{"b": body})
		require.NotEmpty(t, out.SandboxInboundSend.Sid)
	}
	type person struct {
		ConsentStatus string
		SessionWindow struct{ Open bool }
		ConsentEvents struct {
			Nodes []struct {
				Source   string
				Evidence map[string]any
			}
		}
		Messages struct {
			Nodes []struct{ Direction, Purpose, Status string }
		}
	}
	look := func() person {
		var out struct{ Contact person }
		e.do(&out, `{ contact(address: "+49 15 100000001") { consentStatus sessionWindow { open } consentEvents { nodes { source evidence } } messages { nodes { direction purpose status } } } }`, nil)
		return out.Contact
	}
	began := time.Now()
	write("Stop!")
	require.Eventually(t, func() bool { return look().ConsentStatus == "OPTED_OUT" }, patience, 20*time.Millisecond)
	t.Logf("STOP took effect after %s", time.Since(began).Round(time.Millisecond))
	p := look()
	require.True(t, p.SessionWindow.Open)
	require.Equal(t, "KEYWORD", p.ConsentEvents.Nodes[0].Source)
	require.Equal(t, "Stop!", p.ConsentEvents.Nodes[0].Evidence["text"])
	confirmations := func() (n int) {
		for _, m := range look().Messages.Nodes {
			if m.Purpose == "CONFIRMATION" && (m.Status == "DELIVERED" || m.Status == "READ") {
				n++
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return confirmations() == 1 }, patience, 50*time.Millisecond,
		"one confirmation goes out, in the window")
	write("STOP")
	_, c := e.campaign(first)
	require.Equal(t, 1, c.OptedOut)
	require.Equal(t, 1, c.Replied)
	next := e.launch("two", 1000)
	c = e.await(next, "COMPLETED")
	require.Equal(t, 2, c.Accepted)
	require.Equal(t, 1, c.Skipped)
	require.Equal(t, 1, confirmations(), "a second STOP is not confirmed again")
	write("start")
	require.Eventually(t, func() bool { return look().ConsentStatus == "OPTED_IN" }, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool { return confirmations() == 2 }, patience, 50*time.Millisecond)
	third := e.launch("three", 1000)
	require.Equal(t, 3, e.await(third, "COMPLETED").Accepted)
	e.settled(third)
	e.recount()
}

func TestAConfirmationWithoutAnswerIsSentOnceInTheEnd(t *testing.T) {
	t.Parallel()
	const people = 8
	e := start(t)
	e.small(people)
	settings := e.Sandbox.Settings()
	settings.ServerErrorRate = 1 // half of the calls are taken all the same
	require.NoError(t, e.Sandbox.SetSettings(settings))
	for i := range people {
		e.do(nil, `mutation($f: String!) { sandboxInboundSend(input: {from: $f, body: "STOP"}) { sid } }`,
			map[string]any{"f": fmt.Sprintf("+4915%09d", 100000000+i)})
	}
	count := func(where string) (n int) {
		require.NoError(t, e.DB().NewRaw("SELECT count(*) FROM messages WHERE purpose = 'confirmation' AND "+where).Scan(context.Background(), &n))
		return n
	}
	require.Eventually(t, func() bool { return count("attempts > 0") == people }, patience, 20*time.Millisecond)
	settings.ServerErrorRate = 0
	require.NoError(t, e.Sandbox.SetSettings(settings))
	require.Eventually(t, func() bool { return count("delivered_at IS NOT NULL") == people }, patience,
		100*time.Millisecond)
	sent := map[string]int{}
	for _, m := range e.Sandbox.Messages() {
		if m.Direction == "outbound-api" {
			sent[m.To]++
			require.Equal(t, 1, sent[m.To], m.To)
		}
	}
	require.Len(t, sent, people)
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(1)
	camp := e.launch("one", 1000)
	e.await(camp, "COMPLETED")
	e.settled(camp)
	sid := e.Sandbox.Messages()[0].SID
	post := func(path, signature string, form url.Values) int {
		req, err := http.NewRequest(http.MethodPost, e.URL+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if signature == "" {
			signature = twilio.Sign(e.Sandbox.AuthToken(), e.URL+path, form)
		}
		req.Header.Set("X-Twilio-Signature", signature)
		resp, err := e.http.Do(req)
		require.NoError(t, err)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	status := func(word string) url.Values {
		return url.Values{"MessageSid": {sid}, "MessageStatus": {word}, "AccountSid": {sandbox.AccountSID}}
	}
	require.Equal(t, http.StatusForbidden, post("/webhooks/twilio/status", "bm90IHNpZ25lZA==", status("failed")))
	require.Equal(t, http.StatusNoContent, post("/webhooks/twilio/status/", "", status("queued")), "a slash at the end")
	require.Equal(t, http.StatusForbidden, post("/webhooks/twilio/inbound", "x", url.Values{"MessageSid": {"SM1"}}))
	require.Equal(t, http.StatusBadRequest, post("/webhooks/twilio/status", "", url.Values{"MessageStatus": {"sent"}}))
	// The sandbox goes on telling of its own messages meanwhile.
	require.Zero(t, e.query("SELECT count(*) FROM webhook_events WHERE params ->> 'MessageStatus' = 'failed' OR sid IN ('', 'SM1')"), "what was refused leaves nothing")
	require.Equal(t, http.StatusNoContent, post("/webhooks/twilio/status?m=1", "", status("sent")), "a repeat is harmless")
	require.Equal(t, http.StatusNoContent, post("/webhooks/status", "", status("teleported")), "an unknown word is kept")
	require.Equal(t, http.StatusNoContent, post("/webhooks/twilio/status", "",
		url.Values{"AccountSid": {sandbox.AccountSID}, "MessageSid": {"SM" + strings.Repeat("0", 32)}, "MessageStatus": {"read"}}))
	require.Equal(t, http.StatusOK, post("/webhooks/inbound", "",
		url.Values{
			"AccountSid": {sandbox.AccountSID}, "MessageSid": {"SM" + strings.Repeat("1", 32)}, "From": {"whatsapp:BR.1000000000000001"},
			"To": {"whatsapp:" + sandbox.PhoneNumber}, "Body": {"oi\x00"},
		}))
	require.Equal(t, http.StatusOK, post("/webhooks/inbound", "",
		url.Values{
			"AccountSid": {sandbox.AccountSID}, "MessageSid": {"SM" + strings.Repeat("2", 32)}, "From": {"whatsapp:nobody"}, "To": {"x"},
			"Body": {"?"},
		}))
	type row struct{ Sid, Error string }
	var rows []row
	require.Eventually(t, func() bool {
		rows = nil
		require.NoError(t, e.DB().NewRaw("SELECT sid, error FROM webhook_events WHERE error <> '' AND applied_at IS NOT NULL ORDER BY sid").Scan(context.Background(), &rows))
		return len(rows) == 3
	}, patience, 50*time.Millisecond)
	_, c := e.campaign(camp)
	require.Equal(t, 1, c.Delivered, "a late sent does not take delivered back")
	var out struct {
		Contact struct{ Address, ConsentStatus string }
	}
	require.Eventually(t, func() bool { // contacts are taken in side by side
		e.do(&out, `{ contact(address: "whatsapp:BR.1000000000000001") { address consentStatus } }`, nil)
		return out.Contact.Address != ""
	}, patience, 50*time.Millisecond)
	require.Equal(t, "UNKNOWN", out.Contact.ConsentStatus, "who writes first has not agreed to campaigns")
}

func TestADryRunTellsAllAndWritesNothing(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	people := func() int { return e.query("SELECT count(*) FROM contacts") }
	id, problems := e.upload("contacts_5k.csv", fixture(t), ", dryRun: true")
	require.Empty(t, problems)
	told := e.imported(id)
	require.Equal(t, imported{
		Status: "COMPLETED", RowsTotal: 5000, Created: 4687, Duplicates: 165, Rejected: 148,
		RejectsURL: "/downloads/imports/" + id + "/rejects.csv",
	}, told)
	require.Equal(t, 3, people())
	require.Equal(t, 3, e.query("SELECT count(*) FROM consent_events"))
	confirm := func(input map[string]any) string {
		input["id"] = id
		_, problems := e.mutate("contactImportConfirm", "import", input)
		return problems
	}
	require.Contains(t, confirm(map[string]any{"mapping": []any{map[string]any{"name": "Phone Number", "field": ""}}}),
		"no column holds phone numbers")
	require.Contains(t, confirm(map[string]any{"mapping": []any{map[string]any{"name": "fone", "field": "address"}}}),
		`no column "fone"`)
	require.Equal(t, told, e.imported(id), "what was refused changed nothing")
	require.Empty(t, confirm(map[string]any{"dryRun": true, "mode": "UPDATE_ONLY"}))
	known := e.imported(id)
	require.Zero(t, known.Created+known.Updated+known.Unchanged, "nobody of them is known")
	require.Equal(t, 5000, known.Duplicates+known.Rejected)
	require.Empty(t, confirm(map[string]any{}))
	require.Equal(t, told, e.imported(id), "for good it is as it was told")
	require.Equal(t, 4690, people())
	require.Contains(t, confirm(map[string]any{}), "was no dry run")

	// A file without a column that can be guessed is kept for mapping.
	id, problems = e.upload("odd.csv", []byte("a;b\n0151 12345678;Ada\n"), ", dryRun: true")
	require.Empty(t, problems)
	require.Contains(t, e.imported(id).Failure, "no column holds phone numbers")
	require.Empty(t, confirm(map[string]any{
		"mapping":       []any{map[string]any{"name": "a", "field": "address"}},
		"defaultRegion": "DE",
	}))
	require.Equal(t, 1, e.imported(id).Created)
}

func TestAWorkbookAndAGzipFileAreRead(t *testing.T) {
	t.Parallel()
	e := start(t)
	book := excelize.NewFile()
	require.NoError(t, book.SetSheetRow("Sheet1", "A1", &[]any{"Phone", "Name", "Points", "opt-in"}))
	require.NoError(t, book.SetSheetRow("Sheet1", "A2", &[]any{"+49 151 12345678", "Ada", 12, "yes"}))
	require.NoError(t, book.SetSheetRow("Sheet1", "A3", &[]any{"nobody", "Bob", 3, "yes"}))
	out, err := book.WriteToBuffer()
	require.NoError(t, err)
	id, problems := e.upload("people.xlsx", out.Bytes(), "")
	require.Empty(t, problems)
	got := e.imported(id)
	require.Equal(t, 1, got.Created)
	require.Equal(t, 1, got.Rejected)
	require.Equal(t, 1, e.query("SELECT count(*) FROM contacts WHERE name = 'Ada' AND attributes = '{\"points\": 12}' AND consent_status = 'opted_in'"))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(fixture(t))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	id, problems = e.upload("contacts.csv.gz", packed.Bytes(), "")
	require.Empty(t, problems)
	require.Equal(t, 148, e.imported(id).Rejected)
	_, problems = e.upload("cut.csv.gz", packed.Bytes()[:packed.Len()/2], "")
	require.Contains(t, problems, "not a whole gzip file")
	require.Zero(t, e.query("SELECT count(*) FROM imports WHERE status = 'uploading'"), "nothing half-done stays behind")
}

func TestBadInputIsNamedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	e := start(t)
	for name, content := range map[string]string{
		"cat.png": "\x89PNG\x00\x01", "empty.csv": " \n", "nothing.csv": "a,b\n1,2\n", "broken.json": `[{"phone": `,
		"words.txt": "just some words\nand more words\n",
	} {
		_, problems := e.upload(name, []byte(content), "")
		require.NotEmpty(t, problems, name)
	}
	_, problems := e.upload("a.csv", []byte("phone\n+4915112345678\n"), `, mapping: [{name: "tel", field: "address"}]`)
	require.Contains(t, problems, `"tel"`)
	var total struct{ Imports struct{ TotalCount int } }
	e.do(&total, `{ imports { totalCount } }`, nil)
	require.Zero(t, total.Imports.TotalCount)

	_, problems = e.mutate("contactCreate", "contact", map[string]any{"address": "12345"})
	require.Contains(t, problems, `address: "12345" is not a phone number`)
	e.must("contactCreate", "contact", map[string]any{
		"address":    "+5215512345678",
		"attributes": map[string]any{"city": "CDMX"},
	})
	_, problems = e.mutate("contactCreate", "contact", map[string]any{"address": "+52 55 1234 5678"})
	require.Contains(t, problems, "already", "the same person in another spelling")
	_, problems = e.mutate("segmentCreate", "segment", map[string]any{
		"name":  "x",
		"query": map[string]any{"field": "citty", "op": "eq", "value": 1},
	})
	require.Contains(t, problems, `unknown field "citty"`)
	_, problems = e.mutate("templateCreate", "template", map[string]any{"name": "x", "body": "Hi {{nme}}, hello there."})
	require.Contains(t, problems, "{{nme}}")
	_, problems = e.mutate("templateCreate", "template", map[string]any{"name": "x", "body": "{{name}}"})
	require.Contains(t, problems, "stands first")
	_, problems = e.mutate("campaignCreate", "campaign", map[string]any{
		"name": "", "rateLimitPerSecond": -1,
		"quietHours": map[string]any{"start": "25:00", "end": "08:00"},
	})
	require.Contains(t, problems, "name:")
	require.Contains(t, problems, "rateLimitPerSecond:")
	require.Contains(t, problems, `quietHours.start: "25:00"`)
	camp := e.must("campaignCreate", "campaign", map[string]any{"name": "Hollow"})
	_, problems = e.mutate("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Contains(t, problems, "templateId: the campaign has no template")
	require.Contains(t, problems, "segmentId: the campaign has no audience")
	status, _ := e.campaign(camp)
	require.Equal(t, "DRAFT", status)
	_, errs := e.raw(`{ contacts(first: 1000) { nodes { id } } }`, nil)
	require.Contains(t, errs[0].Message, "0 to 200")
	_, errs = e.raw(`{ contacts(after: "x") { nodes { id } } }`, nil)
	require.Equal(t, "INVALID", errs[0].Extensions.Code)
	_, errs = e.raw(`{ nosuch }`, nil)
	require.NotEmpty(t, errs)
	deep := strings.Repeat("campaign { messages(first: 1) { nodes { ", 5) + "id" + strings.Repeat(" } } }", 5)
	_, errs = e.raw(`{ messages(first: 1) { nodes { `+deep+` } } }`, nil)
	require.Contains(t, errs[0].Message, "deep")
	_, errs = e.raw(`{ a: contacts(first: 200) { nodes { messages(first: 200) { nodes { events { id } } } } } }`, nil)
	require.Equal(t, "COMPLEXITY_LIMIT_EXCEEDED", errs[0].Extensions.Code)
}

func TestRolesAreAskedFor(t *testing.T) {
	t.Parallel()
	e := start(t)
	stranger := &env{App: e.App, t: t, http: &http.Client{Timeout: patience}}
	_, errs := stranger.raw(`{ contacts { nodes { id } } }`, nil)
	require.Equal(t, "UNAUTHENTICATED", errs[0].Extensions.Code)
	data, errs := stranger.raw(`{ viewer { id } setup { needed } }`, nil)
	require.Empty(t, errs)
	require.JSONEq(t, `{"viewer": null, "setup": {"needed": false}}`, string(data))
	var made struct{ APITokenCreate struct{ Secret string } }
	e.do(&made, `mutation { apiTokenCreate(input: {name: "reader", role: VIEWER}) { secret } }`, nil)
	reader := &env{App: e.App, t: t, http: &http.Client{Transport: bearer(made.APITokenCreate.Secret)}}
	_, errs = reader.raw(`{ contacts { nodes { id } } }`, nil)
	require.Empty(t, errs)
	_, errs = reader.raw(`mutation { contactCreate(input: {address: "+4915112345678"}) { contact { id } } }`, nil)
	require.Equal(t, "FORBIDDEN", errs[0].Extensions.Code)
	for path, want := range map[string]int{
		"/": 200, "/admin/jobs/": 401,
		"/downloads/imports/SW1wb3J0OjE/rejects.csv": 401, "/healthz": 200, "/readyz": 200, "/metrics": 404,
		"/schema.graphql": 401, "/api/nothing": 404,
	} {
		resp, err := http.Get(e.URL + path)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, path)
	}
	req, err := http.NewRequest(http.MethodPost, e.URL+"/graphql", strings.NewReader(`{"query":"{ viewer { id } }"}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", "https://evil.example")
	resp, err := e.http.Do(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, http.StatusForbidden, resp.StatusCode, "another site's page cannot call")
	for range 5 {
		stranger.raw(`mutation { signIn(input: {email: "ada@shop.example", password: "wrong"}) { userErrors { code } } }`,
			nil)
	}
	data, _ = stranger.raw(`mutation { signIn(input: {email: "ada@shop.example", password: "a long enough password"}) { userErrors { code } } }`, nil)
	require.Contains(t, string(data), "rate_limited")
}

type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}
