package contact_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// statements counts what is asked of Postgres.
type statements struct{ n atomic.Int64 }

func (s *statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	s.n.Add(1)
	return ctx
}

func (s *statements) AfterQuery(context.Context, *bun.QueryEvent) {}

// TestDuplicatesOfManyAreFoundTogether: a list of contacts does not ask for each of them.
func TestDuplicatesOfManyAreFoundTogether(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	made := func(i int, name string, attributes map[string]any) int64 {
		t.Helper()
		a, err := contact.ParseAddress(fmt.Sprintf("+4915%09d", 100000000+i), "")
		require.NoError(t, err)
		c := contact.New(a)
		c.Name, c.Attributes = name, attributes
		contacttest.Insert(t, d, c)
		return c.ID
	}
	anna, anna2 := made(0, "Anna", nil), made(1, "anna", map[string]any{"email": "a@example.com"})
	mail := made(2, "Somebody Else", map[string]any{"email": "a@example.com"})
	other := made(3, "Somebody", map[string]any{"Email": "a@example.com", "city": "Paris"})
	erased := made(4, "Anna", map[string]any{"email": "a@example.com"})
	_, err := d.NewRaw("UPDATE contacts SET erased_at = now() WHERE id = ?", erased).Exec(t.Context())
	require.NoError(t, err)
	var all []int64
	for i := range 200 {
		all = append(all, made(100+i, "Common Name", map[string]any{"crm_id": fmt.Sprint(i / 20)}))
	}
	count := &statements{}
	s := contact.NewService(&db.DB{DB: d.WithQueryHook(count), Pool: d.Pool},
		pubsub.New(d.Pool, slog.New(slog.DiscardHandler)))
	found, err := s.Duplicates(t.Context(), append([]int64{anna, anna2, mail, other}, all...))
	require.NoError(t, err)
	require.LessOrEqual(t, count.n.Load(), int64(3), "however many they are")
	ids := func(of int64) (out []int64) {
		for _, c := range found[of] {
			out = append(out, c.ID)
		}
		return out
	}
	require.Equal(t, []int64{anna2}, ids(anna), "the same name")
	require.Equal(t, []int64{anna, mail}, ids(anna2), "the same name, and the same address")
	require.Equal(t, []int64{anna2}, ids(mail))
	require.Empty(t, ids(other), "an attribute of another name is another attribute")
	require.Len(t, ids(all[0]), 10, "ten at most, and a common name says nothing")
	require.NotContains(t, ids(all[0]), all[0])
	none, err := s.Duplicates(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}
