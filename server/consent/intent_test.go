package consent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatAMessageAsksFor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Keyword{
		"STOP": KeywordStop, " stop. ": KeywordStop, "Stop!!": KeywordStop, "ｓｔｏｐ": KeywordStop, "s\u200btop": KeywordStop,
		"𝐒𝐓𝐎𝐏": KeywordStop, "STOP STOP STOP": KeywordStop, "stooop": KeywordStop, "🛑 stop 🛑": KeywordStop,
		"STOP please": KeywordStop, "please stop": KeywordStop, "Unsubscribe me": KeywordStop, "stop messaging me": KeywordStop,
		"Stop promotions": KeywordStop, "no más mensajes": KeywordStop, "keine Werbung mehr": KeywordStop,
		"me désabonner": KeywordStop, "NO MÁS MENSAJES": KeywordStop, "Arrêt": KeywordStop, "İPTAL": KeywordStop, "IPTAL": KeywordStop,
		"退订": KeywordStop, "СТОП": KeywordStop, "opt-out": KeywordStop, "Don’t text me": KeywordStop, "إِيقَاف": KeywordStop,
		"توقـــف": KeywordStop, "stop\n\nSent from my iPhone": KeywordStop, "STOP spam": KeywordStop, "stop ese número": KeywordStop,
		"請不要再傳訊息給我": KeywordStop, "もう送らないでください": KeywordStop, "문자 보내지 마세요": KeywordStop, "หยุดส่งข้อความค่ะ": KeywordStop,
		"START": KeywordStart, "unstop": KeywordStart, "Start please": KeywordStart, "Help": KeywordHelp,
		"yes": KeywordNone, "Yes please": KeywordNone, "cancel my order": KeywordNone, "where is the bus stop": KeywordNone,
		"soy alto": KeywordNone, "basta che arrivi": KeywordNone, "stop by at 3": KeywordNone, "": KeywordNone, "the end": KeywordNone,
		"👍": KeywordNone, "no": KeywordNone, "đúng": KeywordNone, "I'll stop by later": KeywordNone, "No thanks": KeywordNone,
		"don't stop": KeywordNone, "non-stop": KeywordNone,
	} {
		require.Equal(t, want, builtIn().Understand(Said{Body: text}).Keyword, text)
	}
	for _, text := range []string{
		"Hello, I have told you three times that I don't want to receive these offers, what is wrong with you people?",
		"¿Cómo hago para que no me escriban más? Ya se los pedí varias veces.",
		"Wie oft soll ich noch sagen, dass ich keine Werbung will und meine Nummer löschen lassen möchte",
	} {
		got := builtIn().Understand(Said{Body: text})
		require.True(t, got.Review || got.Keyword == KeywordStop, text)
	}
	for _, text := range []string{"stop by at 3", "Can I cancel my order?", "What time do you open?", "Thanks, see you tomorrow!"} {
		require.Equal(t, Intent{}, builtIn().Understand(Said{Body: text}), text)
	}
}

func TestButtonsAndTheProvidersWordDecide(t *testing.T) {
	t.Parallel()
	for _, s := range []Said{
		{Body: "ok", ButtonPayload: "STOP"},
		{Body: "ok", ButtonPayload: "OPT_OUT"},
		{Body: "ok", ButtonPayload: "optout"},
		{ButtonText: "Stop promotions"},
		{ButtonText: "Detener promociones"},
		{Body: "whatever", Provider: KeywordStop},
	} {
		require.Equal(t, KeywordStop, builtIn().Understand(s).Keyword, "%+v", s)
	}
	require.Equal(t, KeywordNone, builtIn().Understand(Said{Body: "YES", Provider: KeywordStart}).Keyword)
	require.Equal(t, KeywordStart, builtIn().Understand(Said{Body: "START", Provider: KeywordStart}).Keyword)
	require.Equal(t, KeywordNone, builtIn().Understand(Said{Body: "Show me", ButtonPayload: "show_offers"}).Keyword)
}
