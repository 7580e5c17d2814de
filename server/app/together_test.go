package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"eventstream/server/db"

	"github.com/stretchr/testify/require"
)

// TestNestedListsAreReadTogether: what lies below each of many costs no statement for
// each of them.
func TestNestedListsAreReadTogether(t *testing.T) {
	t.Parallel()
	e := start(t)
	const people = 130 // the loaders of a busy machine join less, but nowhere near one by one
	e.small(people)
	e.exec("UPDATE contacts SET attributes = jsonb_build_object('email', 'm' || id % 20 || '@example.com')")
	e.says("+4915100000000", "Hello")
	require.Eventually(t, func() bool { return e.query("SELECT count(*) FROM conversations") == 1 }, patience, 20*time.Millisecond)
	asked := func() int64 { return e.DB().Stats()[db.PoolInteractive].AcquireCount() }
	statements := func(first int) int64 {
		before := asked()
		var out struct {
			Contacts struct{ Nodes []struct{ ID string } }
		}
		e.do(&out, fmt.Sprintf(`{ contacts(first: %d) { nodes { id tags suppression { id } conversation { id }
			messages(first: 2) { nodes { id events { id } contact { id } } pageInfo { hasNextPage } }
			consentEvents(first: 2) { nodes { id contact { id } } }
			possibleDuplicates { id } } } }`, first), nil)
		require.Len(t, out.Contacts.Nodes, first)
		return asked() - before
	}
	few, many := statements(2), statements(people)
	require.Less(t, many, int64(people), "%d statements for 2 contacts, %d for %d", few, many, people)
}

// TestAPageOfOneIsThePageOfMany: reading lists together gives each its own page.
func TestAPageOfOneIsThePageOfMany(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	for i := range 3 {
		for n := range i + 2 {
			e.says(fmt.Sprintf("+4915%09d", 100000000+i), fmt.Sprintf("Message %d", n))
		}
	}
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM messages WHERE direction = 'inbound'") == 2+3+4
	}, patience, 20*time.Millisecond)
	type page struct {
		Nodes    []struct{ Body string }
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
	}
	var out struct {
		Contacts struct {
			Nodes []struct {
				Messages, Rest page
			}
		}
	}
	e.do(&out, `{ contacts(orderBy: OLDEST) { nodes { messages(first: 2) { nodes { body } pageInfo { hasNextPage endCursor } } } } }`, nil)
	require.Len(t, out.Contacts.Nodes, 3)
	for i, c := range out.Contacts.Nodes {
		newest := i + 1
		require.Equal(t, fmt.Sprintf("Message %d", newest), c.Messages.Nodes[0].Body)
		require.Len(t, c.Messages.Nodes, 2)
		require.Equal(t, i > 0, c.Messages.PageInfo.HasNextPage)
	}
	after := out.Contacts.Nodes[1].Messages.PageInfo.EndCursor
	e.do(&out, `query($a: String) { contacts(orderBy: OLDEST) { nodes { messages: messages(first: 1) { nodes { body } }
		rest: messages(first: 5, after: $a) { nodes { body } pageInfo { hasNextPage } } } } }`, map[string]any{"a": after})
	require.Equal(t, "Message 0", out.Contacts.Nodes[1].Rest.Nodes[0].Body)
	require.False(t, out.Contacts.Nodes[1].Rest.PageInfo.HasNextPage)
	_, errs := e.raw(`{ contacts { nodes { ok: messages(first: 1) { nodes { body } } bad: messages(after: "x") { nodes { body } } } } }`, nil)
	require.NotEmpty(t, errs)
	for _, err := range errs {
		require.Equal(t, "INVALID", err.Extensions.Code, err.Message)
		require.True(t, strings.Contains(err.Message, "cursor"), err.Message)
	}
	_, errs = e.raw(`{ contacts { nodes { messages(first: -1) { nodes { body } } } } }`, nil)
	require.Contains(t, errs[0].Message, "-1 is out of range")
}
