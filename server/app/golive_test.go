package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/demo"
	"eventstream/server/golive"
	"eventstream/server/provider"
	"eventstream/server/twilio"
	"eventstream/server/twilio/contract"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

// oldWebhook is where another system got what people write.
const oldWebhook = "https://old.example/hooks/whatsapp?key=hidden#rc=1"

// carrier is a sandbox that plays Twilio, beside the one in which things are tried out.
func carrier(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start(sandbox.Options{DataDir: t.TempDir(), InboundURL: oldWebhook, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	contract.Watch(t, s.Watch)
	t.Cleanup(s.Close)
	quick := sandbox.DefaultSettings()
	quick.LatencyMS, quick.ApprovalMS, quick.DeliveryMS, quick.ReplyRate, quick.UndeliveredRate, quick.ReadRate = 2, 10, 100, 0, 0, 0
	require.NoError(t, s.SetSettings(quick))
	return s
}

// again is the engine after it has ended by itself because the provider was changed.
func (e *env) again() *env {
	e.t.Helper()
	select {
	case err := <-e.done:
		require.ErrorIs(e.t, err, app.ErrProviderChanged)
		e.done <- err
	case <-time.After(patience):
		e.t.Fatal("it goes on with the provider that it had")
	}
	e.stop()
	cfg := e.cfg
	cfg.ListenAddr = e.ListenAddr()
	return run(e.t, slog.New(slog.DiscardHandler), cfg)
}

type goingLive struct {
	Provider    string
	Credentials struct{ Source, AccountSid string }
	Steps       []struct{ Key, State, Found, Advice string }
	Ends, Ended *goneLive
	Test        *struct {
		Message    struct{ Status, Provider string }
		AnsweredAt *time.Time
	}
}

type goneLive struct {
	Campaigns, Messages, Questions, Consents, Subscriptions, Windows, Marks, Templates, Senders int
}

func (e *env) goingLive() (g goingLive) {
	e.t.Helper()
	var out struct{ GoingLive goingLive }
	e.do(&out, `{ goingLive { provider credentials { source accountSid } steps { key state found advice }
		ends { campaigns messages questions consents subscriptions windows marks templates senders }
		ended { campaigns messages questions consents subscriptions windows marks templates senders }
		test { message { status provider } answeredAt } } }`, nil)
	return out.GoingLive
}

func (g goingLive) state(key string) string {
	for _, s := range g.Steps {
		if s.Key == key {
			return s.State
		}
	}
	return ""
}

// problems sends a mutation and gives what its userErrors say.
func (e *env) problems(mutation string, vars map[string]any) (problems string) {
	e.t.Helper()
	var out map[string]struct {
		UserErrors []struct {
			Field   []string
			Message string
		}
	}
	e.do(&out, mutation, vars)
	for _, p := range out {
		for _, u := range p.UserErrors {
			problems += strings.Join(u.Field, ".") + ": " + u.Message + "\n"
		}
	}
	return problems
}

const setCredentials = `mutation($s: String!, $t: String!) { providerCredentialsSet(input: {accountSid: $s, authToken: $t}) {
	credentials { source } userErrors { field message } } }`

// TestGoingLive is the whole way: what was made while trying out ends, is named in numbers, and
// nothing of it is sent over Twilio; then senders, webhooks, templates and the test are put right.
func TestGoingLive(t *testing.T) {
	t.Parallel()
	tw := carrier(t)
	e := startWith(t, func(cfg *config.Config) { cfg.Twilio.APIBaseURL = tw.URL() })

	// While trying out: people, a campaign under way and a draft, somebody who writes, and one who opts in by it.
	e.small(30)
	running := e.draft("running", map[string]any{"rateLimitPerSecond": 0.01})
	require.Empty(t, e.problems(`mutation($i: ID!) { campaignLaunch(input: {id: $i}) { userErrors { field message } } }`, map[string]any{"i": running}))
	e.draft("draft", nil)
	e.must("topicCreate", "topic", map[string]any{"name": "News", "keyword": "NEWS"})
	e.says("+4915199999999", "START NEWS")
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM consent_events WHERE source = 'keyword'") == 1 }, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool { s, c := e.campaign(running); return s == "SENDING" && c.Pending > 20 }, patience, 20*time.Millisecond)
	// A call of which nobody knows what became.
	e.exec("UPDATE messages SET status = 'unknown', lease_until = now() + interval '1 hour' WHERE id = (SELECT min(id) FROM messages WHERE status = 'pending')")

	g := e.goingLive()
	require.Equal(t, "SANDBOX", g.Provider)
	require.Equal(t, "OPEN", g.state("CREDENTIALS"))
	require.Equal(t, "WAITING", g.state("SWITCH"))
	require.Equal(t, 2, g.Ends.Campaigns)
	require.Equal(t, 1, g.Ends.Subscriptions)
	require.Contains(t, e.problems(`mutation { goLive(input: {campaigns: 2}) { userErrors { field message } } }`, nil), "no credentials")

	// Credentials: what cannot be one, what Twilio does not take, and what it takes.
	require.Contains(t, e.problems(setCredentials, map[string]any{"s": "AC1", "t": "x"}), `accountSid: "AC1" is no account SID`)
	require.Contains(t, e.problems(setCredentials, map[string]any{"s": sandbox.AccountSID, "t": strings.Repeat("0", 32)}), "refuses the account")
	require.Zero(t, e.query("SELECT count(*) FROM provider_credentials"))
	require.Empty(t, e.problems(setCredentials, map[string]any{"s": sandbox.AccountSID, "t": tw.AuthToken()}))
	require.Zero(t, e.query("SELECT count(*) FROM provider_credentials WHERE auth_token LIKE '%' || ? || '%'", tw.AuthToken()), "it is encrypted")
	g = e.goingLive()
	require.Equal(t, "STORED", g.Credentials.Source)
	require.Equal(t, []string{"DONE", "DONE", "DONE", "OPEN", "WAITING"},
		[]string{g.state("CREDENTIALS"), g.state("ADDRESS"), g.state("DEMO_DATA"), g.state("SWITCH"), g.state("SENDERS")}, "%+v", g.Steps)

	require.Contains(t, e.problems(`mutation { goLive(input: {campaigns: 1}) { userErrors { field message } } }`, nil), "1 is not how many campaigns")
	sent := len(e.Sandbox.Messages())
	require.Empty(t, e.problems(`mutation { goLive(input: {campaigns: 2}) { userErrors { field message } } }`, nil))

	e = e.again()
	require.Nil(t, e.Sandbox)
	g = e.goingLive()
	require.Equal(t, "TWILIO", g.Provider)
	require.Equal(t, "DONE", g.state("SWITCH"))
	require.Equal(t, 2, g.Ended.Campaigns)
	require.Greater(t, g.Ended.Messages, 20)
	require.Equal(t, 1, g.Ended.Consents)
	require.Equal(t, 1, g.Ended.Subscriptions)
	require.Zero(t, e.query("SELECT count(*) FROM contact_topics"))
	require.Equal(t, 1, g.Ended.Windows)
	require.Positive(t, g.Ended.Templates)
	require.Equal(t, 1, g.Ended.Senders)
	require.Zero(t, *g.Ends)
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM messages WHERE direction = 'outbound' AND status IN ('pending', 'submitting', 'unknown')") == 0
	}, patience, 50*time.Millisecond, "nothing of it waits")
	require.Zero(t, e.query("SELECT count(*) FROM contacts WHERE match_key = '+4915199999999' AND consent_status <> 'unknown'"))
	require.Equal(t, 30, e.query("SELECT count(*) FROM contacts WHERE consent_status = 'opted_in'"), "what was imported stays")
	require.Zero(t, e.query("SELECT count(*) FROM senders WHERE provider = 'twilio'"))
	require.Empty(t, tw.Messages(), "nothing went over Twilio")
	require.LessOrEqual(t, sent, 3)
	status, _ := e.campaign(running)
	require.Equal(t, "CANCELED", status)

	// Senders and their webhooks.
	type hook struct {
		CallbackURL, CallbackMethod, FallbackURL *string
		Version                                  string
	}
	type channelSender struct {
		Sid, Address, Status string
		Ours                 bool
		Webhook, WouldBe     hook
		Sender               *struct{ ID string }
		Changed              *struct {
			ID     string
			Before hook
		}
	}
	const fields = `sid address status ours webhook { callbackUrl callbackMethod fallbackUrl version } wouldBe { callbackUrl } sender { id }
		changed { id before { callbackUrl } }`
	list := func() channelSender {
		var out struct{ ChannelSenders []channelSender }
		e.do(&out, `{ channelSenders { `+fields+` } }`, nil)
		require.Len(t, out.ChannelSenders, 1)
		return out.ChannelSenders[0]
	}
	s := list()
	require.Equal(t, oldWebhook, *s.Webhook.CallbackURL)
	require.False(t, s.Ours)
	e.newSender(s.Address, 80)
	require.Equal(t, "FAILED", e.goingLive().state("SENDERS"))
	const set = `mutation($s: ID!, $u: String!) { channelSenderWebhookSet(input: {senderSid: $s, version: $u}) { userErrors { field message } } }`
	require.Contains(t, e.problems(set, map[string]any{"s": s.Sid, "u": "v1.else"}), "not what was shown")
	require.Contains(t, e.problems(set, map[string]any{"s": "XE00/../x", "u": ""}), "is no WhatsApp sender")
	require.Empty(t, e.problems(set, map[string]any{"s": s.Sid, "u": list().Webhook.Version}))
	s = list()
	require.True(t, s.Ours)
	require.Equal(t, e.URL+"/webhooks/twilio/inbound#rc=5&rp=all&ct=2000&rt=3000&tt=15000", *s.Webhook.CallbackURL)
	require.Equal(t, oldWebhook, *s.Changed.Before.CallbackURL)
	require.Equal(t, "DONE", e.goingLive().state("SENDERS"))
	require.Zero(t, e.query("SELECT count(*) FROM audit_entries WHERE changes::text LIKE '%hidden%'"), "addresses of others stay out of the trail")
	restore := func() {
		require.Empty(t, e.problems(`mutation($i: ID!, $v: String!) { channelSenderWebhookRestore(input: {id: $i, version: $v}) { userErrors { field message } } }`,
			map[string]any{"i": s.Changed.ID, "v": list().Webhook.Version}))
	}
	restore()
	require.Equal(t, oldWebhook, *list().Webhook.CallbackURL)
	require.Empty(t, e.problems(set, map[string]any{"s": s.Sid, "u": list().Webhook.Version}))

	// One's own phone: it writes, is written to, and answers.
	const test = `mutation { liveTestSend(input: {address: "+4915111111111"}) { userErrors { field message } } }`
	require.Contains(t, e.problems(test, nil), "has not written yet")
	writes := func(body string) {
		_, err := tw.SendInbound(context.Background(), "+4915111111111", sandbox.PhoneNumber, body, "Ada")
		require.NoError(t, err)
	}
	writes("Hello")
	require.Eventually(t, func() bool { return e.problems(test, nil) == "" }, patience, 50*time.Millisecond)
	require.Eventually(t, func() bool { g = e.goingLive(); return g.Test != nil && g.Test.Message.Status == "DELIVERED" }, patience, 50*time.Millisecond)
	require.Equal(t, "TWILIO", g.Test.Message.Provider)
	require.Equal(t, "OPEN", g.state("TEST"))
	writes("I can read it")
	require.Eventually(t, func() bool { return e.goingLive().state("TEST") == "DONE" }, patience, 50*time.Millisecond)

	require.Contains(t, e.problems(`mutation { providerCredentialsForget { userErrors { field message } } }`, nil), "Twilio is live with these credentials")

	// Without its credentials it does not start as if nothing were.
	e.exec("DELETE FROM provider_credentials")
	e.stop()
	e.cfg.ListenAddr = "127.0.0.1:0"
	_, err := app.New(t.Context(), e.cfg, app.Roles{Serve: true}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "server try")
}

