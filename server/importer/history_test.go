package importer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/pubsub"
	"eventstream/server/topic"
	"eventstream/server/twilio"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// movedIn is an installation that takes over Twilio's log.
type movedIn struct {
	*Service

	t        *testing.T
	ctx      context.Context
	db       *db.DB
	consents *consent.Service
}

func moveIn(t *testing.T) *movedIn {
	t.Helper()
	d := dbtest.New(t)
	log := slog.New(slog.DiscardHandler)
	hub := pubsub.New(d.Pool, log)
	client, err := river.NewClient(riverdatabasesql.New(d.DB.DB), &river.Config{})
	require.NoError(t, err)
	consents := consent.NewService(d, hub, keys.Fixed("a secret of the test"), time.Now)
	m := &movedIn{t: t, ctx: actor.With(t.Context(), actor.System), db: d, consents: consents}
	m.Service = NewService(Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{Client: client}, Consents: consents, Topics: topic.NewService(d, hub), Log: log, Now: time.Now,
		Owner: "test", Words: LogWords{Status: twilio.Status, Code: twilio.Code},
	})
	_, err = d.NewRaw("INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 80)").Exec(t.Context())
	require.NoError(t, err)
	return m
}

func (m *movedIn) imports(file string, req Request) *Import {
	m.t.Helper()
	imp, err := m.Start(m.ctx, req, strings.NewReader(file))
	require.NoError(m.t, err)
	require.Equal(m.t, sourceTwilio, imp.Options.Source)
	require.NoError(m.t, m.Run(m.t.Context(), imp.ID))
	imp, err = m.ByID(m.ctx, imp.ID)
	require.NoError(m.t, err)
	require.Equal(m.t, StatusCompleted, imp.Status, imp.Failure)
	require.Equal(m.t, *imp.RowsTotal, imp.Created+imp.Updated+imp.Unchanged+imp.Duplicates+imp.Rejected)
	return imp
}

func (m *movedIn) text(sql string, args ...any) (s string) {
	m.t.Helper()
	require.NoError(m.t, m.db.NewRaw(sql, args...).Scan(m.t.Context(), &s), sql)
	return s
}

const logHeader = "From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction,Price,PriceUnit\n"

// entry is one line of the log of Twilio's console.
func entry(n int, from, to, body, status, direction string, code int, at time.Time) string {
	errorCode := ""
	if code != 0 {
		errorCode = fmt.Sprint(code)
	}
	return fmt.Sprintf("%s,%s,\"%s\",%s,%s,2010-04-01,1,%s,AC%032d,SM%032d,%s,-0.005,USD\n", from, to, body, status,
		at.UTC().Format("2006-01-02T15:04:05Z"), errorCode, 1, n, direction)
}

const ownNumber = "whatsapp:+14155238886"

func toPerson(n, person int, status string, code int, at time.Time) string {
	return entry(n, ownNumber, fmt.Sprintf("whatsapp:+491511234%04d", person), "Hello, you", status, "outbound-api", code, at)
}

func fromPerson(n, person int, body string, at time.Time) string {
	return entry(n, fmt.Sprintf("whatsapp:+491511234%04d", person), ownNumber, body, "received", "inbound", 0, at)
}

