package say

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Reader is who reads: their language and region, and the zone in which times are shown to
// them. The zero Reader is a program: English, plain numbers, UTC.
type Reader struct {
	Language string // en, de or es; empty: a program
	Region   string // such as DE; empty: not known
	Zone     *time.Location
}

// The headers by which a client says who reads. WebSockets give them in the payload of
// connection_init, for browsers set no headers there.
const (
	LanguageHeader = "Accept-Language"
	ZoneHeader     = "Time-Zone"
)

var spoken = language.NewMatcher([]language.Tag{language.English, language.German, language.Spanish})

// ReaderOf reads what a client said about its reader: languages as in Accept-Language, and
// an IANA time zone. Nobody's name for a language is refused: what is not spoken here is
// answered in English.
func ReaderOf(languages, zone string) Reader {
	var r Reader
	const longest = 200 // browsers send a tenth of it
	if len(languages) > longest || len(zone) > longest {
		return r
	}
	if tags, _, err := language.ParseAcceptLanguage(languages); err == nil && len(tags) > 0 && !anyLanguage(tags[0]) {
		_, i, _ := spoken.Match(tags...)
		r.Language = []string{"en", "de", "es"}[i]
		if region, sure := tags[0].Region(); sure != language.No {
			r.Region = region.String()
		}
	}
	if zone != "" && zone != "Local" {
		r.Zone, _ = time.LoadLocation(zone) // nil where there is none of this name: UTC
	}
	return r
}

// anyLanguage reports whether a tag is that of *, which programs send.
func anyLanguage(tag language.Tag) bool {
	base, _ := tag.Base()
	return tag == language.Und || base.String() == "mul"
}

type readerKey struct{}

// With keeps who reads the answers.
func With(ctx context.Context, r Reader) context.Context {
	return context.WithValue(ctx, readerKey{}, r)
}

// From tells who reads the answers; a program, where nobody said.
func From(ctx context.Context) Reader {
	r, _ := ctx.Value(readerKey{}).(Reader)
	return r
}

// Listen keeps who reads the answers of next.
func Listen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reader := ReaderOf(r.Header.Get(LanguageHeader), r.Header.Get(ZoneHeader))
		w.Header().Add("Vary", LanguageHeader+", "+ZoneHeader)
		next.ServeHTTP(w, r.WithContext(With(r.Context(), reader)))
	})
}

// quotesOf are the quotation marks of a language.
func quotesOf(language string) [2]string {
	switch language {
	case "de":
		return [2]string{"„", "“"}
	case "es":
		return [2]string{"«", "»"}
	}
	return [2]string{"“", "”"}
}

// Moment writes a moment to the minute, as the pages do, in the reader's zone.
func (r Reader) Moment(t time.Time) string { return r.moment(t, "") }

// Second writes a moment with its second.
func (r Reader) Second(t time.Time) string { return r.moment(t, ":05") }

func (r Reader) moment(t time.Time, seconds string) string {
	zone := " UTC"
	if r.Zone == nil {
		t = t.UTC()
	} else {
		t, zone = t.In(r.Zone), ""
	}
	clock := t.Format("15:04" + seconds)
	twelve := t.Format("3:04" + seconds + "\u00a0PM")
	switch r.Language {
	case "es":
		if !slices.Contains(spain, r.Region) {
			clock = strings.NewReplacer("AM", "a.\u00a0m.", "PM", "p.\u00a0m.").Replace(twelve)
		}
	case "en":
		if slices.Contains(monthFirst, r.Region) {
			clock = twelve
		} else if slices.Contains(twelveHours, r.Region) {
			clock = strings.ToLower(twelve)
		}
	case "":
		return t.Format(momentLayout+seconds) + zone
	}
	return r.Day(t) + ", " + clock + zone
}

// Day writes a date.
func (r Reader) Day(t time.Time) string {
	switch r.Language {
	case "de":
		return t.Format("02.01.2006")
	case "es":
		month := [...]string{"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"}
		return fmt.Sprintf("%d %s %d", t.Day(), month[t.Month()-1], t.Year())
	case "en":
		if slices.Contains(monthFirst, r.Region) {
			return t.Format("Jan 2, 2006")
		}
		return t.Format("2 Jan 2006")
	}
	return t.Format(time.DateOnly)
}

// As CLDR has it: spain are the regions where Spanish is written as in Spain; a clock has
// twelve hours in all others. English puts the month first in some, and the day in others,
// of which some have clocks of twelve hours. An empty region is where a language comes from.
var (
	spain       = []string{"", "ES", "EA", "IC", "GQ"}
	monthFirst  = []string{"", "US", "CA", "PH", "MX", "PR"}
	twelveHours = []string{"AU", "NZ", "IN", "SG", "HK", "PK", "MY", "BD", "EG", "JM", "GH"}
)

// number writes a number, which fmt wrote, as the reader's region does.
func (r Reader) number(plain string) string {
	n, err := strconv.ParseFloat(plain, 64)
	if err != nil {
		return plain
	}
	if r.Language == "es" && slices.Contains(spain, r.Region) && math.Abs(n) < 10_000 {
		return strings.Replace(plain, ".", ",", 1) // four digits stand together there
	}
	tag := language.Make(r.Language + "-" + r.Region)
	if r.Region == "" {
		tag = language.Make(r.Language)
	}
	_, decimals, _ := strings.Cut(plain, ".")
	if strings.ContainsAny(decimals, "eE") || len(decimals) > 15 {
		return plain
	}
	return message.NewPrinter(tag).Sprint(number.Decimal(n, number.Scale(len(decimals))))
}

// momentLayout is how programs read a moment, with its zone behind.
const momentLayout = "2006-01-02 15:04"
