package conversation

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

const ann, shop = "whatsapp:+4915112345678", "whatsapp:+14155238886"

type inbox struct {
	*Service

	t    *testing.T
	ctx  context.Context
	db   *db.DB
	next int
}

func open(t *testing.T) *inbox {
	t.Helper()
	d := dbtest.New(t)
	hub := pubsub.New(d.Pool, slog.New(slog.DiscardHandler))
	client, err := river.NewClient(riverdatabasesql.New(d.DB.DB), &river.Config{})
	require.NoError(t, err)
	consents := consent.NewService(d, hub, keys.Fixed("a secret of the test"), time.Now)
	i := &inbox{t: t, ctx: actor.With(t.Context(), actor.System), db: d}
	i.Service = NewService(Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{Client: client}, Consents: consents, Topics: topic.NewService(d, hub),
		Now: time.Now,
	})
	i.exec("INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 80)")
	i.exec("INSERT INTO topics (name, keyword, keyword_folded) VALUES ('Offers', 'OFFERS', 'offers')")
	i.exec("INSERT INTO templates (name, language, category) VALUES ('Hello', 'en', 'utility'), ('Draft', 'en', 'utility')")
	i.exec(`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status)
		VALUES (1, 1, 'text', 'Hello {{attributes.nick}}, we are back.', '[]', 'HX1', 'approved'), (2, 1, 'text', 'Draft', '[]', '', 'draft')`)
	return i
}

func (i *inbox) exec(query string, args ...any) {
	i.t.Helper()
	_, err := i.db.NewRaw(query, args...).Exec(i.ctx)
	require.NoError(i.t, err)
}

func (i *inbox) count(query string, args ...any) (n int) {
	i.t.Helper()
	require.NoError(i.t, i.db.NewRaw(query, args...).Scan(i.ctx, &n))
	return n
}

// says has Ann write, with whatever else the message carries.
func (i *inbox) says(body string, more ...func(*InboundMessage)) News {
	i.t.Helper()
	i.next++
	in := InboundMessage{
		SID: fmt.Sprintf("SM%032d", i.next), From: ann, To: shop, Body: body, ProfileName: "Ann",
		ReceivedAt: time.Now(),
	}
	for _, change := range more {
		change(&in)
	}
	var news News
	require.NoError(i.t, i.db.Tx(i.ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		news, err = i.Receive(ctx, tx, in)
		return err
	}))
	return news
}

func (i *inbox) status() (s contact.ConsentStatus) {
	i.t.Helper()
	require.NoError(i.t, i.db.NewRaw("SELECT consent_status FROM contacts WHERE address = '+4915112345678'").Scan(i.ctx,
		&s))
	return s
}

func (i *inbox) confirmations() int {
	i.t.Helper()
	n := i.count("SELECT count(*) FROM messages WHERE purpose = 'confirmation'")
	require.Equal(i.t, n, i.count("SELECT count(*) FROM river_job WHERE kind = 'message_send'"),
		"each has its job in the same transaction")
	return n
}

func TestWhatIsWrittenOpensTheWindow(t *testing.T) {
	t.Parallel()
	i := open(t)
	news := i.says("Hello\x00 there")
	require.NotZero(t, news.MessageID)
	require.Equal(t, contact.ConsentUnknown, i.status(), "who writes has not agreed to campaigns")
	rows, err := i.ByContacts(i.ctx, []int64{news.ContactID})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, 1, rows[0].Unread)
	require.True(t, rows[0].Open(time.Now()))
	require.False(t, rows[0].Open(time.Now().Add(Window)), "and it closes")
	i.next--
	require.Zero(t, i.says("Hello again").MessageID, "the same SID again is nothing")
	require.Equal(t, 1, i.count("SELECT count(*) FROM messages WHERE direction = 'inbound'"))
	older := i.says("spooled", func(in *InboundMessage) { in.ReceivedAt = time.Now().Add(-20 * time.Hour) })
	again, err := i.ByID(i.ctx, older.ConversationID)
	require.NoError(t, err)
	require.WithinDuration(t, *rows[0].SessionExpiresAt, *again.SessionExpiresAt, time.Second,
		"a late one does not shorten the window")
}

