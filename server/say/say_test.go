package say_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"eventstream/server/say"

	"github.com/stretchr/testify/require"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return zone
}

func TestWhatDependsOnANumberHasTwoForms(t *testing.T) {
	t.Parallel()
	format := say.Format("%d <contact is|contacts are> selected by now, not %d: look again")
	for n, want := range map[int]string{
		0: "0 contacts are selected by now, not 3: look again", 1: "1 contact is selected by now, not 3: look again",
		2: "2 contacts are selected by now, not 3: look again",
	} {
		require.Equal(t, want, say.New(format, n, 3).String())
		require.Equal(t, want, say.Recall(want).String(), "it is known again, too")
	}
	german := say.Reader{Language: "de", Region: "DE"}
	require.Equal(t, "inzwischen ist 1 Kontakt ausgewählt, nicht 3: Sehen Sie noch einmal nach", german.Say(say.New(format, int64(1), 3)),
		"forms before the first number are of it")
	require.Equal(t, "inzwischen sind 2 Kontakte ausgewählt, nicht 1: Sehen Sie noch einmal nach", german.Say(say.Recall("2 contacts are selected by now, not 1: look again")))
	require.Equal(t, "Innerhalb der Grenze der Kampagne: 3 Nachrichten aller Kampagnen in 1 Tag.",
		german.Say(say.New("Within the campaign's cap: %d <message|messages> of all campaigns in %d <day|days>.", 3, 1)), "each is of its own number")
	require.Equal(t, "<a|b> is no <thing>", say.New("%s is no <thing>", "<a|b>").String(), "what people write is not looked into")
}

func TestHowLongIsSaidAsPeopleDo(t *testing.T) {
	t.Parallel()
	for of, want := range map[time.Duration]string{
		0: "less than 1 ms", 200 * time.Microsecond: "less than 1 ms", 1200 * time.Microsecond: "1 ms", 340 * time.Millisecond: "340 ms",
		1490 * time.Millisecond: "1.5 s", 12400 * time.Millisecond: "12 s", 59600 * time.Millisecond: "1 min", 200 * time.Second: "3 min 20 s",
		time.Hour: "1 h", 90 * time.Minute: "1 h 30 min", 49 * time.Hour: "2 days", -3 * time.Second: "3 s",
	} {
		require.Equal(t, want, say.New("%s", of).String(), of.String())
	}
	require.Equal(t, "antwortet in 1,5 s", say.Reader{Language: "de", Region: "DE"}.Say(say.New("answers in %s", 1490*time.Millisecond)))
}

func TestATextIsSaidInTheLanguageOfWhoReads(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 7, 16, 4, 30, 0, time.UTC)
	long := say.New("a description has at most %d characters", 1500)
	quoted := say.New("there is a segment named %q already", `the "best"`)
	past := say.New("%s is in the past", at)
	within := say.New("the segment %q names this one, and then: %s", "VIP", long)
	zone := berlin(t)
	for name, c := range map[string]struct {
		reader                  say.Reader
		long, quoted, past, all string
	}{
		"a program": {
			say.Reader{},
			"a description has at most 1500 characters", `there is a segment named "the \"best\"" already`,
			"2026-09-07 16:04 UTC is in the past",
			`the segment "VIP" names this one, and then: a description has at most 1500 characters`,
		},
		"somebody in the US": {
			say.Reader{Language: "en", Region: "US", Zone: zone},
			"a description has at most 1,500 characters",
			"there is a segment named “the \"best\"” already", "Sep 7, 2026, 6:04\u00a0PM is in the past",
			"the segment “VIP” names this one, and then: a description has at most 1,500 characters",
		},
		"somebody in Germany": {
			say.Reader{Language: "de", Region: "DE", Zone: zone},
			"eine Beschreibung hat höchstens 1.500 Zeichen",
			"es gibt schon ein Segment namens „the \"best\"“", "07.09.2026, 18:04 liegt in der Vergangenheit",
			"das Segment „VIP“ nennt dieses, und dann: Eine Beschreibung hat höchstens 1.500 Zeichen",
		},
		"somebody in Spain": {
			say.Reader{Language: "es", Region: "ES", Zone: zone},
			"una descripción tiene 1500 caracteres como máximo",
			"ya hay un segmento llamado «the \"best\"»", "7 sept 2026, 18:04 está en el pasado",
			"el segmento «VIP» nombra a este, y entonces: una descripción tiene 1500 caracteres como máximo",
		},
		"somebody in Mexico": {
			say.Reader{Language: "es", Region: "MX", Zone: zone},
			"una descripción tiene 1,500 caracteres como máximo",
			"ya hay un segmento llamado «the \"best\"»", "7 sept 2026, 6:04\u00a0p.\u00a0m. está en el pasado",
			"el segmento «VIP» nombra a este, y entonces: una descripción tiene 1,500 caracteres como máximo",
		},
	} {
		require.Equal(t, c.long, c.reader.Say(long), name)
		require.Equal(t, c.quoted, c.reader.Say(quoted), name)
		require.Equal(t, c.past, c.reader.Say(past), name)
		require.Equal(t, c.all, c.reader.Say(within), name)
	}
	unknown := say.Raw("Error 100% sure")
	require.Equal(t, "Error 100% sure", say.Reader{Language: "de"}.Say(unknown), "what others wrote stays as it is")
}

func TestAMomentIsWrittenToTheSecondWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 7, 16, 4, 30, 0, time.UTC)
	handed := say.New("%s.", say.New("Handed to Twilio %s", say.Second(at)))
	for tag, want := range map[string]string{
		"":      "Handed to Twilio 2026-09-07 16:04:30 UTC.",
		"en-US": "Handed to Twilio Sep 7, 2026, 6:04:30\u00a0PM.",
		"de-DE": "An Twilio übergeben am 07.09.2026, 18:04:30.",
		"es-ES": "Entregado a Twilio el 7 sept 2026, 18:04:30.",
		"es-MX": "Entregado a Twilio el 7 sept 2026, 6:04:30\u00a0p.\u00a0m.", // one stop, that of "p. m."
	} {
		zone := ""
		if tag != "" {
			zone = "Europe/Berlin"
		}
		require.Equal(t, want, say.ReaderOf(tag, zone).Say(handed), tag)
	}
}

func TestNumbersAreWrittenAsTheRegionDoes(t *testing.T) {
	t.Parallel()
	rate := say.New("%g is out of range: 0.01 to %g messages a second", 0.5, 80.0)
	for tag, want := range map[string]string{
		"de-DE": "0,5 liegt außerhalb des Bereichs: 0,01 bis 80 Nachrichten je Sekunde",
		"en-GB": "0.5 is out of range: 0.01 to 80 messages a second",
		"fr-FR": "0.5 is out of range: 0.01 to 80 messages a second",
	} {
		if tag == "fr-FR" {
			require.Equal(t, "en", say.ReaderOf(tag, "").Language, "a language that is not spoken here is answered in English")
			continue
		}
		require.Equal(t, want, say.ReaderOf(tag, "").Say(rate), tag)
	}
}

func TestWhoReadsIsHeardFromTheRequest(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]say.Reader{
		"":                            {},
		"*":                           {},
		"de-AT, en;q=0.5":             {Language: "de", Region: "AT"},
		"pt-BR, es;q=0.8":             {Language: "es", Region: "BR"},
		"es-419":                      {Language: "es", Region: "419"},
		"nonsense;;q=x":               {},
		strings.Repeat("de,", 10_000): {},
	} {
		require.Equal(t, want, say.ReaderOf(header, ""), header)
	}
	require.Nil(t, say.ReaderOf("de", "Narnia/Lantern").Zone)
	require.Nil(t, say.ReaderOf("de", "../../etc/passwd").Zone)
	var heard say.Reader
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard = say.From(r.Context()) })
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/graphql", http.NoBody)
	r.Header.Set(say.LanguageHeader, "es-MX")
	r.Header.Set(say.ZoneHeader, "Europe/Berlin")
	say.Listen(next).ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, "es", heard.Language)
	require.Equal(t, "Europe/Berlin", heard.Zone.String())
}

func TestWhatWasKeptInEnglishIsRecalled(t *testing.T) {
	t.Parallel()
	german := say.Reader{Language: "de", Region: "DE"}
	for kept, want := range map[string]string{
		"the segment matches nobody":                      "das Segment trifft auf niemanden zu",
		"none of the campaign's 1200 senders is active":   "keiner der 1.200 Absender der Kampagne ist aktiv",
		`there is a segment named "VIP \"gold\"" already`: "es gibt schon ein Segment namens „VIP \"gold\"“",
		"starting took longer than 10s":                   "der Start hat länger als 10s gedauert",
		`the segment "A" names this one, and then: the segments name each other in a circle`: "das Segment „A“ nennt dieses, " +
			"und dann: Die Segmente verweisen im Kreis aufeinander",
		"Ada stopped it for lunch":       "Ada stopped it for lunch",
		"Too many since Monday, by Ada.": "Too many since Monday, by Ada.",
		"":                               "",
	} {
		require.Equal(t, want, german.Say(say.Recall(kept)), kept)
		require.Equal(t, kept, say.Recall(kept).String(), "in English it is what was kept")
	}
}
