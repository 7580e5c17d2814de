package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"eventstream/server/hours"

	"github.com/stretchr/testify/require"
)

// query asks for one number.
func (e *env) query(sql string, args ...any) (n int) {
	e.t.Helper()
	require.NoError(e.t, e.DB().NewRaw(sql, args...).Scan(context.Background(), &n))
	return n
}

func (e *env) exec(sql string, args ...any) {
	e.t.Helper()
	_, err := e.DB().NewRaw(sql, args...).Exec(context.Background())
	require.NoError(e.t, err)
}

// draft makes a campaign to everybody.
func (e *env) draft(name string, more map[string]any) string {
	e.t.Helper()
	input := map[string]any{
		"name": name, "query": map[string]any{"all": []any{}},
		"templateId": e.approved("Hello {{name | you}}, this is " + name + " for you."),
	}
	for k, v := range more {
		input[k] = v
	}
	return e.must("campaignCreate", "campaign", input)
}

func (e *env) newSender(address string, rate float64) string {
	e.t.Helper()
	return e.must("senderCreate", "sender", map[string]any{
		"address": address, "displayName": "Sender " + address,
		"ratePerSecond": rate,
	})
}

func TestAScheduledCampaignStartsByItself(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(30)
	seg := e.must("segmentCreate", "segment", map[string]any{
		"name":  "First",
		"query": map[string]any{"field": "name", "op": "eq", "value": "Person 1"},
	})
	camp := e.draft("later", map[string]any{"query": nil, "segmentId": seg})
	_, problems := e.mutate("campaignSchedule", "campaign", map[string]any{"id": camp, "at": time.Now().Add(-time.Hour)})
	require.Contains(t, problems, "in the past")
	_, problems = e.mutate("campaignSchedule", "campaign", map[string]any{"id": e.must("campaignCreate", "campaign",
		map[string]any{"name": "Hollow"}), "at": time.Now().Add(time.Hour)})
	require.Contains(t, problems, "no template")
	e.must("campaignSchedule", "campaign", map[string]any{"id": camp, "at": time.Now().Add(time.Hour)})
	status, _ := e.campaign(camp)
	require.Equal(t, "SCHEDULED", status)
	e.must("campaignUnschedule", "campaign", map[string]any{"id": camp})
	status, _ = e.campaign(camp)
	require.Equal(t, "DRAFT", status)
	e.must("campaignSchedule", "campaign", map[string]any{"id": camp, "at": time.Now().Add(3 * time.Second)})
	// It can be edited until it starts, and its segment counts as it then stands…
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "name": "much later", "rateLimitPerSecond": 5})
	everybody := map[string]any{"all": []any{}}
	e.must("segmentUpdate", "segment", map[string]any{"id": seg, "query": everybody})
	require.Eventually(t, func() bool { s, _ := e.campaign(camp); return s == "SENDING" }, patience, 20*time.Millisecond)
	// …but no longer.
	e.must("segmentUpdate", "segment", map[string]any{
		"id":    seg,
		"query": map[string]any{"field": "name", "op": "eq", "value": "Nobody"},
	})
	_, problems = e.mutate("campaignUpdate", "campaign", map[string]any{"id": camp, "segmentId": seg})
	require.Contains(t, problems, "only its name, rate")
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "rateLimitPerSecond": 500})
	require.Equal(t, 30, e.await(camp, "COMPLETED").Accepted)
	e.exact(camp)
}

