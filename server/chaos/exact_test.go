package chaos

import (
	"fmt"
	"strings"
	"time"

	"eventstream/server/globalid"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

const confirmed = "You are unsubscribed"

// all is healed: whatever the scenario had set.
var healthy = map[string]any{
	"tooManyRate": 0, "serverErrorRate": 0, "cutRate": 0, "emptyRate": 0, "repeatRate": 0, "reorderRate": 0,
	"hangRate": 0, "dropAnswerRate": 0, "callbackLossRate": 0, "inboundLossRate": 0, "silent": false, "queueMs": 0,
}

// exact heals everything, waits until all is at rest, and holds the sandbox's log
// against what the engine thinks.
func (i *install) exact(r *report, scenario string) {
	i.t.Helper()
	i.at(0.97) // what is broken stays so until then
	i.talk.stop()
	i.sandbox(healthy)
	i.eventually("all STOPs are obeyed", func() bool {
		return i.count("SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'") == len(i.talk.stopped)
	})
	decided, givenUp, stuck := i.settle()
	delivered := func() int {
		return i.count("SELECT count(*) FROM messages WHERE direction = 'outbound' AND delivered_at IS NOT NULL")
	}
	accepted := func() int {
		return i.count("SELECT count(*) FROM messages WHERE direction = 'outbound' AND accepted_at IS NOT NULL AND " +
			"sid IS NOT NULL")
	}
	i.eventually("every receipt arrives, or is asked for", func() bool { return delivered() == accepted() })

	log, err := i.SandboxLog()
	require.NoError(i.t, err)
	c := i.compare(log)
	counters := i.count("SELECT coalesce(sum(n), 0) FROM message_counts WHERE measure = 'at:accepted'")
	told := i.count("SELECT coalesce(sum(n), 0) FROM message_counts WHERE measure = 'at:delivered'")
	after := "–"
	gap := i.afterStop(log)
	if gap > 0 {
		after = fmt.Sprint(gap.Milliseconds())
	}
	row := fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s | %.0f |", scenario,
		i.done(), i.people*len(i.texts), len(log), accepted(), counters,
		told, c.twice, c.missing, stuck, decided, len(i.talk.stopped), after, time.Since(i.began).Seconds())
	r.add(scenario, row)
	i.t.Log(row)

	require.Zero(i.t, c.twice, "nobody got two")
	require.Zero(i.t, c.missing, "nobody is missing")
	require.Zero(i.t, stuck, "nothing is stuck")
	require.Equal(i.t, givenUp, c.strangers,
		"every message in the sandbox's log is one of ours, to the same person, or was given up on by hand")
	require.Equal(i.t, []int{len(log) - givenUp, counters}, []int{accepted(), told})
	require.Equal(i.t, accepted(), counters)
	for to, n := range c.confirmations {
		require.Equal(i.t, 1, n, "%s gets one confirmation", to)
	}
	require.Len(i.t, c.confirmations, len(i.talk.stopped), "every STOP is confirmed")
	require.Zero(i.t, i.count("SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE "+
		"m.status = 'skipped' AND c.consent_status <> 'opted_out'"), "nobody else is left out")
	require.LessOrEqual(i.t, gap, time.Second+i.talk.stall(),
		"no further message begins a second after a STOP, but for what this machine stood still")
	require.Zero(i.t, i.count(`SELECT count(*) FROM (
		SELECT campaign_id, measure, reason FROM (
			SELECT campaign_id, measure, reason, n AS kept, 0 AS counted FROM message_counts
			UNION ALL SELECT campaign_id, (x).measure, (x).reason, 0, 1 FROM (SELECT coalesce(m.campaign_id, 0) AS campaign_id, message_measures(m) AS x FROM messages m) s) b
		GROUP BY 1, 2, 3 HAVING sum(kept) <> sum(counted)) off`), "counters equal a recount")
	var audit struct {
		AuditVerification struct{ Valid bool }
	}
	require.NoError(i.t, i.Call(i.ctx, `{ auditVerification { valid } }`, nil, &audit))
	require.True(i.t, audit.AuditVerification.Valid)
}

const (
	open      = "direction = 'outbound' AND status IN ('pending', 'submitting', 'unknown')"
	undecided = "status = 'unknown' AND decision_since IS NOT NULL"
)

// settle waits until nothing is under way any more. Where only decisions are left,
// which the engine goes on looking for, it gives the engine a minute and then makes
// them. What is neither by the end is stuck.
func (i *install) settle() (decided, givenUp, stuck int) {
	i.t.Helper()
	var since time.Time
	for end := time.Now().Add(healBound); time.Now().Before(end) && !i.t.Failed(); time.Sleep(200 * time.Millisecond) {
		left, waiting := i.count("SELECT count(*) FROM messages WHERE "+open),
			i.count("SELECT count(*) FROM messages WHERE "+undecided)
		running := i.count("SELECT count(*) FROM campaigns WHERE status <> 'completed'")
		switch {
		case left == 0 && running == 0:
			return decided, givenUp, 0
		case left < 0 || left != waiting || running != 0:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > time.Minute:
			d, g := i.decide()
			decided, givenUp, since = decided+d, givenUp+g, time.Time{}
		}
	}
	if n := i.count("SELECT count(*) FROM campaigns WHERE status <> 'completed'"); n != 0 {
		i.t.Errorf("%d campaigns are not completed", n)
	}
	return decided, givenUp, i.count("SELECT count(*) FROM messages WHERE " + open + " AND NOT (" + undecided + ")")
}

