package campaign_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/campaign"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/jobs"
	"eventstream/server/portfolio"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// planning is a workspace whose campaigns are planned by several people: Ada is an admin, Mia and Max are marketers.
type planning struct {
	*testing.T

	db            *db.DB
	s             *campaign.Service
	segments      *segment.Service
	ada, mia, max context.Context
}

const (
	adaID, miaID, maxID = 1, 2, 3
	tokenID             = 9
)

func planned(t *testing.T, audience int) *planning {
	t.Helper()
	d := dbtest.New(t)
	log := slog.New(slog.DiscardHandler)
	hub := pubsub.New(d.Pool, log)
	client, err := river.NewClient(riverdatabasesql.New(d.DB.DB), &river.Config{})
	require.NoError(t, err)
	enqueuer, segments := &jobs.Enqueuer{Client: client}, segment.NewService(d)
	as := func(id int64, role actor.Role) context.Context {
		return actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: id, Role: role, Recent: true})
	}
	p := &planning{
		T: t, db: d, segments: segments,
		s: campaign.NewService(campaign.Dependencies{
			DB: d, Hub: hub, Jobs: enqueuer, Segments: segments, Senders: sender.NewService(d), Topics: topic.NewService(d, hub),
			Templates: template.NewService(template.Dependencies{DB: d, Jobs: enqueuer, Log: log}),
			Prices:    price.NewService(d), Portfolio: portfolio.NewService(d), Now: time.Now,
		}),
		ada: as(adaID, actor.RoleAdmin), mia: as(miaID, actor.RoleMarketer), max: as(maxID, actor.RoleMarketer),
	}
	for _, sql := range []string{
		`INSERT INTO operators (email, name, role, password_hash) VALUES ('ada@x.example', 'Ada', 'admin', 'x'),
			('mia@x.example', 'Mia', 'marketer', 'x'), ('max@x.example', 'Max', 'marketer', 'x')`,
		`INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 80)`,
		`INSERT INTO templates (name, language, category) VALUES ('Hello', 'en', 'marketing')`,
		`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status)
			VALUES (1, 1, 'text', 'Hello.', '[]', 'HX00000000000000000000000000000000', 'approved')`,
		`INSERT INTO segments (name, query) VALUES ('All', '{"all": []}')`,
	} {
		p.exec(sql)
	}
	p.exec(`INSERT INTO contacts (address, match_key, kind, region, consent_status, consent_at)
		SELECT a, a, 'phone', 'DE', 'opted_in', now() FROM (SELECT '+49151' || lpad(i::text, 8, '0') AS a FROM generate_series(1, ?::int) i) x`, audience)
	return p
}

func (p *planning) exec(sql string, args ...any) {
	p.Helper()
	_, err := p.db.NewRaw(sql, args...).Exec(p.Context())
	require.NoError(p, err, sql)
}

func (p *planning) ask(rule *campaign.ApprovalRule) {
	p.Helper()
	require.NoError(p, p.s.SetDefaults(p.ada, campaign.DefaultsChange{Approval: &rule}))
}

// draft is one that could be launched, made by somebody.
func (p *planning) draft(by context.Context) int64 {
	p.Helper()
	c, err := p.s.Create(by, campaign.Input{Name: new("Spring"), TemplateID: new(int64(1)), SegmentID: new(int64(1)), SenderID: new(int64(1))})
	require.NoError(p, err)
	return c.ID
}

// is checks where a campaign stands.
func (p *planning) is(id int64, status campaign.Status, approval campaign.Approval) *campaign.Campaign {
	p.Helper()
	c, err := p.s.ByID(p.ada, id)
	require.NoError(p, err)
	require.Equal(p, status, c.Status)
	require.Equal(p, approval, c.Approval)
	return c
}

// due makes a scheduled campaign's time pass, and does what maintenance does then.
func (p *planning) due(id int64) {
	p.Helper()
	p.exec("UPDATE campaigns SET next_run_at = now() - interval '1 minute' WHERE id = ? AND status = 'scheduled'", id)
	require.NoError(p, p.s.LaunchDue(p.Context()))
}

func (p *planning) schedule(by context.Context, id int64) {
	p.Helper()
	at := time.Now().Add(time.Hour)
	_, err := p.s.Schedule(by, id, campaign.Schedule{At: &at})
	require.NoError(p, err)
}

func (p *planning) refused(text string, err error) {
	p.Helper()
	require.ErrorContains(p, err, text)
}