func TestEachRecipientGetsItAtTheirLocalTime(t *testing.T) {
	t.Parallel()
	e := start(t)
	people := map[string]string{"Pacific/Kiritimati": "+4915112340001", "Europe/Berlin": "+4915112340002", "America/Los_Angeles": "+4915112340003"}
	for zone, address := range people {
		e.must("contactCreate", "contact", map[string]any{
			"address": address, "name": zone, "timeZone": zone,
			"consent": map[string]any{"note": "on paper"},
		})
	}
	camp := e.draft("local", map[string]any{"quietHours": nil})
	for field, local := range map[string]map[string]any{
		"local.date":             {"date": "2026-02-30", "time": "10:00"},
		"local.time":             {"date": "2026-12-01", "time": "25:00"},
		"in the past everywhere": {"date": "2020-12-01", "time": "10:00"},
	} {
		_, problems := e.mutate("campaignSchedule", "campaign", map[string]any{"id": camp, "local": local})
		require.Contains(t, problems, field)
	}
	// It has just become that time where days begin first, and nowhere else.
	first := time.Now().In(hours.Easternmost)
	local := hours.LocalMoment{Date: first.Format(time.DateOnly), Time: first.Format("15:04")}
	e.must("campaignSchedule", "campaign", map[string]any{"id": camp, "local": local})
	type waiting struct {
		NotBefore       *time.Time
		NotBeforeReason *string
		Contact         struct{ Name string }
		Status          string
	}
	var out struct {
		Node struct {
			LocalStart    *hours.LocalMoment
			WaitingReason *string
			Counts        struct{ Accepted, Pending int }
			Deferrals     []struct {
				Reason string
				Count  int
			}
			Messages struct{ Nodes []waiting }
		}
	}
	var year struct {
		CampaignCalendar struct {
			More   bool
			Starts []struct {
				Planned  bool
				At       time.Time
				Local    *hours.LocalMoment
				Campaign struct{ ID string }
			}
		}
	}
	look := func() {
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { localStart { date time } waitingReason counts { accepted pending }
			deferrals { reason count } messages(first: 10) { nodes { status notBefore notBeforeReason contact { name } } } } } }`,
			map[string]any{"id": camp})
	}
	require.Eventually(t, func() bool {
		look()
		return out.Node.Counts.Accepted == 1 && len(out.Node.Deferrals) == 1 && out.Node.Deferrals[0].Count == 2
	}, patience, 20*time.Millisecond)
	look() // the parts of an answer are read one after the other: some may have been read before the counts
	require.Equal(t, &local, out.Node.LocalStart)
	require.Equal(t, 2, out.Node.Counts.Pending)
	require.Equal(t, hours.LocalTime, out.Node.Deferrals[0].Reason)
	require.Equal(t, hours.LocalTime, *out.Node.WaitingReason)
	for _, m := range out.Node.Messages.Nodes {
		if m.Contact.Name == "Pacific/Kiritimati" {
			require.NotEqual(t, "PENDING", m.Status)
			continue
		}
		zone, err := time.LoadLocation(m.Contact.Name)
		require.NoError(t, err)
		require.Equal(t, "PENDING", m.Status)
		require.Equal(t, local.In(zone).UTC(), m.NotBefore.UTC(), m.Contact.Name)
		require.Equal(t, hours.LocalTime, *m.NotBeforeReason)
	}
	e.must("campaignCancel", "campaign", map[string]any{"id": camp})
	e.await(camp, "CANCELED")

	// By hand it goes to everybody at once.
	again := e.draft("by hand", nil)
	later := hours.LocalMoment{Date: first.AddDate(0, 0, 3).Format(time.DateOnly), Time: "10:00"}
	e.must("campaignSchedule", "campaign", map[string]any{"id": again, "local": later})
	recurring := e.draft("every day", nil)
	e.must("campaignSchedule", "campaign", map[string]any{"id": recurring, "recurrence": map[string]any{
		"frequency": "DAILY", "time": first.Add(-time.Hour).Format("15:04"), "zone": "UTC", "local": true, "runs": 5,
	}})
	const calendar = `query($from: DateTime!, $to: DateTime!, $n: Int) { campaignCalendar(from: $from, to: $to, first: $n) { more
		starts { planned at local { date time } campaign { id } } } }`
	e.do(&year, calendar, map[string]any{"from": first.AddDate(0, 0, -1), "to": first.AddDate(0, 0, 30)})
	planned := map[string]int{}
	for i, s := range year.CampaignCalendar.Starts {
		require.NotNil(t, s.Local)
		require.Equal(t, s.Campaign.ID != camp, s.Planned)
		require.True(t, i == 0 || !s.At.Before(year.CampaignCalendar.Starts[i-1].At), "by time")
		planned[s.Campaign.ID]++
	}
	require.Equal(t, map[string]int{camp: 1, again: 1, recurring: 5}, planned)
	require.False(t, year.CampaignCalendar.More)
	e.do(&year, calendar, map[string]any{"from": first.AddDate(0, 0, -1), "to": first.AddDate(0, 0, 30), "n": 2})
	require.Len(t, year.CampaignCalendar.Starts, 2)
	require.True(t, year.CampaignCalendar.More)
	for problem, vars := range map[string]map[string]any{
		"longer than 93 days": {"from": first, "to": first.AddDate(0, 4, 0)},
		"3 years ahead":       {"from": first.AddDate(80, 0, 0), "to": first.AddDate(80, 1, 0)},
		"is not after":        {"from": first, "to": first},
		"1 to 200":            {"from": first, "to": first.AddDate(0, 1, 0), "n": 201},
	} {
		_, errs := e.raw(calendar, vars)
		require.Len(t, errs, 1)
		require.Contains(t, errs[0].Message, problem)
	}
	e.must("campaignUnschedule", "campaign", map[string]any{"id": recurring})
	brief := e.draft("brief", map[string]any{"endsAt": later.First().Add(20 * time.Hour)})
	_, problems := e.mutate("campaignSchedule", "campaign", map[string]any{"id": brief, "local": later})
	require.Contains(t, problems, "before it is 10:00", "those who are farther west would get none")
	for end, problem := range map[time.Time]string{
		later.First().Add(-time.Hour):     "before it would start",
		later.First().Add(20 * time.Hour): "before it is 10:00",
	} {
		_, problems = e.mutate("campaignUpdate", "campaign", map[string]any{"id": again, "endsAt": end})
		require.Contains(t, problems, "endsAt: ")
		require.Contains(t, problems, problem, "an end that is set later is looked at as well")
	}
	e.must("campaignUpdate", "campaign", map[string]any{"id": again, "endsAt": later.Last().Add(time.Hour)})
	e.must("campaignLaunch", "campaign", map[string]any{"id": again})
	require.Equal(t, 3, e.await(again, "COMPLETED").Accepted)
}

func TestARecurringCampaignRunsAgainAndAgain(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(5)
	camp := e.draft("weekly", nil)
	e.must("campaignSchedule", "campaign", map[string]any{
		"id":         camp,
		"recurrence": map[string]any{"frequency": "DAILY", "time": "09:00", "zone": "Europe/Berlin", "runs": 2},
	})
	type run struct {
		ID, Name, Status string
		Counts           struct{ Accepted int }
	}
	var out struct {
		Node struct {
			Status    string
			NextRunAt *time.Time
			RunsDone  int
			Schedule  struct {
				Recurrence struct{ Frequency, Zone string }
			}
			Runs []run
		}
	}
	look := func() {
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { status nextRunAt runsDone schedule { recurrence { frequency zone } } runs { id name status counts { accepted } parent: parent { id } } } } }`, map[string]any{"id": camp})
	}
	look()
	require.Equal(t, "DAILY", out.Node.Schedule.Recurrence.Frequency)
	require.True(t, out.Node.NextRunAt.After(time.Now()))
	for done := 1; done <= 2; done++ {
		e.exec("UPDATE campaigns SET next_run_at = now() WHERE status = 'scheduled'") // its time has come
		require.Eventually(t, func() bool {
			look()
			return out.Node.RunsDone == done && len(out.Node.Runs) == done && out.Node.Runs[0].Status == "COMPLETED"
		}, patience, 50*time.Millisecond)
		require.Equal(t, 5, out.Node.Runs[0].Counts.Accepted)
		require.Contains(t, out.Node.Runs[0].Name, "weekly · 20")
	}
	require.Equal(t, "COMPLETED", out.Node.Status, "all runs are done")

	// Its own end is the end of its runs, whether it comes before the next one or while that cannot start.
	camp = e.draft("until its end", map[string]any{"endsAt": time.Now().Add(25 * time.Hour)})
	daily := map[string]any{"id": camp, "recurrence": map[string]any{"frequency": "DAILY", "time": "09:00", "zone": "Europe/Berlin"}}
	e.must("campaignSchedule", "campaign", daily)
	e.exec("UPDATE campaigns SET next_run_at = now(), ends_at = now() + interval '1 minute' WHERE status = 'scheduled'")
	require.Eventually(t, func() bool { look(); return out.Node.Status == "COMPLETED" }, patience, 50*time.Millisecond)
	require.Equal(t, 1, out.Node.RunsDone)
	require.Nil(t, out.Node.NextRunAt)
	camp = e.draft("late", map[string]any{"endsAt": time.Now().Add(25 * time.Hour)})
	daily["id"] = camp
	e.must("campaignSchedule", "campaign", daily)
	e.exec("UPDATE campaigns SET next_run_at = now() - interval '1 hour', ends_at = now() - interval '1 minute' WHERE status = 'scheduled'")
	require.Eventually(t, func() bool { look(); return out.Node.Status == "COMPLETED" }, patience, 50*time.Millisecond)
	require.Zero(t, out.Node.RunsDone)
	require.Empty(t, out.Node.Runs, "no run that fails")

	// What forbids a start fails it, and says why.
	failing := e.draft("unlucky", nil)
	e.must("campaignSchedule", "campaign", map[string]any{"id": failing, "at": time.Now().Add(2 * time.Second)})
	e.exec("UPDATE senders SET status = 'paused'")
	e.await(failing, "FAILED")
	var why struct{ Node struct{ Failure string } }
	e.do(&why, `query($id: ID!) { node(id: $id) { ... on Campaign { failure } } }`, map[string]any{"id": failing})
	require.Contains(t, why.Node.Failure, "paused")
}