// makes makes a content template at Twilio, as somebody does in its console.
func makes(t *testing.T, tw *sandbox.Sandbox, name string, types map[string]any, variables map[string]string, category string) (sid string) {
	t.Helper()
	call := func(path string, in any) (out struct{ Sid string }) {
		raw, err := json.Marshal(in)
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tw.URL()+path, strings.NewReader(string(raw)))
		require.NoError(t, err)
		req.SetBasicAuth(sandbox.AccountSID, tw.AuthToken())
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		require.Equal(t, http.StatusCreated, resp.StatusCode, name)
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&out))
		return out
	}
	if variables == nil {
		variables = map[string]string{}
	}
	sid = call("/v1/Content", map[string]any{"friendly_name": name, "language": "en", "types": types, "variables": variables}).Sid
	if category != "" {
		call("/v1/Content/"+sid+"/ApprovalRequests/whatsapp", map[string]any{"name": name, "category": category})
		require.True(t, tw.Decide(sid, "approved", "", ""))
	}
	return sid
}

// TestTemplatesOfTheAccountAreBroughtIn with the numbers that their placeholders have at Twilio.
func TestTemplatesOfTheAccountAreBroughtIn(t *testing.T) {
	t.Parallel()
	tw := carrier(t)
	e := startWith(t, func(cfg *config.Config) {
		cfg.Twilio = config.Twilio{
			AccountSID: sandbox.AccountSID, AuthToken: config.Secret(tw.AuthToken()), APIBaseURL: tw.URL(), PhoneNumber: sandbox.PhoneNumber,
		}
	})
	require.Nil(t, e.Sandbox, "a fresh database goes live with the environment's credentials")
	samples := map[string]string{"1": "Ada", "2": "Tuesday"}
	order := makes(t, tw, "order", map[string]any{"twilio/quick-reply": map[string]any{
		"body":    "Your order comes on {{2}}, dear {{1}}, see you.",
		"actions": []any{map[string]any{"type": "QUICK_REPLY", "title": "Fine", "id": "ok"}},
	}}, samples, "UTILITY")
	makes(t, tw, "place", map[string]any{"twilio/location": map[string]any{"latitude": 52.5, "longitude": 13.4, "label": "Shop"}}, nil, "")
	card := makes(t, tw, "card", map[string]any{
		"twilio/text": map[string]any{"body": "Hello"},
		"twilio/card": map[string]any{"title": "Hello {{1}}, our shop is open", "subtitle": "Until six", "actions": []any{
			map[string]any{"type": "URL", "title": "Look", "url": "https://shop.example/{{2}}"},
		}},
	}, samples, "MARKETING")
	makes(t, tw, "call", map[string]any{"twilio/call-to-action": map[string]any{"body": "Call us", "actions": []any{
		map[string]any{"type": "VOICE_CALL", "title": "Call"},
	}}}, nil, "")

	var found struct {
		ImportableTemplates struct {
			Nodes []struct {
				ContentSid, Name, Type, Body, ApprovalStatus string
				Category, Problem                            *string
				Variables                                    []struct{ Key, Sample, KeptAs string }
				Template                                     *struct{ ID string }
			}
		}
	}
	const list = `{ importableTemplates { nodes { contentSid name type body approvalStatus category problem variables { key sample keptAs } template { id } } more } }`
	e.do(&found, list, nil)
	told := map[string]string{}
	for _, n := range found.ImportableTemplates.Nodes {
		problem := ""
		if n.Problem != nil {
			problem = *n.Problem
		}
		told[n.Name] = fmt.Sprint(n.Type, " ", n.ApprovalStatus, " ", len(n.Variables), " ", problem)
	}
	require.Equal(t, map[string]string{
		"order": "twilio/quick-reply APPROVED 2 ", "card": "twilio/card APPROVED 2 ",
		"place": "twilio/location DRAFT 0 twilio/location is a type of content that cannot be sent from here",
		"call":  "twilio/call-to-action DRAFT 0 a button of the type VOICE_CALL cannot be sent from here",
	}, told)

	bring := func(sid string, variables []any) (id, problems string) {
		return e.mutate("templateImport", "template", map[string]any{"contentSid": sid, "variables": variables})
	}
	v := func(key, expression string) map[string]any {
		return map[string]any{"key": key, "expression": expression}
	}
	_, problems := bring(order, []any{v("7", "name")})
	require.Contains(t, problems, "{{7}} is no placeholder of this template")
	_, problems = bring(order, []any{v("1", "whatever")})
	require.Contains(t, problems, "which is no placeholder")
	_, problems = bring("HX"+strings.Repeat("0", 32), nil)
	require.Contains(t, problems, "has no content template")
	for _, n := range found.ImportableTemplates.Nodes {
		if n.Problem != nil {
			_, problems = bring(n.ContentSid, nil)
			require.Contains(t, problems, *n.Problem)
		}
	}
	id, problems := bring(order, []any{v("1", "name | you"), v("2", "attributes.day")})
	require.Empty(t, problems)
	_, problems = bring(order, nil)
	require.Contains(t, problems, "brought in already")
	cardID, problems := bring(card, []any{v("1", "name | you"), v("2", "name | you")})
	require.Empty(t, problems, "two placeholders may say the same")
	require.Equal(t, 2, e.query("SELECT count(*) FROM template_versions WHERE checked_at IS NOT NULL AND check_at > now() + interval '30 minutes'"),
		"Twilio has just said so: it is not asked again at once")

	var out struct {
		Node struct {
			Body, ApprovalStatus, Category, Kind string
			ContentSid                           string
			Variables                            []struct{ Expression, Sample string }
		}
	}
	e.do(&out, `query($i: ID!) { node(id: $i) { ... on Template { body approvalStatus category kind contentSid variables { expression sample } } } }`, map[string]any{"i": id})
	require.Equal(t, "Your order comes on {{attributes.day}}, dear {{name | you}}, see you.", out.Node.Body)
	require.Equal(t, []string{"APPROVED", "UTILITY", "QUICK_REPLY", order}, []string{out.Node.ApprovalStatus, out.Node.Category, out.Node.Kind, out.Node.ContentSid})

	// What is sent fills in Twilio's numbers.
	contact := e.must("contactCreate", "contact", map[string]any{"address": "+4915112345678", "name": "Bea", "attributes": map[string]any{"day": "Friday"}, "consent": map[string]any{"note": "on paper"}})
	for _, template := range []string{id, cardID} {
		require.Empty(t, e.problems(`mutation($i: ID!, $c: ID!) { templateTestSend(input: {id: $i, contactId: $c}) { userErrors { field message } } }`,
			map[string]any{"i": template, "c": contact}))
	}
	require.Eventually(t, func() bool { return len(tw.Messages()) == 2 }, patience, 20*time.Millisecond)
	for _, m := range tw.Messages() {
		want := map[string]string{"1": "Bea", "2": "Friday"}
		if m.Content == card {
			want = map[string]string{"1": "Bea", "2": "Bea"}
		}
		require.Equal(t, want, m.Variables)
	}
}

