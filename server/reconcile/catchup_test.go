package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/message"
	"eventstream/server/webhookevent"

	"github.com/stretchr/testify/require"
)

// twilioLog is Twilio's log inside a test.
type twilioLog struct {
	mu      sync.Mutex
	entries map[string]message.Logged
	asked   map[string]int
	away    bool
	broken  map[string]bool // by SID: asking for these fails
}

func (*twilioLog) Send(context.Context, message.Outgoing) (message.Accepted, error) {
	panic("nothing is sent here")
}

func (l *twilioLog) Log(_ context.Context, q message.LogQuery) (message.LogAnswer, error) {
	answer := message.LogAnswer{Complete: true}
	for _, e := range l.entries {
		if e.Direction == q.Direction && e.To == q.To && !e.Created.Before(q.Since) {
			answer.Entries = append(answer.Entries, e)
		}
	}
	return answer, nil
}

func (l *twilioLog) Fetch(_ context.Context, sid string) (*message.Logged, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[sid]++
	if l.away || l.broken[sid] {
		return nil, errors.New("no answer from Twilio")
	}
	e, ok := l.entries[sid]
	if !ok {
		return nil, nil //nolint:nilnil // there is none
	}
	return &e, nil
}

type catchUpEnv struct {
	*CatchUp

	t     *testing.T
	db    *db.DB
	log   *twilioLog
	mu    sync.Mutex
	found []*webhookevent.Event
}

func catchUp(t *testing.T) *catchUpEnv {
	t.Helper()
	e := &catchUpEnv{t: t, db: dbtest.New(t), log: &twilioLog{
		entries: map[string]message.Logged{},
		asked:   map[string]int{},
		broken:  map[string]bool{},
	}}
	e.CatchUp = NewCatchUp(CatchUpOptions{
		DB: e.db, Provider: e.log, Log: slog.New(slog.DiscardHandler),
		Ages: []time.Duration{time.Minute, time.Hour, 24 * time.Hour}, InboundEvery: time.Hour,
		Params: func(m message.Logged) map[string]string {
			return map[string]string{"MessageStatus": string(m.Status), "ErrorCode": fmt.Sprint(m.Code)}
		},
		Write: func(_ context.Context, w *webhookevent.Event) error {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.found = append(e.found, w)
			return nil
		},
	})
	e.exec("INSERT INTO senders (address, display_name, rate_per_second, created_at) VALUES ('+14155238886', 'Shop', 10, now() - interval '1 day'), ('MG00000000000000000000000000000000', 'Service', 10, now())")
	e.exec("INSERT INTO campaigns (name, status, started_at) VALUES ('Test', 'sending', now() - interval '2 hours')")
	return e
}

func (e *catchUpEnv) exec(query string, args ...any) {
	e.t.Helper()
	_, err := e.db.NewRaw(query, args...).Exec(e.t.Context())
	require.NoError(e.t, err)
}

// message adds one that Twilio accepted so long ago.
func (e *catchUpEnv) message(campaign any, contact int, status message.Status, age time.Duration) (sid string) {
	e.t.Helper()
	sid = fmt.Sprintf("SM%v-%d", campaign, contact)
	e.exec(`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, status, sid, accepted_at, created_at)
		VALUES ('outbound', 'campaign', ?, ?, 1, ?, ?, now() - make_interval(secs => ?), now() - make_interval(secs => ?))`,
		campaign, contact, status, sid, age.Seconds(), age.Seconds())
	return sid
}

// all runs passes until nothing is due; pass makes every check due first.
func (e *catchUpEnv) all() {
	e.t.Helper()
	for {
		n, err := e.AskOutstanding(e.t.Context(), 2)
		require.NoError(e.t, err)
		var due int
		require.NoError(e.t, e.db.NewRaw("SELECT count(*) FROM receipt_checks WHERE next_at <= now()").Scan(e.t.Context(),
			&due))
		if n == 0 && due == 0 {
			return
		}
	}
}