// The sandbox refuses what goes beyond WhatsApp's limit of people a day (63018): none is refused while ours is set, and what
// waits says so.
func TestNothingIsRefusedForWhatsAppsLimit(t *testing.T) {
	t.Parallel()
	const limit = 25
	e := start(t)
	e.small(40)
	sandboxed := e.Sandbox.Settings()
	sandboxed.PortfolioLimit, sandboxed.ReplyRate = limit, 0
	require.NoError(t, e.Sandbox.SetSettings(sandboxed))
	set := func(people any) (problems []string) {
		t.Helper()
		var out struct {
			SettingsUpdate struct{ UserErrors []struct{ Message string } }
		}
		e.do(&out, `mutation($i: SettingsUpdateInput!) { settingsUpdate(input: $i) { userErrors { message } } }`,
			map[string]any{"i": map[string]any{"portfolioLimit": people}})
		for _, w := range out.SettingsUpdate.UserErrors {
			problems = append(problems, w.Message)
		}
		return problems
	}
	require.Contains(t, set(map[string]any{"people": 0})[0], "1 to 100,000")
	require.Empty(t, set(map[string]any{"people": limit}))
	camp := e.draft("limited", nil)
	var plan struct {
		CampaignPreflight struct {
			Seconds   float64
			Warnings  []string
			Portfolio struct {
				People, Used, Waiting, Needed int
				Through                       time.Time
			}
		}
	}
	const preflight = `query($id: ID!) { campaignPreflight(id: $id) { seconds warnings portfolio { people used waiting needed through } } }`
	e.do(&plan, preflight, map[string]any{"id": camp})
	require.Equal(t, limit, plan.CampaignPreflight.Portfolio.People)
	require.Zero(t, plan.CampaignPreflight.Portfolio.Used)
	require.Equal(t, 40, plan.CampaignPreflight.Portfolio.Needed)
	require.InDelta(t, 24*3600, plan.CampaignPreflight.Seconds, 600, "the last fifteen wait for a day")
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	var out struct {
		Node struct {
			Status, WaitingReason string
			WaitingUntil          *time.Time
			WaitingLimit          *int
			Counts                struct{ Accepted, Pending int }
			Messages              struct{ Nodes []struct{ ID string } }
		}
	}
	look := func() {
		out.Node.WaitingUntil, out.Node.WaitingLimit = nil, nil
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { status waitingReason waitingUntil waitingLimit counts { accepted pending }
			messages(first: 1, filter: { status: PENDING }) { nodes { id } } } } }`, map[string]any{"id": camp})
	}
	require.Eventually(t, func() bool {
		look()
		return out.Node.WaitingLimit != nil && out.Node.Counts.Accepted == limit && out.Node.Counts.Pending == 15
	}, patience, 50*time.Millisecond)
	look() // the parts of an answer are read one after the other: some may have been read before the counts
	require.Equal(t, limit, *out.Node.WaitingLimit)
	require.Equal(t, "portfolio_limit", out.Node.WaitingReason)
	require.True(t, out.Node.WaitingUntil.After(time.Now().Add(23*time.Hour)))
	require.Equal(t, limit, out.Node.Counts.Accepted)
	require.Equal(t, 15, out.Node.Counts.Pending)
	var why struct {
		Node struct {
			Decision struct {
				Verdict string
				Steps   []struct {
					Check  string
					Passed *bool
				}
			}
		}
	}
	e.do(&why, `query($id: ID!) { node(id: $id) { ... on Message { decision { verdict steps { check passed } } } } }`,
		map[string]any{"id": out.Node.Messages.Nodes[0].ID})
	require.Contains(t, why.Node.Decision.Verdict, "WhatsApp's limit of people")
	passed := map[string]*bool{}
	for _, s := range why.Node.Decision.Steps {
		passed[s.Check] = s.Passed
	}
	require.Equal(t, new(bool), passed["People a day"])
	var check struct {
		SendCheck struct {
			Allowed   bool
			Possible  *time.Time
			Questions []struct {
				Check, Detail string
				Passed        bool
			}
		}
	}
	const asked = `query($a: String!) { sendCheck(address: $a, category: UTILITY) { allowed questions { check detail passed } } }`
	e.do(&check, asked, map[string]any{"a": "+4915199999999"})
	last := check.SendCheck.Questions[len(check.SendCheck.Questions)-1]
	require.Equal(t, "People a day", last.Check)
	require.False(t, last.Passed)

	// Their places are free, here and at WhatsApp, which would refuse a sixteenth more.
	e.exec("UPDATE portfolio_people SET until = now() - interval '1 second'")
	sandboxed.PortfolioLimit = 2 * limit
	require.NoError(t, e.Sandbox.SetSettings(sandboxed))
	require.Equal(t, 40, e.await(camp, "COMPLETED").Accepted)
	e.exact(camp)
	for _, m := range e.Sandbox.Messages() {
		require.NotEqual(t, 63018, m.Code)
	}
}

// A pilot goes to exactly so many, then the campaign waits for somebody to look; whom the gate leaves out is made up for.
func TestAPilotGoesToExactlySoMany(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(60)
	_, problems := e.mutate("campaignCreate", "campaign", map[string]any{"name": "x", "pilot": 10_001})
	require.Contains(t, problems, "pilot: 10001 is out of range")
	camp := e.draft("{{attributes.city}}", map[string]any{"pilot": 10})
	e.exec("UPDATE contacts SET attributes = '{\"city\": \"Rome\"}' WHERE id > 4") // of the first ten, four lack it: they are skipped
	var out struct {
		Node struct {
			Status, PausedBy, PausedReason string
			Pilot                          int
			PilotEndedAt                   *time.Time
			Counts                         struct{ Accepted, Skipped, Pending int }
		}
	}
	look := func() {
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { status pausedBy pausedReason pilot pilotEndedAt
			counts { accepted skipped pending } } } }`, map[string]any{"id": camp})
	}
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Eventually(t, func() bool { look(); return out.Node.Status == "PAUSED" }, patience, 20*time.Millisecond)
	require.Equal(t, "ENGINE", out.Node.PausedBy)
	require.Equal(t, "The first 10 are out: look at them, then go on.", out.Node.PausedReason)
	require.NotNil(t, out.Node.PilotEndedAt)
	require.Equal(t, 10, out.Node.Counts.Accepted)
	require.Equal(t, 4, out.Node.Counts.Skipped)
	require.Equal(t, 46, out.Node.Counts.Pending)
	e.must("campaignResume", "campaign", map[string]any{"id": camp})
	require.Equal(t, 56, e.await(camp, "COMPLETED").Accepted)
	e.exact(camp)

	small := e.draft("to fewer than the pilot", map[string]any{"pilot": 100})
	e.must("campaignLaunch", "campaign", map[string]any{"id": small})
	require.Equal(t, 60, e.await(small, "COMPLETED").Accepted, "there is nobody to wait for")
}

