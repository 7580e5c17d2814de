package app_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/app"
	"eventstream/server/config"
	"eventstream/server/db/dbtest"
	"eventstream/server/demo"
	"eventstream/server/provider"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

func TestDemoData(t *testing.T) {
	t.Parallel()
	e := start(t)
	seed := func(n int) (out struct {
		SandboxSeed struct {
			Contacts, Campaigns, Messages int
			UserErrors                    []struct{ Message string }
		}
	},
	) {
		e.do(&out, `mutation($n: Int!) { sandboxSeed(input: {contacts: $n}) { contacts campaigns messages userErrors { field message code } } }`, map[string]any{"n": n})
		return out
	}
	require.Contains(t, seed(5).SandboxSeed.UserErrors[0].Message, "100 to 100000")
	require.Zero(t, e.query("SELECT count(*) FROM contacts"), "nothing half-done stays")
	r := seed(2000).SandboxSeed
	require.Empty(t, r.UserErrors)
	require.Equal(t, 2000, r.Contacts)
	require.Contains(t, seed(2000).SandboxSeed.UserErrors[0].Message, "already")
	d := e.demoRun("SEED", "COMPLETED")
	require.True(t, d.Present)
	require.Equal(t, 2000, d.Contacts)
	require.Equal(t, 2000, e.query("SELECT count(*) FROM contacts"))
	require.Greater(t, d.Run.Messages, 2000)
	require.Contains(t, seed(2000).SandboxSeed.UserErrors[0].Message, "only where there are none")

	for what, sql := range map[string]string{
		"messages that went out without consent":     `SELECT count(*) FROM messages m WHERE m.purpose = 'campaign' AND m.accepted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM consent_events e WHERE e.contact_id = m.contact_id AND e.status = 'opted_in' AND e.occurred_at <= m.accepted_at)`,
		"messages to people who had said STOP":       `SELECT count(*) FROM messages m JOIN consent_events e ON e.contact_id = m.contact_id AND e.status = 'opted_out' WHERE m.purpose = 'campaign' AND m.accepted_at > e.occurred_at`,
		"people whose consent is not the ledger's":   `SELECT count(*) FROM contacts c WHERE c.consent_status <> coalesce((SELECT e.status FROM consent_events e WHERE e.contact_id = c.id ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1), 'unknown')`,
		"things that happen before what leads there": `SELECT count(*) FROM messages WHERE accepted_at < submitted_at OR sent_at < accepted_at OR delivered_at < sent_at OR read_at < delivered_at OR replied_at < read_at OR clicked_at < greatest(delivered_at, read_at)`,
		"things that have not happened yet":          `SELECT count(*) FROM messages WHERE greatest(created_at, read_at, ended_at, delivered_at, clicked_at) > now()`,
		"links whose counts are not their clicks'":   `SELECT count(*) FROM links l JOIN link_counts n ON n.link_id = l.id WHERE (n.clicks, n.people) IS DISTINCT FROM (SELECT (count(*), count(DISTINCT message_id)) FROM clicks WHERE link_id = l.id)`,
		"messages clicked at another time":           `SELECT count(*) FROM messages m WHERE m.clicked_at IS DISTINCT FROM (SELECT min(clicked_at) FROM clicks WHERE message_id = m.id)`,
		"opt-outs that somebody is asked to read":    `SELECT count(*) FROM conversations co JOIN contacts c ON c.id = co.contact_id WHERE c.consent_status = 'opted_out' AND (co.status = 'open' OR co.unread > 0)`,
		"opted-out addresses that are not blocked":   `SELECT (SELECT count(*) FROM contacts WHERE consent_status = 'opted_out') - (SELECT count(*) FROM suppressed_addresses WHERE reason = 'opted_out')`,
	} {
		require.Zero(t, e.query(sql), what)
	}
	require.Positive(t, e.query("SELECT count(*) FROM consent_events WHERE source = 'keyword'"))
	require.Zero(t, e.query("SELECT count(*) FROM consent_events WHERE source = 'keyword' AND operator_id IS NOT NULL"),
		"a STOP is the contact's own doing")
	require.Zero(t, e.query(`SELECT count(*) FROM consent_events ce WHERE ce.source = 'keyword' AND NOT EXISTS (SELECT 1 FROM audit_entries a
		WHERE a.action = 'consent.record' AND a.actor_kind = 'contact' AND a.actor_id = ce.contact_id)`))
	e.recount()
	require.Equal(t, e.query("SELECT count(*) FROM messages WHERE accepted_at < date_bin('10 seconds', now() - interval '1 day', 'epoch')"),
		e.query("SELECT sum(n) FROM message_series WHERE measure = 'at:accepted' AND bucket < date_bin('10 seconds', now() - interval '1 day', 'epoch')"), "the series stands where things happened")
	require.Positive(t, e.query("SELECT count(*) FROM messages WHERE opted_out_at IS NOT NULL"))
	require.Positive(t, e.query("SELECT count(*) FROM messages WHERE accepted_at > now() - interval '1 day'"),
		"the dashboard has a last day")
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM template_versions WHERE approval_status <> 'approved'") == 0
	}, patience, 50*time.Millisecond, "the templates go to the sandbox like any others")

	require.Positive(t, e.query("SELECT count(*) FROM clicks"))
	require.Greater(t, e.query("SELECT count(*) FROM clicks"), e.query("SELECT count(*) FROM messages WHERE clicked_at IS NOT NULL"), "some come again")
	var shown struct {
		Dashboard struct {
			CountsClicks bool
			Period       struct{ Clicked, Read int }
			Series       []struct{ Clicked int }
		}
		Campaigns struct {
			Nodes []struct {
				TrackLinks bool
				Links      []struct{ People int }
			}
		}
	}
	e.do(&shown, `query($range: DateRange!) {
		dashboard(range: $range) { countsClicks period { clicked read } series { clicked } }
		campaigns(first: 50) { nodes { trackLinks links { people } } } }`,
		map[string]any{"range": map[string]any{"from": time.Now().AddDate(0, 0, -60), "to": time.Now()}})
	dash, inSeries, linked := shown.Dashboard, 0, 0
	for _, p := range dash.Series {
		inSeries += p.Clicked
	}
	require.True(t, dash.CountsClicks)
	require.Equal(t, e.query("SELECT count(*) FROM messages WHERE clicked_at IS NOT NULL"), dash.Period.Clicked)
	require.Equal(t, dash.Period.Clicked, inSeries)
	require.InDelta(t, 0.2, float64(dash.Period.Clicked)/float64(dash.Period.Read), 0.08, "as many of the readers as in other people's campaigns")
	for _, c := range shown.Campaigns.Nodes {
		require.True(t, c.TrackLinks)
		for _, l := range c.Links {
			require.Positive(t, l.People)
			linked++
		}
	}
	require.Equal(t, 7, linked, "all campaigns but the welcome have a link")

	row := e.threads(nil)[0]
	require.True(t, row.WindowOpen)
	if row.Contact.ConsentStatus != "OPTED_OUT" {
		_, problems := e.mutate("conversationReply", "message", map[string]any{"id": row.ID, "body": "Gladly"})
		require.Empty(t, problems)
		require.Eventually(t, func() bool {
			return e.query("SELECT count(*) FROM messages WHERE body = 'Gladly' AND delivered_at IS NOT NULL") == 1
		}, patience, 50*time.Millisecond, "the sandbox knows that they wrote")
	}

	live := e.cfg
	live.Twilio = config.Twilio{
		AccountSID: "AC00000000000000000000000000000000",
		AuthToken:  "00000000000000000000000000000000", PhoneNumber: "+14155238886",
	}
	live.ListenAddr, live.PublicURL = "127.0.0.1:0", "https://shop.example"
	again, err := app.New(t.Context(), live, app.Roles{Serve: true}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NotNil(t, again.Sandbox, "credentials alone do not send to made-up numbers")
	again.Close()
	e.exec("INSERT INTO provider_periods (began_at, provider, account) VALUES (now(), 'twilio', 'AC00000000000000000000000000000000')")
	_, err = app.New(t.Context(), live, app.Roles{Serve: true}, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, demo.ErrLive)
	e.exec("DELETE FROM provider_periods WHERE provider = 'twilio'")
}