func (e *catchUpEnv) due() {
	e.t.Helper()
	_, err := e.AskOutstanding(e.t.Context(), 2)
	require.NoError(e.t, err)
	e.exec("UPDATE receipt_checks SET next_at = now() WHERE next_at <> 'infinity'")
}

func TestWhatWasNotHeardOfIsAskedFor(t *testing.T) {
	t.Parallel()
	e := catchUp(t)
	var quiet []string
	for contact := 1; contact <= 5; contact++ {
		quiet = append(quiet, e.message(1, contact, message.StatusAccepted, 2*time.Minute))
	}
	young := e.message(1, 6, message.StatusSent, 10*time.Second)
	ended := e.message(1, 7, message.StatusDelivered, 2*time.Minute)
	single := e.message(nil, 8, message.StatusSent, 3*time.Minute)
	for _, sid := range append([]string{young, ended, single}, quiet...) {
		e.log.entries[sid] = message.Logged{SID: sid, Direction: message.Outbound, Status: message.StatusDelivered}
	}
	e.log.entries[quiet[0]] = message.Logged{
		SID: quiet[0], Direction: message.Outbound,
		Status: message.StatusUndelivered, Code: 63024,
	}
	// nothing new
	e.log.entries[quiet[1]] = message.Logged{SID: quiet[1], Direction: message.Outbound, Status: message.StatusAccepted}
	// deleted at Twilio
	delete(e.log.entries, quiet[2])
	e.due()
	e.all()
	told := map[string]string{}
	for _, w := range e.found {
		told[w.SID] = w.Params["MessageStatus"]
		require.Equal(t, webhookevent.SourceLog, w.Source, "marked as found late")
		require.NotZero(t, w.MessageID)
	}
	require.Equal(t, map[string]string{
		quiet[0]: "undelivered", quiet[3]: "delivered", quiet[4]: "delivered",
		single: "delivered",
	}, told)
	require.Zero(t, e.log.asked[young], "it is not old enough")
	require.Zero(t, e.log.asked[ended])
	e.due()
	e.all()
	require.Equal(t, 1, e.log.asked[quiet[3]], "not again before its next age")
	e.exec("UPDATE receipt_checks SET last_pass = now() - interval '58 minutes', pass_began = now()")
	e.exec("UPDATE messages SET accepted_at = accepted_at - interval '59 minutes'")
	e.due()
	e.all()
	require.Equal(t, 2, e.log.asked[quiet[1]], "an hour later it is asked for again")
}

func TestAPassGoesOnWhereTwilioStopped(t *testing.T) {
	t.Parallel()
	e := catchUp(t)
	for contact := 1; contact <= 6; contact++ {
		sid := e.message(1, contact, message.StatusAccepted, 2*time.Minute)
		e.log.entries[sid] = message.Logged{SID: sid, Direction: message.Outbound, Status: message.StatusDelivered}
	}
	e.due()
	e.log.away = true
	_, err := e.AskOutstanding(t.Context(), 2)
	for err == nil { // the check of single messages came first
		_, err = e.AskOutstanding(t.Context(), 2)
	}
	e.log.away = false
	e.exec("UPDATE receipt_checks SET next_at = now() WHERE next_at <> 'infinity'")
	e.all()
	require.Len(t, e.found, 6)
}