func TestSeveralSendersShareByWeight(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(400)
	a, b := e.newSender("+14155550101", 500), e.newSender("+14155550102", 500)
	_, problems := e.mutate("campaignCreate", "campaign", map[string]any{
		"name":    "x",
		"senders": []any{map[string]any{"senderId": a, "weight": 0}},
	})
	require.Contains(t, problems, "weight 0")
	camp := e.draft("shared", map[string]any{"senders": []any{
		map[string]any{"senderId": a, "weight": 3},
		map[string]any{"senderId": b},
	}})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Equal(t, 400, e.await(camp, "COMPLETED").Accepted)
	from := map[string]int{}
	for _, m := range e.Sandbox.Messages() {
		from[strings.TrimPrefix(m.From, "whatsapp:")]++
	}
	require.Equal(t, map[string]int{"+14155550101": 300, "+14155550102": 100}, from)
	e.exact(camp)

	// One of them stops in the middle: the other takes over, nobody is lost or gets two.
	half := e.draft("half", map[string]any{"senders": []any{
		map[string]any{"senderId": a},
		map[string]any{"senderId": b},
	}, "rateLimitPerSecond": 80})
	e.must("campaignLaunch", "campaign", map[string]any{"id": half})
	require.Eventually(t, func() bool { _, c := e.campaign(half); return c.Accepted >= 60 }, patience, 10*time.Millisecond)
	e.must("senderPause", "sender", map[string]any{"id": b})
	e.must("campaignUpdate", "campaign", map[string]any{"id": half, "rateLimitPerSecond": 500})
	require.Equal(t, 400, e.await(half, "COMPLETED").Accepted)
	e.exact(half)
	require.Positive(t, e.query("SELECT count(*) FROM messages m JOIN senders s ON s.id = m.sender_id WHERE m.campaign_id = 2 AND s.address = '+14155550102' AND m.sid IS NOT NULL"))
}

