package db_test

import (
	"testing"

	"eventstream/server/db"

	"github.com/stretchr/testify/require"
)

// FuzzParseCursor: a cursor that is taken says where it points, and is given again for that place.
func FuzzParseCursor(f *testing.F) {
	f.Add(db.Cursor("2026-11-26T00:00:00Z", 7))
	f.Add("")
	f.Add("eyJ2IjoiXHUwMDAwIiwiaSI6MX0")
	f.Fuzz(func(t *testing.T, text string) {
		value, id, err := db.ParseCursor("after", text)
		if err != nil {
			require.NotContains(t, err.Error(), "runtime error")
			return
		}
		again, n, err := db.ParseCursor("after", db.Cursor(value, id))
		require.NoError(t, err)
		require.Equal(t, value, again)
		require.Equal(t, id, n)
	})
}
