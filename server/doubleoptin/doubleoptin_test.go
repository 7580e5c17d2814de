package doubleoptin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/doubleoptin"
	"eventstream/server/erasure"
	"eventstream/server/hours"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/merge"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

const shop = "+14155238886"

// env is an installation with a sender, an approved question in English and one in German
// that WhatsApp has not approved yet.
type env struct {
	*testing.T
	*db.DB
	ctx       context.Context // of an admin
	consents  *consent.Service
	optIns    *doubleoptin.Service
	inbox     *conversation.Service
	merges    *merge.Service
	topics    *topic.Service
	hub       *pubsub.Hub
	quiet     *hours.QuietHours
	held      bool
	sid, next int
}

func start(t *testing.T) *env {
	t.Helper()
	d := dbtest.New(t)
	client, err := river.NewClient(riverdatabasesql.New(d.DB.DB), &river.Config{})
	require.NoError(t, err)
	enqueuer := &jobs.Enqueuer{Client: client}
	e := &env{T: t, DB: d, hub: pubsub.New(d.Pool, slog.New(slog.DiscardHandler))}
	e.ctx = actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleAdmin})
	e.consents = consent.NewService(d, e.hub, keys.Fixed("test"), time.Now)
	e.topics = topic.NewService(d, e.hub)
	e.merges = merge.NewService(d, e.hub, e.consents, e.topics)
	e.optIns = doubleoptin.NewService(doubleoptin.Dependencies{
		DB: d, Hub: e.hub, Jobs: enqueuer, Consents: e.consents, Windows: conversation.OpenWindows,
		QuietHours: func(context.Context) (*hours.QuietHours, error) { return e.quiet, nil },
		Held:       func(context.Context) (bool, error) { return e.held, nil }, Log: slog.New(slog.DiscardHandler),
	})
	e.inbox = conversation.NewService(conversation.Dependencies{
		DB: d, Hub: e.hub, Jobs: enqueuer, Consents: e.consents, Topics: e.topics, Now: time.Now,
	})
	e.exec("INSERT INTO operators (email, name, role, password_hash) VALUES ('a@shop.example', 'A', 'admin', '')")
	e.exec("INSERT INTO senders (address, display_name, rate_per_second) VALUES (?, 'Shop', 80)", shop)
	e.exec("INSERT INTO templates (name, language, category) VALUES ('Confirm', 'en', 'utility'), ('Bitte', 'de', 'utility'), ('Hello', 'fr', 'utility')")
	e.exec(`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status) VALUES
		(1, 1, 'text', 'Hello {{name | there}}, may Shop write to you here? Answer yes or no.', '[]', 'HX1', 'approved'),
		(2, 1, 'text', 'Darf Shop dir hier schreiben? Antworte mit Ja oder Nein.', '[]', '', 'draft'),
		(3, 1, 'text', 'Bonjour {{name}}', '[]', 'HX3', 'approved')`)
	return e
}

func (e *env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.NewRaw(sql, args...).Exec(e.ctx)
	require.NoError(e, err)
}

func (e *env) count(sql string, args ...any) (n int) {
	e.Helper()
	require.NoError(e, e.NewRaw(sql, args...).Scan(e.ctx, &n))
	return n
}

func (e *env) setUp() {
	e.Helper()
	require.NoError(e, e.optIns.Set(e.ctx, &doubleoptin.Settings{Templates: []int64{1, 2}, Sender: 1, ExpiresAfter: 24}))
}

// somebody is a contact of whom nothing is known.
func (e *env) somebody(change ...func(*contact.Contact)) *contact.Contact {
	e.Helper()
	e.next++
	a, err := contact.ParseAddress(fmt.Sprintf("+4915112340%03d", e.next), "")
	require.NoError(e, err)
	c := contact.New(a)
	for _, f := range change {
		f(c)
	}
	contacttest.Insert(e, e.DB, c)
	return c
}

func agreed() consent.Change {
	return consent.Change{
		Status: contact.ConsentOptedIn, Evidence: consent.Evidence{Text: "I want offers on WhatsApp.", Language: "en", IP: "203.0.113.7"},
	}
}

func (e *env) request(c *contact.Contact) error {
	e.Helper()
	_, err := e.optIns.Request(e.ctx, c.ID, agreed())
	return err
}