func TestCampaignsOfOneSenderShareItFairly(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3000) // more than any of them can send while it is watched
	snd := e.newSender("+14155550103", 100)
	big, late := e.draft("big", map[string]any{"senderId": snd}), e.draft("late", map[string]any{"senderId": snd})
	slow := e.draft("slow", map[string]any{"senderId": snd, "rateLimitPerSecond": 10})
	e.must("campaignLaunch", "campaign", map[string]any{"id": big})
	require.Eventually(t, func() bool { _, c := e.campaign(big); return c.Accepted >= 50 }, patience, 10*time.Millisecond)
	e.must("campaignLaunch", "campaign", map[string]any{"id": late})
	e.must("campaignLaunch", "campaign", map[string]any{"id": slow})
	accepted := func(id string) int { _, c := e.campaign(id); return c.Accepted }
	require.Eventually(t, func() bool { return accepted(late) >= 10 && accepted(slow) >= 1 }, patience,
		10*time.Millisecond)
	// Counted as they are claimed: who gets a slot is what is shared. How long calls
	// and their results take under way is this machine's affair.
	var began time.Time
	require.NoError(t, e.DB().NewRaw("SELECT clock_timestamp()").Scan(t.Context(), &began))
	claimed := func(name string) float64 {
		return float64(e.query(`SELECT count(*) FROM messages m JOIN campaigns ca ON ca.id = m.campaign_id
			WHERE ca.name = ? AND m.submitted_at > ?`, name, began))
	}
	require.Eventually(t, func() bool { return claimed("late") >= 200 }, patience, 10*time.Millisecond)
	big1, late1, slow1 := claimed("big"), claimed("late"), claimed("slow")
	seconds := time.Since(began).Seconds()
	t.Logf("big %.0f, late %.0f, slow %.0f in %.1f s", big1, late1, slow1, seconds)
	require.InDelta(t, big1, late1, 0.2*(big1+late1),
		"what the slow one leaves is shared in halves, however fast this machine is")
	require.LessOrEqual(t, slow1, 10*seconds+10, "its own rate binds it; a second's slots may be caught up")

	// A reply does not wait behind them.
	e.do(nil, `mutation { sandboxInboundSend(input: {from: "+49 15 100000001", body: "STOP"}) { sid } }`, nil)
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM messages WHERE purpose = 'confirmation' AND accepted_at IS NOT NULL") == 1
	}, patience, 10*time.Millisecond)
	for _, id := range []string{big, late, slow} {
		e.must("campaignCancel", "campaign", map[string]any{"id": id})
	}
	e.exact(big)
}

func TestTheAccountsRateBindsAllSenders(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(150)
	require.Empty(t, e.settings(map[string]any{"accountRatePerSecond": 60}))
	require.Contains(t, e.settings(map[string]any{"accountRatePerSecond": 5000}), "0.01 to 2000")
	require.Contains(t, e.settings(map[string]any{
		"accountRatePerSecond": 1,
		"defaultQuietHours":    map[string]any{"start": "x", "end": "08:00"},
	}), "not a time of day")
	require.Equal(t, 60, e.query("SELECT rate_per_second::int FROM rate_limits WHERE key = 'account'"),
		"nothing half-done stays behind")
	a, b := e.newSender("+14155550104", 500), e.newSender("+14155550105", 500)
	one, two := e.draft("one", map[string]any{"senderId": a}), e.draft("two", map[string]any{"senderId": b})
	began := time.Now()
	e.must("campaignLaunch", "campaign", map[string]any{"id": one})
	e.must("campaignLaunch", "campaign", map[string]any{"id": two})
	e.await(one, "COMPLETED")
	e.await(two, "COMPLETED")
	took := time.Since(began).Seconds()
	require.Greater(t, took, 300/60.0-0.5, "both together")
}

