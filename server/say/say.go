// Package say holds what the server says to people: errors, warnings, advice. A text
// keeps what it was made of, a format and its values, so that it can be said in the
// reader's language and with numbers and times as the reader writes them. The formats
// stand in the sources in English; de.po and es.po beside this file have the others.
package say

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Format is a whole sentence, or a part that stands by itself, as fmt writes it. It is a
// type of its own so that only constants become one: what somebody typed cannot be
// translated, and the test of the catalogues finds each constant by its type.
type Format string

// Text is what is said to people.
type Text struct {
	context Format // of a word that other languages inflect: what it is said of
	format  Format
	values  []any
	texts   []Text // several sentences, instead of a format
}

// New makes a text. A value may be a Text, which is said in the reader's language too. A
// time.Time is written in the reader's zone, and what %d writes is a quantity, with its
// thousands parted; ids and years take %v. What depends on a quantity has two forms:
// "%d <row was|rows were> rejected".
func New(format Format, values ...any) Text { return Text{format: format, values: values} }

// Of makes a word that is a value of other texts. Other languages inflect it by what it is
// said of: "paused" of a campaign and "paused" of a sender.
func Of(context, word Format) Text { return Text{context: context, format: word} }

// Word is what words have for a value of an enum; one that they lack is said as it is.
func Word[E ~string](words map[E]Text, value E) Text {
	if said, known := words[value]; known {
		return said
	}
	return Raw(string(value))
}

// All makes one text of several sentences.
func All(texts ...Text) Text {
	if len(texts) == 1 {
		return texts[0]
	}
	return Text{texts: texts}
}

// Raw is a text that others wrote, such as Twilio, and that stays as it is.
func Raw(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{format: "%s", values: []any{s}}
}

// IsRaw reports whether others wrote it: it reads the same in every language.
func (t Text) IsRaw() bool { return t.format == "%s" && len(t.texts) == 0 && len(t.values) == 1 }

// Empty reports whether nothing is said.
func (t Text) Empty() bool { return t.format == "" && len(t.texts) == 0 }

// String says it in English as programs read it: numbers without signs between thousands,
// moments in UTC.
func (t Text) String() string { return Reader{}.Say(t) }

// Say says a text as the reader reads it. What has no translation is in English.
func (r Reader) Say(t Text) string {
	if len(t.texts) > 0 {
		said := make([]string, len(t.texts))
		for i, one := range t.texts {
			said[i] = r.Say(one)
		}
		return strings.Join(said, "; ")
	}
	format := inflected(r.translation(t.context, t.format), t.values)
	if len(t.values) == 0 {
		return strings.ReplaceAll(string(format), "%%", "%")
	}
	values := make([]any, len(t.values))
	for i, v := range t.values {
		values[i] = shown{r, v, false}
	}
	if r.Language == "de" {
		for _, i := range behindColons(string(format)) {
			if i < len(values) {
				values[i] = shown{r, t.values[i], true}
			}
		}
	}
	said := fmt.Sprintf(string(format), values...)
	if r.Language == "es" {
		said = strings.ReplaceAll(said, "\u00a0m..", "\u00a0m.") // the stop of "p. m." is that of the sentence too
	}
	return said
}

// forms are those of a word or two that depend on a number: "%d <contact is|contacts are> selected", the first where the
// number is 1. It is the number that stands before them, or else the first one of the text.
var forms = regexp.MustCompile(`<([^<>|]*)\|([^<>|]*)>`)

// inflected has of all forms those that the values ask for.
func inflected(format Format, values []any) Format {
	s := string(format)
	if !strings.Contains(s, "|") {
		return format
	}
	numbers := slices.DeleteFunc(placesOf(s), func(p place) bool { return !strings.HasSuffix(p.verb, "d") })
	var out strings.Builder
	last := 0
	for _, at := range forms.FindAllStringSubmatchIndex(s, -1) {
		out.WriteString(s[last:at[0]])
		last = at[1]
		one := false
		for i, n := range numbers {
			if i == 0 || n.at < at[0] {
				one = n.value < len(values) && isOne(values[n.value])
			}
		}
		if one {
			out.WriteString(s[at[2]:at[3]])
		} else {
			out.WriteString(s[at[4]:at[5]])
		}
	}
	out.WriteString(s[last:])
	return Format(out.String())
}

// place is where a value stands in a format, and which of them it is.
type place struct {
	at, value int
	verb      string
}