func TestTwiliosLogIsHistory(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	now := time.Now().Truncate(time.Second)
	day := func(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }
	// As the console writes it, the newest first.
	file := logHeader +
		fromPerson(9, 5, "Are you open?", now.Add(-time.Hour)) +
		toPerson(8, 4, "delivered", 0, day(1)) +
		toPerson(7, 4, "undelivered", 63024, day(2)) + // reached since
		toPerson(6, 3, "undelivered", 63024, day(5)) +
		toPerson(5, 2, "failed", 21610, day(20)) +
		fromPerson(4, 1, "START", day(29)) +
		fromPerson(3, 1, "STOP", day(30)) +
		toPerson(2, 1, "read", 0, day(31)) +
		toPerson(10, 3, "undelivered", 63049, day(300)) + // WhatsApp has forgotten that
		entry(11, "+4915112340006", "+14155238886", "stop", "received", "inbound", 0, day(3)) + // an SMS
		entry(12, "+4915112340007", "+14155238886", "Hi", "received", "inbound", 0, day(3)) +
		entry(13, ownNumber, "whatsapp:+4915112340001", "Soon", "scheduled", "outbound-api", 0, day(1)) +
		toPerson(2, 1, "read", 0, day(31)) // twice in the file
	preview := m.imports(file, Request{FileName: "sms-log.csv", DryRun: true})
	want := &Messages{Sent: 6, Received: 3, OptOuts: 2, Contacts: 6}
	require.Equal(t, want, preview.Messages)
	require.Equal(t, "0", m.text("SELECT count(*) FROM messages"))
	imp := m.imports(file, Request{FileName: "sms-log.csv"})
	require.Equal(t, want, imp.Messages)
	require.Equal(t, []int64{9, 1, 0, 1, 2}, []int64{imp.Created, imp.Updated, imp.Unchanged, imp.Duplicates, imp.Rejected})
	status := func(person int) string {
		return m.text("SELECT consent_status || ' ' || reachable || ' ' || marketing_eligible FROM contacts WHERE address = ?", fmt.Sprintf("+491511234%04d", person))
	}
	require.Equal(t, "opted_out true true", status(1), "a START of that time brings nobody back")
	require.Equal(t, "opted_out true true", status(2), "Twilio said so")
	require.Equal(t, "unknown false true", status(3), "63024 holds for what is left of its time, 63049 of last year no more")
	require.Equal(t, "unknown true true", status(4))
	require.Equal(t, "unknown true true", status(5), "who wrote has not agreed to anything")
	require.Equal(t, "opted_out true true", status(6), "an SMS is no message here, its STOP counts")
	require.Equal(t, "STOP SM00000000000000000000000000000003", m.text(
		"SELECT evidence ->> 'text' || ' ' || (evidence ->> 'messageSid') FROM consent_events e JOIN contacts c ON c.id = e.contact_id WHERE c.address = '+4915112340001'"))
	require.Equal(t, "2 0", m.text("SELECT count(*) || ' ' || sum(unread) FROM conversations"), "those who wrote; nothing is unread")
	require.Equal(t, "9 3", m.text("SELECT count(*) || ' ' || count(*) FILTER (WHERE direction = 'inbound') FROM messages WHERE purpose = 'history'"))
	require.Equal(t, "+4915112340005", m.text("SELECT address FROM contacts c JOIN conversations co ON co.contact_id = c.id WHERE session_expires_at > now()"),
		"a window is open as long as it is for a message of that time")
	require.Equal(t, "0", m.text("SELECT count(*) FROM message_series"), "no chart shows it")
	require.Equal(t, "-1", m.text("SELECT string_agg(DISTINCT campaign_id::text, ',') FROM message_counts"))
	require.Equal(t, "0", m.text("SELECT count(*) FROM messages WHERE work IS NOT NULL OR id >= 0"), "nothing is ever sent because of it")
	require.Equal(t, m.text("SELECT string_agg(sid, ',' ORDER BY created_at) FROM messages"), m.text("SELECT string_agg(sid, ',' ORDER BY id) FROM messages"),
		"in the order of time, whatever that of the file")
	require.Equal(t, "1", m.text("SELECT count(*) FROM contacts WHERE last_inbound_at > now() - interval '2 hours'"))

	again := m.imports(file, Request{FileName: "sms-log.csv"})
	require.Equal(t, []int64{0, 9}, []int64{again.Created, again.Unchanged}, "the same file again is harmless")
	require.Equal(t, &Messages{}, again.Messages)
	require.Equal(t, "3", m.text("SELECT count(*) FROM consent_events"))
}

// TestTwiliosLogInItsOtherShapes: the bulk export's and the API's.
func TestTwiliosLogInItsOtherShapes(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	const one = `{"sid":"SM%032d","from":"whatsapp:+14155238886","to":"whatsapp:+4915112340001","body":"Hello","status":"delivered",` +
		`"direction":"outbound-api","date_sent":%q,"error_code":null,"num_segments":"1"}`
	imp := m.imports(fmt.Sprintf(one, 1, "2026-05-01T10:00:00Z")+"\n"+fmt.Sprintf(one, 2, "2026-05-02T10:00:00Z")+"\n", Request{FileName: "2026-05-01.json"})
	require.EqualValues(t, 2, imp.Created)
	imp = m.imports(`{"page":0,"messages":[`+fmt.Sprintf(one, 2, "Sat, 02 May 2026 10:00:00 +0000")+","+fmt.Sprintf(one, 3, "Sun, 03 May 2026 10:00:00 +0000")+`],"uri":"/x"}`,
		Request{FileName: "Messages.json"})
	require.Equal(t, []int64{1, 1}, []int64{imp.Created, imp.Unchanged})
	require.Equal(t, "2026-05-03", m.text("SELECT max(sent_at)::date::text FROM messages"))
}