type demoData struct {
	Present  bool
	Contacts int
	Run      struct {
		Kind, Status string
		Progress     float64
		Messages     int
		Failure      *string
	}
}

func (e *env) demoData() demoData {
	e.t.Helper()
	var out struct{ DemoData demoData }
	e.do(&out, `{ demoData { present contacts run { kind status progress messages failure } } }`, nil)
	return out.DemoData
}

// demoRun waits for the newest run of demo data to come to this.
func (e *env) demoRun(kind, status string) (d demoData) {
	e.t.Helper()
	require.Eventually(e.t, func() bool {
		d = e.demoData()
		return d.Run.Kind == kind && d.Run.Status == status
	}, patience, 50*time.Millisecond)
	return d
}

func TestDemoDataCanBeRemoved(t *testing.T) {
	t.Parallel()
	e := start(t)
	remove := func(n int) string {
		var out struct {
			SandboxSeedRemove struct{ UserErrors []struct{ Message string } }
		}
		e.do(&out, `mutation($n: Int!) { sandboxSeedRemove(input: {contacts: $n}) { userErrors { message } } }`, map[string]any{"n": n})
		if errs := out.SandboxSeedRemove.UserErrors; len(errs) > 0 {
			return errs[0].Message
		}
		return ""
	}
	require.Contains(t, remove(0), "no demo data")
	e.do(nil, `mutation { sandboxSeed(input: {contacts: 500}) { contacts } }`, nil)
	e.demoRun("SEED", "COMPLETED")
	e.small(3) // beside real people, who stay
	hashes := e.query("SELECT count(*) FROM suppressed_addresses")
	require.Positive(t, hashes)
	ledger := e.query("SELECT count(*) FROM consent_events")
	require.Contains(t, remove(499), "500", "who asks has to have seen how many")
	require.Empty(t, remove(500))
	d := e.demoRun("REMOVE", "COMPLETED")
	require.False(t, d.Present)
	require.InDelta(t, 1, d.Run.Progress, 0.001)
	require.Equal(t, 500, e.query("SELECT count(*) FROM contacts WHERE erased_at IS NOT NULL"))
	require.Equal(t, 3, e.query("SELECT count(*) FROM contacts WHERE erased_at IS NULL"))
	require.Zero(t, e.query("SELECT count(*) FROM suppressed_addresses"), "a made-up number may be a real person's")
	require.Zero(t, e.query("SELECT count(*) FROM messages WHERE body <> ''"))
	require.Equal(t, ledger, e.query("SELECT count(*) FROM consent_events"), "what is appended stays")
	require.Equal(t, ledger-3, e.query("SELECT count(*) FROM consent_events WHERE evidence ->> 'note' = 'Demo data: made up'"))
	require.Zero(t, e.query("SELECT count(*) FROM redactions"), "the provider never had them")
	e.recount()
}