func placesOf(format string) (all []place) {
	for i, at := range verb.FindAllStringIndex(strings.ReplaceAll(format, "%%", "  "), -1) {
		v := format[at[0]:at[1]]
		if number, _, explicit := strings.Cut(strings.TrimPrefix(v, "%["), "]"); explicit {
			n, _ := strconv.Atoi(number)
			i = n - 1
		}
		all = append(all, place{at[0], i, v})
	}
	return all
}

func isOne(v any) bool {
	n := reflect.ValueOf(v)
	return n.CanInt() && n.Int() == 1 || n.CanUint() && n.Uint() == 1
}

// behindColons are the values that stand behind a colon.
func behindColons(format string) (values []int) {
	for _, p := range placesOf(format) {
		if strings.HasSuffix(format[:p.at], ": ") {
			values = append(values, p.value)
		}
	}
	return values
}

// Span says how long something takes or took, as people do: to as much as matters, and never in microseconds. A
// time.Duration among the values of a text is said so.
func Span(d time.Duration) Text {
	d = d.Abs()
	tenths := d.Round(100 * time.Millisecond)
	seconds := int(d.Round(time.Second) / time.Second)
	minutes := int(d.Round(time.Minute) / time.Minute)
	switch {
	case d < time.Millisecond:
		return New("less than 1 ms")
	case d < time.Second:
		return New("%d ms", d.Milliseconds())
	case tenths < 10*time.Second:
		return New("%g s", tenths.Seconds())
	case seconds < 60:
		return New("%d s", seconds)
	case seconds < 3600 && seconds%60 == 0:
		return New("%d min", seconds/60)
	case seconds < 3600:
		return New("%d min %d s", seconds/60, seconds%60)
	case minutes < 48*60 && minutes%60 == 0:
		return New("%d h", minutes/60)
	case minutes < 48*60:
		return New("%d h %d min", minutes/60, minutes%60)
	}
	return New("%d <day|days>", int(d/(24*time.Hour)))
}

// Day is a value that is written without its time of day, as it stands in the moment's own zone.
type Day time.Time

// Second is a moment that is written with its second, where things follow each other closely.
type Second time.Time

// shown writes a value as its reader does.
type shown struct {
	reader  Reader
	value   any
	capital bool // a sentence behind a colon begins with one in German
}

// Format implements fmt.Formatter.
func (s shown) Format(f fmt.State, verb rune) {
	value := s.value
	switch v := value.(type) {
	case Text:
		said := s.reader.Say(v)
		if s.capital && strings.Contains(string(v.format), " ") {
			first, size := utf8.DecodeRuneInString(said)
			said = string(unicode.ToUpper(first)) + said[size:]
		}
		value = said
	case Format:
		value = s.reader.Say(New(v))
	case interface{ Said() Text }: // an enum, such as a status
		value = s.reader.Say(v.Said())
	case time.Time:
		value = s.reader.Moment(v)
	case *time.Time:
		value = s.reader.Moment(*v)
	case time.Duration:
		value = s.reader.Say(Span(v))
	case Day:
		value = s.reader.Day(time.Time(v))
	case Second:
		value = s.reader.Second(time.Time(v))
	}
	r := s.reader
	if r.Language == "" {
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), value)
		return
	}
	switch verb {
	case 'd', 'g':
		_, _ = f.Write([]byte(r.number(fmt.Sprintf(fmt.FormatString(f, verb), value))))
	case 'q':
		text := fmt.Sprintf(fmt.FormatString(f, verb), value)
		if len(text) >= 2 {
			text = text[1 : len(text)-1]
		}
		quotes := quotesOf(r.Language)
		_, _ = fmt.Fprint(f, quotes[0], strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text), quotes[1])
	default:
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), value)
	}
}

// And joins the parts of a sentence: "a list and cards", "cards, a catalog and a flow".
func And(parts ...Text) Text {
	if len(parts) == 0 {
		return Text{}
	}
	all := parts[0]
	for i, part := range parts[1:] {
		if i == len(parts)-2 {
			return New("%s and %s", all, part)
		}
		all = New("%s, %s", all, part)
	}
	return all
}

// List names things one after the other.
func List(parts ...Text) Text {
	var all Text
	for i, part := range parts {
		if all = New("%s, %s", all, part); i == 0 {
			all = part
		}
	}
	return all
}

// IsZero reports the same as Empty, for encoding/json.
func (t Text) IsZero() bool { return t.Empty() }

// MarshalText implements encoding.TextMarshaler: in English.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