// TestCredentialsInTheEnvironmentWaitForAWord where something was made while trying out, and need
// none where nothing was.
func TestCredentialsInTheEnvironmentWaitForAWord(t *testing.T) {
	t.Parallel()
	for _, made := range []bool{false, true} {
		tw := carrier(t)
		e := start(t)
		if made {
			e.draft("draft", nil)
		}
		e.stop()
		cfg := e.cfg
		cfg.Twilio = config.Twilio{
			AccountSID: sandbox.AccountSID, AuthToken: config.Secret(tw.AuthToken()), APIBaseURL: tw.URL(),
		}
		e = run(t, slog.New(slog.DiscardHandler), cfg)
		require.Equal(t, made, e.Sandbox != nil)
		if !made {
			continue
		}
		g := e.goingLive()
		require.Equal(t, "ENVIRONMENT", g.Credentials.Source)
		require.Equal(t, "OPEN", g.state("SWITCH"), "%+v", g.Steps)
		require.Contains(t, e.problems(setCredentials, map[string]any{"s": sandbox.AccountSID, "t": tw.AuthToken()}), "environment names")
		require.Empty(t, e.problems(`mutation { goLive(input: {campaigns: 1}) { userErrors { field message } } }`, nil))
		require.Nil(t, e.again().Sandbox)
	}
}

