package conversation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/stretchr/testify/require"
)

func (i *inbox) conversation(id int64) *Conversation {
	i.t.Helper()
	c, err := i.ByID(i.ctx, id)
	require.NoError(i.t, err)
	return c
}

func (i *inbox) list(f Filter) (ids []int64) {
	i.t.Helper()
	s, err := i.List(i.ctx, f, db.Page{})
	require.NoError(i.t, err)
	for _, c := range s.Items {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestAnOptOutThatWasObeyedNeedsNobody(t *testing.T) {
	t.Parallel()
	campaign := func(i *inbox) {
		i.exec("INSERT INTO contacts (address, match_key, kind, consent_status) VALUES ('+4915112345678', '+4915112345678', 'phone', 'opted_in')")
		i.exec(`INSERT INTO messages (direction, purpose, contact_id, sender_id, status, sid, body, accepted_at)
			VALUES ('outbound', 'reply', 1, 1, 'delivered', 'SMa', 'Our autumn sale has started', now())`)
	}
	for name, c := range map[string]struct {
		before func(*inbox)
		says   string
		status string
		unread int
	}{
		"STOP after a campaign": {campaign, "STOP", StatusClosed, 0},
		"a first word":          {func(*inbox) {}, "stop", StatusClosed, 0},
		"no more of a topic": {func(i *inbox) {
			i.says("START offers")
			i.exec("UPDATE conversations SET unread = 0, status = 'closed'")
		}, "STOP offers", StatusClosed, 0},
		"STOP again":             {func(i *inbox) { i.says("STOP") }, "STOP", StatusClosed, 0},
		"a provider's STOP":      {campaign, "Stop promotions", StatusClosed, 0},
		"a question nobody read": {func(i *inbox) { i.says("Where is my parcel?") }, "STOP", StatusOpen, 2},
		"a question nobody answered": {func(i *inbox) {
			i.says("Where is my parcel?")
			i.exec("UPDATE conversations SET unread = 0")
		}, "STOP", StatusOpen, 1},
		"a question that was put away": {func(i *inbox) {
			i.says("Thanks!")
			i.exec("UPDATE conversations SET unread = 0, status = 'closed'")
		}, "STOP", StatusClosed, 0},
		"a topic while a review waits": {func(i *inbox) {
			i.says("START offers")
			i.says("Hola, no sé de dónde sacaron mi número, pero ya no quiero recibir más publicidad de ustedes, muchas gracias")
			i.exec("UPDATE conversations SET unread = 0, status = 'closed'")
		}, "STOP offers", StatusOpen, 1},
		"START": {campaign, "START", StatusOpen, 1},
		"HELP":  {campaign, "HELP", StatusOpen, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := open(t)
			c.before(i)
			news := i.says(c.says, func(in *InboundMessage) {
				if c.says == "Stop promotions" {
					in.OptOut = consent.KeywordStop
				}
			})
			got := i.conversation(news.ConversationID)
			require.Equal(t, c.status, got.Status)
			require.Equal(t, c.unread, got.Unread)
		})
	}
}

func TestASnoozeEndsAtItsMomentOrWhenTheyWrite(t *testing.T) {
	t.Parallel()
	i := open(t)
	id := i.says("Call me tomorrow").ConversationID
	for until, text := range map[time.Time]string{
		time.Now().Add(-time.Minute):         "in the past",
		time.Now().Add(367 * 24 * time.Hour): "more than a year ahead",
	} {
		_, err := i.Snooze(i.ctx, id, until)
		require.ErrorContains(t, err, text)
		e := new(apperr.Error)
		require.ErrorAs(t, err, &e)
		require.Equal(t, []string{"until"}, e.Field)
	}
	c, err := i.Snooze(i.ctx, id, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, StatusClosed, c.Status)
	yes, no := true, false
	require.Equal(t, []int64{id}, i.list(Filter{Status: StatusClosed, Snoozed: &yes}))
	require.Empty(t, i.list(Filter{Status: StatusClosed, Snoozed: &no}))
	n, err := i.Wake(i.ctx, WakeBatch)
	require.NoError(t, err)
	require.Zero(t, n, "its moment has not come")
	i.exec("UPDATE conversations SET snoozed_until = now() - interval '1 second'")
	n, err = i.Wake(i.ctx, WakeBatch)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	c = i.conversation(id)
	require.Equal(t, StatusOpen, c.Status)
	require.Equal(t, 1, c.Unread, "so that it is seen")
	require.Nil(t, c.SnoozedUntil)
	require.Equal(t, 1, i.count("SELECT count(*) FROM audit_entries WHERE action = 'conversation.reopen' AND actor_kind = 'system'"))
	n, err = i.Wake(i.ctx, WakeBatch)
	require.NoError(t, err)
	require.Zero(t, n)

	_, err = i.Snooze(i.ctx, id, time.Now().Add(time.Hour))
	require.NoError(t, err)
	i.says("Here I am again")
	c = i.conversation(id)
	require.Equal(t, StatusOpen, c.Status)
	require.Nil(t, c.SnoozedUntil)

	// What the previous version opens has its moment still: it is taken away, and nothing else is changed.
	i.exec("UPDATE conversations SET snoozed_until = now() - interval '1 second', unread = 0, status = 'open'")
	_, err = i.Wake(i.ctx, WakeBatch)
	require.NoError(t, err)
	c = i.conversation(id)
	require.Zero(t, c.Unread)
	require.Nil(t, c.SnoozedUntil)
	for _, end := range []bool{true, false} {
		_, err = i.Snooze(i.ctx, id, time.Now().Add(time.Hour))
		require.NoError(t, err)
		c, err = i.Close(i.ctx, id, end)
		require.NoError(t, err)
		require.Nil(t, c.SnoozedUntil, "closing and reopening end it")
	}
}

func TestNotesAreKeptAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	i := open(t)
	i.exec("INSERT INTO operators (email, name, role, password_hash) VALUES ('m@shop.example', 'M', 'marketer', '')")
	news := i.says("Hello")
	me := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleMarketer})
	for _, body := range []string{" \n ", strings.Repeat("ä", maxNote+1)} {
		_, err := i.AddNote(me, news.ConversationID, body)
		require.ErrorContains(t, err, "a note has 1 to 4000 characters")
	}
	_, err := i.AddNote(actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer}), news.ConversationID, "x")
	require.True(t, apperr.Is(err, apperr.CodeForbidden))
	_, err = i.AddNote(me, 999, "x")
	require.True(t, apperr.Is(err, apperr.CodeInvalid) || apperr.Is(err, apperr.CodeNotFound), "%v", err)
	for n := range 3 {
		note, err := i.AddNote(me, news.ConversationID, fmt.Sprintf("Note %d", n))
		require.NoError(t, err)
		require.EqualValues(t, 1, *note.OperatorID)
	}
	reply, err := i.Answer(me, Reply{ConversationID: news.ConversationID, Body: "Hi"})
	require.NoError(t, err)
	require.Equal(t, 1, i.count("SELECT count(*) FROM messages WHERE id = ? AND operator_id = 1", reply.ID), "who wrote it is kept")
	two := 2
	pages, err := i.NotesOf(me, db.Page{First: &two}, []int64{news.ConversationID})
	require.NoError(t, err)
	page := pages[news.ConversationID]
	require.Equal(t, "Note 2", page.Items[0].Body, "the newest first")
	require.True(t, page.HasNext)
	pages, err = i.NotesOf(me, db.Page{After: NoteCursor(page.Items[1])}, []int64{news.ConversationID})
	require.NoError(t, err)
	require.Len(t, pages[news.ConversationID].Items, 1)
	for _, sql := range []string{
		"UPDATE conversation_notes SET body = 'Another'", "UPDATE conversation_notes SET operator_id = NULL",
		"DELETE FROM conversation_notes", "TRUNCATE conversation_notes",
	} {
		_, err := i.db.NewRaw(sql).Exec(i.ctx)
		require.ErrorContains(t, err, "append-only", sql)
	}
	require.Zero(t, i.count("SELECT count(*) FROM messages WHERE body LIKE 'Note%'"), "a note is no message")
	require.Zero(t, i.count("SELECT count(*) FROM audit_entries WHERE changes::text LIKE '%Note 1%'"), "the trail does not repeat it")
	i.exec("UPDATE contacts SET erased_at = now()")
	_, err = i.AddNote(me, news.ConversationID, "About nobody")
	require.ErrorContains(t, err, "erased")
}

