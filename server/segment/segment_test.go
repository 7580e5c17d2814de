package segment_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/db/dbtest"
	"eventstream/server/segment"

	"github.com/stretchr/testify/require"
)

func TestParseNamesThePathWhatWasFoundAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		`{"field": "citty", "op": "eq", "value": 1}`: {
			"query.field", `"citty"`,
			"attributes.<key>",
		},
		`{"all": [{"field": "name", "op": "like", "value": "x"}]}`: {
			"query.all[0].op", `"like"`,
			"contains",
		},
		`{"any": [{"not": {"field": "created_at", "op": "before", "value": "soon"}}]}`: {
			"query.any[0].not.value",
			`"soon"`, "2026-11-01",
		},
		`{"field": "consent_status", "op": "eq", "value": "maybe"}`:             {`"maybe"`, "opted_in"},
		`{"field": "attributes.n", "op": "between", "value": [1]}`:              {"query.value", "two values"},
		`{"field": "last_inbound_at", "op": "within_last", "value": "30 days"}`: {"30d"},
		`{"random": {"percent": 101}}`: {
			"query.random.percent",
			"0 to 100",
		},
		`{"segment": "x"}`:                   {"query.segment"},
		`{"event": "forwarded"}`:             {"query.event", "received"},
		`{"conditions": [], "logic": "XOR"}`: {"query.logic", "XOR"},
		`[1]`:                                {"query", "object"},
		`{"all": `:                           {"not JSON"},
		strings.Repeat(`{"not":`, 9) + `{"all":[]}` + strings.Repeat("}", 9):              {"8 deep"},
		`{"all":[` + strings.Repeat(`{"field":"name","op":"exists"},`, 100) + `{"a":1}]}`: {"100 conditions"},
	} {
		_, err := segment.Parse(json.RawMessage(query))
		require.Error(t, err, query)
		for _, part := range want {
			require.ErrorContains(t, err, part, query)
		}
	}
}

