// Package scalar reads and writes the schema's scalars. What cannot be read is named
// with what is allowed: these texts are shown to whoever sent it.
package scalar

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
)

// Limits of JSON values.
const (
	MaxJSONBytes = 128 << 10
	MaxJSONDepth = 32
	maxDigits    = 100 // of a number
	maxExponent  = 300
)

func invalid(v any, want say.Format, values ...any) error {
	return apperr.Invalid("", "%s is not %s", shown(v), say.New(want, values...))
}

// shown is a value as a message repeats it.
func shown(v any) string {
	text := fmt.Sprint(v)
	switch x := v.(type) {
	case string:
		text = strconv.Quote(x)
	case map[string]any, []any:
		raw, err := json.Marshal(x)
		if err != nil {
			return "this"
		}
		text = string(raw)
	}
	const longest = 80
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// CheckText refuses what no database keeps as text.
func CheckText(s string) error {
	switch {
	case strings.ContainsRune(s, 0):
		return apperr.Invalid("", "%s holds the character U+0000, which no text may hold", shown(s))
	case !utf8.ValidString(s):
		return apperr.Invalid("", "%s is not UTF-8", shown(s))
	}
	return nil
}

func readText(v any, want say.Format) (string, error) {
	var s string
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		s = x
	case json.Number:
		s = x.String()
	case int64:
		s = strconv.FormatInt(x, 10)
	case int:
		s = strconv.Itoa(x)
	default:
		return "", invalid(v, want)
	}
	return s, CheckText(s)
}

// MarshalString writes a text.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString reads a text.
func UnmarshalString(v any) (string, error) { return readText(v, "a text") }

// MarshalText writes what the server says, in the reader's language.
func MarshalText(t say.Text) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(ctx context.Context, w io.Writer) error {
		graphql.MarshalString(say.From(ctx).Say(t)).MarshalGQL(w)
		return nil
	})
}

// UnmarshalText is never called: nobody sends such a text.
func UnmarshalText(context.Context, any) (say.Text, error) {
	return say.Text{}, apperr.Invalid("", "this text is only sent")
}

// MarshalID writes an id.
func MarshalID(s string) graphql.Marshaler { return graphql.MarshalID(s) }

// UnmarshalID reads an id.
func UnmarshalID(v any) (string, error) { return readText(v, "an id") }

// MarshalLocalTime writes a time of day.
func MarshalLocalTime(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalLocalTime reads a time of day; who needs it tells whether it is one.
func UnmarshalLocalTime(v any) (string, error) {
	return readText(v, "a time of day: want 24 hours, such as 21:00")
}

// MarshalLocalDate writes a day.
func MarshalLocalDate(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalLocalDate reads a day; who needs it tells whether it is one.
func UnmarshalLocalDate(v any) (string, error) { return readText(v, "a day: want 2026-12-01") }

// MarshalPhoneNumber writes a number.
func MarshalPhoneNumber(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalPhoneNumber reads a number in any spelling.
func UnmarshalPhoneNumber(v any) (string, error) { return readText(v, "a phone number") }

// MarshalDateTime writes a moment, in UTC and to the microsecond, as Postgres keeps it.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.MarshalTime(t.UTC().Truncate(time.Microsecond))
}

// UnmarshalDateTime reads a moment.
func UnmarshalDateTime(v any) (time.Time, error) {
	const want = "a moment: want RFC 3339 with a zone, such as 2026-11-23T10:00:00Z"
	s, ok := v.(string)
	if v == nil {
		return time.Time{}, nil
	}
	if !ok {
		return time.Time{}, invalid(v, want)
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, invalid(v, want)
	}
	if !db.InYears(t) {
		return time.Time{}, apperr.Invalid("", "%s is out of range: the years %v to %v", shown(v), db.FirstYear, db.LastYear)
	}
	return t, nil
}

// MarshalInt writes a whole number.
func MarshalInt(n int) graphql.Marshaler { return graphql.MarshalInt(n) }

// UnmarshalInt reads a whole number of 32 bits.
func UnmarshalInt(v any) (int, error) {
	n, err := wholeNumber(v)
	if err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, invalid(v, "a whole number from -2147483648 to 2147483647")
	}
	return int(n), nil
}

// MarshalInt64 writes a whole number.
func MarshalInt64(n int64) graphql.Marshaler { return graphql.MarshalInt64(n) }

// UnmarshalInt64 reads a whole number, also as a text: not every client has numbers of
// 63 bits.
func UnmarshalInt64(v any) (int64, error) {
	n, err := graphql.UnmarshalInt64(v)
	if err != nil {
		return 0, invalid(v, "a whole number of at most 63 bits")
	}
	return n, nil
}

func wholeNumber(v any) (int64, error) {
	if _, text := v.(string); text {
		return 0, strconv.ErrSyntax
	}
	return graphql.UnmarshalInt64(v)
}

// MarshalFloat writes a number.
func MarshalFloat(f float64) graphql.ContextMarshaler { return graphql.MarshalFloatContext(f) }

// UnmarshalFloat reads a number.
func UnmarshalFloat(_ context.Context, v any) (float64, error) {
	if _, text := v.(string); text {
		return 0, invalid(v, "a number")
	}
	f, err := graphql.UnmarshalFloat(v)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, invalid(v, "a number")
	}
	return f, nil
}