func (p *planning) audited() (lines []string) {
	p.Helper()
	require.NoError(p, p.db.NewRaw(`SELECT action || ' ' || coalesce(actor_id, 0) || coalesce(' ' || (changes -> 'approval_reason' ->> 'to'), '')
		FROM audit_entries WHERE entity = 'campaign' AND action IN ('campaign.approval_ask', 'campaign.approve', 'campaign.send_back', 'campaign.launch') ORDER BY id`).
		Scan(p.Context(), &lines))
	return lines
}

func TestALaunchWaitsForASecondPerson(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	id := p.draft(p.mia)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	pre, err := p.s.Preflight(p.mia, id)
	require.NoError(t, err)
	require.True(t, pre.Approval)
	require.Empty(t, pre.Blockers)

	_, err = p.s.Launch(p.mia, id, 0)
	require.NoError(t, err)
	c := p.is(id, campaign.StatusDraft, campaign.ApprovalWaiting)
	require.Equal(t, int64(miaID), *c.ApprovalAskedBy)
	who, err := p.s.Approvers(p.mia, id)
	require.NoError(t, err)
	require.Equal(t, []int64{adaID, maxID}, who)

	_, err = p.s.Approve(p.mia, id, 0)
	p.refused("you asked for it", err)
	token := actor.With(t.Context(), actor.Actor{Kind: actor.KindAPIToken, ID: tokenID, Owner: maxID, Role: actor.RoleMarketer, Scopes: actor.AllScopes})
	_, err = p.s.Approve(token, id, 0)
	p.refused("only people", err)
	_, err = p.s.SendBack(p.max, id, " ")
	p.refused("what has to change", err)
	_, err = p.s.SendBack(p.max, id, "The discount is gone.")
	require.NoError(t, err)
	require.Equal(t, "The discount is gone.", p.is(id, campaign.StatusDraft, campaign.ApprovalSentBack).ApprovalReason)

	// Max changes it himself: then he is the one who may not decide, and the reason stays until it is asked for anew.
	_, err = p.s.Update(p.max, id, campaign.Input{Name: new("Summer")})
	require.NoError(t, err)
	require.NotEmpty(t, p.is(id, campaign.StatusDraft, campaign.ApprovalSentBack).ApprovalReason)
	_, err = p.s.Launch(token, id, 0)
	require.NoError(t, err)
	c = p.is(id, campaign.StatusDraft, campaign.ApprovalWaiting)
	require.Equal(t, int64(maxID), *c.ApprovalAskedBy, "a token is its owner's")
	require.Empty(t, c.ApprovalReason)
	_, err = p.s.Launch(p.mia, id, 0)
	require.NoError(t, err)
	_, err = p.s.Approve(p.max, id, 0)
	p.refused("you changed it last", err)
	_, err = p.s.Approve(p.ada, id, time.Minute)
	require.NoError(t, err)
	c = p.is(id, campaign.StatusPreparing, campaign.ApprovalApproved)
	require.Equal(t, int64(adaID), *c.ApprovalDecidedBy)
	require.Equal(t, []string{
		"campaign.approval_ask 2", "campaign.send_back 3 The discount is gone.", "campaign.approval_ask 9 ", "campaign.approval_ask 2",
		"campaign.approve 1", "campaign.launch 1",
	}, p.audited())

	// A launch that was undone is approved no more: whoever undid it may have seen a mistake.
	_, err = p.s.UndoLaunch(p.mia, id)
	require.NoError(t, err)
	p.is(id, campaign.StatusDraft, campaign.ApprovalNone)
	_, err = p.s.Launch(p.mia, id, 0)
	require.NoError(t, err)
	p.is(id, campaign.StatusDraft, campaign.ApprovalWaiting)
	_, err = p.s.WithdrawApproval(p.max, id)
	require.NoError(t, err)
	p.is(id, campaign.StatusDraft, campaign.ApprovalNone)
}