// ask has the request asked and its question accepted by the provider. It gives the SID.
func (e *env) ask(c *contact.Contact) (sid string) {
	e.Helper()
	require.NoError(e, e.optIns.Run(e.ctx))
	r := e.newest(c)
	require.Equal(e, doubleoptin.StatusAsked, r.Status)
	e.sid++
	sid = fmt.Sprintf("SMq%d", e.sid)
	e.exec("UPDATE messages SET status = 'sent', sid = ?, accepted_at = now() WHERE id = ?", sid, *r.MessageID)
	return sid
}

func (e *env) newest(c *contact.Contact) *doubleoptin.Request {
	e.Helper()
	found, err := e.optIns.OfContacts(e.ctx, []int64{c.ID})
	require.NoError(e, err)
	require.NotNil(e, found[c.ID])
	return found[c.ID]
}

func (e *env) now(c *contact.Contact) *contact.Contact {
	e.Helper()
	found, err := contact.PeopleOf(e.ctx, e.DB, []int64{c.ID})
	require.NoError(e, err)
	return found[c.ID]
}

func (e *env) says(c *contact.Contact, body string, more ...func(*conversation.InboundMessage)) *contact.Contact {
	e.Helper()
	e.sid++
	in := conversation.InboundMessage{
		SID: fmt.Sprintf("SMin%d", e.sid), From: "whatsapp:" + c.Address, To: "whatsapp:" + shop, Body: body, ReceivedAt: time.Now(),
	}
	for _, f := range more {
		f(&in)
	}
	receive := func() error {
		return e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
			_, err := e.inbox.Receive(ctx, tx, in)
			return err
		})
	}
	err := receive()
	if several, ok := errors.AsType[*merge.SeveralError](err); ok { // as package webhookevent does
		require.NoError(e, e.merges.Join(e.ctx, several.Named))
		err = receive()
	}
	require.NoError(e, err)
	return e.now(c)
}

func quoting(sid string) func(*conversation.InboundMessage) {
	return func(in *conversation.InboundMessage) { in.QuotedSID = sid }
}

// TestAYesToTheQuestionIsTheConsent: what was recorded is its evidence, with the yes as
// the proof; until then nothing is known of them.
func TestAYesToTheQuestionIsTheConsent(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	c := e.somebody()
	require.NoError(t, e.request(c))
	require.Equal(t, contact.ConsentUnknown, e.now(c).ConsentStatus)
	require.NotNil(t, e.now(c).OptInRequestAt)
	require.Equal(t, doubleoptin.StatusWaiting, e.newest(c).Status)
	require.Zero(t, e.count("SELECT count(*) FROM consent_events"))

	e.ask(c)
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE purpose = 'opt_in_question' AND template_version_id = 1"))
	require.Equal(t, 1, e.count("SELECT count(*) FROM river_job WHERE kind = 'message_send'"))
	require.NoError(t, e.request(c), "while it is open, it stays")
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE purpose = 'opt_in_question'"), "they are asked once")

	is := e.says(c, "Yes, please!")
	require.Equal(t, contact.ConsentOptedIn, is.ConsentStatus)
	require.Nil(t, is.OptInRequestAt)
	require.Equal(t, doubleoptin.StatusConfirmed, e.newest(c).Status)
	var raw []byte
	var source, text string
	require.NoError(t, e.NewRaw(`SELECT e.evidence, e.source, t.content FROM consent_events e
		JOIN consent_texts t ON t.id = (e.evidence ->> 'textId')::bigint`).Scan(e.ctx, &raw, &source, &text))
	var evidence consent.Evidence
	require.NoError(t, json.Unmarshal(raw, &evidence))
	require.Equal(t, "operator", source)
	require.Equal(t, "I want offers on WhatsApp.", text)
	require.Equal(t, "Yes, please!", evidence.Answer)
	require.Equal(t, doubleoptin.Rule, evidence.Rule)
	require.NotEmpty(t, evidence.MessageSID)
	require.Equal(t, "203.0.113.7", evidence.IP)
	require.Equal(t, 1, e.count("SELECT count(*) FROM messages WHERE purpose = 'confirmation'"), "they are told that it counts")
	require.True(t, apperr.Is(e.request(c), apperr.CodeConflict), "there is nothing to confirm any more")
}