// MarshalUpload writes a file.
func MarshalUpload(f graphql.Upload) graphql.Marshaler { return graphql.MarshalUpload(f) }

// UnmarshalUpload reads a file.
func UnmarshalUpload(v any) (graphql.Upload, error) {
	f, ok := v.(graphql.Upload)
	if !ok || f.File == nil {
		return graphql.Upload{}, invalid(v, "a file: send it by a multipart request")
	}
	const longest = 255
	if len(f.Filename) > longest {
		return f, apperr.Invalid("", "the file's name takes %d bytes, at most %d are allowed", len(f.Filename), longest)
	}
	return f, CheckText(f.Filename)
}

// MarshalJSON writes raw JSON as it stands.
func MarshalJSON(v json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		if len(v) == 0 {
			_, _ = io.WriteString(w, "null")
			return
		}
		_, _ = w.Write(v)
	})
}

// UnmarshalJSON keeps any JSON value raw. Numbers keep their digits.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	v, err := readJSON(v, 1)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, invalid("this", "JSON")
	}
	if len(raw) > MaxJSONBytes {
		return nil, apperr.Invalid("", "it takes %d bytes of JSON, at most %d are allowed", len(raw), MaxJSONBytes)
	}
	return raw, nil
}

// readJSON checks a value, and makes an empty list of the nil that gqlparser reads from
// a literal [] in a document: as JSON that would be null.
func readJSON(v any, depth int) (any, error) {
	if depth > MaxJSONDepth {
		return nil, apperr.Invalid("", "it nests more than %d deep", MaxJSONDepth)
	}
	switch x := v.(type) {
	case string:
		return x, CheckText(x)
	case json.Number:
		return x, checkNumber(x.String())
	case float64:
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, invalid(v, "a number")
		}
		return x, nil
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			var err error
			if out[i], err = readJSON(item, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(x))
		for key, item := range x {
			if err := CheckText(key); err != nil {
				return nil, err
			}
			var err error
			if out[key], err = readJSON(item, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// checkNumber refuses numbers that Postgres does not keep, or only as very long ones.
func checkNumber(s string) error {
	digits, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	n := 0
	var err error
	if scientific {
		n, err = strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	}
	if err != nil || len(digits) > maxDigits || n > maxExponent || n < -maxExponent {
		return invalid(s, "a number of at most %d digits and an exponent of -%d to %d", maxDigits, maxExponent, maxExponent)
	}
	return nil
}
