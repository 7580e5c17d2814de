package dispatch

import (
	"fmt"
	"testing"
	"time"

	"eventstream/server/hours"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

// Each waits for the hour in which they read before the campaign started; else for that of the workspace, else for none.
func TestEachGetsItAtTheirBestHour(t *testing.T) {
	t.Parallel()
	e := setUp(t, 7)
	var started time.Time
	require.NoError(t, e.db.NewRaw("SELECT started_at FROM campaigns WHERE id = 1").Scan(e.ctx, &started))
	// Neither place puts its clocks forward or back.
	bogota, err := time.LoadLocation("America/Bogota")
	require.NoError(t, err)
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	e.exec("UPDATE contacts SET time_zone = CASE id WHEN 2 THEN 'Asia/Kolkata' ELSE 'America/Bogota' END, time_zone_source = 'declared'")
	read := func(contact int, at time.Time) {
		e.exec(`INSERT INTO messages (direction, purpose, contact_id, sender_id, status, created_at, accepted_at, read_at)
			VALUES ('outbound', 'reply', ?, 1, 'read', ?, ?, ?)`, contact, at.Add(-time.Hour), at.Add(-time.Hour), at)
	}
	habit := func(contact, n int, ahead time.Duration) {
		for week := range n {
			read(contact, started.Add(ahead).AddDate(0, 0, -7*(week+1)))
		}
	}
	habit(1, 3, 5*time.Hour)
	habit(2, 4, 8*time.Hour)
	habit(3, 3, 5*time.Hour) // of history the log tells when it was sent, and not when it was read
	e.exec("UPDATE messages SET purpose = 'history' WHERE contact_id = 3 AND purpose = 'reply'")
	habit(3, 2, 5*time.Hour) // too little to tell
	for range 3 {            // too long ago
		read(4, started.AddDate(0, 0, -181))
	}
	for range 3 { // since it started
		read(5, started.Add(time.Minute))
	}
	habit(6, 3, 11*time.Hour) // as whom they were before they were merged
	e.exec("UPDATE contacts SET merged_into = 7, erased_at = now() WHERE id = 6")
	e.exec("DELETE FROM messages WHERE campaign_id = 1 AND contact_id = 6")
	workspace := started.Add(3 * time.Hour).In(bogota).Hour()
	e.exec("UPDATE campaigns SET best_hour = true, usual_hour = ? WHERE id = 1", workspace)
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	var rows []struct {
		ContactID                       int64
		NotBefore                       time.Time
		NotBeforeReason, Work, TimeZone string
	}
	require.NoError(t, e.db.NewRaw(`SELECT m.contact_id, m.not_before, m.not_before_reason, coalesce(m.work, '') AS work, c.time_zone
		FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.campaign_id = 1 ORDER BY m.contact_id`).Scan(e.ctx, &rows))
	require.Len(t, rows, 6)
	wait := map[int64]int{1: 5, 2: 8, 3: 3, 4: 3, 5: 3, 7: 11} // hours
	for _, r := range rows {
		zone := map[string]*time.Location{"America/Bogota": bogota, "Asia/Kolkata": kolkata}[r.TimeZone]
		hour := started.Add(time.Duration(wait[r.ContactID]) * time.Hour).In(zone)
		want := time.Date(hour.Year(), hour.Month(), hour.Day(), hour.Hour(), 0, 0, 0, zone)
		require.Equal(t, want.UTC(), r.NotBefore.UTC(), "contact %d", r.ContactID)
		require.Equal(t, hours.BestHour, r.NotBeforeReason)
		require.Equal(t, "send", r.Work)
	}
	require.Empty(t, e.provider.to())

	// Whom it would be too late for gets it now, and so do all of whom nobody knows an hour.
	e.exec("UPDATE campaigns SET ends_at = started_at + interval '4 hours' WHERE id = 1")
	e.exec("UPDATE messages SET not_before = 'epoch' WHERE campaign_id = 1")
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Equal(t, 3, e.count("SELECT count(*) FROM messages WHERE campaign_id = 1 AND work = 'send'"))
	require.Len(t, e.provider.to(), 3)
	e.exec("UPDATE campaigns SET usual_hour = NULL WHERE id = 1") // nor does anybody wait long enough for their own
	e.exec("UPDATE messages SET not_before = 'epoch' WHERE campaign_id = 1 AND work = 'send'")
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Len(t, e.provider.to(), 6)
}

// The workspace's usual hour may lie in the campaign's quiet hours: the next best counts then, not the end of these.
func TestTheBestHourOfTheWorkspaceIsOneThatIsAllowed(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	var started time.Time
	require.NoError(t, e.db.NewRaw("SELECT started_at FROM campaigns WHERE id = 1").Scan(e.ctx, &started))
	hour := func(n int) int { return started.Add(time.Duration(n) * time.Hour).UTC().Hour() }
	e.exec("UPDATE contacts SET time_zone = 'UTC', time_zone_source = 'declared'")
	e.exec("UPDATE campaigns SET best_hour = true, usual_hour = ?, usual_hours = ?, quiet_hours = ? WHERE id = 1", hour(3),
		fmt.Sprintf("{%d,%d,%d}", hour(3), hour(9), hour(6)),
		fmt.Sprintf(`{"start": "%02d:00", "end": "%02d:00", "zone": "UTC"}`, hour(2), hour(5)))
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	var at time.Time
	require.NoError(t, e.db.NewRaw("SELECT not_before FROM messages WHERE not_before_reason = ?", hours.BestHour).Scan(e.ctx, &at))
	require.Equal(t, started.Add(9*time.Hour).UTC().Truncate(time.Hour), at.UTC())
}

// What was missed while a campaign stood still is waited for anew; what is late because its sender is slow is not.
func TestAfterAPauseTheNextBestHourCounts(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	e.exec("UPDATE campaigns SET best_hour = true, started_at = now() - interval '20 hours', error_threshold = 0.5 WHERE id = 1")
	e.exec(`UPDATE campaigns SET usual_hour = extract(hour FROM (started_at + interval '10 hours') AT TIME ZONE 'Europe/Berlin') WHERE id = 1`)
	e.exec("UPDATE campaigns SET status = 'paused', paused_by = 'operator' WHERE id = 1")
	_, err := e.opts.Campaigns.Resume(e.ctx, 1)
	require.NoError(t, err)
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE work = 'send' AND not_before > now() + interval '12 hours' AND not_before_reason = ?", hours.BestHour))
	e.exec("UPDATE campaigns SET resumed_at = NULL WHERE id = 1")
	e.exec("UPDATE messages SET not_before = 'epoch'")
	require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
	require.Len(t, e.provider.to(), 1)
}

// A pilot does not wait for best hours, nor does the part on which variants are tested; the rest does.
func TestATrialDoesNotWaitForBestHours(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	e.exec("UPDATE campaigns SET best_hour = true, usual_hour = extract(hour FROM (started_at + interval '10 hours') AT TIME ZONE 'Europe/Berlin') WHERE id = 1")
	waiting := func() int {
		e.exec("UPDATE messages SET not_before = 'epoch'")
		require.NoError(t, e.dispatcher(Hooks{}).Dispatch(e.ctx, 1))
		return e.count("SELECT count(*) FROM messages WHERE work = 'send' AND not_before_reason = ?", hours.BestHour)
	}
	require.Equal(t, 1, waiting())
	e.exec("UPDATE campaigns SET pilot = 1, pilot_ended_at = now() WHERE id = 1")
	require.Equal(t, 1, waiting(), "the pilot is over")
	e.exec("UPDATE campaigns SET pilot_ended_at = NULL WHERE id = 1")
	require.Zero(t, waiting())
	require.Len(t, e.provider.to(), 1)
}

// Reads that the sandbox made up tell nothing of people once Twilio is live.
func TestReadsOfTheSandboxTellNothing(t *testing.T) {
	t.Parallel()
	e := setUp(t, 1)
	habit := func() map[int64][]time.Time {
		reads, err := message.ReadsOf(e.ctx, e.db, []int64{1}, time.Now().AddDate(0, 0, -180), time.Now())
		require.NoError(t, err)
		return reads
	}
	e.exec(`INSERT INTO messages (direction, purpose, contact_id, sender_id, status, created_at, accepted_at, read_at)
		SELECT 'outbound', 'reply', 1, 1, 'read', x, x, x FROM (SELECT now() - interval '1 day' AS x) t`)
	require.Len(t, habit()[1], 1)
	e.exec("UPDATE senders SET provider = CASE provider WHEN 'twilio' THEN 'sandbox' ELSE 'twilio' END WHERE id = 1")
	require.Empty(t, habit())
}
