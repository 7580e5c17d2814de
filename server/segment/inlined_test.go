package segment_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db/dbtest"
	"eventstream/server/globalid"
	"eventstream/server/segment"

	"github.com/stretchr/testify/require"
)

// allOf is a query of n conditions alike.
func allOf(n int, condition string) json.RawMessage {
	return json.RawMessage(`{"all": [` + strings.TrimSuffix(strings.Repeat(condition+",", n), ",") + `]}`)
}

func naming(id int64) string { return fmt.Sprintf(`{"segment": %q}`, globalid.Encode("Segment", id)) }

const inParis = `{"field": "attributes.city", "op": "eq", "value": "Paris"}`

// TestConditionsAreCountedWithTheSegmentsWrittenOut: a hundred times a segment of a
// hundred is ten thousand conditions for every contact.
func TestConditionsAreCountedWithTheSegmentsWrittenOut(t *testing.T) {
	t.Parallel()
	s := segment.NewService(dbtest.New(t))
	ctx := actor.With(t.Context(), actor.System)
	hundred, err := s.Create(ctx, segment.Input{Name: text("hundred"), Query: allOf(100, inParis)})
	require.NoError(t, err)
	refused := func(err error) {
		t.Helper()
		require.True(t, apperr.Is(err, apperr.CodeInvalid), "%v", err)
		require.Contains(t, apperr.Text(err).String(), "written out")
		require.Contains(t, apperr.Text(err).String(), "200 conditions")
	}
	square := allOf(100, naming(hundred.ID))
	_, err = s.Create(ctx, segment.Input{Name: text("square"), Query: square})
	refused(err)
	_, err = s.Preview(ctx, square, 10)
	refused(err)
	_, err = s.CountQuery(ctx, square)
	refused(err)
	refused(s.NarrowList(ctx, &contact.Filter{Query: square}))
	once := allOf(1, naming(hundred.ID))
	_, err = s.Preview(ctx, once, 10)
	require.NoError(t, err, "what fits is counted")

	// Nor does a segment grow under those who name it, however far round.
	small, err := s.Create(ctx, segment.Input{Name: text("small"), Query: allOf(1, inParis)})
	require.NoError(t, err)
	middle, err := s.Create(ctx, segment.Input{Name: text("middle"), Query: allOf(10, naming(small.ID))})
	require.NoError(t, err)
	_, err = s.Create(ctx, segment.Input{Name: text("large"), Query: allOf(5, naming(middle.ID))})
	require.NoError(t, err)
	_, err = s.Update(ctx, small.ID, segment.Input{Query: allOf(4, inParis)})
	require.True(t, apperr.Is(err, apperr.CodeInvalid), "%v", err)
	require.Contains(t, apperr.Text(err).String(), `"large"`)
	_, err = s.Update(ctx, small.ID, segment.Input{Query: allOf(2, inParis)})
	require.NoError(t, err)

	groups := allOf(1500, `{"any": []}`)
	_, err = s.Preview(ctx, groups, 0)
	require.True(t, apperr.Is(err, apperr.CodeInvalid), "%v", err)
}