func TestFormatKeepsTheMeaning(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"city": "Paris", "vip": true}`:                                                            `{"all":[{"field":"attributes.city","op":"eq","value":"Paris"},{"field":"attributes.vip","op":"eq","value":true}]}`,
		`{"attribute": "city", "operator": "equals", "value": "Paris"}`:                             `{"field":"attributes.city","op":"eq","value":"Paris"}`,
		`{"conditions": [{"attribute": "a", "operator": "contains", "value": "b"}], "logic": "OR"}`: `{"any":[{"field":"attributes.a","op":"contains","value":"b"}]}`,
		`{"not": {"random": {"percent": 10, "salt": "autumn"}}}`:                                    `{"not":{"random":{"percent":10,"salt":"autumn"}}}`,
		`{"event": "read", "within_last": "30d", "count": {"op": "gte", "value": 2}}`:               `{"count":{"op":"gte","value":2},"event":"read","within_last":"30d"}`,
	} {
		n, err := segment.Parse(json.RawMessage(in))
		require.NoError(t, err, in)
		require.JSONEq(t, want, string(segment.Format(n)), in)
		again, err := segment.Parse(segment.Format(n))
		require.NoError(t, err)
		require.JSONEq(t, string(segment.Format(n)), string(segment.Format(again)))
	}
}

func TestQueriesFindWhomTheyMean(t *testing.T) {
	t.Parallel()
	ctx := actor.With(context.Background(), actor.System)
	d := dbtest.New(t)
	people := map[string]map[string]any{
		"+4915112345670": {"city": "Berlin", "points": 10, "vip": true, "since": "2026-02-30", "tags": []string{"a", "b"}},
		"+4915112345671": {"city": "Paris", "points": "10", "vip": "yes", "since": "2026-03-01"},
		"+33612679473": {
			"city": "Paris", "points": 25.5, "nested": map[string]any{"deep": "x"},
			"since": "2026-10-01T10:00:00Z",
		},
		"+393123836094": {"city": nil, "quote": `O'Brien "x" ? %_\`},
	}
	order := []string{"+4915112345670", "+4915112345671", "+33612679473", "+393123836094"}
	for i, address := range order {
		a, err := contact.ParseAddress(address, "")
		require.NoError(t, err)
		c := contact.New(a)
		c.Name, c.Attributes = string(rune('A'+i)), people[address]
		if i == 0 {
			c.ConsentStatus = contact.ConsentOptedIn
		}
		contacttest.Insert(t, d, c)
	}
	s := segment.NewService(d)
	paris, err := s.Create(ctx, segment.Input{Name: ptr("Paris"), Query: json.RawMessage(`{"city": "Paris"}`)})
	require.NoError(t, err)
	require.EqualValues(t, 2, *paris.LastCount)
	for query, want := range map[string]string{
		`{"all": []}`:                    "ABCD",
		`{"any": []}`:                    "",
		`{"city": "Paris"}`:              "BC",
		`{"points": 10}`:                 "A",
		`{"points": "10"}`:               "B",
		`{"vip": true}`:                  "A",
		`{"consent_status": "opted_in"}`: "A",
		`{"field": "attributes.points", "op": "gte", "value": 10}`:                              "AC",
		`{"field": "attributes.points", "op": "between", "value": [10, 20]}`:                    "A",
		`{"field": "attributes.city", "op": "ne", "value": "Paris"}`:                            "AD",
		`{"field": "attributes.city", "op": "in", "value": ["Paris", "Rome"]}`:                  "BC",
		`{"field": "attributes.city", "op": "not_in", "value": ["Paris"]}`:                      "AD",
		`{"field": "attributes.city", "op": "contains", "value": "ARI"}`:                        "BC",
		`{"field": "attributes.city", "op": "starts_with", "value": "Ber"}`:                     "A",
		`{"field": "attributes.city", "op": "not_exists"}`:                                      "D",
		`{"field": "attributes.tags", "op": "contains", "value": "b"}`:                          "A",
		`{"field": "attributes.nested.deep", "op": "eq", "value": "x"}`:                         "C",
		`{"field": "attributes.since", "op": "after", "value": "2026-02-01"}`:                   "BC",
		`{"field": "attributes.since", "op": "between", "value": ["2026-01-01", "2026-04-01"]}`: "B",
		`{"field": "attributes.quote", "op": "eq", "value": "O'Brien \"x\" ? %_\\"}`:            "D",
		`{"field": "attributes.quote", "op": "ends_with", "value": "%_\\"}`:                     "D",
		`{"field": "attributes.a' OR 1=1 --", "op": "exists"}`:                                  "",
		`{"field": "address", "op": "eq", "value": "0049 151 123 456 70"}`:                      "A",
		`{"field": "region", "op": "in", "value": ["FR", "IT"]}`:                                "CD",
		`{"field": "created_at", "op": "within_last", "value": "1h"}`:                           "ABCD",
		`{"field": "last_inbound_at", "op": "not_within_last", "value": "1h"}`:                  "ABCD",
		`{"field": "name", "op": "contains", "value": "?"}`:                                     "",
		`{"not": {"city": "Paris"}}`:                                                            "AD",
		`{"all": [{"segment": "U2VnbWVudDox"}, {"not": {"points": "10"}}]}`:                     "C",
		`{"event": "delivered", "count": {"op": "eq", "value": 0}}`:                             "ABCD",
		`{"random": {"percent": 100}}`:                                                          "ABCD",
		`{"random": {"percent": 0}}`:                                                            "",
	} {
		p, err := s.Preview(ctx, json.RawMessage(query), 10)
		require.NoError(t, err, query)
		got := make([]string, len(p.Sample))
		for i, c := range p.Sample {
			got[len(got)-1-i] = c.Name // newest first
		}
		require.Equal(t, want, strings.Join(got, ""), query)
		require.EqualValues(t, len(want), p.Count, query)
	}
	_, err = s.Update(ctx, paris.ID, segment.Input{Query: json.RawMessage(`{"segment": "U2VnbWVudDox"}`)})
	require.ErrorContains(t, err, "names itself")
	_, err = s.Create(ctx, segment.Input{Name: ptr("paris"), Query: json.RawMessage(`{"all": []}`)})
	require.ErrorContains(t, err, "already")
	_, err = s.Create(ctx, segment.Input{Name: ptr("In Paris"), Query: json.RawMessage(`{"segment": "U2VnbWVudDox"}`)})
	require.NoError(t, err)
	require.ErrorContains(t, s.Delete(ctx, paris.ID), "In Paris")
}

func FuzzParse(f *testing.F) {
	for _, q := range []string{
		`{"city":"Paris"}`, `{"all":[{"field":"name","op":"eq","value":"x"}]}`,
		`{"not":{"random":{"percent":1}}}`,
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		n, err := segment.Parse(json.RawMessage(q))
		if err != nil {
			return
		}
		_, err = segment.Parse(segment.Format(n))
		require.NoError(t, err, "what was taken is taken again")
		p, err := segment.Compile(context.Background(), n, func(context.Context, int64) (segment.Node,
			error,
		) {
			return segment.All{}, nil
		})
		require.NoError(t, err)
		require.Equal(t, strings.Count(p.SQL, "?"), len(p.Args))
	})
}

func ptr[T any](v T) *T { return &v }