// TestALateOptOutYieldsToNothingOlder: what somebody decided here after the log stays;
// somebody who was erased does not come back by it.
func TestALateOptOutYieldsToNothingOlder(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	now := time.Now()
	c := contact.New(contact.Address{Wire: "+4915112340001", MatchKey: "+4915112340001", Kind: contact.KindPhone, Region: "DE"})
	contacttest.Insert(t, m.db, c)
	require.NoError(t, m.db.Tx(m.ctx, func(ctx context.Context, tx bun.Tx) error {
		return m.consents.Record(ctx, tx, c, consent.Change{
			Status: contact.ConsentOptedIn, Source: consent.SourceOperator, OccurredAt: now.Add(-time.Hour), Evidence: consent.Evidence{Note: "asked"},
		})
	}))
	imp := m.imports(logHeader+fromPerson(1, 1, "STOP", now.Add(-48*time.Hour)), Request{FileName: "log.csv"})
	require.Equal(t, &Messages{Received: 1}, imp.Messages)
	require.Equal(t, "opted_in", m.text("SELECT consent_status FROM contacts"))
	imp = m.imports(logHeader+fromPerson(2, 1, "STOP", now.Add(-time.Minute)), Request{FileName: "log.csv"})
	require.EqualValues(t, 1, imp.Messages.OptOuts)
	require.Equal(t, "opted_out", m.text("SELECT consent_status FROM contacts"))
}

// TestWhatFollowsAStopInALog is a topic only where there is one of that keyword, as when
// the message comes live; the preview counts the same.
func TestWhatFollowsAStopInALog(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	_, err := m.topics.Create(m.ctx, topic.Input{Name: new("News"), Keyword: new("NEWS")})
	require.NoError(t, err)
	now := time.Now()
	file := logHeader + fromPerson(1, 1, "STOP please", now.Add(-3*time.Hour)) +
		fromPerson(2, 2, "stop, why do you keep writing?", now.Add(-2*time.Hour)) +
		fromPerson(3, 3, "STOP news", now.Add(-time.Hour))
	want := &Messages{Received: 3, OptOuts: 1, Contacts: 3}
	require.Equal(t, want, m.imports(file, Request{FileName: "log.csv", DryRun: true}).Messages)
	require.Equal(t, want, m.imports(file, Request{FileName: "log.csv"}).Messages)
	require.Equal(t, "opted_out unknown unknown", m.text("SELECT string_agg(consent_status, ' ' ORDER BY address) FROM contacts"))
	require.Equal(t, "+4915112340002", m.text("SELECT string_agg(c.address, ' ') FROM opt_out_reviews r JOIN contacts c ON c.id = r.contact_id"))
	require.Equal(t, "+4915112340003 left", m.text(
		"SELECT string_agg(c.address || ' ' || ct.status, ' ') FROM contact_topics ct JOIN contacts c ON c.id = ct.contact_id"))
}

// TestALogIsReadByTheWordsOfTheWorkspace: what it added counts, what it switched off does
// not, and the evidence says by which words a message was read.
func TestALogIsReadByTheWordsOfTheWorkspace(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	_, err := m.consents.Words.Add(m.ctx, consent.Phrase{Language: "de", Meaning: consent.KeywordStop, Text: "Feierabend"})
	require.NoError(t, err)
	_, err = m.consents.Words.Switch(m.ctx, consent.Phrase{Language: "de", Meaning: consent.KeywordStop, Text: "abmelden"}, false)
	require.NoError(t, err)
	words, err := m.consents.Words.Now(m.ctx)
	require.NoError(t, err)
	now := time.Now()
	file := logHeader + fromPerson(1, 1, "Feierabend", now.Add(-2*time.Hour)) + fromPerson(2, 2, "abmelden", now.Add(-time.Hour))
	want := &Messages{Received: 2, OptOuts: 1, Contacts: 2}
	require.Equal(t, want, m.imports(file, Request{FileName: "log.csv", DryRun: true}).Messages)
	require.Equal(t, want, m.imports(file, Request{FileName: "log.csv"}).Messages)
	require.Equal(t, "opted_out unknown", m.text("SELECT string_agg(consent_status, ' ' ORDER BY address) FROM contacts"))
	require.Equal(t, "+4915112340002", m.text("SELECT string_agg(c.address, ' ') FROM opt_out_reviews r JOIN contacts c ON c.id = r.contact_id"))
	require.Equal(t, words.Edition(), m.text("SELECT evidence ->> 'words' FROM consent_events"))
}