func TestAScheduledCampaignWaitsForASecondPerson(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleAdmin})
	id := p.draft(p.mia)
	p.schedule(p.mia, id)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
	_, err := p.s.Approve(p.max, id, 0)
	p.refused("needs the role admin", err)
	p.due(id)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
	_, err = p.s.Approve(p.ada, id, 0)
	require.NoError(t, err)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalApproved)
	p.due(id)
	p.is(id, campaign.StatusPreparing, campaign.ApprovalApproved)

	// Another plan, and any change, asks anew; earlier than planned it does not start.
	id = p.draft(p.mia)
	p.schedule(p.mia, id)
	_, err = p.s.Approve(p.ada, id, 0)
	require.NoError(t, err)
	_, err = p.s.Launch(p.mia, id, 0)
	p.refused("make it a draft again", err)
	p.schedule(p.max, id)
	c := p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
	require.Equal(t, int64(maxID), *c.ApprovalAskedBy)
	require.Nil(t, c.ApprovalDecidedBy)
	_, err = p.s.Approve(p.ada, id, 0)
	require.NoError(t, err)
	_, err = p.s.Update(p.mia, id, campaign.Input{Pilot: new(1)})
	require.NoError(t, err)
	c = p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
	require.Equal(t, int64(adaID), *c.ApprovalDecidedBy, "who approved it before it was changed")
	_, err = p.s.SendBack(p.ada, id, "Later.")
	require.NoError(t, err)
	require.Nil(t, p.is(id, campaign.StatusDraft, campaign.ApprovalSentBack).Schedule)

	_, err = p.s.Cancel(p.mia, id)
	require.NoError(t, err)
	_, err = p.s.Approve(p.ada, id, 0)
	p.refused("does not wait", err)
}

// What was approved is what is sent: a template or a segment that changes afterwards needs another look.
func TestAnApprovalIsOfWhatIsSentThen(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	approved := func() int64 {
		t.Helper()
		id := p.draft(p.mia)
		p.schedule(p.mia, id)
		_, err := p.s.Approve(p.ada, id, 0)
		require.NoError(t, err)
		return id
	}
	for what, change := range map[string]func(){
		"segment": func() {
			_, err := p.segments.Update(p.mia, 1, segment.Input{Query: []byte(`{"field": "region", "op": "eq", "value": "DE"}`)})
			require.NoError(t, err)
		},
		"template": func() {
			p.exec(`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status)
				VALUES (1, 2, 'text', 'Buy.', '[]', 'HX00000000000000000000000000000001', 'approved')`)
		},
		"translation": func() {
			p.exec("INSERT INTO templates (name, language, category) VALUES ('Hello', 'de', 'marketing')")
			p.exec(`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status)
				VALUES (2, 1, 'text', 'Kauft.', '[]', 'HX00000000000000000000000000000002', 'approved')`)
		},
	} {
		asked := p.draft(p.mia) // what changes after it was asked for is not what is approved either
		_, err := p.s.Launch(p.mia, asked, 0)
		require.NoError(t, err)
		id := approved()
		change()
		_, err = p.s.Approve(p.ada, asked, 0)
		p.refused("has changed since approval was asked for", err)
		_, err = p.s.Launch(p.mia, asked, 0)
		require.NoError(t, err)
		_, err = p.s.Approve(p.ada, asked, 0)
		require.NoError(t, err, what)
		p.due(id)
		c := p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
		require.Equal(t, int64(adaID), *c.ApprovalDecidedBy, what)
		require.Equal(t, int64(miaID), *c.ApprovalAskedBy, what)
		_, err = p.s.Approve(p.max, id, 0)
		require.NoError(t, err, what)
		p.due(id)
		p.is(id, campaign.StatusPreparing, campaign.ApprovalApproved)
	}
}

// TestAnApprovalIsByWhoMayApproveNow: a rule that is raised to admins asks for another look at what a marketer approved, and one
// that is lowered again for none at what an admin approved.
func TestAnApprovalIsByWhoMayApproveNow(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	id := p.draft(p.mia)
	p.schedule(p.mia, id)
	_, err := p.s.Approve(p.max, id, 0)
	require.NoError(t, err)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleAdmin})
	require.Equal(t, int64(maxID), *p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting).ApprovalDecidedBy)
	p.due(id)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
	_, err = p.s.Approve(p.max, id, 0)
	require.True(t, apperr.Is(err, apperr.CodeForbidden), err)
	_, err = p.s.Approve(p.ada, id, 0)
	require.NoError(t, err)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	p.ask(&campaign.ApprovalRule{Role: actor.RoleAdmin, Above: 1})
	p.is(id, campaign.StatusScheduled, campaign.ApprovalApproved)
	p.due(id)
	p.is(id, campaign.StatusPreparing, campaign.ApprovalApproved)
}