// TestOnlyAYesToThatQuestionCounts, and nothing that was said to somebody else, too early or too late.
func TestOnlyAYesToThatQuestionCounts(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	reply := func(c *contact.Contact) {
		e.exec("INSERT INTO messages (direction, purpose, contact_id, sender_id, body, status, sid) VALUES ('outbound', 'reply', ?, 1, 'Shall we refund you', 'sent', ?)",
			c.ID, fmt.Sprintf("SMr%d", c.ID))
	}
	for name, c := range map[string]struct {
		before func(c *contact.Contact)
		body   string
		more   func(c *contact.Contact, question string) func(*conversation.InboundMessage)
		want   contact.ConsentStatus
		is     doubleoptin.Status
	}{
		"a yes":                {body: "YES", want: contact.ConsentOptedIn, is: doubleoptin.StatusConfirmed},
		"a raised thumb":       {body: "👍🏿", want: contact.ConsentOptedIn, is: doubleoptin.StatusConfirmed},
		"in German":            {body: "Ja, gerne", want: contact.ConsentOptedIn, is: doubleoptin.StatusConfirmed},
		"a few yeses":          {body: "Yes, of course. I agree!", want: contact.ConsentOptedIn, is: doubleoptin.StatusConfirmed},
		"a greeting":           {body: "Hej", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked}, // yes in Slovak
		"START":                {body: "START", want: contact.ConsentOptedIn, is: doubleoptin.StatusConfirmed},
		"a no":                 {body: "no", want: contact.ConsentUnknown, is: doubleoptin.StatusDeclined},
		"wrong number":         {body: "Wrong number!", want: contact.ConsentUnknown, is: doubleoptin.StatusDeclined},
		"STOP":                 {body: "STOP", want: contact.ConsentOptedOut, is: doubleoptin.StatusDeclined},
		"a question":           {body: "Who are you?", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked},
		"help":                 {body: "HELP", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked},
		"a yes to an operator": {before: reply, body: "Yes", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked},
		"a quote of the question": {
			before: reply, body: "Yes", want: contact.ConsentOptedIn, is: doubleoptin.StatusConfirmed,
			more: func(_ *contact.Contact, question string) func(*conversation.InboundMessage) { return quoting(question) },
		},
		"a quote of something else": {
			body: "Yes", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked,
			more: func(*contact.Contact, string) func(*conversation.InboundMessage) { return quoting("SMelse") },
		},
		"a button": {
			body: "", want: contact.ConsentOptedIn, is: doubleoptin.StatusConfirmed,
			more: func(*contact.Contact, string) func(*conversation.InboundMessage) {
				return func(in *conversation.InboundMessage) { in.ButtonText = "Yes" }
			},
		},
		"from before it was asked": {
			body: "Yes", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked,
			more: func(*contact.Contact, string) func(*conversation.InboundMessage) {
				return func(in *conversation.InboundMessage) { in.ReceivedAt, in.Late = time.Now().Add(-time.Hour), true }
			},
		},
		"a question that did not go": {
			before: func(c *contact.Contact) {
				e.exec("UPDATE messages SET status = 'skipped', sid = NULL, accepted_at = NULL, skip_reason = 'unreachable' WHERE contact_id = ?", c.ID)
			},
			body: "ok", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked,
		},
		"somebody who complained since": {
			before: func(c *contact.Contact) {
				_, err := e.consents.SuppressAddress(e.ctx, c.Address, "", consent.SuppressedComplaint, nil)
				require.NoError(t, err)
			},
			body: "Yes", want: contact.ConsentUnknown, is: doubleoptin.StatusCanceled,
		},
		"from another of their numbers": {
			before: func(c *contact.Contact) {
				e.exec("UPDATE opt_in_requests SET asked_key = '+4915199999999' WHERE contact_id = ?", c.ID)
			},
			body: "Yes", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked,
		},
		"after its time": {
			before: func(c *contact.Contact) {
				e.exec("UPDATE opt_in_requests SET expires_at = now() WHERE contact_id = ?", c.ID)
			},
			body: "Yes", want: contact.ConsentUnknown, is: doubleoptin.StatusAsked,
		},
	} {
		who := e.somebody()
		require.NoError(t, e.request(who), name)
		question := e.ask(who)
		if c.before != nil {
			c.before(who)
		}
		more := func(*conversation.InboundMessage) {}
		if c.more != nil {
			more = c.more(who, question)
		}
		require.Equal(t, c.want, e.says(who, c.body, more).ConsentStatus, name)
		require.Equal(t, c.is, e.newest(who).Status, name)
	}
	// Nobody was asked: a yes is no consent.
	require.Equal(t, contact.ConsentUnknown, e.says(e.somebody(), "Yes").ConsentStatus)
}