// TestWhatWasMadeIsSeenWithoutALock: a start that must not go live anyhow keeps nobody waiting, and cancels nothing
// only to take it back.
func TestWhatWasMadeIsSeenWithoutALock(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.draft("draft", nil)
	e.stop()
	d, err := db.Open(t.Context(), string(e.cfg.DatabaseURL), 3, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	tx, err := d.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // nothing is written
	_, err = provider.Hold(t.Context(), tx)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, golive.New(golive.Options{DB: d, Demo: demo.Blocks}).LeaveUnused(actor.With(ctx, actor.System), sandbox.AccountSID))
}

// TestGoingLiveWaitsInTheOrderOfLocks, and begins anew where Postgres ended it for another transaction.
func TestGoingLiveWaitsInTheOrderOfLocks(t *testing.T) {
	t.Parallel()
	tw := carrier(t)
	e := startWith(t, func(cfg *config.Config) { cfg.Twilio.APIBaseURL = tw.URL() })
	require.Empty(t, e.problems(setCredentials, map[string]any{"s": sandbox.AccountSID, "t": tw.AuthToken()}))
	// The first of two people opted in by a message; the second has a mark, which going live ends before. What two people
	// write is applied in any order: the second writes when the first is there, so that their ids are in this order.
	e.saysUntil("+4915100000001", "START", func() bool { return e.query("SELECT count(*) FROM consent_events") == 1 })
	e.saysUntil("+4915100000002", "Hello", func() bool { return e.query("SELECT count(*) FROM contacts") == 2 })
	e.exec("UPDATE contacts SET reachable = false, unreachable_reason = 'undeliverable' WHERE match_key = '+4915100000002'")
	for _, sql := range []string{
		"CREATE SEQUENCE tries",
		`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') = 1 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
			RETURN new;
		END $$`,
		"CREATE TRIGGER lose BEFORE INSERT ON settings FOR EACH ROW WHEN (new.key = 'went_live') EXECUTE FUNCTION lose()",
	} {
		e.exec(sql)
	}
	d, err := db.Open(t.Context(), e.databaseURL(), 3, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	other, err := d.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer other.Rollback() //nolint:errcheck // it is committed by then
	locks := func(key string) {
		_, err := other.NewRaw("SELECT id FROM contacts WHERE match_key = ? FOR NO KEY UPDATE", key).Exec(t.Context())
		require.NoError(t, err)
	}
	locks("+4915100000001")
	live := make(chan string, 1)
	go func() {
		live <- e.problems(`mutation { goLive(input: {campaigns: 0}) { userErrors { field message } } }`, nil)
	}()
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, d.NewRaw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple')`).Scan(t.Context(), &n))
		return n > 0
	}, patience, 20*time.Millisecond, "it waits for the first")
	locks("+4915100000002")
	require.NoError(t, other.Commit())
	require.Empty(t, <-live)
	require.Equal(t, 2, e.query("SELECT nextval('tries') - 1"), "it began anew")
	e = e.again()
	require.Equal(t, 1, e.goingLive().Ended.Marks)
	require.Zero(t, deadlocks(t, e.databaseURL()))
}

