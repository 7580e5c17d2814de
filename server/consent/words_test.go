package consent_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// What one process changes, another reads with its next message; binding words stay,
// evidence names the version, and what is switched off goes to a person.
func TestAWorkspacesOwnWords(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	words := func() *consent.Words {
		return consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"), time.Now).Words
	}
	here, there := words(), words()
	ctx := actor.With(t.Context(), actor.System)
	read := func(body string) consent.Intent {
		t.Helper()
		v, err := there.Now(ctx)
		require.NoError(t, err)
		return v.Understand(consent.Said{Body: body})
	}
	phrase := func(language, text string) consent.Phrase {
		return consent.Phrase{Language: language, Meaning: consent.KeywordStop, Text: text}
	}
	before := read("STOP").Words
	require.Empty(t, read("Schnabeltier").Keyword)

	_, err := here.Add(ctx, phrase("de", "Schnabeltier"))
	require.NoError(t, err)
	got := read("bitte Schnabeltier!")
	require.Equal(t, consent.KeywordStop, got.Keyword)
	require.NotEqual(t, before, got.Words, "the evidence names what the word came with")
	require.True(t, strings.HasSuffix(got.Words, "/1"), got.Words)
	require.Eventually(t, func() bool {
		return there.Recent(ctx).Understand(consent.Said{Body: "schnabeltier"}).Keyword == consent.KeywordStop
	}, 10*time.Second, 10*time.Millisecond, "without waiting for the database")

	_, err = here.Switch(ctx, phrase("es", "alto"), false)
	require.NoError(t, err)
	got = read("ALTO")
	require.Empty(t, got.Keyword)
	require.True(t, got.Review, "a person looks at it")
	_, err = here.Switch(ctx, phrase("es", "alto"), true)
	require.NoError(t, err)
	require.Equal(t, consent.KeywordStop, read("alto").Keyword)

	_, err = here.Remove(ctx, phrase("de", "schnabeltier"))
	require.NoError(t, err)
	require.Empty(t, read("Schnabeltier").Keyword)

	for _, bad := range []struct {
		does func(ctx context.Context) error
		want string
	}{
		{func(ctx context.Context) error { _, err := here.Switch(ctx, phrase("en", "Stop"), false); return err }, "cannot be switched off"},
		{func(ctx context.Context) error { _, err := here.Switch(ctx, phrase("af", "stop"), false); return err }, "cannot be switched off"},
		{func(ctx context.Context) error { _, err := here.Switch(ctx, phrase("es", "xyz"), false); return err }, "no built-in phrase"},
		{func(ctx context.Context) error {
			_, err := here.Add(ctx, consent.Phrase{Language: "en", Meaning: consent.KeywordStart, Text: "Yes!"})
			return err
		}, "no consent by itself"},
		{func(ctx context.Context) error {
			_, err := here.Add(ctx, consent.Phrase{Language: "en", Meaning: consent.KeywordStart, Text: "stop"})
			return err
		}, "has one meaning"},
		{func(ctx context.Context) error {
			_, err := here.Add(ctx, consent.Phrase{Language: "en", Meaning: consent.KeywordHelp, Text: "no more texts please"})
			return err
		}, "opt-out"},
		{func(ctx context.Context) error { _, err := here.Add(ctx, phrase("xx", "word")); return err }, "none of the languages"},
		{func(ctx context.Context) error { _, err := here.Add(ctx, phrase("en", "!!!")); return err }, "is no phrase"},
		{func(ctx context.Context) error {
			_, err := here.Add(ctx, phrase("en", strings.Repeat("a", 61)))
			return err
		}, "is no phrase"},
		{func(ctx context.Context) error { _, err := here.Remove(ctx, phrase("en", "never added")); return err }, "that were added"},
		{func(ctx context.Context) error {
			long := strings.Repeat("é", consent.MaxAnswer+1)
			_, err := here.SetAnswers(ctx, "en", &long, nil, nil, nil, nil)
			return err
		}, "at most 1000 characters"},
		{func(ctx context.Context) error {
			text := "You have left."
			_, err := here.SetAnswers(ctx, "en", nil, nil, nil, &text, nil)
			return err
		}, "{topic}"},
	} {
		require.ErrorContains(t, bad.does(ctx), bad.want)
	}
	require.Error(t, func() error {
		_, err := here.Add(actor.With(t.Context(), actor.Contact(1)), phrase("en", "enough already"))
		return err
	}(), "admins alone")

	var entries []string
	require.NoError(t, d.NewRaw("SELECT action FROM audit_entries ORDER BY id").Scan(ctx, &entries))
	require.Equal(t, []string{"keyword.add", "keyword.switch", "keyword.switch", "keyword.remove"}, entries)
	_, err = d.NewRaw("UPDATE keyword_versions SET changes = '{}'").Exec(ctx)
	require.ErrorContains(t, err, "append-only", "a version stays what it was")
}

func TestAnswersComeInTheLanguageOfTheWord(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	words := consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"), time.Now).Words
	ctx := actor.With(t.Context(), actor.System)
	own := "Tschüss!"
	_, err := words.SetAnswers(ctx, "de", &own, nil, nil, nil, nil)
	require.NoError(t, err)
	v, err := words.Now(ctx)
	require.NoError(t, err)
	for _, c := range []struct{ body, locale, language, begins string }{
		{"BAJA", "de_DE", "es", "Se ha dado de baja"}, // the word's own
		{"STOP", "fr-FR", "fr", "Vous êtes"},          // a word of many languages: the contact's
		{"STOP", "", "en", "You are unsubscribed"},    // else English
		{"STOP", "xx", "en", "You are unsubscribed"},
		{"abmelden", "", "de", "Tschüss!"}, // what the workspace wrote
	} {
		in := v.Understand(consent.Said{Body: c.body, Locale: c.locale})
		require.Equal(t, consent.KeywordStop, in.Keyword, c.body)
		a := v.AnswersFor(in.Language, c.locale)
		require.True(t, strings.HasPrefix(a.Stop, c.begins), fmt.Sprintf("%+v: %s %q", c, in.Language, a.Stop))
	}
}

// held is a database that keeps whoever asks for changed words waiting.
type held struct {
	bun.IDB
	asked, answer chan struct{}
}

func (h held) NewRaw(query string, args ...any) *bun.RawQuery {
	if strings.Contains(query, "SELECT changes") {
		close(h.asked)
		<-h.answer
	}
	return h.IDB.NewRaw(query, args...)
}

// TestRecentWaitsForNoDatabase: the webhook reads a message while another transaction
// waits for new words.
func TestRecentWaitsForNoDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"), time.Now)
	ctx := actor.With(t.Context(), actor.System)
	_, err := s.Words.Add(ctx, consent.Phrase{Language: "de", Meaning: consent.KeywordStop, Text: "Schnabeltier"})
	require.NoError(t, err)
	h := held{d, make(chan struct{}), make(chan struct{})}
	read := make(chan *consent.Vocabulary, 1)
	go func() {
		v, err := s.Words.In(ctx, h)
		assert.NoError(t, err)
		read <- v
	}()
	<-h.asked
	recent := make(chan struct{})
	go func() {
		s.Words.Recent(ctx)
		close(recent)
	}()
	select {
	case <-recent:
	case <-time.After(time.Minute):
		t.Error("it waits")
	}
	close(h.answer)
	require.EqualValues(t, 1, (<-read).Version)
	<-recent
}