// TestWhoeverAskedSpendsNoMoreThanWasApproved: of a campaign that sends, budget and end are part of what was approved. Less of
// either is nobody's loss.
func TestWhoeverAskedSpendsNoMoreThanWasApproved(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	budget := func(units int64) campaign.Input {
		return campaign.Input{Budget: &price.Budget{Limit: price.Micros(units * 1_000_000), Currency: "USD"}}
	}
	end := func(d time.Duration) campaign.Input { return campaign.Input{EndsAt: new(time.Now().Add(d))} }
	change := func(by context.Context, id int64, in campaign.Input) error {
		_, err := p.s.Update(by, id, in)
		return err
	}
	id := p.draft(p.mia)
	require.NoError(t, change(p.mia, id, budget(10)))
	require.NoError(t, change(p.mia, id, end(48*time.Hour)))
	_, err := p.s.Launch(p.mia, id, 0)
	require.NoError(t, err)
	_, err = p.s.Approve(p.max, id, 0)
	require.NoError(t, err)
	token := actor.With(t.Context(), actor.Actor{Kind: actor.KindAPIToken, ID: tokenID, Role: actor.RoleMarketer, Owner: maxID})
	for name, more := range map[string]campaign.Input{
		"more": budget(11), "no limit": {ClearBudget: true}, "later": end(49 * time.Hour), "no end": {ClearEndsAt: true},
	} {
		require.True(t, apperr.Is(change(p.mia, id, more), apperr.CodeConflict), name)
		require.True(t, apperr.Is(change(token, id, more), apperr.CodeForbidden), name)
	}
	p.refused("another person has to decide", change(p.mia, id, budget(11)))
	require.NoError(t, change(p.mia, id, budget(9)))
	require.NoError(t, change(p.mia, id, end(24*time.Hour)))
	require.NoError(t, change(token, id, budget(8)))
	p.refused("another person has to decide", change(p.mia, id, budget(9)))
	require.NoError(t, change(p.max, id, budget(20)))
	require.NoError(t, change(p.max, id, campaign.Input{ClearEndsAt: true}))

	p.exec("INSERT INTO campaigns (name, status, parent_id, budget, budget_currency, started_at) SELECT 'Run', 'sending', id, 5000000, 'USD', now() FROM campaigns WHERE id = ?", id)
	run := id + 1
	p.refused("another person has to decide", change(p.mia, run, budget(6)))
	require.NoError(t, change(p.max, run, budget(6)))
	p.ask(&campaign.ApprovalRule{Role: actor.RoleAdmin})
	require.True(t, apperr.Is(change(p.max, id, budget(30)), apperr.CodeForbidden))

	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	p.exec(`UPDATE campaigns r SET (approval, approval_asked_by, approval_decided_by) = (c.approval, c.approval_asked_by, c.approval_decided_by)
		FROM campaigns c WHERE c.id = r.parent_id`)
	p.exec("UPDATE campaigns SET approval = '' WHERE id = ?", id)
	p.refused("another person has to decide", change(p.mia, run, budget(7)))
	require.NoError(t, change(p.max, run, budget(7)), "its campaign was edited since; the run was approved as it was")
	p.exec("UPDATE campaigns SET approval = 'approved' WHERE id = ?", id)
	p.ask(nil)
	require.NoError(t, change(p.mia, id, budget(30)))
}

// TestARecurringCampaignThatWaitsCanEnd where no run is left, as when a copy of the installation goes on.
func TestARecurringCampaignThatWaitsCanEnd(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	id := p.draft(p.mia)
	_, err := p.s.Schedule(p.mia, id, campaign.Schedule{Recurrence: &campaign.Recurrence{Frequency: campaign.Daily, Time: "09:00", Zone: "UTC", Runs: 1}})
	require.NoError(t, err)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
	p.exec("UPDATE campaigns SET next_run_at = now() - interval '1 minute', runs = 1 WHERE id = ?", id)
	require.NoError(t, p.db.Tx(p.ada, func(ctx context.Context, tx bun.Tx) error { return p.s.SkipRuns(ctx, tx, time.Now()) }))
	p.is(id, campaign.StatusCompleted, campaign.ApprovalNone)
}

func TestRunsStandOnTheApprovalOfTheirCampaign(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	id := p.draft(p.mia)
	_, err := p.s.Schedule(p.mia, id, campaign.Schedule{Recurrence: &campaign.Recurrence{Frequency: campaign.Daily, Time: "09:00", Zone: "UTC"}})
	require.NoError(t, err)
	runs := func() []*campaign.Campaign {
		t.Helper()
		rows, err := p.s.RunsOf(p.ada, id, 10)
		require.NoError(t, err)
		return rows
	}
	p.due(id)
	_, err = p.s.Launch(p.mia, id, 0)
	require.NoError(t, err)
	require.Empty(t, runs())
	_, err = p.s.Approve(p.max, id, 0)
	require.NoError(t, err)
	for n := 1; n <= 2; n++ {
		p.due(id)
		require.Len(t, runs(), n)
		require.Equal(t, int64(maxID), *p.is(runs()[0].ID, campaign.StatusPreparing, campaign.ApprovalApproved).ApprovalDecidedBy)
	}
	p.exec(`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status)
		VALUES (1, 2, 'text', 'Buy.', '[]', 'HX00000000000000000000000000000001', 'approved')`)
	p.due(id)
	require.Len(t, runs(), 2)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
}