// TestWhoDidNotSayYesLeavesNothingBehind: what was recorded goes, and nobody asks again
// for a while.
func TestWhoDidNotSayYesLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	c := e.somebody()
	require.NoError(t, e.request(c))
	e.ask(c)
	e.exec("UPDATE opt_in_requests SET expires_at = now()")
	require.NoError(t, e.optIns.Run(e.ctx))
	r := e.newest(c)
	require.Equal(t, doubleoptin.StatusExpired, r.Status)
	require.Equal(t, consent.Evidence{}, r.Evidence)
	require.Nil(t, e.now(c).OptInRequestAt)
	err := e.request(c)
	require.True(t, apperr.Is(err, apperr.CodeConflict))
	require.ErrorContains(t, err, "they may be asked again from")
	e.exec("UPDATE opt_in_requests SET asked_at = asked_at - interval '31 days'")
	require.NoError(t, e.request(c))
}

// TestWhoMayNotBeAskedIsNotAsked, and an operator is told why.
func TestWhoMayNotBeAskedIsNotAsked(t *testing.T) {
	t.Parallel()
	e := start(t)
	c := e.somebody()
	require.ErrorContains(t, e.request(c), "not set up")
	e.setUp()
	_, err := e.optIns.Request(e.ctx, c.ID, consent.Change{Status: contact.ConsentOptedOut})
	require.True(t, apperr.Is(err, apperr.CodeInvalid))
	utility := agreed()
	utility.Purpose = consent.PurposeUtility
	_, err = e.optIns.Request(e.ctx, c.ID, utility)
	require.True(t, apperr.Is(err, apperr.CodeInvalid))
	_, err = e.optIns.Request(e.ctx, c.ID, consent.Change{Status: contact.ConsentOptedIn})
	require.True(t, apperr.Is(err, apperr.CodeInvalid), "without evidence there is nothing to confirm")

	out := e.somebody()
	e.says(out, "STOP")
	require.ErrorContains(t, e.request(out), "their own START")
	suppressed := e.somebody()
	_, err = e.consents.SuppressAddress(e.ctx, suppressed.Address, "", consent.SuppressedComplaint, nil)
	require.NoError(t, err)
	require.ErrorContains(t, e.request(suppressed), "suppression list")

	// Between the request and its turn.
	late := e.somebody()
	require.NoError(t, e.request(late))
	e.says(late, "STOP")
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusDeclined, e.newest(late).Status)
	complained := e.somebody()
	require.NoError(t, e.request(complained))
	_, err = e.consents.SuppressAddress(e.ctx, complained.Address, "", consent.SuppressedComplaint, nil)
	require.NoError(t, err)
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusCanceled, e.newest(complained).Status)
	recorded := e.somebody()
	require.NoError(t, e.request(recorded))
	_, err = e.consents.Set(e.ctx, recorded.ID, agreed())
	require.NoError(t, err)
	require.Equal(t, doubleoptin.StatusCanceled, e.newest(recorded).Status)
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Zero(t, e.count("SELECT count(*) FROM messages WHERE purpose = 'opt_in_question'"))
}