// TestASeedUnderWayKeepsFromGoingLive: its data, and the mark that tells of it, come only when it commits.
func TestASeedUnderWayKeepsFromGoingLive(t *testing.T) {
	t.Parallel()
	tw := carrier(t)
	e := startWith(t, func(cfg *config.Config) { cfg.Twilio.APIBaseURL = tw.URL() })
	require.Empty(t, e.problems(setCredentials, map[string]any{"s": sandbox.AccountSID, "t": tw.AuthToken()}))
	e.exec("INSERT INTO leases (name, owner, expires_at) VALUES ('demo_run:1', 'a process that writes it', now() + interval '1 hour')")
	e.exec("INSERT INTO demo_runs (kind, status, contacts, campaigns) VALUES ('seed', 'running', 200, 8)")
	require.Equal(t, "FAILED", e.goingLive().state("DEMO_DATA"))
	require.Contains(t, e.problems(`mutation { goLive(input: {campaigns: 0}) { userErrors { field message } } }`, nil), "demo data")
	e.exec("UPDATE leases SET expires_at = now() WHERE name = 'demo_run:1'")
	e.demoRun("SEED", "COMPLETED")
}

// TestTwoProcessesStartAtOnceWithNewCredentials: one of them goes live, and the other finds that it is done.
func TestTwoProcessesStartAtOnceWithNewCredentials(t *testing.T) {
	t.Parallel()
	tw := carrier(t)
	e := start(t)
	e.stop()
	cfg := e.cfg
	cfg.Twilio = config.Twilio{AccountSID: sandbox.AccountSID, AuthToken: config.Secret(tw.AuthToken()), APIBaseURL: tw.URL()}
	d, err := db.Open(t.Context(), string(cfg.DatabaseURL), 2, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	tx, err := d.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, provider.Lock(t.Context(), tx))
	started := make(chan error)
	for range 2 {
		own := cfg
		own.DataDir = t.TempDir()
		go func() {
			a, err := app.New(t.Context(), own, app.Roles{Work: true}, slog.New(slog.DiscardHandler))
			if err == nil {
				a.Close()
			}
			started <- err
		}()
	}
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, d.NewRaw(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid
			FROM pg_database WHERE datname = current_database())`).Scan(t.Context(), &n))
		return n == 2
	}, patience, 20*time.Millisecond, "both wait to go live")
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-started)
	require.NoError(t, <-started)
}

// TestAProcessNoticesThatTheProviderChangedWhileItStarted, right after it had found out with whom it speaks.
func TestAProcessNoticesThatTheProviderChangedWhileItStarted(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.stop()
	d, err := db.Open(t.Context(), string(e.cfg.DatabaseURL), 2, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	for _, sql := range []string{
		"DELETE FROM provider_periods",
		// As the start commits, another process goes live.
		`CREATE FUNCTION go_live() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO provider_periods (began_at, provider, account) VALUES (clock_timestamp(), 'twilio', 'AC00000000000000000000000000000000');
			RETURN NULL;
		END $$`,
		`CREATE CONSTRAINT TRIGGER go_live AFTER INSERT ON provider_periods DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW WHEN (new.provider = 'sandbox') EXECUTE FUNCTION go_live()`,
	} {
		_, err := d.NewRaw(sql).Exec(t.Context())
		require.NoError(t, err)
	}
	cfg := e.cfg
	cfg.AdminEmail, cfg.AdminPassword = "", "" // nobody signs in: it may have ended by then
	e = run(t, slog.New(slog.DiscardHandler), cfg)
	require.NotNil(t, e.Sandbox)
	select {
	case err := <-e.done:
		require.ErrorIs(t, err, app.ErrProviderChanged)
		e.done <- err
	case <-time.After(patience):
		t.Fatal("it stays with the sandbox")
	}
}

// TestCredentialsThatTwilioDoesNotConfirmAreNotKept, nor credentials that changed while they were checked.
func TestCredentialsThatTwilioDoesNotConfirmAreNotKept(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	status.Store(http.StatusServiceUnavailable)
	asked := func() {}
	tw := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked()
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte(`{"status": "active"}`))
	}))
	t.Cleanup(tw.Close)
	e := startWith(t, func(cfg *config.Config) { cfg.Twilio.APIBaseURL = tw.URL })
	account := map[string]any{"s": sandbox.AccountSID, "t": strings.Repeat("0", 32)}
	for _, s := range []int32{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusNotFound} {
		status.Store(s)
		_, errs := e.raw(setCredentials, account)
		require.Contains(t, fmt.Sprint(errs), fmt.Sprintf("Twilio answers with %d", s))
		require.Contains(t, fmt.Sprint(errs), "UNAVAILABLE")
		require.Zero(t, e.query("SELECT count(*) FROM provider_credentials"))
	}
	status.Store(http.StatusOK)
	require.Empty(t, e.problems(setCredentials, account))
	asked = func() { e.exec("UPDATE provider_credentials SET account_sid = 'AC00000000000000000000000000000000'") }
	require.Contains(t, e.problems(`mutation { goLive(input: {campaigns: 0}) { userErrors { field message } } }`, nil), "changed while")
	require.Zero(t, e.query("SELECT count(*) FROM provider_periods WHERE provider = 'twilio'"))
}

// TestAReplacedTokenSignsForAWhile: Twilio signs with it until the new one is promoted.
func TestAReplacedTokenSignsForAWhile(t *testing.T) {
	t.Parallel()
	tw := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // it takes every token
		_, _ = w.Write([]byte(`{"status": "active"}`))
	}))
	t.Cleanup(tw.Close)
	e := startWith(t, func(cfg *config.Config) { cfg.Twilio.APIBaseURL = tw.URL })
	enter := func(token, key, keySecret string) {
		t.Helper()
		require.Empty(t, e.problems(`mutation($i: ProviderCredentialsSetInput!) { providerCredentialsSet(input: $i) { userErrors { field message } } }`,
			map[string]any{"i": map[string]any{"accountSid": sandbox.AccountSID, "authToken": token, "apiKeySid": key, "apiKeySecret": keySecret}}))
	}
	first, second := strings.Repeat("1", 32), strings.Repeat("2", 32)
	key := "SK" + strings.Repeat("0", 32)
	signs := func(token string) bool {
		t.Helper()
		form := url.Values{"MessageSid": {"SM" + strings.Repeat("0", 32)}, "MessageStatus": {"sent"}, "AccountSid": {sandbox.AccountSID}}
		const path = "/webhooks/twilio/status"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Twilio-Signature", twilio.Sign(token, e.URL+path, form))
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Contains(t, []int{http.StatusNoContent, http.StatusOK, http.StatusForbidden}, resp.StatusCode)
		return resp.StatusCode != http.StatusForbidden
	}
	until := func() *time.Time {
		var out struct {
			GoingLive struct {
				Credentials struct{ PreviousTokenUntil *time.Time }
			}
		}
		e.do(&out, `{ goingLive { credentials { previousTokenUntil } } }`, nil)
		return out.GoingLive.Credentials.PreviousTokenUntil
	}
	enter(strings.Repeat("0", 32), "", "")
	enter(first, "", "")
	require.Nil(t, until(), "nothing was signed yet")
	require.Empty(t, e.problems(`mutation { goLive(input: {campaigns: 0}) { userErrors { field message } } }`, nil))
	e = e.again()
	require.Equal(t, []bool{true, false}, []bool{signs(first), signs(second)})

	enter(second, "", "")
	e = e.again()
	require.Equal(t, []bool{true, true}, []bool{signs(first), signs(second)})
	require.WithinDuration(t, time.Now().Add(7*24*time.Hour), *until(), time.Hour)
	require.Equal(t, 1, e.query("SELECT count(*) FROM provider_credentials WHERE previous_auth_token LIKE 'v1.%'"))
	require.Equal(t, 1, e.query("SELECT count(*) FROM audit_entries WHERE action = 'provider.credentials' AND changes -> 'previous_token_signs_until' IS NOT NULL"))

	enter(second, key, "secret") // it stays with that
	e = e.again()
	require.True(t, signs(first))
	const otherKey = `UPDATE provider_credentials SET updated_at = clock_timestamp(), previous_auth_token =
		overlay(previous_auth_token placing translate(substr(previous_auth_token, 4, 8), '0123456789abcdef', 'fedcba9876543210') from 4 for 8)` // and back
	e.exec(otherKey)
	e = e.again() // the key that encrypted it is gone, and the server starts
	require.Equal(t, []bool{false, true}, []bool{signs(first), signs(second)})
	e.exec(otherKey)
	e = e.again()
	require.True(t, signs(first))
	enter(second, key, "secret") // once more: nobody is to sign with the first one
	e = e.again()
	require.Equal(t, []bool{false, true}, []bool{signs(first), signs(second)})
	require.Nil(t, until())
	require.Zero(t, e.query("SELECT count(*) FROM provider_credentials WHERE previous_auth_token <> ''"))

	// Its time is over, while a server runs and when one starts; then it is deleted.
	enter(first, key, "secret")
	e.exec("UPDATE provider_credentials SET previous_until = now() - interval '1 second'")
	e = e.again()
	require.Equal(t, []bool{true, false}, []bool{signs(first), signs(second)})
	d, err := db.Open(t.Context(), e.databaseURL(), 2, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	_, err = golive.Clear(t.Context(), d, 1)
	require.NoError(t, err)
	require.Zero(t, e.query("SELECT count(*) FROM provider_credentials WHERE previous_auth_token <> '' OR previous_until IS NOT NULL"))
}
