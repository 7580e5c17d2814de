package topic

import (
	"testing"

	"eventstream/server/consent"

	"github.com/stretchr/testify/require"
)

func TestFilesNameTopics(t *testing.T) {
	t.Parallel()
	b := newBook([]*Topic{
		{ID: 1, Name: "Price alerts", KeywordFolded: "news"},
		{ID: 2, Name: "Événements"},
		{ID: 3, Name: "🎉"},
		{ID: 4, Name: "News"},
	})
	for cell, want := range map[string][]int64{
		"": nil, " , ;": nil, "price  ALERTS": {1}, "evenements|Price alerts": {2, 1}, "NEWS": {4},
	} {
		ids, unknown := b.Read(cell)
		require.Equal(t, want, ids, cell)
		require.Empty(t, unknown, cell)
	}
	for cell, want := range map[string]string{"Prices": "Prices", "Événements; x": "x", "!!!": "!!!", "🎉": "🎉"} {
		_, unknown := b.Read(cell)
		require.Equal(t, want, unknown, cell)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	keyword := func(k string) error { name := "x"; return Input{Name: &name, Keyword: &k}.apply(new(Topic)) }
	for _, good := range []string{"", "NEWS", "Price alerts", "Ángebote", "停止2"} {
		require.NoError(t, keyword(good), good)
	}
	for _, bad := range []string{"all", "STOP", "stop news", "Me", "!?", "en un mot il y en a beaucoup trop"} {
		require.Error(t, keyword(bad), bad)
	}
	folded := consent.Fold("Ángebote")
	var builtIn *consent.Words
	words := builtIn.Recent(t.Context())
	k, rest := words.Command("stop angebote!")
	require.Equal(t, consent.KeywordStop, k)
	require.Equal(t, folded, rest)
	k, _ = words.Command("stop all")
	require.Equal(t, consent.KeywordNone, k, "that is a keyword of its own")
	k, rest = words.Command("opt out news")
	require.Equal(t, consent.KeywordStop, k)
	require.Equal(t, "news", rest)
}