func TestLabelsSortConversations(t *testing.T) {
	t.Parallel()
	i := open(t)
	label := func(name string) int64 {
		gray := "gray"
		l, err := i.CreateLabel(i.ctx, LabelInput{Name: &name, Color: &gray})
		require.NoError(t, err)
		return l.ID
	}
	ann := i.says("Hello").ConversationID
	ben := i.says("Hi", func(in *InboundMessage) { in.From = "whatsapp:+4915112345679" }).ConversationID
	complaint, urgent := label("Complaint"), label("Urgent")
	for field, in := range map[string]LabelInput{
		"name":  {Name: new("complaint"), Color: new("red")},
		"color": {Name: new("Other"), Color: new("magenta")},
	} {
		_, err := i.CreateLabel(i.ctx, in)
		require.True(t, apperr.Is(err, apperr.CodeInvalid))
		require.ErrorContains(t, err, map[string]string{"name": "already", "color": "gray, red"}[field])
	}
	_, err := i.CreateLabel(i.ctx, LabelInput{Name: new(strings.Repeat("x", 41)), Color: new("red")})
	require.ErrorContains(t, err, "1 to 40 characters")
	_, err = i.ChangeLabels(i.ctx, ann, []int64{complaint, urgent}, nil)
	require.NoError(t, err)
	_, err = i.ChangeLabels(i.ctx, ben, []int64{complaint, complaint}, []int64{urgent})
	require.NoError(t, err, "what it has already and what it has not are no errors")
	require.ElementsMatch(t, []int64{ann, ben}, i.list(Filter{Labels: []int64{complaint}}))
	require.Equal(t, []int64{ann}, i.list(Filter{Labels: []int64{complaint, urgent}}))
	of, err := i.LabelsOf(i.ctx, []int64{ann, ben})
	require.NoError(t, err)
	require.Equal(t, "Complaint", of[ann][0].Name)
	require.Len(t, of[ben], 1)

	_, err = i.ChangeLabels(i.ctx, ben, []int64{urgent, 999}, nil)
	require.ErrorContains(t, err, "there is no label 999")
	var many []int64
	for n := range maxLabelled {
		many = append(many, label(fmt.Sprintf("Label %d", n)))
	}
	_, err = i.ChangeLabels(i.ctx, ben, many, nil)
	require.ErrorContains(t, err, "at most 20 labels, this one would have 21")
	require.Equal(t, 1, i.count("SELECT count(*) FROM conversation_labels WHERE conversation_id = ?", ben), "nothing half-done stays")
	_, err = i.ChangeLabels(i.ctx, ben, many, []int64{complaint})
	require.NoError(t, err)

	renamed, err := i.UpdateLabel(i.ctx, urgent, LabelInput{Name: new("Very urgent")})
	require.NoError(t, err)
	require.Equal(t, "gray", renamed.Color)
	require.NoError(t, i.DeleteLabel(i.ctx, urgent))
	require.Empty(t, i.list(Filter{Labels: []int64{urgent}}))
	require.True(t, apperr.Is(i.DeleteLabel(i.ctx, urgent), apperr.CodeInvalid) || apperr.Is(i.DeleteLabel(i.ctx, urgent), apperr.CodeNotFound))
	require.Equal(t, 1, i.count("SELECT count(*) FROM audit_entries WHERE action = 'label.delete'"))
}