func TestKeywordsAreObeyedAndConfirmedOnce(t *testing.T) {
	t.Parallel()
	i := open(t)
	for _, step := range []struct {
		body          string
		status        contact.ConsentStatus
		confirmations int
	}{
		{"Hi", contact.ConsentUnknown, 0},
		{"help", contact.ConsentUnknown, 1},
		{"START", contact.ConsentOptedIn, 2},
		{"start", contact.ConsentOptedIn, 2},
		{"cancel my order", contact.ConsentOptedIn, 2},
		{"Stop!", contact.ConsentOptedOut, 3},
		{"STOP", contact.ConsentOptedOut, 3},
		{"unstop", contact.ConsentOptedIn, 4},
	} {
		i.says(step.body)
		require.Equal(t, step.status, i.status(), step.body)
		require.Equal(t, step.confirmations, i.confirmations(), step.body)
	}
	before := i.confirmations()
	i.says("STOP", func(in *InboundMessage) { in.OptOut = consent.KeywordStop })
	require.Equal(t, contact.ConsentOptedOut, i.status())
	require.Equal(t, before, i.confirmations(), "Twilio's Advanced Opt-Out has confirmed already")
	require.Equal(t, 6, i.count("SELECT count(*) FROM consent_events"), "the ledger has each decision, repeats too")
}

func TestATopicIsLeftAlone(t *testing.T) {
	t.Parallel()
	i := open(t)
	i.says("START offers")
	require.Equal(t, contact.ConsentOptedIn, i.status(), "they asked for these messages")
	i.says("stop  Offers.")
	require.Equal(t, contact.ConsentOptedIn, i.status(), "only the topic is left")
	require.Equal(t, 1, i.count("SELECT count(*) FROM contact_topics WHERE status = 'left'"))
	require.Equal(t, 2, i.confirmations())
	i.says("STOP offers")
	require.Equal(t, 2, i.confirmations(), "confirmed once")
	i.says("stop the music")
	require.Equal(t, contact.ConsentOptedIn, i.status(), "no topic has that keyword: people read it")
}

// TestATopicsWordsGoByWhenTheyWereSaid, in whatever order they are applied.
func TestATopicsWordsGoByWhenTheyWereSaid(t *testing.T) {
	t.Parallel()
	type word struct {
		body string
		ago  time.Duration
		late bool
	}
	for name, c := range map[string]struct {
		words []word
		left  int
	}{
		"a START that was parked, after the STOP that came behind it": {[]word{{"STOP offers", 5 * time.Minute, false}, {"START offers", 6 * time.Minute, false}}, 1},
		"the same after a second STOP":                                {[]word{{"STOP offers", time.Hour, false}, {"STOP offers", 5 * time.Minute, false}, {"START offers", 6 * time.Minute, false}}, 1},
		"an older second STOP does not hide the newer one":            {[]word{{"STOP offers", 5 * time.Minute, false}, {"STOP offers", time.Hour, true}, {"START offers", 6 * time.Minute, false}}, 1},
		"a live START seconds after a live STOP":                      {[]word{{"STOP offers", 9 * time.Second, false}, {"START offers", 6 * time.Second, false}}, 0},
		"both out of the spool":                                       {[]word{{"STOP offers", 30 * time.Minute, true}, {"START offers", 10 * time.Minute, true}}, 0},
		"both out of the spool, within what clocks may err":           {[]word{{"STOP offers", 30 * time.Minute, true}, {"START offers", 29 * time.Minute, true}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := open(t)
			for _, w := range c.words {
				i.says(w.body, func(in *InboundMessage) { in.ReceivedAt, in.Late = time.Now().Add(-w.ago), w.late })
			}
			require.Equal(t, c.left, i.count("SELECT count(*) FROM contact_topics WHERE status = 'left'"))
		})
	}
}