func TestOnlyLargeCampaignsNeedApproval(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer, Above: 3})
	id := p.draft(p.mia)
	p.schedule(p.mia, id)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalNone)
	p.exec(`INSERT INTO contacts (address, match_key, kind) VALUES ('+4915299999999', '+4915299999999', 'phone')`)
	p.due(id)
	c := p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting)
	require.Equal(t, int64(miaID), *c.ApprovalAskedBy, "its audience has grown")
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer, Above: 4})
	p.due(id)
	p.is(id, campaign.StatusPreparing, campaign.ApprovalNone)
	id = p.draft(p.mia)
	_, err := p.s.Launch(p.mia, id, 0)
	require.NoError(t, err)
	p.is(id, campaign.StatusPreparing, campaign.ApprovalNone)
}

func TestTheRuleHoldsForWhatIsPlannedAlready(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	id, launched := p.draft(p.mia), p.draft(p.max)
	p.schedule(p.mia, id)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	require.Equal(t, int64(miaID), *p.is(id, campaign.StatusScheduled, campaign.ApprovalWaiting).ApprovalAskedBy)
	_, err := p.s.Launch(p.max, launched, 0)
	require.NoError(t, err)
	p.is(launched, campaign.StatusDraft, campaign.ApprovalWaiting)
	p.ask(nil)
	p.is(launched, campaign.StatusDraft, campaign.ApprovalNone)
	p.is(id, campaign.StatusScheduled, campaign.ApprovalNone)
	p.due(id)
	p.is(id, campaign.StatusPreparing, campaign.ApprovalNone)

	p.exec("UPDATE operators SET active = false WHERE id IN (2, 3)")
	rule := &campaign.ApprovalRule{Role: actor.RoleMarketer}
	p.refused("two people are needed", p.s.SetDefaults(p.ada, campaign.DefaultsChange{Approval: &rule}))
	rule = &campaign.ApprovalRule{Role: actor.RoleViewer, Above: -1}
	err = p.s.SetDefaults(p.ada, campaign.DefaultsChange{Approval: &rule})
	p.refused("the role viewer may not approve", err)
	p.refused("-1 is out of range", err)
	p.refused("needs the role admin", p.s.SetDefaults(p.mia, campaign.DefaultsChange{Approval: &rule}))
}

// Two who decide at once: one of them does, and it starts once.
func TestOneDecisionCounts(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	for range 5 {
		id := p.draft(p.mia)
		_, err := p.s.Launch(p.mia, id, 0)
		require.NoError(t, err)
		var both sync.WaitGroup
		errs := make([]error, 2)
		both.Go(func() { _, errs[0] = p.s.Approve(p.ada, id, 0) })
		both.Go(func() { _, errs[1] = p.s.SendBack(p.max, id, "No.") })
		both.Wait()
		if errs[0] == nil {
			p.refused("does not wait", errs[1])
			p.is(id, campaign.StatusPreparing, campaign.ApprovalApproved)
		} else {
			require.NoError(t, errs[1])
			p.refused("does not wait", errs[0])
			p.is(id, campaign.StatusDraft, campaign.ApprovalSentBack)
		}
	}
}

// TestApprovalsOutliveAnUpgrade: the hash of a campaign without the settings of a newer version is the one that an earlier version kept.
func TestApprovalsOutliveAnUpgrade(t *testing.T) {
	t.Parallel()
	p := planned(t, 3)
	p.ask(&campaign.ApprovalRule{Role: actor.RoleMarketer})
	_, err := p.s.Launch(p.mia, p.draft(p.mia), 0)
	require.NoError(t, err)
	var of string
	require.NoError(t, p.db.NewRaw("SELECT encode(approval_of, 'hex') FROM campaigns").Scan(t.Context(), &of))
	require.Equal(t, "3afca2a38ddd9fe9edfd628d6786946439f60d38a40e2d9165b8339d476a4c2b", of, "of version 0.1.0; a setting that comes later counts only where it is used: see subject")
}