func TestCannedRepliesAreFilledForTheContact(t *testing.T) {
	t.Parallel()
	i := open(t)
	for text, in := range map[string]CannedInput{
		"is not a name of a reply":        {Name: new("opening hours"), Body: new("We are open.")},
		"1 to 1600 characters":            {Name: new("empty"), Body: new(" ")},
		"did you mean {{attributes.city}": {Name: new("city"), Body: new("{{city}}")},
	} {
		_, err := i.CreateCanned(i.ctx, in)
		require.ErrorContains(t, err, text)
	}
	r, err := i.CreateCanned(i.ctx, CannedInput{Name: new("hello"), Body: new("Hi {{name | there}}, {{attributes.city}} calls.")})
	require.NoError(t, err)
	_, err = i.CreateCanned(i.ctx, CannedInput{Name: new("HELLO"), Body: new("Hi")})
	require.ErrorContains(t, err, "already")
	text, missing, err := r.For(&contact.Contact{Name: "Ann", Attributes: map[string]any{}})
	require.NoError(t, err)
	require.Equal(t, "Hi Ann, {{attributes.city}} calls.", text)
	require.Equal(t, []string{"attributes.city"}, missing)
	r, err = i.UpdateCanned(i.ctx, r.ID, CannedInput{Body: new("Hi {{name}}")})
	require.NoError(t, err)
	require.Equal(t, "hello", r.Name)
	all, err := i.CannedReplies(i.ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NoError(t, i.DeleteCanned(i.ctx, r.ID))
	_, err = i.CannedByID(i.ctx, r.ID)
	require.Error(t, err)
}

func TestAConversationIsMadeToWriteFirst(t *testing.T) {
	t.Parallel()
	i := open(t)
	i.exec("INSERT INTO contacts (address, match_key, kind) VALUES ('+4915112345678', '+4915112345678', 'phone')")
	c, err := i.OpenFor(i.ctx, 1)
	require.NoError(t, err)
	require.False(t, c.Open(time.Now()))
	require.Empty(t, i.list(Filter{}), "nothing was written yet")
	again, err := i.OpenFor(i.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, c.ID, again.ID)
	require.Equal(t, c.ID, i.says("Hello").ConversationID)
	require.Equal(t, []int64{c.ID}, i.list(Filter{}))
	i.exec("UPDATE contacts SET erased_at = now()")
	_, err = i.OpenFor(i.ctx, 1)
	require.ErrorContains(t, err, "erased")
	_, err = i.OpenFor(i.ctx, 99)
	require.Error(t, err)
}

func TestUnreadConversationsAreCountedSoFar(t *testing.T) {
	t.Parallel()
	i := open(t)
	n, err := i.CountUnread(i.ctx)
	require.NoError(t, err)
	require.Zero(t, n)
	i.exec(`INSERT INTO contacts (address, match_key, kind) SELECT '+4915200' || g, '+4915200' || g, 'phone' FROM generate_series(1, 1200) g`)
	i.exec("INSERT INTO conversations (contact_id, unread, last_message_at) SELECT id, id % 2 + 1, now() FROM contacts WHERE id <= 40")
	n, err = i.CountUnread(i.ctx)
	require.NoError(t, err)
	require.Equal(t, 40, n, "conversations, not messages")
	i.exec("INSERT INTO conversations (contact_id, unread, last_message_at) SELECT id, 1, now() FROM contacts WHERE id > 40")
	n, err = i.CountUnread(i.ctx)
	require.NoError(t, err)
	require.Equal(t, CountedUnread+1, n)
	_, err = i.CountUnread(context.Background())
	require.Error(t, err)
}