// decide makes the decisions that wait as somebody would who looks into Twilio's
// console: what lies there and belongs to no message of ours was sent.
func (i *install) decide() (decided, givenUp int) {
	i.t.Helper()
	var rows []struct {
		ID      int64
		Address string
		Text    string
	}
	require.NoError(i.t, i.Rows(i.ctx, &rows, `SELECT m.id, 'whatsapp:' || c.address AS address, CASE WHEN m.campaign_id IS NULL THEN m.body ELSE '' END AS text
		FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.`+undecided+` ORDER BY m.id`))
	log, err := i.SandboxLog()
	require.NoError(i.t, err)
	var ours []struct{ Sid string }
	require.NoError(i.t, i.Rows(i.ctx, &ours, "SELECT sid FROM messages WHERE sid IS NOT NULL"))
	known := map[string]bool{}
	for _, o := range ours {
		known[o.Sid] = true
	}
	free := map[string]int{} // entries that nobody owns, by contact
	for _, m := range log {
		if !known[m.SID] {
			free[m.To]++
		}
	}
	for _, row := range rows {
		resolution := "SEND_AGAIN"
		if free[row.Address] > 0 {
			free[row.Address]--
			resolution = "GIVE_UP"
			givenUp++
		}
		require.NoError(i.t, i.Call(i.ctx, `mutation($i: MessageResolveInput!) { messageResolve(input: $i) { resolved userErrors { message } } }`,
			map[string]any{"i": map[string]any{
				"ids":        []string{globalid.Encode("Message", row.ID)},
				"resolution": resolution,
			}}, nil))
		decided++
	}
	return decided, givenUp
}

// comparison is the sandbox's log beside the messages.
type comparison struct {
	twice, missing, strangers int
	confirmations             map[string]int // by contact
}

// text of an entry: campaigns are told apart by what follows the name.
func (i *install) text(body string) string {
	for _, t := range i.texts {
		if strings.HasSuffix(body, ", "+t) {
			return t
		}
	}
	return body
}

func (i *install) compare(log []sandbox.Message) (c comparison) {
	i.t.Helper()
	var rows []struct {
		Sid, Address, Body, Status string
		CampaignID                 int64
	}
	require.NoError(i.t, i.Rows(i.ctx, &rows, `SELECT coalesce(m.sid, '') AS sid, 'whatsapp:' || c.address AS address, m.body, m.status, coalesce(m.campaign_id, 0) AS campaign_id
		FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.direction = 'outbound'`))
	var campaigns []struct {
		ID   int64
		Body string
	}
	require.NoError(i.t, i.Rows(i.ctx, &campaigns,
		"SELECT ca.id, v.body FROM campaigns ca JOIN template_versions v ON v.id = ca.template_version_id"))
	texts := map[int64]string{}
	for _, ca := range campaigns {
		texts[ca.ID] = i.text(ca.Body)
	}
	type key struct{ to, text string }
	all, due, ours := map[key]int{}, map[key]int{}, map[string]string{}
	for _, row := range rows {
		k := key{row.Address, row.Body}
		if row.CampaignID != 0 {
			k.text = texts[row.CampaignID]
		}
		all[k]++
		if row.Status != "skipped" {
			due[k]++
		}
		ours[row.Sid] = row.Address
	}
	c.confirmations = map[string]int{}
	got := map[key]int{}
	for _, m := range log {
		got[key{m.To, i.text(m.Body)}]++
		if ours[m.SID] != m.To {
			c.strangers++
		}
		if strings.HasPrefix(m.Body, confirmed) {
			c.confirmations[m.To]++
		}
	}
	for k, n := range got {
		c.twice += max(0, n-all[k])
	}
	for k, n := range due {
		c.missing += max(0, n-got[k])
	}
	return c
}

// afterStop is the longest time from a STOP's commit until the sandbox received a call that
// created a further message. The commit is taken to be when the last statement of its
// transaction began, which makes the time longer than it was.
func (i *install) afterStop(log []sandbox.Message) (longest time.Duration) {
	i.t.Helper()
	var rows []struct {
		Address string
		At      time.Time
	}
	require.NoError(i.t, i.Rows(i.ctx, &rows, `SELECT params->>'From' AS address, min(applied_at) AS at FROM webhook_events
		WHERE kind = 'inbound' AND params->>'Body' = 'STOP' AND applied_at IS NOT NULL GROUP BY 1`))
	stopped := map[string]time.Time{}
	for _, row := range rows {
		stopped[row.Address] = row.At
	}
	for _, m := range log {
		if at, ok := stopped[m.To]; ok && !strings.HasPrefix(m.Body, confirmed) {
			asked := m.Asked
			if asked.IsZero() { // an older version's sandbox notes only when it created the message
				asked = m.Created
			}
			longest = max(longest, asked.Sub(at))
		}
	}
	return longest
}