// TestASeedThatNobodyWorksIsTakenUp: a crash leaves the run, and nothing of its data.
func TestASeedThatNobodyWorksIsTakenUp(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.exec("INSERT INTO demo_runs (kind, status, contacts, campaigns) VALUES ('seed', 'running', 200, 8)")
	e.demoRun("SEED", "COMPLETED")
	require.Equal(t, 200, e.query("SELECT count(*) FROM contacts"))
}

// TestDemoDataGoesOnlyToTheSandbox: not into a database that is live, whatever the environment names.
func TestDemoDataGoesOnlyToTheSandbox(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	d := dbtest.New(t)
	seed := func() error {
		_, err := app.SeedDemo(t.Context(), config.Config{DataDir: t.TempDir()}, d, log, 100)
		return err
	}
	require.NoError(t, seed())
	now, err := provider.Current(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, provider.Sandbox, now.Provider, "credentials that come later wait for an admin's word")

	live := dbtest.New(t)
	require.NoError(t, live.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		return provider.Begin(ctx, tx, provider.Twilio, sandbox.AccountSID)
	}))
	d = live
	require.ErrorContains(t, seed(), "this database sends over Twilio")
	var rows int
	require.NoError(t, d.NewRaw("SELECT (SELECT count(*) FROM contacts) + (SELECT count(*) FROM senders) + (SELECT count(*) FROM templates)").
		Scan(t.Context(), &rows))
	require.Zero(t, rows)

	// A seed that waited while Twilio became the provider.
	_, err = d.NewRaw("INSERT INTO demo_runs (kind, status, contacts, campaigns) VALUES ('seed', 'pending', 200, 8)").Exec(t.Context())
	require.NoError(t, err)
	s := demo.NewService(demo.Dependencies{DB: d, Owner: "test", Now: time.Now})
	require.NoError(t, s.Work(t.Context(), 1))
	state, err := s.StateOf(t.Context())
	require.NoError(t, err)
	require.Equal(t, demo.StatusFailed, state.Run.Status)
	require.Contains(t, state.Run.Failure, "this database sends over Twilio")
}
