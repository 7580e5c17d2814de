package graph

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"

	"github.com/stretchr/testify/require"
)

type costOfAnswer struct {
	Requested, Remaining, Limit int
	Resets                      time.Time
}

func (a answer) cost(t *testing.T) (c costOfAnswer) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.Extensions["cost"], &c), a.body)
	return c
}

// TestAnAnswerTellsWhatItCost and what is left, as long as there is something left.
func TestAnAnswerTellsWhatItCost(t *testing.T) {
	t.Parallel()
	h := bareHandler()
	document := "{ "
	for i := range 100 {
		document += fmt.Sprintf("a%d: viewer { email name role active } ", i)
	}
	document += "}"
	price, reading := priced(t, document), 1+len(document)/bytesPerUnit
	first := ask(t, h, somebody, document).cost(t)
	require.Equal(t, costOfAnswer{
		Requested: price + reading, Remaining: operatorBudget - price - reading, Limit: operatorBudget, Resets: first.Resets,
	}, first, "with what it costs to read it the first time")
	second := ask(t, h, somebody, document).cost(t)
	require.Equal(t, price, second.Requested)
	require.Equal(t, first.Remaining-price, second.Remaining)

	stranger := ask(t, h, actor.Actor{}, document).cost(t)
	require.Equal(t, strangerBudget, stranger.Limit)
	require.Equal(t, strangerBudget-price, stranger.Remaining)
	var refusal answer
	for range strangerBudget {
		if refusal = ask(t, h, actor.Actor{}, document); refusal.code() != "" {
			break
		}
	}
	require.Equal(t, "RATE_LIMITED", refusal.code(), refusal.body)
	require.Contains(t, refusal.body, `"retryAfter":`)
	require.Less(t, refusal.cost(t).Remaining, price)
	require.Equal(t, strangerBudget, refusal.cost(t).Limit)
	require.Empty(t, ask(t, h, somebody, `{ __typename }`).Errors, "others go on")
}

// TestWhatIsRefusedIsPaidForToo: reading a document takes time, whatever it says.
func TestWhatIsRefusedIsPaidForToo(t *testing.T) {
	t.Parallel()
	h := bareHandler()
	wrong := `{ nosuch } #` + strings.Repeat("x", 50_000)
	require.Equal(t, 1+len(wrong)/bytesPerUnit, ask(t, h, actor.Actor{}, wrong).cost(t).Requested)
	var last answer
	for range strangerBudget {
		if last = ask(t, h, actor.Actor{}, wrong); last.code() == "RATE_LIMITED" {
			break
		}
	}
	require.Equal(t, "RATE_LIMITED", last.code(), last.body)
}

// TestWhoIsNotSignedInIsToldSo, however dear the question is: a page whose session has
// ended must not spend the budget that signing in needs.
func TestWhoIsNotSignedInIsToldSo(t *testing.T) {
	t.Parallel()
	h := bareHandler()
	dear := `{ contacts(first: 100) { nodes { consentEvents { nodes { id } } } } }`
	require.Greater(t, priced(t, dear), strangerBudget)
	got := ask(t, h, actor.Actor{}, dear)
	require.Equal(t, "UNAUTHENTICATED", got.code(), got.body)
	require.Less(t, got.cost(t).Requested, 5)
}
