package scalar

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"eventstream/server/apperr"

	"github.com/stretchr/testify/require"
)

func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	n, err := UnmarshalInt64("9223372036854775807")
	require.NoError(t, err)
	require.EqualValues(t, 9_223_372_036_854_775_807, n)
	id, err := UnmarshalID(json.Number("42"))
	require.NoError(t, err)
	require.Equal(t, "42", id)
	at, err := UnmarshalDateTime("2026-11-23T10:00:00.123456+01:00")
	require.NoError(t, err)
	require.Equal(t, 9, at.UTC().Hour())
	raw, err := UnmarshalJSON(map[string]any{"a": []any(nil), "b": json.Number("1.50")})
	require.NoError(t, err)
	require.JSONEq(t, `{"a": [], "b": 1.50}`, string(raw))
	require.Contains(t, string(raw), "1.50", "numbers keep their digits")
}

// FuzzScalars: whatever comes in is read or refused with a text for people, and what was
// read holds nothing that Postgres refuses.
func FuzzScalars(f *testing.F) {
	for _, s := range []string{
		`"x"`, `"\u0000"`, `1`, `1e400000`, `-0`, `"2027-01-01T08:00:00"`, `{"a": {"b": [null, true]}}`, `{"\u0000": 1}`,
		strings.Repeat("[", 50) + strings.Repeat("]", 50),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) != nil {
			t.Skip()
		}
		for name, read := range map[string]func(any) error{
			"String":   func(v any) error { _, err := UnmarshalString(v); return err },
			"ID":       func(v any) error { _, err := UnmarshalID(v); return err },
			"Int":      func(v any) error { _, err := UnmarshalInt(v); return err },
			"Int64":    func(v any) error { _, err := UnmarshalInt64(v); return err },
			"Float":    func(v any) error { _, err := UnmarshalFloat(t.Context(), v); return err },
			"DateTime": func(v any) error { _, err := UnmarshalDateTime(v); return err },
			"Upload":   func(v any) error { _, err := UnmarshalUpload(v); return err },
			"JSON": func(v any) error {
				raw, err := UnmarshalJSON(v)
				if err == nil {
					var kept any
					require.NoError(t, json.Unmarshal(raw, &kept))
					require.NotContains(t, fmt.Sprint(kept), "\x00")
				}
				return err
			},
		} {
			if err := read(v); err != nil {
				require.True(t, apperr.Is(err, apperr.CodeInvalid), "%s: %v", name, err)
				require.LessOrEqual(t, len(apperr.Text(err).String()), 400)
			}
		}
	})
}

func TestMomentsAreSentInUTCWithMicroseconds(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Time]string{
		time.Date(2027, 1, 5, 10, 0, 0, 0, time.FixedZone("", 14*60*60)): `"2027-01-04T20:00:00Z"`,
		time.Date(2027, 1, 5, 10, 0, 0, 123456789, time.UTC):             `"2027-01-05T10:00:00.123456Z"`,
		{}: "null",
	} {
		var out strings.Builder
		MarshalDateTime(at).MarshalGQL(&out)
		require.Equal(t, want, out.String())
	}
}