// TestAQuestionWaitsForItsTime: for allowed hours, unless a form is open; for the approval
// of its template, unless free text may go; and for its sender.
func TestAQuestionWaitsForItsTime(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	e.quiet = &hours.QuietHours{Start: "00:00", End: "23:59", Zone: "UTC"}
	if now := time.Now().UTC(); now.Hour() == 23 && now.Minute() == 59 {
		e.quiet = &hours.QuietHours{Start: "23:00", End: "22:59", Zone: "UTC"}
	}
	waits := func(c *contact.Contact) {
		t.Helper()
		require.NoError(t, e.optIns.Run(e.ctx))
		r := e.newest(c)
		require.Equal(t, doubleoptin.StatusWaiting, r.Status)
		require.True(t, r.NotBefore.After(time.Now()))
	}
	operators := e.somebody()
	require.NoError(t, e.request(operators))
	waits(operators)
	form := e.somebody()
	e.fillIn(form)
	e.ask(form)
	e.quiet = nil
	e.exec("UPDATE opt_in_requests SET not_before = now()")
	e.ask(operators)

	german := e.somebody(func(c *contact.Contact) { c.Locale = "de-AT" })
	require.NoError(t, e.request(german))
	waits(german)
	e.says(german, "Hallo")
	e.exec("UPDATE opt_in_requests SET not_before = now() WHERE status = 'waiting'")
	e.ask(german)
	require.Equal(t, 1, e.count(`SELECT count(*) FROM messages WHERE purpose = 'opt_in_question' AND template_version_id IS NULL
		AND body = 'Darf Shop dir hier schreiben? Antworte mit Ja oder Nein.'`))
	require.Equal(t, contact.ConsentOptedIn, e.says(german, "ja").ConsentStatus)

	e.exec("UPDATE senders SET status = 'paused'")
	stuck := e.somebody()
	require.NoError(t, e.request(stuck))
	waits(stuck)
}

// TestAnErasedPersonsRequestIsGone, and one that is merged goes along where the two are
// one account.
func TestAnErasedOrMergedPersonsRequest(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	gone := e.somebody()
	require.NoError(t, e.request(gone))
	require.NoError(t, e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
		family, err := contact.LockFamily(ctx, tx, []int64{gone.ID})
		require.NoError(t, err)
		return erasure.NewService(e.DB, e.consents, e.topics).Erase(ctx, tx, family, 0)
	}))
	require.Zero(t, e.count("SELECT count(*) FROM opt_in_requests"))

	kept, merged := e.somebody(), e.somebody()
	require.NoError(t, e.request(merged))
	e.ask(merged)
	_, err := e.merges.Merge(e.ctx, kept.ID, merged.ID)
	require.NoError(t, err)
	require.Equal(t, doubleoptin.StatusCanceled, e.newest(kept).Status, "a yes is given for a number")

	// WhatsApp names the number and the id together: they are one account.
	id := "DE.1000000000000001"
	known := e.somebody()
	require.NoError(t, e.request(known))
	e.ask(known)
	e.says(known, "Hm?", func(in *conversation.InboundMessage) { in.From = "whatsapp:" + id }) // a contact of its own as yet
	require.Equal(t, doubleoptin.StatusAsked, e.newest(known).Status)
	is := e.says(known, "Yes", func(in *conversation.InboundMessage) { in.UserIDs = []string{id} })
	require.Equal(t, contact.ConsentOptedIn, is.ConsentStatus)
}

// TestTheSettingsAreChecked before they are saved, by whoever may change them.
func TestTheSettingsAreChecked(t *testing.T) {
	t.Parallel()
	e := start(t)
	for why, set := range map[string]doubleoptin.Settings{
		"needs a fallback":      {Templates: []int64{3}, Sender: 1, ExpiresAfter: 24},
		"is not there any more": {Templates: []int64{99}, Sender: 1, ExpiresAfter: 24},
		"there is no such":      {Templates: []int64{1}, Sender: 9, ExpiresAfter: 24},
		"not from 1 to 720":     {Templates: []int64{1}, Sender: 1, ExpiresAfter: 721},
		"give 1 to 40":          {Sender: 1, ExpiresAfter: 24},
		"one for each language": {Templates: []int64{1, 1}, Sender: 1, ExpiresAfter: 24},
	} {
		err := e.optIns.Set(e.ctx, &set)
		require.True(t, apperr.Is(err, apperr.CodeInvalid), why)
		require.ErrorContains(t, err, why)
	}
	marketer := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleMarketer})
	require.True(t, apperr.Is(e.optIns.Set(marketer, nil), apperr.CodeForbidden))
	e.setUp()
	set, err := e.optIns.Settings(e.ctx)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2}, set.Templates)
	require.NoError(t, e.optIns.Set(e.ctx, nil))
	set, err = e.optIns.Settings(e.ctx)
	require.NoError(t, err)
	require.Nil(t, set)
}

