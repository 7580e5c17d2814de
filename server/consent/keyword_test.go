package consent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDetectKeyword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Keyword{
		"STOP": KeywordStop, " stop. ": KeywordStop, "Stop!!": KeywordStop, "ｓｔｏｐ": KeywordStop, "s\u200btop": KeywordNone,
		"NO MÁS": KeywordStop, "no mas": KeywordStop,
		"Arrêt": KeywordStop, "İPTAL": KeywordStop, "iptal": KeywordStop, "退订": KeywordStop, "СТОП": KeywordStop,
		"opt-out": KeywordStop,
		"START":   KeywordStart, "unstop": KeywordStart, "yes": KeywordStart, "Help": KeywordHelp,
		"cancel my order": KeywordNone, "stop sending me this": KeywordNone, "": KeywordNone, "the end": KeywordNone,
		"👍": KeywordNone,
	} {
		require.Equal(t, want, DetectKeyword(text), text)
	}
}

func TestHashIsKeyed(t *testing.T) {
	t.Parallel()
	require.Equal(t, NewHasher("a").Hash("+49"), NewHasher("a").Hash("+49"))
	require.NotEqual(t, NewHasher("a").Hash("+49"), NewHasher("b").Hash("+49"))
}