func (e *env) settings(input map[string]any) (problems string) {
	e.t.Helper()
	var out struct {
		SettingsUpdate struct{ UserErrors []struct{ Message string } }
	}
	e.do(&out, `mutation($i: SettingsUpdateInput!) { settingsUpdate(input: $i) { settings { accountRatePerSecond } userErrors { message } } }`, map[string]any{"i": input})
	for _, u := range out.SettingsUpdate.UserErrors {
		problems += u.Message
	}
	return problems
}

func TestTheDefaultQuietHoursAreThoseOfNewCampaigns(t *testing.T) {
	t.Parallel()
	e := start(t)
	require.Empty(t, e.settings(map[string]any{"defaultQuietHours": map[string]any{"start": "21:00", "end": "09:00"}}))
	quiet := func(id string) any {
		var out struct{ Node struct{ QuietHours any } }
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { quietHours { start end } } } }`,
			map[string]any{"id": id})
		return out.Node.QuietHours
	}
	require.Equal(t, map[string]any{"start": "21:00", "end": "09:00"},
		quiet(e.must("campaignCreate", "campaign", map[string]any{"name": "silent"})))
	require.Nil(t, quiet(e.must("campaignCreate", "campaign", map[string]any{"name": "explicit", "quietHours": nil})))
	require.Empty(t, e.settings(map[string]any{"defaultQuietHours": nil}))
	require.Nil(t, quiet(e.must("campaignCreate", "campaign", map[string]any{"name": "none"})))
}

func TestTooManyFailuresPauseACampaign(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(600)
	bad := e.Sandbox.Settings()
	bad.UndeliveredRate, bad.UndeliveredCode, bad.DeliveryMS = 0.5, 30003, 50
	require.NoError(t, e.Sandbox.SetSettings(bad))
	camp := e.draft("hopeless", map[string]any{"errorThreshold": 0.3, "rateLimitPerSecond": 100})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	e.await(camp, "PAUSED")
	var out struct {
		Node struct{ PausedBy, PausedReason string }
	}
	e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { pausedBy pausedReason } } }`,
		map[string]any{"id": camp})
	require.Equal(t, "ENGINE", out.Node.PausedBy)
	require.Contains(t, out.Node.PausedReason, "the campaign's limit is 30 %")
	// Fixed: who resumes has looked at the failures, and they no longer count.
	bad.UndeliveredRate = 0
	require.NoError(t, e.Sandbox.SetSettings(bad))
	e.settled(camp) // what is under way at the sandbox meets its fate first
	e.must("campaignResume", "campaign", map[string]any{"id": camp})
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "rateLimitPerSecond": 1000})
	require.Equal(t, 600, e.await(camp, "COMPLETED").Accepted)
	e.settled(camp)
	e.exact(camp)
}

func TestACampaignsEndExpiresWhatWaits(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(100)
	camp := e.draft("short", map[string]any{"rateLimitPerSecond": 10, "endsAt": time.Now().Add(4 * time.Second)})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	c := e.await(camp, "COMPLETED")
	require.Positive(t, c.Accepted)
	require.Positive(t, c.Expired)
	require.Equal(t, 100, c.Accepted+c.Expired)
	e.exact(camp)
}

func TestWhatStaysUnknownIsDecidedByHand(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	silent := e.Sandbox.Settings()
	silent.ReadRate = 0 // no late receipt clears up what is made unknown below
	require.NoError(t, e.Sandbox.SetSettings(silent))
	camp := e.launch("one", 1000)
	e.await(camp, "COMPLETED")
	e.settled(camp)
	e.exec("UPDATE messages SET status = 'unknown', sid = NULL, lease_until = now() + interval '1 day', decision_since = now(), accepted_at = NULL, sent_at = NULL, delivered_at = NULL, read_at = NULL WHERE id IN (1, 2)")
	e.exec("UPDATE campaigns SET status = 'sending'")
	resolve := func(input map[string]any) (n int, problems string) {
		var out struct {
			MessageResolve struct {
				Resolved   int
				UserErrors []struct{ Message string }
			}
		}
		e.do(&out, `mutation($i: MessageResolveInput!) { messageResolve(input: $i) { resolved userErrors { message } } }`,
			map[string]any{"i": input})
		for _, u := range out.MessageResolve.UserErrors {
			problems += u.Message
		}
		return out.MessageResolve.Resolved, problems
	}
	n, problems := resolve(map[string]any{"resolution": "GIVE_UP"})
	require.Zero(t, n)
	require.Contains(t, problems, "give a campaign, or messages")
	n, problems = resolve(map[string]any{"resolution": "GIVE_UP", "ids": []any{"TWVzc2FnZTox"}})
	require.Equal(t, 1, n, problems)
	n, _ = resolve(map[string]any{"resolution": "SEND_AGAIN", "campaignId": camp})
	require.Equal(t, 1, n, "the other one")
	n, _ = resolve(map[string]any{"resolution": "SEND_AGAIN", "campaignId": camp})
	require.Zero(t, n)
	// It may have completed while one was undecided: what is sent again goes out all the same.
	require.Eventually(t, func() bool { _, c := e.campaign(camp); return c.Accepted == 2 }, patience, 20*time.Millisecond)
	c := e.await(camp, "COMPLETED")
	require.Equal(t, 1, c.Failed)
	require.Equal(t, 2, c.Accepted)
	e.recount()
	require.Equal(t, 2, e.query("SELECT count(*) FROM audit_entries WHERE action = 'message.resolve'"))
}