func TestAReplyCountsForTheMessageItAnswers(t *testing.T) {
	t.Parallel()
	i := open(t)
	i.says("Hi")
	i.exec("INSERT INTO campaigns (name, status) VALUES ('A', 'completed'), ('B', 'completed')")
	i.exec(`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, status, sid, accepted_at)
		VALUES ('outbound', 'campaign', 1, 1, 1, 'delivered', 'SMa', now()), ('outbound', 'campaign', 2, 1, 1, 'delivered', 'SMb', now())`)
	require.EqualValues(t, 2, i.says("Thanks").CampaignID, "the newest")
	require.EqualValues(t, 1, i.says("Yes", func(in *InboundMessage) { in.QuotedSID = "SMa" }).CampaignID,
		"the one they quoted")
	i.says("STOP", func(in *InboundMessage) { in.QuotedSID = "SMa" })
	require.Equal(t, 1, i.count("SELECT count(*) FROM messages WHERE campaign_id = 1 AND replied_at IS NOT NULL AND opted_out_at IS NOT NULL"))
}

func TestWhatTheGateWouldRefuseIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	approved, draft, missing := int64(1), int64(2), int64(99)
	closed := func(i *inbox) { i.exec("UPDATE conversations SET session_expires_at = now() - interval '1 minute'") }
	for name, c := range map[string]struct {
		prepare func(*inbox)
		reply   Reply
		code    apperr.Code
		text    string
	}{
		"inside the window": {func(*inbox) {}, Reply{Body: "Yes, it is."}, "", ""},
		"outside":           {closed, Reply{Body: "Yes"}, apperr.CodeConflict, "24-hour window is closed"},
		"opted out": {
			func(i *inbox) { i.says("STOP") },
			Reply{Body: "Why?"},
			apperr.CodeConflict,
			"opted out",
		},
		"nothing": {func(*inbox) {}, Reply{Body: " \n "}, apperr.CodeInvalid, "1 to 1600 characters"},
		"too long": {
			func(*inbox) {},
			Reply{Body: strings.Repeat("ä", 1601)},
			apperr.CodeInvalid,
			"this one has 1601",
		},
		"both": {
			func(*inbox) {},
			Reply{Body: "Hi", TemplateID: &approved},
			apperr.CodeInvalid,
			"not both",
		},
		"a template, no consent": {
			func(*inbox) {},
			Reply{TemplateID: &approved},
			apperr.CodeConflict,
			"needs their consent",
		},
		"a template lacks a value": {
			func(i *inbox) { i.says("START") },
			Reply{TemplateID: &approved},
			apperr.CodeConflict,
			"needs a value",
		},
		"a template not approved": {
			func(i *inbox) { i.says("START") },
			Reply{TemplateID: &draft},
			apperr.CodeInvalid,
			"has not approved",
		},
		"a template that is not": {
			func(i *inbox) { i.says("START") },
			Reply{TemplateID: &missing},
			apperr.CodeInvalid,
			"has not approved",
		},
		"a template in a closed window": {func(i *inbox) {
			i.says("START")
			i.exec(`UPDATE contacts SET attributes = '{"nick": "Ann"}'`)
			closed(i)
		}, Reply{TemplateID: &approved}, "", ""},
		"suppressed": {func(i *inbox) {
			require.NoError(i.t, i.db.Tx(i.ctx, func(ctx context.Context, tx bun.Tx) error {
				_, err := i.consents.Suppress(ctx, tx, []string{"+4915112345678"}, consent.SuppressedComplaint, nil)
				return err
			}))
		}, Reply{Body: "Hi"}, apperr.CodeConflict, "suppressed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := open(t)
			c.reply.ConversationID = i.says("Is it still there?").ConversationID
			c.prepare(i)
			m, err := i.Answer(i.ctx, c.reply)
			if c.code == "" {
				require.NoError(t, err)
				require.Equal(t, message.StatusPending, m.Status)
				require.Equal(t, 1, i.count("SELECT count(*) FROM messages WHERE id = ? AND sender_id = 1 AND purpose = 'reply'",
					m.ID))
				require.Equal(t, 0, i.count("SELECT unread FROM conversations"))
				return
			}
			require.True(t, apperr.Is(err, c.code), "%v", err)
			require.ErrorContains(t, err, c.text)
			require.Zero(t, i.count("SELECT count(*) FROM messages WHERE purpose = 'reply'"), "nothing half-done stays")
		})
	}
}