// TestAListAsksAtThePaceOfItsSender, and nobody twice.
func TestAListAsksAtThePaceOfItsSender(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	e.exec("UPDATE senders SET rate_per_second = 4")
	items := make([]doubleoptin.Item, 0, 11)
	for range 10 {
		items = append(items, doubleoptin.Item{Contact: e.somebody(), Change: consent.Change{
			Status: contact.ConsentOptedIn, Source: consent.SourceImport, Evidence: consent.Evidence{File: "list.csv"},
		}})
	}
	items = append(items, items[0])
	require.NoError(t, e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := e.optIns.TakeMany(ctx, tx, items)
		require.EqualValues(t, 10, n)
		return err
	}))
	for asked := 2; asked <= 10; asked += 2 {
		require.NoError(t, e.optIns.Run(e.ctx))
		require.Equal(t, asked, e.count("SELECT count(*) FROM messages WHERE purpose = 'opt_in_question'"))
	}
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, 10, e.count("SELECT count(*) FROM messages"))
}

// TestAQuestionThatDidNotReachThemIsNone: the request ends, and they may be asked again.
func TestAQuestionThatDidNotReachThemIsNone(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	lost, there := e.somebody(), e.somebody()
	for _, c := range []*contact.Contact{lost, there} {
		require.NoError(t, e.request(c))
		e.ask(c)
	}
	e.exec("UPDATE messages SET status = 'undelivered', error_code = 63024 WHERE contact_id = ?", lost.ID)
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusAsked, e.newest(lost).Status, "it is looked at a while later")
	e.exec("UPDATE opt_in_requests SET not_before = now()")
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusCanceled, e.newest(lost).Status)
	require.Equal(t, doubleoptin.StatusAsked, e.newest(there).Status)
	require.True(t, e.newest(there).NotBefore.After(time.Now()), "and then rarely")
	require.NoError(t, e.request(lost))
}

// TestTheGateKnowsWhetherAnAnswerIsAwaited, and whether a form is still open.
func TestTheGateKnowsWhetherAnAnswerIsAwaited(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	form, operators, over := e.somebody(), e.somebody(), e.somebody()
	e.fillIn(form)
	require.NoError(t, e.request(operators))
	require.NoError(t, e.request(over))
	require.NoError(t, e.optIns.Run(e.ctx))
	e.says(over, "STOP")
	ids := []int64{*e.newest(form).MessageID, *e.newest(operators).MessageID, *e.newest(over).MessageID}
	known, err := doubleoptin.Questions(e.ctx, e.DB, ids, time.Now())
	require.NoError(t, err)
	require.Equal(t, map[int64]doubleoptin.Question{ids[0]: {Open: true, Expected: true}, ids[1]: {Open: true}}, known)
	known, err = doubleoptin.Questions(e.ctx, e.DB, ids, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.False(t, known[ids[0]].Expected)
}

// fillIn is a form that somebody sends.
func (e *env) fillIn(c *contact.Contact) {
	e.Helper()
	ch := agreed()
	ch.Source = consent.SourceForm
	_, err := e.optIns.Request(actor.With(e.Context(), actor.Actor{Kind: actor.KindAPIToken, ID: 1, Role: actor.RoleMarketer}), c.ID, ch)
	require.NoError(e, err)
}

// TestOneThatFailsKeepsNobodyBack, nor does a list keep back who has just filled in a form.
func TestOneThatFailsKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	e.exec("UPDATE senders SET rate_per_second = 2") // one question at a time
	failing, listed, form := e.somebody(), e.somebody(), e.somebody()
	require.NoError(t, e.request(failing))
	require.NoError(t, e.request(listed))
	e.fillIn(form)
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusAsked, e.newest(form).Status)
	e.exec(`CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
	e.exec(fmt.Sprintf(`CREATE TRIGGER refuse_one BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.contact_id = %d)
		EXECUTE FUNCTION refuse_one()`, failing.ID))
	require.Error(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusWaiting, e.newest(failing).Status)
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusAsked, e.newest(listed).Status)
}

// TestARestoredCopyAsksNobody while its original may: until sending is released.
func TestARestoredCopyAsksNobody(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.setUp()
	c := e.somebody()
	require.NoError(t, e.request(c))
	e.held = true
	e.exec("UPDATE opt_in_requests SET expires_at = now()")
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusWaiting, e.newest(c).Status)
	e.held = false
	require.NoError(t, e.optIns.Run(e.ctx))
	require.Equal(t, doubleoptin.StatusExpired, e.newest(c).Status)
}