func TestLegalHoursAreServed(t *testing.T) {
	t.Parallel()
	e := start(t)
	var out struct {
		LegalHours struct {
			Version string
			Rules   []struct {
				ID, Source string
				Binding    bool
				Allowed    []struct {
					Days []string
					From string
				}
			}
		}
	}
	e.do(&out, `{ legalHours { version rules { id source binding allowed { days from to } } } }`, nil)
	require.Greater(t, len(out.LegalHours.Rules), 15)
	require.Equal(t, "us_federal_hours", out.LegalHours.Rules[0].ID)
	require.Len(t, out.LegalHours.Rules[0].Allowed[0].Days, 7)
	require.NotEmpty(t, fmt.Sprint(out))
}

// TestTheDashboardShowsMetricsThatThereAre: every name in docs/grafana.json is
// served after a campaign.
func TestTheDashboardShowsMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(20)
	bad := e.Sandbox.Settings()
	bad.EmptyRate, bad.DeliveryMS = 0.3, 600_000 // no receipt clears up what the log has to
	require.NoError(t, e.Sandbox.SetSettings(bad))
	e.await(e.launch("measured", 1000), "COMPLETED")
	resp, err := e.http.Get(e.MetricsURL + "/metrics")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	served, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	raw, err := os.ReadFile("../../docs/grafana.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(raw, &dashboard))
	names := regexp.MustCompile(`\b(?:campaign|twilio|eventstream|http)_[a-z_]+`)
	seen := 0
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			for _, name := range names.FindAllString(target.Expr, -1) {
				seen++
				require.Contains(t, string(served), "\n"+name, p.Title)
			}
		}
	}
	require.Greater(t, seen, 15)
}