// TestMessagesThatCannotBeAskedForStopNoOthers: of a batch one, or all.
func TestMessagesThatCannotBeAskedForStopNoOthers(t *testing.T) {
	t.Parallel()
	e := catchUp(t)
	for contact := 1; contact <= 6; contact++ {
		sid := e.message(1, contact, message.StatusAccepted, 2*time.Minute)
		e.log.entries[sid] = message.Logged{SID: sid, Direction: message.Outbound, Status: message.StatusDelivered}
		e.log.broken[sid] = contact == 2 || contact == 3 || contact == 4
	}
	e.due()
	var err error
	for range 6 {
		e.exec("UPDATE receipt_checks SET next_at = now() WHERE next_at <> 'infinity'")
		if _, err = e.AskOutstanding(t.Context(), 2); err != nil {
			break
		}
	}
	require.Error(t, err, "the second batch is tried again")
	require.Len(t, e.found, 1, "the first one went on without its broken half")
	at := e.stuck[1]
	at.since = at.since.Add(-askingFor)
	e.stuck[1] = at
	e.exec("UPDATE receipt_checks SET next_at = now() WHERE next_at <> 'infinity'")
	e.all()
	require.Len(t, e.found, 3, "after an hour it is left to its next age")
	require.Empty(t, e.stuck)
}

func TestACampaignThatIsLongOverIsAskedForNoMore(t *testing.T) {
	t.Parallel()
	e := catchUp(t)
	e.message(1, 1, message.StatusSent, 2*time.Minute)
	e.due()
	e.exec("UPDATE campaigns SET status = 'completed', started_at = now() - interval '9 days', finished_at = now() - interval '8 days'")
	e.exec("UPDATE message_series SET bucket = bucket - interval '8 days'")
	e.all()
	var left int
	require.NoError(t, e.db.NewRaw("SELECT count(*) FROM receipt_checks WHERE campaign_id = 1 AND next_at <> 'infinity'").Scan(t.Context(), &left))
	require.Zero(t, left)
}

func TestInboundMessagesThatNeverCame(t *testing.T) {
	t.Parallel()
	e := catchUp(t)
	now := time.Now()
	for i, body := range []string{"STOP", "START", "Hello", "of last week"} {
		sid := fmt.Sprintf("SMin%d", i)
		at := now.Add(time.Duration(i-10) * time.Minute)
		if body == "of last week" {
			at = now.AddDate(0, 0, -7)
		}
		e.log.entries[sid] = message.Logged{
			SID: sid, Direction: message.Inbound, From: "+4915112345678",
			To: "+14155238886", Body: body, Created: at,
		}
	}
	e.exec("INSERT INTO messages (direction, purpose, contact_id, status, sid) VALUES ('inbound', 'inbound', 1, 'received', 'SMin2')") // its webhook came
	for n := 1; n > 0; {
		var err error
		n, err = e.ReadInbound(t.Context(), 1)
		require.NoError(t, err)
	}
	require.Len(t, e.found, 2, "not what is known, nor from before this sender was")
	require.Equal(t, []string{"SMin0", "SMin1"}, []string{e.found[0].SID, e.found[1].SID},
		"in the order in which they were written")
	require.Equal(t, webhookevent.KindInbound, e.found[0].Kind)
	require.Equal(t, webhookevent.InboundKey("SMin0"), e.found[0].DedupeKey,
		"a webhook that comes after all is the same event")
}

func TestOneInboundMessageThatCannotBeReadStopsNoOther(t *testing.T) {
	t.Parallel()
	e := catchUp(t)
	for i := range 3 {
		sid := fmt.Sprintf("SMin%d", i)
		e.log.entries[sid] = message.Logged{
			SID: sid, Direction: message.Inbound, From: "+4915112345678", To: "+14155238886", Body: "STOP",
			Created: time.Now().Add(time.Duration(i-300) * time.Minute),
		}
	}
	read := func() {
		e.exec("UPDATE inbound_checks SET next_at = now()")
		for n := 1; n > 0; {
			var err error
			n, err = e.ReadInbound(t.Context(), 1)
			require.NoError(t, err)
		}
	}
	e.log.broken["SMin1"] = true
	read()
	require.Len(t, e.found, 2)
	e.log.broken["SMin1"] = false
	e.found = nil
	read()
	sids := map[string]bool{}
	for _, w := range e.found { // this test's engine does not know what it took in: those are read again
		sids[w.SID] = true
	}
	require.True(t, sids["SMin1"], "the next reading goes back to it")
}
