package consent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzUnderstand: any text means one of the things that there are, the same each time, and whatever
// a person writes around it, Twilio's own STOP is one.
func FuzzUnderstand(f *testing.F) {
	for _, text := range []string{
		"STOP", "stop please", "no más mensajes", "𝕊𝕋𝕆𝕡", "s\u200bt\u200bo\u200bp", "توقف", "रोकें", "停止", "İPTAL",
		"Stop!\n\nSent from my iPhone", "🛑", "", "\xff\xfe", "\u0301\u0301\u0301",
	} {
		f.Add(text, "de")
	}
	f.Fuzz(func(t *testing.T, body, locale string) {
		in := builtIn().Understand(Said{Body: body, Locale: locale})
		require.Equal(t, in, builtIn().Understand(Said{Body: body, Locale: locale}))
		require.Equal(t, KeywordStop, builtIn().Understand(Said{Body: body, Locale: locale, Provider: KeywordStop}).Keyword)
		require.Equal(t, Fold(body), Fold(Fold(body)), "what was folded stays as it is")
	})
}