func TestWhoHadToWaitIsCounted(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(40)
	type deferral struct {
		Reason string
		Count  int
	}
	type shape struct {
		Deferrals                         []deferral
		ThroughputAverage, ThroughputPeak float64
		WaitingUntil                      *time.Time
	}
	look := func(id string) shape {
		var out struct{ Node shape }
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { deferrals { reason count } throughputAverage throughputPeak waitingUntil } } }`, map[string]any{"id": id})
		return out.Node
	}
	now := time.Now().UTC()
	night := e.draft("night", map[string]any{"quietHours": map[string]any{
		"start": now.Add(-time.Hour).Format("15:04"),
		"end":   now.Add(time.Hour).Format("15:04"), "zone": "UTC",
	}})
	require.Equal(t, shape{Deferrals: []deferral{}}, look(night))
	e.must("campaignLaunch", "campaign", map[string]any{"id": night})
	require.Eventually(t, func() bool { return slices.Equal(look(night).Deferrals, []deferral{{"quiet_hours", 40}}) },
		patience, 50*time.Millisecond)
	require.NotNil(t, look(night).WaitingUntil)
	e.must("campaignCancel", "campaign", map[string]any{"id": night})
	require.Equal(t, []deferral{{"quiet_hours", 40}}, look(night).Deferrals, "they had to wait, whatever came after")

	faults := e.Sandbox.Settings()
	faults.TooManyRate = 0.5
	require.NoError(t, e.Sandbox.SetSettings(faults))
	busy := e.launch("busy", 1000)
	require.Equal(t, 40, e.await(busy, "COMPLETED").Accepted)
	got := look(busy)
	require.Len(t, got.Deferrals, 1)
	require.Equal(t, "retry", got.Deferrals[0].Reason)
	require.Positive(t, got.Deferrals[0].Count)
	require.LessOrEqual(t, got.Deferrals[0].Count, 40, "each counts once")
	require.Positive(t, got.ThroughputAverage)
	require.GreaterOrEqual(t, got.ThroughputPeak, got.ThroughputAverage)
	e.recount()
}

func TestNobodyGetsMoreThanTheFrequencyCap(t *testing.T) {
	t.Parallel()
	const people = 120
	e := start(t)
	e.small(people)
	first := e.draft("first", map[string]any{"query": map[string]any{
		"field": "name", "op": "in",
		"value": []any{"Person 1", "Person 2", "Person 3"},
	}})
	e.must("campaignLaunch", "campaign", map[string]any{"id": first})
	require.Equal(t, 3, e.await(first, "COMPLETED").Accepted)

	_, problems := e.mutate("campaignCreate", "campaign", map[string]any{
		"name":         "wrong",
		"frequencyCap": map[string]any{"messages": 0, "days": 91},
	})
	require.Contains(t, problems, "0 is out of range: 1 to 100 messages")
	require.Contains(t, problems, "91 is out of range: 1 to 90 days")
	second := e.draft("second", map[string]any{"frequencyCap": map[string]any{"messages": 1, "days": 7}})
	var pre struct {
		CampaignPreflight struct {
			WillSend int
			Skips    []struct {
				Reason string
				Count  int
			}
		}
	}
	e.do(&pre, `query($id: ID!) { campaignPreflight(id: $id) { willSend skips { reason count } } }`,
		map[string]any{"id": second})
	require.Equal(t, people-3, pre.CampaignPreflight.WillSend)
	require.Equal(t, "frequency_cap", pre.CampaignPreflight.Skips[0].Reason)
	require.Equal(t, 3, pre.CampaignPreflight.Skips[0].Count)
	e.must("campaignLaunch", "campaign", map[string]any{"id": second})
	c := e.await(second, "COMPLETED")
	require.Equal(t, people-3, c.Accepted)
	require.Equal(t, 3, e.query("SELECT count(*) FROM messages WHERE skip_reason = 'frequency_cap'"))

	// Two at once, for the one message that everybody may still get.
	slow := e.Sandbox.Settings()
	slow.LatencyMS = 150
	require.NoError(t, e.Sandbox.SetSettings(slow))
	two := func(name string, sender string) string {
		return e.draft(name, map[string]any{
			"frequencyCap": map[string]any{"messages": 2, "days": 7},
			"senderId":     e.newSender(sender, 80),
		})
	}
	third, fourth := two("third", "+14155550111"), two("fourth", "+14155550112")
	for _, id := range []string{third, fourth} {
		e.must("campaignLaunch", "campaign", map[string]any{"id": id})
	}
	a, b := e.await(third, "COMPLETED"), e.await(fourth, "COMPLETED")
	require.Equal(t, people, a.Accepted+b.Accepted)
	require.Equal(t, people, a.Skipped+b.Skipped)
	require.Equal(t, 2, e.query("SELECT max(n) FROM (SELECT count(*) AS n FROM messages WHERE accepted_at IS NOT NULL GROUP BY contact_id) x"))
	t.Logf("%d met the other campaign and waited",
		e.query("SELECT count(*) FROM messages WHERE deferred_reason = 'frequency_cap'"))
	e.recount()

	// The standing cap is that of new campaigns, unless they say otherwise.
	require.Contains(t, e.settings(map[string]any{"defaultFrequencyCap": map[string]any{"messages": 1, "days": 0}}),
		"1 to 90 days")
	require.Empty(t, e.settings(map[string]any{"defaultFrequencyCap": map[string]any{"messages": 3, "days": 1}}))
	capOf := func(id string) any {
		var out struct{ Node struct{ FrequencyCap any } }
		e.do(&out, `query($id: ID!) { node(id: $id) { ... on Campaign { frequencyCap { messages days } } } }`,
			map[string]any{"id": id})
		return out.Node.FrequencyCap
	}
	require.Equal(t, map[string]any{"messages": 3.0, "days": 1.0},
		capOf(e.must("campaignCreate", "campaign", map[string]any{"name": "as usual"})))
	require.Nil(t, capOf(e.must("campaignCreate", "campaign", map[string]any{"name": "more", "frequencyCap": nil})))
	require.Equal(t, map[string]any{"messages": 2.0, "days": 7.0},
		capOf(e.must("campaignDuplicate", "campaign", map[string]any{"id": third})))
}

func TestALaunchCanBeUndoneBeforeItBegins(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	camp := e.draft("hasty", nil)
	for seconds, problem := range map[int]string{-1: "0 to 60", 61: "0 to 60"} {
		_, problems := e.mutate("campaignLaunch", "campaign", map[string]any{"id": camp, "undoSeconds": seconds})
		require.Contains(t, problems, problem)
	}
	undone := func() string {
		_, problems := e.mutate("campaignLaunchUndo", "campaign", map[string]any{"id": camp})
		return problems
	}
	require.Contains(t, undone(), "draft", "nothing was launched")

	e.must("campaignLaunch", "campaign", map[string]any{"id": camp, "undoSeconds": 60})
	status, c := e.campaign(camp)
	require.Equal(t, "PREPARING", status)
	require.Zero(t, c.Audience, "no message is made that would have to be taken back")
	require.Empty(t, undone())
	status, _ = e.campaign(camp)
	require.Equal(t, "DRAFT", status)
	require.Equal(t, 1, e.query("SELECT count(*) FROM audit_entries WHERE action = 'campaign.launch_undo'"))
	require.Zero(t, e.query("SELECT count(*) FROM campaigns WHERE started_at IS NOT NULL OR template_version_id IS NOT NULL"))

	// It can be changed and launched again; when nobody undoes it, it goes out.
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "name": "considered"})
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp, "undoSeconds": 60})
	_, err := e.DB().NewRaw("UPDATE campaigns SET undo_until = now() WHERE status = 'preparing'").Exec(t.Context())
	require.NoError(t, err) // a minute later
	require.Contains(t, undone(), "cancel the campaign instead")
	require.Equal(t, 3, e.await(camp, "COMPLETED").Accepted)
	e.exact(camp)
}
