package contact_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
)

// TestEachOrderIsPagedForwardAndBack reads lists in pages of three, from both ends.
func TestEachOrderIsPagedForwardAndBack(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	s := contact.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)))
	names := []string{"bea", "Ann", "", "ann", "Zoe", "Émile", "", "Bob", "ann"}
	for i, name := range names {
		_, err := d.NewRaw("INSERT INTO contacts (address, match_key, kind, name) VALUES (?0, ?0, 'phone', ?1)",
			"+49151000000"+string(rune('0'+i)), name).Exec(t.Context())
		require.NoError(t, err)
	}
	var byName []string
	for _, n := range names {
		byName = append(byName, strings.ToLower(n))
	}
	slices.Sort(byName) // by bytes, as the index has it
	var toZ []string
	for _, o := range []contact.Order{contact.OrderNewest, contact.OrderOldest, contact.OrderName, contact.OrderNameDesc} {
		three := 3
		var forward, back []*contact.Contact
		for after := ""; ; {
			page, err := s.List(t.Context(), contact.Filter{}, o, db.Page{First: &three, After: after})
			require.NoError(t, err)
			forward = append(forward, page.Items...)
			if !page.HasNext {
				break
			}
			after = contact.CursorOf(page.Items[len(page.Items)-1], o)
		}
		for before := ""; ; {
			page, err := s.List(t.Context(), contact.Filter{}, o, db.Page{Last: &three, Before: before})
			require.NoError(t, err)
			back = append(slices.Clone(page.Items), back...)
			if !page.HasPrior {
				break
			}
			before = contact.CursorOf(page.Items[0], o)
		}
		require.Len(t, forward, len(names), o)
		require.Equal(t, forward, back, o)
		var got []string
		for _, c := range forward {
			got = append(got, strings.ToLower(c.Name))
		}
		switch o {
		case contact.OrderName:
			require.Equal(t, byName, got)
			for _, c := range forward {
				toZ = append(toZ, c.Address)
			}
		case contact.OrderNameDesc:
			for i, c := range forward {
				require.Equal(t, toZ[len(toZ)-1-i], c.Address, "the other way round, also among equal names")
			}
		default:
			require.Equal(t, o == contact.OrderOldest, forward[0].ID < forward[1].ID)
		}
	}
}
